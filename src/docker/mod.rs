//! What is known about dockerd, by version.
//!
//! Read from moby's source, v18.09.0 to v29.7.2, except where it says otherwise.

mod admission;
mod keys;
mod releases;
mod upgrade;

use serde_json::{Map, Value};

use crate::version::Version;

pub use admission::{Admission, FLANNEL_RULE, Mark, admission, routing_keys, uses_nftables};
pub use keys::{KeyProblem, key_problem};
pub use releases::{api, is_end_of_life};
pub use upgrade::{Fate, announcement, fate};

/// Where dockerd reads its configuration.
pub const DAEMON_JSON: &str = "/etc/docker/daemon.json";

/// docker's unit.
pub const UNIT: &str = "docker.service";

/// Where dockerd listens unless it is told otherwise.
pub const SOCKET: &str = "/run/docker.sock";

/// The containerd that dockerd adopts when its socket is there, alive or not.
pub const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// docker's bridge.
pub const BRIDGE: &str = "docker0";

/// The tables of nftables that docker 29 has its rules in, where it is told to.
pub const TABLE: &str = "docker-bridges";

/// The options that flannel's file puts on dockerd's command line. dockerd
/// refuses to start when daemon.json has one of them too.
pub const FLANNEL_KEYS: &[&str] = &["bip", "mtu", "ip-masq"];

/// The chain that docker leaves to its users, and never empties.
pub const USER_CHAIN: &str = "DOCKER-USER";

/// Whether docker with these keys makes rules that `iptables` shows.
pub fn makes_chains(version: Option<Version>, keys: &Map<String, Value>) -> bool {
    let is_off = |key: &str| keys.get(key) == Some(&Value::Bool(false));
    let has_no_bridge = keys.get("bridge").and_then(Value::as_str) == Some("none");
    !is_off("iptables") && !has_no_bridge && !version.is_some_and(|version| uses_nftables(version, keys))
}

/// Whether docker has its rules behind `DOCKER-FORWARD`, and others that no docker before it
/// knows.
pub fn makes_forward_chain(version: Version) -> bool {
    version >= Version::new(28, 0, 0)
}

/// Whether docker with these keys makes rules for IPv6: from 27 on unless it is told not to,
/// before where it is told to.
pub fn filters_ipv6(version: Version, keys: &Map<String, Value>) -> bool {
    keys.get("ip6tables").and_then(Value::as_bool).unwrap_or(version >= Version::new(27, 0, 0))
}

/// Whether docker takes `iptables-legacy` where there is one, whatever `iptables` is.
pub fn prefers_legacy(version: Version) -> bool {
    version >= Version::new(18, 9, 1) && version <= Version::new(18, 9, 3)
}

/// Whether dockerd has `--validate`.
pub fn validates(version: Version) -> bool {
    version >= Version::new(23, 0, 0)
}

/// Whether dockerd runs on the unified cgroup hierarchy. Before 20.10 its
/// containers fail with "Devices cgroup isn't mounted".
pub fn runs_on_cgroup_v2(version: Version) -> bool {
    version >= Version::new(20, 10, 0)
}
