//! What every command about docker begins with: configuration, machine, receipt, facts.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::change::Step;
use crate::check::Subject;
use crate::cli::SettingOptions;
use crate::config::{Config, Inputs};
use crate::desired::{Desired, Sources, desired, guard_program};
use crate::digest::Digest;
use crate::error::{Id, Refusal};
use crate::event::{Event, Sink, Sinks};
use crate::facts::{self, Facts};
use crate::host::{Host, Interrupt, LIBRARIES, Limits, enter, is_offline, outside};
use crate::journal::{Begin, Installed, SCHEMA, now};
use crate::lock::Lock;
use crate::preflight;
use crate::read;
use crate::receipt::Receipt;
use crate::report::{Collector, Report};
use crate::resource::File;
use crate::{Error, Result, elf};

/// Where the packages have the program.
const PACKAGED: &str = "/usr/bin/node-setup";

/// A node, looked at.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) host: Host,
    pub(super) receipt: Receipt,
    pub(super) facts: Facts,
    program: Digest,
}

/// Reads the configuration.
pub(super) fn load(settings: &SettingOptions) -> Result<Config> {
    Config::load(&Inputs {
        root: "/".into(),
        config_file: settings.config.clone(),
        environment_file: settings.environment.clone(),
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        flags: settings.settings(),
    })
}

/// How long docker may take to come back, for a command that goes back; and what is wrong with the
/// configuration, if something is. Nothing else of it is needed, and one that is not valid may be
/// the very reason to go back. Flags have to be right all the same.
pub(super) fn patience(settings: &SettingOptions) -> Result<(Limits, Option<Error>)> {
    let limits = |config: Config| Limits { ready: config.docker.ready_timeout };
    match load(settings) {
        Ok(config) => Ok((limits(config), None)),
        Err(error) => Ok((limits(Config::of_flags(&settings.settings())?), Some(error))),
    }
}

/// Refuses whoever is not root.
pub(super) fn require_root() -> Result<()> {
    let has_systemd = is_offline() || preflight::has_systemd();
    let refusals = preflight::first_look(nix::unistd::geteuid().is_root(), has_systemd);
    if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
}

/// Enters the root that is worked on, if one was named.
pub(super) fn enter_root(root: Option<&Path>) -> Result<()> {
    let Some(root) = root else { return Ok(()) };
    require_user()?;
    enter(root)
}

/// Refuses whoever is not root, on a machine without systemd too.
pub(super) fn require_user() -> Result<()> {
    let refusals = preflight::first_look(nix::unistd::geteuid().is_root(), true);
    if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
}

/// A node, of which nothing is known but what earlier runs did to it: all that going back needs.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) host: Host,
    pub(super) receipt: Receipt,
}

impl Past {
    /// Reads the journals.
    pub(super) fn read(limits: Limits, interrupt: Interrupt) -> Result<Self> {
        let host = Host::new(limits, interrupt)?;
        let receipt = Receipt::read(&host.journals())?;
        Ok(Self { host, receipt })
    }
}

impl Session {
    /// Looks at the node with this configuration.
    pub(super) fn begin(config: Config, interrupt: Interrupt) -> Result<Self> {
        let Past { host, receipt } = Past::read(Limits { ready: config.docker.ready_timeout }, interrupt)?;
        host.stands_still();
        let facts = facts::gather(&host, &config)?;
        let program = if facts.is_offline { program_for(&host, &facts.arch)? } else { own_digest(&host)? };
        Ok(Self { config, host, receipt, facts, program })
    }

    /// The wanted states of this node with these binaries; their contents are offered.
    pub(super) fn desired(&self, docker: Option<&Installed>) -> Desired {
        self.desired_with(docker, self.program)
    }

    /// The states that the last run left this node in. The guard's program is the
    /// one that was installed: a newer node-setup is no reason to say that
    /// something is wrong with the node.
    pub(super) fn installed(&self) -> Desired {
        let path = guard_program(&self.config);
        let guard = self.receipt.owned(&File(path).name());
        let installed = guard.and_then(|step| match step {
            Step::File(change) => change.to.sha256(),
            _ => None,
        });
        self.desired_with(self.receipt.docker(), installed.unwrap_or(self.program))
    }

    fn desired_with(&self, docker: Option<&Installed>, program: Digest) -> Desired {
        let mut desired = desired(&Sources {
            config: &self.config,
            facts: &self.facts,
            receipt: &self.receipt,
            docker,
            program,
        });
        for text in std::mem::take(&mut desired.contents) {
            self.host.files().offer(text.into_bytes());
        }
        desired
    }

    /// What the checks are about.
    pub(super) fn subject<'a>(&'a self, docker: Option<&'a Installed>, desired: &'a Desired) -> Subject<'a> {
        Subject {
            host: &self.host,
            config: &self.config,
            facts: &self.facts,
            receipt: &self.receipt,
            docker,
            goals: &desired.goals,
            planned: false,
        }
    }

    /// Looks again: after a run, the facts are others.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.receipt = Receipt::read(&self.host.journals())?;
        self.look_again()
    }

    /// Looks at the node again, of which time has passed.
    pub(super) fn look_again(&mut self) -> Result<()> {
        self.host.stands_still();
        self.facts = facts::gather(&self.host, &self.config)?;
        Ok(())
    }
}

/// The digest of this very program, offered as the source of the guard's copy.
fn own_digest(host: &Host) -> Result<Digest> {
    let path = std::env::current_exe().map_err(Error::io("find", "/proc/self/exe"))?;
    let state = host.files().observe(&path)?;
    let sha256 = state.sha256().filter(|_| is_running(&path)).ok_or_else(|| Error::State {
        path: path.clone(),
        problem: "this program was moved or replaced while it runs".to_owned(),
    })?;
    host.files().store().offer_file(&path, sha256);
    Ok(sha256)
}

/// The digest of the node-setup that will run in a root, offered as the source of the guard's copy: this
/// very program, or for another architecture that of the root's own package.
fn program_for(host: &Host, arch: &str) -> Result<Digest> {
    if arch == std::env::consts::ARCH {
        let path = outside(std::env::current_exe).map_err(Error::io("find", "/proc/self/exe"))?;
        let bytes = outside(|| read::whole(&path)).map_err(Error::io("read", &path))?;
        return Ok(host.files().offer(bytes));
    }
    let path = Path::new(PACKAGED);
    let sha256 = host.files().observe(path)?.sha256().filter(|_| elf::arch_of(path).as_deref() == Some(arch));
    if let Some(sha256) = sha256 {
        host.files().store().offer_file(path, sha256);
        return Ok(sha256);
    }
    let own = std::env::consts::ARCH;
    let found =
        format!("this root is for {arch}, this node-setup for {own}, and the guard runs a copy of it");
    let remedy = format!("install the package of node-setup for {arch} into the root first");
    Err(Error::Refused(vec![Refusal { id: Id::PROGRAM_ARCHITECTURE, found, remedy }]))
}

/// Whether what is at `path` is what this process executes: the guard runs a copy of it, as root.
fn is_running(path: &Path) -> bool {
    let inode = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    inode(Path::new("/proc/self/exe")).is_some_and(|own| inode(path) == Some(own))
}

/// Refuses an environment in which iptables would load what is not the node's.
fn refuse_foreign_libraries() -> Result<()> {
    if std::env::var_os(LIBRARIES).is_none() {
        return Ok(());
    }
    Err(Error::Config {
        origin: LIBRARIES.to_owned(),
        problem: "it is set, and iptables would load its extensions from there".to_owned(),
        help: format!("run this without it: env -u {LIBRARIES} node-setup …"),
    })
}

/// Does `work` on the node while nobody else does, and reports what was noted.
/// What is worked on is looked at only then.
pub(super) fn locked<S>(
    (command, wait): (&str, bool),
    mut sinks: Sinks,
    report: &mut Report,
    look: impl FnOnce(Interrupt) -> Result<S>,
    work: impl FnOnce(&mut S, &mut dyn Sink, &mut Report) -> Result<()>,
) -> Result<()> {
    require_root()?;
    refuse_foreign_libraries()?;
    // Before signals are caught: who waits for the lock can be told to stop.
    let _lock = Lock::take(command, wait)?;
    let interrupt = Interrupt::default();
    interrupt.catch()?;
    let mut notes = Collector::default();
    let mut looked_at = look(interrupt)?;
    let ended = work(&mut looked_at, &mut Both(&mut sinks, &mut notes), report);
    notes.enter(report);
    ended
}

/// A run of `command` by this program, now.
pub(super) fn begin(command: &str) -> Begin {
    Begin {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command.to_owned(),
        started: now(),
        docker: None,
        daemon_keys: Vec::new(),
    }
}

/// Two sinks.
pub(super) struct Both<'a>(pub(super) &'a mut dyn Sink, pub(super) &'a mut dyn Sink);

impl Sink for Both<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.0.event(event);
        self.1.event(event);
    }
}
