//! What goes wrong after the first change: the node is put back, or the next run puts it right.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Node, Report, Suite};

const SUITE: Suite = Suite::Bookworm;
const BAD: [&str; 3] = ["docker", "--archive", "/root/docker-20.10.25.tgz"];

/// What docker's own programs change below their directories while they run.
const OF_DOCKER: [&str; 3] = ["file /data/k8s/docker/", "file /run/docker", "file /run/containerd"];

/// A dockerd that answers `--version` as 20.10.25 and then fails.
struct Bad {
    what: &'static str,
    /// The rest of the script.
    rest: &'static str,
    /// What the error has to carry from the unit's log.
    log: &'static str,
}

const EXITS: Bad = Bad {
    what: "exits at once",
    rest: "echo the disk is upside down >&2; exit 1",
    log: "the disk is upside down",
};
const HANGS: Bad = Bad {
    what: "hangs before it is ready",
    rest: "echo still thinking; exec sleep 600",
    log: "still thinking",
};
const DIES: Bad = Bad {
    what: "dies after it said that it is ready",
    rest: "echo ready to die; systemd-notify --ready; exit 1",
    log: "ready to die",
};

/// An archive whose dockerd is a script.
fn bad_archive(node: &Node, rest: &str) {
    node.ok(&format!(
        "rm -rf /root/docker && mkdir /root/docker && cd /root/docker && \
         for f in $(tar -tzf /root/docker-20.10.24.tgz | grep -v '/$'); do printf '#!/bin/sh\\nexit 1\\n# %s\\n' $f >/root/$f; done && \
         printf '#!/bin/sh\\ncase \"$1\" in --version) echo \"Docker version 20.10.25, build 0\"; exit 0;; esac\\n{rest}\\n' \
         >dockerd && chmod 755 * && tar -C /root -czf /root/docker-20.10.25.tgz docker && rm -r /root/docker"
    ));
}

fn must_be_put_back(run: &Report, Bad { what, log, .. }: &Bad) {
    assert!(run.text("/outcome") == "restored" && run.code == 1, "dockerd {what}: {run}");
    let lines = run.json.pointer("/error/log").map(ToString::to_string).unwrap_or_default();
    assert!(
        lines.contains(log),
        "dockerd {what}: the error does not have docker's last words, {log:?}: {run}"
    );
}

fn a_bare_node_is_put_back(bad: &Bad) {
    let node = Node::worker(SUITE);
    bad_archive(&node, bad.rest);
    let before = node.own_snapshot();
    let run = node.report(&[BAD.as_slice(), &["--timeout", "3s"]].concat());
    node.must_be_restored_to(&before);
    node.install(SUITE).must_be("changed", 0);
    node.must_verify();
    must_be_put_back(&run, bad);
}

#[test]
fn a_docker_that_exits_on_a_bare_node() {
    a_bare_node_is_put_back(&EXITS);
}

#[test]
fn a_docker_that_hangs_on_a_bare_node() {
    a_bare_node_is_put_back(&HANGS);
}

#[test]
fn a_docker_that_dies_on_a_bare_node() {
    a_bare_node_is_put_back(&DIES);
}

/// The old docker runs again, and its container never stopped.
fn a_working_docker_is_put_back(bad: &Bad) {
    let node = Node::installed(SUITE);
    let _address = node.pod();
    let container =
        "/opt/k8s/bin/docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.State.Pid}} {{.State.Running}}' pod";
    let pod = node.ok(container);
    bad_archive(&node, bad.rest);
    // At its second start docker puts two of its own rules into the order that they keep from then on.
    node.ok("systemctl restart docker");
    let before = node.own_snapshot();
    let run = node.report(&[BAD.as_slice(), &["--timeout", "3s"]].concat());
    must_be_put_back(&run, bad);
    let version = node.ok("/opt/k8s/bin/docker version -f '{{.Server.Version}}'");
    assert_eq!(version.split('+').next(), Some("20.10.24"));
    assert_eq!(node.ok(container), pod, "the container is not the one it was");
    node.must_verify();
    let of_the_run = ["file /var/lib/node-setup", "file /root/docker-", "file /run/node-setup"];
    node.must_differ_only(&before, &[OF_DOCKER.as_slice(), &of_the_run].concat());
    node.install(SUITE).must_be("unchanged", 0);
}

#[test]
fn an_upgrade_to_a_docker_that_exits() {
    a_working_docker_is_put_back(&EXITS);
}

#[test]
fn an_upgrade_to_a_docker_that_hangs() {
    a_working_docker_is_put_back(&HANGS);
}

#[test]
fn an_upgrade_to_a_docker_that_dies() {
    a_working_docker_is_put_back(&DIES);
}

#[test]
fn a_signal_stops_a_run_and_the_node_is_put_back() {
    let node = Node::worker(SUITE);
    bad_archive(&node, HANGS.rest);
    let before = node.own_snapshot();
    for signal in ["INT", "TERM"] {
        let run = node.spawn(&format!("exec node-setup {} --output json", BAD.join(" ")));
        wait_until_docker_starts(&node);
        node.ok(&format!("kill -{signal} $(pgrep -x node-setup)"));
        let run =
            Report::of(&BAD, run.wait(Duration::from_mins(1)).expect("the run ends when it is told to"));
        run.must_be("restored", 1);
        assert!(run.error().contains(&format!("SIG{signal}")), "the signal is not named: {run}");
        node.must_be_restored_to(&before);
    }
}

fn wait_until_docker_starts(node: &Node) {
    node.wait_for("docker is being started", Duration::from_mins(1), || {
        node.sh("systemctl show --value -p ActiveState docker").stdout == "activating\n"
    });
}

/// A moment at which a run is killed, and whether its journal had begun by then.
enum Moment {
    /// At a rename, counted from 1.
    Rename(u32, Begun),
    /// While systemd starts docker.
    DockerStarts,
    /// The same, with everything else on the node.
    PowerCut,
}

#[derive(PartialEq, Clone, Copy)]
enum Begun {
    Yes,
    No,
}

#[test]
fn a_run_killed_early() {
    for moment in [Moment::Rename(5, Begun::No), Moment::Rename(15, Begun::Yes)] {
        the_next_run_goes_on_after(&moment);
    }
}

#[test]
fn a_run_killed_late() {
    for moment in [Moment::Rename(20, Begun::Yes), Moment::Rename(24, Begun::Yes)] {
        the_next_run_goes_on_after(&moment);
    }
}

#[test]
fn a_run_killed_while_docker_starts() {
    the_next_run_goes_on_after(&Moment::DockerStarts);
}

#[test]
fn a_power_cut_while_docker_starts() {
    the_next_run_goes_on_after(&Moment::PowerCut);
}

fn the_next_run_goes_on_after(moment: &Moment) {
    let node = Node::worker(SUITE);
    let begun = kill_a_run(&node, moment);
    if begun == Begun::Yes {
        let status = node.report(&["docker", "status"]);
        assert_ne!(
            status.text("/status/unfinished"),
            "",
            "status does not show the run that was killed: {status}"
        );
    }
    let next = node.install(SUITE);
    next.must_be("changed", 0);
    assert_eq!(next.notes("an earlier run did not end"), begun == Begun::Yes, "{next}");
    node.must_verify();
    node.install(SUITE).must_be("unchanged", 0);
    nothing_is_left_over(&node);
}

fn kill_a_run(node: &Node, moment: &Moment) -> Begun {
    let run = format!("node-setup docker --archive {}", Node::archive(SUITE));
    match moment {
        Moment::Rename(number, begun) => {
            let calls = "rename,renameat,renameat2";
            let killed = node.sh(&format!(
                "strace -f -qq -o /dev/null -e trace={calls} -e inject={calls}:signal=KILL:when={number} {run}"
            ));
            assert_eq!(killed.code, 137, "a run has no {number} renames: {killed:?}");
            *begun
        }
        Moment::DockerStarts => {
            let _run = node.spawn(&format!("exec {run}"));
            wait_until_docker_starts(node);
            node.ok("kill -9 $(pgrep -x node-setup)");
            Begun::Yes
        }
        Moment::PowerCut => {
            let _run = node.spawn(&format!("exec {run}"));
            wait_until_docker_starts(node);
            node.power_cut();
            Begun::Yes
        }
    }
}

/// No temporary, staged or candidate file of the run that was killed.
fn nothing_is_left_over(node: &Node) {
    let binaries = node.ok("ls -A /opt/k8s/bin");
    let members = node.ok("tar -tzf /root/docker-*.tgz | grep -v '/$' | sed 's,^docker/,,'");
    let left: Vec<&str> = binaries
        .lines()
        .filter(|name| *name != "node-setup-guard" && !members.lines().any(|member| member == *name))
        .collect();
    assert_eq!(left, [""; 0], "in /opt/k8s/bin");
    let hidden = node.ok(
        "find /etc /opt /var/lib/node-setup -xdev \\( -name '.*' -o -path '*/staged/*' -o -path '*/candidate/*' \\) \
         -newer /etc/machine-id ! -name .pwd.lock",
    );
    assert_eq!(hidden, "", "left over");
}
