//! What this node is. Gathered once, read-only, before anything is decided.
//!
//! [`Facts`] are what the wanted states and the checks depend on: without one of them
//! nothing can be decided. [`Survey`] is what preflight judges: each part of it may be
//! unknown, which is then what preflight says of it.

mod engines;
mod kernel;
mod machine;
mod network;
mod offline;
mod survey;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;

use crate::config::{Config, Flannel};
use crate::desired::{MODULES_LOAD, PRESET_DIRECTORY, socket};
use crate::docker::{BRIDGE, DAEMON_JSON, UNIT, USER_CHAIN};
use crate::flannel::{DockerOptions, FLANNEL_OPTIONS, Foreign, SUBNET_ENV, SubnetEnv, settled};
use crate::host::{
    Availability, Backend, DaemonInfo, Family, Host, Tools, UNIT_DIRECTORY, UnitFacts, Whose, ipv4_on,
    loses_rules, stranger,
};
use crate::preflight;
use crate::read;
use crate::render::{FLANNEL_PATH, GUARD_UNIT};
use crate::sysctl::{self, Fragment};
use crate::version::Version;
use crate::{Error, Result};

use engines::DOCKER_SOCKET;
pub use engines::{Dockers, Engines, Kubelet};
pub use kernel::{Features, Kernel};
pub use machine::{Cgroup, Machine};
pub use network::{Network, Proxies, Tables};
pub use survey::{Seen, Survey, Target, Unseen, Wanted, strangers};
pub use volumes::{Restriction, Role, Volume};

/// The modules that a worker is better off with; `ip_vs` is kube-proxy's.
pub const MODULES: &[&str] = &["br_netfilter", "overlay", "nf_conntrack", "ip_vs"];

/// A firewall's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    /// Its name.
    pub unit: String,
    /// Whether its file is where the link would be that masks it. systemd then masks nothing
    /// (systemctl(1), mask), so that it can be disabled and stopped, and no more.
    pub is_local: bool,
}

/// The node, as far as decisions depend on it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether this is a root that does not run.
    pub is_offline: bool,
    /// `x86_64`, `aarch64`, …
    pub arch: String,
    /// Host name.
    pub hostname: String,
    /// Distribution and its version, for people.
    pub distribution: String,
    /// How the kernel has each of [`MODULES`].
    pub modules: BTreeMap<String, Availability>,
    /// Whether it is known which modules the kernel has: a container has the machine's kernel, and
    /// not its list of modules.
    pub has_module_index: bool,
    /// The modules that our file names to be loaded at boot.
    pub listed_modules: Vec<String>,
    /// Values that the keys of [`sysctl::LIMITS`] have now.
    pub limits: BTreeMap<String, u64>,
    /// sysctl.d, in the order in which it is applied.
    pub sysctls: Vec<Fragment>,
    /// Backends and families that there is an iptables program for.
    pub backends: Vec<(Backend, Family)>,
    /// The backend that docker writes its rules with.
    pub docker_backend: Backend,
    /// Units of [`Config::firewall`]'s list that this node has.
    pub firewalls: Vec<Firewall>,
    /// Where firewalls have rules that are not to run.
    pub firewall_rules: Vec<(Backend, Family, Whose)>,
    /// Directories on the way to the targets that are not there yet.
    pub missing_directories: BTreeSet<PathBuf>,
    /// daemon.json as it is.
    pub daemon_json: Option<String>,
    /// flannel's options for docker.
    pub flannel_options: Foreign<DockerOptions>,
    /// flannel's lease.
    pub flannel_lease: Foreign<SubnetEnv>,
    /// docker.service.
    pub docker: UnitFacts,
    /// The version of the docker that answers on the configured socket.
    pub docker_version: Option<Version>,
    /// The containers that run, by name.
    pub containers: Vec<String>,
    /// What the docker that answers says of itself.
    pub daemon: Option<DaemonInfo>,
    /// Whether docker's chain for its users is there, in the backend that docker uses.
    pub user_chain: bool,
    /// The ports of docker's bridge.
    pub ports: Vec<String>,
    /// What is alive that a flush of the rules would hurt: names of processes.
    pub alive: BTreeSet<String>,
}

impl Facts {
    /// Whether the docker that answers leaves containers running when it stops.
    pub fn live_restore(&self) -> bool {
        self.daemon.as_ref().is_some_and(|daemon| daemon.live_restore_enabled)
    }

    /// The network options that a start of docker takes from flannel, if there are any.
    pub fn network_options(&self, config: &Config) -> Option<DockerOptions> {
        if config.network.flannel == Flannel::Off {
            return None;
        }
        settled(&self.flannel_options, &self.flannel_lease).ok().flatten()
    }
}

/// Looks at the node.
pub fn gather(host: &Host, config: &Config) -> Result<Facts> {
    if host.is_offline() {
        return offline::gather(host, config);
    }
    let systemd = host.systemd().map_err(|error| Error::Refused(preflight::no_bus(&error)))?;
    let netfilter = host.netfilter()?;
    netfilter.look_ahead();
    systemd.look_ahead(&[UNIT, DOCKER_SOCKET, GUARD_UNIT, FLANNEL_PATH], &config.firewall.disable);
    let docker = systemd.unit(UNIT)?;
    let daemon = docker.active.then(|| host.api(&socket(config)).ask_info());
    let processes = host.processes()?;
    let firewalls = config.firewall.disable.iter();
    let firewalls: Result<Vec<_>> =
        firewalls.map(|unit| Ok((unit.clone(), systemd.enablement(unit)?))).collect();
    let (flannel_options, flannel_lease) = flannel_files()?;
    Ok(Facts {
        is_offline: false,
        arch: std::env::consts::ARCH.to_owned(),
        hostname: sysinfo::System::host_name().unwrap_or_default(),
        distribution: distribution(),
        modules: host.kernel().availability(MODULES)?,
        has_module_index: host.kernel().has_index()?,
        listed_modules: listed_modules()?,
        limits: limits(host)?,
        sysctls: fragments(&config.sysctl.file)?,
        backends: netfilter.all().collect(),
        docker_backend: Tools::plain(),
        firewalls: firewalls?.into_iter().filter_map(|(unit, state)| state.map(|_| firewall(unit))).collect(),
        firewall_rules: firewall_rules(host, config)?,
        missing_directories: missing_directories(config)?,
        daemon_json: read_optional(Path::new(DAEMON_JSON))?,
        flannel_options,
        flannel_lease,
        docker_version: docker.active.then(|| running_version(host, config)).flatten(),
        containers: docker.active.then(|| containers(host, config)).flatten().unwrap_or_default(),
        user_chain: netfilter.has_chain(Tools::plain(), Family::V4, USER_CHAIN)?,
        ports: host.netlink()?.ports(BRIDGE)?.into_iter().map(|port| port.name).collect(),
        alive: processes.into_iter().map(|(_, name)| name).filter(|name| loses_rules(name)).collect(),
        daemon: daemon.and_then(|asked| asked.answer().ok()),
        docker,
    })
}

/// The IPv4 addresses of an interface, if there is one of that name.
pub fn ipv4_of(host: &Host, link: &str) -> Result<Option<Vec<Ipv4Net>>> {
    let netlink = host.netlink()?;
    let Some(found) = netlink.links()?.into_iter().find(|found| found.name == link) else { return Ok(None) };
    Ok(Some(ipv4_on(&netlink.addresses()?, found.index).collect()))
}

fn running_version(host: &Host, config: &Config) -> Option<Version> {
    host.api(&socket(config)).version().ok()?.parse().ok()
}

fn firewall(unit: String) -> Firewall {
    let own = Path::new(UNIT_DIRECTORY).join(&unit);
    let is_local = own.symlink_metadata().is_ok_and(|found| !found.is_symlink());
    Firewall { unit, is_local }
}

/// Where firewalld has its rules: one table for both families.
pub const FIREWALLD_RULES: (Backend, Family, Whose) = (Backend::Nft, Family::V4, Whose::Firewalld);

fn firewall_rules(host: &Host, config: &Config) -> Result<Vec<(Backend, Family, Whose)>> {
    let netfilter = host.netfilter()?;
    let disables = |whose: Whose| config.firewall.disable.iter().any(|unit| unit == whose.unit());
    let ufw = netfilter.all().map(|(backend, family)| (backend, family, Whose::Ufw));
    let mut places: Vec<_> = ufw.filter(|_| disables(Whose::Ufw)).collect();
    if disables(Whose::Firewalld) {
        places.push(FIREWALLD_RULES);
    }
    let mut found = Vec::new();
    for (backend, family, whose) in places {
        if netfilter.count(backend, family, whose)? > 0 {
            found.push((backend, family, whose));
        }
    }
    Ok(found)
}

fn containers(host: &Host, config: &Config) -> Option<Vec<String>> {
    let running = host.api(&socket(config)).running().ok()?;
    Some(running.iter().map(|container| container.name().to_owned()).collect())
}

/// Reads a file that need not be there.
pub fn read_optional(path: &Path) -> Result<Option<String>> {
    let error = match read::text(path) {
        Ok(text) => return Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => error,
    };
    Err(match read::problem(&error) {
        Some(problem) => {
            Error::Foreign { path: path.to_owned(), problem, help: "correct it, or move it away".to_owned() }
        }
        None => Error::io("read", path)(error),
    })
}

/// flannel's options for docker, and its lease.
pub fn flannel_files() -> Result<(Foreign<DockerOptions>, Foreign<SubnetEnv>)> {
    Ok((foreign(Path::new(FLANNEL_OPTIONS))?, foreign(Path::new(SUBNET_ENV))?))
}

fn foreign<T: std::str::FromStr<Err = String>>(path: &Path) -> Result<Foreign<T>> {
    match read_optional(path) {
        Ok(None) => Ok(Foreign::Absent),
        // docker is started with what it says, by root.
        Ok(Some(text)) => Ok(match stranger(path) {
            Some(stranger) => {
                let remedy = stranger.remedy();
                Foreign::Garbled(format!("{stranger}, and docker would be started with it: {remedy}"))
            }
            None => text.parse().map_or_else(Foreign::Garbled, Foreign::Says),
        }),
        Err(Error::Foreign { problem, .. }) => Ok(Foreign::Garbled(problem)),
        Err(error) => Err(error),
    }
}

/// `Debian GNU/Linux 12`.
fn distribution() -> String {
    let text = OS_RELEASE.into_iter().find_map(|path| read::text(path).ok());
    distribution_in(&text.unwrap_or_default())
}

/// The second is what the first is a link to, unless the site has its own (os-release(5)).
const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

fn distribution_in(text: &str) -> String {
    let value = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim().trim_matches(['"', '\'']))
    };
    [value("NAME"), value("VERSION_ID")].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn limits(host: &Host) -> Result<BTreeMap<String, u64>> {
    let mut limits = BTreeMap::new();
    for (key, _) in sysctl::LIMITS {
        if let Some(value) = host.kernel().sysctl(key)?.and_then(|text| text.trim().parse().ok()) {
            limits.insert((*key).to_owned(), value);
        }
    }
    Ok(limits)
}

fn fragments(own: &Path) -> Result<Vec<Fragment>> {
    let listing = |directory: &&str| fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: BTreeSet<PathBuf> =
        sysctl::DIRECTORIES.iter().flat_map(listing).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    paths.insert(own.to_owned());
    let mut fragments = Vec::new();
    for path in paths {
        if let Some(text) = read_optional(&path)? {
            fragments.push(Fragment { assignments: sysctl::parse(&text), path });
        }
    }
    Ok(sysctl::in_order(fragments))
}

fn listed_modules() -> Result<Vec<String>> {
    let text = read_optional(Path::new(MODULES_LOAD))?.unwrap_or_default();
    Ok(text.lines().map(str::trim).filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

/// The directories that lead to what is to be, as far as they are not there. A link that leads nowhere is
/// somebody's: what it is to lead to, a disk perhaps, is not there yet.
fn missing_directories(config: &Config) -> Result<BTreeSet<PathBuf>> {
    let [data, exec] = config.roots();
    let fixed = [
        "/etc/docker",
        "/etc/sysctl.d",
        "/etc/modules-load.d",
        "/etc/tmpfiles.d",
        UNIT_DIRECTORY,
        PRESET_DIRECTORY,
    ];
    let targets = fixed.iter().map(Path::new).chain([config.docker.bin_dir.as_path(), &data, &exec]);
    let mut missing = BTreeSet::new();
    for path in targets.flat_map(Path::ancestors).filter(|path| !path.exists()) {
        if path.is_symlink() {
            return Err(Error::Foreign {
                path: path.to_owned(),
                problem: "a link that leads nowhere".to_owned(),
                help: "mount or make what it leads to, or remove it".to_owned(),
            });
        }
        missing.insert(path.to_owned());
    }
    Ok(missing)
}

#[cfg(test)]
impl Facts {
    /// A bare Debian node, for tests to vary.
    pub(crate) fn example() -> Self {
        let loadable = MODULES.iter().map(|name| ((*name).to_owned(), Availability::Loadable)).collect();
        Self {
            is_offline: false,
            arch: "x86_64".to_owned(),
            hostname: "worker-1".to_owned(),
            distribution: "Debian 12".to_owned(),
            modules: loadable,
            has_module_index: true,
            listed_modules: Vec::new(),
            limits: BTreeMap::new(),
            sysctls: Vec::new(),
            backends: vec![(Backend::Nft, Family::V4), (Backend::Legacy, Family::V4)],
            docker_backend: Backend::Nft,
            firewalls: Vec::new(),
            firewall_rules: Vec::new(),
            missing_directories: BTreeSet::new(),
            daemon_json: None,
            flannel_options: Foreign::Absent,
            flannel_lease: Foreign::Absent,
            docker: UnitFacts::at_rest(None),
            docker_version: None,
            containers: Vec::new(),
            daemon: None,
            user_chain: false,
            ports: Vec::new(),
            alive: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_others_need_not_be_there_and_must_be_a_file() {
        let scratch = tempfile::tempdir().unwrap();
        let fifo = scratch.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read_optional(&scratch.path().join("absent")).unwrap(), None);
        let error = read_optional(&fifo).unwrap_err();
        assert!(matches!(&error, Error::Foreign { .. }), "{error}");
        assert!(error.to_string().ends_with("it is not a regular file"), "{error}");
        let found: Foreign<DockerOptions> = foreign(&fifo).unwrap();
        assert_eq!(found, Foreign::Garbled("it is not a regular file".to_owned()));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_a_directory_that_is_missing() {
        let scratch = tempfile::tempdir().unwrap();
        let (link, disk) = (scratch.path().join("data"), scratch.path().join("disk"));
        std::os::unix::fs::symlink(&disk, &link).unwrap();
        let mut config = Config::default();
        config.docker.daemon.insert("data-root".to_owned(), link.join("docker").to_string_lossy().into());
        let error = missing_directories(&config).unwrap_err();
        assert!(error.to_string().ends_with("a link that leads nowhere"), "{error}");
        fs::create_dir(&disk).unwrap();
        assert!(missing_directories(&config).unwrap().contains(&link.join("docker")));
    }

    #[test]
    fn a_distribution_is_its_name_and_version() {
        for (text, expected) in [
            ("PRETTY_NAME=\"x\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n", "Debian GNU/Linux 12"),
            ("NAME=Fedora\nVERSION_ID=41\n", "Fedora 41"),
            ("NAME='Arch Linux'\n", "Arch Linux"),
            ("", ""),
        ] {
            assert_eq!(distribution_in(text), expected);
        }
    }

    #[test]
    fn flannels_file_counts_if_nobody_else_could_have_written_it() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("docker");
        fs::write(&path, "DOCKER_NETWORK_OPTIONS=\" --bip=10.0.0.1/24 --mtu=1450\"\n").unwrap();
        for (mode, counts) in [(0o644, true), (0o666, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found: Foreign<DockerOptions> = foreign(&path).unwrap();
            assert_eq!(found.says().is_some(), counts, "{found:?}");
        }
    }
}
