//! A node that someone set up by hand from the guide: a run changes only what differs.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Node, Suite};
use serde_json::{Value, json};

const SUITE: Suite = Suite::Bookworm;

/// The guide's commands, for one node; its `sed` with another delimiter, because `DOCKER_DIR` has slashes.
const CHAPTER: &str = r#"set -eu
DOCKER_DIR=/data/k8s/docker
mkdir -p /opt/k8s/work /opt/k8s/bin
cd /opt/k8s/work
tar -xf /root/docker-20.10.24.tgz
cp docker/* /opt/k8s/bin/
chmod +x /opt/k8s/bin/*
cat > docker.service <<"UNIT"
[Unit]
Description=Docker Application Container Engine
Documentation=http://docs.docker.io

[Service]
WorkingDirectory=##DOCKER_DIR##
Environment="PATH=/opt/k8s/bin:/bin:/sbin:/usr/bin:/usr/sbin"
EnvironmentFile=-/run/flannel/docker
ExecStart=/opt/k8s/bin/dockerd $DOCKER_NETWORK_OPTIONS
ExecReload=/bin/kill -s HUP $MAINPID
Restart=on-failure
RestartSec=5
LimitNOFILE=infinity
LimitNPROC=infinity
LimitCORE=infinity
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
UNIT
sed -i -e "s,##DOCKER_DIR##,${DOCKER_DIR}," docker.service
cp docker.service /etc/systemd/system/
cat > docker-daemon.json <<JSON
{
    "registry-mirrors": ["https://hub-mirror.c.163.com", "https://docker.mirrors.ustc.edu.cn"],
    "insecure-registries": ["docker02:35000"],
    "max-concurrent-downloads": 20,
    "live-restore": true,
    "max-concurrent-uploads": 10,
    "debug": true,
    "data-root": "${DOCKER_DIR}/data",
    "exec-root": "${DOCKER_DIR}/exec",
    "log-opts": {
      "max-size": "100m",
      "max-file": "5"
    }
}
JSON
mkdir -p /etc/docker/ ${DOCKER_DIR}/data ${DOCKER_DIR}/exec
cp docker-daemon.json /etc/docker/daemon.json
iptables -F && iptables -X && iptables -F -t nat && iptables -X -t nat
iptables -P FORWARD ACCEPT
systemctl daemon-reload && systemctl -q enable docker && systemctl restart docker
sysctl -qp /etc/sysctl.d/kubernetes.conf || true
"#;

/// The guide's from another chapter, with a comment behind a value as some revisions have it. Without `fs.file-max`
/// and `fs.nr_open`: every node shares them, and every boot of another one raises them.
const SYSCTLS: &str = "net.bridge.bridge-nf-call-iptables=1
net.bridge.bridge-nf-call-ip6tables=1
net.ipv4.ip_forward=1
net.ipv4.tcp_tw_recycle=0
vm.swappiness=0 # only when the memory is full
vm.overcommit_memory=1
vm.panic_on_oom=0
fs.inotify.max_user_instances=8192
fs.inotify.max_user_watches=1048576
net.ipv6.conf.all.disable_ipv6=1
net.netfilter.nf_conntrack_max=2310720
";

const POD: &str =
    "/opt/k8s/bin/docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.State.Pid}} {{.State.Running}}' pod";

fn by_hand() -> Node {
    let node = Node::worker(SUITE);
    node.write("/etc/sysctl.d/kubernetes.conf", SYSCTLS);
    node.ok(CHAPTER);
    node.wait_for("docker answers", Duration::from_secs(30), || {
        node.sh("curl -sf --unix-socket /run/docker.sock http://docker/_ping").success()
    });
    node.ok("iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -t nat -N MINE");
    node
}

#[test]
fn only_what_differs_is_changed() {
    let node = by_hand();
    let _address = node.pod();
    let pod = node.ok(POD);
    let (files, daemon_json) = (right_files(&node), node.read("/etc/docker/daemon.json"));

    let run = node.install(SUITE);
    run.must_be("changed", 0);
    let mut changes = run.changes();
    // Modules belong to the machine, whose other nodes may have loaded them or not.
    changes.retain(|change| !change.starts_with("module "));
    let wanted = [
        "file /etc/modules-load.d/node-setup.conf",
        "file /etc/systemd/system/docker.service",
        "file /etc/systemd/system/node-setup-flannel.path",
        "file /etc/systemd/system/node-setup-flannel.service",
        "file /etc/systemd/system/node-setup-guard.service",
        "file /etc/tmpfiles.d/node-setup.conf",
        "file /opt/k8s/bin/node-setup-guard",
        "unit docker.service",
        "unit node-setup-flannel.path",
        "unit node-setup-guard.service",
    ];
    assert_eq!(changes, wanted.map(str::to_owned).into(), "{run}");
    assert!(run.failing().is_empty(), "{run}");
    let unit = |change: &&Value| change["on"] == "/etc/systemd/system/docker.service";
    let diff = run.json["changes"].as_array().into_iter().flatten().find(unit).map(|change| &change["diff"]);
    let diff = diff.and_then(Value::as_str).unwrap_or_default();
    let documentation = "-Documentation=http://docs.docker.io\n+Documentation=https://docs.docker.com\n";
    assert!(diff.contains(documentation), "the unit's diff is not whole:\n{diff}");
    assert!(run.notes("not flushed"), "nothing is said of the rules: {run}");

    assert_eq!(node.read("/etc/docker/daemon.json"), daemon_json);
    assert_eq!(right_files(&node), files, "files that are as they should be were written anew");
    node.ok("iptables -C INPUT -p tcp --dport 22 -j ACCEPT && iptables -t nat -S MINE");
    assert_eq!(node.ok(POD), pod, "the container is not the one it was");

    node.install(SUITE).must_be("unchanged", 0);
    node.must_verify();
    node.reboot();
    node.must_verify();
}

/// Inode, time and name: a file written anew has another inode.
fn right_files(node: &Node) -> String {
    node.ok(
        "cd /opt/k8s/bin && stat -c '%i %y %n' $(tar -tzf /root/docker-20.10.24.tgz | grep -v '/$' | sed 's,docker/,,') \
         /etc/docker/daemon.json /etc/sysctl.d/kubernetes.conf",
    )
}

#[test]
fn keys_of_the_user_stay_beside_ours() {
    let node = by_hand();
    node.write(
        "/etc/docker/daemon.json",
        r#"{"labels": ["rack=7"], "debug": true, "registry-mirrors": ["https://mirror.example.com"], "live-restore": false}"#,
    );
    let run = node.install(SUITE);
    run.must_be("changed", 0);
    assert!(run.changes().contains("file /etc/docker/daemon.json"), "{run}");
    let found: Value = serde_json::from_str(&node.read("/etc/docker/daemon.json")).expect("it is JSON");
    let wanted = json!({
        "labels": ["rack=7"],
        "debug": true,
        "registry-mirrors": ["https://mirror.example.com"],
        "live-restore": true,
        "max-concurrent-downloads": 20,
        "max-concurrent-uploads": 10,
        "data-root": "/data/k8s/docker/data",
        "exec-root": "/data/k8s/docker/exec",
        "log-opts": {"max-size": "100m", "max-file": "5"},
    });
    assert_eq!(found, wanted);
    assert_eq!(
        node.ok("/opt/k8s/bin/docker info -f '{{.Labels}} {{.LiveRestoreEnabled}}'"),
        "[rack=7] true\n"
    );
    node.install(SUITE).must_be("unchanged", 0);
}

/// Without an archive the binaries are somebody else's, and stay.
#[test]
fn without_an_archive_the_binaries_stay() {
    let node = by_hand();
    let files = right_files(&node);
    let run = node.report(&["docker"]);
    run.must_be("changed", 0);
    assert!(run.notes("--archive"), "nothing is said of the binaries: {run}");
    assert_eq!(right_files(&node), files);
    node.report(&["docker"]).must_be("unchanged", 0);
    node.must_verify();
}
