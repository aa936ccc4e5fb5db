//! Somebody's own DROP or REJECT for all that is forwarded. The policy may say
//! ACCEPT and docker's rules be there: pods are cut off all the same.
//!
//! Two places are looked at: what `iptables` shows, and base chains of other
//! nftables tables, where what one chain accepts another still drops.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, Subject, Verdict};
use crate::Result;
use crate::docker::{TABLE, USER_CHAIN};
use crate::host::{Backend, Family};

pub(super) struct ForeignDrops;

impl Check for ForeignDrops {
    const ID: &'static str = "foreign-drops";
    type Seen = Vec<String>;

    fn look(&self, subject: &Subject<'_>) -> Result<Vec<String>> {
        let netfilter = subject.host.netfilter()?;
        let look = |&(backend, family): &(Backend, Family)| {
            let listing = netfilter.listing(backend, family, "filter")?;
            let found = drops_in(&listing).map(|rule| format!("{rule} ({family}, {backend})"));
            Ok(found)
        };
        let found: Result<Vec<Option<String>>> = subject.facts.backends.iter().map(look).collect();
        let mut found: Vec<String> = found?.into_iter().flatten().collect();
        found.extend(drops_of_tables(&*netfilter.nftables()?));
        Ok(found)
    }

    fn judge(&self, _: &Subject<'_>, seen: Vec<String>) -> Verdict {
        if seen.is_empty() {
            return Verdict::pass("nobody drops all that is forwarded");
        }
        let remedy = "find whose it is and take it out, or have it spare docker0 and flannel.1";
        Verdict::fail(format!("everything forwarded is dropped by {}", seen.join(", and by ")), remedy)
    }
}

/// The first rule of somebody's, on the way from FORWARD, that drops whatever comes.
fn drops_in(listing: &str) -> Option<String> {
    let rules = |chain: &str| {
        let start = format!("-A {chain} ");
        listing.lines().map(str::trim).filter(move |line| line.starts_with(&start))
    };
    let (mut ahead, mut seen) = (vec!["FORWARD"], BTreeSet::new());
    while let Some(chain) = ahead.pop() {
        let is_dockers = chain.starts_with("DOCKER") && chain != USER_CHAIN;
        if !seen.insert(chain) || is_dockers {
            continue;
        }
        for rule in rules(chain) {
            match (takes(rule), target(rule)) {
                (Takes::Some, _) | (_, None) | (Takes::Pods, Some("ACCEPT" | "RETURN")) => {}
                (_, Some("DROP" | "REJECT")) => return Some(rule.to_owned()),
                // Nothing comes behind it.
                (Takes::All, Some("ACCEPT" | "RETURN")) => break,
                (_, Some(target)) => ahead.push(target),
            }
        }
    }
    None
}

/// What a rule takes.
enum Takes {
    /// Whatever comes.
    All,
    /// Whatever comes from a pod, or goes to one.
    Pods,
    /// Less than that.
    Some,
}

fn takes(rule: &str) -> Takes {
    let mut words = rule.split_whitespace().skip(2).peekable();
    let mut takes = Takes::All;
    while let Some(word) = words.next() {
        match word {
            "-j" | "-g" => return takes,
            "-i" | "-o" if matches!(words.peek(), Some(&("docker0" | "flannel.1"))) => {
                takes = Takes::Pods;
                words.next();
            }
            "-m" if words.peek() == Some(&"comment") => drop(words.next()),
            "--comment" => {
                let quoted = words.next().is_some_and(|word| word.starts_with('"') && !ends_quote(word));
                if quoted {
                    words.by_ref().find(|word| ends_quote(word));
                }
            }
            _ => return Takes::Some,
        }
    }
    Takes::Some
}

fn ends_quote(word: &str) -> bool {
    word.len() > 1 && word.ends_with('"')
}

fn target(rule: &str) -> Option<&str> {
    let mut words = rule.split_whitespace().skip_while(|word| *word != "-j" && *word != "-g");
    words.nth(1)
}

/// The base chains of other tables that see what is forwarded and drop all of it,
/// in what `nft --json list ruleset` says.
fn drops_of_tables(ruleset: &Value) -> Vec<String> {
    let parts = || ruleset.get("nftables").and_then(Value::as_array).into_iter().flatten();
    let text = |part: &Value, key: &str| part.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let place = |part: &Value, name: &str| (text(part, "family"), text(part, "table"), text(part, name));
    let chains =
        parts().filter_map(|part| part.get("chain")).filter(|chain| text(chain, "hook") == "forward");
    let foreign = chains.filter(|chain| {
        let (family, table, _) = place(chain, "name");
        // What iptables has, it shows itself; docker's own is docker's.
        !(table == "filter" && matches!(family.as_str(), "ip" | "ip6") || table == TABLE)
    });
    let drops = |chain: &&Value| {
        let whose = place(chain, "name");
        text(chain, "policy") == "drop"
            || parts()
                .filter_map(|part| part.get("rule"))
                .any(|rule| place(rule, "chain") == whose && is_bare_drop(rule))
    };
    foreign
        .filter(drops)
        .map(|chain| {
            let (family, table, name) = place(chain, "name");
            format!("nftables chain {family} {table} {name}")
        })
        .collect()
}

/// Whether a rule drops or rejects and asks nothing before it does.
fn is_bare_drop(rule: &Value) -> bool {
    let expressions = || rule.get("expr").and_then(Value::as_array).into_iter().flatten();
    let is = |expression: &Value, keys: &[&str]| keys.iter().any(|key| expression.get(key).is_some());
    expressions().any(|expression| is(expression, &["drop", "reject"]))
        && expressions().all(|expression| is(expression, &["drop", "reject", "counter", "log"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_takes_all_is_found_wherever_it_is() {
        for (listing, found) in [
            ("-P FORWARD ACCEPT\n-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN\n", false),
            ("-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j DROP\n-A DOCKER-USER -j RETURN\n", true),
            (
                "-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -i flannel.1 -o docker0 -j ACCEPT\n-A DOCKER-USER -j DROP\n",
                true,
            ),
            ("-A FORWARD -i docker0 -o docker0 -j ACCEPT\n-A FORWARD -j DROP\n", true),
            ("-A FORWARD -j DOCKER-FORWARD\n-A DOCKER-FORWARD -o docker0 -j DROP\n", false),
            ("-A FORWARD -j DROP\n", true),
            ("-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n", true),
            ("-A FORWARD -j ACCEPT\n-A FORWARD -j DROP\n", false),
            ("-A FORWARD -o docker0 -j DROP\n", true),
            ("-A FORWARD -s 10.0.0.0/8 -j DROP\n", false),
            ("-A FORWARD -m conntrack --ctstate INVALID -j DROP\n", false),
            ("-A FORWARD -m comment --comment \"no way\" -j DROP\n", true),
            ("-A FORWARD -m comment --comment \"a -j DROP b\" -p tcp -j DROP\n", false),
            ("-A FORWARD -m comment --comment ours -j REJECT\n", true),
            ("-A FORWARD -j ufw-reject-forward\n-A ufw-reject-forward -j REJECT\n", true),
            ("-A FORWARD -i eth0 -j mine\n-A mine -j DROP\n", false),
            ("-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT\n", false),
            ("-A FORWARD -j a\n-A a -j a\n", false),
            ("", false),
        ] {
            assert_eq!(drops_in(listing).is_some(), found, "{listing}");
        }
    }

    #[test]
    fn tables_of_others_are_seen_through() {
        let chain = |table: &str, hook: &str, policy: &str| {
            format!(
                r#"{{"chain": {{"family": "inet", "table": "{table}", "name": "fwd", "hook": "{hook}", "policy": "{policy}"}}}}"#
            )
        };
        let rule = |expressions: &str| {
            format!(
                r#"{{"rule": {{"family": "inet", "table": "mine", "chain": "fwd", "expr": [{expressions}]}}}}"#
            )
        };
        let open = chain("mine", "forward", "accept");
        for (parts, found) in [
            (vec![chain("mine", "forward", "drop")], true),
            (vec![chain("mine", "input", "drop")], false),
            (vec![chain("docker-bridges", "forward", "drop")], false),
            (vec![open.clone()], false),
            (vec![open.clone(), rule(r#"{"counter": {}}, {"drop": null}"#)], true),
            (vec![open.clone(), rule(r#"{"reject": {"type": "icmpx"}}"#)], true),
            (vec![open, rule(r#"{"match": {}}, {"drop": null}"#)], false),
        ] {
            let ruleset = format!(r#"{{"nftables": [{}]}}"#, parts.join(", "));
            let ruleset: Value = serde_json::from_str(&ruleset).unwrap();
            assert_eq!(!drops_of_tables(&ruleset).is_empty(), found, "{ruleset}");
        }
        let iptables = r#"{"nftables": [{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"}}]}"#;
        assert_eq!(drops_of_tables(&serde_json::from_str(iptables).unwrap()), [""; 0]);
    }
}
