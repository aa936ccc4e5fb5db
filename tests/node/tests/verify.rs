//! `verify` names what is wrong, and nothing else; the next run puts right that, and nothing else.
#![allow(missing_docs, reason = "a test's name says it")]

use std::collections::BTreeSet;
use std::time::Duration;

use node_tests::{Node, Report, Suite};

/// One thing that goes wrong on a working node.
struct Fault {
    what: &'static str,
    script: &'static str,
    /// The checks that have to fail, and no other.
    fails: &'static [&'static str],
    /// What the next run has to change, and nothing else; behind a question mark what it may change, because systemd
    /// may be there before it.
    changes: &'static [&'static str],
}

const FAULTS: &[Fault] = &[
    Fault {
        what: "FORWARD is DROP in nft",
        script: "iptables-nft -P FORWARD DROP",
        fails: &["forward-policy"],
        changes: &["policy FORWARD (IPv4, nft)"],
    },
    Fault {
        what: "FORWARD is DROP in legacy",
        script: "iptables-legacy -P FORWARD DROP",
        fails: &["forward-policy"],
        changes: &["policy FORWARD (IPv4, legacy)"],
    },
    Fault {
        what: "FORWARD is DROP for IPv6",
        script: "ip6tables-nft -P FORWARD DROP",
        fails: &["forward-policy"],
        changes: &["policy FORWARD (IPv6, nft)"],
    },
    Fault {
        what: "docker is stopped",
        script: "systemctl stop docker.socket docker 2>/dev/null; systemctl stop docker",
        fails: &["docker-service", "docker-api", "docker-version", "daemon-options", "forward-guard"],
        changes: &["unit docker.service", "?unit node-setup-guard.service"],
    },
    Fault {
        what: "docker is disabled",
        script: "systemctl -q disable docker",
        fails: &["docker-service"],
        changes: &["unit docker.service"],
    },
    Fault {
        what: "a sysctl was changed",
        script: "sysctl -qw net.ipv4.ip_forward=0",
        fails: &["sysctl"],
        changes: &["sysctl net.ipv4.ip_forward"],
    },
    Fault {
        what: "a binary was changed",
        script: "echo more >>/opt/k8s/bin/ctr",
        fails: &["binaries"],
        changes: &["file /opt/k8s/bin/ctr"],
    },
    Fault {
        what: "a binary was changed and its time put back",
        script: "touch -r /opt/k8s/bin/ctr /run/time; echo more >>/opt/k8s/bin/ctr; touch -r /run/time /opt/k8s/bin/ctr",
        fails: &["binaries"],
        changes: &["file /opt/k8s/bin/ctr"],
    },
    Fault {
        what: "a binary was changed in place, with its size and time kept",
        script: "cd /opt/k8s/bin && touch -r ctr /run/time && printf X | dd of=ctr bs=1 seek=4096 conv=notrunc \
                 status=none && touch -r /run/time ctr",
        fails: &["binaries"],
        changes: &["file /opt/k8s/bin/ctr"],
    },
    Fault {
        what: "the guard is disabled",
        script: "systemctl -q disable node-setup-guard",
        fails: &["forward-guard"],
        changes: &["unit node-setup-guard.service"],
    },
    Fault {
        what: "the guard is stopped",
        script: "systemctl stop node-setup-guard",
        fails: &["forward-guard"],
        changes: &["unit node-setup-guard.service"],
    },
    Fault {
        what: "daemon.json was edited, and docker still runs from what it was",
        script: "sed -i 's/\"max-concurrent-downloads\": 20/\"max-concurrent-downloads\": 3/' /etc/docker/daemon.json",
        fails: &["files", "docker-fresh"],
        changes: &["file /etc/docker/daemon.json"],
    },
    Fault {
        what: "daemon.json was edited and docker restarted",
        script: "sed -i 's/\"live-restore\": true/\"live-restore\": false/' /etc/docker/daemon.json; systemctl restart docker",
        fails: &["files", "daemon-options"],
        changes: &["file /etc/docker/daemon.json", "unit docker.service", "?unit node-setup-guard.service"],
    },
    Fault {
        what: "the unit was edited",
        script: "sed -i 's/^RestartSec=.*/RestartSec=50/' /etc/systemd/system/docker.service",
        fails: &["files", "docker-fresh"],
        changes: &[
            "file /etc/systemd/system/docker.service",
            "?unit docker.service",
            "?unit node-setup-guard.service",
        ],
    },
];

#[test]
fn faults_on_bookworm() {
    each_fault_is_named_and_put_right(Suite::Bookworm);
}

#[test]
fn faults_on_forky() {
    each_fault_is_named_and_put_right(Suite::Forky);
}

fn each_fault_is_named_and_put_right(suite: Suite) {
    let mut node = Node::installed(suite);
    let mut wrong = Vec::new();
    for fault in FAULTS {
        node.ok(fault.script);
        let found = node.report(&["docker", "verify"]);
        wrong.extend(complaint(
            fault,
            "verify",
            found.code == 5 && is(&found.failing(), fault.fails),
            &found,
        ));
        let run = node.install(suite);
        let changes = run.changes();
        let changes = changes.iter().map(String::as_str).collect();
        wrong.extend(complaint(fault, "the run", run.code == 0 && is_changed(&changes, fault.changes), &run));
        let after = node.report(&["docker", "verify"]);
        if after.code != 0 {
            wrong.extend(complaint(fault, "verify after the run", false, &after));
            node = Node::installed(suite);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn is(found: &BTreeSet<&str>, wanted: &[&str]) -> bool {
    *found == wanted.iter().copied().collect()
}

fn is_changed(found: &BTreeSet<&str>, wanted: &[&str]) -> bool {
    let all: BTreeSet<&str> = wanted.iter().map(|name| name.trim_start_matches('?')).collect();
    let needed: BTreeSet<&str> = wanted.iter().copied().filter(|name| !name.starts_with('?')).collect();
    found.is_subset(&all) && found.is_superset(&needed)
}

/// All faults are tried before the test ends: what goes wrong with one says little about the next.
fn complaint(fault: &Fault, step: &str, is_right: bool, report: &Report) -> Option<String> {
    let Fault { what, fails, changes, .. } = fault;
    (!is_right).then(|| {
        let (failing, changed) = (report.failing(), report.changes());
        let details: Vec<_> =
            failing.iter().map(|id| format!("{id}: {}", report.check(id, "detail"))).collect();
        format!(
            "{what}: {step} is not right, exit code {}\n  failing: {failing:?}, wanted {fails:?}\n  \
             changes: {changed:?}, wanted {changes:?}\n  {}\n  {}",
            report.code,
            details.join("\n  "),
            report.error()
        )
    })
}

/// A file that is read after ours would undo it at the next boot. It is the user's: a run refuses and names it.
#[test]
fn a_later_sysctl_file_is_named() {
    let node = Node::installed(Suite::Bookworm);
    node.write("/etc/sysctl.d/zz.conf", "# mine\nvm.swappiness = 60\n");
    let found = node.report(&["docker", "verify"]);
    assert!(found.code == 5 && is(&found.failing(), &["sysctl-override"]), "{found}");
    let detail = found.check("sysctl-override", "detail");
    assert!(detail.contains("/etc/sysctl.d/zz.conf:2") && detail.contains("vm.swappiness"), "{detail}");

    node.write("/etc/sysctl.d/zz.conf", "net.ipv4.ip_forward = 0\n");
    let found = node.report(&["docker", "verify"]);
    assert!(found.code == 5 && is(&found.failing(), &["sysctl-override"]), "{found}");
    let run = node.report(&["docker"]);
    run.must_be("refused", 3);
    assert_eq!(run.refusals(), ["sysctl-conflict"]);
    assert!(run.error().contains("/etc/sysctl.d/zz.conf:1"), "{run}");

    node.ok("rm /etc/sysctl.d/zz.conf");
    node.must_verify();
}

/// Someone gave docker0 another address. `verify` says so, and its remedy works when it is typed.
fn a_bridge_in_another_subnet_is_named(suite: Suite) {
    let node = Node::installed(suite);
    node.ok("ip addr flush dev docker0 && ip addr add 172.31.0.1/21 dev docker0");
    let found = node.report(&["docker", "verify"]);
    assert!(found.code == 5 && is(&found.failing(), &["flannel-subnet"]), "{found}");
    let detail = found.check("flannel-subnet", "detail");
    assert!(detail.contains("172.31.0.1/21") && detail.contains("172.30.8.1/21"), "{detail}");

    let remedy = found.check("flannel-subnet", "remedy");
    let (_, commands) = remedy.rsplit_once(": ").unwrap_or(("", remedy));
    let typed = node.sh(&format!("set -e; {commands}"));
    assert!(typed.success(), "the remedy {remedy:?} does not work when it is typed: {typed:?}");
    node.must_verify();
}

#[test]
fn a_bridge_in_another_subnet_on_bookworm() {
    a_bridge_in_another_subnet_is_named(Suite::Bookworm);
}

#[test]
fn a_bridge_in_another_subnet_on_forky() {
    a_bridge_in_another_subnet_is_named(Suite::Forky);
}

/// flannel got another lease while docker ran, and no container: docker follows by itself.
#[test]
fn a_new_lease_is_followed() {
    let node = Node::installed(Suite::Bookworm);
    node.ok("echo 2 >/etc/flannel-number; /usr/local/sbin/flanneld");
    node.wait_for("docker is on the new lease", Duration::from_secs(30), || {
        node.bridge() == "172.30.16.1/21"
    });
    node.wait_for("that is done", Duration::from_secs(30), || {
        node.unit("node-setup-flannel.service", "ActiveState") == "inactive"
    });
    node.must_verify();
    node.install(Suite::Bookworm).must_be("unchanged", 0);
    assert_eq!(node.unit("node-setup-flannel.service", "Result"), "success");
    assert!(!node.sh("pgrep -x node-setup-guard").success(), "a process stays behind");
}

/// Whoever follows flannel has stopped docker on the way to the new lease, and is told to end just then.
#[test]
fn docker_runs_again_when_following_is_stopped() {
    let node = Node::installed(Suite::Bookworm);
    node.write("/etc/systemd/system/docker.service.d/slow.conf", "[Service]\nExecStop=/bin/sleep 3\n");
    node.ok("systemctl daemon-reload; systemctl restart docker");
    node.ok("echo 2 >/etc/flannel-number; /usr/local/sbin/flanneld");
    node.wait_for("docker is being stopped", Duration::from_secs(30), || {
        node.unit("docker.service", "ActiveState") == "deactivating"
    });
    node.ok("systemctl stop node-setup-flannel.service");
    node.wait_for("docker runs", Duration::from_secs(30), || {
        node.unit("docker.service", "ActiveState") == "active"
    });
}

/// It is told to end while it waits for a run to be over, and docker knows nothing of it.
#[test]
fn following_that_is_stopped_while_it_waits_does_nothing() {
    let node = Node::installed(Suite::Bookworm);
    let process = node.unit("docker.service", "MainPID");
    let holder = node.spawn("exec flock /run/node-setup/lock sleep 600");
    node.wait_for("the lock is held", Duration::from_secs(30), || {
        !node.sh("flock --nonblock /run/node-setup/lock true").success()
    });
    node.ok("echo 2 >/etc/flannel-number; /usr/local/sbin/flanneld");
    node.wait_for("it waits", Duration::from_mins(1), || {
        node.sh("grep -q -- '-> FLOCK' /proc/locks").success()
    });
    node.ok("systemctl stop --no-block node-setup-flannel.service");
    node.wait_for("it was told", Duration::from_secs(30), || {
        node.unit("node-setup-flannel.service", "ActiveState") == "deactivating"
    });
    drop(holder);
    node.wait_for("it ends", Duration::from_secs(30), || {
        !matches!(
            node.unit("node-setup-flannel.service", "ActiveState").as_str(),
            "activating" | "deactivating"
        )
    });
    assert_eq!(node.unit("docker.service", "MainPID"), process);
}

/// Without the archive a binary may be out of reach; then the user has to be told what to give.
#[test]
fn a_changed_binary_without_the_archive() {
    let node = Node::installed(Suite::Bookworm);
    node.ok("rm /root/docker-*.tgz && echo more >>/opt/k8s/bin/ctr");
    let run = node.report(&["docker"]);
    if run.code == 0 {
        run.must_change(&["file /opt/k8s/bin/ctr"]);
        node.must_verify();
    } else {
        assert!(
            matches!(run.code, 1..=3) && run.error().contains("--archive"),
            "no word of --archive: {run}"
        );
    }
    node.bring_archive(Suite::Bookworm);
    assert_eq!(node.install(Suite::Bookworm).code, 0, "with the archive it can be put right");
    node.must_verify();
}
