//! Directories that docker fills: its data, its state, its configuration.
//!
//! Unlike a [`File`](super::File) that is a directory, a tree is one thing with
//! all that is in it. Undoing a tree that was not there before takes everything
//! in it away, mounts first.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::change::Resource;
use crate::host::Host;

/// The directory at the top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree(pub PathBuf);

/// Whether it is there. Owner and modes are docker's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreeState {
    /// Nothing is there.
    Absent,
    /// A directory is there.
    Present,
}

impl Resource for Tree {
    type State = TreeState;

    fn observe(&self, host: &Host) -> Result<TreeState> {
        Ok(if host.files().is_directory(&self.0)? { TreeState::Present } else { TreeState::Absent })
    }

    fn converge(&self, host: &Host, to: &TreeState) -> Result<()> {
        match to {
            TreeState::Present => host.files().make_tree(&self.0),
            TreeState::Absent => host.files().remove_tree(&self.0),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl fmt::Display for TreeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Present => "directory",
        })
    }
}
