//! The tar as it comes from the inflating thread, and the digest of the file around it.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::gzip::{Buffer, Inlet, Piece};
use super::unfit;
use super::unpack::Sink;
use crate::digest::{Digest, Hasher};
use crate::error::Result;

/// How long progress may stay untold while nothing comes.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// The receiving side of the pipe.
pub(super) struct Stream<'a> {
    inlet: Inlet,
    origin: &'a str,
    /// How much may be taken in all.
    most: u64,
    hasher: Hasher,
    compressed: u64,
    current: Option<Buffer>,
    /// How much of `current` was taken.
    taken: usize,
    /// How much was taken in all.
    passed: u64,
}

impl<'a> Stream<'a> {
    pub(super) fn new(inlet: Inlet, origin: &'a str, most: u64) -> Self {
        let hasher = Hasher::default();
        Self { inlet, origin, most, hasher, compressed: 0, current: None, taken: 0, passed: 0 }
    }

    /// The next bytes, `most` of them at most; none at the end. Those of the archive file
    /// that pass by go to `sink`.
    pub(super) fn take(&mut self, most: u64, sink: &mut dyn Sink) -> Result<&[u8]> {
        while self.left().is_empty() {
            if !self.advance(sink)? {
                return Ok(&[]);
            }
        }
        let from = self.taken;
        let count = self.left().len().min(usize::try_from(most).unwrap_or(usize::MAX));
        self.reserve(count as u64)?;
        self.taken += count;
        self.passed += count as u64;
        let filled = self.current.as_ref().map(Buffer::filled).unwrap_or_default();
        Ok(filled.get(from..self.taken).unwrap_or_default())
    }

    /// Refuses to let `more` bytes pass if that is too much in all.
    pub(super) fn reserve(&self, more: u64) -> Result<()> {
        if more > self.most - self.passed {
            return Err(unfit(self.origin, format!("unpacks to more than {} MiB", self.most >> 20)));
        }
        Ok(())
    }

    /// The digest of the archive file, when all of it has passed.
    pub(super) fn finish(self) -> Digest {
        self.hasher.finish()
    }

    fn left(&self) -> &[u8] {
        self.current.as_ref().and_then(|buffer| buffer.filled().get(self.taken..)).unwrap_or_default()
    }

    /// Goes on to the next inflated piece, if there is one.
    fn advance(&mut self, sink: &mut dyn Sink) -> Result<bool> {
        if let Some(spent) = self.current.take() {
            self.recycle(spent);
        }
        while let Some(piece) = self.receive(sink)? {
            match piece {
                Piece::Inflated(buffer) => {
                    self.current = Some(buffer);
                    self.taken = 0;
                    return Ok(true);
                }
                Piece::Compressed(buffer) => self.digest(buffer, sink)?,
            }
        }
        Ok(false)
    }

    fn digest(&mut self, buffer: Buffer, sink: &mut dyn Sink) -> Result<()> {
        self.hasher.update(buffer.filled());
        sink.archive(buffer.filled())?;
        self.compressed += buffer.filled().len() as u64;
        self.recycle(buffer);
        sink.progress(self.compressed, None)
    }

    fn recycle(&self, buffer: Buffer) {
        // The other thread may have ended: then nobody needs the buffer.
        let _ = self.inlet.empties.send(buffer);
    }

    fn receive(&self, sink: &mut dyn Sink) -> Result<Option<Piece>> {
        loop {
            match self.inlet.pieces.recv_timeout(TICK) {
                Ok(piece) => return piece.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => sink.progress(self.compressed, None)?,
            }
        }
    }
}
