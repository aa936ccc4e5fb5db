//! What `iptables-save` says, read as what `iptables -S` says, and turned into what
//! `iptables-restore` takes. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::docker::{FLANNEL_RULE, USER_CHAIN};
use crate::resource::PolicyState;

/// Every table that `iptables-save` shows, in the form of `iptables -S`; none of one that
/// only `nft` can show.
pub(super) fn tables(saved: &str) -> BTreeMap<String, Option<String>> {
    let mut tables: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut listing = String::new();
    for line in saved.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("# Table `") {
            let incompatible = name.split_once("' is incompatible").map(|(name, _)| name.to_owned());
            tables.extend(incompatible.map(|name| (name, None)));
        } else if let Some(name) = line.strip_prefix('*') {
            tables.insert(name.to_owned(), Some(String::new()));
            name.clone_into(&mut listing);
        } else if let Some(Some(rules)) = tables.get_mut(&listing) {
            rules.extend(listed(line));
        }
    }
    tables
}

/// A line of `iptables-save` within a table as `iptables -S` has it.
fn listed(line: &str) -> Option<String> {
    let Some(declared) = line.strip_prefix(':') else {
        return line.starts_with('-').then(|| format!("{line}\n"));
    };
    let mut words = declared.split_whitespace();
    match (words.next()?, words.next()?) {
        (chain, "-") => Some(format!("-N {chain}\n")),
        (chain, policy) => Some(format!("-P {chain} {policy}\n")),
    }
}

pub(super) fn policies(listing: &str) -> impl Iterator<Item = (&str, &str)> {
    listing.lines().filter_map(|line| line.strip_prefix("-P ")?.split_once(' '))
}

/// The policy of a chain, if the chain is there; one that is none as an error.
pub(super) fn policy_in<'a>(listing: &'a str, chain: &str) -> Result<Option<PolicyState>, &'a str> {
    let Some((_, policy)) = policies(listing).find(|(name, _)| *name == chain) else { return Ok(None) };
    match policy.split_whitespace().next() {
        Some("ACCEPT") => Ok(Some(PolicyState::Accept)),
        Some("DROP") => Ok(Some(PolicyState::Drop)),
        _ => Err(policy),
    }
}

pub(super) fn foreign_rules(listing: &str) -> impl Iterator<Item = &str> {
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

/// The chains of the table filter that came with docker 28 and 29.
const NEWER_CHAINS: [&str; 4] = ["DOCKER-FORWARD", "DOCKER-CT", "DOCKER-BRIDGE", "DOCKER-INTERNAL"];

/// What is in those chains, what leads there, and the drops that docker 28 has in the table
/// raw, against packets that come to a container past its published ports.
fn is_newer_dockers(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.iter().any(|word| NEWER_CHAINS.contains(word))
        || is_dockers(line) && words.starts_with(&["-A", "PREROUTING"]) && words.ends_with(&["-j", "DROP"])
}

/// `docker0`, and `br-` with twelve hexadecimal digits.
fn is_bridge(name: &str) -> bool {
    name == "docker0"
        || name
            .strip_prefix("br-")
            .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whose rules and chains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// docker's.
    #[default]
    Docker,
    /// docker's too: the tables of nftables that 29 and later have them in, where they are
    /// told to. No step is about these: they go with docker.
    #[serde(skip)]
    DockerTables,
    /// docker's too: what 28 and later make, and earlier ones neither know nor take away.
    /// No step is about these: they go as an earlier one starts.
    #[serde(skip)]
    NewerDocker,
    /// ufw's, which stay when it is disabled without being stopped.
    Ufw,
    /// firewalld's, which stay when it is stopped while it starts: tables of nftables.
    Firewalld,
}

impl Whose {
    /// The unit that makes them.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Docker | Self::DockerTables | Self::NewerDocker => crate::docker::UNIT,
            Self::Ufw => "ufw.service",
            Self::Firewalld => "firewalld.service",
        }
    }

    /// The name of the tables of nftables that are theirs alone, where they have such.
    pub(super) fn table(self) -> Option<&'static str> {
        match self {
            Self::DockerTables => Some(crate::docker::TABLE),
            Self::Firewalld => Some("firewalld"),
            Self::Docker | Self::NewerDocker | Self::Ufw => None,
        }
    }

    fn has_line(self, line: &str) -> bool {
        match self {
            Self::Docker => is_dockers(line),
            Self::NewerDocker => is_newer_dockers(line),
            Self::Ufw => line.split_whitespace().any(|word| self.has_chain(word)),
            Self::DockerTables | Self::Firewalld => false,
        }
    }

    fn has_chain(self, name: &str) -> bool {
        match self {
            Self::Docker => is_dockers_chain(name),
            Self::NewerDocker => NEWER_CHAINS.contains(&name),
            Self::Ufw => name.starts_with("ufw-") || name.starts_with("ufw6-"),
            Self::DockerTables | Self::Firewalld => false,
        }
    }
}

/// The families of nftables' tables of this name, in what `nft --json list ruleset` says.
pub(super) fn families(ruleset: &Value, name: &str) -> Vec<String> {
    let parts = ruleset.get("nftables").and_then(Value::as_array).into_iter().flatten();
    let tables = parts.filter_map(|part| part.get("table"));
    let text = |table: &Value, key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
    let is_it = |table: &&Value| text(table, "name").as_deref() == Some(name);
    tables.filter(is_it).filter_map(|table| text(table, "family")).collect()
}

/// The commands that take somebody's own out: rules of other chains first, then
/// what their chains hold, then the chains. A chain in which somebody else has a
/// rule stays, and so do the jumps to it.
pub(super) fn removals(listing: &str, whose: Whose) -> Vec<String> {
    let lines = || listing.lines().map(str::trim);
    let is_others = |chain: &str| {
        lines().any(|line| {
            line.strip_prefix("-A ").is_some_and(|rule| first_word(rule) == chain) && !whose.has_line(line)
        })
    };
    let is_own = |chain: &str| whose.has_chain(chain) && (whose == Whose::Ufw || !is_others(chain));
    let chains: Vec<&str> =
        lines().filter_map(|line| line.strip_prefix("-N ")).filter(|name| is_own(name)).collect();
    let rules = lines()
        .filter(|line| whose.has_line(line))
        .filter_map(|line| line.strip_prefix("-A "))
        .filter(|rule| {
            let stays = rule.split_whitespace().any(|word| whose.has_chain(word) && !chains.contains(&word));
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
pub(super) fn restorable(table: &str, rules: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N DOCKER\n-N DOCKER-USER\n\
        -N KUBE-FORWARD\n-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -j DOCKER\n\
        -A FORWARD -j KUBE-FORWARD\n-A FORWARD -i br-0123456789ab -j ACCEPT\n-A FORWARD -i br-lan -j ACCEPT\n";

    #[test]
    fn what_is_saved_is_read_table_by_table() {
        let saved = "# Generated by iptables-save v1.8.11 (nf_tables)\n*filter\n:INPUT ACCEPT [0:0]\n\
            :FORWARD DROP [1:60]\n:DOCKER - [0:0]\n-A FORWARD -j DOCKER\nCOMMIT\n# Completed\n*nat\n\
            :POSTROUTING ACCEPT [0:0]\nCOMMIT\n# Table `raw' is incompatible, use 'nft' tool.\n";
        let listing = |text: &str| Some(text.to_owned());
        let expected = [
            ("filter", listing("-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER\n-A FORWARD -j DOCKER\n")),
            ("nat", listing("-P POSTROUTING ACCEPT\n")),
            ("raw", None),
        ];
        assert_eq!(tables(saved), expected.map(|(name, listing)| (name.to_owned(), listing)).into());
        assert_eq!(tables(""), BTreeMap::new());
    }

    #[test]
    fn policies_are_read_from_a_listing() {
        for (chain, policy) in
            [("FORWARD", Some(PolicyState::Drop)), ("INPUT", Some(PolicyState::Accept)), ("MISSING", None)]
        {
            assert_eq!(policy_in(LISTING, chain), Ok(policy), "{chain}");
        }
        assert_eq!(policy_in("-P FORWARD DROP -c 1 60", "FORWARD"), Ok(Some(PolicyState::Drop)));
        assert_eq!(policy_in("garbage", "FORWARD"), Ok(None));
        assert_eq!(policy_in("-P FORWARD QUEUE", "FORWARD"), Err("QUEUE"));
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
            removals(LISTING, Whose::Docker),
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
    fn tables_are_known_by_their_name() {
        let ruleset = r#"{"nftables": [{"metainfo": {}}, {"table": {"family": "ip", "name": "filter"}},
            {"table": {"family": "inet", "name": "firewalld"}}, {"chain": {"table": "firewalld"}},
            {"table": {"family": "ip", "name": "docker-bridges"}}, {"table": {"family": "ip6", "name": "docker-bridges"}}]}"#;
        let ruleset = serde_json::from_str(ruleset).unwrap();
        assert_eq!(families(&ruleset, Whose::Firewalld.table().unwrap()), ["inet"]);
        assert_eq!(families(&ruleset, Whose::DockerTables.table().unwrap()), ["ip", "ip6"]);
    }

    #[test]
    fn what_an_earlier_docker_does_not_know_is_taken_out() {
        let listing = "-P FORWARD ACCEPT\n-N DOCKER\n-N DOCKER-FORWARD\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n\
            -A FORWARD -o docker0 -j DOCKER\n-A FORWARD -j DOCKER-FORWARD\n-A DOCKER-FORWARD -i docker0 -j ACCEPT\n";
        let commands = ["-D FORWARD -j DOCKER-FORWARD", "-F DOCKER-FORWARD", "-X DOCKER-FORWARD"];
        assert_eq!(removals(listing, Whose::NewerDocker), commands);
        let raw = "-P PREROUTING ACCEPT\n-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP\n-A PREROUTING -i eth0 -j DROP\n";
        let commands = ["-D PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP"];
        assert_eq!(removals(raw, Whose::NewerDocker), commands);
    }

    #[test]
    fn what_ufw_left_is_taken_out() {
        let listing = "-P INPUT DROP\n-N ufw-before-input\n-N DOCKER\n-A INPUT -j ufw-before-input\n\
            -A INPUT -p tcp -j ACCEPT\n-A ufw-before-input -i lo -j ACCEPT\n-A FORWARD -j DOCKER\n";
        let commands = ["-D INPUT -j ufw-before-input", "-F ufw-before-input", "-X ufw-before-input"];
        assert_eq!(removals(listing, Whose::Ufw), commands);
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
        assert_eq!(
            removals(&listing, Whose::Docker),
            [""; 0],
            "the chain stays for their rule, and with it the jump"
        );
    }

    #[test]
    fn a_listing_can_be_restored() {
        assert_eq!(
            restorable("filter", "-P INPUT DROP\n-N KUBE\n-A INPUT -j KUBE"),
            "*filter\n:INPUT DROP [0:0]\n:KUBE - [0:0]\n-A INPUT -j KUBE\nCOMMIT\n"
        );
    }
}
