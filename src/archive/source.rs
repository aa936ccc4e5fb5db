//! Where an archive comes from, and the digest it must have.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;

use super::http::{self, Deadlines, Download};
use super::unpack::{self, Sink};
use super::{Contents, damaged};
use crate::digest::Digest;
use crate::error::{Error, Result};

/// A place to read an archive from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// On this machine.
    File(PathBuf),
    /// An `http` or `https` URL.
    Url(String),
}

impl FromStr for Source {
    type Err = Error;

    /// A path, or an `http`, `https` or `file` URL.
    fn from_str(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text {
                "" => Err(malformed("it is empty".to_owned())),
                path => Ok(Self::File(path.into())),
            };
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => {
                let url = format!("{scheme}://{rest}");
                http::shown(&url).ok_or_else(|| malformed("it is not a valid URL".to_owned()))?;
                Ok(Self::Url(url))
            }
            "file" if rest.starts_with('/') => Ok(Self::File(rest.into())),
            "file" => Err(malformed("a file URL has three slashes: file:///PATH".to_owned())),
            _ => Err(malformed(format!("the scheme '{scheme}' is not supported"))),
        }
    }
}

fn malformed(problem: String) -> Error {
    let help = "give a path, or a URL with http, https or file".to_owned();
    Error::Config { origin: "--archive".to_owned(), problem, help }
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
    /// Opens it. What comes over the network must have a known digest.
    pub fn open(&self, sha256: Option<Digest>, deadlines: Deadlines) -> Result<Opened> {
        let origin = self.to_string();
        match self {
            Self::File(path) => {
                let metadata = path.metadata().map_err(Error::io("read", path))?;
                if !metadata.is_file() {
                    return Err(super::unfit(&origin, "is not a regular file"));
                }
                let file = File::open(path).map_err(Error::io("open", path))?;
                Ok(Opened { origin, sha256, length: Some(metadata.len()), body: Body::File(file) })
            }
            Self::Url(url) => {
                let sha256 = Some(sha256.ok_or_else(|| unverifiable(&origin))?);
                let download = Download::start(url, &origin, deadlines)?;
                Ok(Opened {
                    origin,
                    sha256,
                    length: download.length(),
                    body: Body::Download(Box::new(download)),
                })
            }
        }
    }
}

fn unverifiable(origin: &str) -> Error {
    Error::Config {
        origin: "--archive".to_owned(),
        problem: format!("no sha256 is known for {origin}, and what comes over a network needs one"),
        help: "give --sha256 HEX or a version of the built-in catalogue".to_owned(),
    }
}

enum Body {
    File(File),
    Download(Box<Download>),
}

/// An archive that can be read, once.
pub struct Opened {
    origin: String,
    sha256: Option<Digest>,
    length: Option<u64>,
    body: Body,
}

impl Opened {
    /// How many bytes the archive has, if that is known before they have come.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Reads it as [`unpack::read`] does, and compares its digest. An error of `progress`
    /// also breaks off a download that is waiting for its server.
    pub fn unpack(
        self,
        sink: &mut dyn Sink,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Contents> {
        let contents = match self.body {
            Body::File(file) => unpack::read(file, &self.origin, sink, progress),
            Body::Download(download) => {
                let interrupt = download.interrupt();
                unpack::read(download, &self.origin, sink, &mut |bytes| {
                    progress(bytes).inspect_err(|_| interrupt())
                })
            }
        }?;
        match self.sha256 {
            Some(expected) if expected != contents.sha256 => {
                Err(damaged(&self.origin, format!("has the sha256 {}, expected {expected}", contents.sha256)))
            }
            _ => Ok(contents),
        }
    }
}
