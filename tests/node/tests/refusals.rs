//! Bad input gets a clear error, the right exit code and an untouched node.
#![allow(missing_docs, reason = "a test's name says it")]

use std::time::Duration;

use node_tests::{Node, Report, Suite};

const SUITE: Suite = Suite::Bookworm;

/// Something that speaks against a run.
#[derive(Clone, Copy)]
struct Case {
    what: &'static str,
    /// Makes it so.
    spoil: &'static str,
    /// Runs the command line that is in `$@`.
    run: &'static str,
    /// More arguments for `node-setup docker`.
    args: &'static [&'static str],
    code: i32,
    /// The ids of the refusals.
    ids: &'static [&'static str],
    /// What the error has to name.
    says: &'static [&'static str],
    /// Undoes `spoil`.
    mend: &'static str,
}

/// A case with the suite's good archive that nothing speaks against.
const GOOD: Case = Case {
    what: "",
    spoil: ":",
    run: "\"$@\"",
    args: &["--archive", "/root/docker-20.10.24.tgz"],
    code: 3,
    ids: &[],
    says: &[],
    mend: ":",
};

const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
const HIDE_SYSTEMD: &str = "unshare -m sh -c 'mount -t tmpfs none /run/systemd && exec \"$@\"' sh \"$@\"";
const NOBODY_WITHOUT_SYSTEMD: &str = "unshare -m sh -c 'mount -t tmpfs none /run/systemd && exec setpriv --reuid=65534 \
                                      --regid=65534 --clear-groups \"$@\"' sh \"$@\"";
const HIDE_DBUS: &str = "unshare -m sh -c 'mount -t tmpfs none /run/dbus && exec \"$@\"' sh \"$@\"";

/// The machine around the run.
const SURROUNDINGS: &[Case] = &[
    Case {
        what: "a link to a disk that is not mounted",
        spoil: "ln -s /mnt/disk /data",
        says: &["/data", "leads nowhere"],
        mend: "rm /data",
        ..GOOD
    },
    Case { what: "not root", run: NOBODY, ids: &["root"], says: &["sudo"], ..GOOD },
    Case { what: "no systemd", run: HIDE_SYSTEMD, ids: &["systemd"], says: &["PID 1"], ..GOOD },
    Case { what: "neither", run: NOBODY_WITHOUT_SYSTEMD, ids: &["root", "systemd"], ..GOOD },
    Case { what: "no D-Bus", run: HIDE_DBUS, ids: &["dbus"], says: &["bus"], ..GOOD },
    Case {
        what: "D-Bus stopped",
        spoil: "systemctl -q stop dbus.socket dbus.service",
        ids: &["dbus"],
        says: &["bus"],
        // logind may go with the bus.
        mend: "systemctl start dbus.socket dbus.service systemd-logind.service",
        ..GOOD
    },
    Case {
        what: "no iptables",
        spoil: "mv /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /root",
        ids: &["iptables"],
        says: &["apt-get install iptables"],
        mend: "mv /root/xtables-*-multi /usr/sbin",
        ..GOOD
    },
    Case {
        what: "no space for the binaries",
        spoil: "mount -t tmpfs -o size=50m none /opt",
        ids: &["space"],
        says: &["/opt/k8s/bin", "MiB"],
        mend: "umount /opt",
        ..GOOD
    },
    Case {
        what: "binaries that could not be executed",
        spoil: "mount -t tmpfs -o size=1g,noexec none /opt",
        ids: &["noexec"],
        says: &["/opt/k8s/bin", "--bin-dir"],
        mend: "umount /opt",
        ..GOOD
    },
    Case {
        what: "a read-only file system",
        spoil: "mount -t tmpfs -o size=1g,ro none /opt",
        ids: &["read-only"],
        says: &["/opt/k8s/bin"],
        mend: "umount /opt",
        ..GOOD
    },
    Case {
        what: "another docker",
        spoil: "cp /bin/sleep /usr/local/bin/dockerd && systemd-run -q --unit=other /usr/local/bin/dockerd 600",
        ids: &["other-docker"],
        says: &["/usr/local/bin/dockerd"],
        mend: "systemctl stop other; rm /usr/local/bin/dockerd",
        ..GOOD
    },
    Case {
        what: "a containerd of someone else",
        spoil: "systemd-run -q --unit=other --socket-property=ListenStream=/run/containerd/containerd.sock sleep 600",
        ids: &["foreign-containerd"],
        says: &["/run/containerd/containerd.sock", "systemctl disable --now containerd"],
        mend: "systemctl -q stop other.socket other.service; rm -rf /run/containerd",
        ..GOOD
    },
    Case {
        what: "the socket of a containerd that is gone",
        spoil: "systemd-run -q --unit=other --socket-property=ListenStream=/run/containerd/containerd.sock sleep 600; \
                systemctl -q stop other.socket other.service; test -S /run/containerd/containerd.sock",
        ids: &["foreign-containerd"],
        says: &["rm -r /run/containerd/containerd.sock"],
        mend: "rm -r /run/containerd",
        ..GOOD
    },
    Case {
        what: "three reasons at once",
        spoil: "mount -t tmpfs -o size=50m,noexec none /opt; mkdir /etc/docker; echo '{' >/etc/docker/daemon.json; \
                echo net.ipv4.ip_forward=0 >/etc/sysctl.d/kubernetes.conf",
        ids: &["noexec", "space", "sysctl-conflict", "daemon-json"],
        says: &["4 reasons"],
        mend: "umount /opt; rm -r /etc/docker /etc/sysctl.d/kubernetes.conf",
        ..GOOD
    },
];

/// Files of the user's and of other components.
const FILES: &[Case] = &[
    Case {
        what: "a malformed configuration",
        spoil: "mkdir /etc/node-setup; printf '# mine\\n[docker\\n' >/etc/node-setup/config.toml",
        code: 2,
        says: &["/etc/node-setup/config.toml:2"],
        mend: "rm -r /etc/node-setup",
        ..GOOD
    },
    Case {
        what: "an unknown key",
        spoil: "mkdir /etc/node-setup; printf '[docker]\\n\\nbin-dri = \"/x\"\\n' >/etc/node-setup/config.toml",
        code: 2,
        says: &["/etc/node-setup/config.toml:3", "bin-dri", "bin-dir"],
        mend: "rm -r /etc/node-setup",
        ..GOOD
    },
    Case {
        what: "an unknown key in a fragment",
        spoil: "mkdir -p /etc/node-setup/config.d; echo nonsense=1 >/etc/node-setup/config.d/10.toml",
        code: 2,
        says: &["/etc/node-setup/config.d/10.toml:1", "nonsense"],
        mend: "rm -r /etc/node-setup",
        ..GOOD
    },
    Case {
        what: "a configuration that cannot be read",
        spoil: "mkdir -p /etc/node-setup/config.toml",
        code: 2,
        says: &["/etc/node-setup/config.toml"],
        mend: "rm -r /etc/node-setup",
        ..GOOD
    },
    Case {
        what: "a configuration that is not text",
        spoil: "mkdir /etc/node-setup; printf '\\377\\376' >/etc/node-setup/config.toml",
        code: 2,
        says: &["/etc/node-setup/config.toml"],
        mend: "rm -r /etc/node-setup",
        ..GOOD
    },
    Case {
        what: "no such configuration",
        args: &["--config", "/nowhere.toml"],
        code: 2,
        says: &["/nowhere.toml"],
        ..GOOD
    },
    Case {
        what: "an unknown variable",
        run: "NODE_SETUP_NONSENSE=1 \"$@\"",
        code: 2,
        says: &["NODE_SETUP_NONSENSE"],
        ..GOOD
    },
    Case {
        what: "a directory that is none",
        args: &["--bin-dir", "relative/path"],
        code: 2,
        says: &["--bin-dir", "relative/path"],
        ..GOOD
    },
    Case {
        what: "a daemon.json that is not JSON",
        spoil: "mkdir /etc/docker; printf '{\\n  \"debug\": true,\\n}\\n' >/etc/docker/daemon.json",
        ids: &["daemon-json"],
        says: &["/etc/docker/daemon.json", "line 3"],
        mend: "rm -r /etc/docker",
        ..GOOD
    },
    Case {
        what: "a daemon.json that is no object",
        spoil: "mkdir /etc/docker; echo '[]' >/etc/docker/daemon.json",
        ids: &["daemon-json"],
        says: &["/etc/docker/daemon.json", "object"],
        mend: "rm -r /etc/docker",
        ..GOOD
    },
    Case {
        what: "a key that this docker does not know",
        spoil: "mkdir /etc/node-setup; printf '[docker.daemon]\\nallow-direct-routing = true\\n' >/etc/node-setup/config.toml",
        ids: &["daemon-json"],
        says: &["allow-direct-routing", "28.2", "20.10.24"],
        mend: "rm -r /etc/node-setup",
        ..GOOD
    },
    Case {
        what: "flannel's file half written",
        spoil: "cp /run/flannel/docker /root/kept; head -c 40 /root/kept >/run/flannel/docker",
        ids: &["flannel-options"],
        says: &["/run/flannel/docker", "systemctl restart flanneld"],
        mend: "mv /root/kept /run/flannel/docker",
        ..GOOD
    },
    Case {
        what: "flannel's file empty",
        spoil: "cp /run/flannel/docker /root/kept; : >/run/flannel/docker",
        ids: &["flannel-options"],
        says: &["/run/flannel/docker"],
        mend: "mv /root/kept /run/flannel/docker",
        ..GOOD
    },
    Case {
        what: "two who decide the bridge's address",
        spoil: "mkdir /etc/docker; echo '{\"bip\": \"172.18.0.1/24\"}' >/etc/docker/daemon.json",
        ids: &["flannel-clash"],
        says: &["/etc/docker/daemon.json", "bip"],
        mend: "rm -r /etc/docker",
        ..GOOD
    },
    Case {
        what: "flannel required and absent",
        spoil: "mv /run/flannel /root",
        run: "NODE_SETUP_NETWORK_FLANNEL=required NODE_SETUP_NETWORK_FLANNEL_TIMEOUT=1s \"$@\"",
        ids: &["flannel-missing"],
        says: &["/run/flannel/docker"],
        mend: "mv /root/flannel /run",
        ..GOOD
    },
    Case {
        what: "a sysctl.d that contradicts docker",
        spoil: "printf '# mine\\nvm.swappiness=0\\nnet.ipv4.ip_forward=0\\n' >/etc/sysctl.d/kubernetes.conf",
        ids: &["sysctl-conflict"],
        says: &["/etc/sysctl.d/kubernetes.conf:3", "net.ipv4.ip_forward"],
        mend: "rm /etc/sysctl.d/kubernetes.conf",
        ..GOOD
    },
];

/// Archives. Those in /root/bad are made by [`bad_archives`].
const ARCHIVES: &[Case] = &[
    Case {
        what: "missing",
        args: &["--archive", "/root/bad/docker-20.10.24-nowhere.tgz"],
        says: &["/root/bad/docker-20.10.24-nowhere.tgz"],
        ..GOOD
    },
    Case {
        what: "truncated",
        args: &["--archive", "/root/bad/docker-27.1.1.tgz"],
        says: &["/root/bad/docker-27.1.1.tgz"],
        ..GOOD
    },
    Case { what: "corrupt", args: &["--archive", "/root/bad/docker-27.1.2.tgz"], says: &["corrupt"], ..GOOD },
    Case {
        what: "not compressed",
        args: &["--archive", "/root/bad/docker-27.1.3.tgz"],
        says: &["gzip"],
        ..GOOD
    },
    Case {
        what: "not a tar",
        args: &["--archive", "/root/bad/docker-27.1.4.tgz"],
        says: &["/root/bad/docker-27.1.4.tgz"],
        ..GOOD
    },
    Case {
        what: "empty",
        args: &["--archive", "/root/bad/docker-27.1.5.tgz"],
        says: &["/root/bad/docker-27.1.5.tgz"],
        ..GOOD
    },
    Case {
        what: "of something else",
        args: &["--archive", "/root/bad/docker-27.1.6.tgz"],
        says: &["kubernetes"],
        ..GOOD
    },
    Case { what: "leading up", args: &["--archive", "/root/bad/docker-27.1.7.tgz"], says: &[".."], ..GOOD },
    Case {
        what: "absolute",
        args: &["--archive", "/root/bad/docker-27.1.8.tgz"],
        says: &["/etc/passwd"],
        ..GOOD
    },
    Case {
        what: "with a symbolic link",
        args: &["--archive", "/root/bad/docker-27.1.9.tgz"],
        says: &["docker/ctr", "link"],
        ..GOOD
    },
    Case {
        what: "with a hard link",
        args: &["--archive", "/root/bad/docker-27.1.10.tgz"],
        says: &["link"],
        ..GOOD
    },
    Case {
        what: "with a device",
        args: &["--archive", "/root/bad/docker-27.1.11.tgz"],
        says: &["docker/ctr", "device"],
        ..GOOD
    },
    Case {
        what: "with a member twice",
        args: &["--archive", "/root/bad/docker-27.1.12.tgz"],
        says: &["docker/ctr", "twice"],
        ..GOOD
    },
    Case {
        what: "without dockerd",
        args: &["--archive", "/root/bad/docker-27.1.13.tgz"],
        says: &["dockerd"],
        ..GOOD
    },
    Case {
        what: "a directory with a bad one",
        args: &["--archive", "/root/bad"],
        ids: &["source", "source"],
        says: &["/root/bad/docker-27.1.13.tgz", "dockerd"],
        ..GOOD
    },
    Case {
        what: "a directory without one",
        args: &["--archive", "/root/im"],
        code: 2,
        says: &["/root/im"],
        ..GOOD
    },
    Case {
        what: "an archive of another sha256",
        args: &[
            "--archive",
            "/root/docker-20.10.24.tgz",
            "--sha256",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ],
        says: &["00000000", "sha256"],
        ..GOOD
    },
    Case {
        what: "no sha256",
        args: &["--archive", "/root/docker-20.10.24.tgz", "--sha256", "xyz"],
        code: 2,
        says: &["--sha256"],
        ..GOOD
    },
    Case {
        what: "an archive of another version",
        args: &["--archive", "/root/docker-20.10.24.tgz", "--docker-version", "28.5.2"],
        ids: &["archive-version"],
        says: &["28.5.2", "20.10.24"],
        ..GOOD
    },
    Case {
        what: "an archive for a later system",
        args: &["--archive", "/root/bad/docker-20.10.25.tgz"],
        ids: &["archive-binary"],
        says: &["dockerd"],
        ..GOOD
    },
];

fn bad_archives(node: &Node) {
    node.ok(
        "mkdir -p /root/bad && cd /root/bad && G=/root/docker-20.10.24.tgz
         head -c 30000000 $G >docker-27.1.1.tgz
         cp $G docker-27.1.2.tgz && printf XXXX | dd of=docker-27.1.2.tgz bs=1 seek=30000000 conv=notrunc status=none
         echo docker >docker-27.1.3.tgz
         head -c 100000 /bin/bash | gzip >docker-27.1.4.tgz
         : >docker-27.1.5.tgz
         mkdir -p docker kubernetes && for f in docker/dockerd docker/docker docker/ctr docker/runc kubernetes/kubelet; do
             printf '#!/bin/sh\nexit 1\n' >$f; chmod 755 $f; done
         tar -czf docker-27.1.6.tgz kubernetes
         tar -czPf docker-27.1.7.tgz --transform 's,docker/ctr,docker/../../etc/ctr,' docker
         tar -czPf docker-27.1.8.tgz --transform 's,docker/ctr,/etc/passwd,' docker
         mv docker/ctr ctr && ln -s /etc/passwd docker/ctr && tar -czf docker-27.1.9.tgz docker
         ln -f docker/runc docker/ctr && tar -czf docker-27.1.10.tgz docker
         rm docker/ctr && mknod docker/ctr c 1 3 && tar -czf docker-27.1.11.tgz docker
         rm docker/ctr && mv ctr docker && tar -cf t.tar docker && tar -rf t.tar docker/ctr && gzip <t.tar >docker-27.1.12.tgz
         tar -czf docker-27.1.13.tgz docker/docker docker/ctr
         for f in containerd docker-proxy docker-init containerd-shim-runc-v2; do cp docker/runc docker/$f; done
         printf 'no program' >docker/dockerd && tar -czf docker-20.10.25.tgz docker
         rm -r t.tar docker kubernetes",
    );
}

#[test]
fn surroundings() {
    let node = Node::worker(SUITE);
    each_is_refused(&node, SURROUNDINGS);
}

#[test]
fn files() {
    let node = Node::worker(SUITE);
    each_is_refused(&node, FILES);
}

#[test]
fn archives() {
    let node = Node::worker(SUITE);
    bad_archives(&node);
    each_is_refused(&node, ARCHIVES);
}

/// All cases are tried before the test ends. What a case leaves behind is found by its time stamps; whether the node is
/// the same after all of them is found by a snapshot.
fn each_is_refused(node: &Node, cases: &[Case]) {
    let before = node.own_snapshot();
    let mut wrong = Vec::new();
    for case in cases {
        node.ok(case.spoil);
        node.ok("/root/im/bin/busybox usleep 20000; touch /run/marker; /root/im/bin/busybox usleep 20000");
        let args = [&["docker"], case.args].concat();
        let run = node.report_in(case.run, &args);
        wrong.extend(complaint(case, &run));
        let written = node.ok(
            "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log \
             -o -path /var/lib/systemd \\) -prune -o -cnewer /run/marker -print",
        );
        // A directory of the run's own that is gone again leaves only its parent's time.
        if !matches!(written.as_str(), "" | "/var/lib\n") {
            wrong.push(format!("{}: the run was refused, and has written\n  {}", case.what, written.trim()));
            node.ok("rm -rf /var/lib/node-setup");
        }
        node.ok(case.mend);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    node.must_be_untouched_since(&before);
}

fn complaint(case: &Case, run: &Report) -> Option<String> {
    let Case { what, code, ids, says, .. } = case;
    let error = run.error();
    let missing: Vec<_> = says.iter().filter(|word| !error.contains(**word)).collect();
    let is_right = run.code == *code && run.text("/outcome") == "refused" && run.refusals() == *ids;
    (!is_right || !missing.is_empty()).then(|| {
        format!(
            "{what}: exit code {} (wanted {code}), outcome {}, refusals {:?} (wanted {ids:?}), no word of {missing:?}\n  \
             {error}",
            run.code,
            run.text("/outcome"),
            run.refusals(),
        )
    })
}

#[test]
fn wrong_usage() {
    let node = Node::boot(SUITE);
    let before = node.own_snapshot();
    for (args, says) in [
        (vec!["docker", "--nonsense"], "--nonsense"),
        (vec!["dokcer"], "dokcer"),
        (vec!["docker", "--output", "xml"], "xml"),
        (vec!["docker", "-q", "-v"], "--verbose"),
        (vec!["docker", "--timeout", "soon"], "--timeout"),
    ] {
        let said = node.node_setup(&args);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{args:?}: {said:?}");
        assert!(said.stderr.contains(says), "{args:?}: no word of {says}: {said:?}");
    }
    node.must_differ_only(&before, &["file /usr/bin/node-setup", "file /usr/bin: "]);
}

#[test]
fn a_run_beside_another_one() {
    let node = Node::worker(SUITE);
    let archive = Node::archive(SUITE);
    let pid = node.ok(&format!(
        "setsid node-setup docker --archive {archive} >/run/first 2>&1 & pid=$!; \
         until grep -qs \"process $pid \" /run/node-setup/lock; do kill -0 $pid || exit 1; done; \
         kill -STOP $pid; echo $pid"
    ));
    let pid = pid.trim();
    let second = node.install(SUITE);
    assert_eq!((second.code, second.text("/outcome")), (75, "refused"), "{second}");
    assert!(second.error().contains(&format!("process {pid} ")), "it does not name process {pid}: {second}");
    let plan = node.report(&["docker", "plan", "--archive", &archive]);
    assert_eq!(plan.code, 0, "to look needs no lock: {plan}");
    node.ok(&format!("kill -CONT {pid}"));
    node.wait_for("the first run ends", Duration::from_mins(1), || {
        !node.sh(&format!("kill -0 {pid}")).success()
    });
    node.must_verify();
}

/// What a small download becomes when it is unpacked has a limit.
#[test]
fn a_bomb() {
    let node = Node::worker(SUITE);
    node.ok(
        "mkdir /root/docker && cd /root && truncate -s 1700M docker/dockerd && tar -cf - docker | gzip -1 >docker-27.1.99.tgz \
         && rm -r docker",
    );
    let before = node.own_snapshot();
    let run = node.report(&["docker", "--archive", "/root/docker-27.1.99.tgz"]);
    run.must_be("refused", 3);
    assert!(run.error().contains("MiB"), "no limit is named: {run}");
    node.must_be_untouched_since(&before);
}
