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
    /// From the first member on.
    flusher: Option<Flusher>,
}

impl<'a> Staging<'a> {
    /// Members that are to come into place in `bin_dir`.
    pub(super) fn new(store: &'a Store, bin_dir: &Path) -> Self {
        Self { store, target: bin_dir.join("dockerd"), incoming: None, flusher: None }
    }

    /// Waits until all of them are on disk.
    pub(super) fn settle(mut self) -> Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        match self.flusher.take().map(Flusher::end) {
            Some(Some(flushed)) => flushed,
            Some(None) => Err(self.lost()),
            None => Ok(()),
        }
    }

    fn flusher(&mut self) -> Result<&Flusher> {
        let flusher = match self.flusher.take() {
            Some(running) => running,
            None => Flusher::start().map_err(Error::io("start a thread to flush", self.store.home()))?,
        };
        Ok(self.flusher.insert(flusher))
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
        let written = incoming.finish(member.sha256);
        // A flusher that has ended has an error, which `flush` returns.
        let _ = self.flusher()?.written.send(written);
        Ok(())
    }

    /// What came whole goes too: the next source needs the room.
    fn restart(&mut self) -> Result<()> {
        self.incoming = None;
        self.flush()?;
        self.store.clear_staged(&self.target)
    }
}

/// The thread that flushes, and the way to it.
struct Flusher {
    written: Sender<Written>,
    thread: JoinHandle<Result<()>>,
}

impl Flusher {
    fn start() -> std::io::Result<Self> {
        let (written, settling) = channel::<Written>();
        let thread = std::thread::Builder::new()
            .name("flush".to_owned())
            .spawn(move || settling.into_iter().try_for_each(Written::settle))?;
        Ok(Self { written, thread })
    }

    /// Waits until all is flushed; none if the thread is lost.
    fn end(self) -> Option<Result<()>> {
        drop(self.written);
        self.thread.join().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn stage(staging: &mut Staging<'_>, bytes: &[u8]) -> Digest {
        let sha256 = Digest::of(bytes);
        let size = bytes.len() as u64;
        staging.begin("dockerd", size).unwrap();
        staging.write(bytes).unwrap();
        staging.end(&Member { name: "dockerd".to_owned(), sha256, size }).unwrap();
        sha256
    }

    #[test]
    fn two_members_with_the_same_bytes_are_one_content() {
        let node = tempfile::tempdir().unwrap();
        let store = Store::new(node.path().join("store"));
        let bin_dir = node.path().join("bin");
        let mut staging = Staging::new(&store, &bin_dir);
        for _ in 0..50 {
            stage(&mut staging, b"same");
        }
        staging.settle().unwrap();
        let staged = std::fs::read_dir(node.path().join("store/staged")).unwrap();
        assert_eq!(staged.count(), 1);
    }

    #[test]
    fn a_source_that_was_no_good_leaves_nothing() {
        let node = tempfile::tempdir().unwrap();
        let store = Store::new(node.path().join("state/store"));
        let bin_dir = node.path().join("bin");
        let mut staging = Staging::new(&store, &bin_dir);
        let bad = stage(&mut staging, b"bad");
        staging.begin("runc", 3).unwrap();
        staging.write(b"ba").unwrap();
        staging.restart().unwrap();
        assert!(!store.staged(bad, &bin_dir.join("dockerd")).exists());
        assert_eq!(std::fs::read_dir(node.path()).unwrap().count(), 0, "not a byte is left");
        let good = stage(&mut staging, b"good");
        staging.settle().unwrap();
        assert_eq!(std::fs::read(store.staged(good, &bin_dir.join("dockerd"))).unwrap(), b"good");
    }
}
