//! One place that an archive can come from.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use super::download::{Download, Line};
use super::http::{self, Network};
use super::retry::Again;
use super::stream::TICK;
use super::unpack::{self, Sink};
use super::{Contents, Member, damaged};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::host::outside;
use crate::version::Version;

/// How often a thing that changes while it is fetched is fetched again.
const MOST_RESTARTS: usize = 2;

/// A place to read an archive from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// On this machine.
    File(PathBuf),
    /// An `http` or `https` URL.
    Url(String),
}

impl FromStr for Source {
    type Err = String;

    /// A path, or an `http`, `https` or `file` URL.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text {
                "" => Err("it is empty".to_owned()),
                path => Ok(Self::File(path.into())),
            };
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => {
                let url = format!("{scheme}://{rest}");
                http::shown(&url).ok_or("it is not a valid URL")?;
                Ok(Self::Url(url))
            }
            "file" if rest.starts_with('/') => Ok(Self::File(rest.into())),
            "file" => Err("a file URL has three slashes: file:///PATH".to_owned()),
            _ => Err(format!("the scheme '{scheme}' is not http, https or file")),
        }
    }
}

impl fmt::Display for Source {
    /// A URL without its credentials and without its query, which may be one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(http::shown(url).as_deref().unwrap_or("(not a valid URL)")),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

impl Source {
    /// Reads the archive of docker `version` from it as [`unpack::read`] does, and compares
    /// its digest. An error of `sink` also ends a download that waits.
    pub fn read(
        &self,
        version: Version,
        sha256: Option<Digest>,
        network: &Network,
        sink: &mut dyn Sink,
    ) -> Result<Contents> {
        let contents = match self {
            Self::File(path) => self.read_file(path, version, sink),
            Self::Url(url) => self.download(url, version, network, sink),
        }?;
        match sha256 {
            Some(expected) if expected != contents.sha256 => {
                let problem = format!("has the sha256 {}, expected {expected}", contents.sha256);
                Err(damaged(&self.to_string(), problem))
            }
            _ => Ok(contents),
        }
    }

    /// Reads a text of `most` bytes at most from it, and tells `sink` meanwhile, as a pass
    /// does: an error of its `progress` ends a read that waits.
    pub fn text(&self, most: u64, network: &Network, sink: &mut dyn Sink) -> Result<String> {
        let origin = self.to_string();
        let bytes = match self {
            Self::File(path) => {
                let mut bytes = Vec::new();
                let (file, _) = open(path, &origin)?;
                file.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&origin, &error))?;
                bytes
            }
            Self::Url(url) => {
                let deadline = Instant::now() + network.patience.total;
                await_bytes(Download::new(url, &origin, network, deadline)?, most + 1, &origin, sink)?
            }
        };
        if bytes.len() as u64 > most {
            return Err(unusable(&origin, format!("is larger than {} MiB", most >> 20)));
        }
        String::from_utf8(bytes).map_err(|_| unusable(&origin, "is not text".to_owned()))
    }

    fn read_file(&self, path: &Path, version: Version, sink: &mut dyn Sink) -> Result<Contents> {
        let origin = self.to_string();
        let (file, length) = open(path, &origin)?;
        unpack::read(file, version, &origin, &mut Watched { sink, line: None, length: Some(length) })
    }

    fn download(
        &self,
        url: &str,
        version: Version,
        network: &Network,
        sink: &mut dyn Sink,
    ) -> Result<Contents> {
        let origin = self.to_string();
        let deadline = Instant::now() + network.patience.total;
        let mut restarts = 0;
        loop {
            let download = Download::new(url, &origin, network, deadline)?;
            let line = download.line();
            let mut watched = Watched { sink, line: Some(&line), length: None };
            let read = unpack::read(download, version, &origin, &mut watched);
            watched.tell();
            let Err(error) = read else { return read };
            let (Some(failure), Error::Archive { .. }) = (line.failure(), &error) else { return Err(error) };
            if failure.again != Again::FromStart || restarts == MOST_RESTARTS {
                return Err(failure.error(&origin));
            }
            restarts += 1;
            sink.note(&format!("{origin}: {}; fetching it from the start", failure.problem));
            sink.restart()?;
        }
    }
}

/// A regular file, and its length. It is not opened before it is known to be one: opening
/// a fifo would wait.
fn open(path: &Path, origin: &str) -> Result<(File, u64)> {
    let unreadable = |error| unreadable(origin, &error);
    outside(|| {
        let metadata = path.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(super::unfit(origin, "is not a regular file"));
        }
        Ok((File::open(path).map_err(unreadable)?, metadata.len()))
    })
}

/// The first `most` bytes of a download, read by a thread while `sink` is told.
fn await_bytes(download: Download, most: u64, origin: &str, sink: &mut dyn Sink) -> Result<Vec<u8>> {
    let line = download.line();
    let mut watched = Watched { sink, line: Some(&line), length: None };
    let (arrived, awaited) = channel();
    let reader = thread::Builder::new().name("read".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        let read = download.take(most).read_to_end(&mut bytes);
        // Whoever has stopped does not listen any more.
        let _ = arrived.send(read.map(|_| bytes));
    });
    reader.map_err(Error::io("start a thread to read", origin))?;
    let read = loop {
        match awaited.recv_timeout(TICK) {
            Ok(read) => break read,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(unusable(origin, "made its reader panic".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => {
                let told = watched.progress(0, None);
                told.inspect_err(|_| line.stop())?;
            }
        }
    };
    watched.tell();
    read.map_err(|error| match line.failure() {
        Some(failure) => failure.error(origin),
        None => unreadable(origin, &error),
    })
}

/// A text that is not what it should be.
fn unusable(origin: &str, problem: String) -> Error {
    Error::Archive { origin: origin.to_owned(), problem, help: "check what is there".to_owned() }
}

/// What cannot be read is a bad source, and no failure of this run.
fn unreadable(origin: &str, error: &std::io::Error) -> Error {
    Error::Archive {
        origin: origin.to_owned(),
        problem: format!("cannot be read: {error}"),
        help: "give the path of docker's static archive, docker-VERSION.tgz".to_owned(),
    }
}

/// A sink that also learns what only the source knows.
struct Watched<'a> {
    sink: &'a mut dyn Sink,
    line: Option<&'a Line>,
    length: Option<u64>,
}

impl Watched<'_> {
    fn tell(&mut self) {
        for note in self.line.into_iter().flat_map(Line::notes) {
            self.sink.note(&note);
        }
    }
}

impl Sink for Watched<'_> {
    fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        self.sink.begin(name, size)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.sink.write(bytes)
    }

    fn end(&mut self, member: &Member) -> Result<()> {
        self.sink.end(member)
    }

    fn archive(&mut self, bytes: &[u8]) -> Result<()> {
        self.sink.archive(bytes)
    }

    fn progress(&mut self, done: u64, _: Option<u64>) -> Result<()> {
        self.tell();
        self.sink.progress(done, self.line.map_or(self.length, Line::total))
    }

    fn stop(&mut self) {
        self.line.into_iter().for_each(Line::stop);
    }
}
