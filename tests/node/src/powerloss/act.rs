//! What is recorded: the four commands that change a node, each on a node that the one before has left.

use std::fmt;

use crate::{Node, Suite};

/// A command whose writes are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A first installation, with the docker of an older suite.
    Install,
    /// Another docker, that of the node's own suite.
    Upgrade,
    /// Back to the docker before.
    Rollback,
    /// Everything goes.
    Removal,
}

impl Act {
    /// In the order in which they are recorded.
    pub const ALL: [Self; 4] = [Self::Install, Self::Upgrade, Self::Rollback, Self::Removal];

    /// The archives that a node of `suite` has: an older docker, and its own.
    pub(super) fn archives(suite: Suite) -> [Suite; 2] {
        let older = Suite::ALL.into_iter().rev().find(|older| *older < suite).unwrap_or(suite);
        [older, suite]
    }

    /// The arguments of node-setup that are recorded.
    pub(super) fn command(self, suite: Suite) -> Vec<String> {
        let [older, own] = Self::archives(suite);
        let words: &[&str] = match self {
            Self::Install => &["docker", "--archive", &Node::archive(older)],
            Self::Upgrade => &["docker", "--archive", &Node::archive(own)],
            Self::Rollback => &["docker", "rollback"],
            Self::Removal => &["docker", "remove", "--purge"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// The commands that bring a node forward again whose power went away meanwhile, and look whether it is right.
    pub(super) fn recovery(self, suite: Suite) -> Vec<Vec<String>> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
        let verify = words(&["docker", "verify"]);
        match self {
            Self::Install | Self::Upgrade => vec![self.command(suite), verify],
            Self::Rollback => vec![words(&["docker"]), verify],
            Self::Removal => vec![],
        }
    }

    /// How much of a string the trace is to have. Where an archive is unpacked, what is long is found on the node.
    pub(super) fn longest(self) -> u32 {
        match self {
            Self::Install | Self::Upgrade => 8 << 10,
            Self::Rollback | Self::Removal => 1 << 20,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Removal => "removal",
        })
    }
}
