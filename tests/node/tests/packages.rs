//! What is released; and of it the Debian package: it brings what it should, keeps what was edited, and leaves a running
//! docker alone.
#![allow(missing_docs, reason = "a test's name says it")]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use node_tests::{Node, Suite, deb, release, told};

const PACKAGE: &str = "/root/target/packages/node-setup_0.1.0_amd64.deb";

/// Nodes leave documentation out unless told otherwise.
const INSTALL: &str =
    "dpkg --path-include='/usr/share/man/*' --path-include='/usr/share/doc/*' -i /root/target/packages/*.deb";

const TIMER: &str = "node-setup-verify.timer";

const CONFIG: &str = "/etc/node-setup/config.toml";

const BROUGHT: [&str; 12] = [
    "/usr/bin/node-setup",
    "/usr/share/man/man8/node-setup.8.gz",
    "/usr/share/bash-completion/completions/node-setup",
    "/usr/share/zsh/vendor-completions/_node-setup",
    "/usr/share/fish/vendor_completions.d/node-setup.fish",
    "/usr/share/node-setup/schema/report.schema.json",
    "/lib/systemd/system/node-setup-verify.service",
    "/lib/systemd/system/node-setup-verify.timer",
    "/usr/share/doc/node-setup/examples/guide.toml",
    "/usr/share/doc/node-setup/operations.md.gz",
    "/usr/share/doc/node-setup/examples/prometheus/node-setup.rules.yml",
    "/usr/share/doc/node-setup/copyright",
];

/// A container in it, so that it is seen to live on too.
fn docker(node: &Node) -> (String, String) {
    let container = node.ok("/opt/k8s/bin/docker inspect -f '{{.State.Pid}} {{.State.StartedAt}}' pod");
    (node.unit("docker.service", "MainPID"), container)
}

static DEB: LazyLock<PathBuf> = LazyLock::new(|| deb().unwrap_or_else(|error| panic!("{error:#}")));

fn bring(node: &Node) {
    node.put(&*DEB, PACKAGE);
}

#[test]
fn the_package_comes_and_goes_on_bullseye() {
    comes_and_goes(Suite::Bullseye);
}

#[test]
fn the_package_comes_and_goes_on_bookworm() {
    comes_and_goes(Suite::Bookworm);
}

#[test]
fn the_package_comes_and_goes_on_trixie() {
    comes_and_goes(Suite::Trixie);
}

#[test]
fn the_package_comes_and_goes_on_forky() {
    comes_and_goes(Suite::Forky);
}

fn comes_and_goes(suite: Suite) {
    let node = Node::boot(suite);
    node.introduce("dpkg --version");
    bring(&node);
    let before = node.own_snapshot();
    node.ok(INSTALL);
    node.ok("dpkg --verify node-setup");
    for path in BROUGHT {
        assert!(node.exists(path), "{path} is not there");
    }
    assert!(node.ok("node-setup --version").starts_with("node-setup "));
    node.ok("node-setup config check");
    assert_eq!(node.unit(TIMER, "UnitFileState"), "disabled", "nobody has turned it on");
    assert_eq!(node.unit(TIMER, "ActiveState"), "inactive");

    node.ok(told("systemctl enable --now node-setup-verify.timer"));
    node.ok(&format!("echo '# mine' >>{CONFIG}"));
    node.ok(INSTALL);
    assert!(node.read(CONFIG).ends_with("# mine\n"), "an edit stays over an upgrade");
    assert_eq!(node.unit(TIMER, "ActiveState"), "active", "an upgrade keeps it going");

    node.ok("dpkg --remove node-setup");
    assert_eq!(node.unit(TIMER, "ActiveState"), "inactive");
    for path in BROUGHT {
        assert!(!node.exists(path), "{path} is still there");
    }
    node.ok(INSTALL);
    node.ok("node-setup --version");
    assert!(node.read(CONFIG).ends_with("# mine\n"), "an edit stays over a removal");
    assert_eq!(
        node.unit(TIMER, "ActiveState"),
        "inactive",
        "what was removed is not turned on by coming back"
    );
    node.ok("dpkg --purge node-setup");
    node.must_differ_only(&before, &["file /var/lib/dpkg", "file /var/log/dpkg.log", "file /run/node-setup"]);
}

#[test]
fn a_running_docker_does_not_notice() {
    let node = Node::worker(Suite::Trixie);
    node.introduce("apt-get --version");
    bring(&node);
    node.ok(&format!("cd /root && {}", told("apt-get install ./target/packages/node-setup_0.1.0_amd64.deb")));
    node.install(Suite::Trixie).must_be("changed", 0);
    let _ = node.pod();
    let running = docker(&node);
    for step in [INSTALL, "dpkg --remove node-setup", "dpkg --purge node-setup"] {
        node.ok(step);
        assert_eq!(docker(&node), running, "after {step}");
    }
    assert!(!node.exists("/usr/bin/node-setup"), "the guard is on its own now");
    node.ok("iptables-nft -P FORWARD DROP && iptables-legacy -P FORWARD DROP && systemctl restart docker");
    node.wait_for("FORWARD is ACCEPT after a restart of docker", Duration::from_secs(30), || {
        ["iptables-nft", "iptables-legacy"].into_iter().all(|tool| node.policy(tool, "FORWARD") == "ACCEPT")
    });
    node.ok(INSTALL);
    node.install(Suite::Trixie).must_be("unchanged", 0);
}

#[test]
fn a_release_has_everything_and_its_sums() {
    let node = Node::boot(Suite::Forky);
    let made = release().unwrap_or_else(|error| panic!("{error:#}"));
    node.put_tree(made, "/root/release");
    let sums =
        node.ok("cd /root/release && sha256sum --strict --check --quiet SHA256SUMS && cut -c 67- SHA256SUMS");
    let program = sums.lines().find(|name| name.starts_with("node-setup-") && name.ends_with("-x86_64"));
    let version = program.and_then(|name| name.split('-').nth(2)).unwrap_or_default();
    let mut wanted = [
        format!("cloud-init-worker-{version}.yaml"),
        format!("node-setup-{version}-1.x86_64.rpm"),
        format!("node-setup-{version}-x86_64"),
        format!("node-setup-{version}-x86_64.cdx.json"),
        format!("node-setup-salt-{version}.tar.gz"),
        format!("node-setup_{version}_amd64.deb"),
        format!("node_setup-docker-{version}.tar.gz"),
        format!("node_setup-node_setup-{version}.tar.gz"),
    ];
    wanted.sort();
    let mut found: Vec<&str> = sums.lines().collect();
    found.sort_unstable();
    assert_eq!(found, wanted);
    let said = node.ok(&format!("/root/release/node-setup-{version}-x86_64 --version"));
    assert_eq!(said.trim(), format!("node-setup {version}"));
    let names = node.ok("jq -r '.components[].name' /root/release/*.cdx.json");
    let has = |crate_name| names.lines().any(|name| name == crate_name);
    assert!(has("zbus") && has("glibc") && !has("proptest"), "what is in the program: {names}");
}
