//! One run on a bare worker leaves everything of the guide's chapter, on every suite; and it stays.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::Duration;

use node_tests::{Node, Suite};
use serde_json::{Value, json};

/// flannel's lease on node 1.
const LEASE: &str = "172.30.8.1/21";
const GUARD: &str = "node-setup-guard.service";
const POLICIES: [&str; 4] = ["iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy"];

#[test]
fn bullseye() {
    a_bare_worker_becomes_a_working_one(Suite::Bullseye);
}

#[test]
fn bookworm() {
    a_bare_worker_becomes_a_working_one(Suite::Bookworm);
}

#[test]
fn trixie() {
    a_bare_worker_becomes_a_working_one(Suite::Trixie);
}

#[test]
fn forky() {
    a_bare_worker_becomes_a_working_one(Suite::Forky);
}

fn a_bare_worker_becomes_a_working_one(suite: Suite) {
    let node = Node::worker(suite);
    let run = node.install(suite);
    run.must_be("changed", 0);
    assert_eq!(run.json["changed"], json!(true), "{run}");
    assert!(run.failing().is_empty(), "a check fails right after the run: {run}");

    binaries(&node);
    unit(&node);
    daemon_json(&node, suite);
    modules_and_sysctls(&node);
    service(&node, suite);
    bridge(&node);
    forward_is_accepted(&node, "after the run");
    containers_run(&node);

    a_second_run_writes_nothing(&node, suite);
    node.must_verify();
    forward_stays_accepted(&node);
    a_reboot_changes_nothing(&node, suite);
}

fn binaries(node: &Node) {
    let members = node.ok("tar -tzf /root/docker-*.tgz | grep -v '/$' | sed 's,^docker/,,' | sort");
    let installed = node.ok("cd /opt/k8s/bin && ls | grep -v '^node-setup' | sort");
    assert_eq!(installed, members, "what is in /opt/k8s/bin is not what the archive has");
    let modes = node.ok("stat -c '%F %a %u:%g' /opt/k8s/bin /opt/k8s/bin/* | sort -u");
    assert_eq!(modes, "directory 755 0:0\nregular file 755 0:0\n");
    node.ok("tar -xzf /root/docker-*.tgz -C /tmp && cd /tmp/docker && for f in *; do cmp $f /opt/k8s/bin/$f; done");
    node.ok("rm -r /tmp/docker");
}

/// The guide's unit, line by line, and what readiness needs.
fn unit(node: &Node) {
    let text = node.read("/etc/systemd/system/docker.service");
    for line in [
        "WorkingDirectory=/data/k8s/docker",
        "Environment=\"PATH=/opt/k8s/bin:/bin:/sbin:/usr/bin:/usr/sbin\"",
        "EnvironmentFile=-/run/flannel/docker",
        "ExecStart=/opt/k8s/bin/dockerd $DOCKER_NETWORK_OPTIONS",
        "ExecReload=/bin/kill -s HUP $MAINPID",
        "Restart=on-failure",
        "RestartSec=5",
        "Delegate=yes",
        "KillMode=process",
        "WantedBy=multi-user.target",
        "Type=notify",
    ] {
        assert!(text.lines().any(|found| found == line), "docker.service has no line {line}:\n{text}");
    }
    let files: Vec<&str> = text.lines().filter(|line| line.starts_with("EnvironmentFile=")).collect();
    assert_eq!(files.last(), Some(&"EnvironmentFile=-/run/flannel/docker"), "flannel's is not the last file");
    assert_eq!(node.ok("stat -c '%a %u:%g' /etc/systemd/system/docker.service"), "644 0:0\n");
    assert_eq!(node.unit("docker", "NeedDaemonReload"), "no");
}

fn daemon_json(node: &Node, suite: Suite) {
    let found: Value = serde_json::from_str(&node.read("/etc/docker/daemon.json")).expect("it is JSON");
    let mut wanted = json!({
        "live-restore": true,
        "max-concurrent-downloads": 20,
        "max-concurrent-uploads": 10,
        "data-root": "/data/k8s/docker/data",
        "exec-root": "/data/k8s/docker/exec",
        "log-opts": {"max-size": "100m", "max-file": "5"},
    });
    if suite == Suite::Forky {
        // From 28 on docker drops what is routed straight to a container, unless it is told otherwise.
        wanted["allow-direct-routing"] = json!(true);
        wanted["ip-forward-no-drop"] = json!(true);
    }
    assert_eq!(found, wanted);
    node.ok("test -d /data/k8s/docker/data && test -d /data/k8s/docker/exec");
}

fn modules_and_sysctls(node: &Node) {
    assert!(
        node.exists("/etc/modules-load.d/node-setup.conf") && node.exists("/etc/sysctl.d/kubernetes.conf")
    );
    for (key, value) in [
        ("net.ipv4.ip_forward", "1"),
        ("net.bridge.bridge-nf-call-iptables", "1"),
        ("net.bridge.bridge-nf-call-ip6tables", "1"),
    ] {
        assert_eq!(node.ok(&format!("sysctl -n {key}")).trim(), value, "{key}");
        let kept = node.ok(&format!("grep -h '{key}' /etc/sysctl.d/kubernetes.conf"));
        assert_eq!(kept.trim(), format!("{key} = {value}"), "what the next boot sets");
    }
    for key in ["vm.swappiness", "vm.overcommit_memory", "vm.panic_on_oom", "fs.inotify.max_user_watches"] {
        node.ok(&format!("grep -q '^{key} = ' /etc/sysctl.d/kubernetes.conf"));
    }
}

fn service(node: &Node, suite: Suite) {
    assert_eq!(node.ok("systemctl is-enabled docker"), "enabled\n");
    assert_eq!(node.ok("systemctl is-active docker"), "active\n");
    assert_eq!(node.ok("curl -sS --unix-socket /run/docker.sock http://docker/_ping"), "OK");
    let version = node.ok("/opt/k8s/bin/docker version --format '{{.Server.Version}}'");
    let bare = version.trim().split(['+', '-', '~']).next();
    assert_eq!(bare, Some(suite.docker_version()), "the API says {version}");
    let program = node.ok("readlink /proc/$(systemctl show --value -p MainPID docker)/exe");
    assert_eq!(program, "/opt/k8s/bin/dockerd\n");
    assert_eq!(
        node.ok("/opt/k8s/bin/docker info -f '{{.DockerRootDir}} {{.LiveRestoreEnabled}}'"),
        "/data/k8s/docker/data true\n"
    );
    assert_eq!(node.ok("systemctl is-enabled node-setup-guard"), "enabled\n");
    assert_eq!(node.ok("systemctl is-active node-setup-guard"), "active\n");
    assert_eq!(node.ok("systemctl --failed --no-legend --plain"), "");
}

fn bridge(node: &Node) {
    let address = node.ok("ip -json address show docker0 | jq -r '.[0].addr_info[] | select(.family == \"inet\") | \"\\(.local)/\\(.prefixlen)\"'");
    assert_eq!(address.trim(), LEASE, "docker0 is not in flannel's subnet");
}

fn containers_run(node: &Node) {
    let pod = node.pod();
    assert!(pod.to_string().starts_with("172.30."), "the pod has {pod}, which is not flannel's");
    node.ok(&format!("/root/im/bin/busybox ping -c 1 -W 5 {pod}"));
}

fn forward_is_accepted(node: &Node, when: &str) {
    for tool in POLICIES {
        assert_eq!(node.policy(tool, "FORWARD"), "ACCEPT", "{tool} {when}");
    }
}

fn a_second_run_writes_nothing(node: &Node, suite: Suite) {
    node.ok("touch /run/marker && /root/im/bin/busybox usleep 20000");
    let archive = Node::archive(suite);
    for args in [vec!["docker", "--archive", &archive], vec!["docker"]] {
        let run = node.report(&args);
        run.must_be("unchanged", 0);
        assert_eq!(run.json["changed"], json!(false), "{run}");
        assert!(run.changes().is_empty(), "{run}");
    }
    let newer = "\\( -newer /run/marker -o -cnewer /run/marker \\) -print";
    let written = node.ok(&format!(
        "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log \
         -o -path /var/lib/systemd -o -path /data/k8s/docker/data -o -path /data/k8s/docker/exec \\) -prune -o {newer}; find /etc/systemd /run/systemd/system {newer}"
    ));
    assert_eq!(written, "", "a run with nothing to do has written");
}

/// The guard's promise: whatever docker or someone else made of the policy, it is right after each start of docker.
fn forward_stays_accepted(node: &Node) {
    let drop_all = POLICIES.map(|tool| format!("{tool} -P FORWARD DROP")).join(" && ");
    for (how, script) in [
        ("systemctl restart docker", "systemctl restart docker"),
        ("kill -9 of dockerd", "kill -9 $(systemctl show --value -p MainPID docker)"),
        ("stop and start", "systemctl stop docker; systemctl start docker"),
    ] {
        let (docker, guard) = (node.unit("docker", "InvocationID"), node.unit(GUARD, "InvocationID"));
        node.ok(&format!("{drop_all}; {script}"));
        node.wait_for(
            &format!("docker and the guard are started anew by {how}"),
            Duration::from_secs(30),
            || {
                ["docker", GUARD].into_iter().zip([&docker, &guard]).all(|(unit, before)| {
                    node.unit(unit, "ActiveState") == "active" && node.unit(unit, "InvocationID") != *before
                })
            },
        );
        forward_is_accepted(node, &format!("after {how}"));
    }
    assert!(
        node.ok("journalctl -o cat --no-pager -t node-setup -t node-setup-guard").contains("is ACCEPT again"),
        "the guard does not say in the journal what it corrected"
    );
    assert_eq!(node.ok("/opt/k8s/bin/docker inspect -f '{{.State.Running}}' pod"), "true\n");
}

fn a_reboot_changes_nothing(node: &Node, suite: Suite) {
    node.reboot();
    node.must_verify();
    forward_is_accepted(node, "after a reboot");
    bridge(node);
    node.wait_for("the pod runs again after the reboot", Duration::from_secs(30), || {
        node.sh("/opt/k8s/bin/docker inspect -f '{{.State.Running}}' pod").stdout == "true\n"
    });
    node.install(suite).must_be("unchanged", 0);
}

/// Two programs may be one: builds that give each its name as a copy do that.
#[test]
fn members_with_the_same_bytes() {
    let node = Node::worker(Suite::Bookworm);
    node.ok(
        "cd /root && tar -xzf docker-20.10.24.tgz && cp docker/containerd-shim-runc-v2 docker/containerd-shim && \
         tar -cf - docker | gzip -1 >docker-20.10.24.tgz && rm -r docker",
    );
    node.install(Suite::Bookworm).must_be("changed", 0);
    node.ok("cd /opt/k8s/bin && cmp containerd-shim containerd-shim-runc-v2");
    node.install(Suite::Bookworm).must_be("unchanged", 0);
}
