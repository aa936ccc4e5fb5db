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
use tokio::runtime::Runtime;

use super::exec::{self, Program};
use crate::docker::{FLANNEL_RULE, USER_CHAIN};
use crate::resource::PolicyState;
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

    /// Whether a chain of the filter table has a rule.
    pub fn has_rule(&self, backend: Backend, family: Family, chain: &str, rule: &str) -> Result<bool> {
        if !has_table(backend, family, "filter") {
            return Ok(false);
        }
        // A chain that is not there has no rules; -C and -S fail alike on it.
        self.tool(backend, family)?
            .exists("filter", chain, rule)
            .map_err(|error| failed(backend, family, &format!("-C {chain} {rule}"), error.to_string()))
    }

    /// Puts a rule first in a chain of the filter table.
    pub fn insert_rule(&self, backend: Backend, family: Family, chain: &str, rule: &str) -> Result<()> {
        self.list(backend, family, "filter", &format!("-I {chain} {rule}")).map(drop)
    }

    /// Takes a rule out of a chain of the filter table.
    pub fn delete_rule(&self, backend: Backend, family: Family, chain: &str, rule: &str) -> Result<()> {
        self.list(backend, family, "filter", &format!("-D {chain} {rule}")).map(drop)
    }

    /// Takes docker's own rules and chains out of every table that has them.
    pub fn remove_dockers(&self, backend: Backend, family: Family) -> Result<()> {
        for table in ["filter", "nat", "raw"] {
            if !has_table(backend, family, table) {
                continue;
            }
            let commands = removals(&self.list(backend, family, table, "-S")?);
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

fn policies(listing: &str) -> impl Iterator<Item = (&str, &str)> {
    listing.lines().filter_map(|line| line.strip_prefix("-P ")?.split_once(' '))
}

fn policy_in(listing: &str, chain: &str) -> Option<PolicyState> {
    let (_, policy) = policies(listing).find(|(name, _)| *name == chain)?;
    match policy.split_whitespace().next()? {
        "ACCEPT" => Some(PolicyState::Accept),
        "DROP" => Some(PolicyState::Drop),
        _ => None,
    }
}

fn foreign_rules(listing: &str) -> impl Iterator<Item = &str> {
    listing.lines().map(str::trim).filter(|line| {
        let is_open = line.starts_with("-P ") && line.ends_with(" ACCEPT");
        !(line.is_empty() || is_open || is_dockers(line) || is_ours(line))
    })
}

/// The rule for flannel is a resource of its own.
fn is_ours(line: &str) -> bool {
    line.strip_prefix("-A ").and_then(|rule| rule.strip_prefix(USER_CHAIN)).map(str::trim)
        == Some(FLANNEL_RULE)
}

/// The chains of its own are docker's, with what is in them; but `DOCKER-USER`, of
/// which only the last rule is. So are, in the chains that the kernel has, the
/// jumps to them and the rules for docker's bridges, none of which has a comment.
fn is_dockers(line: &str) -> bool {
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some("-N"), Some(chain)) => is_dockers_chain(chain),
        (Some("-A"), Some(USER_CHAIN)) => {
            let rule: Vec<&str> = words.collect();
            matches!(rule.as_slice(), ["-j", "RETURN"])
        }
        (Some("-A"), Some(chain)) if is_dockers_chain(chain) => true,
        (Some("-A"), Some("FORWARD" | "PREROUTING" | "OUTPUT" | "POSTROUTING")) => {
            let rule: Vec<&str> = words.collect();
            let is_docker_word = |word: &&str| is_dockers_chain(word) || is_bridge(word);
            rule.iter().any(is_docker_word) && !rule.contains(&"--comment")
        }
        _ => false,
    }
}

fn is_dockers_chain(name: &str) -> bool {
    name.starts_with("DOCKER")
}

/// `docker0`, and `br-` with twelve hexadecimal digits.
fn is_bridge(name: &str) -> bool {
    name == "docker0"
        || name
            .strip_prefix("br-")
            .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The commands that take docker's own out: rules of other chains first, then
/// what its chains hold, then the chains. A chain in which somebody has a rule of
/// their own stays, and so do the jumps to it.
fn removals(listing: &str) -> Vec<String> {
    let lines = || listing.lines().map(str::trim);
    let is_theirs = |chain: &str| {
        lines().any(|line| {
            line.strip_prefix("-A ").is_some_and(|rule| first_word(rule) == chain) && !is_dockers(line)
        })
    };
    let chains: Vec<&str> = lines()
        .filter_map(|line| line.strip_prefix("-N "))
        .filter(|name| is_dockers_chain(name) && !is_theirs(name))
        .collect();
    let rules = lines()
        .filter(|line| is_dockers(line))
        .filter_map(|line| line.strip_prefix("-A "))
        .filter(|rule| {
            let stays = rule.split_whitespace().any(|word| is_dockers_chain(word) && !chains.contains(&word));
            !chains.contains(&first_word(rule)) && !stays
        })
        .map(|rule| format!("-D {rule}"));
    let flush = chains.iter().map(|chain| format!("-F {chain}"));
    let delete = chains.iter().map(|chain| format!("-X {chain}"));
    rules.chain(flush).chain(delete).collect()
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// The form of `iptables -S` as input for `iptables-restore`.
fn restorable(table: &str, rules: &str) -> String {
    let line = |line: &str| {
        if let Some((chain, policy)) = line.strip_prefix("-P ").and_then(|rest| rest.split_once(' ')) {
            format!(":{chain} {policy} [0:0]\n")
        } else if let Some(chain) = line.strip_prefix("-N ") {
            format!(":{chain} - [0:0]\n")
        } else {
            format!("{line}\n")
        }
    };
    format!("*{table}\n{}COMMIT\n", rules.lines().map(line).collect::<String>())
}

fn failed(backend: Backend, family: Family, command: &str, problem: String) -> Error {
    Error::Program {
        program: format!("{}-{backend} {command}", family.program()).trim_end().to_owned(),
        problem,
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

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N DOCKER\n-N DOCKER-USER\n\
        -N KUBE-FORWARD\n-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -j DOCKER\n\
        -A FORWARD -j KUBE-FORWARD\n-A FORWARD -i br-0123456789ab -j ACCEPT\n-A FORWARD -i br-lan -j ACCEPT\n";

    #[test]
    fn policies_are_read_from_a_listing() {
        for (chain, policy) in
            [("FORWARD", Some(PolicyState::Drop)), ("INPUT", Some(PolicyState::Accept)), ("MISSING", None)]
        {
            assert_eq!(policy_in(LISTING, chain), policy, "{chain}");
        }
        assert_eq!(policy_in("-P FORWARD DROP -c 1 60", "FORWARD"), Some(PolicyState::Drop));
        assert_eq!(policy_in("garbage", "FORWARD"), None);
    }

    #[test]
    fn what_docker_made_is_not_anyone_elses() {
        let foreign: Vec<_> = foreign_rules(LISTING).collect();
        assert_eq!(
            foreign,
            [
                "-P FORWARD DROP",
                "-N KUBE-FORWARD",
                "-A FORWARD -j KUBE-FORWARD",
                "-A FORWARD -i br-lan -j ACCEPT"
            ]
        );
    }

    #[test]
    fn what_docker_made_is_taken_out_rules_first() {
        assert_eq!(
            removals(LISTING),
            [
                "-D FORWARD -j DOCKER-USER",
                "-D FORWARD -o docker0 -j DOCKER",
                "-D FORWARD -i br-0123456789ab -j ACCEPT",
                "-F DOCKER",
                "-F DOCKER-USER",
                "-X DOCKER",
                "-X DOCKER-USER",
            ]
        );
    }

    #[test]
    fn rules_of_others_about_docker_are_theirs() {
        let theirs = [
            "-A INPUT -i docker0 -p tcp -m tcp --dport 9100 -j ACCEPT",
            "-A FORWARD -i docker0 -m comment --comment \"don't log\" -j ACCEPT",
            "-A DOCKER-USER -s 10.0.0.0/8 -j DROP",
        ];
        let listing = format!(
            "-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n{}\n-A DOCKER-USER {FLANNEL_RULE}\n-A DOCKER-USER -j RETURN\n",
            theirs.join("\n")
        );
        assert_eq!(foreign_rules(&listing).collect::<Vec<_>>(), theirs);
        assert_eq!(removals(&listing), [""; 0], "the chain stays for their rule, and with it the jump");
    }

    #[test]
    fn a_listing_can_be_restored() {
        assert_eq!(
            restorable("filter", "-P INPUT DROP\n-N KUBE\n-A INPUT -j KUBE"),
            "*filter\n:INPUT DROP [0:0]\n:KUBE - [0:0]\n-A INPUT -j KUBE\nCOMMIT\n"
        );
    }
}
