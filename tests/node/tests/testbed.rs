//! The testbed, tested on itself. Needs root; see the crate's documentation.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use node_tests::snapshot::Section;
use node_tests::{Machine, Node, Suite, wire};

fn boots(suite: Suite) {
    let node = Node::builder(suite).name("worker-1").boot();
    assert_eq!(node.ok("cat /etc/hostname; hostname"), "worker-1\nworker-1\n");
    assert_eq!(node.ok("systemctl --failed --no-legend --plain"), "");
    assert_eq!(node.ok("ps -o comm= -p 1").trim(), "systemd");
}

#[test]
fn bullseye_boots() {
    boots(Suite::Bullseye);
}

#[test]
fn bookworm_boots() {
    boots(Suite::Bookworm);
}

#[test]
fn trixie_boots() {
    boots(Suite::Trixie);
}

#[test]
fn forky_boots() {
    boots(Suite::Forky);
}

#[test]
fn commands_and_files() {
    let node = Node::boot(Suite::Bookworm);
    let output = node.sh("echo out; echo err >&2; exit 7");
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (7, "out\n", "err\n"));
    assert_eq!(node.sh("kill -9 $$").code, 137);
    assert_eq!(
        node.sh_env("echo $GREETING $PATH", &[("GREETING", "hi")]).stdout,
        "hi /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    );
    assert!(!node.ok("env").contains("CARGO"), "the environment of the test leaks into the node");

    // /var/run is an absolute link: followed on the host it would lead out of the node.
    node.write("/var/run/testbed/note", "hello\n");
    assert_eq!(node.read("/run/testbed/note"), "hello\n");
    assert!(!Path::new("/run/testbed/note").exists());
    node.put("/bin/busybox", "/usr/local/bin/busybox");
    assert_eq!(node.ok("busybox echo works"), "works\n");
    assert!(node.exists("/usr/local/bin/busybox") && !node.exists("/usr/local/bin/other"));
    assert!(node.root().join("usr/local/bin/busybox").is_file());
}

#[test]
fn a_command_that_hangs_is_killed() {
    let node = Node::boot(Suite::Bookworm);
    let start = Instant::now();
    let error = node
        .sh_within("echo begun; sleep 4711", Duration::from_millis(300))
        .err()
        .map(|error| format!("{error:#}"));
    assert!(start.elapsed() < Duration::from_secs(5));
    let error = error.unwrap_or_default();
    assert!(error.contains("was killed") && error.contains("begun"), "{error}");
    assert!(!node.sh("pgrep -f 'sleep 471[1]'").success(), "the command lives on");
    // A daemon that keeps its streams open does not hold its starter up.
    assert_eq!(node.ok("sleep 60 & echo left"), "left\n");

    let mut job = node.spawn("sleep 4712");
    node.wait_for("the job to run", Duration::from_secs(5), || node.sh("pgrep -f 'sleep 471[2]'").success());
    assert!(job.is_running().expect("the job can be asked"));
    job.kill();
    assert!(!node.sh("pgrep -f 'sleep 471[2]'").success(), "the job lives on");
}

#[test]
fn disk_survives_a_reboot_and_a_power_cut() {
    let node = Node::boot(Suite::Trixie);
    node.write("/data/kept", "yes");
    node.write("/run/lost", "yes");
    let identity =
        || (node.ok("cat /etc/machine-id"), node.ok("cat /proc/sys/kernel/random/boot_id"), node.leader());
    let first = identity();
    node.reboot();
    let second = identity();
    assert!(second.0 == first.0 && second.1 != first.1 && second.2 != first.2);
    assert!(node.exists("/data/kept") && !node.exists("/run/lost"));

    node.write("/run/lost", "yes");
    node.power_cut();
    assert!(identity().1 != second.1);
    assert!(node.exists("/data/kept") && !node.exists("/run/lost"));
    node.reboot();
}

#[test]
fn nodes_side_by_side_do_not_see_each_other() {
    let one = Node::boot(Suite::Bookworm);
    let other = Node::boot(Suite::Bookworm);
    assert_ne!(one.name(), other.name());
    one.ok("systemd-run --unit=mine sleep 600");
    other.ok("systemd-run --unit=mine sleep 600 && systemctl stop mine");
    assert_eq!(one.ok("systemctl is-active mine"), "active\n");
    assert_eq!(one.ok("cat /proc/self/cgroup | grep ^0"), "0::/testbed\n");
}

#[test]
fn two_nodes_with_flannel() {
    let one = Node::builder(Suite::Bookworm).name("w1").boot();
    let two = Node::builder(Suite::Trixie).name("w2").boot();
    wire(&one, &two);
    one.flannel(1, 2);
    two.flannel(2, 1);
    one.ok("busybox=/root/im/bin/busybox; $busybox ping -c 1 -W 2 10.9.0.2 && $busybox ping -c 1 -W 2 172.30.16.0");
    assert!(one.read("/run/flannel/subnet.env").contains("FLANNEL_SUBNET=172.30.8.1/21\n"));
    assert!(two.read("/run/flannel/docker").contains("DOCKER_NETWORK_OPTIONS=\" --bip=172.30.16.1/21"));

    two.power_cut();
    wire(&one, &two);
    two.flannel(2, 1);
    one.flannel(1, 2);
    two.ok("/root/im/bin/busybox ping -c 1 -W 2 172.30.8.0");
}

#[test]
fn a_lone_node_with_flannel() {
    let node = Node::boot(Suite::Bookworm);
    node.dummy_eth0();
    node.flannel(1, 2);
    assert!(node.ok("ip -o addr show flannel.1").contains("172.30.8.0/32"));
}

#[test]
fn a_snapshot_sees_changes_and_only_those() {
    let node = Node::boot(Suite::Bookworm);
    let before = node.snapshot().without(Section::MachineSysctls);
    let again = node.snapshot().without(Section::MachineSysctls);
    assert_eq!(before.diff(&again), [""; 0]);
    assert!(
        before.get(Section::Files, "/usr/bin/jq").is_some_and(|jq| jq.starts_with("file 0755 0:0 sha256:"))
    );
    assert!(!node.read("/proc/net/ip_tables_names").contains("filter"), "looking made a table");

    node.write("/etc/new", "text");
    node.ok("chmod 600 /etc/hosts; mkdir -p /run/docker && sysctl -qw net.ipv4.ip_forward=1");
    node.ok("iptables -P FORWARD DROP; iptables -A FORWARD -i a -j ACCEPT; nft add table inet own");
    node.ok(
        "systemctl mask -q cron.service; ip link add br0 type bridge; systemd-run -q --unit=job sleep 600",
    );
    let diff = node.snapshot().diff(&before).join("\n") + "\n";
    for part in [
        "file /etc/new: gone, was: file 0644 0:0 sha256:",
        "file /etc/hosts: was: ",
        "file /run/docker: gone, was: directory 0755 0:0",
        "unit file cron.service: gone, was: masked",
        "unit job.service: gone, was: active",
        "sysctl net.ipv4.ip_forward: was: 1; is: 0",
        "netfilter iptables-nft filter FORWARD: gone, was: DROP [-i a -j ACCEPT]",
        "netfilter nft inet own: gone, was: \n",
        "link br0: gone, was: bridge down mtu 1500 []",
    ] {
        assert!(diff.contains(part), "no {part:?} in:\n{diff}");
    }
}

#[test]
fn packages_can_be_added() {
    let node = Node::builder(Suite::Bookworm).packages(&["tree"]).boot();
    node.ok("tree --version");
}

/// Set in the process that is to be killed.
const ORPHANING: &str = "NODE_TESTS_ORPHANING";

/// Boots a node, says its name, and waits to be killed.
fn boot_and_wait() {
    let node = Node::builder(Suite::Bookworm).name("orphan").boot();
    println!("booted {}", node.name());
    let _ = std::io::Read::read(&mut std::io::stdin(), &mut [0]);
}

#[test]
fn a_killed_test_leaves_nothing() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    if std::env::var_os(ORPHANING).is_some() {
        return boot_and_wait();
    }
    let mut command = Command::new(std::env::current_exe().expect("a test knows its path"));
    command
        .args(["--exact", "--nocapture", "a_killed_test_leaves_nothing"])
        .env(ORPHANING, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut test = command.spawn().expect("the test runs");
    let _never_written_to = test.stdin.take();
    let lines =
        BufReader::new(test.stdout.take().expect("its output is piped")).lines().map_while(Result::ok);
    let name = lines.into_iter().find_map(|line| line.split_once("booted ").map(|(_, name)| name.to_owned()));
    let orphan = Machine::find(&name.expect("it boots")).expect("it is there");
    assert!(
        !node_tests::prune().expect("prune works").contains(&orphan.name().to_owned()),
        "its owner lives"
    );

    test.kill().expect("it can be killed");
    test.wait().expect("it ends");
    let leader = orphan.leader().expect("the node outlives the test");
    let _removed_here_or_by_a_test_that_starts_now = node_tests::prune().expect("prune works");
    assert!(Machine::find(orphan.name()).is_err() && !orphan.root().exists());
    assert!(!Path::new(&format!("/proc/{leader}/root/etc")).exists());
}

#[test]
fn a_panic_takes_the_node_away() {
    let panicked = std::panic::catch_unwind(|| {
        let node = Node::builder(Suite::Bookworm).name("panic").boot();
        let name = node.name().to_owned();
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| node.ok("false")));
        std::panic::panic_any(name);
    });
    let name = panicked.expect_err("it panics").downcast::<String>().expect("with the name");
    assert!(Machine::find(&name).is_err());
}
