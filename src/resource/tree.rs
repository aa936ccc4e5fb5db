//! Directories that docker fills: its data, its state, its configuration.
//!
//! Unlike a [`File`](super::File) that is a directory, a tree is one thing with
//! all that is in it. Undoing a tree that was not there before takes everything
//! in it away, mounts first. But what is in docker's configuration is the site's, all
//! but one file that docker makes: that is taken away, and what stays is named.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::change::Resource;
use crate::host::Host;

/// Where docker's configuration is.
const CONFIGURATION: &str = "/etc/docker";

/// What docker itself makes there, up to 23: the key by which it named itself to registries of version 1.
const OF_DOCKER: [&str; 1] = ["key.json"];

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
            TreeState::Absent if self.0 == Path::new(CONFIGURATION) => {
                OF_DOCKER.iter().try_for_each(|name| host.files().remove_leftover(&self.0.join(name)))?;
                host.files().remove_empty(&self.0)
            }
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
