//! The whole policy on one screen: configuration and facts in, wanted states out,
//! in the order in which they are brought about.
//!
//! The order is the guide's with its mistakes mended. Forwarding is on before
//! docker starts, because dockerd sets FORWARD to DROP when it finds it off;
//! conflicting firewalls are gone before docker writes its rules; everything that
//! docker is started from is in place before it is started, once.

mod sysctls;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::change::{Want, Wanted};
use crate::config::{Config, Flannel, Flush};
use crate::digest::Digest;
use crate::docker::{self, DAEMON_JSON, FLANNEL_RULE, SOCKET, UNIT, USER_CHAIN};
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

    fn sysctls(&mut self, sources: &Sources<'_>) {
        for fragment in sysctls::fragments(sources) {
            match fragment.text {
                Some(text) => self.file(sources, fragment.path, 0o644, text),
                None => self.need(File(fragment.path), FileState::Absent),
            }
        }
        for (key, value) in sysctls::live_values(sources) {
            let required = sysctls::is_required(&key);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Inputs;

    /// The defaults on a bare Debian node, for tests to vary.
    pub(super) fn with_sources<T>(test: impl FnOnce(&Sources<'_>, &mut Facts) -> T) -> T {
        let nowhere = tempfile::tempdir().unwrap();
        let config = Config::load(&Inputs { root: nowhere.path().to_owned(), ..Inputs::default() }).unwrap();
        let (facts, mut varied) = (Facts::example(), Facts::example());
        let receipt = Receipt::default();
        let program = Digest::of(b"node-setup");
        test(
            &Sources { config: &config, facts: &facts, receipt: &receipt, docker: None, program },
            &mut varied,
        )
    }

    fn names(goals: &[Goal]) -> Vec<String> {
        goals.iter().map(|goal| goal.wanted.name().to_string()).collect()
    }

    #[test]
    fn forwarding_comes_before_docker_and_the_guard_after() {
        with_sources(|sources, _| {
            let names = names(&desired(sources).goals);
            let place = |name: &str| names.iter().position(|known| known == name).expect(name);
            let order = [
                "module br_netfilter",
                "sysctl net.ipv4.ip_forward",
                "table filter (IPv4, nft)",
                "policy FORWARD (IPv4, nft)",
                "file /etc/systemd/system/docker.service",
                "file /etc/docker/daemon.json",
                "unit docker.service",
                "unit node-setup-guard.service",
            ];
            let places: Vec<_> = order.iter().map(|name| place(name)).collect();
            assert!(places.is_sorted(), "{names:#?}");
        });
    }

    #[test]
    fn nothing_is_flushed_under_what_is_alive() {
        with_sources(|sources, facts| {
            facts.alive = ["kubelet".to_owned()].into();
            let desired = desired(&Sources { facts, ..*sources });
            assert!(!names(&desired.goals).iter().any(|name| name.starts_with("table")));
            assert_eq!(desired.notes, ["iptables rules are not flushed: kubelet would lose theirs"]);
        });
    }
}
