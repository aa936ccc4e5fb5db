//! Being asked to stop.
//!
//! The first SIGINT or SIGTERM is noted; the run stops at its next safe point and
//! puts the node back. A second one is obeyed at once: what is left is for the
//! journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::sys::signal::{SigSet, Signal};
use tokio::sync::Notify;

use crate::{Error, Result};

/// Whether, and how, the run was asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    signal: AtomicI32,
    undoing: AtomicBool,
    notify: Notify,
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP over from here on. To be called before the
    /// process has any other thread: they inherit the blocked signals.
    pub fn catch(&self) -> Result<()> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.add(Signal::SIGTERM);
        signals.add(Signal::SIGHUP);
        signals.thread_block().map_err(Error::errno("block signals for", "this process"))?;
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            while let Ok(signal) = signals.wait() {
                if shared.signal.swap(signal as i32, Ordering::SeqCst) != 0 {
                    std::process::exit(128 + signal as i32);
                }
                shared.notify.notify_waiters();
            }
        });
        Ok(())
    }

    /// An error if the run was asked to stop: the safe points call this.
    pub fn check(&self) -> Result<()> {
        match self.name() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(()),
        }
    }

    /// Forgets the request, because it is being followed: undoing is not stopped
    /// by the signal that asked for it.
    pub(super) fn clear(&self) {
        self.shared.undoing.store(true, Ordering::SeqCst);
    }

    /// Resolves when the run is asked to stop.
    pub(super) async fn raised(&self) -> &'static str {
        loop {
            let notified = self.shared.notify.notified();
            if let Some(signal) = self.name() {
                return signal;
            }
            notified.await;
        }
    }

    fn name(&self) -> Option<&'static str> {
        if self.shared.undoing.load(Ordering::SeqCst) {
            return None;
        }
        match self.shared.signal.load(Ordering::SeqCst) {
            0 => None,
            number => Some(Signal::try_from(number).map_or("a signal", Signal::as_str)),
        }
    }
}
