//! Preflight finds each thing that is really so, on a node where it was made so; says what to type; changes nothing.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::collections::BTreeSet;

use node_tests::{Node, Report, Suite};
use serde_json::Value;

const SUITE: Suite = Suite::Bookworm;

/// Something that a node may have.
#[derive(Clone, Copy)]
struct Case {
    what: &'static str,
    /// Makes it so.
    spoil: &'static str,
    /// Runs the command line that is in `$@`.
    run: &'static str,
    /// More arguments for `node-setup docker preflight`.
    args: &'static [&'static str],
    /// The ids that are not to pass, with their status.
    finds: &'static [(&'static str, &'static str)],
    /// What they have to name.
    says: &'static [&'static str],
    /// Undoes `spoil`.
    mend: &'static str,
}

/// A case in which nothing is amiss.
const GOOD: Case = Case { what: "", spoil: ":", run: "\"$@\"", args: &[], finds: &[], says: &[], mend: ":" };

const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
const HIDE_SYSTEMD: &str = "unshare -m sh -c 'mount -t tmpfs none /run/systemd && : >/run/systemd/container && \
                            exec \"$@\"' sh \"$@\"";
/// A machine of its own: its clock and its controllers are not those of somebody around it.
const NO_CONTAINER: &str = "unshare -m sh -c 'mount -t tmpfs none /run/systemd && mkdir /run/systemd/system && \
                            mount --bind /run/controllers /sys/fs/cgroup/cgroup.controllers && exec \"$@\"' sh \"$@\"";
const HIDE_DBUS: &str = "unshare -m sh -c 'mount -t tmpfs none /run/dbus && exec \"$@\"' sh \"$@\"";
const WITHOUT_OVERLAY: &str = "unshare -m sh -c 'grep -v overlay /proc/filesystems >/run/x; \
                               mount --bind /run/x /proc/filesystems; ! test -d /sys/module/overlay || \
                               mount -t tmpfs none /sys/module; exec \"$@\"' sh \"$@\"";

const MACHINE: &[Case] = &[
    Case { what: "a good node", ..GOOD },
    Case { what: "no systemd", run: HIDE_SYSTEMD, finds: &[("systemd", "fail")], says: &["PID 1"], ..GOOD },
    Case {
        what: "nothing that keeps the clock right",
        spoil: "echo cpu cpuset memory pids >/run/controllers",
        run: NO_CONTAINER,
        finds: &[("time-sync", "warn")],
        says: &["systemd-timesyncd"],
        mend: "rm /run/controllers",
        ..GOOD
    },
    Case {
        what: "something that keeps the clock right, and no limits of memory",
        spoil: "echo cpu cpuset pids >/run/controllers; cp /bin/sleep /run/chronyd; systemd-run -q --unit=other /run/chronyd 600",
        run: NO_CONTAINER,
        finds: &[("cgroup-controllers", "warn")],
        says: &["memory", "cgroup_enable=memory"],
        mend: "systemctl stop other; rm /run/controllers /run/chronyd",
        ..GOOD
    },
    Case {
        what: "another kubelet's cgroup driver",
        spoil: "mkdir -p /var/lib/kubelet; echo 'cgroupDriver: cgroupfs' >/var/lib/kubelet/config.yaml",
        finds: &[("cgroup-driver", "warn")],
        says: &["native.cgroupdriver=cgroupfs", "/var/lib/kubelet/config.yaml"],
        mend: "rm -r /var/lib/kubelet",
        ..GOOD
    },
    Case {
        what: "a docker that does not know cgroup v2",
        args: &["--docker-version", "19.03.15"],
        finds: &[("cgroup-version", "fail")],
        says: &["19.03.15"],
        ..GOOD
    },
    Case {
        what: "a kernel without veth",
        spoil: "zcat /proc/config.gz | grep -v CONFIG_VETH= | gzip >/run/config.gz; mount --bind /run/config.gz /proc/config.gz",
        finds: &[("kernel-features", "fail")],
        says: &["VETH", "/proc/config.gz"],
        mend: "umount /proc/config.gz; rm /run/config.gz",
        ..GOOD
    },
    Case {
        what: "a kernel that does not say what it was built with",
        spoil: "mount --bind /dev/null /proc/config.gz",
        finds: &[],
        mend: "umount /proc/config.gz",
        ..GOOD
    },
    Case {
        what: "no overlayfs",
        run: WITHOUT_OVERLAY,
        finds: &[("overlay", "fail")],
        says: &["vfs"],
        mend: "rm /run/x",
        ..GOOD
    },
    Case {
        what: "swap",
        spoil: "printf 'Filename Type Size Used Priority\\n/swap.img file 1 0 -2\\n' >/run/swaps; mount --bind /run/swaps /proc/swaps",
        finds: &[("swap", "warn")],
        says: &["/swap.img", "swapoff"],
        mend: "umount /proc/swaps; rm /run/swaps",
        ..GOOD
    },
    Case {
        what: "SELinux that enforces",
        spoil: "mount -t tmpfs none /sys/fs/selinux; echo 1 >/sys/fs/selinux/enforce",
        finds: &[("selinux", "warn")],
        says: &["container-selinux"],
        mend: "umount /sys/fs/selinux",
        ..GOOD
    },
    Case {
        what: "a clock far behind",
        spoil: "mkdir -p /var/lib/systemd/timesync; touch -d '3 days' /var/lib/systemd/timesync/clock",
        finds: &[("clock", "warn")],
        says: &["days behind", "/var/lib/systemd/timesync/clock"],
        mend: "rm -r /var/lib/systemd/timesync",
        ..GOOD
    },
    Case {
        what: "no name",
        spoil: "hostname >/run/name; hostname localhost",
        finds: &[("hostname", "warn")],
        says: &["hostnamectl"],
        mend: "hostname $(cat /run/name); rm /run/name",
        ..GOOD
    },
];

const STORAGE: &[Case] = &[
    Case {
        what: "binaries that could not be executed",
        spoil: "mount -t tmpfs -o size=1g,noexec none /opt",
        finds: &[("noexec", "fail")],
        says: &["mount -o remount,exec /opt"],
        mend: "umount /opt",
        ..GOOD
    },
    Case {
        what: "a read-only file system",
        spoil: "mount -t tmpfs -o size=1g,ro none /opt",
        finds: &[("read-only", "fail")],
        says: &["/opt/k8s/bin", "mount -o remount,rw /opt"],
        mend: "umount /opt",
        ..GOOD
    },
    Case {
        what: "a file system that is full",
        spoil: "mount -t tmpfs -o size=500m none /opt; head -c 300M /dev/zero >/opt/fill",
        finds: &[("space", "fail")],
        says: &["200 MiB are free for /opt/k8s/bin"],
        mend: "umount /opt",
        ..GOOD
    },
    Case {
        what: "room for the one and not for both",
        spoil: "mkdir /data && mount -t tmpfs -o size=1200m none /data && mkdir /data/bin",
        args: &["--bin-dir", "/data/bin"],
        finds: &[("data-filesystem", "warn"), ("space", "fail")],
        says: &["/data/bin and /data/k8s/docker/data, 1424 are needed"],
        mend: "umount /data && rmdir /data",
        ..GOOD
    },
    Case {
        what: "no more files",
        spoil: "mkdir /data && mount -t tmpfs -o size=2g,nr_inodes=500 none /data",
        finds: &[("data-filesystem", "warn"), ("inodes", "fail")],
        says: &["df -i /data", "tmpfs"],
        mend: "umount /data && rmdir /data",
        ..GOOD
    },
    Case {
        what: "restricted data in memory",
        spoil: "mkdir /data && mount -t tmpfs -o size=2g,nosuid,nodev none /data",
        finds: &[("data-filesystem", "warn"), ("nosuid", "warn")],
        says: &["nosuid, nodev", "remount,suid,dev,exec /data"],
        mend: "umount /data && rmdir /data",
        ..GOOD
    },
];

const ENGINES: &[Case] = &[
    Case {
        what: "a stray dockerd",
        spoil: "cp /bin/sleep /usr/local/bin/dockerd && systemd-run -q --unit=other /usr/local/bin/dockerd 600",
        finds: &[("other-docker", "fail")],
        says: &["/usr/local/bin/dockerd"],
        mend: "systemctl stop other; rm /usr/local/bin/dockerd",
        ..GOOD
    },
    Case {
        what: "a package's dockerd that does not run",
        spoil: "cp /bin/true /usr/bin/dockerd",
        finds: &[("docker-packages", "warn")],
        says: &["apt-get remove"],
        mend: "rm /usr/bin/dockerd",
        ..GOOD
    },
    Case {
        what: "podman in its place",
        spoil: "mkdir /run/podman; : >/run/podman/podman.sock; printf '#!/bin/sh\\nexec podman \"$@\"\\n' >/usr/bin/docker",
        finds: &[("podman", "warn")],
        says: &["podman.socket", "/usr/bin/docker"],
        mend: "rm -r /run/podman /usr/bin/docker",
        ..GOOD
    },
    Case {
        what: "the socket of a containerd that is gone",
        spoil: "systemd-run -q --unit=other --socket-property=ListenStream=/run/containerd/containerd.sock sleep 600; \
                systemctl -q stop other.socket other.service; test -S /run/containerd/containerd.sock",
        finds: &[("foreign-containerd", "fail")],
        says: &["rm -r /run/containerd/containerd.sock"],
        mend: "rm -r /run/containerd",
        ..GOOD
    },
    Case {
        what: "a containerd of somebody else's",
        spoil: "systemd-run -q --unit=other --socket-property=ListenStream=/run/containerd/containerd.sock sleep 600",
        finds: &[("foreign-containerd", "fail")],
        says: &["systemctl disable --now containerd", "process 1"],
        mend: "systemctl -q stop other.socket other.service; rm -rf /run/containerd",
        ..GOOD
    },
    Case {
        what: "a directory in the place of docker's socket",
        spoil: "mkdir /run/docker.sock",
        finds: &[("docker-socket", "fail")],
        says: &["a directory", "rm -r /run/docker.sock"],
        mend: "rmdir /run/docker.sock",
        ..GOOD
    },
    Case {
        what: "somebody on docker's socket",
        spoil: "systemd-run -q --unit=other --socket-property=ListenStream=/run/docker.sock sleep 600",
        finds: &[("docker-socket", "fail")],
        says: &["process 1"],
        mend: "systemctl -q stop other.socket other.service; rm -f /run/docker.sock",
        ..GOOD
    },
    Case {
        what: "members of the group docker",
        spoil: "cp -p /etc/group /run/group; echo 'docker:x:990:daemon,games' >>/etc/group",
        finds: &[("docker-group", "warn")],
        says: &["daemon, games"],
        mend: "cp -p /run/group /etc/group; rm /run/group",
        ..GOOD
    },
    Case {
        what: "a group that is not there",
        run: "NODE_SETUP_DOCKER_DAEMON='{\"group\": \"nonesuch\"}' \"$@\"",
        finds: &[("docker-group", "fail")],
        says: &["groupadd --system nonesuch"],
        ..GOOD
    },
];

const NETWORK: &[Case] = &[
    Case {
        what: "a port that is taken",
        spoil: "systemd-run -q --unit=other --socket-property=ListenStream=127.0.0.1:2376 sleep 600",
        run: "NODE_SETUP_DOCKER_DAEMON='{\"hosts\": [\"unix:///run/docker.sock\", \"tcp://127.0.0.1:2376\"]}' \"$@\"",
        finds: &[("ports", "fail")],
        says: &["2376", "ss -ltnp"],
        mend: "systemctl -q stop other.socket",
        ..GOOD
    },
    Case {
        what: "flannel's port that is taken",
        spoil: "ip route show dev flannel.1 >/run/routes; ip link set flannel.1 down; \
                systemd-run -q --unit=tunnel --socket-property=ListenDatagram=0.0.0.0:8472 sleep 600",
        finds: &[("vxlan-port", "warn")],
        says: &["UDP port 8472", "ss -lunp"],
        mend: "systemctl -q stop tunnel.socket; ip link set flannel.1 up; \
               while read -r route; do ip route replace $route dev flannel.1; done </run/routes; rm /run/routes",
        ..GOOD
    },
    Case {
        what: "no iptables",
        spoil: "mv /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /root",
        finds: &[("iptables", "fail")],
        says: &["apt-get install iptables"],
        mend: "mv /root/xtables-*-multi /usr/sbin",
        ..GOOD
    },
    Case {
        what: "INPUT that drops",
        spoil: "iptables -P INPUT DROP",
        finds: &[("input-policy", "warn")],
        says: &["IPv4 (nft)", "a first install opens it"],
        mend: "iptables -P INPUT ACCEPT",
        ..GOOD
    },
    Case {
        what: "INPUT that goes on dropping",
        spoil: "iptables -P INPUT DROP",
        run: "NODE_SETUP_FIREWALL_FLUSH=never \"$@\"",
        finds: &[("input-policy", "warn")],
        says: &["8472"],
        mend: "iptables -P INPUT ACCEPT",
        ..GOOD
    },
    Case {
        what: "names from the loopback alone",
        spoil: "echo nameserver 127.0.0.1 >/run/resolv; mount --bind /run/resolv /etc/resolv.conf",
        finds: &[("dns", "warn")],
        says: &["127.0.0.1", "8.8.8.8"],
        mend: "umount /etc/resolv.conf; rm /run/resolv",
        ..GOOD
    },
    Case {
        what: "a proxy that docker is not told of",
        run: "https_proxy=http://eve:secret@proxy.example.com:3128 \"$@\"",
        finds: &[("proxy", "warn")],
        says: &["https_proxy"],
        ..GOOD
    },
    Case {
        what: "files of sysctl.d",
        spoil: "echo net.ipv4.ip_forward=0 >/etc/sysctl.d/kubernetes.conf; echo vm.swappiness=60 >/etc/sysctl.d/zz.conf",
        finds: &[("sysctl-conflict", "fail"), ("sysctl-override", "warn")],
        says: &["/etc/sysctl.d/kubernetes.conf:1", "/etc/sysctl.d/zz.conf:1"],
        mend: "rm /etc/sysctl.d/kubernetes.conf /etc/sysctl.d/zz.conf",
        ..GOOD
    },
    Case {
        what: "flannel's file half written",
        spoil: "cp -p /run/flannel/docker /root/kept; head -c 40 /root/kept >/run/flannel/docker",
        finds: &[("flannel-options", "fail")],
        says: &["systemctl restart flanneld"],
        mend: "mv /root/kept /run/flannel/docker",
        ..GOOD
    },
    Case {
        what: "flannel required and absent",
        spoil: "mv /run/flannel /root",
        run: "NODE_SETUP_NETWORK_FLANNEL=required \"$@\"",
        finds: &[("flannel-missing", "fail")],
        says: &["/run/flannel/docker"],
        mend: "mv /root/flannel /run",
        ..GOOD
    },
    Case {
        what: "two who decide the bridge's address, and a daemon.json with another's key",
        spoil: "mkdir /etc/docker; echo '{\"bip\": \"172.18.0.1/24\", \"allow-direct-routing\": true}' >/etc/docker/daemon.json",
        finds: &[("daemon-json", "fail"), ("flannel-clash", "fail")],
        says: &["bip", "allow-direct-routing"],
        mend: "rm -r /etc/docker",
        ..GOOD
    },
    Case {
        what: "rules in both backends",
        spoil: "iptables-legacy -A INPUT -p icmp -j ACCEPT",
        finds: &[("iptables-backends", "warn")],
        says: &["1 rules for IPv4 in legacy"],
        mend: "iptables-legacy -F",
        ..GOOD
    },
];

#[test]
fn the_machine() {
    each_is_found(MACHINE);
}

#[test]
fn storage() {
    each_is_found(STORAGE);
}

#[test]
fn engines() {
    each_is_found(ENGINES);
}

#[test]
fn the_network() {
    each_is_found(NETWORK);
}

/// All cases are tried before the test ends. Nothing may be written by looking.
fn each_is_found(cases: &[Case]) {
    let node = Node::worker(SUITE);
    let before = node.own_snapshot();
    // A node shares its kernel with the machine around it, and with the kernel what that one has amiss, such as swap.
    let own = node.report(&["docker", "preflight", "--archive", &Node::archive(SUITE)]);
    own.must_be("unchanged", 0);
    let ambient: BTreeSet<&str> = amiss(&own).into_iter().map(|finding| text(finding, "id")).collect();
    let mut wrong = Vec::new();
    for case in cases {
        node.ok(case.spoil);
        node.ok("/root/im/bin/busybox usleep 20000; touch /run/marker; /root/im/bin/busybox usleep 20000");
        let archive = Node::archive(SUITE);
        let given = case.args.contains(&"--docker-version");
        let archive: &[&str] = if given { &[] } else { &["--archive", &archive] };
        let found = node.report_in(case.run, &[&["docker", "preflight"], archive, case.args].concat());
        wrong.extend(complaint(case, &ambient, &found));
        let written = node.ok(
            "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log \
             -o -path /var/lib/systemd \\) -prune -o -cnewer /run/marker -print",
        );
        if !written.is_empty() {
            wrong.push(format!("{}: looking has written\n  {}", case.what, written.trim()));
        }
        node.ok(case.mend);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    node.must_be_untouched_since(&before);
}

fn preflight(report: &Report) -> &[Value] {
    report.json["preflight"].as_array().map_or(&[], Vec::as_slice)
}

fn text<'r>(finding: &'r Value, key: &str) -> &'r str {
    finding[key].as_str().unwrap_or_default()
}

fn amiss(report: &Report) -> Vec<&Value> {
    let is_amiss = |finding: &&Value| !matches!(text(finding, "status"), "pass" | "skip");
    preflight(report).iter().filter(is_amiss).collect()
}

fn complaint(case: &Case, ambient: &BTreeSet<&str>, report: &Report) -> Option<String> {
    let Case { what, finds, says, .. } = case;
    let mut amiss = amiss(report);
    amiss.retain(|finding| {
        let id = text(finding, "id");
        !ambient.contains(id) || finds.iter().any(|(wanted, _)| *wanted == id)
    });
    let found: BTreeSet<(&str, &str)> =
        amiss.iter().map(|finding| (text(finding, "id"), text(finding, "status"))).collect();
    let told: String = amiss.iter().map(ToString::to_string).collect();
    let missing: Vec<_> = says.iter().filter(|word| !told.contains(**word)).collect();
    let (outcome, code) =
        if finds.iter().any(|(_, status)| *status == "fail") { ("refused", 3) } else { ("unchanged", 0) };
    let has_remedies = amiss.iter().all(|finding| !text(finding, "remedy").is_empty());
    let is_right =
        found == finds.iter().copied().collect() && report.text("/outcome") == outcome && report.code == code;
    (!is_right || !missing.is_empty() || !has_remedies || told.contains("secret")).then(|| {
        format!("{what}: found {found:?}, wanted {finds:?}, no word of {missing:?}\n  {told}\n  {report}")
    })
}

/// What cannot be looked at is unknown, and says why; the rest is looked at all the same.
#[test]
fn what_cannot_be_looked_at() {
    let node = Node::worker(SUITE);
    let status = |report: &Report, id: &str| {
        let found = preflight(report).iter().find(|finding| text(finding, "id") == id);
        found.map(|finding| text(finding, "status").to_owned()).unwrap_or_default()
    };
    for (run, fails) in [(HIDE_DBUS, "dbus"), (NOBODY, "root")] {
        let report = node.report_in(run, &["docker", "preflight"]);
        report.must_be("refused", 3);
        assert_eq!(status(&report, fails), "fail", "{report}");
        assert_eq!(status(&report, "swap"), "pass", "{report}");
        let unknown = preflight(&report).iter().filter(|finding| text(finding, "status") == "unknown");
        let unknown: Vec<&Value> = unknown.collect();
        assert!(
            !unknown.is_empty() && unknown.iter().all(|finding| !text(finding, "detail").is_empty()),
            "{report}"
        );
    }
}

/// What was skipped does not end a run; the report and the system's journal say so.
#[test]
fn what_is_skipped_is_told() {
    let node = Node::worker(SUITE);
    node.ok("mkdir /data && mount -t tmpfs -o size=900m none /data");
    let archive = Node::archive(SUITE);
    let run = ["docker", "--archive", &archive];
    let refused = node.report(&run);
    refused.must_be("refused", 3);
    assert_eq!(refused.refusals(), ["space"]);
    assert!(!preflight(&refused).is_empty(), "a run that is refused has looked at nothing: {refused}");

    node.ok(
        "mkdir /etc/node-setup && printf '[preflight]\\nskip = [\"space\"]\\n' >/etc/node-setup/config.toml",
    );
    node.report(&["docker", "plan", "--archive", &archive]).must_be("planned", 0);
    node.ok("rm -r /etc/node-setup");
    let done = node.report(&[run.as_slice(), &["--skip", "space", "--skip", "swap"]].concat());
    done.must_be("changed", 0);
    assert!(done.notes("space was skipped (--skip)"), "{done}");
    assert!(done.notes("data-filesystem"), "what was warned of is no note: {done}");
    let skipped =
        preflight(&done).iter().find(|finding| text(finding, "id") == "space").expect("it was looked at");
    assert_eq!((text(skipped, "status"), text(skipped, "skipped_by")), ("skip", "--skip"), "{skipped}");
    node.ok("journalctl -t node-setup --no-pager | grep -q 'space was skipped'");

    let again = node.report(&["docker", "--skip", "space"]);
    again.must_be("unchanged", 0);
    assert!(!again.notes("data-filesystem"), "a run that does nothing warns each time: {again}");
}

#[test]
fn what_cannot_be_skipped() {
    let node = Node::boot(SUITE);
    for (id, says) in [("root", "cannot be skipped"), ("selinx", "did you mean selinux?")] {
        let refused = node.report(&["docker", "preflight", "--skip", id]);
        assert_eq!(refused.code, 2, "{refused}");
        assert!(refused.error().contains(says), "{id}: no word of {says}: {refused}");
    }
}

/// Whoever is nobody may read a page; each name that a node's own reports have has one.
#[test]
fn pages() {
    let node = Node::worker(SUITE);
    let all = node.report_in(NOBODY, &["explain"]);
    assert_eq!(all.code, 0, "{all}");
    let pages = all.json["pages"].as_array().expect("a list");
    let ids: BTreeSet<&str> = pages.iter().map(|page| text(page, "id")).collect();
    let preflight_report = node.report(&["docker", "preflight"]);
    let verify = node.report(&["docker", "verify"]);
    let checks = verify.json["checks"].as_array().expect("a list").iter();
    for finding in preflight(&preflight_report).iter().chain(checks) {
        assert!(ids.contains(text(finding, "id")), "no page on {finding}");
    }
    let page = node.report(&["explain", "forward-policy"]);
    assert!(text(&page.json["pages"][0], "text").contains("**Mend.**"), "{page}");
    let unknown = node.report(&["explain", "forward-polcy"]);
    assert!(unknown.code == 2 && unknown.error().contains("did you mean forward-policy?"), "{unknown}");
    for (args, pointer) in [
        ("docker verify", "node-setup explain docker-service says more"),
        ("docker preflight", "a run would begin"),
    ] {
        let told = node.sh_env(&format!("node-setup {args}"), &[("COLUMNS", "80")]);
        assert_eq!(told.stdout.matches(pointer).count(), 1, "{told:?}");
    }
    let told = node.sh_env("node-setup docker preflight", &[("COLUMNS", "80")]);
    assert!(told.stdout.lines().count() <= 24, "more than a screen: {}", told.stdout);
}
