//! A run that is told to stop, or that is not alone.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Node, Report, Suite};

const SUITE: Suite = Suite::Bookworm;
const RUN: [&str; 3] = ["docker", "--archive", "/root/docker-20.10.25.tgz"];
const MINUTE: Duration = Duration::from_mins(1);

/// A docker that never comes up, and that does not stop when it is asked to.
const DEAF: &str = "trap : TERM; echo still thinking; while :; do sleep 1; done";
/// A docker that never comes up.
const SLOW: &str = "echo still thinking; exec sleep 600";

/// A worker with an archive whose dockerd is a script.
fn worker_with(script: &str) -> Node {
    let node = Node::worker(SUITE);
    node.archive_of_scripts("20.10.25", script);
    node
}

fn wait_until_docker_is(node: &Node, state: &str) {
    node.wait_for(&format!("docker is {state}"), MINUTE, || node.unit("docker", "ActiveState") == state);
}

fn signal(node: &Node, name: &str) {
    node.ok(&format!("kill -{name} $(pgrep -xo node-setup)"));
}

fn ends(node: &Node) {
    node.wait_for("the run ends", MINUTE, || !node.sh("pgrep -x node-setup").success());
}

#[test]
fn one_signal_stops_a_run_and_the_node_is_put_back() {
    let node = worker_with(SLOW);
    let before = node.own_snapshot();
    for name in ["INT", "TERM", "HUP"] {
        let run = node.spawn(&format!("exec node-setup {} --output json", RUN.join(" ")));
        wait_until_docker_is(&node, "activating");
        signal(&node, name);
        let run = Report::of(&RUN, run.wait(MINUTE).expect("the run ends when it is told to"));
        run.must_be("restored", 1);
        assert!(run.error().contains(&format!("SIG{name}")), "the signal is not named: {run}");
        node.must_be_restored_to(&before);
    }
}

#[test]
fn a_second_signal_is_obeyed_at_once_and_the_journal_recovers() {
    let node = worker_with(DEAF);
    let before = node.own_snapshot();
    let run = node.spawn(&format!("exec node-setup {}", RUN.join(" ")));
    wait_until_docker_is(&node, "activating");
    signal(&node, "INT");
    // The way back begins with stopping docker, which does not listen.
    wait_until_docker_is(&node, "deactivating");
    signal(&node, "INT");
    let run = run.wait(Duration::from_secs(5)).expect("the second signal is obeyed at once");
    assert_eq!(run.code, 130, "{run:?}");
    assert_ne!(node.report(&["docker", "status"]).text("/status/unfinished"), "");

    node.ok("systemctl kill --signal KILL docker");
    node.report(&["docker", "recover"]).must_be("changed", 0);
    node.must_be_restored_to(&before);
    node.install(SUITE).must_be("changed", 0);
    node.must_verify();
}

/// The kernel and the shell may both say that the terminal is gone.
#[test]
fn a_terminal_that_closes_stops_a_run_in_good_order() {
    let node = worker_with(SLOW);
    let before = node.own_snapshot();
    for closing in [
        "kill -HUP $(pgrep -xo node-setup); kill -HUP $(pgrep -xo node-setup)",
        "kill -9 $(pgrep -xo script)",
    ] {
        let _terminal = node.spawn(&format!("exec script -qec 'node-setup {}' /dev/null", RUN.join(" ")));
        wait_until_docker_is(&node, "activating");
        node.ok(closing);
        ends(&node);
        let history = node.report(&["docker", "history"]);
        let runs = history.json["runs"].as_array().expect("a list");
        assert_eq!(runs.last().map(|run| &run["end"]), Some(&"restored".into()), "{closing}: {history}");
        node.must_be_restored_to(&before);
    }
}

#[test]
fn nohup_keeps_a_run_going() {
    let node = Node::worker(SUITE);
    let run = node.spawn(&format!("exec nohup node-setup docker --archive {}", Node::archive(SUITE)));
    node.wait_for("the run is at work", MINUTE, || node.exists("/var/lib/node-setup/journal"));
    signal(&node, "HUP");
    let run = run.wait(MINUTE).expect("the run ends");
    assert_eq!(run.code, 0, "{run:?}");
    node.must_verify();
}

/// Whoever looks is told of the run, and not that it did not end; whoever waits comes next.
#[test]
fn a_run_beside_another_one_waits_or_looks() {
    let node = Node::worker(SUITE);
    node.install(SUITE).must_be("changed", 0);
    node.archive_of_scripts("20.10.25", SLOW);
    let first = node.spawn(&format!("exec node-setup {}", RUN.join(" ")));
    wait_until_docker_is(&node, "activating");
    let holder = format!("process {} (node-setup docker)", node.ok("pgrep -x node-setup").trim());

    let refused = node.report(&["docker", "remove"]);
    assert!(refused.code == 75 && refused.error().contains(&holder), "{refused}");
    let status = node.report(&["docker", "status"]);
    assert_eq!((status.text("/status/at_work"), status.text("/status/unfinished")), (holder.as_str(), ""));
    for command in ["plan", "verify"] {
        let looked = node.report(&["docker", command]);
        assert!(looked.notes(&holder) && !looked.notes("did not end"), "{looked}");
    }
    assert_eq!(node.report(&["docker", "history"]).text("/runs/1/end"), "going on");

    let second = node.spawn("exec node-setup docker --wait --output json");
    node.wait_for("the second run waits", MINUTE, || node.sh("grep -q -- '-> FLOCK' /proc/locks").success());
    node.ok(&format!("kill -INT {}", holder.split(' ').nth(1).unwrap_or_default()));
    let first = first.wait(MINUTE).expect("the first run ends");
    assert_eq!(first.code, 1, "{first:?}");
    Report::of(&["docker", "--wait"], second.wait(MINUTE).expect("the second run ends"))
        .must_be("unchanged", 0);
    node.must_verify();
}
