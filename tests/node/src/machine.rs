//! A node, found by its name.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::job::{self, Job, Output};
use crate::owner::Owner;
use crate::{Suite, base, cgroup, host, lab, supervisor, sysctl, wait};

/// How long a boot may take.
const BOOT: Duration = Duration::from_secs(90);
/// How long a node may take to stop its services on the way to a reboot.
const STOP: Duration = Duration::from_secs(150);
/// Where commands in a node are looked for.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const PAUSE: Duration = Duration::from_millis(50);

/// A node on this machine, running or not. Dropping the value leaves the node as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    name: String,
}

impl Machine {
    /// Makes and boots a node that stays until somebody takes it down.
    pub fn up(name: &str, suite: Suite, packages: &[&str]) -> Result<Self> {
        let machine = Self::create(name, name, &base(suite, packages)?, &Owner::Person)?;
        machine.start().inspect_err(|_| drop(machine.remove()))?;
        Ok(machine)
    }

    /// The node called `name`.
    pub fn find(name: &str) -> Result<Self> {
        let machine = Self { name: name.to_owned() };
        if !machine.dir().join("owner").exists() {
            bail!("no node {name}");
        }
        Ok(machine)
    }

    /// Every node there is, by name.
    pub fn all() -> Result<Vec<Self>> {
        let Ok(entries) = fs::read_dir(lab::nodes()) else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.context("cannot list the nodes")?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names.into_iter().map(|name| Self { name }).collect())
    }

    /// Makes the file tree of a node, a copy of `base`, without booting it.
    pub(crate) fn create(name: &str, hostname: &str, base: &Path, owner: &Owner) -> Result<Self> {
        check_name(name)?;
        check_name(hostname)?;
        let machine = Self { name: name.to_owned() };
        machine.claim(owner)?;
        machine.fill(hostname, base).inspect_err(|_| drop(machine.remove()))?;
        Ok(machine)
    }

    /// Takes the name, and says whose it is in the same instant.
    fn claim(&self, owner: &Owner) -> Result<()> {
        host::check_root()?;
        let _lock = lab::lock("machine")?;
        let dir = self.dir();
        if dir.join("owner").exists() {
            bail!("there is a node {} already", self.name);
        }
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        owner.write(&dir)?;
        sysctl::keep()
    }

    fn fill(&self, hostname: &str, base: &Path) -> Result<()> {
        let root = self.root();
        job::host("cp", &["-a".as_ref(), "--reflink=auto".as_ref(), base.as_os_str(), root.as_os_str()])?;
        let id = fs::read_to_string("/proc/sys/kernel/random/uuid")
            .context("cannot read a uuid")?
            .replace('-', "");
        for (path, text) in [("etc/hostname", format!("{hostname}\n")), ("etc/machine-id", id)] {
            fs::write(root.join(path), text)
                .with_context(|| format!("cannot write {path} of {}", self.name))?;
        }
        fs::write(self.dir().join("hostname"), hostname).context("cannot write the host name")
    }

    /// Boots the node and waits until its systemd has come to rest.
    pub(crate) fn start(&self) -> Result<()> {
        let hostname =
            fs::read_to_string(self.dir().join("hostname")).context("cannot read the host name")?;
        supervisor::start(&self.dir(), &self.name, &hostname)?;
        self.wait_up(None)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the testbed keeps what it knows about the node.
    #[must_use]
    pub(crate) fn dir(&self) -> PathBuf {
        lab::nodes().join(&self.name)
    }

    /// The node's file tree on the host's disk. What the node mounts over it is not seen here.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir().join("root")
    }

    /// The node's PID 1 as the host numbers it, while it runs.
    #[must_use]
    pub fn leader(&self) -> Option<u32> {
        supervisor::leader(&self.dir())
    }

    pub(crate) fn running(&self) -> Result<u32> {
        self.leader()
            .with_context(|| format!("node {} is not running: see {}", self.name, self.console().display()))
    }

    /// Whose node it is, if that is known.
    pub(crate) fn owner(&self) -> Option<Owner> {
        Owner::read(&self.dir())
    }

    /// Leaves the node to whoever wants to look at it.
    pub(crate) fn disown(&self) -> Result<()> {
        Owner::Person.write(&self.dir())
    }

    fn console(&self) -> PathBuf {
        self.dir().join("console")
    }

    /// A command line for `program` in the node, in all of its PID 1's namespaces and in a control group of the node.
    pub fn command(&self, program: &[&str], env: &[(&str, &str)]) -> Result<Command> {
        let leader = self.running()?;
        let group = cgroup::for_commands(leader)?.join("cgroup.procs");
        let mut clean =
            BTreeMap::from([("PATH", PATH), ("LC_ALL", "C.UTF-8"), ("HOME", "/root"), ("TERM", "dumb")]);
        clean.extend(env.iter().copied());
        let mut command = Command::new("sh");
        command.args(["-c", "echo 0 >\"$1\" && shift && exec nsenter \"$@\"", "testbed"]).arg(group);
        command.args([
            "-t",
            &leader.to_string(),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-C",
            "-r",
            "-w",
            "--",
            "env",
            "-i",
        ]);
        command.args(clean.iter().map(|(name, value)| format!("{name}={value}"))).args(program);
        Ok(command)
    }

    /// Starts a shell command in the node.
    pub fn spawn(&self, script: &str, env: &[(&str, &str)]) -> Result<Job> {
        Ok(Job::start(self.command(&["sh", "-c", script], env)?)?.named(script))
    }

    /// Runs a shell command in the node to its end.
    pub fn sh(&self, script: &str, env: &[(&str, &str)], limit: Duration) -> Result<Output> {
        self.spawn(script, env)?.wait(limit).with_context(|| format!("on node {}", self.name))
    }

    /// Runs a shell command in the node that has to succeed, and returns what it wrote.
    pub(crate) fn ok(&self, script: &str) -> Result<String> {
        let output = self.sh(script, &[], Duration::from_mins(2))?;
        if !output.success() {
            let Output { code, stdout, stderr } = output;
            bail!("`{script}` on node {} exited with {code}\nstdout: {stdout}\nstderr: {stderr}", self.name);
        }
        Ok(output.stdout)
    }

    /// Copies the host's file `from` to the path `to` in the node, with its mode, replacing what was there in one step.
    pub fn put(&self, from: &Path, to: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let file = File::open(from).with_context(|| format!("cannot open {}", from.display()))?;
        let mode = file.metadata()?.permissions().mode() & 0o7777;
        self.receive(Stdio::from(file), to, mode)
            .with_context(|| format!("cannot put {} there", from.display()))
    }

    /// Copies what is in the host's directory `from` into the directory `to` in the node, as root's.
    pub fn put_tree(&self, from: &Path, to: &str) -> Result<()> {
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(from).args(["--owner=0", "--group=0", "-cf", "-", "."]).stdout(Stdio::piped());
        let mut packing = tar.spawn().context("cannot start tar")?;
        let packed = packing.stdout.take().context("tar has no output")?;
        let script = "mkdir -p \"$1\" && exec tar -C \"$1\" -xf -";
        let unpacking = Job::feed(self.command(&["sh", "-c", script, "put", to], &[])?, packed.into())?;
        let output = unpacking.wait(Duration::from_mins(2))?;
        if !(packing.wait().context("cannot wait for tar")?.success() && output.success()) {
            bail!("cannot copy {} to {to} on node {}: {}", from.display(), self.name, output.stderr.trim());
        }
        Ok(())
    }

    /// Writes the file `to` in the node with what `source` gives.
    pub(crate) fn receive(&self, source: Stdio, to: &str, mode: u32) -> Result<()> {
        let script =
            "mkdir -p \"${1%/*}/\" && cat >\"$1.put\" && chmod \"$2\" \"$1.put\" && mv -fT \"$1.put\" \"$1\"";
        let command = self.command(&["sh", "-c", script, "put", to, &format!("{mode:o}")], &[])?;
        let output = Job::feed(command, source)?.wait(Duration::from_mins(2))?;
        if !output.success() {
            bail!("cannot write {to} on node {}: {}", self.name, output.stderr.trim());
        }
        Ok(())
    }

    /// Reboots the node in good order and waits until it is up again.
    pub fn reboot(&self) -> Result<()> {
        let before = self.running()?;
        // The command may lose its answer to the reboot it asks for.
        let _ = self.sh("systemctl reboot", &[], STOP);
        self.wait_up(Some(before))
    }

    /// Ends every process of the node at once, and boots it again.
    ///
    /// The kernel lives on, so what was written but not yet synced is still there: a power cut's lost writes are not
    /// imitated.
    pub fn power_cut(&self) -> Result<()> {
        self.power_off()?;
        self.start()
    }

    pub(crate) fn power_off(&self) -> Result<()> {
        if let Some(leader) = self.leader() {
            // With its PID 1 the kernel ends all of a PID namespace; nspawn then cleans up after it.
            let _ = kill(Pid::from_raw(i32::try_from(leader)?), Signal::SIGKILL);
        }
        let stopped = || Ok(supervisor::nspawn(&self.dir()).is_none());
        if !wait::until(Duration::from_secs(10), Duration::from_millis(10), stopped)? {
            cgroup::kill(&self.name);
            wait::until(Duration::from_secs(10), PAUSE, stopped)?;
        }
        Ok(())
    }

    /// Ends the node and removes everything of it. The last one puts the machine's sysctls back.
    pub fn remove(&self) -> Result<()> {
        self.power_off()?;
        cgroup::kill(&self.name);
        cgroup::remove(&self.name)?;
        lab::remove(&self.root())?;
        let _lock = lab::lock("machine")?;
        lab::remove(&self.dir())?;
        let others = Self::all()?.iter().any(|other| other.owner().is_some());
        if others { Ok(()) } else { sysctl::put_back() }
    }

    /// Waits for a PID 1 other than `before`, and for its systemd to have started everything.
    fn wait_up(&self, before: Option<u32>) -> Result<()> {
        let limit = if before.is_some() { STOP + BOOT } else { BOOT };
        let mut state = String::from("no PID 1");
        let up = wait::until(limit, PAUSE, || {
            if self.leader().is_some_and(|leader| Some(leader) != before) {
                let asked = self.sh("systemctl is-system-running", &[], BOOT);
                asked
                    .map_or_else(|error| error.to_string(), |said| said.stdout.trim().to_owned())
                    .clone_into(&mut state);
            }
            Ok(matches!(state.as_str(), "running" | "degraded"))
        })?;
        if !up {
            let console = fs::read_to_string(self.console()).unwrap_or_default();
            let last = console
                .lines()
                .rev()
                .take(20)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join("\n");
            bail!("node {} did not come up in {limit:?} ({state}); its console ends:\n{last}", self.name);
        }
        self.ok("ip link set lo up").map(drop)
    }
}

/// A name has to do as a host name, a machine name and the name of a directory.
fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty()
        || name.len() > 60
        || !name.chars().all(good)
        || name.starts_with('-')
        || name.ends_with('-')
    {
        bail!("{name:?} is no name for a node: use a to z, 0 to 9 and -, up to 60 of them");
    }
    Ok(())
}
