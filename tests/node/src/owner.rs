//! To whom a node belongs, so that what a killed test left behind can be told from what someone still uses.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process;

/// Who answers for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A person: the node stays until it is taken down.
    Person,
    /// A process, told from a later one with the same id by when it started.
    Process {
        /// Its id.
        pid: u32,
        /// When it started, in clock ticks since boot.
        started: u64,
    },
}

impl Owner {
    /// This process.
    pub(crate) fn this_process() -> Self {
        let pid = std::process::id();
        Self::Process { pid, started: process::alive(pid).map_or(0, |stat| stat.started) }
    }

    /// Whether the owner can still take its node away.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Person => false,
            Self::Process { pid, started } => {
                process::alive(*pid).is_none_or(|stat| stat.started != *started)
            }
        }
    }

    /// Records the owner of the node kept in `dir`.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let text = match self {
            Self::Person => "person".to_owned(),
            Self::Process { pid, started } => format!("{pid} {started}"),
        };
        fs::write(dir.join("owner"), text).with_context(|| format!("cannot write {}/owner", dir.display()))
    }

    /// The recorded owner of the node kept in `dir`, if one is recorded.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(dir.join("owner")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "person" {
            return Some(Self::Person);
        }
        let (pid, started) = text.split_once(' ')?;
        Some(Self::Process { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }
}
