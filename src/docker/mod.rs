//! What is known about dockerd, by version.
//!
//! Read from moby's source, v18.09.0 to v29.7.2, except where it says otherwise.

mod keys;

use crate::version::Version;

pub use keys::{KeyProblem, key_problem};

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

/// Whether dockerd has `--validate`.
pub fn validates(version: Version) -> bool {
    version >= Version::new(23, 0, 0)
}

/// Whether dockerd runs on the unified cgroup hierarchy. Before 20.10 its
/// containers fail with "Devices cgroup isn't mounted".
pub fn runs_on_cgroup_v2(version: Version) -> bool {
    version >= Version::new(20, 10, 0)
}
