//! What is known about dockerd, by version.
//!
//! Read from moby's source, v18.09.0 to v29.7.2, except where it says otherwise.

mod keys;
mod releases;

use crate::version::Version;

pub use keys::{KeyProblem, key_problem};
pub use releases::{api, is_end_of_life};

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

/// The options that flannel's file puts on dockerd's command line. dockerd
/// refuses to start when daemon.json has one of them too.
pub const FLANNEL_KEYS: &[&str] = &["bip", "mtu", "ip-masq"];

/// The chain that docker leaves to its users, and never empties.
pub const USER_CHAIN: &str = "DOCKER-USER";

/// Our rule in it, which lets flannel's packets into docker's bridge.
pub const FLANNEL_RULE: &str = "-i flannel.1 -o docker0 -j ACCEPT";

/// Whether docker lets nothing into a bridge from outside that was not published:
/// since 28 its chain ends in a DROP, and packets routed straight to a container
/// are dropped before that (`allow-direct-routing` keeps the latter away).
pub fn isolates_bridges(version: Version) -> bool {
    version >= Version::new(28, 0, 0)
}

/// Keys that pods of other nodes need in daemon.json of this version, each true.
pub fn routing_keys(version: Version) -> impl Iterator<Item = &'static str> {
    let keys =
        [("ip-forward-no-drop", Version::new(28, 0, 0)), ("allow-direct-routing", Version::new(28, 2, 0))];
    keys.into_iter().filter(move |(_, since)| version >= *since).map(|(key, _)| key)
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
