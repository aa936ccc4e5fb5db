//! The rules that a firewall or an earlier life of the node left in a table.
//!
//! The guide flushes filter and nat before docker starts. Undoing that means
//! having the rules; they are kept in the store and named by digest, like any
//! contents. docker's own chains and rules are not part of the state: docker
//! makes them anew at each start.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::Resource;
use crate::digest::Digest;
use crate::host::{Backend, Family, Host, loses_rules};
use crate::{Error, Result};

/// A table of one backend and family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// nft or legacy.
    pub backend: Backend,
    /// IPv4 or IPv6.
    pub family: Family,
    /// `filter` or `nat`.
    pub table: String,
}

/// What is in the table beside docker's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableState {
    /// No rule, no chain of anyone's, every policy ACCEPT; or no such table.
    Empty,
    /// Rules, in the form of `iptables-save`, by digest.
    Rules {
        /// How many rules, chains and policies: for people.
        lines: usize,
        /// The digest of the text.
        sha256: Digest,
    },
}

impl Table {
    /// Looked at again, at the last moment: kubelet may have come up since it was
    /// decided that there is nobody whose rules would go.
    fn nobody_loses(&self, host: &Host) -> Result<()> {
        let alive = host.processes()?.into_iter().find(|(_, name)| loses_rules(name));
        match alive {
            None => Ok(()),
            Some((pid, name)) => Err(Error::NotConverged {
                on: format!("table {self}"),
                wanted: TableState::Empty.to_string(),
                found: format!("in use by {name} (process {pid}), which would lose its rules"),
            }),
        }
    }
}

impl Resource for Table {
    type State = TableState;

    fn observe(&self, host: &Host) -> Result<TableState> {
        let rules = host.netfilter()?.rules(self.backend, self.family, &self.table)?;
        if rules.is_empty() {
            return Ok(TableState::Empty);
        }
        let lines = rules.len();
        Ok(TableState::Rules { lines, sha256: host.files().offer(rules.join("\n").into_bytes()) })
    }

    fn converge(&self, host: &Host, to: &TableState) -> Result<()> {
        let netfilter = host.netfilter()?;
        if *to == TableState::Empty {
            self.nobody_loses(host)?;
        }
        if let TableState::Rules { sha256, .. } = self.observe(host)? {
            host.files().store().keep_offered(sha256)?;
        }
        netfilter.flush(self.backend, self.family, &self.table)?;
        match to {
            TableState::Empty => Ok(()),
            TableState::Rules { sha256, .. } => {
                let rules = host.files().kept_text(*sha256)?;
                netfilter.restore(self.backend, self.family, &self.table, &rules)
            }
        }
    }

    fn offline(_: TableState) -> Option<TableState> {
        None
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.table, self.family, self.backend)
    }
}

impl fmt::Display for TableState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Rules { lines: 1, .. } => f.write_str("1 rule"),
            Self::Rules { lines, .. } => write!(f, "{lines} rules"),
        }
    }
}
