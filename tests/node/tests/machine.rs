//! The sysctls that every node shares with the machine. This file has one test, because cargo runs one file at a time:
//! a test beside it would see its values change.
#![allow(missing_docs, reason = "a test's name says it")]

use node_tests::{Node, Suite};

const SUITE: Suite = Suite::Bookworm;

#[test]
fn values_are_set_kept_and_put_right() {
    let node = Node::worker(SUITE);
    node.ok("sysctl -qw vm.swappiness=60 vm.overcommit_memory=0 fs.inotify.max_user_instances=128");
    let run = node.install(SUITE);
    run.must_be("changed", 0);
    for (key, value) in [
        ("vm.swappiness", "0"),
        ("vm.overcommit_memory", "1"),
        ("vm.panic_on_oom", "0"),
        ("fs.inotify.max_user_instances", "8192"),
    ] {
        assert_eq!(node.ok(&format!("sysctl -n {key}")).trim(), value, "{key}: {run}");
        assert_eq!(
            node.ok(&format!("grep '^{key} ' /etc/sysctl.d/kubernetes.conf")).trim(),
            format!("{key} = {value}")
        );
    }

    node.ok("sysctl -qw vm.swappiness=60");
    let verify = node.report(&["docker", "verify"]);
    assert!(verify.code == 5 && verify.failing() == ["sysctl"].into(), "{verify}");
    node.install(SUITE).must_change(&["sysctl vm.swappiness"]);
    node.must_verify();
}
