//! The rules that docker makes when it starts, and that others flush.
//!
//! Only docker can make them again, and it does so when it starts: containers run
//! on meanwhile, with live-restore.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bridge::starts_docker;
use super::rule::Rule;
use super::unit::{Readiness, Unit};
use crate::change::{Resource, Step};
use crate::docker::{BRIDGE, USER_CHAIN};
use crate::host::{Backend, Container, Family, Host, Published};
use crate::{Error, Result};

/// A container that is just being stopped or started looks like one whose rules
/// were flushed: what is missing counts when it is still missing after this.
const SETTLE: Duration = Duration::from_millis(700);

/// docker's rules in the backend that docker uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chains {
    /// nft or legacy.
    pub backend: Backend,
    /// The docker that makes them.
    pub docker: Unit,
}

/// Whether they are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainsState {
    /// All of them.
    Whole,
    /// All but these, in words.
    Lacking(String),
    /// Anyhow, while docker runs: what undoing goes back to, as only docker makes
    /// them. Every state is as good as this one.
    Anyhow,
}

/// What there is, and what there should be, for [`lacking`] to compare.
#[derive(Debug, Default)]
struct Seen {
    filter: String,
    nat: String,
    /// For each port that is published, the rules that may lead to it.
    published: Vec<Vec<Published>>,
    /// The addresses of every container that runs; `None` if docker does not say.
    addresses: Option<BTreeSet<Ipv4Addr>>,
    /// Whether docker masquerades what leaves docker0 for elsewhere. It was decided
    /// when docker last started without containers, whatever it is told since.
    masquerades: bool,
}

impl Chains {
    fn look(&self, host: &Host) -> Result<Option<String>> {
        let netfilter = host.netfilter()?;
        let listing = |table| netfilter.listing(self.backend, Family::V4, table);
        let api = match &self.docker.ready {
            Readiness::Api(socket) => Some(host.api(socket)),
            Readiness::Job => None,
        };
        let running = api.as_ref().and_then(|api| api.running().ok());
        let seen = Seen {
            filter: listing("filter")?,
            nat: listing("nat")?,
            published: running.iter().flatten().flat_map(Container::published).collect(),
            addresses: running.map(|all| all.iter().flat_map(Container::addresses).collect()),
            masquerades: api.is_some_and(|api| api.masquerades().unwrap_or_default()),
        };
        Ok(lacking(&seen))
    }
}

impl Chains {
    /// Under containers that run on, docker up to 27 does not make this jump again.
    fn jump_to_users(&self, host: &Host) -> Result<()> {
        let netfilter = host.netfilter()?;
        let (table, chain, rule) = ("filter".to_owned(), "FORWARD".to_owned(), format!("-j {USER_CHAIN}"));
        let jump = Rule { backend: self.backend, family: Family::V4, table, chain, rule };
        if netfilter.has_rule(&jump)? || !netfilter.has_chain(self.backend, Family::V4, USER_CHAIN)? {
            return Ok(());
        }
        netfilter.insert_rule(&jump)
    }
}

impl Resource for Chains {
    type State = ChainsState;

    const KEPT: bool = false;

    fn observe(&self, host: &Host) -> Result<ChainsState> {
        if self.look(host)?.is_none() {
            return Ok(ChainsState::Whole);
        }
        if host.systemd()?.unit(&self.docker.name)?.active {
            host.pause(SETTLE);
        }
        Ok(self.look(host)?.map_or(ChainsState::Whole, ChainsState::Lacking))
    }

    fn converge(&self, host: &Host, to: &ChainsState) -> Result<()> {
        match to {
            ChainsState::Whole => {
                self.jump_to_users(host)?;
                if self.look(host)?.is_none() {
                    return Ok(());
                }
                host.restart(&self.docker)?;
                self.jump_to_users(host)
            }
            ChainsState::Anyhow => self.docker.run(host),
            ChainsState::Lacking(_) => Err(Error::NotConverged {
                on: format!("chains of {self}"),
                wanted: to.to_string(),
                found: "rules that docker makes at each start".to_owned(),
            }),
        }
    }

    fn agree(one: &ChainsState, other: &ChainsState) -> bool {
        one == other || [one, other].contains(&&ChainsState::Anyhow)
    }

    fn foresee(&self, now: ChainsState, earlier: &[Step]) -> ChainsState {
        if starts_docker(earlier, &self.docker) { ChainsState::Whole } else { now }
    }

    fn attainable(_: &ChainsState) -> ChainsState {
        ChainsState::Anyhow
    }

    fn starts(_: &ChainsState) -> bool {
        true
    }

    fn offline(_: ChainsState) -> Option<ChainsState> {
        None
    }
}

/// What docker would have made, from 18.09 to 29, and is not there.
fn lacking(seen: &Seen) -> Option<String> {
    let has = |listing: &str, is_it: &dyn Fn(&[&str]) -> bool| {
        listing.lines().any(|line| is_it(&line.split_whitespace().collect::<Vec<_>>()))
    };
    let jumps = |listing: &str, from: &str, to: &str| {
        has(listing, &|words| words.starts_with(&["-A", from]) && words.ends_with(&["-j", to]))
    };
    let forwards = has(&seen.filter, &|words| {
        words.starts_with(&["-A", "FORWARD"])
            && words.iter().any(|word| *word == BRIDGE || *word == "DOCKER-FORWARD")
    });
    let masquerades = has(&seen.nat, &|words| {
        words.starts_with(&["-A", "POSTROUTING"]) && words.ends_with(&["!", "-o", BRIDGE, "-j", "MASQUERADE"])
    });
    let has_users = has(&seen.filter, &|words| words == ["-N", USER_CHAIN]);
    let parts = [
        (
            !has_users || jumps(&seen.filter, "FORWARD", USER_CHAIN),
            "the jump from FORWARD to DOCKER-USER".to_owned(),
        ),
        (forwards, format!("FORWARD's rules for {BRIDGE}")),
        (jumps(&seen.nat, "PREROUTING", "DOCKER"), "the jump from nat's PREROUTING to DOCKER".to_owned()),
        (!seen.masquerades || masquerades, format!("the masquerading of what leaves {BRIDGE}")),
    ];
    let mut missing: Vec<String> =
        parts.into_iter().filter(|(there, _)| !there).map(|(_, what)| what).collect();
    if missing.is_empty() {
        missing.extend(wrong_ports(seen));
    }
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// Published ports that lead nowhere, or to a container that is gone.
fn wrong_ports(seen: &Seen) -> Vec<String> {
    let targets = destinations(&seen.nat);
    let unserved = seen.published.iter().filter(|rules| !rules.iter().any(|rule| targets.contains(rule)));
    let mut wrong: Vec<String> = unserved
        .filter_map(|rules| rules.first())
        .map(|rule| format!("the rule for the published port {}", rule.public))
        .collect();
    if let Some(addresses) = &seen.addresses {
        let dead = targets.iter().filter(|rule| !addresses.contains(&rule.address));
        wrong.extend(dead.map(|rule| format!("the container behind the published port {}", rule.public)));
    }
    wrong
}

/// Where docker's DNAT rules lead.
fn destinations(nat: &str) -> BTreeSet<Published> {
    let destination = |line: &str| {
        let rule = line.strip_prefix("-A DOCKER ")?;
        let value = |option: &str| rule.split_once(option)?.1.split_whitespace().next();
        let (address, private) = value("--to-destination ")?.split_once(':')?;
        let public = value("--dport ")?.parse().ok()?;
        Some(Published { public, address: address.parse().ok()?, private: private.parse().ok()? })
    };
    nat.lines().filter_map(destination).collect()
}

impl fmt::Display for Chains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker's rules ({})", self.backend)
    }
}

impl fmt::Display for ChainsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Anyhow => f.write_str("as docker makes them"),
            Self::Lacking(what) => write!(f, "without {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 20.10.24 and 26.1.5 leave them.
    const FILTER: &str = "-P FORWARD ACCEPT\n-N DOCKER\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n\
        -A FORWARD -j DOCKER-ISOLATION-STAGE-1\n-A FORWARD -o docker0 -j DOCKER\n-A DOCKER-USER -j RETURN\n";
    /// As 28.5.2 leaves them.
    const FILTER_28: &str = "-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n";
    const NAT: &str = "-N DOCKER\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n\
        -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n\
        -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n";

    #[test]
    fn what_others_flushed_is_named() {
        let without = |text: &str, part: &str| {
            let lines = text.split_inclusive('\n').filter(|line| !line.contains(part));
            lines.collect::<String>()
        };
        for (filter, nat, lacks) in [
            (FILTER.to_owned(), NAT.to_owned(), None),
            (FILTER_28.to_owned(), NAT.to_owned(), None),
            ("-P FORWARD ACCEPT\n".to_owned(), NAT.to_owned(), Some("docker0")),
            (without(FILTER, "-A FORWARD -j DOCKER-USER"), NAT.to_owned(), Some("DOCKER-USER")),
            (without(FILTER, "docker0"), NAT.to_owned(), Some("docker0")),
            (FILTER.to_owned(), without(NAT, "PREROUTING"), Some("PREROUTING")),
            (FILTER.to_owned(), without(NAT, "MASQUERADE"), Some("masquerading")),
        ] {
            let seen = Seen { filter, nat, masquerades: true, ..Seen::default() };
            let found = lacking(&seen);
            match (&found, lacks) {
                (None, None) => {}
                (Some(found), Some(lacks)) => assert!(found.contains(lacks), "{found}, not {lacks}"),
                _ => panic!("{found:?}, not {lacks:?}"),
            }
        }
        let seen = Seen { filter: FILTER.to_owned(), nat: without(NAT, "MASQUERADE"), ..Seen::default() };
        assert_eq!(lacking(&seen), None, "flannel masquerades in docker's place");
    }

    #[test]
    fn a_published_port_leads_to_the_container_that_has_it() {
        let rule = |public, address: &str| {
            vec![Published { public, address: address.parse().unwrap(), private: 80 }]
        };
        let either = [rule(8080, "10.1.0.2"), rule(8080, "172.17.0.2")].concat();
        for (published, addresses, wrong) in [
            (vec![rule(8080, "172.17.0.2")], Some(vec!["172.17.0.2"]), None),
            (vec![either], Some(vec!["172.17.0.2"]), None),
            (vec![rule(8081, "172.17.0.2")], Some(vec!["172.17.0.2"]), Some("published port 8081")),
            (vec![rule(8080, "172.17.0.3")], Some(vec!["172.17.0.2"]), Some("published port 8080")),
            (vec![], Some(vec!["172.17.0.9"]), Some("behind the published port 8080")),
            (vec![], None, None),
        ] {
            let addresses =
                addresses.map(|all| all.into_iter().map(|address| address.parse().unwrap()).collect());
            let seen = Seen {
                filter: FILTER.to_owned(),
                nat: NAT.to_owned(),
                published,
                addresses,
                masquerades: true,
            };
            let found = lacking(&seen);
            assert_eq!(found.is_some(), wrong.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(wrong.unwrap_or_default()), "{wrong:?}");
        }
    }
}
