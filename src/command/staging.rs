//! An archive's members on their way into the store, and what is told meanwhile.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::archive::{Member, Sink as ArchiveSink};
use crate::event::{Event, Sink};
use crate::host::{Incoming, Interrupt, Store, Written};
use crate::{Error, Result};

/// Passes an archive on, tells how far it is, and stops when the run is to stop.
pub(super) struct Reception<'a> {
    /// Where the archive goes.
    pub(super) into: &'a mut dyn ArchiveSink,
    /// Who is told.
    pub(super) events: &'a mut dyn Sink,
    /// Whether the run is to stop.
    pub(super) interrupt: &'a Interrupt,
}

impl ArchiveSink for Reception<'_> {
    fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        self.into.begin(name, size)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.into.write(bytes)
    }

    fn end(&mut self, member: &Member) -> Result<()> {
        self.into.end(member)
    }

    fn archive(&mut self, bytes: &[u8]) -> Result<()> {
        self.into.archive(bytes)
    }

    fn restart(&mut self) -> Result<()> {
        self.events.event(&Event::ProgressEnd);
        self.into.restart()
    }

    fn progress(&mut self, done: u64, total: Option<u64>) -> Result<()> {
        self.events.event(&Event::Progress { done, total });
        self.interrupt.check()
    }

    fn note(&mut self, note: &str) {
        self.events.event(&Event::Note(note));
    }
}

/// Writes members into the store. They are flushed by a thread of their own, so
/// that the disk works while the next ones are inflated.
pub(super) struct Staging<'a> {
    store: &'a Store,
    target: PathBuf,
    incoming: Option<Incoming>,
    written: Option<Sender<Written>>,
    flusher: Option<JoinHandle<Result<()>>>,
}

impl<'a> Staging<'a> {
    /// Members that are to come into place in `bin_dir`.
    pub(super) fn new(store: &'a Store, bin_dir: &Path) -> Self {
        let (written, settling) = channel::<Written>();
        let flusher = std::thread::spawn(move || settling.into_iter().try_for_each(Written::settle));
        Self {
            store,
            target: bin_dir.join("dockerd"),
            incoming: None,
            written: Some(written),
            flusher: Some(flusher),
        }
    }

    /// Waits until all of them are on disk.
    pub(super) fn settle(mut self) -> Result<()> {
        drop(self.written.take());
        match self.flusher.take().map(JoinHandle::join) {
            Some(Ok(settled)) => settled,
            Some(Err(_)) | None => Err(self.lost()),
        }
    }

    fn lost(&self) -> Error {
        Error::State {
            path: self.store.home().to_owned(),
            problem: "a content was lost on its way in".to_owned(),
        }
    }
}

impl ArchiveSink for Staging<'_> {
    fn begin(&mut self, _: &str, _: u64) -> Result<()> {
        self.incoming = Some(self.store.stage(&self.target)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.incoming {
            Some(incoming) => incoming.write(bytes),
            None => Err(self.lost()),
        }
    }

    fn end(&mut self, member: &Member) -> Result<()> {
        let incoming = self.incoming.take().ok_or_else(|| self.lost())?;
        let written = incoming.finish(member.sha256)?;
        // A flusher that has ended has an error, which `settle` returns.
        let _ = self.written.as_ref().map(|flusher| flusher.send(written));
        Ok(())
    }

    /// Members that came whole lie under their own digests, which nobody asks for; they
    /// go when what is staged is cleared.
    fn restart(&mut self) -> Result<()> {
        self.incoming = None;
        Ok(())
    }
}
