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
    /// decided that there is nobody whose rules would go. Rules that come back are not asked
    /// for: they do only where nobody has put others (`between`), and docker, which may run
    /// then, makes its own anew.
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
        let rules = match to {
            TableState::Empty => None,
            TableState::Rules { sha256, .. } => Some(host.files().kept_text(*sha256)?),
        };
        if rules.is_none() {
            self.nobody_loses(host)?;
        }
        if let TableState::Rules { sha256, .. } = self.observe(host)? {
            host.files().store().keep_offered(sha256)?;
        }
        netfilter.flush(self.backend, self.family, &self.table)?;
        match rules {
            None => Ok(()),
            Some(rules) => netfilter.restore(self.backend, self.family, &self.table, &rules),
        }
    }

    /// What was there is kept before any of it goes: what is not kept was not flushed.
    fn between(host: &Host, from: &TableState, to: &TableState, now: &TableState) -> bool {
        let text = |state: &TableState| match state {
            TableState::Empty => Some(String::new()),
            TableState::Rules { sha256, .. } => host.files().kept_text(*sha256).ok(),
        };
        let Some(now) = text(now) else { return false };
        [from, to].into_iter().filter_map(text).any(|whole| is_rest_of(&now, &whole))
    }

    fn offline(_: TableState) -> Option<TableState> {
        None
    }
}

/// How the line of a chain's policy begins.
const POLICY: &str = "-P ";

/// Whether a flush that was broken off may have left `now` of the `whole`: policies are opened
/// one by one, then all rules go at once, then all chains. Rules come back all or none.
fn is_rest_of(now: &str, whole: &str) -> bool {
    let rules = |text: &'_ str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with(POLICY)).map(str::to_owned).collect()
    };
    let lines: Vec<&str> = whole.lines().collect();
    let is_open = rules(now) == rules(whole) && now.lines().all(|line| lines.contains(&line));
    let has_chains_alone = now.lines().eq(lines.into_iter().filter(|line| line.starts_with("-N ")));
    now != whole && (now.is_empty() || is_open || has_chains_alone)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Attempt, Change, Standing, Step};
    use crate::host::{Interrupt, Limits};

    const KEPT: &str =
        "-P INPUT DROP\n-P FORWARD DROP\n-N LOCAL\n-A INPUT -j LOCAL\n-A LOCAL -i lo -j ACCEPT";

    fn host(state: &tempfile::TempDir) -> Host {
        Host::with_state(state.path(), Limits::default(), Interrupt::default()).unwrap()
    }

    /// No kernel has a table of this name, whatever goes wrong here.
    fn table() -> Table {
        Table { backend: Backend::Nft, family: Family::V4, table: "nowhere".to_owned() }
    }

    /// A table that has these rules, in the form of `iptables-save`.
    fn shows(host: &Host, rules: &str) -> TableState {
        let table = table();
        let declared = |line: &str| match line.split_once(' ') {
            Some(("-P", policy)) => format!(":{policy} [0:0]\n"),
            Some(("-N", chain)) => format!(":{chain} - [0:0]\n"),
            _ => format!("{line}\n"),
        };
        let saved: String = rules.lines().map(declared).collect();
        host.stands_still_with(table.backend, table.family, &format!("*nowhere\n{saved}COMMIT\n"));
        table.observe(host).unwrap()
    }

    fn emptying(from: TableState) -> Change<Table> {
        Change { on: table(), from, to: TableState::Empty }
    }

    /// Whether a run that died was at it, or had not come to it.
    #[test]
    fn what_no_flush_has_left_is_somebody_elses() {
        let opened = KEPT.replace("-P INPUT DROP\n", "");
        let open = opened.replace("-P FORWARD DROP\n", "");
        for (now, is_kept, expected) in [
            (KEPT, true, Standing::AtFrom),
            ("", true, Standing::AtTo),
            (&opened, true, Standing::Between("4 rules".to_owned())),
            (&open, true, Standing::Between("3 rules".to_owned())),
            ("-N LOCAL", true, Standing::Between("1 rule".to_owned())),
            (&opened, false, Standing::Elsewhere("4 rules".to_owned())),
            ("-N LOCAL\n-A INPUT -j LOCAL", true, Standing::Elsewhere("2 rules".to_owned())),
            ("-P INPUT DROP", true, Standing::Elsewhere("1 rule".to_owned())),
            ("-N KUBE-FIREWALL\n-A INPUT -j KUBE-FIREWALL", true, Standing::Elsewhere("2 rules".to_owned())),
            (
                &format!("{KEPT}\n-A INPUT -s 192.0.2.1 -j DROP"),
                true,
                Standing::Elsewhere("6 rules".to_owned()),
            ),
        ] {
            let state = tempfile::tempdir().unwrap();
            let before = host(&state);
            let from = shows(&before, KEPT);
            if let TableState::Rules { sha256, .. } = from
                && is_kept
            {
                before.files().store().keep_offered(sha256).unwrap();
            }
            // As a process of its own sees it.
            let host = host(&state);
            let seen = shows(&host, now);
            let step = Step::Table(emptying(from.clone()));
            assert_eq!(step.standing(&host).unwrap(), expected, "{now}");
            let ours = match expected {
                Standing::AtFrom | Standing::Elsewhere(_) => None,
                _ => Some(Step::Table(Change { to: seen, ..emptying(from) })),
            };
            assert_eq!(Attempt::begun(step).found(&host).unwrap(), ours, "{now}");
        }
    }

    /// Going from one set of rules to another, also back.
    #[test]
    fn a_flush_is_on_the_way_to_rules_too() {
        for (now, is_rest) in [("", true), ("-N LOCAL", true), (KEPT, false), ("-A INPUT -j DROP", false)] {
            assert_eq!(is_rest_of(now, KEPT), is_rest, "{now}");
        }
        assert!(!is_rest_of("", "") && !is_rest_of("-P INPUT DROP", ""));
    }
}
