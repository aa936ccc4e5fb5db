//! The tar format, as far as docker's archives use it: ustar and GNU headers,
//! pax records and GNU long names (POSIX.1-2017 `pax`, GNU tar's `tar.h`).
//!
//! Own code and not the `tar` crate, because that one reads a long name or a pax
//! record of any announced size into memory, takes a missing end for an end, and
//! resolves links and sparse maps that we want to refuse by name.

use std::ops::Range;

use super::members::Kind;

/// Everything in tar comes in blocks of this size.
pub(super) const BLOCK: usize = 512;

const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const TYPE: usize = 156;
const MAGIC: Range<usize> = 257..263;
const PREFIX: Range<usize> = 345..500;

/// What a header announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) path: Vec<u8>,
    pub(super) role: Role,
    pub(super) size: u64,
}

/// An entry of its own, or a note on the one that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Entry(Kind),
    /// pax records for the next entry.
    Pax,
    /// pax records for all entries that follow.
    PaxGlobal,
    /// The path of the next entry.
    GnuLongName,
}

/// Reads one header block.
pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Header, &'static str> {
    if octal(field(block, CHECKSUM)) != Some(checksum(block)) {
        return Err("has a wrong checksum");
    }
    let size = size(field(block, SIZE)).ok_or("has a size that is not a number")?;
    let type_flag = block.get(TYPE).copied().unwrap_or_default();
    Ok(Header { path: path(block), role: role(type_flag), size })
}

fn field(block: &[u8; BLOCK], range: Range<usize>) -> &[u8] {
    block.get(range).unwrap_or_default()
}

fn checksum(block: &[u8; BLOCK]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().copied().map(u64::from).sum::<u64>();
    sum(block) - sum(field(block, CHECKSUM)) + sum(&[b' '; 8])
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Only POSIX headers have a prefix; GNU's keep times in its place.
fn path(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(field(block, NAME));
    match until_nul(field(block, PREFIX)) {
        prefix if field(block, MAGIC) == b"ustar\0" && !prefix.is_empty() => [prefix, b"/", name].concat(),
        _ => name.to_vec(),
    }
}

fn role(type_flag: u8) -> Role {
    Role::Entry(match type_flag {
        b'0' | 0 => Kind::Regular,
        b'5' => Kind::Directory,
        b'x' => return Role::Pax,
        b'g' => return Role::PaxGlobal,
        b'L' => return Role::GnuLongName,
        b'1' => Kind::Other("a hard link"),
        b'2' => Kind::Other("a symbolic link"),
        b'3' => Kind::Other("a character device"),
        b'4' => Kind::Other("a block device"),
        b'6' => Kind::Other("a fifo"),
        b'S' => Kind::Other("a sparse file"),
        b'K' => Kind::Other("a link with a long target"),
        _ => Kind::Other("an entry of unknown type"),
    })
}

/// Octal digits, or GNU's big-endian binary where the first bit is set.
fn size(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, binary)) => binary.iter().try_fold(0_u64, |number, byte| {
            number.checked_mul(256).map(|shifted| shifted | u64::from(*byte))
        }),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(until_nul(field)).ok()?.trim_matches(' ');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { u64::from_str_radix(text, 8).ok() } else { None }
}

/// What pax records say about the entry they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
}

/// Reads pax records: `LENGTH KEY=VALUE\n`, the length being that of the record.
pub(super) fn pax(mut records: &[u8]) -> Option<Overrides> {
    let mut overrides = Overrides::default();
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ')?;
        let length = std::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
        let (record, rest) = records.split_at_checked(length)?;
        let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        overrides.note(pair.get(..equals)?, pair.get(equals + 1..)?)?;
        records = rest;
    }
    Some(overrides)
}

impl Overrides {
    /// Adds what a later note says; it is right where both speak.
    pub(super) fn extend(&mut self, later: Self) {
        self.path = later.path.or(self.path.take());
        self.size = later.size.or(self.size);
    }

    fn note(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"size" => self.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_posix_header_has_a_prefix() {
        let long = format!("{}/{}", "a".repeat(90), "b".repeat(90));
        let mut posix = ::tar::Header::new_ustar();
        posix.set_path(&long).unwrap();
        posix.set_size(3);
        posix.set_cksum();
        let header = parse(posix.as_bytes()).unwrap();
        assert_eq!(header, Header { path: long.into_bytes(), role: Role::Entry(Kind::Regular), size: 3 });

        let mut gnu = ::tar::Header::new_gnu();
        gnu.set_path("docker/runc").unwrap();
        gnu.set_size(1 << 40);
        gnu.as_gnu_mut().unwrap().set_atime(1);
        gnu.set_cksum();
        let header = parse(gnu.as_bytes()).unwrap();
        assert_eq!((header.path.as_slice(), header.size), (&b"docker/runc"[..], 1 << 40));
    }
}
