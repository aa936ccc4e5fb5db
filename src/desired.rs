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

use crate::change::{Step, Want, Wanted};
use crate::config::{Config, Flannel, Flush};
use crate::digest::Digest;
use crate::docker::{self, Admission, DAEMON_JSON, SOCKET, UNIT};
use crate::facts::{FIREWALLD_RULES, Facts, Firewall, MODULES};
use crate::flannel::{FLANNEL_OPTIONS, SUBNET_ENV};
use crate::host::{Availability, Backend, Family, UNIT_DIRECTORY, Whose, is_container};
use crate::journal::Installed;
use crate::plan::Goal;
use crate::preflight::parse_daemon_json;
use crate::receipt::Receipt;
use crate::render::{self, FLANNEL_PATH, FLANNEL_UNIT, GUARD_UNIT};
use crate::resource::{
    Bridge, BridgeState, Chains, ChainsState, Enablement, File, FileState, Hairpin, HairpinState, Module,
    ModuleState, Policy, PolicyState, Readiness, Remains, RemainsState, Rule, RuleState, Sysctl, SysctlState,
    Table, TableState, Tree, TreeState, Unit, UnitState,
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
    desired.remains(sources);
    desired.directories(sources);
    desired.binaries(sources);
    desired.configuration(sources);
    desired.guard_files(sources);
    desired.flannel_files(sources);
    desired.preset(sources);
    desired.early_rule(sources);
    desired.docker(sources);
    desired.rules(sources);
    desired.ports(sources);
    desired.guard(sources);
    desired.flannel(sources);
    if sources.facts.is_offline { desired.offline() } else { desired }
}

/// The modules that are loaded at boot.
pub const MODULES_LOAD: &str = "/etc/modules-load.d/node-setup.conf";

/// Where it is said which units a first boot enables.
pub const PRESET_DIRECTORY: &str = "/etc/systemd/system-preset";

/// Ours is read before a distribution's, and the first that names a unit decides (systemd.preset(5)).
const PRESET: &str = "10-node-setup.preset";

/// Where the guard's copy of this program is.
pub fn guard_program(config: &Config) -> PathBuf {
    config.docker.bin_dir.join("node-setup-guard")
}

/// docker's unit, and everything that it is started from.
pub fn docker_unit(config: &Config) -> Unit {
    let mut inputs = docker_inputs();
    if config.network.flannel == Flannel::Off {
        inputs.retain(|path| path != FLANNEL_OPTIONS && path != SUBNET_ENV);
    }
    Unit {
        name: UNIT.to_owned(),
        program: Some(config.docker.bin_dir.join("dockerd")),
        inputs,
        ready: Readiness::Api(socket(config)),
        hanging: Vec::new(),
    }
}

/// The files that a start of docker reads, its binary aside.
pub fn docker_inputs() -> Vec<PathBuf> {
    vec![unit_path(UNIT), DAEMON_JSON.into(), FLANNEL_OPTIONS.into(), SUBNET_ENV.into()]
}

/// The socket that docker's API is on.
pub fn socket(config: &Config) -> PathBuf {
    let hosts = config.docker.daemon.get("hosts").and_then(Value::as_array);
    let unix =
        hosts.into_iter().flatten().filter_map(Value::as_str).find_map(|host| host.strip_prefix("unix://"));
    PathBuf::from(unix.unwrap_or(SOCKET))
}

/// How docker of this version is made to let other nodes' pods in.
pub fn admission(config: &Config, version: Option<Version>) -> Admission {
    match version {
        Some(version) if config.network.flannel != Flannel::Off => {
            docker::admission(version, &config.docker.daemon)
        }
        _ => Admission::Open,
    }
}

/// The rule that it takes, in the backend that docker uses.
pub fn flannel_rule(admission: Admission, backend: Backend) -> Option<Rule> {
    let (table, chain, rule) = admission.rule()?;
    let (table, chain) = (table.to_owned(), chain.to_owned());
    Some(Rule { backend, family: Family::V4, table, chain, rule })
}

/// The backend that docker of this version has its rules in.
pub fn docker_backend(facts: &Facts, version: Option<Version>) -> Backend {
    let legacy = (Backend::Legacy, Family::V4);
    if version.is_some_and(docker::prefers_legacy) && facts.backends.contains(&legacy) {
        Backend::Legacy
    } else {
        facts.docker_backend
    }
}

/// The keys of daemon.json that are ours, for docker of this version.
pub fn daemon_keys(config: &Config, version: Option<Version>) -> Map<String, Value> {
    let mut keys = config.docker.daemon.clone();
    if let Some(version) = version.filter(|_| config.network.flannel != Flannel::Off) {
        for (key, value) in docker::routing_keys(version, &config.docker.daemon) {
            keys.entry(key).or_insert(value);
        }
    }
    if config.network.hairpin {
        keys.entry("userland-proxy").or_insert(Value::Bool(false));
    }
    keys
}

/// docker0, as docker will be told by flannel or by its own keys.
pub fn bridge(config: &Config, facts: &Facts) -> Bridge {
    let own = || config.docker.daemon.get("bip").and_then(Value::as_str).and_then(|bip| bip.parse().ok());
    let net = facts.network_options(config).map(|options| options.bip).or_else(own);
    Bridge::new(net, docker_unit(config))
}

/// docker's rules, where it makes any that `iptables` shows.
pub fn chains(config: &Config, facts: &Facts, version: Option<Version>) -> Option<Chains> {
    let keys = daemon_keys(config, version);
    if !docker::makes_chains(version, &keys) {
        return None;
    }
    Some(Chains { backend: docker_backend(facts, version), docker: docker_unit(config) })
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

    /// What is listed stays listed where the kernel does not lack it: a list from before the first
    /// boot is right for the kernel that it is right for.
    fn modules(&mut self, sources: &Sources<'_>) {
        let facts = sources.facts;
        let has = |name: &&str| facts.modules.get(*name).copied().unwrap_or(Availability::Missing);
        let may_stay = |name: &&str| {
            let is_lacking = facts.has_module_index && has(name) == Availability::Missing;
            !is_lacking && facts.listed_modules.iter().any(|listed| listed == name)
        };
        let listed = MODULES.iter().filter(|name| has(name) == Availability::Loadable || may_stay(name));
        let listed: Vec<&str> = listed.copied().collect();
        self.file(sources, MODULES_LOAD.into(), 0o644, render::modules_load(&listed));
        if facts.is_offline && !facts.has_module_index && facts.listed_modules.is_empty() {
            self.notes.push(format!(
                "there is no kernel in this root yet; each boot is to load {}",
                listed.join(", ")
            ));
        }
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
        for firewall in &sources.facts.firewalls {
            let to = if firewall.is_local { UnitState::DISABLED } else { UnitState::MASKED };
            self.need(Unit::named(&firewall.unit), to);
        }
        self.firewall_rules(sources);
        if sources.config.firewall.flush == Flush::Never || sources.receipt.is_installed() {
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

    /// What firewalls have done without their units, undone as the units would: ufw's
    /// policies first, or connections would be cut. A firewalld that is stopped while it
    /// starts has made its table since the node was looked at, and leaves it behind.
    fn firewall_rules(&mut self, sources: &Sources<'_>) {
        let mut places = sources.facts.firewall_rules.clone();
        let is_firewalld = |firewall: &Firewall| firewall.unit == Whose::Firewalld.unit();
        if sources.facts.firewalls.iter().any(is_firewalld) && !places.contains(&FIREWALLD_RULES) {
            places.push(FIREWALLD_RULES);
        }
        for (backend, family, whose) in places {
            let chains: &[&str] = if whose == Whose::Ufw { &["INPUT", "OUTPUT"] } else { &[] };
            for chain in chains {
                let on = Policy { backend, family, chain: (*chain).to_owned() };
                self.need(on, PolicyState::Accept);
            }
            self.need(Remains { backend, family, whose }, RemainsState::None);
        }
    }

    fn policies(&mut self, sources: &Sources<'_>) {
        for (backend, family) in &sources.facts.backends {
            let on = Policy { backend: *backend, family: *family, chain: "FORWARD".to_owned() };
            self.need(on, PolicyState::Accept);
        }
    }

    /// Where docker does not have its rules, none of docker's belong.
    fn remains(&mut self, sources: &Sources<'_>) {
        let dockers = docker_backend(sources.facts, version_of(sources));
        for (backend, family) in sources.facts.backends.iter().filter(|(backend, _)| *backend != dockers) {
            let on = Remains { backend: *backend, family: *family, whose: Whose::Docker };
            self.need(on, RemainsState::None);
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
        let former = sources.receipt.members().into_iter();
        for gone in former.filter(|old| docker.members.iter().all(|member| member.name != *old)) {
            let path = bin.join(gone);
            if sources.receipt.owned(&File(path.clone()).name()).is_some() {
                self.need(File(path), FileState::Absent);
            }
        }
    }

    fn configuration(&mut self, sources: &Sources<'_>) {
        let config = sources.config;
        self.file(sources, unit_path(UNIT), 0o644, render::docker_service(config, &guard_program(config)));
        let existing = sources.facts.daemon_json.as_deref();
        let parsed = existing.and_then(|text| parse_daemon_json(text).ok());
        let existing = existing.zip(parsed.as_ref());
        let ours = daemon_keys(config, version_of(sources));
        let text = render::daemon_json(existing, &sources.receipt.daemon_keys(), &ours);
        let exec_root = ours.get("exec-root").and_then(Value::as_str).unwrap_or("/var/run/docker").to_owned();
        let mode = if render::holds_secret(&text) { 0o600 } else { 0o644 };
        self.file(sources, DAEMON_JSON.into(), mode, text);
        self.file(sources, "/etc/tmpfiles.d/node-setup.conf".into(), 0o644, render::tmpfiles(&exec_root));
    }

    fn guard_files(&mut self, sources: &Sources<'_>) {
        let program = guard_program(sources.config);
        self.directory(sources, &sources.config.docker.bin_dir);
        self.file(
            sources,
            unit_path(GUARD_UNIT),
            0o644,
            render::guard_service(&program, admission(sources.config, version_of(sources))),
        );
        self.need(File(program), FileState::root_file(sources.program, 0o755));
    }

    /// At the first boot of an image systemd may enable and disable every unit by its presets. What was
    /// enabled before that is to stay so.
    fn preset(&mut self, sources: &Sources<'_>) {
        let path = Path::new(PRESET_DIRECTORY).join(PRESET);
        if !sources.facts.is_offline && sources.receipt.owned(&File(path.clone()).name()).is_none() {
            return;
        }
        let follows = sources.config.network.flannel != Flannel::Off;
        let units = [Some(UNIT), Some(GUARD_UNIT), follows.then_some(FLANNEL_PATH)];
        let text = render::preset(&units.into_iter().flatten().collect::<Vec<_>>());
        self.file(sources, path, 0o644, text);
    }

    /// What can be had of it in a root that does not run.
    fn offline(self) -> Self {
        let goal = |Goal { wanted, need }| Some(Goal { wanted: wanted.offline()?, need });
        Self { goals: self.goals.into_iter().filter_map(goal).collect(), ..self }
    }

    /// What docker's chain has is kept over its starts: where there is one already,
    /// a docker that will drop what is not accepted finds the rule in place.
    fn early_rule(&mut self, sources: &Sources<'_>) {
        let admission = admission(sources.config, version_of(sources));
        if sources.facts.user_chain || matches!(admission, Admission::Mark(_)) {
            self.rule(sources, admission);
        }
    }

    fn docker(&mut self, sources: &Sources<'_>) {
        let facts = sources.facts;
        if let (Some(to), Some(from)) = (sources.docker, facts.docker_version)
            && to.version != from
            && !facts.containers.is_empty()
        {
            self.notes.push(docker::announcement(from, to.version, facts.live_restore(), &facts.containers));
        }
        self.need(docker_unit(sources.config), UnitState::RUNNING);
        if let Some(chains) = chains(sources.config, facts, version_of(sources)) {
            self.need(chains, ChainsState::Whole);
        }
        if facts.containers.is_empty() && !facts.alive.iter().any(|name| is_container(name)) {
            self.need(bridge(sources.config, facts), BridgeState::AsTold);
        }
    }

    /// Docker's chain is there once docker is.
    fn rules(&mut self, sources: &Sources<'_>) {
        self.rule(sources, admission(sources.config, version_of(sources)));
    }

    fn rule(&mut self, sources: &Sources<'_>, admission: Admission) {
        let backend = docker_backend(sources.facts, version_of(sources));
        let wanted = flannel_rule(admission, backend);
        let former = sources.receipt.all_owned().filter_map(|step| match step {
            Step::Rule(change) if wanted.as_ref() != Some(&change.on) => Some(&change.on),
            _ => None,
        });
        for rule in former {
            self.need(rule.clone(), RuleState::Absent);
        }
        if let Some(rule) = wanted {
            self.need(rule, RuleState::Present);
        }
    }

    /// The ports that are there; docker sees to those to come.
    fn ports(&mut self, sources: &Sources<'_>) {
        if !sources.config.network.hairpin {
            return;
        }
        for port in &sources.facts.ports {
            let want = Want { on: Hairpin(port.clone()), to: HairpinState::On };
            self.goals.push(Goal::best_effort(want));
        }
    }

    fn guard(&mut self, sources: &Sources<'_>) {
        let inputs = vec![unit_path(GUARD_UNIT), guard_program(sources.config)];
        self.need(Unit { inputs, ..Unit::named(GUARD_UNIT) }, UnitState::RUNNING);
    }

    /// What follows flannel, where it is to be followed; and nothing of it otherwise.
    fn flannel_files(&mut self, sources: &Sources<'_>) {
        let config = sources.config;
        let (service, path) = (unit_path(FLANNEL_UNIT), unit_path(FLANNEL_PATH));
        if config.network.flannel != Flannel::Off {
            let text = render::flannel_service(&guard_program(config), &socket(config));
            self.file(sources, service, 0o644, text);
            self.file(sources, path, 0o644, render::flannel_path());
        } else if sources.receipt.owned(&File(path.clone()).name()).is_some() {
            let stopped = UnitState { enablement: Enablement::Disabled, active: false, fresh: true };
            self.need(Unit::named(FLANNEL_PATH), stopped);
            self.need(File(path), FileState::Absent);
            self.need(File(service), FileState::Absent);
        }
    }

    fn flannel(&mut self, sources: &Sources<'_>) {
        if sources.config.network.flannel != Flannel::Off {
            self.need(Unit::named(FLANNEL_PATH), UnitState::RUNNING);
        }
    }
}

/// The directories that docker fills.
fn dockers_own(config: &Config) -> [PathBuf; 3] {
    let [data, exec] = config.roots();
    [data, exec, PathBuf::from("/etc/docker")]
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
    fn of_a_root_that_does_not_run_nothing_is_wanted_that_runs() {
        with_sources(|sources, facts| {
            let of_the_disk =
                |name: &String| ["file", "tree", "unit"].iter().any(|kind| name.starts_with(kind));
            let on_a_node = names(&desired(sources).goals);
            facts.is_offline = true;
            facts.firewalls =
                vec![crate::facts::Firewall { unit: "ufw.service".to_owned(), is_local: false }];
            let goals = desired(&Sources { facts, ..*sources }).goals;
            let in_a_root = names(&goals);
            let preset = "file /etc/systemd/system-preset/10-node-setup.preset".to_owned();
            let mut wanted: Vec<String> = on_a_node.into_iter().filter(of_the_disk).collect();
            wanted.extend([preset, "unit ufw.service".to_owned()]);
            wanted.sort();
            let mut found = in_a_root.clone();
            found.sort();
            assert_eq!(found, wanted);
            let enabled = UnitState { enablement: Enablement::Enabled, active: false, fresh: true };
            for goal in &goals {
                let Wanted::Unit(unit) = &goal.wanted else { continue };
                let state = if unit.on.name == "ufw.service" { &UnitState::MASKED } else { &enabled };
                assert_eq!(&unit.to, state, "{}", unit.on.name);
            }
        });
    }

    #[test]
    fn modules_that_were_listed_before_the_first_boot_stay_where_the_kernel_may_have_them() {
        let listed = |facts: &Facts, sources: &Sources<'_>| {
            let contents = desired(&Sources { facts, ..*sources }).contents;
            contents.first().expect("the list of modules").contains("ip_vs")
        };
        with_sources(|sources, facts| {
            for (availability, has_index, was_listed, is_listed) in [
                (Availability::Loadable, true, false, true),
                (Availability::Missing, true, true, false),
                (Availability::Missing, false, true, true),
                (Availability::Missing, false, false, false),
                (Availability::BuiltIn, true, true, true),
                (Availability::BuiltIn, true, false, false),
            ] {
                facts.modules.insert("ip_vs".to_owned(), availability);
                facts.has_module_index = has_index;
                facts.listed_modules = if was_listed { vec!["ip_vs".to_owned()] } else { Vec::new() };
                assert_eq!(listed(facts, sources), is_listed, "{availability:?} {has_index} {was_listed}");
            }
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
