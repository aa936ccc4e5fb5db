//! Chain policies and rules, in both backends, through the `iptables` programs.
//!
//! A kernel can have tables of the nft backend and of the legacy one at the same
//! time, and evaluates both. Looking at legacy must not bring its tables into
//! being, which `iptables-legacy -S` would do: `/proc/net/ip_tables_names` says
//! first whether there are any.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use iptables::IPTables;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::exec::{self, Program};
use super::listing::{Whose, firewalld_tables, foreign_rules, policies, policy_in, removals, restorable};
use crate::resource::{PolicyState, Rule};
use crate::{Error, Result};

/// Which tables of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Tables of `nf_tables`, as `iptables-nft` makes them.
    Nft,
    /// Tables of `ip_tables`, as `iptables-legacy` makes them.
    Legacy,
}

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4, `iptables`.
    #[serde(rename = "IPv4")]
    V4,
    /// IPv6, `ip6tables`.
    #[serde(rename = "IPv6")]
    V6,
}

/// The `iptables` programs of this node.
#[derive(Debug)]
pub struct Netfilter<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) tools: &'a Tools,
}

/// The tables that docker and firewalls have rules in.
const TABLES: [&str; 3] = ["filter", "nat", "raw"];

/// Absolute path of the program for each backend and family that has one.
#[derive(Debug)]
pub struct Tools(BTreeMap<(Backend, Family), &'static str>);

impl Tools {
    /// Looks for them. Where the programs are not named after their backend
    /// (before iptables 1.8), `iptables --version` says which it is.
    pub fn find(runtime: &Runtime) -> Self {
        let mut tools = BTreeMap::new();
        for family in [Family::V4, Family::V6] {
            for backend in [Backend::Nft, Backend::Legacy] {
                if let Some(path) = exec::find(&format!("{}-{backend}", family.program())) {
                    tools.insert((backend, family), leak(&path));
                }
            }
            if tools.keys().all(|(_, known)| *known != family)
                && let Some(path) = exec::find(family.program())
            {
                tools.insert((backend_of(&path, runtime), family), leak(&path));
            }
        }
        Self(tools)
    }

    /// The backend that plain `iptables` is, which is the one that docker uses.
    pub fn plain() -> Backend {
        let program = exec::find("iptables").and_then(|path| std::fs::canonicalize(path).ok());
        match program {
            Some(path) if path.to_string_lossy().contains("nft") => Backend::Nft,
            _ => Backend::Legacy,
        }
    }

    /// The backends and families that this node has programs for.
    pub fn all(&self) -> impl Iterator<Item = (Backend, Family)> {
        self.0.keys().copied()
    }
}

/// The `iptables` crate wants the program's name to live as long as the process.
fn leak(path: &std::path::Path) -> &'static str {
    String::leak(path.display().to_string())
}

fn backend_of(path: &std::path::Path, runtime: &Runtime) -> Backend {
    match Program::new(path).args(["--version"]).run(runtime) {
        Ok(output) if output.stdout.contains("nf_tables") => Backend::Nft,
        _ => Backend::Legacy,
    }
}

impl Netfilter<'_> {
    /// The backends and families whose tables can be looked at.
    pub fn all(&self) -> impl Iterator<Item = (Backend, Family)> {
        self.tools.all()
    }

    /// The policy of a built-in chain of the filter table.
    pub fn policy(&self, backend: Backend, family: Family, chain: &str) -> Result<PolicyState> {
        if !has_table(backend, family, "filter") {
            return Ok(PolicyState::Accept);
        }
        let listing = self.list(backend, family, "filter", &format!("-S {chain}"))?;
        policy_in(&listing, chain).ok_or_else(|| {
            failed(backend, family, &format!("-S {chain}"), "did not say the chain's policy".to_owned())
        })
    }

    /// Sets the policy of a built-in chain of the filter table.
    pub fn set_policy(
        &self,
        backend: Backend,
        family: Family,
        chain: &str,
        policy: PolicyState,
    ) -> Result<()> {
        let policy = policy.to_string();
        self.tool(backend, family)?
            .set_policy("filter", chain, &policy)
            .map_err(|error| failed(backend, family, &format!("-P {chain} {policy}"), error.to_string()))
    }

    /// What is in a table beside docker's own, in the form of `iptables -S`,
    /// policies of ACCEPT left out.
    pub fn rules(&self, backend: Backend, family: Family, table: &str) -> Result<Vec<String>> {
        if !has_table(backend, family, table) {
            return Ok(Vec::new());
        }
        let listing = self.list(backend, family, table, "-S")?;
        Ok(foreign_rules(&listing).map(str::to_owned).collect())
    }

    /// Empties a table: policies are opened before the first rule goes, so that
    /// nobody's connection is cut by a DROP that some rule made an exception from.
    pub fn flush(&self, backend: Backend, family: Family, table: &str) -> Result<()> {
        if !has_table(backend, family, table) {
            return Ok(());
        }
        let tool = self.tool(backend, family)?;
        let problem =
            |what: &str, error: Box<dyn std::error::Error>| failed(backend, family, what, error.to_string());
        for (chain, policy) in policies(&self.list(backend, family, table, "-S")?) {
            if policy != "ACCEPT" {
                tool.set_policy(table, chain, "ACCEPT").map_err(|error| problem("-P", error))?;
            }
        }
        tool.flush_table(table).map_err(|error| problem("-F", error))?;
        let output = tool.execute(table, "-X").map_err(|error| problem("-X", error))?;
        if output.status.success() {
            return Ok(());
        }
        Err(failed(backend, family, "-X", String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// Puts rules back into a table, all or none.
    pub fn restore(&self, backend: Backend, family: Family, table: &str, rules: &str) -> Result<()> {
        self.feed(backend, family, &[], restorable(table, rules))
    }

    /// Has `iptables-restore` carry a script out, whole or not at all.
    fn feed(&self, backend: Backend, family: Family, args: &[&str], script: String) -> Result<()> {
        let program = exec::find(&format!("{}-{backend}-restore", family.program()))
            .or_else(|| exec::find(&format!("{}-restore", family.program())))
            .ok_or_else(|| failed(backend, family, "restore", "is not installed".to_owned()))?;
        Program::new(program).args(args.iter().copied()).input(script).run(self.runtime).map(drop)
    }

    /// Whether a chain has a rule.
    pub fn has_rule(&self, rule: &Rule) -> Result<bool> {
        let Rule { backend, family, table, chain, rule } = rule;
        if !has_table(*backend, *family, table) {
            return Ok(false);
        }
        // A chain that is not there has no rules; -C and -S fail alike on it.
        self.tool(*backend, *family)?
            .exists(table, chain, rule)
            .map_err(|error| failed(*backend, *family, &format!("-C {chain} {rule}"), error.to_string()))
    }

    /// Puts a rule first in a chain.
    pub fn insert_rule(&self, rule: &Rule) -> Result<()> {
        let Rule { backend, family, table, chain, rule } = rule;
        self.list(*backend, *family, table, &format!("-I {chain} {rule}")).map(drop)
    }

    /// Takes a rule out of a chain.
    pub fn delete_rule(&self, rule: &Rule) -> Result<()> {
        let Rule { backend, family, table, chain, rule } = rule;
        self.list(*backend, *family, table, &format!("-D {chain} {rule}")).map(drop)
    }

    /// Whether there is a chain of this name in the filter table.
    pub fn has_chain(&self, backend: Backend, family: Family, chain: &str) -> Result<bool> {
        let declared = format!("-N {chain}");
        Ok(self.listing(backend, family, "filter")?.lines().any(|line| line.trim() == declared))
    }

    /// Everything in a table, in the form of `iptables -S`; nothing where there is no such table.
    pub fn listing(&self, backend: Backend, family: Family, table: &str) -> Result<String> {
        if !has_table(backend, family, table) {
            return Ok(String::new());
        }
        self.list(backend, family, table, "-S")
    }

    /// Every table of nftables, as `nft --json list ruleset` has it. Where there is no
    /// `nft`, or one that was built without JSON, this is not to be had.
    pub fn nftables(&self) -> Option<Value> {
        let said = Program::new(exec::find("nft")?).args(["--json", "list", "ruleset"]).run(self.runtime);
        serde_json::from_str(&said.ok()?.stdout).ok()
    }

    /// How many rules and chains there are of somebody's own.
    pub fn count(&self, backend: Backend, family: Family, whose: Whose) -> Result<usize> {
        if whose == Whose::Firewalld {
            return Ok(self.nftables().iter().flat_map(firewalld_tables).count());
        }
        let count = |table: &&str| Ok(removals(&self.listing(backend, family, table)?, whose).len());
        TABLES.iter().map(count).sum()
    }

    /// Takes somebody's own rules and chains out of every table that has them.
    pub fn remove(&self, backend: Backend, family: Family, whose: Whose) -> Result<()> {
        if whose == Whose::Firewalld {
            return self.nftables().iter().flat_map(firewalld_tables).try_for_each(|family| {
                Program::new("nft")
                    .args(["delete", "table", &family, "firewalld"])
                    .run(self.runtime)
                    .map(drop)
            });
        }
        for table in TABLES {
            if !has_table(backend, family, table) {
                continue;
            }
            let commands = removals(&self.list(backend, family, table, "-S")?, whose);
            if !commands.is_empty() {
                let script = format!("*{table}\n{}\nCOMMIT\n", commands.join("\n"));
                self.feed(backend, family, &["--noflush"], script)?;
            }
        }
        Ok(())
    }

    fn list(&self, backend: Backend, family: Family, table: &str, command: &str) -> Result<String> {
        let output = self
            .tool(backend, family)?
            .execute(table, command)
            .map_err(|error| failed(backend, family, command, error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failed(backend, family, command, String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    fn tool(&self, backend: Backend, family: Family) -> Result<IPTables> {
        let missing = || failed(backend, family, "", "is not installed".to_owned());
        let cmd = self.tools.0.get(&(backend, family)).copied().ok_or_else(missing)?;
        Ok(IPTables { cmd, has_check: true, has_wait: true, is_numeric: true })
    }
}

/// Whether looking at a table would find it: nft makes none by being looked at.
fn has_table(backend: Backend, family: Family, table: &str) -> bool {
    let names = match (backend, family) {
        (Backend::Nft, _) => return true,
        (Backend::Legacy, Family::V4) => "/proc/net/ip_tables_names",
        (Backend::Legacy, Family::V6) => "/proc/net/ip6_tables_names",
    };
    fs::read_to_string(names).is_ok_and(|names| names.lines().any(|name| name == table))
}

fn failed(backend: Backend, family: Family, command: &str, problem: String) -> Error {
    Error::Program {
        program: format!("{}-{backend} {command}", family.program()).trim_end().to_owned(),
        problem,
        code: None,
    }
}

impl Family {
    fn program(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nft => "nft",
            Self::Legacy => "legacy",
        })
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}
