//! Whether this node should be touched: every reason at once, before anything is.
//!
//! A check is a name, what it needs, and a pure function of what was seen. What it calls
//! a failure ends a run before it begins; what it warns of is said beside it. Both can be
//! skipped by name, but for what a node would certainly not survive or could not be set up
//! without. Looking is done in [`crate::facts`].

mod engines;
mod files;
mod kernel;
mod machine;
mod network;
mod storage;

use std::path::Path;

use crate::error::{Error, Refusal};
use crate::facts::{Seen, Survey, Unseen};
use crate::finding::{Finding, Status, Verdict};

pub use files::parse_daemon_json;
pub use kernel::{MODULES, options};

/// What preflight looks at under one name.
#[derive(Debug)]
pub struct Check {
    /// Stable name, such as `cgroup-version`.
    pub id: &'static str,
    /// What it wants to see.
    pub needed: &'static str,
    /// Whether the site may go on all the same.
    pub may_skip: bool,
    judge: fn(&Survey<'_>) -> Verdicts,
}

/// What a check says: one verdict, or a failure for each thing that is amiss.
#[derive(Debug)]
struct Verdicts(Vec<Verdict>);

impl From<Verdict> for Verdicts {
    fn from(verdict: Verdict) -> Self {
        Self(vec![verdict])
    }
}

impl From<&Unseen> for Verdict {
    fn from(unseen: &Unseen) -> Self {
        Self::unknown(&unseen.why, unseen.remedy.clone())
    }
}

impl Verdicts {
    /// What is amiss, or else that nothing is.
    fn or_pass(amiss: Vec<Verdict>, detail: impl FnOnce() -> String) -> Self {
        if amiss.is_empty() { Verdict::pass(detail()).into() } else { Self(amiss) }
    }
}

/// Judges what was seen; what was not is unknown.
fn known<T, V: Into<Verdicts>>(seen: &Seen<T>, judge: impl FnOnce(&T) -> V) -> Verdicts {
    match seen {
        Ok(seen) => judge(seen).into(),
        Err(unseen) => Verdict::from(unseen).into(),
    }
}

macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $may:ident, $room:ident::$judge:ident, $needed:literal;)*) => {
        $(
            $(#[$doc])*
            pub static $name: Check =
                Check { id: $id, needed: $needed, may_skip: $may, judge: $room::$judge };
        )*

        /// Every check, in the order in which people read them.
        pub static CHECKS: &[&Check] = &[$(&$name),*];
    };
}

const ALWAYS: bool = false;
const SKIPPABLE: bool = true;

checks! {
    /// Whoever is not root can change nothing.
    ROOT = "root", ALWAYS, machine::root, "root";
    /// docker is a unit of systemd here.
    SYSTEMD = "systemd", ALWAYS, machine::systemd, "systemd as PID 1";
    /// Nothing is known of units without its answers.
    DBUS = "dbus", ALWAYS, machine::dbus, "systemd answers on the system bus";
    /// How old systemd is, and how it is.
    SYSTEMD_STATE = "systemd-state", SKIPPABLE, machine::systemd_state, "systemd 230 or later that is not stopping";
    /// The archives are for two.
    ARCHITECTURE = "architecture", ALWAYS, machine::architecture, "x86_64 or aarch64";
    /// The kernel's version.
    KERNEL_VERSION = "kernel-version", SKIPPABLE, kernel::version, "Linux 3.10 or later, better 4.0";
    /// What the kernel was built with.
    KERNEL_FEATURES = "kernel-features", SKIPPABLE, kernel::features, "namespaces, cgroups, bridges, NAT and what else docker uses";
    /// Modules that a kernel says it has must be there.
    KERNEL_MODULE = "kernel-module", SKIPPABLE, kernel::modules, "br_netfilter, and the files of the kernel's other modules";
    /// The file system that images are stacked with.
    OVERLAY = "overlay", SKIPPABLE, kernel::overlay, "overlayfs in the kernel";
    /// Old dockers run on the old hierarchy alone.
    CGROUP_VERSION = "cgroup-version", SKIPPABLE, machine::cgroup_version, "a cgroup hierarchy that this docker runs on";
    /// What containers can be limited by.
    CGROUP_CONTROLLERS = "cgroup-controllers", SKIPPABLE, machine::cgroup_controllers, "cpu, cpuset, memory and pids";
    /// docker and kubelet must agree.
    CGROUP_DRIVER = "cgroup-driver", SKIPPABLE, machine::cgroup_driver, "docker and kubelet with one cgroup driver";
    /// Nothing can be put onto it.
    READ_ONLY = "read-only", SKIPPABLE, storage::read_only, "file systems that can be written to";
    /// Nothing can be executed from it.
    NOEXEC = "noexec", SKIPPABLE, storage::no_exec, "binaries where they may be executed";
    /// Restrictions that containers feel.
    NOSUID = "nosuid", SKIPPABLE, storage::restricted, "docker's data without nosuid, nodev and noexec";
    /// Bytes.
    SPACE = "space", SKIPPABLE, storage::space, "400 MiB for the binaries, 1 GiB for docker's data";
    /// Files.
    INODES = "inodes", SKIPPABLE, storage::inodes, "room for 50,000 files in docker's data";
    /// What overlayfs works on.
    DATA_FILESYSTEM = "data-filesystem", SKIPPABLE, storage::data_filesystem, "a local file system with d_type for docker's data";
    /// What leads to programs that root runs.
    OWNERS = "owners", SKIPPABLE, storage::owners, "directories that nobody but root can change";
    /// Two dockers on one node.
    OTHER_DOCKER = "other-docker", SKIPPABLE, engines::other_docker, "no other docker that runs";
    /// Another docker that could run.
    DOCKER_PACKAGES = "docker-packages", SKIPPABLE, engines::packages, "no docker or containerd of a package";
    /// podman in docker's place.
    PODMAN = "podman", SKIPPABLE, engines::podman, "no podman that stands in for docker";
    /// dockerd adopts whatever is there.
    FOREIGN_CONTAINERD = "foreign-containerd", SKIPPABLE, engines::containerd, "no containerd socket of somebody else's";
    /// Where docker's API is to be.
    DOCKER_SOCKET = "docker-socket", SKIPPABLE, engines::socket, "docker's socket free";
    /// Who may speak to it.
    DOCKER_GROUP = "docker-group", SKIPPABLE, engines::group, "a group that exists, with members who may be root";
    /// Where else docker is to listen.
    PORTS = "ports", SKIPPABLE, network::ports, "the TCP ports of docker's hosts free";
    /// Where flannel's packets come in.
    VXLAN_PORT = "vxlan-port", SKIPPABLE, network::vxlan_port, "UDP port 8472 free, or flannel's";
    /// docker makes its rules with it.
    IPTABLES = "iptables", SKIPPABLE, network::iptables, "iptables";
    /// The kernel evaluates both.
    IPTABLES_BACKENDS = "iptables-backends", SKIPPABLE, network::backends, "rules in one backend";
    /// What a flush opens, or flannel cannot pass.
    INPUT_POLICY = "input-policy", SKIPPABLE, network::input_policy, "INPUT policy ACCEPT";
    /// Labels.
    SELINUX = "selinux", SKIPPABLE, machine::selinux, "SELinux permissive or off";
    /// Profiles.
    APPARMOR = "apparmor", SKIPPABLE, machine::apparmor, "apparmor_parser, where AppArmor is on";
    /// kubelet does not start with it.
    SWAP = "swap", SKIPPABLE, machine::swap, "no swap";
    /// Something has to keep the clock right.
    TIME_SYNC = "time-sync", SKIPPABLE, machine::time_sync, "a program that keeps the clock right";
    /// A clock that is far off.
    CLOCK = "clock", SKIPPABLE, machine::clock, "a clock that is not behind what was seen already";
    /// The node's name in the cluster.
    HOSTNAME = "hostname", SKIPPABLE, machine::hostname, "a host name that Kubernetes accepts";
    /// What containers ask for names.
    DNS = "dns", SKIPPABLE, network::dns, "a name server that containers can reach";
    /// dockerd does not take its proxy from the shell.
    PROXY = "proxy", SKIPPABLE, network::proxy, "dockerd told of the proxy, where there is one";
    /// What would undo docker's forwarding.
    SYSCTL_CONFLICT = "sysctl-conflict", SKIPPABLE, files::sysctl_conflict, "forwarding on, and bridged packets through iptables";
    /// What the next boot would undo besides.
    SYSCTL_OVERRIDE = "sysctl-override", SKIPPABLE, files::sysctl_override, "no later file with another value for a key of ours";
    /// flannel's files, as they are.
    FLANNEL_OPTIONS = "flannel-options", SKIPPABLE, files::flannel_options, "flannel's files whole, and of one lease";
    /// flannel's files, where they must be.
    FLANNEL_MISSING = "flannel-missing", SKIPPABLE, files::flannel_missing, "flannel's files, where network.flannel is \"required\"";
    /// daemon.json, as dockerd would read it.
    DAEMON_JSON = "daemon-json", SKIPPABLE, files::daemon_json, "a daemon.json that this docker starts with";
    /// Two who decide the bridge's address.
    FLANNEL_CLASH = "flannel-clash", SKIPPABLE, files::flannel_clash, "bip, mtu and ip-masq said in one place";
}

/// What can be said of a root that does not run. The others are about what runs, or about the machine.
static OFFLINE: &[&Check] = &[
    &ROOT,
    &SYSTEMD,
    &ARCHITECTURE,
    &READ_ONLY,
    &SPACE,
    &OTHER_DOCKER,
    &DOCKER_PACKAGES,
    &PODMAN,
    &FOREIGN_CONTAINERD,
    &DOCKER_GROUP,
    &IPTABLES,
    &SELINUX,
    &SYSCTL_CONFLICT,
    &SYSCTL_OVERRIDE,
    &DAEMON_JSON,
    &FLANNEL_CLASH,
];

/// The check of this name.
pub fn find(id: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.id == id)
}

/// What every check found, in order.
pub fn judge(survey: &Survey<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| judge_one(check, survey)).collect()
}

fn judge_one(check: &Check, survey: &Survey<'_>) -> Vec<Finding> {
    if survey.is_offline && OFFLINE.iter().all(|known| known.id != check.id) {
        return vec![Finding::of(check.id, Verdict::skip("the system in this root does not run"))];
    }
    let is_skipped = check.may_skip && survey.config.preflight.skip.has(check.id);
    let skipped_by = is_skipped.then(|| survey.config.origin("preflight.skip").to_owned());
    let find = |verdict: Verdict| {
        let found = Finding::of(check.id, verdict);
        let counts = found.is_of_interest();
        Finding {
            status: if is_skipped && counts { Status::Skip } else { found.status },
            needed: matches!(found.status, Status::Fail | Status::Warn).then(|| check.needed.to_owned()),
            skipped_by: skipped_by.clone().filter(|_| counts),
            ..found
        }
    };
    (check.judge)(survey).0.into_iter().map(find).collect()
}

/// The reasons not to begin.
pub fn refusals(findings: &[Finding]) -> Vec<Refusal> {
    let failed = findings.iter().filter(|finding| finding.status == Status::Fail);
    failed
        .filter_map(|finding| {
            let remedy = finding.remedy.clone().unwrap_or_default();
            Some(Refusal { id: find(&finding.id)?.into(), found: finding.detail.clone(), remedy })
        })
        .collect()
}

/// What somebody has to know who goes on: what was skipped that speaks against it.
pub fn skipped(findings: &[Finding]) -> impl Iterator<Item = String> {
    findings.iter().filter_map(|finding| {
        let by = finding.skipped_by.as_ref()?;
        Some(format!("{} was skipped ({by}): {}", finding.id, finding.detail))
    })
}

/// What somebody has to know whose node is about to be changed.
pub fn warnings(findings: &[Finding]) -> impl Iterator<Item = String> {
    let warned = findings.iter().filter(|finding| finding.status == Status::Warn);
    warned.map(|finding| format!("{}: {}", finding.id, finding.detail))
}

/// What a first look at the machine must find before anything else is asked.
pub fn first_look(is_root: bool, has_systemd: bool) -> Vec<Refusal> {
    let looks = [(&ROOT, machine::judge_root(is_root)), (&SYSTEMD, machine::judge_systemd(has_systemd))];
    let findings: Vec<Finding> =
        looks.into_iter().map(|(check, verdict)| Finding::of(check.id, verdict)).collect();
    refusals(&findings)
}

/// Without systemd's answers nothing about this node can be decided.
pub fn no_bus(error: &Error) -> Vec<Refusal> {
    refusals(&[Finding::of(DBUS.id, machine::no_bus(&error.in_one_line()))])
}

/// Whether PID 1 is systemd: it alone makes this directory (`sd_booted(3)`).
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether a site may skip what this name stands for; the error is what is wrong with it.
pub fn may_skip(id: &str) -> Result<(), String> {
    match find(id) {
        Some(check) if check.may_skip => Ok(()),
        Some(_) => Err(format!("{id} cannot be skipped: without it nothing can be done on a node")),
        None => Err(format!("there is no preflight check {id}")),
    }
}

#[cfg(test)]
mod tests;
