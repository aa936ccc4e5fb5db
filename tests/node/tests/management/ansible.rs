//! The Ansible collection, by ansible-playbook as its README has it.

use node_tests::{Node, Output, told};

use crate::{SUITE, docker, packaging, worker};

const WORKERS: &str = "/root/workers.yml";

/// What Ansible itself leaves behind.
const OF_ANSIBLE: [&str; 5] = [
    "file /root/.ansible",
    "file /root/workers.yml",
    "file /var/lib/rpm",
    "file /tmp",
    "file /run/node-setup",
];

/// An answer of ansible-playbook.
struct Play(Output);

impl Play {
    /// Runs the playbook of the collection, with more arguments.
    #[track_caller]
    fn run(node: &Node, args: &str) -> Self {
        Self::of(node, told("ansible-playbook --inventory workers.yml node_setup.docker.worker"), args)
    }

    #[track_caller]
    fn rehearse(node: &Node, args: &str) -> Self {
        Self::of(
            node,
            told("ansible-playbook --inventory workers.yml node_setup.docker.worker --check --diff"),
            args,
        )
    }

    #[track_caller]
    fn of(node: &Node, command: &str, args: &str) -> Self {
        Self(node.sh(&format!("cd /root && {command} {args}")))
    }

    /// How the task that runs node-setup ended: `ok`, `changed`, `fatal`.
    fn ended(&self) -> &str {
        let after = self.0.stdout.split("worker : Run node-setup]").nth(1).unwrap_or_default();
        let ends = ["ok", "changed", "fatal", "skipping"];
        let words = after.lines().filter_map(|line| Some(line.split_once(": [localhost]")?.0));
        let found = words.into_iter().find(|word| ends.contains(word));
        found.unwrap_or("no task")
    }

    #[track_caller]
    fn must_end(&self, wanted: &str) {
        let Output { code, stdout, stderr } = &self.0;
        assert!(
            self.ended() == wanted && (*code == 0) == (wanted != "fatal"),
            "wanted {wanted}: {code}\n{stdout}\n{stderr}"
        );
    }

    #[track_caller]
    fn must_say(&self, words: &str) {
        assert!(self.0.stdout.contains(words), "it does not say {words}:\n{}", self.0.stdout);
    }
}

fn settings(node: &Node, downloads: u32) {
    let archive = Node::archive(SUITE);
    node.write(
        WORKERS,
        &format!(
            "all:
  hosts:
    localhost:
      ansible_connection: local
  vars:
    worker_package: \"\"
    worker_settings:
      docker.archive: {archive}
      docker.daemon: {{max-concurrent-downloads: {downloads}, log-opts: {{max-size: 10m}}}}
      network.flannel: required
      firewall.disable: [firewalld.service, ufw.service]
"
        ),
    );
}

fn prepared() -> Node {
    let node = worker();
    node.introduce("ansible --version");
    node.put_tree(packaging("ansible"), "/root/collection");
    node.ok("cd /root && ansible-galaxy collection build collection");
    let install = told("ansible-galaxy collection install node_setup-docker-0.1.0.tar.gz");
    node.ok(&format!("cd /root && {install}"));
    settings(&node, 7);
    node
}

#[test]
fn ansible_changes_what_differs_and_nothing_else() {
    let node = prepared();
    let before = node.own_snapshot();
    let check = Play::rehearse(&node, "");
    check.must_end("changed");
    check.must_say("+  \"max-concurrent-downloads\": 7,");
    check.must_say("--- sysctl net.ipv4.ip_forward");
    node.must_differ_only(&before, &OF_ANSIBLE);

    Play::run(&node, "").must_end("changed");
    node.must_verify();
    assert!(node.read("/etc/docker/daemon.json").contains("\"max-concurrent-downloads\": 7"));
    let running = docker(&node);
    let again = Play::run(&node, "");
    again.must_end("ok");
    again.must_say("changed=0");
    assert!(node.report(&["docker"]).changes().is_empty(), "a run by hand has the same settings");
    assert_eq!(docker(&node), running);

    settings(&node, 8);
    node.ok("sysctl -q net.ipv4.ip_forward=0");
    let check = Play::rehearse(&node, "");
    check.must_end("changed");
    check.must_say("-  \"max-concurrent-downloads\": 7,\n+  \"max-concurrent-downloads\": 8,");
    assert_eq!(node.ok("sysctl -n net.ipv4.ip_forward").trim(), "0");
    let drifted = Play::run(&node, "--diff");
    drifted.must_end("changed");
    drifted.must_say("-  \"max-concurrent-downloads\": 7,\n+  \"max-concurrent-downloads\": 8,");
    Play::run(&node, "").must_end("ok");
    node.must_verify();
}

#[test]
fn ansible_fails_with_the_error_and_its_help() {
    let node = prepared();
    node.ok("systemctl -q disable --now flanneld && rm -r /run/flannel");
    let before = node.own_snapshot();
    for args in ["--check", ""] {
        let refused = Play::run(&node, args);
        refused.must_end("fatal");
        refused.must_say("flannel-missing: neither /run/flannel/docker nor /run/flannel/subnet.env is there");
        refused.must_say("-> start flanneld first");
    }
    node.must_differ_only(&before, &[OF_ANSIBLE.as_slice(), &["file /etc/node-setup"]].concat());

    node.flanneld();
    let before = node.own_snapshot();
    Play::run(&node, "").must_end("changed");
    let working = docker(&node);
    let broken =
        Play::run(&node, "-e '{\"worker_settings\": {\"docker.daemon\": {\"storage-driver\": \"btrfs\"}}}'");
    broken.must_end("fatal");
    broken.must_say("the node is as it was before");
    broken.must_say("| failed to start daemon: error initializing graphdriver");
    assert_ne!(docker(&node), working, "docker was tried with it");
    settings(&node, 7);
    Play::run(&node, "").must_end("ok");

    let absent = "-e worker_state=absent -e worker_purge=true";
    let check = Play::rehearse(&node, absent);
    check.must_end("changed");
    check.must_say("-enabled, running\n+disabled, stopped");
    node.must_verify();
    Play::run(&node, absent).must_end("changed");
    Play::run(&node, absent).must_end("ok");
    node.must_differ_only(
        &before,
        &[OF_ANSIBLE.as_slice(), &["file /etc/node-setup", "unit network-online"]].concat(),
    );
}
