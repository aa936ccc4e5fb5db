//! What docs/security.md claims, tried on real nodes: by a local user, by hostile files, by whoever answers.
#![allow(missing_docs, reason = "a test's name says it")]

use std::time::Duration;

use node_tests::{Node, Suite};

const SUITE: Suite = Suite::Bookworm;

/// A local user without any rights.
const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

const PASSWORD: &str = "w4y-p4ssw0rd";

/// The mode and owner of each path, one a line.
fn modes(node: &Node, paths: &str) -> String {
    node.ok(&format!("stat -c '%a %U %n' {paths}"))
}

/// What is written has the modes that it is to have, whatever the caller's umask, and whatever the archive says of its
/// members.
#[test]
fn what_is_written_is_roots_and_nobody_elses() {
    let node = Node::worker(SUITE);
    node.ok(
        "cd /root && tar -xzf docker-20.10.24.tgz && chmod 6777 docker/* && chown -R nobody docker && \
         tar -cf - docker | gzip -1 >docker-20.10.24.tgz && rm -r docker && mkdir -p /var/lib/prometheus/node-exporter && \
         touch /run/marker",
    );
    node.ok("umask 0 && node-setup docker --archive /root/docker-20.10.24.tgz && \
             node-setup docker fetch --archive /root/docker-20.10.24.tgz && node-setup metrics && \
             echo '{}' >/etc/docker/daemon.json && node-setup docker");
    let open = node.ok(
        "find /etc /opt /run /usr /var /data -xdev -newer /run/marker ! -type l ! -type s \\( -perm /022 -o ! -user root \\) \
         ! -path '/run/systemd/*' ! -path '/run/log/*' ! -path '/run/containerd/*' ! -path '/run/docker/*' \
         ! -path '/var/log/*' ! -path '/var/tmp*' ! -path '/data/k8s/docker/data/*' ! -path '/data/k8s/docker/exec/*'",
    );
    assert_eq!(open, "", "others can change these");
    let private = "/run/node-setup /run/node-setup/lock /run/node-setup/flannel /run/node-setup/started \
                   /var/lib/node-setup /var/lib/node-setup/journal /var/lib/node-setup/journal/000001.jsonl \
                   /var/lib/node-setup/fingerprints.json /var/lib/node-setup/store /var/lib/node-setup/store/kept";
    let found = modes(&node, private);
    assert!(
        found.lines().all(|line| line.starts_with("700 root") || line.starts_with("600 root")),
        "{found}"
    );
    for (mode, paths) in [
        (
            "755",
            "/opt/k8s/bin/dockerd /opt/k8s/bin/node-setup-guard /opt/k8s/bin /etc/docker /var/cache/node-setup",
        ),
        ("644", "/etc/docker/daemon.json /etc/systemd/system/docker.service /etc/sysctl.d/kubernetes.conf"),
        (
            "644",
            "/var/cache/node-setup/x86_64/docker-20.10.24.tgz /var/lib/prometheus/node-exporter/node_setup.prom",
        ),
        ("600", "/var/cache/node-setup/.lock"),
    ] {
        let found = modes(&node, paths);
        assert!(found.lines().all(|line| line.starts_with(&format!("{mode} root "))), "not {mode}:\n{found}");
    }
    let looked = node.sh(&format!("{NOBODY} ls /var/lib/node-setup /run/node-setup"));
    assert_eq!(looked.stdout, "", "others see what is kept");

    node.ok("mkdir -p /etc/node-setup");
    node.write(
        "/etc/node-setup/config.toml",
        &format!("[docker.daemon]\nlabels = [\"api-token={PASSWORD}\"]\n"),
    );
    node.report(&["docker"]).must_be("changed", 0);
    assert_eq!(modes(&node, "/etc/docker/daemon.json"), "600 root /etc/docker/daemon.json\n");
    node.must_verify();
}

/// A store on another file system is ours, or there is none.
#[test]
fn a_store_that_somebody_else_has_made_is_not_used() {
    let node = Node::worker(SUITE);
    node.ok("mkdir /srv/m && mount -t tmpfs -o size=1g,mode=1777 none /srv/m");
    node.ok(&format!(
        "{NOBODY} mkdir /srv/m/.node-setup-store && {NOBODY} touch /srv/m/.node-setup-store/mine"
    ));
    let run = ["docker", "--archive", "/root/docker-20.10.24.tgz", "--bin-dir", "/srv/m/docker/bin"];
    node.report(&run).must_be("changed", 0);
    node.ok("echo more >>/srv/m/docker/bin/docker-init");
    node.report(&run).must_be("changed", 0);
    assert_eq!(
        node.ok("ls -A /srv/m/.node-setup-store"),
        "mine\n",
        "something of ours is in another's hands"
    );
    assert_eq!(modes(&node, "/var/lib/node-setup/store/kept"), "700 root /var/lib/node-setup/store/kept\n");
    node.report(&["docker", "rollback", "--bin-dir", "/srv/m/docker/bin"]).must_be("changed", 0);
    node.ok("tail -c 5 /srv/m/docker/bin/docker-init | grep -q more");

    node.ok("chown nobody /srv/m && chmod 755 /srv/m");
    let refused = node.report(&run);
    refused.must_be("refused", 3);
    assert!(
        refused.refusals() == ["owners"] && refused.error().contains("/srv/m belongs to nobody"),
        "{refused}"
    );
    let skipped = node.report(&[run.as_slice(), &["--skip", "owners"]].concat());
    skipped.must_be("changed", 0);
    assert!(skipped.notes("owners was skipped"), "{skipped}");
}

/// A user on the bus says to the program alone that docker's start has failed, and is not believed.
#[test]
fn a_forged_signal_ends_no_run() {
    let node = Node::installed(SUITE);
    node.write(
        "/root/forge.sh",
        "while [ ! -e /tmp/over ]; do
             job=$(systemctl list-jobs --no-legend | awk '$2 == \"docker.service\" { print $1 }')
             [ -n \"$job\" ] || continue
             for name in $(busctl --no-legend list | awk '$3 == \"node-setup\" { print $1 }'); do
                 busctl emit --destination=\"$name\" /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
                     JobRemoved uoss \"$job\" \"/org/freedesktop/systemd1/job/$job\" docker.service failed && echo \"$job\"
             done
         done\n",
    );
    node.ok("mkdir /etc/systemd/system/docker.service.d && systemctl stop docker && \
             printf '[Service]\\nExecStartPre=/bin/sleep 3\\n' >/etc/systemd/system/docker.service.d/slow.conf && \
             systemctl daemon-reload");
    let forger = node.spawn(&format!("exec {NOBODY} sh </root/forge.sh >/tmp/forged 2>/dev/null"));
    let run = node.report(&["docker"]);
    node.ok("touch /tmp/over");
    drop(forger);
    run.must_be("changed", 0);
    assert_ne!(node.read("/tmp/forged"), "", "nothing was forged");
    node.must_verify();
}

/// What a local user runs is no daemon, and what foreign files say steers no terminal.
#[test]
fn names_of_others_are_names_and_no_more() {
    let node = Node::worker(SUITE);
    node.ok("mkdir -p /etc/node-setup && printf '[network]\\nflannel-timeout = \"2s\"\\n' >/etc/node-setup/config.toml");
    node.ok(&format!(
        "cd /tmp && for name in dockerd kubelet containerd-shim; do {NOBODY} cp /bin/sleep $name && \
         {{ {NOBODY} ./$name 300 >/dev/null 2>&1 & }}; done"
    ));
    node.wait_for("the processes run", Duration::from_secs(10), || node.sh("pgrep -x kubelet").success());
    let run = node.install(SUITE);
    run.must_be("changed", 0);
    assert!(!run.notes("are not flushed"), "a user's process keeps rules from being flushed: {run}");

    node.ok("cp /run/flannel/docker /root/options");
    node.ok("printf 'A\\033]0;owned\\007\\n' >/run/flannel/docker");
    for args in ["docker preflight", "docker plan", "docker", "docker verify"] {
        let said = node.sh_env(&format!("node-setup {args}"), &[("LANG", "C.UTF-8")]);
        let text = said.stdout + &said.stderr;
        assert!(!text.contains(['\x1b', '\x07']), "{args} passes escapes on: {text:?}");
    }
    node.ok("cp /root/options /run/flannel/docker && chmod 666 /run/flannel/docker");
    let refused = node.report(&["docker"]);
    refused.must_be("refused", 3);
    assert!(
        refused.refusals() == ["flannel-options"] && refused.error().contains("by everybody"),
        "{refused}"
    );
    let started = node.sh("systemctl restart docker");
    assert!(!started.success(), "docker is started with what anybody may have written");
    node.ok("chmod 644 /run/flannel/docker && systemctl restart docker");
    node.must_verify();
}

/// Files that have a say must be root's.
#[test]
fn what_others_can_change_has_no_say() {
    let node = Node::worker(SUITE);
    node.ok("mkdir -p /etc/node-setup/config.d /home/user && chown nobody /home/user && \
             cp /root/docker-20.10.24.tgz /home/user && chown nobody /home/user/docker-20.10.24.tgz && \
             echo >/etc/node-setup/config.toml && echo >/etc/node-setup/config.d/a.toml && echo 'DOCKER_DIR=/data' >/root/e.sh");
    let before = node.own_snapshot();
    for (spoil, args, code, says, mend) in [
        ("chown nobody", "docker plan", 2, "/etc/node-setup/config.toml belongs to nobody", "chown root"),
        ("chmod 666", "config check", 2, "by everybody (mode 0666)", "chmod 644"),
        ("chmod 664", "docker verify", 2, "by its group (mode 0664)", "chmod 644"),
    ] {
        node.ok(&format!("{spoil} /etc/node-setup/config.toml"));
        let run = node.report(&args.split(' ').collect::<Vec<_>>());
        assert!(run.code == code && run.error().contains(says), "{spoil}: {run}");
        node.ok(&format!("{mend} /etc/node-setup/config.toml"));
    }
    for (spoil, mend) in [
        ("chmod 777 /etc/node-setup/config.d", "chmod 755 /etc/node-setup/config.d"),
        ("chmod 666 /root/e.sh", "chmod 644 /root/e.sh"),
        ("ln -s /root/e.sh /home/user/l", "rm /home/user/l"),
    ] {
        node.ok(spoil);
        let file = if spoil.starts_with("ln") { "/home/user/l" } else { "/root/e.sh" };
        let run = node.report(&["config", "show", "--environment", file]);
        assert_eq!(run.code, 2, "{spoil}: {run}");
        node.ok(mend);
    }
    let archive = ["docker", "--archive", "/home/user/docker-20.10.24.tgz"];
    let refused = node.report(&archive);
    refused.must_be("refused", 3);
    assert!(
        refused.error().contains("nobody says what it must be, and /home/user/docker"),
        "whose it is: {refused}"
    );
    node.must_be_untouched_since(&before);
    let sha256 = node.ok("sha256sum </home/user/docker-20.10.24.tgz | cut -c1-64");
    node.report(&[archive.as_slice(), &["--sha256", sha256.trim()]].concat()).must_be("changed", 0);

    node.ok("mkdir -p /srv/theirs /srv/roots && ln -s /etc/cron.d /srv/theirs/way && chown -h nobody /srv/theirs /srv/theirs/way");
    let led = node.report(&["metrics", "/srv/theirs/way/x"]);
    assert!(led.code != 0 && led.error().contains("not root's"), "{led}");
    assert!(!node.exists("/etc/cron.d/x"), "a link of others leads root elsewhere");
    assert_eq!(node.report(&["metrics", "/srv/theirs/x"]).code, 0);
    let cache = node.report(&[
        "docker",
        "fetch",
        "--cache",
        "/srv/theirs/way",
        "--archive",
        "/root/docker-20.10.24.tgz",
    ]);
    assert!(cache.code == 3 && cache.error().contains("belongs to nobody"), "{cache}");
}

/// Other programs get nothing of the caller's environment, and no secret on their command lines.
#[test]
fn programs_are_run_with_nothing_of_the_callers() {
    let node = Node::worker(SUITE);
    node.ok(
        "mkdir /root/evil && for name in iptables modprobe getent journalctl nft matchpathcon sh; do \
             printf '#!/bin/bash\\ntouch /root/executed\\n' >/root/evil/$name && chmod 755 /root/evil/$name; done; \
             echo 'touch /root/executed' >/root/evil/env; mkdir -p /etc/node-setup",
    );
    node.write(
        "/etc/node-setup/config.toml",
        &format!(
            "[docker.daemon]\nlabels = [\"api-token={PASSWORD}\"]\n[fetch]\nofficial = false\n\
             https-proxy = \"http://me:{PASSWORD}@127.0.0.1:1\"\n\
             mirrors = [\"https://me:{PASSWORD}@127.0.0.1:1/docker\", \"http://127.0.0.1:1/x?sig={PASSWORD}\"]\n"
        ),
    );
    let env = format!(
        "env PATH=/root/evil:/usr/bin LD_PRELOAD=/root/evil/x.so IFS=x BASH_ENV=/root/evil/env \
         ENV=/root/evil/env GCONV_PATH=/root/evil http_proxy=http://me:{PASSWORD}@127.0.0.1:1"
    );
    let elsewhere =
        node.sh("XTABLES_LIBDIR=/root/evil /usr/bin/node-setup docker --archive /root/docker-20.10.24.tgz");
    assert!(elsewhere.code == 2 && elsewhere.stderr.contains("env -u XTABLES_LIBDIR"), "{elsewhere:?}");
    let trace = "strace -f -v -s 100000 -e trace=execve -o /root/trace";
    let run = node
        .ok(&format!("{trace} {env} /usr/bin/node-setup docker -v --archive /root/docker-20.10.24.tgz 2>&1"));
    let fetched = node.sh(&format!(
        "{trace}2 {env} /usr/bin/node-setup docker fetch --docker-version 28.5.2 --output json 2>&1"
    ));
    assert_ne!(fetched.code, 0, "nothing is there to fetch from");
    assert!(!node.exists("/root/executed"), "something of the caller's was run");
    for text in [run, fetched.stdout, node.ok("journalctl --no-pager -o verbose -t node-setup")] {
        assert!(!text.contains(PASSWORD), "a password is told: {text}");
    }
    let kept = node.sh(&format!("grep -rl {PASSWORD} /var/lib/node-setup/journal /run/node-setup"));
    assert_eq!(kept.stdout, "", "a password is kept");
    let traced = node.ok("cat /root/trace /root/trace2");
    // env's own calls are before it becomes the program.
    let own = traced.lines().filter(|line| line.contains("execve(") && !line.contains("evil"));
    let calls: Vec<&str> = own.filter(|line| line.trim_end().ends_with("= 0")).collect();
    assert!(calls.iter().any(|call| call.contains("iptables")) && calls.len() > 5, "{}", calls.join("\n"));
    for call in calls {
        let given = call.rsplit(", [").next().unwrap_or_default();
        let is_bare = given.contains("\"LC_ALL=C\"")
            && given.contains("\"PATH=")
            && given.matches("\", \"").count() == 1;
        assert!(is_bare && !call.contains(PASSWORD), "{call}");
    }
}

/// Whoever listens where docker's socket is said to be is believed if it is root.
#[test]
fn a_daemon_of_somebody_else_is_not_dockers() {
    let node = Node::worker(SUITE);
    node.ok("mkdir -p /etc/node-setup /srv/open && chown nobody /srv/open");
    node.write(
        "/etc/node-setup/config.toml",
        "[docker.daemon]\nhosts = [\"unix:///srv/open/docker.sock\"]\n",
    );
    let script = r#"use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Local => "/srv/open/docker.sock", Listen => 5) or die;
        while (my $c = $s->accept) { print $c "HTTP/1.0 200 OK\r\nServer: Docker/99.9.9 (linux)\r\n\r\n[]"; close $c }"#;
    node.write("/root/daemon.pl", script);
    let _daemon = node.spawn(&format!("exec {NOBODY} perl </root/daemon.pl"));
    node.wait_for("it listens", Duration::from_secs(10), || node.exists("/srv/open/docker.sock"));
    let status = node.report(&["docker", "status"]);
    assert!(!status.to_string().contains("99.9.9"), "anybody is believed: {status}");
    let refused = node.install(SUITE);
    refused.must_be("refused", 3);
    assert!(refused.refusals().contains(&"owners"), "{refused}");
}

/// systemd masks no unit whose file is where the mask would be.
#[test]
fn a_firewall_that_cannot_be_masked_is_disabled_and_stopped() {
    let node = Node::worker(SUITE);
    node.write(
        "/etc/systemd/system/iptables.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    );
    node.ok("systemctl daemon-reload && systemctl -q enable --now iptables");
    let before = node.own_snapshot();
    let run = node.install(SUITE);
    run.must_be("changed", 0);
    let state = |what: &str| {
        let found = (node.unit("iptables", "UnitFileState"), node.unit("iptables", "ActiveState"));
        assert_eq!(found, ("disabled".to_owned(), "inactive".to_owned()), "{what}");
    };
    state("after the install");
    let verified = node.report(&["docker", "verify"]);
    assert!(
        verified.code == 0 && verified.check("firewalls", "detail").contains("cannot be masked"),
        "{verified}"
    );
    node.report(&["docker"]).must_be("unchanged", 0);
    node.ok("systemctl -q enable --now iptables");
    let found = node.report(&["docker", "verify"]);
    assert!(found.code == 5 && found.failing().contains("firewalls"), "{found}");
    node.report(&["docker"]).must_be("changed", 0);
    state("after it was started");
    node.report(&["docker", "remove", "--purge"]).must_be("changed", 0);
    node.must_be_restored_to(&before);
    assert_eq!(node.unit("iptables", "ActiveState"), "active");
}
