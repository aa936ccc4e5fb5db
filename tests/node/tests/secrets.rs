//! environment.sh is read and never run, and what is secret stays where it was.
#![allow(missing_docs, reason = "a test's name says it")]

use std::time::Duration;

use node_tests::{Node, Suite};

const TOKEN: &str = "41f7e4ba8b7be874fcff18bf5cf41a7c";
const KEY: &str = "c2VjcmV0LWVuY3J5cHRpb24ta2V5";
const PASSWORD: &str = "proxy-p4ssw0rd";

const ENVIRONMENT: &str = r#"#!/usr/bin/bash
export ENCRYPTION_KEY=$(touch /root/executed; head -c 32 /dev/urandom | base64)
OLD_ENCRYPTION_KEY="c2VjcmV0LWVuY3J5cHRpb24ta2V5"
export BOOTSTRAP_TOKEN="41f7e4ba8b7be874fcff18bf5cf41a7c"
export NODE_IPS=(10.9.0.1 10.9.0.2)   # the nodes
export IFACE="eth0"
export DOCKER_DIR="/data/elsewhere/docker"
export CLUSTER_CIDR="172.30.0.0/16"
export PATH=/opt/k8s/bin:$PATH
"#;

fn proxy(node: &Node) {
    node.write(
        "/etc/node-setup/config.toml",
        "[docker.daemon]\nhttp-proxy = \"http://me:proxy-p4ssw0rd@proxy.example.com:3128\"\n",
    );
}

/// Fails if a secret is in `text`.
fn must_not_tell(text: &str, what: &str) {
    for secret in [TOKEN, KEY, PASSWORD] {
        assert!(!text.contains(secret), "{what} tells {secret}:\n{text}");
    }
}

#[test]
fn secrets_stay_where_they_were() {
    let node = Node::worker(Suite::Forky);
    node.write("/opt/k8s/bin/environment.sh", ENVIRONMENT);
    proxy(&node);
    let archive = Node::archive(Suite::Forky);
    for args in [
        format!("docker plan --archive {archive}"),
        format!("docker plan -v --archive {archive} --output json"),
        "config show".to_owned(),
        "config show --output json".to_owned(),
        format!("docker -v --archive {archive}"),
        "docker -v --output json".to_owned(),
        "docker verify -v --output json".to_owned(),
        "docker status -v --output json".to_owned(),
    ] {
        let output = node.sh(&format!("node-setup {args}"));
        assert_eq!(output.code, 0, "{args}: {output:?}");
        must_not_tell(&(output.stdout + &output.stderr), &args);
    }
    // Drift shows as a diff, too.
    node.ok("sed -i 's/3128/3129/' /etc/docker/daemon.json");
    for args in ["docker plan", "docker verify", "docker --output json"] {
        let output = node.sh(&format!("node-setup {args}"));
        must_not_tell(&(output.stdout + &output.stderr), args);
    }
    nothing_tells(&node);
    assert!(!node.exists("/root/executed"), "environment.sh was run");
    assert!(node.read("/etc/docker/daemon.json").contains(PASSWORD), "dockerd needs it all the same");
    docker_lives_in_its_dir(&node);
    let show = node.report(&["config", "show"]);
    assert!(
        show.json.to_string().contains("environment.sh"),
        "where docker.dir comes from is not shown: {show}"
    );
}

/// journald, and what the product keeps for itself. Of the latter a kept daemon.json may have the password, in a file
/// that nobody else can read: without it, what was there could not be put back.
fn nothing_tells(node: &Node) {
    let journal = || node.ok("journalctl --no-pager -o verbose -t node-setup -t node-setup-guard");
    node.wait_for("journald has the run", Duration::from_secs(10), || !journal().is_empty());
    must_not_tell(&journal(), "journald");
    must_not_tell(&node.ok("cat /var/lib/node-setup/journal/*"), "the journal in /var/lib/node-setup");
    let open = node.ok("find /var/lib/node-setup -type f -size -100k -perm /077");
    let reachable =
        node.sh("setpriv --reuid=65534 --regid=65534 --clear-groups ls /var/lib/node-setup/store");
    assert!(open.is_empty() || !reachable.success(), "others may read what is kept: {open}");
    for secret in [TOKEN, KEY] {
        let found = node.sh(&format!("grep -rl {secret} /var/lib/node-setup /etc /run/node-setup"));
        assert_eq!(found.stdout, "", "{secret} was copied");
    }
}

fn docker_lives_in_its_dir(node: &Node) {
    assert_eq!(node.ok("/opt/k8s/bin/docker info -f '{{.DockerRootDir}}'"), "/data/elsewhere/docker/data\n");
    assert!(
        node.read("/etc/systemd/system/docker.service").contains("WorkingDirectory=/data/elsewhere/docker\n")
    );
    assert!(!node.exists("/data/k8s"), "the default directory is made as well");
}

#[test]
fn an_error_quotes_no_secret() {
    let node = Node::worker(Suite::Bookworm);
    for text in [
        format!("export BOOTSTRAP_TOKEN=\"{TOKEN}\nDOCKER_DIR=/data\n"),
        format!("BOOTSTRAP_TOKEN={TOKEN}\nDOCKER_DIR=$(cat {TOKEN})\n"),
        format!("BOOTSTRAP_TOKEN={TOKEN}\nDOCKER_DIR=relative/path\n"),
        format!("BOOTSTRAP_TOKEN={TOKEN}\nDOCKER_DIR=/data/$BOOTSTRAP_TOKEN/..\n"),
    ] {
        node.write("/opt/k8s/bin/environment.sh", &text);
        let run = node.report(&["docker", "plan", "--archive", &Node::archive(Suite::Bookworm)]);
        must_not_tell(&run.to_string(), &format!("the answer to {text:?}"));
        assert!(run.code == 2 && run.error().contains("environment.sh:"), "{text:?} is taken: {run}");
    }
    node.ok("rm /opt/k8s/bin/environment.sh");
    // This docker does not know the key, and the refusal does not show its value.
    proxy(&node);
    let run = node.install(Suite::Bookworm);
    run.must_be("refused", 3);
    assert!(run.error().contains("http-proxy"), "{run}");
    must_not_tell(&run.to_string(), "the refusal");
}

#[test]
fn docker_dir_of_a_named_environment() {
    let node = Node::worker(Suite::Bookworm);
    node.write("/root/environment.sh", ENVIRONMENT);
    let archive = Node::archive(Suite::Bookworm);
    node.report(&["docker", "--environment", "/root/environment.sh", "--archive", &archive])
        .must_be("changed", 0);
    docker_lives_in_its_dir(&node);
}
