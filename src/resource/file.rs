//! Files, directories and symbolic links.
//!
//! A docker binary is just a file; so is a unit, a sysctl.d fragment, a
//! daemon.json. Contents are named by digest and live in the store, never here.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::change::{Change, Name, Resource, Step};
use crate::digest::Digest;
use crate::host::Host;

use super::label::{Class, Label, agree};

/// A path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct File(pub PathBuf);

/// Permission bits, written in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(pub u32);

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regular {
    /// Digest of its bytes.
    pub sha256: Digest,
    /// Permission bits.
    pub mode: Mode,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Its label, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Nothing.
    Absent,
    /// A directory. What is in it is not part of its state.
    Directory {
        /// Permission bits.
        mode: Mode,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Its label, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<Label>,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, as written in it.
        target: PathBuf,
        /// Its label, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<Label>,
    },
    /// A regular file.
    Regular(Regular),
}

impl FileState {
    /// A root-owned regular file with these contents.
    pub fn root_file(sha256: Digest, mode: u32) -> Self {
        Self::Regular(Regular { sha256, mode: Mode(mode), uid: 0, gid: 0, label: None })
    }

    /// A root-owned directory, 0755.
    pub fn root_directory() -> Self {
        Self::Directory { mode: Mode(0o755), uid: 0, gid: 0, label: None }
    }

    /// The digest of the contents of a regular file.
    pub fn sha256(&self) -> Option<Digest> {
        match self {
            Self::Regular(regular) => Some(regular.sha256),
            _ => None,
        }
    }

    /// Which label it has, where that is known.
    pub fn label(&self) -> Option<&Label> {
        match self {
            Self::Absent => None,
            Self::Directory { label, .. }
            | Self::Symlink { label, .. }
            | Self::Regular(Regular { label, .. }) => label.as_ref(),
        }
    }

    /// The same with this label.
    #[must_use]
    pub fn labelled(mut self, new: Option<Label>) -> Self {
        match &mut self {
            Self::Absent => {}
            Self::Directory { label, .. }
            | Self::Symlink { label, .. }
            | Self::Regular(Regular { label, .. }) => *label = new,
        }
        self
    }

    /// What a policy takes it for.
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::Absent => None,
            Self::Directory { .. } => Some(Class::Directory),
            Self::Symlink { .. } => Some(Class::Link),
            Self::Regular(_) => Some(Class::File),
        }
    }

    fn is_but_for_labels(&self, other: &Self) -> bool {
        self.clone().labelled(None) == other.clone().labelled(None)
    }
}

impl File {
    /// Its name across kinds and runs.
    pub fn name(&self) -> Name {
        Name { kind: "file", on: self.to_string() }
    }
}

impl Resource for File {
    type State = FileState;

    fn observe(&self, host: &Host) -> Result<FileState> {
        host.files().observe(&self.0)
    }

    fn converge(&self, host: &Host, to: &FileState) -> Result<()> {
        host.files().put(&self.0, to)
    }

    /// A journal from before labels were recorded has none, and so has what is seen where there is no
    /// `SELinux`.
    fn agree(one: &FileState, other: &FileState) -> bool {
        one.is_but_for_labels(other) && agree(one.label(), other.label())
    }

    /// With a new policy, files get new labels without anybody having had them in hand.
    fn is_left(now: &FileState, left: &FileState) -> bool {
        now.is_but_for_labels(left)
    }

    /// A file that is wanted has the label that the policy says.
    fn completed(&self, host: &Host, to: FileState) -> FileState {
        if to.label().is_some() {
            return to;
        }
        let label = to.class().and_then(|class| host.files().policy_label(&self.0, class));
        to.labelled(label)
    }

    fn held(&self, host: &Host, _: &FileState) -> Result<FileState> {
        self.observe(host)
    }

    /// A file and a link come into place whole. What is in their way may have gone before, and
    /// mode and owner may have changed one after the other.
    fn between(_: &Host, from: &FileState, to: &FileState, now: &FileState) -> bool {
        match now {
            FileState::Absent => true,
            FileState::Symlink { .. } => false,
            FileState::Directory { .. } => matches!(to, FileState::Directory { .. }),
            FileState::Regular(now) => [from.sha256(), to.sha256()].contains(&Some(now.sha256)),
        }
    }

    fn diff(&self, host: &Host, from: &FileState, to: &FileState) -> Option<String> {
        let text = |state: &FileState| match state {
            FileState::Absent => Some(String::new()),
            state => host.files().text(&self.0, state.sha256()?),
        };
        let (old, new) = (text(from)?, text(to)?);
        (old != new).then(|| unified(&self.0.display().to_string(), &old, &new))
    }
}

fn unified(path: &str, old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(old, new).unified_diff().context_radius(2).header(path, path).to_string()
}

/// Whether any of `steps` changes one of `paths`, and not just its label: what was started from it is still
/// what would be started.
pub(super) fn touches(steps: &[Step], mut is_input: impl FnMut(&PathBuf) -> bool) -> bool {
    let changes = |change: &Change<File>| !File::is_left(&change.from, &change.to);
    steps.iter().any(|step| matches!(step, Step::File(change) if changes(change) && is_input(&change.on.0)))
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Directory { mode, uid, gid, .. } => write!(f, "directory {mode}{}", Owner(*uid, *gid)),
            Self::Symlink { target, .. } => write!(f, "link to {}", target.display()),
            Self::Regular(Regular { sha256, mode, uid, gid, .. }) => {
                write!(f, "{} {mode}{}", sha256.short(), Owner(*uid, *gid))
            }
        }?;
        self.label().map_or(Ok(()), |label| write!(f, " {label}"))
    }
}

/// Owner and group, unsaid when they are root.
struct Owner(u32, u32);

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(0, 0) => Ok(()),
            Self(uid, gid) => write!(f, " {uid}:{gid}"),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        mode.to_string()
    }
}

impl TryFrom<String> for Mode {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u32::from_str_radix(&text, 8).map(Self)
    }
}
