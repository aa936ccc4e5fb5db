//! What it takes until packets from other nodes get into docker's bridges.
//!
//! | docker | |
//! | --- | --- |
//! | to 27 | nothing |
//! | 28, and 29 with iptables | a rule in DOCKER-USER that accepts them (seen on 28.5.2) |
//! | 29 with nftables | a mark that docker is told to accept: there is no DOCKER-USER, and what one nftables chain accepts another still drops (moby pull request 50476) |

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::USER_CHAIN;
use crate::version::Version;

/// How docker of some version, configured in some way, is made to let them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It does so by itself.
    Open,
    /// By a rule in DOCKER-USER.
    UserChain,
    /// By marking them.
    Mark(Mark),
}

/// A firewall mark, and which of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    value: u32,
    mask: u32,
}

/// A bit that neither kube-proxy (0x4000, 0x8000) nor the CNI plugins (0x2000) use.
const MARK: Mark = Mark { value: 0x1000, mask: 0x1000 };

/// Our rule in DOCKER-USER.
pub const FLANNEL_RULE: &str = "-i flannel.1 -o docker0 -j ACCEPT";

/// flannel's packets for pods of this node.
const FROM_FLANNEL: &str = "-i flannel.1 -o docker0";

/// Of docker with these keys in daemon.json.
pub fn admission(version: Version, keys: &Map<String, Value>) -> Admission {
    if version < Version::new(28, 0, 0) {
        return Admission::Open;
    }
    if !uses_nftables(version, keys) {
        return Admission::UserChain;
    }
    let own = keys.get(FWMARK).and_then(Value::as_str).and_then(|text| text.parse().ok());
    Admission::Mark(own.unwrap_or(MARK))
}

/// Whether docker has its rules in tables of its own, where `iptables` does not see them.
pub fn uses_nftables(version: Version, keys: &Map<String, Value>) -> bool {
    version >= Version::new(29, 0, 0)
        && keys.get("firewall-backend").and_then(Value::as_str) == Some("nftables")
}

const FWMARK: &str = "bridge-accept-fwmark";

/// What daemon.json needs for it, beside what it has.
pub fn routing_keys(version: Version, keys: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    let since = |major, minor, key| (version >= Version::new(major, minor, 0)).then_some((key, true.into()));
    let mark = match admission(version, keys) {
        Admission::Mark(mark) => Some((FWMARK, mark.to_string().into())),
        Admission::Open | Admission::UserChain => None,
    };
    let keys = [since(28, 0, "ip-forward-no-drop"), since(28, 2, "allow-direct-routing"), mark];
    keys.into_iter().flatten().collect()
}

impl Admission {
    /// Table, chain and rule that it takes.
    pub fn rule(self) -> Option<(&'static str, &'static str, String)> {
        match self {
            Self::Open => None,
            Self::UserChain => Some(("filter", USER_CHAIN, FLANNEL_RULE.to_owned())),
            Self::Mark(mark) => {
                Some(("mangle", "FORWARD", format!("{FROM_FLANNEL} -j MARK --set-xmark {mark}")))
            }
        }
    }
}

/// As dockerd reads it: `MARK`, or `MARK/MASK`.
impl FromStr for Mark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        let both = number(value).and_then(|value| Ok(Self { value, mask: number(mask)? }));
        both.map_err(|_| format!("'{text}' is not MARK or MARK/MASK"))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}/{:#x}", self.value, self.mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_docker_is_asked_in_its_own_way() {
        let nftables = r#"{"firewall-backend": "nftables"}"#;
        let marked = r#"{"firewall-backend": "nftables", "bridge-accept-fwmark": "8/0xff"}"#;
        let user_chain = Some(("filter", "-i flannel.1 -o docker0 -j ACCEPT"));
        let mark = Some(("mangle", "-i flannel.1 -o docker0 -j MARK --set-xmark 0x1000/0x1000"));
        let own_mark = Some(("mangle", "-i flannel.1 -o docker0 -j MARK --set-xmark 0x8/0xff"));
        for (version, config, wanted) in [
            ("18.09.0", "{}", None),
            ("20.10.24", "{}", None),
            ("27.5.1", nftables, None),
            ("28.0.0", "{}", user_chain),
            ("28.5.2", nftables, user_chain),
            ("29.0.0", "{}", user_chain),
            ("29.7.2", r#"{"firewall-backend": "iptables"}"#, user_chain),
            ("29.0.0", nftables, mark),
            ("29.7.2", marked, own_mark),
        ] {
            let rule = admission(version.parse().unwrap(), &keys(config)).rule();
            let found = rule.as_ref().map(|(table, _, rule)| (*table, rule.as_str()));
            assert_eq!(found, wanted, "{version} {config}");
        }
    }

    #[test]
    fn each_docker_is_given_the_keys_that_it_knows() {
        let nftables = r#"{"firewall-backend": "nftables"}"#;
        for (version, config, wanted) in [
            ("26.1.5", "{}", "{}"),
            ("28.0.4", "{}", r#"{"ip-forward-no-drop": true}"#),
            ("28.5.2", "{}", r#"{"ip-forward-no-drop": true, "allow-direct-routing": true}"#),
            ("29.1.0", "{}", r#"{"ip-forward-no-drop": true, "allow-direct-routing": true}"#),
            (
                "29.1.0",
                nftables,
                r#"{"ip-forward-no-drop": true, "allow-direct-routing": true, "bridge-accept-fwmark": "0x1000/0x1000"}"#,
            ),
        ] {
            let version: Version = version.parse().unwrap();
            let found = routing_keys(version, &keys(config));
            for (key, _) in &found {
                assert_eq!(super::super::key_problem(key, version), None, "{key} {version}");
            }
            let found: Map<_, _> = found.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            assert_eq!(found, keys(wanted), "{version} {config}");
        }
    }

    #[test]
    fn marks_are_read_as_dockerd_reads_them() {
        for (text, mark) in [
            ("1", Some("0x1/0xffffffff")),
            ("0x10/0xf0", Some("0x10/0xf0")),
            ("2/3", Some("0x2/0x3")),
            ("", None),
            ("1/", None),
            ("-1", None),
        ] {
            assert_eq!(text.parse::<Mark>().ok().map(|mark| mark.to_string()).as_deref(), mark, "{text}");
        }
    }
}
