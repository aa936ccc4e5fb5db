//! Archives made for the tests, good and bad, and what reads them.

mod corpus;
mod download;
pub(crate) mod fuzz;
mod obtain;
mod property;
pub(crate) mod server;
mod way;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::header::BLOCK;
use super::unpack::{self, Caps, Sink};
use super::{Contents, Member};
use crate::error::Result;
use crate::version::Version;

/// What the archives say they are.
const VERSION: Version = Version::new(28, 5, 2);

/// What the smallest complete archive holds.
const FILES: [(&str, &[u8]); 7] = [
    ("docker", b"docker's client"),
    ("dockerd", &[7; 2000]),
    ("containerd", &[b'c'; BLOCK]),
    ("containerd-shim-runc-v2", b"shim"),
    ("runc", &[0; 1500]),
    ("docker-proxy", b"proxy"),
    ("docker-init", b"init"),
];

/// A tar in the making; nothing about it has to be right.
#[derive(Clone, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    /// A complete docker archive, its end not yet written.
    pub(crate) fn docker() -> Self {
        FILES.into_iter().fold(Self::default().entry(b"docker/", b'5', b""), |tar, (name, contents)| {
            tar.entry(format!("docker/{name}").as_bytes(), b'0', contents)
        })
    }

    pub(crate) fn file(self, path: &str) -> Self {
        self.entry(path.as_bytes(), b'0', b"contents")
    }

    fn entry(self, path: &[u8], type_flag: u8, contents: &[u8]) -> Self {
        let size = format!("{:011o}\0", contents.len());
        let mut tar = self.header(path, type_flag, size.as_bytes());
        tar.0.extend_from_slice(contents);
        tar.0.resize(tar.0.len().next_multiple_of(BLOCK), 0);
        tar
    }

    fn header(mut self, path: &[u8], type_flag: u8, size: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        block[..path.len()].copy_from_slice(path);
        block[124..136].copy_from_slice(size);
        block[148..156].fill(b' ');
        block[156] = type_flag;
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().copied().map(u32::from).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
        self
    }

    fn pax(self, type_flag: u8, key: &str, value: &str) -> Self {
        let rest = format!(" {key}={value}\n");
        let length = (1..1000).find(|length| length.to_string().len() + rest.len() == *length);
        self.entry(b"pax", type_flag, format!("{}{rest}", length.unwrap()).as_bytes())
    }

    fn append(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 2 * BLOCK]);
        self.0
    }

    /// Ended, and compressed.
    pub(crate) fn tgz(self) -> Vec<u8> {
        gzip(&self.end())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A sink that keeps everything.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    begun: Option<(String, u64)>,
    bytes: Vec<u8>,
    files: Vec<(Member, Vec<u8>)>,
}

impl Sink for Kept {
    fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        assert_eq!(self.begun.replace((name.to_owned(), size)), None);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, member: &Member) -> Result<()> {
        assert_eq!(self.begun.take(), Some((member.name.clone(), member.size)));
        self.files.push((member.clone(), std::mem::take(&mut self.bytes)));
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        *self = Self::default();
        Ok(())
    }
}

/// Reads `archive` under caps that a test can reach.
fn read(archive: &[u8]) -> Result<(Contents, Kept)> {
    let caps = Caps { compressed: 1 << 20, inflated: 2 << 20 };
    let mut kept = Kept::default();
    let contents = unpack::read_within(caps, archive, VERSION, "docker.tgz", &mut kept)?;
    Ok((contents, kept))
}
