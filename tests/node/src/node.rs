//! A node that belongs to one test.
#![allow(
    clippy::missing_panics_doc,
    reason = "a failing step is a failing test: every method here panics, at the test's line"
)]

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::job::{Job, Output};
use crate::machine::Machine;
use crate::owner::Owner;
use crate::{Snapshot, Suite, base, lab, prune, wait};

/// What a node is to be.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    suite: Suite,
    hostname: String,
    packages: Vec<String>,
    tree: Option<PathBuf>,
    limit: Duration,
}

impl Builder {
    /// A copy of this tree of the host's, an image that somebody has made, in place of the suite's.
    pub fn of_tree(mut self, tree: &Path) -> Self {
        self.tree = Some(tree.to_owned());
        self
    }

    /// Its host name; `node` if none is given. Two nodes may have the same.
    pub fn name(mut self, hostname: &str) -> Self {
        hostname.clone_into(&mut self.hostname);
        self
    }

    /// Debian packages it has beyond those of every node.
    pub fn packages(mut self, packages: &[&str]) -> Self {
        self.packages.extend(packages.iter().map(|&package| package.to_owned()));
        self
    }

    /// How long one command on it may run; 120 seconds if nothing is said.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    /// Boots it.
    #[track_caller]
    #[must_use]
    pub fn boot(self) -> Node {
        match self.try_boot() {
            Ok(node) => node,
            Err(error) => panic!("{error:#}"),
        }
    }

    fn try_boot(self) -> Result<Node> {
        remove_orphans();
        let packages: Vec<&str> = self.packages.iter().map(String::as_str).collect();
        let base = match self.tree {
            Some(tree) => tree,
            None => base(self.suite, &packages)?,
        };
        let name = format!("{}-{}", self.hostname, lab::unique());
        let machine = Machine::create(&name, &self.hostname, &base, &Owner::this_process())?;
        let node = Node { machine, limit: self.limit };
        node.machine.start()?;
        Ok(node)
    }
}

/// Once in a process: what killed tests left behind.
fn remove_orphans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = prune() {
            eprintln!("testbed: an orphaned node stays: {error:#}");
        }
    });
}

/// A running node. It is ended and removed when this value is dropped, also by a panic; with `NODE_SETUP_KEEP` set it
/// is left running instead, and its name printed.
#[derive(Debug)]
pub struct Node {
    machine: Machine,
    limit: Duration,
}

impl Node {
    /// Boots a fresh node.
    #[track_caller]
    #[must_use]
    pub fn boot(suite: Suite) -> Self {
        Self::builder(suite).boot()
    }

    /// A fresh node with something special about it.
    pub fn builder(suite: Suite) -> Builder {
        Builder {
            suite,
            hostname: "node".to_owned(),
            packages: Vec::new(),
            tree: None,
            limit: Duration::from_mins(2),
        }
    }

    /// The same node without the panics.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Its name for `testbed`, unique on this machine.
    #[must_use]
    pub fn name(&self) -> &str {
        self.machine.name()
    }

    #[track_caller]
    pub(crate) fn must<T>(&self, result: Result<T>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => panic!("{}: {error:#}", self.name()),
        }
    }

    /// Runs a shell command, whatever its exit code.
    #[track_caller]
    #[must_use]
    pub fn sh(&self, script: &str) -> Output {
        self.sh_env(script, &[])
    }

    /// Runs a shell command with more in its environment than every command has.
    #[track_caller]
    #[must_use]
    pub fn sh_env(&self, script: &str, env: &[(&str, &str)]) -> Output {
        self.must(self.machine.sh(script, env, self.limit))
    }

    /// Runs a shell command with a limit of its own. Reaching it is an error, not a panic.
    ///
    /// # Errors
    /// When the command was killed because it ran out of time, or could not be run.
    pub fn sh_within(&self, script: &str, limit: Duration) -> Result<Output> {
        self.machine.sh(script, &[], limit)
    }

    /// Runs a shell command that has to succeed, and returns its standard output.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "what most commands write is of no interest")]
    pub fn ok(&self, script: &str) -> String {
        let Output { code, stdout, stderr } = self.sh(script);
        assert!(
            code == 0,
            "{}: `{script}` exited with {code}\nstdout: {stdout}\nstderr: {stderr}",
            self.name()
        );
        stdout
    }

    /// Writes what a command says of the tool under test into the log of the tests, which keeps nothing else of a test
    /// that passes.
    #[track_caller]
    pub fn introduce(&self, script: &str) {
        let said = self.ok(&format!("{script} 2>&1"));
        let first = said.lines().next().unwrap_or_default();
        // Not with a macro, whose words are kept back.
        let _ = writeln!(std::io::stderr(), "tool: {first} ({script})");
    }

    /// Starts a shell command and does not wait for it. Its process is killed when the job is dropped.
    #[track_caller]
    #[must_use]
    pub fn spawn(&self, script: &str) -> Job {
        self.must(self.machine.spawn(script, &[]))
    }

    /// Copies a file of the host into the node, with its mode.
    #[track_caller]
    pub fn put(&self, from: impl AsRef<Path>, to: &str) {
        self.must(self.machine.put(from.as_ref(), to));
    }

    /// Copies a directory of the host into the node: see [`Machine::put_tree`].
    #[track_caller]
    pub fn put_tree(&self, from: impl AsRef<Path>, to: &str) {
        self.must(self.machine.put_tree(from.as_ref(), to));
    }

    /// Writes a file in the node, with mode 0644.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        self.must(self.try_write(path, text));
    }

    fn try_write(&self, path: &str, text: &str) -> Result<()> {
        let (reader, mut writer) = std::io::pipe().context("cannot make a pipe")?;
        std::thread::scope(|threads| {
            let sent = threads.spawn(move || writer.write_all(text.as_bytes()));
            let received = self.machine.receive(Stdio::from(reader), path, 0o644);
            let sent = sent.join().unwrap_or_else(|_| Err(std::io::Error::other("the writer panicked")));
            received.and(sent.with_context(|| format!("cannot send {path}")))
        })
    }

    /// The text of a file in the node.
    #[track_caller]
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        self.ok(&format!("cat '{path}'"))
    }

    /// Whether there is anything at a path in the node, a dangling link included.
    #[track_caller]
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.sh(&format!("test -e '{path}' || test -L '{path}'")).success()
    }

    /// The node's file tree on the host's disk, without what the node has mounted over it.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.machine.root()
    }

    /// The node's PID 1, as the host numbers it.
    #[track_caller]
    #[must_use]
    pub fn leader(&self) -> u32 {
        self.must(self.machine.running())
    }

    /// Reboots it in good order. Its links are gone then: wire it again.
    #[track_caller]
    pub fn reboot(&self) {
        self.must(self.machine.reboot());
    }

    /// Ends all of it at once and boots it again: see [`Machine::power_cut`].
    #[track_caller]
    pub fn power_cut(&self) {
        self.must(self.machine.power_cut());
    }

    /// Waits until `holds`, asking ten times a second.
    #[track_caller]
    pub fn wait_for(&self, what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
        let held = self.must(wait::until(limit, Duration::from_millis(100), || Ok(holds())));
        assert!(held, "{}: {what}: not after {limit:?}", self.name());
    }

    /// Gives a node without a neighbour an eth0: see [`Machine::dummy_eth0`].
    #[track_caller]
    pub fn dummy_eth0(&self) {
        self.must(self.machine.dummy_eth0());
    }

    /// Leaves behind what flanneld would: see [`Machine::flannel`].
    #[track_caller]
    pub fn flannel(&self, me: u8, peer: u8) {
        self.must(self.machine.flannel(me, peer));
    }

    /// The same with leases of other numbers: see [`Machine::flannel_leases`].
    #[track_caller]
    pub fn flannel_leases(&self, me: (u8, u8), peer: (u8, u8)) {
        self.must(self.machine.flannel_leases(me, peer));
    }

    /// Has flanneld run as that of node `me` of two: see [`Machine::flanneld_as`].
    #[track_caller]
    pub fn flanneld_as(&self, me: u8, peer: u8) {
        self.must(self.machine.flanneld_as(me, peer));
    }

    /// Has flanneld run, now and at every boot: see [`Machine::flanneld`].
    #[track_caller]
    pub fn flanneld(&self) {
        self.must(self.machine.flanneld());
    }

    /// Runs a container that stands for a pod, and returns its address: see [`Machine::pod`].
    #[track_caller]
    #[must_use]
    pub fn pod(&self) -> Ipv4Addr {
        self.must(self.machine.pod())
    }

    /// Whether `ip` answers the pod: see [`Machine::ping`].
    #[track_caller]
    #[must_use]
    pub fn ping(&self, ip: Ipv4Addr) -> bool {
        self.must(self.machine.ping(ip))
    }

    /// What a removal has to bring back.
    #[track_caller]
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.must(Snapshot::of(&self.machine))
    }

    /// Runs the node-setup under test, after copying it to /usr/bin if another one or none is there.
    #[track_caller]
    #[must_use]
    pub fn node_setup(&self, args: &[&str]) -> Output {
        self.must(self.try_node_setup(args))
    }

    fn try_node_setup(&self, args: &[&str]) -> Result<Output> {
        let command = [&[self.machine.install_product()?], args].concat();
        Job::start(self.machine.command(&command, &[])?)?.named(&command.join(" ")).wait(self.limit)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::env::var_os("NODE_SETUP_KEEP").is_some() {
            eprintln!("testbed: node {} is left running: testbed shell {0}, testbed down {0}", self.name());
            let _ = self.machine.disown();
        } else if let Err(error) = self.machine.remove() {
            eprintln!("testbed: node {} is not removed: {error:#}", self.name());
        }
    }
}
