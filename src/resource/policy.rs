//! What a chain does with packets that no rule decided.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::change::Resource;
use crate::host::{Backend, Family, Host};

/// A built-in chain of the filter table, in one backend, for one family.
///
/// The kernel evaluates both backends: a DROP in either drops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// nft or legacy.
    pub backend: Backend,
    /// IPv4 or IPv6.
    pub family: Family,
    /// The chain: `FORWARD`.
    pub chain: String,
}

/// A policy. A table that does not exist drops nothing: that is `Accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PolicyState {
    /// ACCEPT.
    Accept,
    /// DROP.
    Drop,
}

impl Resource for Policy {
    type State = PolicyState;

    fn observe(&self, host: &Host) -> Result<PolicyState> {
        host.netfilter()?.policy(self.backend, self.family, &self.chain)
    }

    fn converge(&self, host: &Host, to: &PolicyState) -> Result<()> {
        host.netfilter()?.set_policy(self.backend, self.family, &self.chain, *to)
    }

    fn offline(_: PolicyState) -> Option<PolicyState> {
        None
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.chain, self.family, self.backend)
    }
}

impl fmt::Display for PolicyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        })
    }
}
