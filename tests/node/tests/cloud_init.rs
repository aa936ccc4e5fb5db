//! cloud-init makes a worker of a node on its first boot, with no hand on it.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::path::Path;
use std::time::Duration;

use node_tests::{Node, Repository, Suite};

const SUITE: Suite = Suite::Bookworm;
const EXAMPLE: &str = include_str!("../../../packaging/cloud-init/worker.yaml");

/// Where the `NoCloud` data source looks.
const SEED: &str = "/var/lib/cloud/seed/nocloud";

/// Holds the locks of the package manager from before cloud-init runs, until it is told to let go.
const HOLDER: &str = "import fcntl, os, time
held = [open(path, 'w') for path in ('/var/lib/dpkg/lock-frontend', '/var/lib/apt/lists/lock')]
for file in held:
    fcntl.lockf(file, fcntl.LOCK_EX)
while not os.path.exists('/run/let-go'):
    time.sleep(0.1)
";
const HOLDER_UNIT: &str = "[Unit]
Before=cloud-config.service

[Service]
ExecStart=/usr/bin/python3 /root/holder.py

[Install]
WantedBy=multi-user.target
";

/// What an image for a cloud has, and a node has not: locales, a user, ssh.
const NO_CLOUD_IMAGE: &str = "locale: false\nusers: []\nno_ssh_fingerprints: true\n";

/// The example, with what the site puts in.
fn user_data(node: &Node) -> String {
    let mut text = Node::served(EXAMPLE);
    let key = node.read("/srv/repository/node-setup.asc").replace('\n', "\n      ");
    let (before, rest) = text.split_once("-----BEGIN").expect("there is a key");
    let (_, after) = rest.split_once("PUBLIC KEY BLOCK-----\n\n").expect("the key ends");
    text = format!("{before}{}\n\n{after}", key.trim());
    let required = "network.flannel = \"required\"\n";
    assert!(text.contains(required), "the example does not wait for flannel");
    text.replace(required, &format!("{required}      docker.archive = \"{}\"\n", Node::archive(SUITE)))
}

fn once(node: &Node, property: &str) -> String {
    node.unit("node-setup-once.service", property)
}

fn restarts(node: &Node) -> u32 {
    once(node, "NRestarts").parse().unwrap_or_default()
}

#[test]
fn a_first_boot_while_the_package_manager_is_busy_and_flannel_is_late() {
    let node = Node::builder(SUITE).packages(&["cloud-init"]).boot();
    node.introduce("cloud-init --version");
    node.bring_archive(SUITE);
    node.serve(Repository::get());
    node.write("/root/holder.py", HOLDER);
    node.write("/etc/systemd/system/holder.service", HOLDER_UNIT);
    node.ok("systemctl -q enable holder");
    node.write("/etc/cloud/cloud.cfg.d/99-node.cfg", NO_CLOUD_IMAGE);
    // A run waits for flannel, and is tried again after that: here soon.
    node.write("/etc/node-setup/config.d/60-soon.toml", "network.flannel-timeout = \"2s\"\n");
    node.write(&format!("{SEED}/meta-data"), "instance-id: first\n");
    node.write(&format!("{SEED}/user-data"), &user_data(&node));
    node.ok(&format!("cloud-init schema --config-file {SEED}/user-data"));
    assert!(!Path::new(&node.root().join("var/lib/cloud/instance")).exists(), "cloud-init has run already");

    node.reboot();
    let status = node.sh("cloud-init status --wait --long").stdout;
    assert!(status.contains("status: done"), "{status}");
    let tried = Duration::from_secs(30);
    node.wait_for("it tries again while the locks are held", tried, || restarts(&node) > 0);
    assert!(!node.exists("/usr/bin/node-setup"));

    node.ok("touch /run/let-go");
    node.wait_for("it is installed", Duration::from_mins(1), || node.exists("/usr/bin/node-setup"));
    let before = restarts(&node);
    node.wait_for("it tries again without flannel", tried, || restarts(&node) > before);
    assert!(node.ok("journalctl -u node-setup-once").contains("flannel-missing"));
    assert!(!node.exists("/opt/k8s/bin/dockerd"), "docker would have another subnet");

    node.flanneld();
    node.wait_for("it is done", Duration::from_mins(1), || once(&node, "ActiveState") == "inactive");
    assert_eq!(once(&node, "Result"), "success");
    assert_eq!(once(&node, "UnitFileState"), "disabled");
    node.must_verify();

    let boots = node.ok("journalctl -u node-setup-once | wc -l");
    node.reboot();
    node.must_verify();
    assert_eq!(node.ok("journalctl -u node-setup-once | wc -l"), boots, "it runs once");
}
