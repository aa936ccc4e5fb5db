//! `SELinux` labels: the policy's own tools and a distribution's whole policy, on nodes whose kernel does not enforce it.
//!
//! What is put in the kernel's place is one file, `enforce`, by which the product sees that `SELinux` is on. Labels are
//! kept by the file system as they are with it; matchpathcon(8), setfiles(8) and the file contexts are Debian's. What
//! is not tried is that a kernel denies something.
#![allow(missing_docs, reason = "a test's name says it")]

use std::collections::BTreeMap;

use node_tests::{Node, Suite, told};

const SUITE: Suite = Suite::Bookworm;
const GUARD: &str = "/opt/k8s/bin/node-setup-guard";

/// The policy, and the tools that a node with `SELinux` has.
const PACKAGES: [&str; 3] = ["policycoreutils", "selinux-policy-default", "selinux-utils"];

const CONTEXTS: &str = "/etc/selinux/default/contexts/files/file_contexts";

/// What a run puts on a node, but for links, which systemd makes and labels itself.
const OURS: &str = "/etc/docker/daemon.json /etc/systemd/system/docker.service /etc/tmpfiles.d/node-setup.conf \
                    /etc/sysctl.d/kubernetes.conf /etc/systemd/system/node-setup-guard.service \
                    /etc/modules-load.d/node-setup.conf $(find /opt/k8s) /data /data/k8s /data/k8s/docker \
                    /data/k8s/docker/data /data/k8s/docker/exec /etc/docker";

const DOCKERD: &str = "/opt/k8s/bin/dockerd";

/// A worker whose files have the labels of the policy, and where `SELinux` is on.
fn worker() -> Node {
    let node = Node::builder(SUITE).packages(&PACKAGES).worker();
    node.introduce(
        "dpkg-query -W -f '${Package} ${Version} ' policycoreutils selinux-policy-default selinux-utils",
    );
    node.ok(&format!("setfiles -F {CONTEXTS} /etc /opt /usr /root /var 2>/dev/null"));
    switch_on(&node);
    node
}

fn switch_on(node: &Node) {
    node.ok("mount -t tmpfs none /sys/fs/selinux && echo 1 >/sys/fs/selinux/enforce");
}

/// The type by which a policy knows what is at a path.
fn label(node: &Node, path: &str) -> String {
    let whole = node.ok(&format!("stat -c %C {path}"));
    whole.split(':').nth(2).unwrap_or_default().to_owned()
}

fn relabel(node: &Node, path: &str, kind: &str) {
    node.ok(&format!("chcon system_u:object_r:{kind}:s0 {path}"));
}

/// What setfiles would label otherwise of what is ours; it looks at what docker makes below, too.
fn opinion(node: &Node) -> Vec<String> {
    let ours = node.ok(&format!("for path in {OURS}; do echo $path; done"));
    let said = node.ok(&format!("for path in {OURS}; do setfiles -n -v {CONTEXTS} $path; done | sort -u"));
    let is_ours = |line: &&str| line.split(' ').nth(2).is_none_or(|path| ours.lines().any(|own| own == path));
    said.lines().filter(is_ours).map(str::to_owned).collect()
}

/// A node with a daemon.json whose label is not the policy's.
fn with_a_daemon_json() -> Node {
    let node = worker();
    node.ok("mkdir -p /etc/docker");
    node.write("/etc/docker/daemon.json", "{\"debug\": false}\n");
    relabel(&node, "/etc/docker/daemon.json", "user_home_t");
    node
}

/// All files that a run could have to do with, and their labels.
fn labels(node: &Node) -> BTreeMap<String, String> {
    let found = node.ok(
        "find /etc /opt /data -type f ! -path '/etc/selinux/*' -exec stat -c '%n %C' {} + 2>/dev/null || true",
    );
    let pair = |line: &str| line.split_once(' ').map(|(name, is)| (name.to_owned(), is.to_owned()));
    found.lines().filter_map(pair).collect()
}

#[test]
fn what_comes_into_place_has_the_policy_s_label_and_what_comes_back_its_own() {
    let node = with_a_daemon_json();
    relabel(&node, "/etc/docker", "etc_t");
    let before = labels(&node);

    let installed = node.install(SUITE);
    installed.must_be("changed", 0);
    assert_eq!(opinion(&node), [""; 0], "setfiles agrees");
    assert_eq!((label(&node, DOCKERD), label(&node, "/opt/k8s")), ("bin_t".to_owned(), "usr_t".to_owned()));
    assert_eq!(label(&node, "/etc/systemd/system/docker.service"), "systemd_unit_t");
    let change = installed.change("file /etc/docker/daemon.json");
    assert!(change.0.ends_with(" user_home_t") && change.1.ends_with(" etc_t"), "{change:?}");
    node.install(SUITE).must_be("unchanged", 0);
    node.must_verify();

    // As after `cp dockerd /tmp; mv /tmp/dockerd /opt/k8s/bin`.
    relabel(&node, DOCKERD, "user_tmp_t");
    let expected =
        format!("Would relabel {DOCKERD} from system_u:object_r:user_tmp_t:s0 to system_u:object_r:bin_t:s0");
    assert_eq!(opinion(&node), [expected]);
    let docker = node.unit("docker", "MainPID");
    let verify = node.report(&["docker", "verify"]);
    assert!(verify.code == 5 && verify.failing() == ["binaries"].into(), "{verify}");
    let detail = verify.check("binaries", "detail");
    assert!(detail.contains("user_tmp_t, not ") && detail.ends_with(" bin_t"), "{detail}");
    let planned = node.report(&["docker", "plan"]);
    planned.must_change(&[&format!("file {DOCKERD}")]);
    node.ok(told("node-setup docker plan"));
    node.install(SUITE).must_change(&[&format!("file {DOCKERD}")]);
    assert_eq!((label(&node, DOCKERD), node.unit("docker", "MainPID")), ("bin_t".to_owned(), docker));
    node.must_verify();
    let journal = node.ok("cat /var/lib/node-setup/journal/000002.jsonl");
    assert!(journal.contains("\"label\":\"system_u:object_r:user_tmp_t:s0\""), "{journal}");

    // Nor does a label make the guard's unit stale, whose input its program is.
    relabel(&node, GUARD, "user_tmp_t");
    for args in [["docker", "plan"].as_slice(), &["docker"], &["docker", "rollback"]] {
        node.report(args).must_change(&[&format!("file {GUARD}")]);
    }

    node.report(&["docker", "rollback"]).must_change(&[&format!("file {DOCKERD}")]);
    assert_eq!(label(&node, DOCKERD), "user_tmp_t", "as before the last run");

    // A label is no edit: it keeps nothing from being taken away.
    let removed = node.report(&["docker", "remove", "--purge"]);
    assert!(removed.code == 0 && !node.exists("/var/lib/node-setup"), "{removed}");
    let mut after = labels(&node);
    // docker's identity, in a directory that was there before.
    after.remove("/etc/docker/key.json");
    assert_eq!(after, before);
}

#[test]
fn a_run_that_failed_or_was_killed_brings_labels_back() {
    let node = with_a_daemon_json();
    let before = labels(&node);
    let archive = Node::archive(SUITE);
    // Before daemon.json is replaced, and after.
    for (calls, is_replaced) in [(15, false), (24, true)] {
        let kill =
            format!("strace -f -o /dev/null -e trace=rename -e inject=rename:signal=SIGKILL:when={calls}");
        assert_ne!(node.sh(&format!("{kill} node-setup docker --archive {archive}")).code, 0);
        assert_eq!(label(&node, "/etc/docker/daemon.json") == "etc_t", is_replaced, "{calls}");
        node.report(&["docker", "recover"]).must_be("changed", 0);
        assert_eq!(labels(&node), before, "{calls}");
    }
    node.write("/etc/node-setup/config.toml", "[docker.daemon]\ndns = [\"nonsense\"]\n");
    let failed = node.install(SUITE);
    failed.must_be("restored", 1);
    node.ok("rm /etc/node-setup/config.toml");
    assert_eq!(labels(&node), before);
}

/// Where binaries lie elsewhere, the site says what they are, with semanage(8): it writes this file.
#[test]
fn a_rule_of_the_site_s_is_followed() {
    let node = worker();
    node.ok("mkdir -p /etc/node-setup");
    node.write("/etc/node-setup/config.toml", "[docker]\nbin-dir = \"/srv/docker\"\n");
    node.install(SUITE).must_be("changed", 0);
    assert_eq!(label(&node, "/srv/docker/dockerd"), "var_t");
    node.write(&format!("{CONTEXTS}.local"), "/srv/docker(/.*)?    system_u:object_r:bin_t:s0\n");
    let verify = node.report(&["docker", "verify"]);
    assert!(verify.failing() == ["binaries"].into(), "{verify}");
    node.install(SUITE).must_be("changed", 0);
    assert_eq!(label(&node, "/srv/docker/dockerd"), "bin_t");
    node.must_verify();
    node.install(SUITE).must_be("unchanged", 0);
}

#[test]
fn without_its_tool_a_run_says_so_and_without_selinux_nothing_is_looked_at() {
    let node = worker();
    node.ok("mv /usr/sbin/matchpathcon /root");
    let installed = node.install(SUITE);
    installed.must_be("changed", 0);
    assert!(installed.notes("matchpathcon is not installed"), "{installed}");
    node.must_verify();
    node.ok("mv /root/matchpathcon /usr/sbin");
    node.ok("umount /sys/fs/selinux");
    relabel(&node, DOCKERD, "user_tmp_t");
    node.must_verify();
    node.install(SUITE).must_be("unchanged", 0);
    node.ok("strace -f -o /root/trace node-setup docker");
    assert_eq!(node.ok("grep -c -e xattr -e matchpathcon /root/trace || true").trim(), "0");
    switch_on(&node);
    node.install(SUITE).must_change(&[&format!("file {DOCKERD}")]);
}
