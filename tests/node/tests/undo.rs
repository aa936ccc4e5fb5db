//! Ways back: the last run, everything, and a run that did not end.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Job, Node, Report, Suite};

/// What no removal can take back: a target that was reached stays reached, and
/// addresses that the kernel gave to links while the run went on stay theirs.
const OF_TIME: [&str; 3] = ["unit network-online.target", "route ", "file /run/node-setup"];

const MINUTE: Duration = Duration::from_mins(1);

fn container(node: &Node) -> String {
    node.ok("/opt/k8s/bin/docker inspect -f '{{.Id}} {{.State.StartedAt}}' pod").trim().to_owned()
}

fn removal_leaves_nothing(suite: Suite) {
    let node = Node::worker(suite);
    node.ok("iptables -A INPUT -s 192.0.2.1 -j DROP; iptables -P FORWARD DROP");
    let before = node.own_snapshot();
    node.install(suite).must_be("changed", 0);
    let _ = node.pod();
    node.report(&["docker", "rollback", "--dry-run"]).must_be("planned", 0);
    node.report(&["docker", "remove", "--purge", "--dry-run"]).must_be("planned", 0);
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    assert!(!node.exists("/var/lib/node-setup"), "its own state is gone too");
    node.must_differ_only(&before, &OF_TIME);
    node.install(suite).must_be("changed", 0);
    node.must_verify();
}

#[test]
fn removal_leaves_nothing_on_bookworm() {
    removal_leaves_nothing(Suite::Bookworm);
}

#[test]
fn removal_leaves_nothing_on_forky() {
    removal_leaves_nothing(Suite::Forky);
}

#[test]
fn removal_keeps_data_and_what_others_changed() {
    let node = Node::worker(Suite::Bookworm);
    node.write("/etc/docker/daemon.json", "{\"debug\": true}\n");
    node.install(Suite::Bookworm).must_be("changed", 0);
    let _ = node.pod();
    node.ok("echo '# mine now' >>/etc/tmpfiles.d/node-setup.conf");
    let report = node.report(&["docker", "remove"]);
    report.must_be("changed", 0);
    assert!(
        node.read("/etc/tmpfiles.d/node-setup.conf").contains("mine now"),
        "what somebody changed is theirs"
    );
    assert_eq!(report.text("/left/0/on"), "/etc/tmpfiles.d/node-setup.conf", "and it is named: {report}");
    assert_eq!(node.read("/etc/docker/daemon.json"), "{\"debug\": true}\n", "the old bytes are back");
    assert!(node.exists("/data/k8s/docker/data/image"), "images stay without --purge");
    assert!(!node.exists("/opt/k8s/bin/dockerd"), "the binaries are gone");
}

#[test]
fn a_drift_that_was_corrected_does_not_come_back_with_a_removal() {
    let node = Node::installed(Suite::Bookworm);
    node.ok("iptables -P FORWARD DROP && sysctl -w net.ipv4.ip_forward=0");
    node.install(Suite::Bookworm).must_change(&["policy FORWARD (IPv4, nft)", "sysctl net.ipv4.ip_forward"]);
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    assert_eq!(node.policy("iptables", "FORWARD"), "ACCEPT", "it was so before the first run");
}

#[test]
fn rollback_goes_back_to_the_docker_before() {
    let node = Node::worker(Suite::Trixie);
    node.bring_archive(Suite::Bookworm);
    node.report(&["docker", "--archive", &Node::archive(Suite::Bookworm)]).must_be("changed", 0);
    let _ = node.pod();
    let running = container(&node);
    let before = node.own_snapshot();
    node.install(Suite::Trixie).must_be("changed", 0);
    assert_eq!(container(&node), running, "the upgrade keeps the container running");
    node.report(&["docker", "rollback"]).must_be("changed", 0);
    assert_eq!(container(&node), running, "so does the way back");
    node.must_verify();
    let version = node.ok("/opt/k8s/bin/docker version -f '{{.Server.Version}}'");
    assert!(version.starts_with("20.10.24"), "{version}");
    let allowed = [
        "file /var/lib/node-setup",
        "file /data/k8s/docker/",
        "file /run/",
        "unit ",
        "route ",
        "link ",
        "sysctl ",
        // What 26 makes for IPv6 and for DOCKER-USER, and 20.10 puts in another order.
        "netfilter ",
    ];
    node.must_differ_only(&before, &allowed);
    let history = node.report(&["docker", "history"]);
    assert_eq!(history.text("/runs/2/command"), "docker rollback", "{history}");
}

#[test]
fn an_older_docker_finds_nothing_of_a_newer_one() {
    let node = Node::worker(Suite::Forky);
    node.bring_archive(Suite::Trixie);
    node.install(Suite::Trixie).must_be("changed", 0);
    let before = node.own_snapshot();
    let must_be_as_before = || {
        node.must_verify();
        let passing =
            ["file /var/lib/node-setup", "file /data/k8s/docker/", "file /run/", "route ", "link docker0"];
        node.must_differ_only(&before, &passing);
    };
    let newer = || {
        node.install(Suite::Forky).must_be("changed", 0);
        assert!(node.ok("iptables-save").contains("-j DOCKER-FORWARD"), "docker 28 has come");
    };
    newer();
    node.install(Suite::Trixie).must_be("changed", 0);
    must_be_as_before();
    newer();
    node.report(&["docker", "rollback"]).must_be("changed", 0);
    must_be_as_before();
    newer();
    let killed = node.sh("strace -f -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=2 \
         /usr/bin/node-setup docker rollback");
    assert!(!killed.success(), "the rollback was to be killed");
    node.report(&["docker"]).must_be("changed", 0);
    must_be_as_before();
}

/// containerd 1.7, of docker 26 here, ends a container that runs under a shim of 2.1, and cannot start it beside that.
#[test]
fn a_container_of_a_newer_docker_starts_again_under_an_older() {
    let node = Node::worker(Suite::Forky);
    node.bring_archive(Suite::Trixie);
    for settings in ["", "[network]\nflannel = \"off\"\n"] {
        node.write("/etc/node-setup/config.toml", settings);
        node.install(Suite::Forky).must_be("changed", 0);
        let _ = node.pod();
        node.install(Suite::Trixie).must_be("changed", 0);
        let state = "/opt/k8s/bin/docker inspect -f '{{.State.Running}} {{.RestartCount}}' pod";
        assert_eq!(node.ok(state).trim(), "true 0");
        assert!(node.ok("journalctl -u docker -o cat").contains("belonged to a newer docker"), "it is said");
        // What ran under the older docker's own shims runs on, upwards and downwards.
        let started = "/opt/k8s/bin/docker inspect -f '{{.State.Pid}}' pod";
        let first = node.ok(started);
        node.install(Suite::Forky).must_be("changed", 0);
        node.report(&["docker", "rollback"]).must_be("changed", 0);
        assert_eq!(node.ok(started), first);
        node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    }
}

/// The guard of a run that was cut off puts its rule back at the next boot, and no journal says that it did.
#[test]
fn a_rule_of_the_guard_s_goes_with_docker() {
    let node = Node::installed(Suite::Bookworm);
    node.ok("iptables -I DOCKER-USER -i flannel.1 -o docker0 -j ACCEPT");
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    assert!(!node.ok("iptables-save").contains("DOCKER-USER"));
}

/// A socket that fails gives answers without an end, which look like empty ones.
#[test]
fn a_removal_that_cannot_ask_the_kernel_says_so() {
    let node = Node::installed(Suite::Bookworm);
    node.ok("nft add table ip docker-bridges; nft add table ip6 docker-bridges");
    let no_request = "strace -qq -o /dev/null -e trace=sendto -e inject=sendto:error=ENOBUFS:when=1+";
    let failed = node.report_in(&format!("{no_request} \"$@\""), &["docker", "remove", "--purge"]);
    failed.must_be("failed", 4);
    assert!(failed.text("/left/0/why").contains("list the links"), "{failed}");
    assert!(node.ok("ip -br link").contains("docker0"), "it is not deleted");
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    assert!(!node.ok("ip -br link").contains("docker0"), "the next removal deletes it");
    assert!(!node.ok("nft list tables").contains("docker-bridges"), "docker's own tables go with it");
}

#[test]
fn a_run_that_died_is_recovered_by_hand() {
    let node = Node::worker(Suite::Bookworm);
    let before = node.own_snapshot();
    let killed = node.sh(&format!(
        "strace -f -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=12 \
         /usr/bin/node-setup docker --archive {}",
        Node::archive(Suite::Bookworm)
    ));
    assert!(!killed.success(), "the run was to be killed");
    let refused = node.report(&["docker", "rollback"]);
    assert!(
        refused.code == 3 && refused.to_string().contains("recover"),
        "rollback points to recover: {refused}"
    );
    node.report(&["docker", "recover"]).must_be("changed", 0);
    node.must_be_restored_to(&before);
    node.install(Suite::Bookworm).must_be("changed", 0);
    node.must_verify();
}

#[test]
fn nothing_to_undo_is_said() {
    let node = Node::worker(Suite::Bookworm);
    let before = node.own_snapshot();
    let report = node.report(&["docker", "rollback"]);
    assert_eq!(report.code, 3, "{report}");
    node.must_be_untouched_since(&before);
}

#[test]
fn going_back_is_rehearsed_without_a_trace() {
    let node = Node::worker(Suite::Trixie);
    node.bring_archive(Suite::Bookworm);
    node.report(&["docker", "--archive", &Node::archive(Suite::Bookworm)]).must_be("changed", 0);
    node.install(Suite::Trixie).must_be("changed", 0);
    let before = node.own_snapshot();
    for args in [&["docker", "rollback"][..], &["docker", "remove"], &["docker", "remove", "--purge"]] {
        let dry = node.report(&[args, &["--dry-run"]].concat());
        dry.must_be("planned", 0);
        assert!(dry.changes().contains("file /opt/k8s/bin/dockerd"), "{dry}");
        let takes_data = dry.changes().contains("tree /data/k8s/docker/data");
        assert_eq!(takes_data, args.contains(&"--purge"), "{dry}");
        node.must_be_untouched_since(&before);
    }
    let planned = node.report(&["docker", "rollback", "--dry-run"]).changes();
    let made = node.report(&["docker", "rollback"]);
    made.must_be("changed", 0);
    assert_eq!(made.changes(), planned, "the rollback did something else than was rehearsed: {made}");
    let usage = node.report(&["docker", "recover", "--dry-run"]);
    usage.must_be("refused", 2);
}

/// A configuration that is not valid may be the very reason to go back.
#[test]
fn going_back_needs_no_valid_configuration() {
    let node = Node::worker(Suite::Bookworm);
    let before = node.own_snapshot();
    let archive = Node::archive(Suite::Bookworm);
    node.install(Suite::Bookworm).must_be("changed", 0);
    node.write("/etc/node-setup/config.d/site.toml", "[docker.daemon]\ndebug = true\n");
    node.report(&["docker"]).must_be("changed", 0);
    node.write("/etc/node-setup/config.d/site.toml", "[dokcer]\n");
    node.report(&["docker"]).must_be("refused", 2);

    let rollback = node.report(&["docker", "rollback"]);
    rollback.must_be("changed", 0);
    rollback.must_change(&["file /etc/docker/daemon.json", "unit docker.service"]);
    assert!(rollback.notes("/etc/node-setup/config.d/site.toml:1"), "{rollback}");
    node.report(&["docker", "rollback", "--timeout", "soon"]).must_be("refused", 2);

    let remove = node.report(&["docker", "remove", "--purge"]);
    remove.must_be("changed", 0);
    node.ok("rm -r /etc/node-setup");
    node.must_differ_only(&before, &OF_TIME);

    let killed = node.sh(&format!(
        "strace -f -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=12 \
         /usr/bin/node-setup docker --archive {archive}"
    ));
    assert!(!killed.success(), "the run was to be killed");
    node.write("/etc/node-setup/config.toml", "[dokcer]\n");
    node.report(&["docker", "recover"]).must_be("changed", 0);
    node.ok("rm -r /etc/node-setup");
    node.must_differ_only(&before, &[OF_TIME.as_slice(), &["file /var/lib/node-setup"]].concat());
}

/// Nothing but a removal stops it, and docker does not start it again by itself.
fn run_without_a_policy(node: &Node) {
    let _ = node.pod();
    node.ok(
        "PATH=$PATH:/opt/k8s/bin; docker rm -f pod && docker run -d --name web bb /bin/busybox sleep 86400",
    );
}

fn runs(node: &Node, container: &str) -> bool {
    node.ok(&format!("/opt/k8s/bin/docker inspect -f '{{{{.State.Running}}}}' {container}")).trim() == "true"
}

/// Begins a removal that waits at the first file that goes once docker has stopped, its socket.
fn removal_that_waits(node: &Node) -> Job {
    let wait = "strace -qq -o /dev/null -e trace=unlink -e inject=unlink:delay_enter=5s:when=1";
    node.spawn(&format!("exec {wait} node-setup docker remove --output json"))
}

fn take_back_a_removal(node: &Node) -> Report {
    let removal = removal_that_waits(node);
    node.wait_for("docker is stopped", MINUTE, || node.unit("docker", "ActiveState") == "inactive");
    node.ok("kill -INT $(pgrep -xo node-setup)");
    let report = Report::of(&["docker", "remove"], removal.wait(MINUTE).unwrap());
    report.must_be("restored", 1);
    node.must_verify();
    report
}

#[test]
fn containers_run_again_when_a_removal_is_taken_back() {
    let node = Node::installed(Suite::Bookworm);
    run_without_a_policy(&node);
    take_back_a_removal(&node);
    assert!(runs(&node, "web"), "it ran when the removal began");
    let removal = removal_that_waits(&node);
    node.wait_for("docker is stopped", MINUTE, || node.unit("docker", "ActiveState") == "inactive");
    node.ok("kill -KILL $(pgrep -xo node-setup)");
    assert_eq!(removal.wait(MINUTE).unwrap().code, 137);
    // The heir finds it stopped, and knows of it all the same.
    node.ok("systemctl start docker");
    take_back_a_removal(&node);
    assert!(runs(&node, "web"), "it ran when the dead removal began");
}

#[test]
fn a_purge_ends_the_containers_of_a_docker_that_does_not_run() {
    let node = Node::worker(Suite::Bookworm);
    let before = node.own_snapshot();
    node.install(Suite::Bookworm).must_be("changed", 0);
    run_without_a_policy(&node);
    node.ok("systemctl stop docker");
    assert!(node.sh("pgrep -xf '/bin/busybox sleep 86400'").success(), "it runs on without docker");
    let purge = node.report(&["docker", "remove", "--purge"]);
    purge.must_be("changed", 0);
    assert!(purge.notes("containers whose names are not known"), "{purge}");
    assert!(!node.sh("pgrep -xf '/bin/busybox sleep 86400'").success(), "it runs on without its data");
    node.must_differ_only(&before, &OF_TIME);
}

#[test]
fn a_purge_keeps_the_configuration_of_others() {
    let node = Node::installed(Suite::Bookworm);
    node.ok("sed -i '1a \"debug\": true,' /etc/docker/daemon.json");
    node.ok("mkdir /etc/docker/certs.d && touch /etc/docker/key.json");
    let purge = node.report(&["docker", "remove", "--purge"]);
    purge.must_be("changed", 0);
    assert_eq!(purge.text("/left/0/on"), "/etc/docker/daemon.json", "{purge}");
    assert_eq!(node.ok("ls /etc/docker"), "certs.d\ndaemon.json\n");
    assert!(!node.exists("/data/k8s/docker/data"));
    node.report(&["docker", "remove", "--purge", "--force"]).must_be("changed", 0);
    assert_eq!(node.ok("ls /etc/docker"), "certs.d\n", "that was never ours");
    node.ok("rmdir /etc/docker/certs.d");
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    assert!(!node.exists("/etc/docker") && !node.exists("/var/lib/node-setup"));
}

#[test]
fn a_purge_takes_data_that_is_somewhere_else() {
    let node = Node::worker(Suite::Bookworm);
    let before = node.own_snapshot();
    node.write("/etc/node-setup/config.toml", "[docker.daemon]\ndata-root = \"/srv/docker\"\n");
    node.install(Suite::Bookworm).must_be("changed", 0);
    assert!(node.exists("/srv/docker/image"));
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    node.ok("rm -r /etc/node-setup");
    node.must_differ_only(&before, &OF_TIME);
}

#[test]
fn what_a_purge_that_died_had_begun_to_delete_is_named() {
    let node = Node::installed(Suite::Bookworm);
    let _ = node.pod();
    let data = "/data/k8s/docker/data";
    let count = || node.ok(&format!("find {data} | wc -l"));
    let before = count();
    let killed = node.sh("strace -qq -o /dev/null -e trace=unlinkat -e inject=unlinkat:signal=KILL:when=60 \
         /usr/bin/node-setup docker remove --purge");
    assert_eq!(killed.code, 137, "{killed:?}");
    assert_ne!(count(), before, "it was not at the data yet");
    let recovered = node.report(&["docker", "recover"]);
    recovered.must_be("failed", 4);
    assert_eq!(recovered.text("/left/0/on"), data, "{recovered}");
    assert!(recovered.text("/left/0/why").contains("may be gone"), "{recovered}");
}

#[test]
fn a_repair_that_died_is_put_back_before_a_removal() {
    let node = Node::installed(Suite::Bookworm);
    run_without_a_policy(&node);
    node.ok("ip address add 192.0.2.1/24 dev docker0");
    let repair = node.spawn("exec node-setup docker repair --force");
    node.wait_for("the container is stopped", MINUTE, || {
        !node.sh("pgrep -xf '/bin/busybox sleep 86400'").success()
    });
    node.ok("kill -KILL $(pgrep -xo node-setup)");
    assert_eq!(repair.wait(MINUTE).unwrap().code, 137);
    let removal = take_back_a_removal(&node);
    assert!(removal.notes("put back first"), "{removal}");
    assert!(runs(&node, "web"), "it ran before the repair");
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
}
