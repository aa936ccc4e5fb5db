//! A node that drifted is put right, and only that; docker is restarted only for what it was started from.
#![allow(missing_docs, reason = "a test's name says it")]

use std::collections::BTreeSet;

use node_tests::{Node, Report, Suite};

const SUITE: Suite = Suite::Trixie;
const GUARD_MAY_FOLLOW: &str = "?unit node-setup-guard.service";

/// What happens to docker's process.
#[derive(Clone, Copy, PartialEq)]
enum Docker {
    /// It has nothing to do with the drift: the same one runs.
    Stays,
    /// It may be restarted.
    MayRestart,
}
use Docker::{MayRestart, Stays};

/// A script, what the run has to change (behind a question mark: may change), and docker's part in it.
type Drift = (&'static str, &'static [&'static str], Docker);

const FILES: &[Drift] = &[
    ("rm /etc/modules-load.d/node-setup.conf", &["file /etc/modules-load.d/node-setup.conf"], Stays),
    ("rm /etc/tmpfiles.d/node-setup.conf", &["file /etc/tmpfiles.d/node-setup.conf"], Stays),
    ("rm /etc/sysctl.d/kubernetes.conf", &["file /etc/sysctl.d/kubernetes.conf"], Stays),
    (
        "echo 'vm.swappiness = 0' >/etc/sysctl.d/kubernetes.conf",
        &["file /etc/sysctl.d/kubernetes.conf"],
        Stays,
    ),
    ("chmod 600 /etc/sysctl.d/kubernetes.conf", &["file /etc/sysctl.d/kubernetes.conf"], Stays),
    ("chown 1:1 /etc/sysctl.d/kubernetes.conf", &["file /etc/sysctl.d/kubernetes.conf"], Stays),
    ("rm /etc/docker/daemon.json", &["file /etc/docker/daemon.json"], Stays),
    ("rm -r /etc/docker", &["tree /etc/docker", "file /etc/docker/daemon.json"], Stays),
    ("chmod 666 /etc/docker/daemon.json", &["file /etc/docker/daemon.json"], Stays),
    ("chown 1 /etc/docker/daemon.json", &["file /etc/docker/daemon.json"], Stays),
    (
        "mv /etc/docker/daemon.json /root; ln -s /root/daemon.json /etc/docker",
        &["file /etc/docker/daemon.json"],
        Stays,
    ),
    (
        "rm /etc/systemd/system/docker.service",
        &["file /etc/systemd/system/docker.service", "?unit docker.service", GUARD_MAY_FOLLOW],
        MayRestart,
    ),
    (
        "rm /etc/systemd/system/docker.service; systemctl daemon-reload",
        &["file /etc/systemd/system/docker.service", "?unit docker.service", GUARD_MAY_FOLLOW],
        MayRestart,
    ),
    (
        "chmod 600 /etc/systemd/system/docker.service",
        &["file /etc/systemd/system/docker.service", "?unit docker.service", GUARD_MAY_FOLLOW],
        MayRestart,
    ),
    (
        "rm /etc/systemd/system/node-setup-guard.service",
        &["file /etc/systemd/system/node-setup-guard.service", GUARD_MAY_FOLLOW],
        Stays,
    ),
    (
        "ln -sf /dev/null /etc/systemd/system/node-setup-guard.service; systemctl daemon-reload",
        &["file /etc/systemd/system/node-setup-guard.service", GUARD_MAY_FOLLOW],
        Stays,
    ),
    (
        "echo ExecStart=/bin/true >>/etc/systemd/system/node-setup-guard.service",
        &["file /etc/systemd/system/node-setup-guard.service", GUARD_MAY_FOLLOW],
        Stays,
    ),
    ("rm /opt/k8s/bin/node-setup-guard", &["file /opt/k8s/bin/node-setup-guard", GUARD_MAY_FOLLOW], Stays),
    (
        "chmod 644 /opt/k8s/bin/node-setup-guard",
        &["file /opt/k8s/bin/node-setup-guard", GUARD_MAY_FOLLOW],
        Stays,
    ),
];

const BINARIES: &[Drift] = &[
    ("rm /opt/k8s/bin/runc", &["file /opt/k8s/bin/runc"], Stays),
    ("chmod 644 /opt/k8s/bin/runc", &["file /opt/k8s/bin/runc"], Stays),
    ("chown 1:1 /opt/k8s/bin/runc", &["file /opt/k8s/bin/runc"], Stays),
    ("chmod u+s /opt/k8s/bin/docker", &["file /opt/k8s/bin/docker"], Stays),
    ("cp /bin/true /opt/k8s/bin/docker", &["file /opt/k8s/bin/docker"], Stays),
    (
        "cd /opt/k8s/bin && cp dockerd d && echo >>d && mv d dockerd",
        &["file /opt/k8s/bin/dockerd", "?unit docker.service", GUARD_MAY_FOLLOW],
        MayRestart,
    ),
    ("mv /opt/k8s/bin/ctr /root; ln -s /root/ctr /opt/k8s/bin", &["file /opt/k8s/bin/ctr"], Stays),
];

const LIVE: &[Drift] = &[
    ("systemctl -q disable docker", &["unit docker.service"], Stays),
    ("systemctl -q disable node-setup-guard", &["unit node-setup-guard.service"], Stays),
    ("systemctl stop node-setup-guard", &["unit node-setup-guard.service"], Stays),
    ("iptables-nft -P FORWARD DROP", &["policy FORWARD (IPv4, nft)"], Stays),
    ("iptables-legacy -P FORWARD DROP", &["policy FORWARD (IPv4, legacy)"], Stays),
    ("sysctl -qw net.ipv4.ip_forward=0", &["sysctl net.ipv4.ip_forward"], Stays),
    (
        "sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0",
        &["sysctl net.bridge.bridge-nf-call-iptables", "sysctl net.bridge.bridge-nf-call-ip6tables"],
        Stays,
    ),
    (
        "systemctl kill -s KILL --kill-whom=main docker; systemctl stop docker",
        &["unit docker.service", GUARD_MAY_FOLLOW],
        MayRestart,
    ),
    // Not drift: none of this is ours, or it is as it should be.
    ("iptables -A INPUT -i lo -j ACCEPT; iptables -P INPUT ACCEPT", &[], Stays),
    ("touch /etc/docker/daemon.json /opt/k8s/bin/dockerd /etc/sysctl.d/kubernetes.conf", &[], Stays),
    (
        "sysctl -qw net.ipv4.tcp_syncookies=1; echo >/etc/docker/key.json; echo >/opt/k8s/bin/kubelet",
        &[],
        Stays,
    ),
];

#[test]
fn files() {
    each_is_put_right(FILES);
}

#[test]
fn binaries() {
    each_is_put_right(BINARIES);
}

#[test]
fn live_state() {
    each_is_put_right(LIVE);
}

/// All are tried before the test ends. A node that is not put right is replaced by a fresh one.
fn each_is_put_right(drifts: &[Drift]) {
    let mut node = Node::installed(SUITE);
    let mut wrong = Vec::new();
    for drift in drifts {
        let complaints = complaints(&node, *drift);
        if !complaints.is_empty() {
            wrong.extend(complaints);
            node = Node::installed(SUITE);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn complaints(node: &Node, (script, wanted, docker): Drift) -> Vec<String> {
    node.ok(script);
    let before = node.unit("docker", "InvocationID");
    let run = node.install(SUITE);
    let restarted = node.unit("docker", "InvocationID") != before;
    let again = node.install(SUITE);
    let verified = node.report(&["docker", "verify"]);

    let outcome = if wanted.is_empty() { "unchanged" } else { "changed" };
    let is_right = run.code == 0 && run.text("/outcome") == outcome && is_changed(&run.changes(), wanted);
    let (failing, changes) = (verified.failing(), again.changes());
    [
        (!is_right).then(|| {
            format!("the run changed {:?}, wanted {wanted:?}\n{}", run.changes(), of_interest(&run))
        }),
        (restarted && docker == Stays).then(|| "docker was restarted".to_owned()),
        (again.text("/outcome") != "unchanged")
            .then(|| format!("a second run changed {changes:?}\n{}", of_interest(&again))),
        (!failing.is_empty()).then(|| format!("verify fails afterwards: {failing:?}")),
    ]
    .into_iter()
    .flatten()
    .map(|complaint| format!("after `{script}`: {complaint}"))
    .collect()
}

fn of_interest(report: &Report) -> String {
    format!("  outcome {}, exit code {}, error {}", report.text("/outcome"), report.code, report.error())
}

fn is_changed(found: &BTreeSet<String>, wanted: &[&str]) -> bool {
    let all: BTreeSet<String> = wanted.iter().map(|name| name.trim_start_matches('?').to_owned()).collect();
    found.is_subset(&all) && wanted.iter().all(|name| name.starts_with('?') || found.contains(*name))
}
