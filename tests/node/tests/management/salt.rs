//! The Salt state, by `salt-call --local`.

use node_tests::{Node, Output, salt, told};
use serde_json::{Value, json};

use crate::{BROKEN, SUITE, docker, packaging, without_flannel, worker};

const CALL: &str =
    "PYTHONPATH=/opt/salt python3 -W ignore /opt/salt/bin/salt-call --log-level quiet --out json";

/// What Salt itself leaves behind.
const OF_SALT: [&str; 5] =
    ["file /opt/salt", "file /var/cache/salt", "file /var/log/salt", "file /etc/salt", "file /run/"];

fn settings(downloads: u32) -> Value {
    json!({
        "docker.archive": Node::archive(SUITE),
        "docker.daemon": {"max-concurrent-downloads": downloads, "log-opts": {"max-size": "10m"}},
        "network.flannel": "required",
        "firewall.disable": ["firewalld.service", "ufw.service"],
    })
}

fn call(node: &Node, command: &str, arguments: &str) -> Output {
    node.sh(&format!("{} {arguments}", command.replacen("salt-call", CALL, 1)))
}

/// What became of the state that runs node-setup.
#[track_caller]
fn apply(node: &Node, command: &str, arguments: &str) -> Value {
    let output = call(node, command, arguments);
    let answer: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    let states = answer["local"].as_object().cloned().unwrap_or_default();
    let ours = states.into_iter().find(|(name, _)| name.starts_with("docker_node_"));
    ours.map_or_else(|| panic!("no answer: {output:?}"), |(_, state)| state)
}

fn pillar(downloads: u32) -> String {
    format!("pillar='{}'", json!({"node-setup": {"package": false, "settings": settings(downloads)}}))
}

fn rehearse(node: &Node, downloads: u32) -> Value {
    apply(node, told("salt-call --local state.apply node-setup test=True"), &pillar(downloads))
}

fn highstate(node: &Node, downloads: u32) -> Value {
    apply(node, told("salt-call --local state.apply node-setup"), &pillar(downloads))
}

#[track_caller]
fn must_be(state: &Value, result: Option<bool>, words: &str) {
    assert!(
        state["result"].as_bool() == result && state.to_string().contains(words),
        "wanted {result:?} and {words}: {state:#}"
    );
}

fn has_changes(state: &Value) -> bool {
    state["changes"].as_object().is_some_and(|changes| !changes.is_empty())
}

#[test]
fn salt_changes_what_differs_and_nothing_else() {
    let node = worker();
    node.put_tree(salt().expect("salt"), "/opt/salt");
    node.introduce(&format!("{CALL} --version"));
    node.put_tree(packaging("salt"), "/srv/salt");
    let synced = call(&node, told("salt-call --local saltutil.sync_all"), "");
    assert!(synced.stdout.contains("states.docker_node"), "{synced:?}");
    let before = node.own_snapshot();
    let planned = rehearse(&node, 7);
    must_be(&planned, None, "changes pending, none made");
    let daemon = &planned["changes"]["file /etc/docker/daemon.json"]["diff"];
    assert!(
        daemon.as_str().unwrap_or_default().contains("+  \"max-concurrent-downloads\": 7,"),
        "{planned:#}"
    );
    assert_eq!(planned["changes"]["sysctl net.ipv4.ip_forward"], json!({"old": "0", "new": "1"}));
    node.must_differ_only(&before, &OF_SALT);

    let made = highstate(&node, 7);
    must_be(&made, Some(true), "changes made");
    assert!(has_changes(&made));
    node.must_verify();
    let running = docker(&node);
    let again = highstate(&node, 7);
    must_be(&again, Some(true), "nothing to do");
    assert!(!has_changes(&again), "{again:#}");
    assert!(node.report(&["docker"]).changes().is_empty(), "a run by hand has the same settings");
    assert_eq!(docker(&node), running);

    let diff = "-  \\\"max-concurrent-downloads\\\": 7,\\n+  \\\"max-concurrent-downloads\\\": 8,";
    must_be(&rehearse(&node, 8), None, diff);
    assert_eq!(docker(&node), running);
    must_be(&highstate(&node, 8), Some(true), diff);

    let broken = "settings='{\"docker.daemon\": {\"storage-driver\": \"btrfs\"}}'";
    let failed = apply(&node, "salt-call --local state.single docker_node.present worker", broken);
    for words in BROKEN {
        must_be(&failed, Some(false), words);
    }
    assert!(!has_changes(&failed), "{failed:#}");
    node.must_verify();

    let absent = "salt-call --local state.single docker_node.absent worker purge=True";
    must_be(&apply(&node, absent, "test=True"), None, "changes pending");
    node.must_verify();
    must_be(&apply(&node, absent, ""), Some(true), "changes made");
    must_be(&apply(&node, absent, ""), Some(true), "nothing to do");
    let kept = ["file /etc/node-setup", "unit network-online"];
    node.must_differ_only(&before, &[OF_SALT.as_slice(), &kept].concat());

    without_flannel(&node);
    must_be(
        &highstate(&node, 8),
        Some(false),
        "flannel-missing: neither /run/flannel/docker nor /run/flannel/subnet.env is there",
    );
}
