//! docker's static archives: where they come from, and what is in them.
//!
//! An archive is foreign bytes until the last of them has been read. So one pass
//! ([`unpack::read`]) does everything at once (digest of the file, inflate,
//! allow-list, digest of each member, hand-over to a [`Sink`]), refuses whatever is
//! not plainly a docker archive, and never holds more than a few buffers of it.
//! [`obtain`] goes from one [`source`] to the next until one has it, [`trust`] says
//! what digest it must have, and [`catalogue`] which digests are known. Nothing here
//! writes a file: the sink does, and it makes nothing visible before the pass has
//! returned.

pub mod catalogue;
mod download;
mod gzip;
mod header;
mod http;
pub mod members;
pub mod obtain;
mod proxy;
mod retry;
pub mod source;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
pub mod trust;
pub mod unpack;

use serde::{Deserialize, Serialize};

pub use http::Network;
pub use obtain::{Obtained, Wanted};
pub use proxy::Proxies;
pub use retry::Patience;
pub use source::Source;
pub use trust::{Authority, Trust};
pub use unpack::{Discard, MAX_UNPACKED, Sink};

use crate::digest::Digest;
use crate::error::Error;

/// A file of the archive that we install: its bare name, digest, size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Without the directory: `dockerd`.
    pub name: String,
    /// Of the file's contents.
    pub sha256: Digest,
    /// In bytes.
    pub size: u64,
}

/// What one pass over an archive found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Of the archive file as a whole.
    pub sha256: Digest,
    /// Sorted by name.
    pub members: Vec<Member>,
}

/// The archive lost something on its way here.
fn damaged(origin: &str, problem: impl Into<String>) -> Error {
    Error::Archive {
        origin: origin.to_owned(),
        problem: problem.into(),
        help: "get it again, and compare its sha256 with the publisher's".to_owned(),
    }
}

/// The archive is whole but not one that we install.
fn unfit(origin: &str, problem: impl Into<String>) -> Error {
    Error::Archive {
        origin: origin.to_owned(),
        problem: problem.into(),
        help: "use docker's own static archive, docker-VERSION.tgz from \
               https://download.docker.com/linux/static/stable/"
            .to_owned(),
    }
}
