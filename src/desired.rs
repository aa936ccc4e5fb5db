//! The whole policy on one screen: configuration and facts in, wanted states out,
//! in the order in which they are brought about.
//!
//! The order is the guide's with its mistakes mended. Forwarding is on before
//! docker starts, because dockerd sets FORWARD to DROP when it finds it off;
//! conflicting firewalls are gone before docker writes its rules; everything that
//! docker is started from is in place before it is started, once.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::change::{Want, Wanted};
use crate::config::{Config, Flannel, Flush};
use crate::digest::Digest;
use crate::docker::{self, DAEMON_JSON, SOCKET, UNIT, USER_CHAIN};
use crate::facts::{Facts, MODULES};
use crate::host::{Availability, Backend, Family, UNIT_DIRECTORY};
use crate::journal::Installed;
use crate::plan::Goal;
use crate::preflight::parse_daemon_json;
use crate::receipt::Receipt;
use crate::render::{self, FLANNEL_OPTIONS, GUARD_UNIT};
use crate::resource::{
    File, FileState, Module, ModuleState, Policy, PolicyState, Readiness, Rule, RuleState, Sysctl,
    SysctlState, Table, TableState, Tree, TreeState, Unit, UnitState,
};
use crate::sysctl;
use crate::version::Version;

/// What the node is to be.
#[derive(Debug, Default)]
pub struct Desired {
    /// The wanted states, in order.
    pub goals: Vec<Goal>,
    /// The contents of files among them, to be named by digest.
    pub contents: Vec<String>,
    /// What was decided that the user may not expect.
    pub notes: Vec<String>,
}

/// What the decisions are made from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// What the user wants.
    pub config: &'a Config,
    /// What the node is.
    pub facts: &'a Facts,
    /// What earlier runs did.
    pub receipt: &'a Receipt,
    /// The docker to have; `None` leaves the binaries as they are.
    pub docker: Option<&'a Installed>,
    /// The digest of this very program, which the guard runs.
    pub program: Digest,
}

/// The ordered list of wanted states.
pub fn desired(sources: &Sources<'_>) -> Desired {
    let mut desired = Desired::default();
    desired.modules(sources);
    desired.sysctls(sources);
    desired.firewalls(sources);
    desired.policies(sources);
    desired.directories(sources);
    desired.binaries(sources);
    desired.configuration(sources);
    desired.guard_files(sources);
    desired.docker(sources);
    desired.rules(sources);
    desired.guard(sources);
    desired
}

/// Where the guard's copy of this program is.
pub fn guard_program(config: &Config) -> PathBuf {
    config.docker.bin_dir.join("node-setup-guard")
}

/// docker's unit, and everything that it is started from.
pub fn docker_unit(config: &Config) -> Unit {
    let mut inputs = docker_inputs();
    if config.network.flannel == Flannel::Off {
        inputs.retain(|path| path != FLANNEL_OPTIONS);
    }
    Unit {
        name: UNIT.to_owned(),
        program: Some(config.docker.bin_dir.join("dockerd")),
        inputs,
        ready: Readiness::Api(socket(config)),
    }
}

/// The files that a start of docker reads, its binary aside.
pub fn docker_inputs() -> Vec<PathBuf> {
    vec![unit_path(UNIT), DAEMON_JSON.into(), FLANNEL_OPTIONS.into()]
}

/// The socket that docker's API is on.
pub fn socket(config: &Config) -> PathBuf {
    let hosts = config.docker.daemon.get("hosts").and_then(Value::as_array);
    let unix =
        hosts.into_iter().flatten().filter_map(Value::as_str).find_map(|host| host.strip_prefix("unix://"));
    PathBuf::from(unix.unwrap_or(SOCKET))
}

/// The rule that lets flannel's packets into docker's bridge.
pub const FLANNEL_RULE: &str = "-i flannel.1 -o docker0 -j ACCEPT";

/// Whether docker of this version keeps other nodes' pods out unless it is told not to.
pub fn needs_flannel_rule(config: &Config, version: Option<Version>) -> bool {
    config.network.flannel != Flannel::Off && version.is_some_and(docker::isolates_bridges)
}

/// The rule, in the backend that docker uses.
pub fn flannel_rule(backend: Backend) -> Rule {
    Rule { backend, family: Family::V4, chain: USER_CHAIN.to_owned(), rule: FLANNEL_RULE.to_owned() }
}

/// The keys of daemon.json that are ours, for docker of this version.
pub fn daemon_keys(config: &Config, version: Option<Version>) -> Map<String, Value> {
    let mut keys = config.docker.daemon.clone();
    if needs_flannel_rule(config, version) {
        for key in version.into_iter().flat_map(docker::routing_keys) {
            keys.entry(key).or_insert(Value::Bool(true));
        }
    }
    if config.network.hairpin {
        keys.entry("userland-proxy").or_insert(Value::Bool(false));
    }
    keys
}

/// The kernel parameters to be set now, and whether docker needs them.
pub fn sysctl_values(sources: &Sources<'_>) -> Vec<(String, String)> {
    let theirs = user_sysctls(sources);
    let mut values: Vec<(String, String)> = if theirs.is_some() {
        own_defaults(&[], sources)
    } else {
        own_defaults(sysctl::RECOMMENDED, sources)
    };
    for (key, value) in theirs.into_iter().flatten().chain(site_sysctls(sources.config)) {
        set(&mut values, key, value);
    }
    values
}

impl Desired {
    fn need<R>(&mut self, on: R, to: R::State)
    where
        R: crate::change::Resource,
        Wanted: From<Want<R>>,
    {
        self.goals.push(Goal::required(Want { on, to }));
    }

    fn file(&mut self, sources: &Sources<'_>, path: PathBuf, mode: u32, text: String) {
        self.directory(sources, path.parent().unwrap_or(&path));
        let sha256 = Digest::of(text.as_bytes());
        self.contents.push(text);
        self.need(File(path), FileState::root_file(sha256, mode));
    }

    /// A directory and those that lead to it, as far as they are not there. One
    /// that is there keeps its owner and mode.
    fn directory(&mut self, sources: &Sources<'_>, path: &Path) {
        let missing = sources.facts.missing_directories.iter();
        for directory in missing.filter(|directory| path.starts_with(directory)) {
            let goal = if dockers_own(sources.config).contains(directory) {
                Goal::required(Want { on: Tree(directory.clone()), to: TreeState::Present })
            } else {
                Goal::required(Want { on: File(directory.clone()), to: FileState::root_directory() })
            };
            if !self.goals.contains(&goal) {
                self.goals.push(goal);
            }
        }
    }

    fn modules(&mut self, sources: &Sources<'_>) {
        let has = |name: &&str| sources.facts.modules.get(*name).copied().unwrap_or(Availability::Missing);
        let loadable: Vec<&str> =
            MODULES.iter().copied().filter(|name| has(name) == Availability::Loadable).collect();
        self.file(
            sources,
            "/etc/modules-load.d/node-setup.conf".into(),
            0o644,
            render::modules_load(&loadable),
        );
        for name in MODULES.iter().filter(|name| has(name) != Availability::Missing) {
            let want = Want { on: Module((*name).to_owned()), to: ModuleState::Loaded };
            let required = matches!(*name, "br_netfilter");
            self.goals.push(if required { Goal::required(want) } else { Goal::best_effort(want) });
        }
    }

    /// The guide's file is written if it is absent or ours. A user's own is
    /// applied as it is, and what docker needs and it lacks goes to a file of ours.
    fn sysctls(&mut self, sources: &Sources<'_>) {
        let own = sources.config.sysctl.file.with_file_name("node-setup.conf");
        let values = sysctl_values(sources);
        let pairs = |values: &[(String, String)]| {
            render::sysctl_d(values.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        };
        match user_sysctls(sources) {
            None => self.file(sources, sources.config.sysctl.file.clone(), 0o644, pairs(&values)),
            Some(theirs) => {
                let lacking: Vec<_> = values.iter().filter(|pair| !theirs.contains(pair)).cloned().collect();
                if lacking.is_empty() {
                    self.need(File(own), FileState::Absent);
                } else {
                    self.file(sources, own, 0o644, pairs(&lacking));
                }
            }
        }
        for (key, value) in values {
            let required = sysctl::REQUIRED.iter().any(|(needed, _)| *needed == key);
            let want = Want { on: Sysctl(key), to: SysctlState::value(&value) };
            self.goals.push(if required { Goal::required(want) } else { Goal::best_effort(want) });
        }
    }

    /// Rules are flushed on a first install only, and never under anything alive.
    fn firewalls(&mut self, sources: &Sources<'_>) {
        for unit in &sources.facts.firewalls {
            self.need(Unit::named(unit), UnitState::MASKED);
        }
        if sources.config.firewall.flush == Flush::Never || sources.receipt.last_run().is_some() {
            return;
        }
        if !sources.facts.alive.is_empty() {
            let alive: Vec<&str> = sources.facts.alive.iter().map(String::as_str).collect();
            self.notes
                .push(format!("iptables rules are not flushed: {} would lose theirs", alive.join(", ")));
            return;
        }
        for (backend, family) in sources.facts.backends.iter().filter(|(_, family)| *family == Family::V4) {
            for table in ["filter", "nat"] {
                let on = Table { backend: *backend, family: *family, table: table.to_owned() };
                self.need(on, TableState::Empty);
            }
        }
    }

    fn policies(&mut self, sources: &Sources<'_>) {
        for (backend, family) in &sources.facts.backends {
            let on = Policy { backend: *backend, family: *family, chain: "FORWARD".to_owned() };
            self.need(on, PolicyState::Accept);
        }
    }

    fn directories(&mut self, sources: &Sources<'_>) {
        for directory in dockers_own(sources.config) {
            self.directory(sources, &directory);
        }
    }

    fn binaries(&mut self, sources: &Sources<'_>) {
        let Some(docker) = sources.docker else { return };
        let bin = &sources.config.docker.bin_dir;
        self.directory(sources, bin);
        for member in &docker.members {
            self.need(File(bin.join(&member.name)), FileState::root_file(member.sha256, 0o755));
        }
        let former = sources.receipt.docker().into_iter().flat_map(|former| &former.members);
        for gone in former.filter(|old| docker.members.iter().all(|member| member.name != old.name)) {
            let path = bin.join(&gone.name);
            if sources.receipt.owned(&File(path.clone()).name()).is_some() {
                self.need(File(path), FileState::Absent);
            }
        }
    }

    fn configuration(&mut self, sources: &Sources<'_>) {
        let config = sources.config;
        self.file(sources, unit_path(UNIT), 0o644, render::docker_service(config));
        let existing = sources.facts.daemon_json.as_deref();
        let parsed = existing.and_then(|text| parse_daemon_json(text).ok());
        let existing = existing.zip(parsed.as_ref());
        let ours = daemon_keys(config, version_of(sources));
        let text = render::daemon_json(existing, sources.receipt.daemon_keys(), &ours);
        let exec_root = ours.get("exec-root").and_then(Value::as_str).unwrap_or("/var/run/docker").to_owned();
        self.file(sources, DAEMON_JSON.into(), 0o644, text);
        self.file(sources, "/etc/tmpfiles.d/node-setup.conf".into(), 0o644, render::tmpfiles(&exec_root));
    }

    fn guard_files(&mut self, sources: &Sources<'_>) {
        let program = guard_program(sources.config);
        self.directory(sources, &sources.config.docker.bin_dir);
        self.file(
            sources,
            unit_path(GUARD_UNIT),
            0o644,
            render::guard_service(&program, needs_flannel_rule(sources.config, version_of(sources))),
        );
        self.need(File(program), FileState::root_file(sources.program, 0o755));
    }

    fn docker(&mut self, sources: &Sources<'_>) {
        self.need(docker_unit(sources.config), UnitState::RUNNING);
    }

    /// Docker's chain is there once docker is.
    fn rules(&mut self, sources: &Sources<'_>) {
        if needs_flannel_rule(sources.config, version_of(sources)) {
            self.need(flannel_rule(sources.facts.docker_backend), RuleState::Present);
        }
    }

    fn guard(&mut self, sources: &Sources<'_>) {
        let inputs = vec![unit_path(GUARD_UNIT), guard_program(sources.config)];
        self.need(Unit { inputs, ..Unit::named(GUARD_UNIT) }, UnitState::RUNNING);
    }
}

/// What the guide's file says, if there is one that is not ours.
fn user_sysctls(sources: &Sources<'_>) -> Option<Vec<(String, String)>> {
    let path = &sources.config.sysctl.file;
    if sources.receipt.owned(&File(path.clone()).name()).is_some() {
        return None;
    }
    let theirs = sources.facts.sysctls.iter().find(|fragment| fragment.path == *path)?;
    let mut values = Vec::new();
    for said in &theirs.assignments {
        set(&mut values, said.key.clone(), said.value.clone());
    }
    Some(values)
}

fn own_defaults(recommended: &[(&str, &str)], sources: &Sources<'_>) -> Vec<(String, String)> {
    let fixed = sysctl::REQUIRED.iter().chain(recommended);
    let fixed = fixed.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let is_lower =
        |(key, limit): &&(&str, u64)| sources.facts.limits.get(*key).is_none_or(|present| present <= limit);
    let limits = if recommended.is_empty() { &[] } else { sysctl::LIMITS };
    let limits = limits.iter().filter(is_lower).map(|(key, limit)| ((*key).to_owned(), limit.to_string()));
    fixed.chain(limits).collect()
}

fn site_sysctls(config: &Config) -> impl Iterator<Item = (String, String)> {
    config.sysctl.values.iter().map(|(key, value)| (key.clone(), value.clone()))
}

fn set(values: &mut Vec<(String, String)>, key: String, value: String) {
    match values.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = value,
        None => values.push((key, value)),
    }
}

/// The directories that docker fills.
fn dockers_own(config: &Config) -> [PathBuf; 3] {
    let dir = &config.docker.dir;
    [dir.join("data"), dir.join("exec"), PathBuf::from("/etc/docker")]
}

fn version_of(sources: &Sources<'_>) -> Option<Version> {
    sources.docker.map(|docker| docker.version).or(sources.facts.docker_version)
}

fn unit_path(unit: &str) -> PathBuf {
    Path::new(UNIT_DIRECTORY).join(unit)
}
