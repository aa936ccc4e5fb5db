//! Rules that somebody has left where they do not belong. The kernel evaluates them
//! with the others.
//!
//! docker's, in a backend that docker does not use: saved by a firewall and restored
//! by it, or left when the backend was changed. And ufw's and firewalld's, when these
//! are not to run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::{Resource, Step};
use crate::host::{Backend, Family, Host, Whose};
use crate::{Error, Result};

/// Every table of one backend and family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// nft or legacy.
    pub backend: Backend,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Whose they are.
    #[serde(default)]
    pub whose: Whose,
}

/// What is there of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemainsState {
    /// Nothing.
    None,
    /// That many rules and chains.
    Rules(usize),
}

impl Resource for Remains {
    type State = RemainsState;

    fn observe(&self, host: &Host) -> Result<RemainsState> {
        Ok(match host.netfilter()?.count(self.backend, self.family, self.whose)? {
            0 => RemainsState::None,
            lines => RemainsState::Rules(lines),
        })
    }

    fn converge(&self, host: &Host, to: &RemainsState) -> Result<()> {
        match to {
            RemainsState::None => host.netfilter()?.remove(self.backend, self.family, self.whose),
            RemainsState::Rules(_) => Err(Error::NotConverged {
                on: format!("remains of {self}"),
                wanted: to.to_string(),
                found: "rules that their owner alone makes".to_owned(),
            }),
        }
    }

    /// firewalld takes its own with it when it is stopped in good order.
    fn foresee(&self, now: RemainsState, earlier: &[Step]) -> RemainsState {
        let stops = |step: &Step| match step {
            Step::Unit(change) => change.on.name == self.whose.unit() && !change.to.active,
            _ => false,
        };
        let goes = self.whose == Whose::Firewalld && earlier.iter().any(stops);
        if goes { RemainsState::None } else { now }
    }

    /// Rules whose owner does not run are nobody's to bring back.
    fn attainable(_: &RemainsState) -> RemainsState {
        RemainsState::None
    }

    fn offline(_: RemainsState) -> Option<RemainsState> {
        None
    }
}

impl fmt::Display for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.whose {
            Whose::Docker | Whose::DockerTables | Whose::NewerDocker => "docker",
            Whose::Ufw => "ufw",
            Whose::Firewalld => "firewalld",
        };
        write!(f, "{whose}'s rules ({}, {})", self.family, self.backend)
    }
}

impl fmt::Display for RemainsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Rules(1) => f.write_str("1 line"),
            Self::Rules(lines) => write!(f, "{lines} lines"),
        }
    }
}
