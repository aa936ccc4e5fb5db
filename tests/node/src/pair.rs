//! Two workers with a vxlan between them, each with a pod.
#![allow(
    clippy::missing_panics_doc,
    reason = "a failing step is a failing test: every method here panics, at the test's line"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;

use crate::{Builder, Node, Suite, wire};

/// How long packets may take to find their way again.
const SOON: Duration = Duration::from_secs(20);

/// Two wired workers, the product installed on both.
#[derive(Debug)]
pub struct Pair {
    /// The nodes: 10.9.0.1 and 10.9.0.2.
    pub nodes: [Node; 2],
    /// The suites that their dockers are of.
    pub suites: [Suite; 2],
    /// Their pods' addresses.
    pub pods: [Ipv4Addr; 2],
}

impl Pair {
    /// Two nodes of these suites, each with its own suite's docker. On the first, flannel is there before docker; on
    /// the second it comes afterwards.
    #[track_caller]
    #[must_use]
    pub fn of(first: Suite, second: Suite) -> Self {
        Self::with([Node::builder(first).name("w1"), Node::builder(second).name("w2")], [first, second])
    }

    /// Two nodes of these makings, with the dockers of these suites.
    #[track_caller]
    #[must_use]
    pub fn with(builders: [Builder; 2], suites: [Suite; 2]) -> Self {
        let nodes = builders.map(Builder::boot);
        for (node, suite) in nodes.iter().zip(suites) {
            node.bring_archive(suite);
        }
        let [one, two] = &nodes;
        wire(one, two);
        one.flanneld_as(1, 2);
        one.install(suites[0]).must_be("changed", 0);
        two.install(suites[1]).must_be("changed", 0);
        two.flanneld_as(2, 1);
        two.wait_for("docker is on the lease that came late", SOON, || two.bridge() == "172.30.16.1/21");
        let pods = [one.pod(), two.pod()];
        Self { nodes, suites, pods }
    }

    /// Lays the cable again, which goes with a node that is rebooted, and the tunnel over it.
    #[track_caller]
    pub fn connect_again(&self) {
        let [one, two] = &self.nodes;
        wire(one, two);
        for node in &self.nodes {
            node.ok("/usr/local/sbin/flanneld");
        }
    }

    /// Fails unless each pod reaches the other: by ping, by packets that are larger than the tunnel's, and by TCP, with
    /// more than fits into one packet.
    #[track_caller]
    pub fn must_reach(&self, after: &str) {
        for node in &self.nodes {
            node.wait_for(&format!("the pod runs after {after}"), SOON, || node.pod_runs());
            node.answer_tcp();
        }
        let [one, two] = &self.nodes;
        for (from, to) in [(one, self.pods[1]), (two, self.pods[0])] {
            assert!(from.ping(to), "after {after}: {} does not reach {to}", from.name());
            let large = from.in_pod(&format!("ping -c 3 -W 2 -s 4000 {to}"));
            assert!(
                large.success(),
                "after {after}: no large packets from {} to {to}: {large:?}",
                from.name()
            );
            let got = from.in_pod(&format!("nc -w 5 {to} 7000 </dev/null | /bin/busybox md5sum"));
            let wanted = from.in_pod("md5sum </bin/busybox");
            assert_eq!(got.stdout, wanted.stdout, "after {after}: {} from {to}: {}", from.name(), got.stderr);
        }
    }
}

impl Node {
    /// docker0's address, with its prefix.
    #[track_caller]
    #[must_use]
    pub fn bridge(&self) -> String {
        self.sh("ip -o -4 addr show docker0 | awk '{print $4}'").stdout.trim().to_owned()
    }

    /// The address that the pod has now.
    #[track_caller]
    #[must_use]
    pub fn pod_address(&self) -> Ipv4Addr {
        let format = "{{.NetworkSettings.Networks.bridge.IPAddress}}";
        let address = self.ok(&format!("/opt/k8s/bin/docker inspect -f '{format}' pod"));
        self.must(address.trim().parse().with_context(|| format!("the pod's address is {address:?}")))
    }

    /// The pod's process, and when it was started: another one after a restart.
    #[track_caller]
    #[must_use]
    pub fn pod_process(&self) -> String {
        self.ok("/opt/k8s/bin/docker inspect -f '{{.State.Pid}} {{.State.StartedAt}}' pod")
    }

    /// Runs a busybox command in the pod.
    #[track_caller]
    #[must_use]
    pub fn in_pod(&self, command: &str) -> crate::Output {
        self.sh(&format!("/opt/k8s/bin/docker exec pod /bin/busybox sh -c '/bin/busybox {command}'"))
    }

    fn pod_runs(&self) -> bool {
        self.sh("/opt/k8s/bin/docker inspect -f '{{.State.Running}}' pod").stdout == "true\n"
    }

    /// Has the pod answer on port 7000 with its own busybox.
    fn answer_tcp(&self) {
        let listens = || self.in_pod("nc -w 1 127.0.0.1 7000 </dev/null >/dev/null").success();
        if !listens() {
            self.ok("/opt/k8s/bin/docker exec -d pod /bin/busybox nc -ll -p 7000 -e /bin/busybox cat /bin/busybox");
            self.wait_for("the pod serves", SOON, listens);
        }
    }
}
