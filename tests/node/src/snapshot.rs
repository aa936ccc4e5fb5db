//! The state of a node that a removal has to bring back.

mod files;
mod links;
mod mounts;
mod rules;
mod sysctls;
mod units;

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// What is true of the things of one kind: a name and a description of each.
type Facts = BTreeMap<String, String>;

/// A kind of thing that a snapshot tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Kind, mode, owner, and content of every file but the volatile ones.
    Files,
    /// What is enabled, disabled, masked.
    UnitFiles,
    /// What is active or has failed, but for mounts.
    Units,
    /// What is mounted where, but for the kernel's own file systems.
    Mounts,
    /// The node's own sysctls, `net.*`.
    Sysctls,
    /// The sysctls it shares with the machine and every other node, `vm.*` and `fs.*`.
    MachineSysctls,
    /// Policies and rules of netfilter, without counters.
    Rules,
    /// Network devices and their addresses.
    Links,
    /// Routes of all tables.
    Routes,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "file",
            Self::UnitFiles => "unit file",
            Self::Units => "unit",
            Self::Mounts => "mount",
            Self::Sysctls => "sysctl",
            Self::MachineSysctls => "sysctl of the machine",
            Self::Rules => "netfilter",
            Self::Links => "link",
            Self::Routes => "route",
        })
    }
}

/// What a node was like at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    sections: BTreeMap<Section, Facts>,
}

impl Snapshot {
    /// Looks at a running node, and changes nothing on it.
    ///
    /// # Errors
    /// When something cannot be looked at.
    pub fn of(machine: &Machine) -> Result<Self> {
        let (own, shared) = sysctls::of(machine).context("sysctls")?;
        let files = files::of(machine).context("files")?;
        let sections = [
            (Section::UnitFiles, units::unit_files(machine, &files).context("unit files")?),
            (Section::Files, files),
            (Section::Units, units::active(machine).context("units")?),
            (Section::Mounts, mounts::of(machine).context("mounts")?),
            (Section::Sysctls, own),
            (Section::MachineSysctls, shared),
            (Section::Rules, rules::of(machine).context("netfilter")?),
            (Section::Links, links::of(machine).context("links")?),
            (Section::Routes, links::routes(machine).context("routes")?),
        ];
        Ok(Self { sections: sections.into() })
    }

    /// The same without one section. Tests that run side by side leave out [`Section::MachineSysctls`].
    #[must_use]
    pub fn without(mut self, section: Section) -> Self {
        self.sections.remove(&section);
        self
    }

    /// The snapshot as text to keep.
    ///
    /// # Errors
    /// None that a caller can do anything about.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// What this snapshot says about one thing.
    #[must_use]
    pub fn get(&self, section: Section, name: &str) -> Option<&str> {
        self.sections.get(&section)?.get(name).map(String::as_str)
    }

    /// What is different in `later`, a line for each thing. A section that one of the two is without is not compared.
    #[must_use]
    pub fn diff(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (section, before) in &self.sections {
            if let Some(after) = later.sections.get(section) {
                lines.extend(compare(before, after).into_iter().map(|line| format!("{section} {line}")));
            }
        }
        lines
    }
}

fn compare(before: &Facts, after: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, was) in before {
        match after.get(name) {
            None => lines.push(format!("{name}: gone, was: {was}")),
            Some(is) if is != was => lines.push(format!("{name}: was: {was}; is: {is}")),
            Some(_) => {}
        }
    }
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    lines.extend(new.map(|(name, is)| format!("{name}: new: {is}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn snapshot(pairs: &[(&str, &str)]) -> Snapshot {
        Snapshot { sections: [(Section::Files, facts(pairs))].into() }
    }

    #[test]
    fn a_line_for_each_difference() {
        let before = snapshot(&[("/a", "1"), ("/b", "1"), ("/c", "1")]);
        let after = snapshot(&[("/a", "1"), ("/b", "2"), ("/d", "1")]);
        assert_eq!(
            before.diff(&after),
            ["file /b: was: 1; is: 2", "file /c: gone, was: 1", "file /d: new: 1"]
        );
        assert_eq!(before.diff(&before), [""; 0]);
        assert_eq!(before.clone().without(Section::Files).diff(&after), [""; 0]);
    }
}
