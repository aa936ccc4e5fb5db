//! Pods of one node reach pods of another, and go on doing so.
#![allow(missing_docs, reason = "a test's name says it")]

use std::net::Ipv4Addr;
use std::time::Duration;

use node_tests::{Node, Suite, wire};

/// Two workers with a vxlan between them, installed, each with a pod.
struct Pair {
    nodes: [Node; 2],
    pods: [Ipv4Addr; 2],
}

impl Pair {
    fn of(first: Suite, second: Suite) -> Self {
        let nodes = [first, second].map(|suite| {
            let node = Node::boot(suite);
            node.bring_archive(suite);
            node
        });
        connect(&nodes);
        for (node, suite) in nodes.iter().zip([first, second]) {
            node.install(suite).must_be("changed", 0);
        }
        let pods = [nodes[0].pod(), nodes[1].pod()];
        Self { nodes, pods }
    }

    fn must_reach(&self, after: &str) {
        let [a, b] = &self.nodes;
        let [pod_a, pod_b] = self.pods;
        assert!(a.ping(pod_b), "after {after}: {} does not reach {pod_b}", a.name());
        assert!(b.ping(pod_a), "after {after}: {} does not reach {pod_a}", b.name());
    }
}

fn connect([a, b]: &[Node; 2]) {
    wire(a, b);
    a.flannel(1, 2);
    b.flannel(2, 1);
}

/// Waits until the guard has done its work after a start of docker.
fn restart_docker(node: &Node, how: &str) {
    let guard = node.unit("node-setup-guard.service", "InvocationID");
    node.ok(how);
    node.wait_for("the guard's next run", Duration::from_secs(30), || {
        let again = node.unit("node-setup-guard.service", "InvocationID");
        again != guard && node.unit("node-setup-guard.service", "ActiveState") == "active"
    });
}

fn pods_reach_pods(first: Suite, second: Suite) {
    let pair = Pair::of(first, second);
    pair.must_reach("the install");
    for node in &pair.nodes {
        restart_docker(node, "systemctl restart docker");
    }
    pair.must_reach("a restart of docker");
    for node in &pair.nodes {
        restart_docker(node, "kill -KILL $(systemctl show --value -p MainPID docker)");
    }
    pair.must_reach("dockerd was killed");
    for node in &pair.nodes {
        node.ok("iptables -P FORWARD DROP; iptables -F DOCKER-USER");
        node.report(&["docker"]).must_be("changed", 0);
    }
    pair.must_reach("a run that put policy and rule right");
}

#[test]
fn pods_reach_pods_on_28() {
    pods_reach_pods(Suite::Forky, Suite::Forky);
}

#[test]
fn pods_reach_pods_between_20_10_and_28() {
    pods_reach_pods(Suite::Bookworm, Suite::Forky);
}

#[test]
fn pods_reach_pods_between_26_and_28() {
    pods_reach_pods(Suite::Trixie, Suite::Forky);
}
