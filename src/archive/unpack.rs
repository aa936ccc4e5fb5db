//! One pass over an archive: the second half, which looks into the tar.

use std::io::Read;
use std::thread;

use super::gzip;
use super::header::{self, BLOCK, Header, Overrides, Role};
use super::members::{self, MAX_HEADERS, Verdict};
use super::stream::Stream;
use super::{Contents, Member, damaged, unfit};
use crate::digest::Hasher;
use crate::error::{Error, Result};
use crate::version::Version;

/// The most bytes that an archive may have.
#[derive(Clone, Copy)]
pub(super) struct Caps {
    /// As a file.
    pub(super) compressed: u64,
    /// Unpacked, with headers and padding.
    pub(super) inflated: u64,
}

/// The most that an archive may unpack to; docker's own stay below 300 MiB. Whoever has
/// this much free has room for any archive that is let through.
pub const MAX_UNPACKED: u64 = 400 << 20;

/// The largest archive, as a file; docker's own are below 100 MiB.
pub(super) const MAX_ARCHIVE: u64 = MAX_UNPACKED;

const CAPS: Caps = Caps { compressed: MAX_ARCHIVE, inflated: MAX_UNPACKED };

/// The most that pax records or a long name may take; both hold little more than a path.
const MAX_NOTE: u64 = 16 << 10;

/// How much of a path an error shows.
const SHOWN: usize = 120;

/// Takes an archive apart as it comes. An error that it returns stops the pass.
///
/// The archive is trusted only when [`read`] has returned: until then, what was
/// written must stay invisible.
pub trait Sink {
    /// A member of `size` bytes begins.
    fn begin(&mut self, _name: &str, _size: u64) -> Result<()> {
        Ok(())
    }

    /// Its next bytes.
    fn write(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    /// It is complete.
    fn end(&mut self, _member: &Member) -> Result<()> {
        Ok(())
    }

    /// The next bytes of the archive file itself.
    fn archive(&mut self, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }

    /// All that came so far was for nothing: it begins anew, or somewhere else.
    fn restart(&mut self) -> Result<()> {
        Ok(())
    }

    /// How much of the archive file was read, of how much if that is known. Called ten
    /// times a second at least, also while nothing comes.
    fn progress(&mut self, _done: u64, _total: Option<u64>) -> Result<()> {
        Ok(())
    }

    /// The pass has failed: a read that still waits may be broken off.
    fn stop(&mut self) {}

    /// Something that whoever waits should know.
    fn note(&mut self, _note: &str) {}
}

/// The sink of those who only want the digests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {}

/// Reads the archive `source`, which is docker of `version`, to its end and hands its
/// members to `sink`.
///
/// `origin` names the archive in errors. A second thread reads and inflates; it has ended
/// when this returns.
pub fn read(
    source: impl Read + Send,
    version: Version,
    origin: &str,
    sink: &mut dyn Sink,
) -> Result<Contents> {
    read_within(CAPS, source, version, origin, sink)
}

pub(super) fn read_within(
    caps: Caps,
    source: impl Read + Send,
    version: Version,
    origin: &str,
    sink: &mut dyn Sink,
) -> Result<Contents> {
    let (outlet, inlet) = gzip::pipe();
    thread::scope(|scope| {
        let inflater = thread::Builder::new()
            .name("inflate".to_owned())
            .spawn_scoped(scope, move || gzip::inflate(source, origin, caps.compressed, &outlet))
            .map_err(Error::io("start a thread to read", origin))?;
        let stream = Stream::new(inlet, origin, caps.inflated);
        let contents =
            Pass { origin, version, sink: &mut *sink, stream, headers: 0, members: Vec::new() }.run();
        let contents = contents.inspect_err(|_| sink.stop());
        match inflater.join() {
            Ok(()) => contents,
            Err(_) => Err(damaged(origin, "made its reader panic")),
        }
    })
}

struct Pass<'a> {
    origin: &'a str,
    version: Version,
    sink: &'a mut dyn Sink,
    stream: Stream<'a>,
    headers: usize,
    members: Vec<Member>,
}

impl Pass<'_> {
    fn run(mut self) -> Result<Contents> {
        while let Some(header) = self.entry()? {
            self.judge(&header)?;
        }
        self.padding()?;
        let sha256 = self.stream.finish();
        let names: Vec<_> = self.members.iter().map(|member| member.name.as_str()).collect();
        let missing = members::missing(&names);
        if !missing.is_empty() {
            return Err(unfit(self.origin, format!("lacks {}", missing.join(", "))));
        }
        self.members.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Contents { sha256, members: self.members })
    }

    /// The next entry, with what the notes before it say; none at the end of the tar.
    fn entry(&mut self) -> Result<Option<Header>> {
        let mut overrides = Overrides::default();
        loop {
            let Some(mut header) = self.header()? else {
                return if overrides == Overrides::default() { Ok(None) } else { Err(self.cut_off()) };
            };
            match header.role {
                Role::Entry(_) => {
                    header.path = overrides.path.unwrap_or(header.path);
                    header.size = overrides.size.unwrap_or(header.size);
                    return Ok(Some(header));
                }
                Role::GnuLongName => overrides.path = Some(self.long_name(&header)?),
                Role::Pax => overrides.extend(self.pax(&header)?),
                Role::PaxGlobal if self.pax(&header)? == Overrides::default() => {}
                Role::PaxGlobal => return Err(self.refuse(&header.path, "renames all that follows")),
            }
        }
    }

    /// The next header; none at the end of the tar.
    fn header(&mut self) -> Result<Option<Header>> {
        let block = self.block()?;
        if block == [0; BLOCK] {
            return self.end().map(|()| None);
        }
        self.headers += 1;
        if self.headers > MAX_HEADERS {
            return Err(unfit(self.origin, format!("has more than {MAX_HEADERS} entries")));
        }
        match header::parse(&block) {
            Ok(header) => Ok(Some(header)),
            Err(_) if self.headers == 1 => Err(unfit(self.origin, "does not hold a tar archive")),
            Err(problem) => {
                Err(damaged(self.origin, format!("is corrupt: tar header {} {problem}", self.headers)))
            }
        }
    }

    /// A tar ends with two blocks of zeros; the first was read.
    fn end(&mut self) -> Result<()> {
        match self.block()? {
            zeros if zeros == [0; BLOCK] => Ok(()),
            _ => Err(damaged(self.origin, "is corrupt: its tar goes on behind its end")),
        }
    }

    fn block(&mut self) -> Result<[u8; BLOCK]> {
        let mut block = [0; BLOCK];
        let mut free = block.as_mut_slice();
        while !free.is_empty() {
            let bytes = self.stream.take(free.len() as u64, self.sink)?;
            let Some((now, later)) = free.split_at_mut_checked(bytes.len()).filter(|_| !bytes.is_empty())
            else {
                return Err(self.cut_off());
            };
            now.copy_from_slice(bytes);
            free = later;
        }
        Ok(block)
    }

    /// What a note holds: a path, or pax records.
    fn note(&mut self, header: &Header) -> Result<Vec<u8>> {
        if header.size > MAX_NOTE {
            return Err(self.refuse(&header.path, "has a name of absurd length"));
        }
        let mut note = Vec::new();
        self.body(header.size, |_, bytes| {
            note.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(note)
    }

    fn long_name(&mut self, header: &Header) -> Result<Vec<u8>> {
        let mut name = self.note(header)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        Ok(name)
    }

    fn pax(&mut self, header: &Header) -> Result<Overrides> {
        let records = self.note(header)?;
        let overrides = header::pax(&records)
            .ok_or_else(|| damaged(self.origin, "is corrupt: its pax records do not add up"))?;
        if overrides.sparse { Err(self.refuse(&header.path, "is a sparse file")) } else { Ok(overrides) }
    }

    fn judge(&mut self, header: &Header) -> Result<()> {
        let Role::Entry(kind) = header.role else { return Ok(()) };
        match members::judge(&header.path, kind, header.size, self.version) {
            Verdict::Skip => Ok(()),
            Verdict::Refuse(reason) => Err(self.refuse(&header.path, &reason)),
            Verdict::Accept(name) if self.members.iter().any(|member| member.name == name) => {
                Err(self.refuse(&header.path, "is in it twice"))
            }
            Verdict::Accept(name) => self.member(name, header.size),
        }
    }

    fn member(&mut self, name: &str, size: u64) -> Result<()> {
        self.stream.reserve(size)?;
        self.sink.begin(name, size)?;
        let mut hasher = Hasher::default();
        self.body(size, |sink, bytes| {
            hasher.update(bytes);
            sink.write(bytes)
        })?;
        let member = Member { name: name.to_owned(), sha256: hasher.finish(), size };
        self.sink.end(&member)?;
        self.members.push(member);
        Ok(())
    }

    /// Passes the `size` bytes behind a header to `each`, and reads past their padding.
    fn body(&mut self, size: u64, mut each: impl FnMut(&mut dyn Sink, &[u8]) -> Result<()>) -> Result<()> {
        let mut left = size;
        while left > 0 {
            let bytes = self.stream.take(left, self.sink)?;
            if bytes.is_empty() {
                return Err(self.cut_off());
            }
            left -= bytes.len() as u64;
            each(self.sink, bytes)?;
        }
        let mut padding = size.next_multiple_of(BLOCK as u64) - size;
        while padding > 0 {
            match self.stream.take(padding, self.sink)?.len() {
                0 => return Err(self.cut_off()),
                count => padding -= count as u64,
            }
        }
        Ok(())
    }

    /// Behind its end a tar is filled up with zeros to the size of a record.
    fn padding(&mut self) -> Result<()> {
        loop {
            match self.stream.take(u64::MAX, self.sink)? {
                [] => return Ok(()),
                bytes if bytes.iter().all(|byte| *byte == 0) => {}
                _ => return Err(damaged(self.origin, "has other bytes behind the end of its tar")),
            }
        }
    }

    fn cut_off(&self) -> Error {
        damaged(self.origin, "is cut off: its tar has no end")
    }

    fn refuse(&self, path: &[u8], reason: &str) -> Error {
        let path: String = String::from_utf8_lossy(path).chars().take(SHOWN).collect();
        unfit(self.origin, format!("its entry '{}' {reason}", path.escape_debug()))
    }
}
