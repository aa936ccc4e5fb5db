//! Reasons not to touch a node, and their names.
//!
//! A name is part of the contract, and `node-setup explain` has a page for each.
//! So none can be made up on the way: it is that of a check of preflight, or one
//! of those that are listed here.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::preflight::Check;

/// A reason not to touch this node: found by preflight, and by the checks of
/// the archive and of the files that would be put in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable name, such as `cgroup-version`.
    pub id: Id,
    /// What was found, in one sentence.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

/// The name of a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id(&'static str);

impl Id {
    /// As people write it.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<&Check> for Id {
    fn from(check: &Check) -> Self {
        Self(check.id)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Id {
            $($(#[$doc])* pub const $name: Self = Self($text);)*

            /// Those that are not checks of preflight.
            pub const OTHERS: &[Self] = &[$(Self::$name),*];
        }
    };
}

ids! {
    /// The archive has programs that this machine does not run.
    ARCHIVE_BINARY = "archive-binary";
    /// The archive is of another version than was said.
    ARCHIVE_VERSION = "archive-version";
    /// A binary has changed, and its bytes are nowhere else.
    BINARIES = "binaries";
    /// Containers are in the way.
    CONTAINERS = "containers";
    /// There is no docker to work on.
    DOCKER = "docker";
    /// A set of binaries is not kept any more.
    KEPT = "kept";
    /// Runs of the system itself cannot be taken back while it does not run.
    LIVE_RUN = "live-run";
    /// No node-setup for the architecture of a root is at hand.
    PROGRAM_ARCHITECTURE = "program-architecture";
    /// A system runs from the root.
    ROOT_IN_USE = "root-in-use";
    /// A place that should have an archive has none that can be used.
    SOURCE = "source";
}
