//! A node as the product finds it: flanneld at work, an archive at hand.
#![allow(
    clippy::missing_panics_doc,
    reason = "a failing step is a failing test: every method here panics, at the test's line"
)]

use crate::{Builder, Node, Report, Snapshot, Suite, archive, snapshot::Section, sysctl};

/// What a run leaves behind even when it refuses: its lock, and what it may tell the next run. Not part of a node's
/// state.
const OF_THE_PRODUCT: [&str; 3] =
    ["file /run/node-setup: ", "file /run/node-setup/lock: ", "file /run/xtables.lock: "];

/// What a run that began leaves behind: its journal and the contents that the journal refers to; what units were started
/// from in this boot; and a target that systemd reached on docker's behalf, which stands for no more than that the
/// network is up. The archive is the test's own.
const OF_A_RUN: [&str; 4] = [
    "file /var/lib/node-setup",
    "file /run/node-setup/started",
    "unit network-online.target: new: active",
    "file /root/docker-",
];

impl Builder {
    /// Boots it, and makes a worker of it: see [`Node::worker`].
    #[track_caller]
    #[must_use]
    pub fn worker(self) -> Node {
        let suite = self.suite();
        let node = self.boot();
        node.flanneld();
        node.bring_archive(suite);
        node.must(node.machine().install_product());
        node
    }
}

impl Node {
    /// A fresh node with flanneld running and enabled, the product in /usr/bin, and the suite's docker archive at
    /// [`Node::archive`].
    ///
    /// The sysctls that all nodes share with the machine have the wanted values already, so that no run of one test
    /// changes what another one sees.
    #[track_caller]
    #[must_use]
    pub fn worker(suite: Suite) -> Self {
        Self::builder(suite).worker()
    }

    /// Where the docker archive of a suite lies in a worker.
    #[must_use]
    pub fn archive(suite: Suite) -> String {
        format!("/root/docker-{}.tgz", suite.docker_version())
    }

    /// Copies the docker archive of a suite to [`Node::archive`], and sees to the shared sysctls as [`Node::worker`] does.
    #[track_caller]
    pub fn bring_archive(&self, suite: Suite) {
        self.must(sysctl::preset());
        self.put(self.must(archive(suite)), &Self::archive(suite));
    }

    /// Makes an archive of docker `version` in the node, at `/root/docker-VERSION.tgz`, whose programs are scripts. Its
    /// dockerd says its version when asked to, and otherwise does what `script` says.
    #[track_caller]
    pub fn archive_of_scripts(&self, version: &str, script: &str) {
        let members = self.ok("tar -tzf $(ls /root/docker-*.tgz | head -n 1) | grep -v '/$'");
        self.ok("rm -rf /root/docker && mkdir /root/docker");
        for member in members.lines() {
            self.write(&format!("/root/{member}"), &format!("#!/bin/sh\nexit 1\n# {member}\n"));
        }
        let says = format!("echo 'Docker version {version}, build 0'; exit 0");
        self.write(
            "/root/docker/dockerd",
            &format!("#!/bin/sh\ncase \"$1\" in --version) {says};; esac\n{script}\n"),
        );
        self.ok(&format!(
            "cd /root && chmod 755 docker/* && tar -czf docker-{version}.tgz docker && rm -r docker"
        ));
    }

    /// Runs `node-setup docker --archive …`, and reads its report.
    #[track_caller]
    #[must_use]
    pub fn install(&self, suite: Suite) -> Report {
        self.report(&["docker", "--archive", &Self::archive(suite)])
    }

    /// A fresh worker that `node-setup docker --archive …` has turned into a working one.
    #[track_caller]
    #[must_use]
    pub fn installed(suite: Suite) -> Self {
        let node = Self::worker(suite);
        node.install(suite).must_be("changed", 0);
        node
    }

    /// Runs node-setup with `--output json`, and reads its report.
    #[track_caller]
    #[must_use]
    pub fn report(&self, args: &[&str]) -> Report {
        Report::of(args, self.node_setup(&[args, &["--output", "json"]].concat()))
    }

    /// The same through a shell command, for a run in special circumstances; `$@` stands for the command line.
    #[track_caller]
    #[must_use]
    pub fn report_in(&self, script: &str, args: &[&str]) -> Report {
        let line = [&["/usr/bin/node-setup"], args, &["--output", "json"]].concat().join(" ");
        Report::of(args, self.sh(&format!("set -- {line}; {script}")))
    }

    /// A snapshot without what the machine's other nodes can change.
    #[track_caller]
    #[must_use]
    pub fn own_snapshot(&self) -> Snapshot {
        self.snapshot().without(Section::MachineSysctls)
    }

    /// Fails unless the node is as it was: not even a journal is there.
    #[track_caller]
    pub fn must_be_untouched_since(&self, before: &Snapshot) {
        self.must_differ_only(before, &OF_THE_PRODUCT);
    }

    /// Fails unless the node is as it was, but for the journal that says what happened.
    #[track_caller]
    pub fn must_be_restored_to(&self, before: &Snapshot) {
        self.must_differ_only(before, &[OF_THE_PRODUCT.as_slice(), &OF_A_RUN].concat());
    }

    /// Fails if anything differs whose line in the difference does not begin with one of these.
    #[track_caller]
    pub fn must_differ_only(&self, before: &Snapshot, allowed: &[&str]) {
        let mut diff = before.diff(&self.own_snapshot());
        diff.retain(|line| !allowed.iter().any(|start| line.starts_with(start)));
        assert!(diff.is_empty(), "{}: the node is not as it was before:\n{}", self.name(), diff.join("\n"));
    }

    /// A property of a unit.
    #[track_caller]
    #[must_use]
    pub fn unit(&self, name: &str, property: &str) -> String {
        self.ok(&format!("systemctl show --value -p {property} {name}")).trim().to_owned()
    }

    /// The policy of a chain of the filter table, as the nft or legacy tool tells it.
    #[track_caller]
    #[must_use]
    pub fn policy(&self, tool: &str, chain: &str) -> String {
        let first = self.ok(&format!("{tool} -S {chain} | head -n 1"));
        first.trim().rsplit(' ').next().unwrap_or_default().to_owned()
    }

    /// Fails unless `node-setup docker verify` passes.
    #[track_caller]
    pub fn must_verify(&self) {
        let report = self.report(&["docker", "verify"]);
        assert!(report.code == 0 && report.failing().is_empty(), "{}: {report}", self.name());
    }

    /// The temporary, staged and candidate files that runs have left behind.
    #[track_caller]
    #[must_use]
    pub fn leftovers(&self) -> Vec<String> {
        let found = self.ok(
            "find /etc /opt /var/lib/node-setup -xdev \\( -name '.*' -o -path '*/staged/*' -o -path '*/candidate/*' \\) \
             -newer /etc/machine-id ! -name .pwd.lock",
        );
        found.lines().map(str::to_owned).collect()
    }
}
