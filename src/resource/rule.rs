//! A rule of ours in a chain that is somebody else's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::change::{Resource, Step};
use crate::host::{Backend, Family, Host};

/// A rule. The chain is never made by us: docker's own must
/// not be there before docker makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// nft or legacy.
    pub backend: Backend,
    /// IPv4 or IPv6.
    pub family: Family,
    /// `filter` or `mangle`.
    #[serde(default = "filter", skip_serializing_if = "is_filter")]
    pub table: String,
    /// The chain: `DOCKER-USER`.
    pub chain: String,
    /// The rule as `iptables` takes it: `-i flannel.1 -o docker0 -j ACCEPT`.
    pub rule: String,
}

/// Whether the rule is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleState {
    /// It is not, or there is no such chain.
    Absent,
    /// It is.
    Present,
}

/// The table of the rules whose journals say none.
fn filter() -> String {
    "filter".to_owned()
}

fn is_filter(table: &str) -> bool {
    table == "filter"
}

impl Resource for Rule {
    type State = RuleState;

    fn observe(&self, host: &Host) -> Result<RuleState> {
        let present = host.netfilter()?.has_rule(self)?;
        Ok(if present { RuleState::Present } else { RuleState::Absent })
    }

    fn converge(&self, host: &Host, to: &RuleState) -> Result<()> {
        let netfilter = host.netfilter()?;
        match to {
            RuleState::Present => netfilter.insert_rule(self),
            RuleState::Absent => netfilter.delete_rule(self),
        }
    }

    /// A rule that is put in place before docker starts is wanted again after it.
    fn foresee(&self, now: RuleState, earlier: &[Step]) -> RuleState {
        let earlier = earlier.iter().rev().find_map(|step| match step {
            Step::Rule(change) if change.on == *self => Some(change.to),
            _ => None,
        });
        earlier.unwrap_or(now)
    }

    fn offline(_: RuleState) -> Option<RuleState> {
        None
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}, {})", self.chain, self.rule, self.family, self.backend)
    }
}

impl fmt::Display for RuleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Present => "present",
        })
    }
}
