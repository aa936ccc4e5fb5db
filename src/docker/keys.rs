//! The keys of daemon.json, by version.
//!
//! A key is a flag's name or a named option's plural. dockerd refuses to start on
//! any other, so a key is checked before a file with it is put in place.

use crate::version::Version;

/// Why dockerd would refuse a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// This dockerd does not know it yet.
    Since(Version),
    /// This dockerd does not take it any more.
    Until(Version),
    /// No dockerd knows it.
    Unknown,
}

/// Keys that 18.09 has.
const BASE: &[&str] = &[
    "allow-nondistributable-artifacts",
    "api-cors-header",
    "authorization-plugins",
    "bip",
    "bridge",
    "builder",
    "cgroup-parent",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "containerd",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cri-containerd",
    "data-root",
    "debug",
    "default-address-pools",
    "default-gateway",
    "default-gateway-v6",
    "default-ipc-mode",
    "default-runtime",
    "default-shm-size",
    "default-ulimits",
    "deprecated-key-path",
    "disable-legacy-registry",
    "dns",
    "dns-opts",
    "dns-search",
    "exec-opts",
    "exec-root",
    "experimental",
    "features",
    "fixed-cidr",
    "fixed-cidr-v6",
    "graph",
    "group",
    "hosts",
    "icc",
    "init",
    "init-path",
    "insecure-registries",
    "ip",
    "ip-forward",
    "ip-masq",
    "iptables",
    "ipv6",
    "labels",
    "live-restore",
    "log-driver",
    "log-level",
    "log-opts",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "metrics-addr",
    "mtu",
    "network-control-plane-mtu",
    "network-diagnostic-port",
    "no-new-privileges",
    "node-generic-resources",
    "oom-score-adjust",
    "pidfile",
    "raw-logs",
    "registry-mirrors",
    "runtimes",
    "seccomp-profile",
    "selinux-enabled",
    "shutdown-timeout",
    "storage-driver",
    "storage-opts",
    "swarm-default-advertise-addr",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
    "userland-proxy",
    "userland-proxy-path",
    "userns-remap",
];

/// Keys that came later, with the version that brought them.
const ADDED: &[(Version, &[&str])] = &[
    (Version::new(19, 3, 0), &["containerd-namespace", "containerd-plugins-namespace", "rootless"]),
    (
        Version::new(20, 10, 0),
        &["default-cgroupns-mode", "host-gateway-ip", "ip6tables", "max-download-attempts"],
    ),
    (Version::new(23, 0, 0), &["http-proxy", "https-proxy", "no-proxy"]),
    (Version::new(24, 0, 0), &["default-network-opts"]),
    (Version::new(25, 0, 0), &["cdi-spec-dirs", "log-format"]),
    (Version::new(28, 0, 0), &["bip6", "ip-forward-no-drop", "host-gateway-ips"]),
    (Version::new(28, 2, 0), &["allow-direct-routing"]),
    (Version::new(29, 0, 0), &["firewall-backend", "bridge-accept-fwmark", "min-api-version"]),
    (Version::new(29, 2, 0), &["nri-opts"]),
    (Version::new(29, 7, 0), &["default-stop-timeout"]),
];

/// Keys that make dockerd refuse to start, from the version on.
const REMOVED: &[(Version, &[&str])] = &[
    (Version::new(19, 3, 0), &["disable-legacy-registry"]),
    (Version::new(23, 0, 0), &["graph", "cluster-advertise", "cluster-store", "cluster-store-opts"]),
    (Version::new(25, 0, 0), &["oom-score-adjust"]),
    (Version::new(28, 0, 0), &["api-cors-header"]),
];

/// Why dockerd of `version` would refuse `key`, if it would.
pub fn key_problem(key: &str, version: Version) -> Option<KeyProblem> {
    if let Some(until) = version_of(REMOVED, key).filter(|until| version >= *until) {
        return Some(KeyProblem::Until(until));
    }
    if BASE.contains(&key) {
        return None;
    }
    match version_of(ADDED, key) {
        Some(since) if version >= since => None,
        Some(since) => Some(KeyProblem::Since(since)),
        None => Some(KeyProblem::Unknown),
    }
}

fn version_of(table: &[(Version, &[&str])], key: &str) -> Option<Version> {
    table.iter().find(|(_, keys)| keys.contains(&key)).map(|(version, _)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_judged_by_version() {
        for (key, version, problem) in [
            ("live-restore", "18.09.0", None),
            ("registry-mirrors", "29.7.2", None),
            ("allow-direct-routing", "28.1.1", Some(KeyProblem::Since(Version::new(28, 2, 0)))),
            ("allow-direct-routing", "28.5.2", None),
            ("ip-forward-no-drop", "26.1.5", Some(KeyProblem::Since(Version::new(28, 0, 0)))),
            ("graph", "20.10.24", None),
            ("graph", "23.0.0", Some(KeyProblem::Until(Version::new(23, 0, 0)))),
            ("oom-score-adjust", "28.5.2", Some(KeyProblem::Until(Version::new(25, 0, 0)))),
            ("live_restore", "28.5.2", Some(KeyProblem::Unknown)),
        ] {
            assert_eq!(key_problem(key, version.parse().unwrap()), problem, "{key} {version}");
        }
    }
}
