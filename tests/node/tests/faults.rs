//! What goes wrong after the first change: the node is put back, or the next run puts it right.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Node, Report, Snapshot, Suite};

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
    node.archive_of_scripts("20.10.25", bad.rest);
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
    let work = Working::node(SUITE);
    work.node.archive_of_scripts("20.10.25", bad.rest);
    let before = work.node.own_snapshot();
    let run = work.node.report(&[BAD.as_slice(), &["--timeout", "3s"]].concat());
    must_be_put_back(&run, bad);
    work.must_be_as_before(&before, SUITE);
}

/// A node with a docker that works, and a container that is not to suffer.
struct Working {
    node: Node,
    pod: String,
}

const POD: &str =
    "/opt/k8s/bin/docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.State.Pid}} {{.State.Running}}' pod";

impl Working {
    /// With the docker of `installed`.
    fn node(installed: Suite) -> Self {
        Self::on(Node::worker(installed), installed)
    }

    fn on(node: Node, installed: Suite) -> Self {
        node.bring_archive(installed);
        node.install(installed).must_be("changed", 0);
        let _address = node.pod();
        let pod = node.ok(POD);
        // At its second start docker puts two of its own rules into the order that they keep from then on.
        node.ok("systemctl restart docker");
        Self { node, pod }
    }

    fn must_have_its_pod(&self) {
        assert_eq!(self.node.ok(POD), self.pod, "the container is not the one it was");
    }

    fn must_run(&self, suite: Suite) {
        let version = self.node.ok("/opt/k8s/bin/docker version -f '{{.Server.Version}}'");
        assert_eq!(version.split('+').next(), Some(suite.docker_version()));
        self.must_have_its_pod();
        self.node.must_verify();
    }

    fn must_be_as_before(&self, before: &Snapshot, suite: Suite) {
        self.must_run(suite);
        // A dockerd that fails to load its containers unmounts them on the host; they have mounts of their own.
        let of_the_run =
            ["file /var/lib/node-setup", "file /root/", "file /run/node-setup", "mount /data/k8s/docker/"];
        self.node.must_differ_only(before, &[OF_DOCKER.as_slice(), &of_the_run].concat());
        self.node.report(&["docker"]).must_be("unchanged", 0);
    }
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

/// Gives an archive's docker a containerd that kills it some time after it has begun to answer, again and again.
fn with_a_crash(node: &Node, suite: Suite, after: &str) -> String {
    let (from, to) = (Node::archive(suite), format!("/root/crash/docker-{}.tgz", suite.docker_version()));
    let ping = "curl -s --unix-socket /run/docker.sock http://docker/_ping >/dev/null";
    node.ok(&format!(
        "mkdir -p /root/crash/real && cd /root/crash && tar -xzf {from} && mv docker/containerd real"
    ));
    node.write(
        "/root/crash/docker/containerd",
        &format!(
            "#!/bin/sh\n(until {ping}; do sleep 0.02; done; echo once more >&2; sleep {after}; kill -9 $PPID) &\n\
             exec /root/crash/real/containerd \"$@\"\n"
        ),
    );
    node.ok(&format!(
        "cd /root/crash && chmod 755 docker/containerd && tar -czf {to} docker && rm -r docker"
    ));
    to
}

const CRASHES: Bad = Bad { what: "answers and then dies, again and again", rest: "", log: "once more" };

#[test]
fn a_docker_that_crashes_in_a_loop_on_a_bare_node() {
    let node = Node::worker(SUITE);
    let archive = with_a_crash(&node, SUITE, "0.05");
    let before = node.own_snapshot();
    let run = node.report(&["docker", "--archive", &archive]);
    must_be_put_back(&run, &CRASHES);
    assert!(run.error().contains("does not stay up"), "{run}");
    node.must_be_restored_to(&before);
}

#[test]
fn an_upgrade_to_a_docker_that_crashes_in_a_loop() {
    let work = Working::on(Node::worker(Suite::Trixie), Suite::Bookworm);
    let archive = with_a_crash(&work.node, Suite::Trixie, "1.5");
    let before = work.node.own_snapshot();
    let run = work.node.report(&["docker", "--archive", &archive]);
    must_be_put_back(&run, &CRASHES);
    assert!(run.error().contains("does not stay up"), "{run}");
    work.must_be_as_before(&before, Suite::Bookworm);
}

/// A key that dockerd knows, with a value that it does not take. From 23 on it says so beforehand.
fn a_wrong_daemon_json_on_a_working_node(suite: Suite, key: &str, outcome: (&str, i32), says: &str) {
    let work = Working::node(suite);
    let before = work.node.own_snapshot();
    work.node.write("/etc/node-setup/config.toml", &format!("[docker.daemon]\n{key}\n"));
    let run = work.node.report(&["docker"]);
    run.must_be(outcome.0, outcome.1);
    assert!(run.error().contains(says), "no word of {says}: {run}");
    work.node.ok("rm -r /etc/node-setup");
    work.must_be_as_before(&before, suite);
}

#[test]
fn a_daemon_json_that_kills_docker() {
    let says = "not an ip address";
    a_wrong_daemon_json_on_a_working_node(SUITE, "dns = [\"nonsense\"]", ("restored", 1), says);
}

#[test]
fn a_daemon_json_that_docker_refuses_beforehand() {
    let says = "invalid IP address";
    a_wrong_daemon_json_on_a_working_node(Suite::Trixie, "dns = [\"nonsense\"]", ("refused", 3), says);
}

#[test]
fn a_daemon_json_that_kills_docker_although_it_was_valid() {
    let key = "storage-driver = \"zfs\"";
    a_wrong_daemon_json_on_a_working_node(Suite::Trixie, key, ("restored", 1), "graphdriver");
}

/// Once docker runs from its new files, putting the old ones back is not enough.
#[test]
fn an_upgrade_that_fails_after_docker_was_restarted() {
    let work = Working::on(Node::worker(Suite::Trixie), Suite::Bookworm);
    let drop_in = "/etc/systemd/system/node-setup-guard.service.d/fails.conf";
    work.node.write(drop_in, "[Service]\nExecStartPre=/bin/false\n");
    work.node.ok("systemctl daemon-reload");
    let run = work.node.install(Suite::Trixie);
    run.must_be("restored", 1);
    assert!(run.error().contains("node-setup-guard.service"), "{run}");
    assert!(!work.node.report(&["docker", "verify"]).failing().contains("docker-fresh"));
    work.node.ok(&format!("rm {drop_in} && systemctl daemon-reload && systemctl restart node-setup-guard"));
    work.must_run(Suite::Bookworm);
}

/// A docker that hangs is reported and not touched; a change gets through it all the same.
#[test]
fn an_upgrade_of_a_docker_that_hangs() {
    let work = Working::on(Node::worker(Suite::Trixie), Suite::Bookworm);
    work.node.ok("kill -STOP $(systemctl show --value -p MainPID docker)");
    let run = work.node.report(&["docker"]);
    assert!(run.code == 5 && run.changes().is_empty(), "{run}");
    assert!(run.check("docker-api", "remedy").contains("systemctl restart docker"), "{run}");
    work.node.install(Suite::Trixie).must_be("changed", 0);
    work.must_run(Suite::Trixie);
}

/// One that does not listen to SIGTERM is killed by systemd when its time is over, however little `--timeout` gives the
/// new one.
#[test]
fn a_docker_that_does_not_stop() {
    let work = Working::on(Node::worker(Suite::Trixie), Suite::Bookworm);
    let deaf = "[Service]\nKillSignal=SIGWINCH\nTimeoutStopSec=12\n";
    work.node.write("/etc/systemd/system/docker.service.d/deaf.conf", deaf);
    work.node.ok("systemctl daemon-reload");
    let upgrade = ["docker", "--archive", &Node::archive(Suite::Trixie), "--timeout", "10s"];
    work.node.report(&upgrade).must_be("changed", 0);
    work.must_run(Suite::Trixie);
    work.node.report(&["docker", "remove", "--purge", "--timeout", "10s"]).must_be("changed", 0);
    assert!(!work.node.sh("pgrep 'docker|containerd'").success(), "something of docker still runs");
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
    assert_eq!(node.leftovers(), [""; 0], "left over");
}
