//! Being asked to stop.
//!
//! The first SIGINT or SIGTERM is noted; the run stops at its next safe point and
//! puts the node back. A second one is obeyed at once: what is left is for the
//! journal. SIGHUP is the same the first time; but a terminal that closes may send
//! it twice, and leaves nobody behind who could be impatient.
//!
//! What the caller has this program ignore stays ignored: that is what `nohup` does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::sys::signal::{SigSet, Signal};
use tokio::sync::Notify;

use super::root::read_proc;
use crate::{Error, Result};

/// Whether, and how, the run was asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    signal: AtomicI32,
    put_off: AtomicBool,
    notify: Notify,
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP over from here on. To be called before the
    /// process has any other thread: they inherit the blocked signals.
    pub fn catch(&self) -> Result<()> {
        let ignored = ignored(&read_proc("self/status")?);
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            if ignored >> (signal as i32 - 1) & 1 == 0 {
                signals.add(signal);
            }
        }
        signals.thread_block().map_err(Error::errno("block signals for", "this process"))?;
        let shared = Arc::clone(&self.shared);
        let watcher = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            while let Ok(signal) = signals.wait() {
                let first =
                    shared.signal.compare_exchange(0, signal as i32, Ordering::SeqCst, Ordering::SeqCst);
                if first.is_err() && signal != Signal::SIGHUP {
                    std::process::exit(128 + signal as i32);
                }
                shared.notify.notify_waiters();
            }
        });
        watcher.map(drop).map_err(Error::io("start a thread for the signals of", "this process"))
    }

    /// An error if the run was asked to stop: the safe points call this.
    pub fn check(&self) -> Result<()> {
        match self.name() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(()),
        }
    }

    /// Heeds no request from here on: undoing is not stopped by the signal that asked for
    /// it, and what cannot be undone goes on to its end.
    pub(crate) fn put_off(&self) {
        self.shared.put_off.store(true, Ordering::SeqCst);
    }

    /// A request that has come and is not heeded.
    pub(crate) fn unheeded(&self) -> Option<&'static str> {
        self.shared.put_off.load(Ordering::SeqCst).then(|| self.came())?
    }

    /// Heeds requests again, also one that came meanwhile.
    pub(super) fn resume(&self) {
        self.shared.put_off.store(false, Ordering::SeqCst);
    }

    /// As if the signal had come.
    #[cfg(test)]
    pub(crate) fn raise(&self, signal: Signal) {
        self.shared.signal.store(signal as i32, Ordering::SeqCst);
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
        if self.shared.put_off.load(Ordering::SeqCst) { None } else { self.came() }
    }

    fn came(&self) -> Option<&'static str> {
        match self.shared.signal.load(Ordering::SeqCst) {
            0 => None,
            number => Some(Signal::try_from(number).map_or("a signal", Signal::as_str)),
        }
    }
}

/// The signals that a process ignores, as bits, from `/proc/PID/status`.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_status() {
        for (status, expected) in
            [("SigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n", 0x1001), ("SigIgn:\tx\n", 0), ("", 0)]
        {
            assert_eq!(ignored(status), expected, "{status}");
        }
    }
}
