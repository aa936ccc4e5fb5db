//! Pods of one node reach pods of another, and go on doing so whatever happens to docker, the nodes and flannel.
#![allow(missing_docs, reason = "a test's name says it")]

use std::time::Duration;

use node_tests::{Node, Pair, Suite};

const GUARD: &str = "node-setup-guard.service";

#[test]
fn pods_reach_pods_on_20_10() {
    pods_reach_pods(Suite::Bookworm, Suite::Bookworm);
}

#[test]
fn pods_reach_pods_on_26() {
    pods_reach_pods(Suite::Trixie, Suite::Trixie);
}

#[test]
fn pods_reach_pods_on_28() {
    pods_reach_pods(Suite::Forky, Suite::Forky);
}

#[test]
fn pods_reach_pods_between_20_10_and_28() {
    pods_reach_pods(Suite::Bookworm, Suite::Forky);
}

#[test]
fn pods_reach_pods_between_28_and_26() {
    pods_reach_pods(Suite::Forky, Suite::Trixie);
}

fn pods_reach_pods(first: Suite, second: Suite) {
    let mut pair = Pair::of(first, second);
    pair.must_reach("the install");
    for node in &pair.nodes {
        node.watch_policy();
    }
    docker_starts_again(&pair);
    nodes_start_again(&pair);
    for node in &pair.nodes {
        assert_eq!(node.drops(), 0, "{}: FORWARD was DROP meanwhile", node.name());
        node.must_verify();
    }
    somebody_drops(&pair);
    the_lease_changes(&mut pair);
    the_bridge_is_elsewhere(&mut pair);
}

fn docker_starts_again(pair: &Pair) {
    for node in &pair.nodes {
        guarded(node, "systemctl restart docker");
    }
    pair.must_reach("a restart of docker");
    for node in &pair.nodes {
        guarded(node, "kill -KILL $(systemctl show --value -p MainPID docker)");
    }
    pair.must_reach("dockerd was killed");
    for node in &pair.nodes {
        // systemd lets a unit start five times in ten seconds, unless told otherwise.
        node.ok(&format!("for start in 1 2 3 4 5 6 7; do systemctl restart {GUARD} || exit; done"));
    }
}

/// Waits until the guard has done its work after a start of docker.
fn guarded(node: &Node, how: &str) {
    let before = node.unit(GUARD, "InvocationID");
    node.ok(how);
    node.wait_for("the guard's next run", Duration::from_mins(1), || {
        node.unit(GUARD, "ActiveState") == "active" && node.unit(GUARD, "InvocationID") != before
    });
}

fn nodes_start_again(pair: &Pair) {
    for node in &pair.nodes {
        node.reboot();
    }
    pair.connect_again();
    pair.must_reach("both nodes were rebooted");
    pair.nodes[0].power_cut();
    pair.connect_again();
    pair.must_reach("a power cut of one node");
}

fn somebody_drops(pair: &Pair) {
    for node in &pair.nodes {
        node.ok("iptables-legacy -P FORWARD DROP; iptables-nft -P FORWARD DROP; iptables -F DOCKER-USER");
        node.wait_for("both are seen by the watch", Duration::from_secs(10), || node.drops() >= 2);
        node.report(&["docker"]).must_be("changed", 0);
        node.must_verify();
    }
    pair.must_reach("a run that put policy and rule right");
    for node in &pair.nodes {
        node.ok("iptables -F && iptables -t nat -F");
        let found = node.report(&["docker", "verify"]);
        assert!(found.failing().contains("docker-rules"), "{found}");
        node.report(&["docker"]).must_be("changed", 0);
        node.must_verify();
    }
    pair.must_reach("a run that put docker's own rules right");
}

/// The second node gets another lease under its pod. docker0 stays until it is told to go.
fn the_lease_changes(pair: &mut Pair) {
    let [one, two] = &pair.nodes;
    two.flannel_leases((2, 3), (1, 1));
    one.flannel_leases((1, 1), (2, 3));
    two.wait_for("it is noticed", Duration::from_secs(20), || {
        two.ok("journalctl -o cat -t node-setup").contains("docker0 stays 172.30.16.1/21")
    });
    let found = two.report(&["docker", "verify"]);
    assert!(found.code == 5 && found.failing().contains("flannel-subnet"), "{found}");
    assert_eq!(found.check("flannel-subnet", "remedy"), "node-setup docker repair");
    let refused = two.report(&["docker", "repair"]);
    refused.must_be("refused", 3);
    assert_eq!(refused.refusals(), ["containers"]);
    assert!(refused.error().contains("pod"), "{refused}");
    assert_eq!(two.bridge(), "172.30.16.1/21");

    let run = two.report(&["docker", "repair", "--force"]);
    run.must_be("changed", 0);
    run.must_change(&["bridge docker0"]);
    assert_eq!(two.bridge(), "172.30.24.1/21");
    two.report(&["docker", "repair"]).must_be("unchanged", 0);
    two.must_verify();
    pair.pods[1] = two.pod_address();
    pair.must_reach("a changed lease, and a repair");
}

/// Somebody gave docker0 another address.
fn the_bridge_is_elsewhere(pair: &mut Pair) {
    let one = &pair.nodes[0];
    one.ok("ip addr flush dev docker0 && ip addr add 172.31.0.1/21 dev docker0");
    let found = one.report(&["docker", "verify"]);
    assert!(found.failing().contains("flannel-subnet"), "{found}");
    one.report(&["docker", "repair"]).must_be("refused", 3);
    one.report(&["docker", "repair", "--force"]).must_be("changed", 0);
    one.must_verify();
    pair.pods[0] = one.pod_address();
    pair.must_reach("docker0 was elsewhere, and a repair");
}

/// Firewalls come back in many ways. `verify` names each, the next run puts it right, and what is masked stays masked.
#[test]
fn firewalls_that_come_back() {
    let (one, two) = (Node::builder(Suite::Trixie).name("w1"), Node::builder(Suite::Forky).name("w2"));
    let pair = Pair::with([one, two.packages(&["firewalld", "ufw"])], [Suite::Trixie, Suite::Forky]);
    pair.must_reach("the install on a node with firewalls");
    let node = &pair.nodes[1];
    let persistent = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/iptables-restore /etc/iptables/rules.v4\n\
                      [Install]\nWantedBy=multi-user.target\n";
    node.write("/lib/systemd/system/iptables.service", persistent);
    node.write("/lib/systemd/system/netfilter-persistent.service", persistent);
    node.ok("mkdir -p /etc/iptables && iptables-save | sed 's/^:FORWARD ACCEPT/:FORWARD DROP/' >/etc/iptables/rules.v4");
    node.ok("systemctl daemon-reload");
    for (what, script, fails, masked) in [
        (
            "firewalld was started",
            "systemctl -q unmask firewalld && systemctl start firewalld",
            "firewalls",
            "firewalld",
        ),
        (
            "firewalld was started and reloaded",
            "systemctl -q unmask firewalld && systemctl start firewalld && firewall-cmd --reload",
            "firewalls",
            "firewalld",
        ),
        (
            "firewalld makes its table while it is stopped",
            "mkdir -p /run/systemd/system/firewalld.service.d && \
             printf '[Service]\\nType=exec\\nExecStart=\\nExecStart=sleep infinity\\nExecStopPost=nft add table inet firewalld\\n' \
             >/run/systemd/system/firewalld.service.d/late.conf && \
             systemctl -q unmask firewalld && systemctl start firewalld",
            "firewalls",
            "firewalld",
        ),
        ("firewalld's table was left behind", "nft add table inet firewalld", "firewalls", "firewalld"),
        ("ufw was enabled", "systemctl -q unmask ufw && ufw --force enable", "forward-policy", "ufw"),
        (
            "netfilter-persistent restored a DROP",
            "systemctl -q unmask netfilter-persistent && systemctl start netfilter-persistent",
            "forward-policy",
            "netfilter-persistent",
        ),
        (
            "iptables-services restored it too",
            "systemctl -q unmask iptables && systemctl -q enable --now iptables",
            "forward-policy",
            "iptables",
        ),
        (
            "stale rules of docker's were restored into the other backend",
            "iptables-save | grep -E '^[*:C]|DOCKER' | iptables-legacy-restore",
            "docker-rules",
            "netfilter-persistent",
        ),
    ] {
        node.ok(script);
        let found = node.report(&["docker", "verify"]);
        assert!(found.code == 5 && found.failing().contains(fails), "{what}: {found}");
        node.report(&["docker"]).must_be("changed", 0);
        node.must_verify();
        pair.must_reach(what);
        assert_eq!(node.unit(masked, "UnitFileState"), "masked", "{what}");
    }
}

/// What docker is started from: flannel's options, those of the lease, or nothing; never half of it.
#[test]
fn docker_starts_from_what_flannel_has_left() {
    let node = Node::builder(Suite::Trixie).worker();
    let limit = "[network]\nflannel-timeout = \"2s\"\n";
    node.write("/etc/node-setup/config.toml", limit);
    node.install(Suite::Trixie).must_be("changed", 0);
    let arguments = "tr '\\0' ' ' </proc/$(systemctl show --value -p MainPID docker)/cmdline";
    let options = node.ok(arguments);

    node.ok("mv /run/flannel/docker /root/kept && systemctl restart docker");
    assert_eq!(node.ok(arguments), options, "the options are not derived from subnet.env");
    node.report(&["docker"]).must_be("unchanged", 0);
    node.must_verify();

    for (what, spoil) in [
        ("half of it", "head -c 40 /root/kept >/run/flannel/docker"),
        (
            "somebody else's",
            "echo 'DOCKER_NETWORK_OPTIONS=\"--bip=10.0.0.1/8 -H tcp://0.0.0.0\"' >/run/flannel/docker",
        ),
        ("another lease's", "sed s/172.30.8/172.30.88/ /root/kept >/run/flannel/docker"),
    ] {
        node.ok("systemctl stop docker");
        node.ok(spoil);
        assert!(!node.sh("systemctl start docker").success(), "docker starts from {what}");
        let log = node.ok("journalctl -o cat -u docker -n 20 --no-pager");
        assert!(log.contains("/run/flannel/docker") && log.contains("flanneld"), "{what}: {log}");
        let run = node.report(&["docker"]);
        run.must_be("refused", 3);
        assert_eq!(run.refusals(), ["flannel-options"], "{what}");
        node.ok("systemctl stop docker; systemctl reset-failed docker; rm /run/flannel/docker");
    }

    node.write("/etc/node-setup/config.toml", &format!("{limit}flannel = \"required\"\n"));
    node.report(&["docker", "--wait"]).must_be("changed", 0);
    node.ok("systemctl stop docker && mv /run/flannel /root/flannel");
    assert!(
        !node.sh("systemctl start docker").success(),
        "docker starts without a flannel that it must have"
    );
    let log = node.ok("journalctl -o cat -u docker -n 20 --no-pager");
    assert!(log.contains("flannel's lease") && log.contains("within 2 s"), "{log}");
    let run = node.report(&["docker", "--wait"]);
    assert_eq!((run.code, run.refusals()), (3, vec!["flannel-missing"]), "{run}");

    let waiting = node.spawn("systemctl stop docker; systemctl reset-failed docker; systemctl start docker");
    node.wait_for("docker waits", Duration::from_secs(10), || {
        node.sh("pgrep -f 'docker await-flannel'").success()
    });
    node.ok("mv /root/flannel /run/flannel");
    let started = waiting.wait(Duration::from_secs(30));
    assert!(started.is_ok_and(|output| output.success()), "docker does not start when flannel comes");
    assert_eq!(node.ok(arguments), options);
    node.must_verify();
}

/// A pod that reaches itself through the port that its node publishes for it: only by a port that sends back.
#[test]
fn hairpin_for_ports_there_and_ports_to_come() {
    let node = Node::installed(Suite::Trixie);
    let _pod = node.pod();
    node.write("/etc/node-setup/config.toml", "[network]\nhairpin = true\n");
    let found = node.report(&["docker", "verify"]);
    assert!(
        found.failing().contains("hairpin") && found.check("hairpin", "detail").contains("veth"),
        "{found}"
    );
    let run = node.report(&["docker"]);
    run.must_be("changed", 0);
    assert!(run.changes().iter().any(|change| change.starts_with("hairpin veth")), "{run}");
    node.must_verify();
    node.ok("/opt/k8s/bin/docker run -d --name other bb /bin/busybox sleep 1000");
    let ports = node.ok("cat /sys/class/net/docker0/brif/*/hairpin_mode");
    assert_eq!(ports, "1\n1\n", "a port does not send back");
    node.report(&["docker"]).must_be("unchanged", 0);

    node.ok("ip link set $(ls /sys/class/net/docker0/brif | head -n 1) type bridge_slave hairpin off");
    assert!(node.report(&["docker", "verify"]).failing().contains("hairpin"));
    node.report(&["docker"]).must_be("changed", 0);
    node.report(&["docker", "rollback"]).must_be("changed", 0);
    assert_eq!(node.ok("sort -u /sys/class/net/docker0/brif/*/hairpin_mode"), "0\n1\n", "as it was before");
}

/// Rules for packets that do not fit, and ranges that overlap, are named.
#[test]
fn networks_that_do_not_go_together_are_named() {
    let node = Node::installed(Suite::Bookworm);
    let _pod = node.pod();
    for (check, script, mend) in [
        ("mtu", "ip link set flannel.1 mtu 1400", "ip link set flannel.1 mtu 1450"),
        ("subnet-overlap", "ip route add 172.30.9.0/24 dev eth0", "ip route del 172.30.9.0/24 dev eth0"),
        (
            "subnet-overlap",
            "ip route add 172.30.12.0/24 dev flannel.1",
            "ip route del 172.30.12.0/24 dev flannel.1",
        ),
        (
            "subnet-overlap",
            "mkdir -p /etc/node-setup && printf '[network]\nservice-cidr = \"172.30.0.0/20\"\n' >/etc/node-setup/config.toml",
            "rm /etc/node-setup/config.toml",
        ),
        ("foreign-drops", "iptables -A FORWARD -j REJECT", "iptables -D FORWARD -j REJECT"),
        (
            "foreign-drops",
            "nft 'add table inet mine; add chain inet mine forwarded { type filter hook forward priority 10; policy drop; }'",
            "nft delete table inet mine",
        ),
        ("flannel-watch", "systemctl -q disable --now node-setup-flannel.path", "node-setup docker"),
    ] {
        node.ok(script);
        let found = node.report(&["docker", "verify"]);
        assert!(found.code == 5 && found.failing().iter().eq([&check]), "{script}: {found}");
        node.ok(mend);
        node.must_verify();
    }
}

/// From one docker to the next under packets that never cease: what is on its way, and what is new each time.
#[test]
fn an_upgrade_under_traffic() {
    let old = Suite::Bookworm;
    let builders = ["w1", "w2"].map(|name| Node::builder(Suite::Forky).name(name));
    let pair = Pair::with(builders, [old, old]);
    pair.must_reach("the install");
    let streams = [Stream::start(&pair, 0), Stream::start(&pair, 1)];
    let pods = pair.nodes.each_ref().map(Node::pod_process);
    for node in &pair.nodes {
        node.watch_policy();
    }
    for (from, to) in [(old, Suite::Trixie), (Suite::Trixie, Suite::Forky)] {
        for node in &pair.nodes {
            node.bring_archive(to);
            let said = format!(
                "docker {} is replaced by {} under 1 container: they run on",
                from.docker_version(),
                to.docker_version()
            );
            assert!(node.report(&["docker", "plan", "--archive", &Node::archive(to)]).notes(&said), "{said}");
            let run = node.install(to);
            run.must_be("changed", 0);
            assert!(run.notes(&said), "{said}: {run}");
            assert!(run.failing().is_empty(), "{run}");
        }
        pair.must_reach(&format!("the upgrade to {}", to.docker_version()));
    }
    assert_eq!(pair.nodes.each_ref().map(Node::pod_process), pods, "a container was restarted");
    for (node, stream) in pair.nodes.iter().zip(streams) {
        let Counts { sent, lost, new, refused } = stream.stop();
        println!("{}: {lost} of {sent} lost, {refused} of {new} new flows", node.name());
        assert!(sent > 100 && new > 50, "{}: too few to say anything: {sent}, {new}", node.name());
        assert_eq!(lost, 0, "{}: of {sent}", node.name());
        assert!(refused <= 3, "{}: {refused} of {new} new flows failed", node.name());
        assert_eq!(node.drops(), 0, "{}: FORWARD was DROP meanwhile", node.name());
    }
}

/// Pings from one pod to the other, from outside of docker, which is away for moments.
struct Stream<'a> {
    node: &'a Node,
}

/// How many packets of one flow were sent and lost, and how many new flows began and failed.
struct Counts {
    sent: usize,
    lost: usize,
    new: usize,
    refused: usize,
}

impl<'a> Stream<'a> {
    fn start(pair: &'a Pair, from: usize) -> Self {
        let (node, to) = (&pair.nodes[from], pair.pods[1 - from]);
        node.write(
            "/root/stream",
            &format!(
                "#!/bin/bash\nping() {{ nsenter -t $1 -n /root/im/bin/busybox ping \"${{@:2}}\"; }}\n\
                 ping $1 -i 0.1 {to} >/root/flow & echo $! >/root/flow.pid\n\
                 until test -e /root/stop; do\n\
                 if ping $1 -c 1 -W 1 {to} >/dev/null; then echo new; else echo refused; fi\n\
                 read -rt 0.05 <> <(:)\ndone >/root/new\n"
            ),
        );
        let pid = node.pod_process();
        let pid = pid.split(' ').next().unwrap_or_default();
        node.ok(&format!("chmod 755 /root/stream && systemd-run -q --unit stream /root/stream {pid}"));
        Self { node }
    }

    fn stop(self) -> Counts {
        let node = self.node;
        // Before the end of the script, with which all of its unit ends.
        node.ok("pkill -INT -f '[b]usybox ping -i' && touch /root/stop");
        node.wait_for("the stream ends", Duration::from_secs(10), || {
            node.unit("stream", "ActiveState") != "active"
        });
        let count =
            |word: &str| node.ok(&format!("grep -c '^{word}' /root/new || true")).trim().parse().unwrap_or(0);
        let summary = node.ok("grep transmitted /root/flow");
        let mut numbers = summary.split(' ').filter_map(|word| word.parse::<usize>().ok());
        let (sent, received) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        // The last one may be on its way.
        Counts { sent, lost: sent.saturating_sub(received + 1), new: count("new"), refused: count("refused") }
    }
}
