//! The Puppet module, by `puppet apply`.

use node_tests::{Node, Output, told};

use crate::{BROKEN, SUITE, docker, packaging, without_flannel, worker};

/// What Puppet itself leaves behind, and what it is given.
const OF_PUPPET: [&str; 7] = [
    "file /etc/puppet",
    "file /var/cache/puppet",
    "file /var/lib/puppet",
    "file /var/log/puppet",
    "file /run/",
    "file /var/lib/rpm",
    "file /root/worker.pp",
];

/// The exit codes of `--detailed-exitcodes`.
const NOTHING_TO_DO: i32 = 0;
const CHANGED: i32 = 2;

fn manifest(node: &Node, ensure: &str, downloads: u32, more: &str) {
    let archive = Node::archive(SUITE);
    node.write(
        "/root/worker.pp",
        &format!(
            "class {{ 'node_setup':\n  ensure => '{ensure}',\n  purge => true,\n  package => '',\n  settings => {{\n\
             'docker.archive' => '{archive}',\n\
             'docker.daemon' => {{ 'max-concurrent-downloads' => {downloads}, 'log-opts' => {{ 'max-size' => '10m' }}{more} }},\n\
             'network.flannel' => 'required',\n\
             'firewall.disable' => ['firewalld.service', 'ufw.service'],\n  }},\n}}\n"
        ),
    );
}

fn rehearse(node: &Node) -> Output {
    of(node, told("puppet apply --noop --show_diff worker.pp"))
}

fn apply(node: &Node) -> Output {
    of(node, told("puppet apply --show_diff worker.pp"))
}

fn of(node: &Node, command: &str) -> Output {
    node.sh(&format!("cd /root && {command} --modulepath modules --color false --detailed-exitcodes 2>&1"))
}

#[track_caller]
fn must_be(run: &Output, code: i32, words: &[&str]) {
    let said = words.iter().all(|word| run.stdout.contains(word));
    assert!(run.code == code && said, "wanted {code} and {words:?}, not {}:\n{}", run.code, run.stdout);
}

#[test]
fn puppet_changes_what_differs_and_nothing_else() {
    let node = worker();
    node.introduce("puppet --version");
    node.put_tree(packaging("puppet"), "/root/modules/node_setup");
    manifest(&node, "present", 7, "");
    let before = node.own_snapshot();
    let pending = "+  \"max-concurrent-downloads\": 7,";
    must_be(&rehearse(&node), 0, &[pending, "--- sysctl net.ipv4.ip_forward", "(noop)"]);
    node.must_differ_only(&before, &OF_PUPPET);

    must_be(&apply(&node), CHANGED, &[pending]);
    node.must_verify();
    let running = docker(&node);
    must_be(&apply(&node), NOTHING_TO_DO, &[]);
    assert!(node.report(&["docker"]).changes().is_empty(), "a run by hand has the same settings");
    assert_eq!(docker(&node), running);

    manifest(&node, "present", 8, "");
    let diff = "-  \"max-concurrent-downloads\": 7,\n+  \"max-concurrent-downloads\": 8,";
    must_be(&rehearse(&node), 0, &[diff]);
    assert_eq!(docker(&node), running);
    must_be(&apply(&node), CHANGED, &[diff]);

    manifest(&node, "present", 8, ", 'storage-driver' => 'btrfs'");
    let broken = apply(&node);
    must_be(&broken, 6, &BROKEN);
    manifest(&node, "present", 8, "");
    must_be(&apply(&node), CHANGED, &["50-puppet.toml"]);
    must_be(&apply(&node), NOTHING_TO_DO, &[]);
    node.must_verify();

    manifest(&node, "absent", 8, "");
    must_be(&rehearse(&node), 0, &["-enabled, running\n+disabled, stopped"]);
    node.must_verify();
    must_be(&apply(&node), CHANGED, &[]);
    must_be(&apply(&node), NOTHING_TO_DO, &[]);
    let kept = ["file /etc/node-setup", "unit network-online"];
    node.must_differ_only(&before, &[OF_PUPPET.as_slice(), &kept].concat());

    manifest(&node, "present", 8, "");
    without_flannel(&node);
    let refused = [
        "flannel-missing: neither /run/flannel/docker nor /run/flannel/subnet.env is there",
        "-> start flanneld first",
    ];
    must_be(&apply(&node), 4, &refused);
}
