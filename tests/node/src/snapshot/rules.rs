//! Netfilter, as each of its tools tells it.
//!
//! A table that is not there and one whose chains are empty with policy ACCEPT let the same packets through: neither
//! gives a fact.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Facts;
use crate::machine::Machine;

/// The tables that iptables keeps in nftables: they are told by its own tool.
const OF_IPTABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

pub(super) fn of(machine: &Machine) -> Result<Facts> {
    let mut facts = Facts::new();
    for (tool, tables) in
        [("iptables", "/proc/net/ip_tables_names"), ("ip6tables", "/proc/net/ip6_tables_names")]
    {
        facts.extend(saved(&format!("{tool}-nft"), &machine.ok(&format!("{tool}-nft-save 2>/dev/null"))?));
        // Asking the legacy tool for a table makes the table: ask only for those that are there.
        for table in machine.ok(&format!("cat {tables} 2>/dev/null || true"))?.split_whitespace() {
            let text = machine.ok(&format!("{tool}-legacy-save -t {table}"))?;
            facts.extend(saved(&format!("{tool}-legacy"), &text));
        }
    }
    facts.extend(native(&machine.ok("nft --stateless list ruleset")?));
    Ok(facts)
}

/// The chains in what iptables-save prints: `*TABLE`, `:CHAIN POLICY [counters]`, `-A CHAIN rule`.
fn saved(tool: &str, text: &str) -> Facts {
    let mut table = "";
    let mut chains: BTreeMap<String, (&str, Vec<&str>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some((name, rest)) = line.strip_prefix(':').and_then(|rest| rest.split_once(' ')) {
            let policy = rest.split(' ').next().unwrap_or_default();
            chains.entry(format!("{tool} {table} {name}")).or_default().0 = policy;
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let (name, rule) = rule.split_once(' ').unwrap_or((rule, ""));
            chains.entry(format!("{tool} {table} {name}")).or_default().1.push(rule);
        }
    }
    chains.retain(|_, (policy, rules)| *policy != "ACCEPT" || !rules.is_empty());
    chains
        .into_iter()
        .map(|(name, (policy, rules))| (name, format!("{policy} [{}]", rules.join("; "))))
        .collect()
}

/// The tables in what `nft list ruleset` prints, without those of iptables.
fn native(text: &str) -> Facts {
    let mut facts = Facts::new();
    for block in text.split("\n}") {
        let Some((name, body)) = block.trim().strip_prefix("table ").and_then(|rest| rest.split_once(" {"))
        else {
            continue;
        };
        let (family, table) = name.split_once(' ').unwrap_or(("", name));
        if !(matches!(family, "ip" | "ip6") && OF_IPTABLES.contains(&table)) {
            let lines: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            facts.insert(format!("nft {name}"), lines.join("; "));
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(facts: Facts) -> Vec<(String, String)> {
        facts.into_iter().collect()
    }

    #[test]
    fn chains_without_counters() {
        let text = "# Generated\n*filter\n:INPUT ACCEPT [3:252]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n\
                    -A FORWARD -j DOCKER\n-A FORWARD -i a -j ACCEPT\nCOMMIT\n";
        let wanted = [
            ("iptables-nft filter DOCKER", "- []"),
            ("iptables-nft filter FORWARD", "DROP [-j DOCKER; -i a -j ACCEPT]"),
        ];
        assert_eq!(pairs(saved("iptables-nft", text)), wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn tables_of_nft_alone() {
        let text = "table ip filter {\n\tchain FORWARD {\n\t}\n}\ntable inet firewalld {\n\tchain a {\n\t\taccept\n\t}\n}\n";
        assert_eq!(
            pairs(native(text)),
            [("nft inet firewalld".to_owned(), "chain a {; accept; }".to_owned())]
        );
    }
}
