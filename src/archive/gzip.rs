//! The first half of a pass: reads the archive and inflates it, on a thread of its own.
//!
//! Inflating is by far the longest part, so nothing else happens here: what was read
//! goes to the other half as it is, to be hashed there. Both travel in a bounded number
//! of recycled buffers, which bounds the memory whatever the archive says.

use std::io::{ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use flate2::{Decompress, FlushDecompress, Status};

use super::damaged;
use crate::error::{Error, Result};

/// Smaller ones cost more calls and wake-ups than they save memory, larger ones gain nothing.
const BUFFER: usize = 1 << 20;

/// How many buffers may wait for the other half.
const DEPTH: usize = 4;

/// zlib's largest window: what gzip files are written with.
const WINDOW_BITS: u8 = 15;

/// How many bytes say that a file is a gzip file.
const MAGIC: u64 = 2;

/// A recycled buffer; only its first `filled` bytes mean something.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Buffer {
    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    fn free(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }
}

/// What the other half receives, in the order of the archive.
pub(super) enum Piece {
    /// Bytes of the archive file.
    Compressed(Buffer),
    /// Bytes of the tar within.
    Inflated(Buffer),
}

/// The way to the other half, and the way back of its empty buffers.
pub(super) struct Outlet {
    pub(super) pieces: SyncSender<Result<Piece>>,
    pub(super) empties: Receiver<Buffer>,
}

/// A channel's two ends towards the other half.
pub(super) struct Inlet {
    pub(super) pieces: Receiver<Result<Piece>>,
    pub(super) empties: Sender<Buffer>,
}

/// Both ends of a pipe between the halves.
pub(super) fn pipe() -> (Outlet, Inlet) {
    let (full, pieces) = std::sync::mpsc::sync_channel(DEPTH);
    let (back, empties) = std::sync::mpsc::channel();
    (Outlet { pieces: full, empties }, Inlet { pieces, empties: back })
}

impl Outlet {
    fn empty(&self) -> Buffer {
        let recycled = self.empties.try_recv().map(|buffer| Buffer { filled: 0, ..buffer });
        recycled.unwrap_or_else(|_| Buffer { bytes: vec![0; BUFFER].into_boxed_slice(), filled: 0 })
    }

    fn send(&self, piece: Piece) -> Result<(), Stop> {
        self.pieces.send(Ok(piece)).map_err(|_| Stop::Abandoned)
    }
}

/// Why inflating ended early.
enum Stop {
    /// The other half wants no more; it knows why.
    Abandoned,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads `source` to its end, and sends it and what it inflates to. An error is the last
/// thing sent; the end is when nothing more comes. A source of more than `most` bytes is
/// an error.
pub(super) fn inflate(source: impl Read, origin: &str, most: u64, outlet: &Outlet) {
    let inflater = Inflater { source, origin, most, outlet, compressed: 0 };
    if let Err(Stop::Failed(error)) = inflater.run() {
        // Nobody listens any more: then nobody misses it.
        let _ = outlet.pieces.send(Err(error));
    }
}

struct Inflater<'a, R> {
    source: R,
    origin: &'a str,
    most: u64,
    outlet: &'a Outlet,
    compressed: u64,
}

impl<R: Read> Inflater<'_, R> {
    fn run(mut self) -> Result<(), Stop> {
        let mut stream = Decompress::new_gzip(WINDOW_BITS);
        let mut inflated = self.outlet.empty();
        loop {
            let read = self.fill()?;
            if read.filled == 0 {
                return Err(self.truncated().into());
            }
            let rest = self.inflate(&mut stream, read.filled(), &mut inflated)?.map(is_padding);
            self.outlet.send(Piece::Compressed(read))?;
            match rest {
                None => {}
                Some(false) => return Err(self.trailing().into()),
                Some(true) => {
                    self.outlet.send(Piece::Inflated(inflated))?;
                    return self.padding();
                }
            }
        }
    }

    /// The next bytes of the archive; none at its end.
    fn fill(&mut self) -> Result<Buffer, Stop> {
        let mut buffer = self.outlet.empty();
        buffer.filled = loop {
            match self.source.read(buffer.free()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error).into()),
                Ok(count) => break count,
            }
        };
        self.compressed += buffer.filled as u64;
        if self.compressed > self.most {
            let problem = format!("is larger than {} MiB", self.most >> 20);
            return Err(super::unfit(self.origin, problem).into());
        }
        Ok(buffer)
    }

    /// Inflates all of `input`. Where the gzip stream ends within, what follows it is returned.
    fn inflate<'i>(
        &self,
        stream: &mut Decompress,
        mut input: &'i [u8],
        inflated: &mut Buffer,
    ) -> Result<Option<&'i [u8]>, Stop> {
        loop {
            let (taken, given) = (stream.total_in(), stream.total_out());
            let status = stream
                .decompress(input, inflated.free(), FlushDecompress::None)
                .map_err(|_| self.corrupt(stream.total_in()))?;
            let advance = |before, after: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
            input = input.get(advance(taken, stream.total_in())..).unwrap_or_default();
            inflated.filled += advance(given, stream.total_out());
            if status == Status::StreamEnd {
                return Ok(Some(input));
            }
            if inflated.free().is_empty() {
                let full = std::mem::replace(inflated, self.outlet.empty());
                self.outlet.send(Piece::Inflated(full))?;
            } else if input.is_empty() {
                return Ok(None);
            } else if stream.total_in() == taken && stream.total_out() == given {
                return Err(self.corrupt(taken).into());
            }
        }
    }

    /// After the gzip stream only zeros may follow: tapes and block devices pad with them.
    fn padding(&mut self) -> Result<(), Stop> {
        loop {
            let read = self.fill()?;
            if read.filled == 0 {
                return Ok(());
            }
            let padded = is_padding(read.filled());
            self.outlet.send(Piece::Compressed(read))?;
            if !padded {
                return Err(self.trailing().into());
            }
        }
    }

    fn unreadable(&self, error: &std::io::Error) -> Error {
        damaged(self.origin, format!("cannot be read after {} bytes: {error}", self.compressed))
    }

    fn truncated(&self) -> Error {
        match self.compressed {
            0 => damaged(self.origin, "is empty"),
            bytes => damaged(self.origin, format!("is cut off after {bytes} bytes")),
        }
    }

    fn corrupt(&self, at: u64) -> Error {
        if at <= MAGIC {
            return super::unfit(self.origin, "is not a gzip file");
        }
        damaged(self.origin, format!("is corrupt: its gzip stream breaks at byte {at}"))
    }

    fn trailing(&self) -> Error {
        damaged(self.origin, "has other bytes behind the end of its gzip stream")
    }
}

fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
