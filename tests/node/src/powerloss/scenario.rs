//! What a [`Scenario`] is here: each is recorded on a node that the one before has left.

use crate::torture::{BROKEN, Scenario};
use crate::{Node, Suite};

/// A node that somebody has used: a daemon.json, binaries and rules of its own.
pub(super) const LIVED_IN: &str = r#"set -eu
mkdir -p /etc/docker /opt/k8s/bin
echo '{"debug": true}' >/etc/docker/daemon.json
head -c 3000000 /usr/bin/perl >/opt/k8s/bin/docker-init
printf '#!/bin/sh\nsleep infinity\n' >/opt/k8s/bin/kubelet
chmod 755 /opt/k8s/bin/docker-init /opt/k8s/bin/kubelet
cat >/etc/systemd/system/site-rules.service <<'UNIT'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/iptables -A INPUT -p tcp --dport 22 -j ACCEPT
[Install]
WantedBy=multi-user.target
UNIT
systemctl -q enable site-rules.service
"#;

/// In this order they are recorded. What fails leaves the node for the first install.
pub(super) const IN_ORDER: [Scenario; 5] =
    [Scenario::Failure, Scenario::Install, Scenario::Upgrade, Scenario::Rollback, Scenario::Removal];

/// The arguments of node-setup that are recorded. The first installation is of the docker of an older suite.
pub(super) fn command(scenario: Scenario, suite: Suite) -> Vec<String> {
    match scenario {
        Scenario::Install => words(&["docker", "--archive", &Node::archive(suite.older())]),
        Scenario::Upgrade => words(&["docker", "--archive", &Node::archive(suite)]),
        Scenario::Rollback => words(&["docker", "rollback"]),
        Scenario::Removal => words(&["docker", "remove", "--purge"]),
        Scenario::Failure => words(&BROKEN),
    }
}

/// The commands that bring a node forward again whose power went away meanwhile, look whether it is right, and take
/// everything away.
pub(super) fn recovery(scenario: Scenario, suite: Suite) -> Vec<Vec<String>> {
    let remove = command(Scenario::Removal, suite);
    let verify = words(&["docker", "verify"]);
    match scenario {
        Scenario::Install | Scenario::Upgrade => vec![command(scenario, suite), verify, remove],
        Scenario::Failure => vec![command(Scenario::Install, suite), verify, remove],
        Scenario::Rollback => vec![words(&["docker"]), verify, remove],
        Scenario::Removal => vec![remove],
    }
}

/// How much of a string the trace is to have. Where an archive is unpacked, what is long is found on the node.
pub(super) fn longest(scenario: Scenario) -> u32 {
    match scenario {
        Scenario::Install | Scenario::Upgrade => 8 << 10,
        Scenario::Rollback | Scenario::Removal | Scenario::Failure => 1 << 20,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
