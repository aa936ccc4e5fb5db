//! The archive for a ticket: nothing secret is in it, and a broken node has one too.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::{Duration, Instant};

use node_tests::{Node, Output, Suite};
use serde_json::Value;

/// Unpacks an archive into /root/unpacked, and returns its manifest.
fn unpack(node: &Node, path: &str) -> Value {
    node.ok(&format!(
        "rm -rf /root/unpacked; mkdir /root/unpacked; tar -C /root/unpacked --strip-components=1 -xzf {path}"
    ));
    serde_json::from_str(&node.read("/root/unpacked/manifest.json")).expect("the manifest is JSON")
}

/// The last line of what is printed.
fn path_in(output: &Output) -> String {
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.lines().last().unwrap_or_default().to_owned()
}

fn missing<'a>(manifest: &'a Value, name: &str) -> &'a str {
    let all = manifest["missing"].as_array().expect("a list");
    let found = all.iter().find(|lack| lack["name"] == name);
    found.and_then(|lack| lack["why"].as_str()).unwrap_or_else(|| panic!("{name} is not missing: {manifest}"))
}

/// Secrets, each in the place that its name says; none is part of another, and none is a word.
const SECRETS: [&str; 24] = [
    "41f7e4ba8b7be874fcff18bf5cf41a7c",
    "c2VjcmV0LWVuY3J5cHRpb24ta2V5",
    "in-config-0proxy",
    "in-config-1mirror",
    "in-config-2query",
    "in-config-3fragment",
    "in-daemon-4label",
    "in-dropin-5proxy",
    "in-dropin-6password",
    "in-dropin-7tail",
    "in-unit-8argument",
    "in-unit-9word",
    "in-unit-10plain",
    "in-log-11bearer",
    "in-log-12registry",
    "in-log-13url",
    "in-log-14json",
    "abcdef.0123456789abcdef",
    "in-container-15env",
    "in-container-16password",
    "in-container-17argument",
    "in-container-18label",
    "in-network-19label",
    "dXNlcjppbi1yZWdpc3RyeS0yMGF1dGg",
];

const ENVIRONMENT: &str = r#"#!/usr/bin/bash
export ENCRYPTION_KEY="c2VjcmV0LWVuY3J5cHRpb24ta2V5"
export BOOTSTRAP_TOKEN="41f7e4ba8b7be874fcff18bf5cf41a7c"
export NODE_IPS=(10.9.0.1 10.9.0.2)
export DOCKER_DIR="/data/k8s/docker"
"#;

const CONFIG: &str = r#"[docker.daemon]
debug = true
http-proxy = "http://me:in-config-0proxy@proxy.example.com:3128"
labels = ["rack=7", "api-token=in-daemon-4label"]
[fetch]
mirrors = ["https://me:in-config-1mirror@mirror.example.com/d?sig=in-config-2query"]
"#;

const FRAGMENT: &str = "[fetch]\nhttps-proxy = \"me:in-config-3fragment@proxy.example.com:3128\"\n";

const DROP_IN: &str = "[Service]\nEnvironment=\"HTTPS_PROXY=http://me:in-dropin-5proxy@proxy:3128\" A=b\n\
    Environment=\"DB_PASSWORD=in-dropin-6password in-dropin-7tail\"\n";

/// It has run, so that systemd shows its command and its environment, and the journal has what it wrote.
const FLANNELD: &str = "[Unit]\nDescription=flanneld --etcd-password in-unit-9word\n[Service]\nType=oneshot\n\
    RemainAfterExit=yes\nEnvironment=PLAIN=in-unit-10plain\n\
    ExecStart=/bin/echo started with --token=in-unit-8argument and more\n";

const LOGS: [&str; 7] = [
    "Authorization: Bearer in-log-11bearer",
    "PUT /v2 X-Registry-Auth: in-log-12registry",
    "cannot reach https://me:in-log-13url@registry.example.com/v2/",
    r#"{"identitytoken":"in-log-14json","serveraddress":"x"}"#,
    "kubeadm join with abcdef.0123456789abcdef",
    "as learnt from a file: 41f7e4ba8b7be874fcff18bf5cf41a7c",
    "as learnt from a file: dXNlcjppbi1yZWdpc3RyeS0yMGF1dGg",
];

fn plant(node: &Node) {
    node.write("/opt/k8s/bin/environment.sh", ENVIRONMENT);
    node.ok("mkdir -p /etc/node-setup/config.d /etc/systemd/system/docker.service.d /root/.docker");
    node.write("/etc/node-setup/config.toml", CONFIG);
    node.write("/etc/node-setup/config.d/50-proxy.toml", FRAGMENT);
    node.write("/etc/systemd/system/docker.service.d/proxy.conf", DROP_IN);
    node.write("/etc/systemd/system/flanneld.service", FLANNELD);
    node.write(
        "/root/.docker/config.json",
        r#"{"auths": {"registry.example.com": {"auth": "dXNlcjppbi1yZWdpc3RyeS0yMGF1dGg"}}}"#,
    );
    node.report(&["docker", "--archive", &Node::archive(Suite::Forky)]).must_be("changed", 0);
    node.ok("systemctl daemon-reload && systemctl start flanneld");
    node.write("/root/log", &(LOGS.join("\n") + "\n"));
    node.ok("systemd-run --quiet --wait --unit=kubelet.service cat /root/log");
    let _ = node.pod();
    let docker = |args: &str| node.ok(&format!("/opt/k8s/bin/docker {args}"));
    docker("network create --label x-token=in-network-19label secretive");
    docker(
        "run --detach --name secretive --env PLAIN=in-container-15env --env DB_PASSWORD=in-container-16password \
         --label annotation=in-container-18label bb /bin/busybox sleep 1000 in-container-17argument",
    );
    node.ok("iptables -A OUTPUT -m comment --comment token=in-log-14json -j ACCEPT");
}

#[test]
fn no_secret_is_in_the_archive() {
    let node = Node::worker(Suite::Forky);
    plant(&node);
    let journal = || node.ok("journalctl --no-pager --unit=kubelet.service --unit=docker.service");
    node.wait_for("journald has the logs", Duration::from_secs(10), || {
        journal().contains("in-log-14json") && journal().contains("in-container-15env")
    });
    let before = node.own_snapshot();
    let output = node.sh("cd /root && node-setup support");
    let path = path_in(&output);
    node.must_differ_only(&before, &[&format!("file {path}: new"), "file /data/k8s/docker/data/"]);
    let manifest = unpack(&node, &path);
    let failed: Vec<&Value> = manifest["missing"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|lack| lack["kind"] != "absent")
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    for secret in SECRETS {
        let found = node.sh(&format!("grep -rF -e {secret} /root/unpacked"));
        assert_eq!(found.stdout, "", "{secret} is in the archive");
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{secret}: {output:?}");
    }
    // What the secrets stood beside is there.
    for (file, words) in [
        ("logs/kubelet.txt", "cannot reach https://***@registry.example.com/v2/"),
        ("logs/docker.txt", "API listen on"),
        ("docker/daemon.json", "\"http-proxy\": \"http://***@proxy.example.com:3128\""),
        ("docker/info.json", "rack=7"),
        ("docker/containers.json", "/secretive"),
        ("docker/networks.json", "\"x-token\": \"***\""),
        ("config/config.toml", "***@mirror.example.com"),
        ("config/config.d/50-proxy.toml", "***@proxy.example.com:3128"),
        ("config/environment.json", "\"DOCKER_DIR\""),
        ("config/effective.json", "environment.sh"),
        ("units/docker.txt", "# /etc/systemd/system/docker.service.d/proxy.conf"),
        ("units/files/docker.service.d/proxy.conf", "Environment=DB_PASSWORD=***"),
        ("units/flanneld.txt", "--token=***"),
        ("units/show.txt", "DB_PASSWORD=***"),
        ("netfilter/iptables.txt", "-A FORWARD"),
        ("network/route.txt", "docker0"),
        ("runs/000001.jsonl", "\"begin\""),
        ("report/verify.json", "forward-policy"),
        ("report/history.json", "completed"),
        ("machine/facts.txt", "Facts {"),
        ("kernel/sysctl.txt", "net.ipv4.ip_forward = 1"),
    ] {
        let text = node.read(&format!("/root/unpacked/{file}"));
        assert!(text.contains(words), "{file} does not say {words}:\n{text}");
    }
    for file in ["report/verify.json", "docker/info.json", "docker/containers.json", "config/effective.json"]
    {
        let text = node.read(&format!("/root/unpacked/{file}"));
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    assert_eq!(node.ok(&format!("stat -c '%a %U %h' {path}")), "600 root 1\n");
    ways_to_say_where(&node);
}

fn ways_to_say_where(node: &Node) {
    let report = node.report(&["support", "/root/named.tar.gz"]);
    report.must_be("unchanged", 0);
    assert_eq!(report.text("/support/path"), "/root/named.tar.gz", "{report}");
    unpack(node, "/root/named.tar.gz");
    let piped = node.sh("node-setup support - >/root/piped.tar.gz");
    assert!(piped.success() && piped.stderr.contains("files collected"), "{piped:?}");
    unpack(node, "/root/piped.tar.gz");
    let json = node.sh("node-setup support - --output json 2>/root/said.json >/root/piped.tar.gz");
    assert!(json.success() && node.read("/root/said.json").starts_with('{'), "{json:?}");
    unpack(node, "/root/piped.tar.gz");
    let quiet = node.sh("cd /root && node-setup support --quiet");
    assert_eq!(quiet.stdout.lines().count(), 1, "{quiet:?}");
    let elsewhere = node.sh("cd /proc && node-setup support");
    assert!(path_in(&elsewhere).starts_with("/var/tmp/node-setup-support-"), "{elsewhere:?}");
    let link = node.sh("ln -s /root/target /root/link && node-setup support /root/link");
    assert!(link.code == 3 && !node.exists("/root/target"), "{link:?}");
    let nobody = node.sh("setpriv --reuid=65534 --regid=65534 --clear-groups node-setup support /tmp/x");
    assert!(nobody.code == 3 && !node.exists("/tmp/x"), "{nobody:?}");
}

/// Neither a configuration that can be read, nor a journal, nor docker.
#[test]
fn a_broken_node_has_an_archive_too() {
    let node = Node::worker(Suite::Bookworm);
    node.ok("mkdir -p /etc/node-setup /var/lib/node-setup/journal/000002.jsonl /etc/docker");
    node.write("/etc/node-setup/config.toml", "[docker\npassword = \"in-config-0proxy\"\n");
    node.write("/etc/docker/daemon.json", "{\"auth\": \"in-daemon-4label\",\n");
    node.write("/var/lib/node-setup/journal/000001.jsonl", "garbage with token=in-config-1mirror\n{}\n");
    node.ok("find /var/log/journal /run/log/journal -name '*.journal' -exec dd if=/dev/zero of={} bs=4k count=1 \\;");
    node.ok("mkdir -p /root/.docker && mkfifo /root/.docker/config.json");
    let began = Instant::now();
    let output = node.sh("cd /root && COLUMNS=60 node-setup support");
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    let path = path_in(&output);
    let manifest = unpack(&node, &path);
    for secret in ["in-config-0proxy", "in-daemon-4label", "in-config-1mirror"] {
        let found = node.sh(&format!("grep -rF -e {secret} /root/unpacked"));
        assert_eq!(found.stdout + &output.stdout, output.stdout, "{secret} is in the archive");
        assert!(!output.stdout.contains(secret), "{output:?}");
    }
    assert!(missing(&manifest, "docker/info.json").contains("there is no /run/docker.sock"), "{manifest}");
    for (file, words) in [
        ("config/config.toml", "[docker"),
        ("docker/daemon.json", "\"auth\": \"***\""),
        ("runs/000001.jsonl", "garbage with token=***"),
        ("runs/000002.jsonl", "it is a directory"),
        ("report/verify.json", "config.toml:"),
        ("report/history.json", "000001.jsonl"),
        ("kernel/version", "Linux"),
        ("machine/survey.txt", "Machine {"),
    ] {
        let text = node.read(&format!("/root/unpacked/{file}"));
        assert!(text.contains(words), "{file} does not say {words}:\n{text}");
    }
}

/// Its PID 1 is stopped, and nothing that asks it is answered.
#[test]
fn a_node_whose_systemd_hangs_has_an_archive_too() {
    let node = Node::installed(Suite::Bookworm);
    let leader = node.leader().to_string();
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args([name, &leader]).status();
        assert!(sent.expect("kill is there").success(), "PID 1 got no {name}");
    };
    signal("-STOP");
    let began = Instant::now();
    let output = node.sh("cd /root && node-setup support");
    signal("-CONT");
    assert!(began.elapsed() < Duration::from_secs(110), "{:?}: {output:?}", began.elapsed());
    let path = path_in(&output);
    let manifest = unpack(&node, &path);
    assert!(missing(&manifest, "report/verify.json").contains("did not end within"), "{manifest}");
    assert!(missing(&manifest, "units/show.txt").contains("did not end within"), "{manifest}");
    for file in
        ["docker/info.json", "logs/docker.txt", "netfilter/iptables.txt", "units/files/docker.service"]
    {
        assert!(!node.read(&format!("/root/unpacked/{file}")).is_empty(), "{file} is empty");
    }
}
