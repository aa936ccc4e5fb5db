//! Archives on real nodes: cached, mirrored, lost, and the sets of binaries that come of them.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Node, Report, Suite};

const CACHED: &str = "/var/cache/node-setup/x86_64/docker-20.10.24.tgz";

fn digest(node: &Node, path: &str) -> String {
    node.ok(&format!("sha256sum <{path} | cut -c1-64")).trim().to_owned()
}

fn version(node: &Node) -> String {
    let version = node.ok("/opt/k8s/bin/docker version -f '{{.Server.Version}}'");
    version.split('+').next().unwrap_or_default().trim().to_owned()
}

/// Serves a directory over HTTP.
fn serve(node: &Node, directory: &str, port: u16) {
    node.ok(&format!("/root/im/bin/busybox httpd -p 127.0.0.1:{port} -h {directory}"));
}

#[test]
fn what_was_fetched_is_installed_without_being_named() {
    let node = Node::worker(Suite::Bookworm);
    let before = node.own_snapshot();
    let sha256 = digest(&node, "/root/docker-20.10.24.tgz");
    let fetched = node.report(&["docker", "fetch", "--archive", "/root/docker-20.10.24.tgz"]);
    fetched.must_be("changed", 0);
    assert_eq!((fetched.text("/archive/path"), fetched.text("/archive/sha256")), (CACHED, sha256.as_str()));
    assert!(fetched.notes(&sha256), "nobody vouches for it, and that is said: {fetched}");
    node.report(&["docker", "fetch", "--archive", "/root/docker-20.10.24.tgz"]).must_be("unchanged", 0);
    node.must_differ_only(&before, &["file /var/cache/node-setup"]);

    node.ok("rm /root/docker-20.10.24.tgz");
    let run = node.report(&["docker", "--docker-version", "20.10.24"]);
    run.must_be("changed", 0);
    assert_eq!(version(&node), "20.10.24");
    assert_eq!(node.report(&["docker", "status"]).text("/status/archive"), sha256);

    // A binary that is lost comes back from there.
    node.ok("rm /opt/k8s/bin/dockerd && echo more >>/opt/k8s/bin/runc");
    let repaired = node.report(&["docker"]);
    repaired.must_be("changed", 0);
    assert!(repaired.changes().contains("file /opt/k8s/bin/dockerd"), "{repaired}");
    node.must_verify();
    node.ok("dd if=/dev/zero of=/var/cache/node-setup/x86_64/docker-20.10.24.tgz bs=4096 seek=100 count=1 conv=notrunc status=none");
    node.ok("rm /opt/k8s/bin/dockerd");
    let lost = node.report(&["docker"]);
    assert_eq!(lost.code, 3, "{lost}");
    assert!(lost.error().contains("/opt/k8s/bin/dockerd") && lost.error().contains(CACHED), "{lost}");
}

#[test]
fn a_mirror_with_other_bytes_is_named_and_passed_over() {
    let node = Node::worker(Suite::Bookworm);
    let sha256 = digest(&node, "/root/docker-20.10.24.tgz");
    node.ok("mkdir -p /srv/good/x86_64 /srv/bad/x86_64 && mv /root/docker-20.10.24.tgz /srv/good/x86_64 && \
             tar -xzf /srv/good/x86_64/docker-20.10.24.tgz -C /srv && echo more >>/srv/docker/runc && \
             tar -cf - -C /srv docker | gzip -1 >/srv/bad/x86_64/docker-20.10.24.tgz && rm -r /srv/docker");
    serve(&node, "/srv/good", 8080);
    serve(&node, "/srv/bad", 8081);
    // The name is one that only the node knows.
    node.ok("echo 127.0.0.1 mirror.test >>/etc/hosts");
    node.write(
        "/etc/node-setup/config.toml",
        "[fetch]\nofficial = false\nmirrors = [\"http://127.0.0.1:8081\", \"http://no.such.host.test\", \
         \"http://mirror.test:8080/{arch}/{name}\"]\n",
    );
    let before = node.own_snapshot();
    let unknown = node.report(&["docker", "--docker-version", "20.10.24"]);
    assert_eq!(unknown.code, 3, "{unknown}");
    assert!(unknown.error().contains("no sha256 of docker 20.10.24 is known"), "{unknown}");
    node.must_be_untouched_since(&before);
    let run = node.report(&["docker", "--docker-version", "20.10.24", "--sha256", &sha256]);
    run.must_be("changed", 0);
    for reason in
        ["http://127.0.0.1:8081/x86_64/docker-20.10.24.tgz: has the sha256", "its host is not known"]
    {
        assert!(run.notes(reason), "{reason}: {run}");
    }
    node.ok(
        "tar -xzf /srv/good/x86_64/docker-20.10.24.tgz -C /tmp && cmp /tmp/docker/runc /opt/k8s/bin/runc",
    );
    assert!(!node.exists("/var/lib/node-setup/store/staged"), "what the bad one had is gone");
    node.must_verify();
}

/// How many bytes the contents take that displaced ones left.
fn kept(node: &Node) -> usize {
    node.ok("find /var/lib/node-setup/store/kept -size +1000k | wc -l").trim().parse().expect("a number")
}

fn upgrade(node: &Node, suite: Suite) -> Report {
    node.bring_archive(suite);
    let run = node.install(suite);
    run.must_be("changed", 0);
    node.ok(&format!("rm {}", Node::archive(suite)));
    run
}

#[test]
fn the_newest_sets_are_kept_and_members_go_with_theirs() {
    let node = Node::worker(Suite::Forky);
    node.write("/etc/node-setup/config.toml", "docker.keep = 1\n");
    upgrade(&node, Suite::Bookworm);
    assert!(node.exists("/opt/k8s/bin/containerd-shim"), "the old one has it");
    upgrade(&node, Suite::Trixie);
    let one_set = kept(&node);
    let run = upgrade(&node, Suite::Forky);
    assert!(run.changes().contains("file /opt/k8s/bin/containerd-shim"), "{run}");
    assert!(!node.exists("/opt/k8s/bin/containerd-shim"), "the new one does not");
    assert_eq!(kept(&node), one_set, "one former set, not two");
    node.must_verify();

    node.report(&["docker", "rollback"]).must_be("changed", 0);
    assert_eq!(version(&node), "26.1.5");
    assert!(node.exists("/opt/k8s/bin/containerd-shim"));
    let before = node.own_snapshot();
    let refused = node.report(&["docker", "rollback"]);
    assert_eq!(refused.code, 3, "{refused}");
    assert!(refused.error().contains("docker 20.10.24's again"), "{refused}");
    node.must_be_untouched_since(&before);
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    assert!(!node.exists("/opt/k8s/bin"), "and all of it can be taken away");
}

/// An archive may be long in coming, and others go on meanwhile.
#[test]
fn what_others_write_into_daemon_json_while_an_archive_is_read_stays() {
    let node = Node::worker(Suite::Bookworm);
    node.write("/etc/docker/daemon.json", "{}\n");
    let wait = "strace -qq -o /dev/null -e trace=write -e inject=write:delay_enter=5s:when=200";
    let archive = Node::archive(Suite::Bookworm);
    let run = node.spawn(&format!("exec {wait} node-setup docker --archive {archive} --output json"));
    let minute = Duration::from_mins(1);
    let staged = "test -n \"$(find / -xdev -path '*store/staged/*' -size +8M)\"";
    node.wait_for("a part is unpacked", minute, || node.sh(staged).success());
    node.write("/etc/docker/daemon.json", "{\"debug\": true}\n");
    Report::of(&["docker"], run.wait(minute).expect("it goes on")).must_be("changed", 0);
    let daemon = node.read("/etc/docker/daemon.json");
    assert!(daemon.contains("\"debug\": true") && daemon.contains("live-restore"), "{daemon}");
}
