//! Chain policies and rules, in both backends, through the `iptables` programs.
//!
//! The crate that sets policies and empties tables hands the caller's environment on, in which
//! [`LIBRARIES`] would say what iptables loads: commands that change something refuse it. All else is
//! run as every other program is.
//!
//! A kernel can have tables of the nft backend and of the legacy one at the same
//! time, and evaluates both. Looking must not bring tables into being, which
//! `iptables -S` would do: `iptables-save` shows those that there are, all at once.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::rc::Rc;

use iptables::IPTables;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::exec::{self, Program};
use super::listing::{self, Whose, foreign_rules, policies, policy_in, removals, restorable};
use super::memory::{Listings, Memory};
use crate::read;
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
    pub(super) memory: &'a Memory,
}

/// The variable by which iptables takes its extensions from elsewhere.
pub const LIBRARIES: &str = "XTABLES_LIBDIR";

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
fn leak(path: &Path) -> &'static str {
    String::leak(path.display().to_string())
}

fn backend_of(path: &Path, runtime: &Runtime) -> Backend {
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

    /// The policy of a built-in chain of the filter table. Where there is no such chain,
    /// nothing is dropped.
    pub fn policy(&self, backend: Backend, family: Family, chain: &str) -> Result<PolicyState> {
        let listing = self.listing(backend, family, "filter")?;
        match policy_in(&listing, chain) {
            Ok(policy) => Ok(policy.unwrap_or(PolicyState::Accept)),
            Err(odd) => {
                let problem = format!("the policy of {chain} is {odd}, neither ACCEPT nor DROP");
                Err(failed(backend, family, "save", problem))
            }
        }
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
        let listing = self.listing(backend, family, table)?;
        Ok(foreign_rules(&listing).map(str::to_owned).collect())
    }

    /// Empties a table: policies are opened before the first rule goes, so that
    /// nobody's connection is cut by a DROP that some rule made an exception from.
    pub fn flush(&self, backend: Backend, family: Family, table: &str) -> Result<()> {
        let listing = self.listing(backend, family, table)?;
        if listing.is_empty() {
            return Ok(());
        }
        let tool = self.tool(backend, family)?;
        let problem =
            |what: &str, error: Box<dyn std::error::Error>| failed(backend, family, what, error.to_string());
        for (chain, policy) in policies(&listing) {
            if policy != "ACCEPT" {
                tool.set_policy(table, chain, "ACCEPT").map_err(|error| problem("-P", error))?;
            }
        }
        tool.flush_table(table).map_err(|error| problem("-F", error))?;
        self.execute(backend, family, table, "-X")
    }

    /// Puts rules back into a table, all or none.
    pub fn restore(&self, backend: Backend, family: Family, table: &str, rules: &str) -> Result<()> {
        self.feed(backend, family, &[], restorable(table, rules))
    }

    /// Has `iptables-restore` carry out commands on a table, all or none. It takes its turn with
    /// others who change legacy tables, within the time that a program has.
    fn execute(&self, backend: Backend, family: Family, table: &str, commands: &str) -> Result<()> {
        self.feed(backend, family, &["--noflush"], format!("*{table}\n{commands}\nCOMMIT\n"))
    }

    fn feed(&self, backend: Backend, family: Family, args: &[&str], script: String) -> Result<()> {
        self.memory.forget();
        let program = sister(backend, family, "restore")?;
        program.args(["-w"].iter().chain(args).copied()).input(script).run(self.runtime).map(drop)
    }

    /// Whether a chain has a rule, which is given as `iptables` shows it.
    pub fn has_rule(&self, rule: &Rule) -> Result<bool> {
        let Rule { backend, family, table, chain, rule } = rule;
        let shown = format!("-A {chain} {rule}");
        Ok(self.listing(*backend, *family, table)?.lines().any(|line| line == shown))
    }

    /// Puts a rule first in a chain.
    pub fn insert_rule(&self, rule: &Rule) -> Result<()> {
        let Rule { backend, family, table, chain, rule } = rule;
        self.execute(*backend, *family, table, &format!("-I {chain} {rule}"))
    }

    /// Takes a rule out of a chain.
    pub fn delete_rule(&self, rule: &Rule) -> Result<()> {
        let Rule { backend, family, table, chain, rule } = rule;
        self.execute(*backend, *family, table, &format!("-D {chain} {rule}"))
    }

    /// Whether there is a chain of this name in the filter table.
    pub fn has_chain(&self, backend: Backend, family: Family, chain: &str) -> Result<bool> {
        let declared = format!("-N {chain}");
        Ok(self.listing(backend, family, "filter")?.lines().any(|line| line.trim() == declared))
    }

    /// Everything in a table, in the form of `iptables -S`; nothing where there is no such table.
    pub fn listing(&self, backend: Backend, family: Family, table: &str) -> Result<String> {
        match self.listings(backend, family)?.get(table) {
            Some(Some(listing)) => Ok(listing.clone()),
            Some(None) => {
                let problem = format!("cannot show the table {table}: it has rules that only nft knows");
                Err(failed(backend, family, "save", problem))
            }
            None => Ok(String::new()),
        }
    }

    /// Begins every listing that will be asked for while the node stands still. They are made while
    /// other things are looked at.
    pub fn look_ahead(&self) {
        // Where that cannot be told, it is asked again when it is needed.
        let is_worth_it =
            |(backend, family): &(Backend, Family)| has_tables(*backend, *family).unwrap_or_default();
        for (backend, family) in self.all().filter(is_worth_it) {
            let Ok(save) = sister(backend, family, "save") else { continue };
            self.memory.change(|seen| seen.begun.insert((backend, family), save.begin(self.runtime)));
        }
        if let Some(list) = ruleset() {
            self.memory.change(|seen| seen.begun_nftables = Some(list.begin(self.runtime)));
        }
    }

    fn listings(&self, backend: Backend, family: Family) -> Result<Rc<Listings>> {
        let key = (backend, family);
        let look = || {
            if !has_tables(backend, family)? {
                return Ok(Rc::default());
            }
            // Plain iptables-save is another backend's where this one has no program.
            self.cmd(backend, family)?;
            let saved = match self.memory.change(|seen| seen.begun.remove(&key)).flatten() {
                Some(begun) => begun.end(self.runtime)?,
                None => sister(backend, family, "save")?.run(self.runtime)?,
            };
            Ok(Rc::new(listing::tables(&saved.stdout)))
        };
        self.memory.once(
            |seen| seen.tables.get(&key).cloned(),
            look,
            |seen, found| drop(seen.tables.insert(key, found)),
        )
    }

    /// Every table of nftables, as `nft --json list ruleset` has it. Null where there is no
    /// `nft`, where it was built without JSON, and where the kernel has no nftables.
    pub fn nftables(&self) -> Result<Rc<Value>> {
        let look = || {
            let said = match self.memory.change(|seen| seen.begun_nftables.take()).flatten() {
                Some(begun) => begun.end(self.runtime),
                None => match ruleset() {
                    Some(list) => list.run(self.runtime),
                    None => return Ok(Rc::default()),
                },
            };
            Ok(Rc::new(ruleset_in(said.map(|said| said.stdout))?))
        };
        self.memory.once(|seen| seen.nftables.clone(), look, |seen, found| seen.nftables = Some(found))
    }

    /// How many rules and chains there are of somebody's own.
    pub fn count(&self, backend: Backend, family: Family, whose: Whose) -> Result<usize> {
        if let Some(table) = whose.table() {
            return Ok(listing::families(&*self.nftables()?, table).len());
        }
        let count = |table: &&str| Ok(removals(&self.listing(backend, family, table)?, whose).len());
        TABLES.iter().map(count).sum()
    }

    /// Takes somebody's own rules and chains out of every table that has them.
    pub fn remove(&self, backend: Backend, family: Family, whose: Whose) -> Result<()> {
        if let Some(table) = whose.table() {
            let families = listing::families(&*self.nftables()?, table);
            self.memory.forget();
            return families.into_iter().try_for_each(|family| {
                Program::new("nft").args(["delete", "table", &family, table]).run(self.runtime).map(drop)
            });
        }
        for table in TABLES {
            let commands = removals(&self.listing(backend, family, table)?, whose);
            if !commands.is_empty() {
                self.execute(backend, family, table, &commands.join("\n"))?;
            }
        }
        Ok(())
    }

    /// Has the program itself carry out one command, in its turn with others.
    fn tool(&self, backend: Backend, family: Family) -> Result<IPTables> {
        self.memory.forget();
        Ok(IPTables { cmd: self.cmd(backend, family)?, has_check: true, has_wait: true, is_numeric: true })
    }

    fn cmd(&self, backend: Backend, family: Family) -> Result<&'static str> {
        let missing = || failed(backend, family, "", "is not installed".to_owned());
        self.tools.0.get(&(backend, family)).copied().ok_or_else(missing)
    }
}

fn ruleset() -> Option<Program> {
    Some(Program::new(exec::find("nft")?).args(["--json", "list", "ruleset"]))
}

/// What `nft` complains of where it cannot show a table, and none is kept from sight: it was built without
/// JSON, it is older than 0.9 and has not heard of it, or the kernel has no nftables (nfnetlink answers
/// EINVAL for a subsystem that there is not). Anything else is a failure to look.
const NO_TABLES: [&str; 3] = [
    "JSON support not compiled-in",
    "unrecognized option '--json'",
    "cache initialization failed: Invalid argument",
];

fn ruleset_in(said: Result<String>) -> Result<Value> {
    let has_none = |problem: &str| NO_TABLES.iter().any(|complaint| problem.contains(complaint));
    match said {
        Ok(listing) => serde_json::from_str(&listing).map_err(|error| Error::Program {
            program: "nft --json list ruleset".to_owned(),
            problem: format!("does not show its tables as JSON: {error}"),
            code: None,
        }),
        Err(Error::Program { problem, code: Some(_), .. }) if has_none(&problem) => Ok(Value::Null),
        Err(error) => Err(error),
    }
}

/// `iptables-nft-save` beside `iptables-nft`, or plain `iptables-save` where the programs are
/// not named after their backend.
fn sister(backend: Backend, family: Family, verb: &str) -> Result<Program> {
    exec::find(&format!("{}-{backend}-{verb}", family.program()))
        .or_else(|| exec::find(&format!("{}-{verb}", family.program())))
        .map(Program::new)
        .ok_or_else(|| failed(backend, family, verb, "is not installed".to_owned()))
}

/// Whether there is a table. Old programs fail where the kernel has not even a list of them.
fn has_tables(backend: Backend, family: Family) -> Result<bool> {
    match (backend, family) {
        (Backend::Nft, _) => Ok(true),
        (Backend::Legacy, Family::V4) => has_names(Path::new("/proc/net/ip_tables_names")),
        (Backend::Legacy, Family::V6) => has_names(Path::new("/proc/net/ip6_tables_names")),
    }
}

fn has_names(list: &Path) -> Result<bool> {
    match read::of_kernel(list) {
        Ok(names) => Ok(!names.is_empty()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read", list)(error)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tables_that_cannot_be_read_is_not_one_without_tables() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        std::fs::create_dir(at("unreadable")).unwrap();
        std::fs::write(at("empty"), "").unwrap();
        std::fs::write(at("filled"), "filter\nnat\n").unwrap();
        for (name, expected) in
            [("absent", Some(false)), ("empty", Some(false)), ("filled", Some(true)), ("unreadable", None)]
        {
            assert_eq!(has_names(&at(name)).ok(), expected, "{name}");
        }
    }

    #[test]
    fn an_nft_that_fails_is_not_one_without_tables() {
        let failed = |problem: &str, code| {
            let program = "nft --json list ruleset".to_owned();
            Err(Error::Program { program, problem: problem.to_owned(), code })
        };
        let exit = |complaint: &str| failed(&format!("failed with exit status: 1: {complaint}"), Some(1));
        for (said, expected) in [
            (Ok(r#"{"nftables": []}"#.to_owned()), Some(serde_json::json!({"nftables": []}))),
            (exit("Error: JSON support not compiled-in"), Some(Value::Null)),
            (exit("nft: unrecognized option '--json'"), Some(Value::Null)),
            (exit("netlink: Error: cache initialization failed: Invalid argument"), Some(Value::Null)),
            (exit("netlink: Error: cache initialization failed: No buffer space available"), None),
            (exit("Operation not permitted (you must be root)"), None),
            (failed("did not end within 30 s", None), None),
            (Ok(r#"{"nftables": [{"table""#.to_owned()), None),
            (Ok(String::new()), None),
        ] {
            let shown = format!("{said:?}");
            assert_eq!(ruleset_in(said).ok(), expected, "{shown}");
        }
    }
}
