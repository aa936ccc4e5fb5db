//! What the timer tells Prometheus, as Debian's exporter serves it.
#![allow(missing_docs, reason = "a test's name says it")]

use std::collections::BTreeSet;
use std::time::Duration;

use node_tests::{Node, Suite, deb, readme, told};

const FILE: &str = "/var/lib/prometheus/node-exporter/node_setup.prom";

/// Runs the unit once, to its end.
const VERIFY: &str = "systemctl start node-setup-verify.service";

/// The samples of a text, without times, which the exporter writes in another form.
fn samples(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| line.starts_with("node_setup_"));
    lines.filter(|line| !line.contains("_seconds")).collect()
}

#[track_caller]
fn must_agree(one: &str, other: &str, why: &str) {
    let (one, other) = (samples(one), samples(other));
    let difference: Vec<_> = one.symmetric_difference(&other).collect();
    assert!(!one.is_empty() && difference.is_empty(), "{why}, but for {difference:#?}");
}

#[track_caller]
fn must_say(node: &Node, wanted: &[&str]) {
    let text = node.read(FILE);
    let said = samples(&text);
    for sample in wanted {
        assert!(said.contains(sample), "no {sample} in {text}");
    }
}

/// With the oldest systemd.
#[test]
fn the_exporter_on_bullseye() {
    the_exporter_serves_what_the_timer_writes(Suite::Bullseye);
}

/// With the newest.
#[test]
fn the_exporter_on_forky() {
    the_exporter_serves_what_the_timer_writes(Suite::Forky);
}

fn the_exporter_serves_what_the_timer_writes(suite: Suite) {
    let node = Node::builder(suite).packages(&["prometheus-node-exporter"]).worker();
    node.introduce("prometheus-node-exporter --version 2>&1");
    let package = deb().unwrap_or_else(|error| panic!("{error:#}"));
    node.put(package, "/root/node-setup.deb");
    node.ok("dpkg -i /root/node-setup.deb");

    node.ok(told("systemctl enable --now node-setup-verify.timer"));
    node.ok(VERIFY);
    must_say(&node, &["node_setup_verify_success 1", "node_setup_managed 0"]);
    assert!(!node.read(FILE).contains("node_setup_check_status"), "docker is not meant to be here");

    node.install(suite).must_be("changed", 0);
    node.ok(VERIFY);
    must_say(
        &node,
        &[
            "node_setup_managed 1",
            "node_setup_drifted_resources 0",
            &format!("node_setup_docker_installed_info{{version=\"{}\"}} 1", suite.docker_version()),
            "node_setup_last_run_outcome{outcome=\"completed\"} 1",
            "node_setup_check_status{check=\"forward-policy\",status=\"pass\"} 1",
        ],
    );
    let next = node.unit("node-setup-verify.timer", "NextElapseUSecMonotonic");
    assert!(!matches!(next.as_str(), "" | "infinity"), "the timer goes on by itself: {next}");
    let (confined, free) = (node.read(FILE), node.ok("node-setup metrics -"));
    must_agree(&confined, &free, "the unit sees what the command sees");
    let mut served = String::new();
    node.wait_for("the exporter answers", Duration::from_secs(20), || {
        served = node.sh("curl -fsS http://127.0.0.1:9100/metrics").stdout;
        !served.is_empty()
    });
    must_agree(&served, &confined, "what is served is what was written");
    assert!(served.contains("\nnode_textfile_scrape_error 0\n"), "the exporter can read it all");

    node.ok("sysctl -qw net.ipv4.ip_forward=0");
    node.ok(VERIFY);
    node.ok("sysctl -qw net.ipv4.ip_forward=1");
    must_say(
        &node,
        &["node_setup_drifted_resources 1", "node_setup_check_status{check=\"sysctl\",status=\"fail\"} 1"],
    );
    assert!(node.ok("journalctl -u node-setup-verify -o cat").contains("net.ipv4.ip_forward is 0, not 1"));

    let (drop_in, elsewhere) = (
        "/etc/systemd/system/node-setup-verify.service.d/file.conf",
        "/var/lib/node_exporter/textfile_collector",
    );
    node.write(drop_in, &readme(elsewhere));
    node.ok(&format!("mkdir -p {elsewhere} && systemctl daemon-reload && {VERIFY}"));
    assert!(node.exists(&format!("{elsewhere}/node_setup.prom")), "where the site's exporter reads");
    node.ok(&format!("rm {drop_in} && systemctl daemon-reload"));

    node.write("/etc/node-setup/config.d/broken.toml", "dokcer = 1\n");
    assert!(!node.sh(VERIFY).success(), "a node that cannot be looked at is an error");
    must_say(&node, &["node_setup_verify_success 0"]);
    node.ok("rm /etc/node-setup/config.d/broken.toml && dpkg --remove node-setup");
    assert!(!node.exists(FILE), "nobody would write it any more");
}
