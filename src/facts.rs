//! What this node is. Gathered once, read-only, before anything is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::config::{Config, Flannel};
use crate::desired::socket;
use crate::docker::{BRIDGE, CONTAINERD_SOCKET, DAEMON_JSON, USER_CHAIN};
use crate::error::Refusal;
use crate::flannel::{DockerOptions, FLANNEL_OPTIONS, Foreign, SUBNET_ENV, SubnetEnv, settled};
use crate::host::{
    Availability, Backend, Family, Host, Tools, UNIT_DIRECTORY, UnitFacts, Whose, ipv4_on, loses_rules,
};
use crate::run::because;
use crate::sysctl::{self, Fragment};
use crate::version::Version;
use crate::{Error, Result};

/// The socket unit of docker's distribution packages.
const DOCKER_SOCKET: &str = "docker.socket";

/// The modules that a worker is better off with; `ip_vs` is kube-proxy's.
pub const MODULES: &[&str] = &["br_netfilter", "overlay", "nf_conntrack", "ip_vs"];

/// Which cgroup hierarchy the node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cgroup {
    /// One hierarchy a controller.
    V1,
    /// The unified hierarchy.
    V2,
}

/// The file system that a path is, or will be, on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that root can still write.
    pub free: u64,
    /// Mounted read-only.
    pub read_only: bool,
    /// Mounted so that nothing on it can be executed.
    pub no_exec: bool,
}

/// The node, as far as decisions depend on it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// `x86_64`, `aarch64`, …
    pub arch: String,
    /// Host name.
    pub hostname: String,
    /// Distribution and its version, for people.
    pub distribution: String,
    /// The cgroup hierarchy.
    pub cgroup: Cgroup,
    /// How the kernel has each of [`MODULES`].
    pub modules: BTreeMap<String, Availability>,
    /// Values that the keys of [`sysctl::LIMITS`] have now.
    pub limits: BTreeMap<String, u64>,
    /// sysctl.d, in the order in which it is applied.
    pub sysctls: Vec<Fragment>,
    /// Backends and families that there is an iptables program for.
    pub backends: Vec<(Backend, Family)>,
    /// The backend that docker writes its rules with.
    pub docker_backend: Backend,
    /// Units of [`Config::firewall`]'s list that this node has.
    pub firewalls: Vec<String>,
    /// Where firewalls have rules that are not to run.
    pub firewall_rules: Vec<(Backend, Family, Whose)>,
    /// Directories on the way to the targets that are not there yet.
    pub missing_directories: BTreeSet<PathBuf>,
    /// Room and mount options: for the binaries, and for docker's data.
    pub space: BTreeMap<PathBuf, Space>,
    /// daemon.json as it is.
    pub daemon_json: Option<String>,
    /// flannel's options for docker.
    pub flannel_options: Foreign<DockerOptions>,
    /// flannel's lease.
    pub flannel_lease: Foreign<SubnetEnv>,
    /// docker.service.
    pub docker: UnitFacts,
    /// What docker.service's main process executes, if it runs.
    pub docker_program: Option<PathBuf>,
    /// The version of the docker that answers on the configured socket.
    pub docker_version: Option<Version>,
    /// The containers that run, by name.
    pub containers: Vec<String>,
    /// Whether the docker that answers leaves containers running when it stops.
    pub live_restore: bool,
    /// Whether docker's chain for its users is there, in the backend that docker uses.
    pub user_chain: bool,
    /// The ports of docker's bridge.
    pub ports: Vec<String>,
    /// A unit that listens on docker's socket in its place, as distributions' packages have.
    pub docker_socket: Option<String>,
    /// A dockerd that docker.service did not start.
    pub other_dockerd: Option<PathBuf>,
    /// Whether something listens on containerd's own socket; `None` without a socket.
    pub containerd: Option<bool>,
    /// What is alive that a flush of the rules would hurt: names of processes.
    pub alive: BTreeSet<String>,
}

impl Facts {
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
    let systemd = host.systemd().map_err(|error| no_bus(&error))?;
    let docker = systemd.unit(crate::docker::UNIT)?;
    let docker_program = (docker.main_pid != 0).then(|| program_of(docker.main_pid)).flatten();
    let processes = host.processes()?;
    let firewalls = config.firewall.disable.iter();
    let firewalls: Result<Vec<_>> =
        firewalls.map(|unit| Ok((unit.clone(), systemd.enablement(unit)?))).collect();
    let targets = [config.docker.bin_dir.as_path(), config.docker.dir.as_path()];
    let (flannel_options, flannel_lease) = flannel_files()?;
    Ok(Facts {
        arch: std::env::consts::ARCH.to_owned(),
        hostname: sysinfo::System::host_name().unwrap_or_default(),
        distribution: distribution(),
        cgroup: cgroup(),
        modules: host.kernel().availability(MODULES),
        limits: limits(host)?,
        sysctls: fragments(&config.sysctl.file)?,
        backends: host.netfilter()?.all().collect(),
        docker_backend: Tools::plain(),
        firewalls: firewalls?.into_iter().filter_map(|(unit, state)| state.map(|_| unit)).collect(),
        firewall_rules: firewall_rules(host, config)?,
        missing_directories: missing_directories(config),
        space: targets.iter().map(|path| (path.to_path_buf(), space(path))).collect(),
        daemon_json: read_optional(Path::new(DAEMON_JSON))?,
        flannel_options,
        flannel_lease,
        docker_version: docker.active.then(|| running_version(host, config)).flatten(),
        containers: docker.active.then(|| containers(host, config)).flatten().unwrap_or_default(),
        live_restore: docker.active
            && host.api(&socket(config)).info().is_ok_and(|info| info.live_restore_enabled),
        user_chain: host.netfilter()?.has_chain(Tools::plain(), Family::V4, USER_CHAIN)?,
        ports: host.netlink()?.ports(BRIDGE)?.into_iter().map(|port| port.name).collect(),
        docker_socket: systemd.unit(DOCKER_SOCKET)?.active.then(|| DOCKER_SOCKET.to_owned()),
        other_dockerd: processes
            .iter()
            .find(|(pid, name)| name == "dockerd" && *pid != docker.main_pid)
            .map(|(pid, _)| program_of(*pid).unwrap_or_else(|| PathBuf::from("dockerd"))),
        containerd: Path::new(CONTAINERD_SOCKET)
            .exists()
            .then(|| std::os::unix::net::UnixStream::connect(CONTAINERD_SOCKET).is_ok()),
        alive: processes.into_iter().map(|(_, name)| name).filter(|name| loses_rules(name)).collect(),
        docker,
        docker_program,
    })
}

/// The IPv4 addresses of an interface, if there is one of that name.
pub fn ipv4_of(host: &Host, link: &str) -> Result<Option<Vec<Ipv4Net>>> {
    let netlink = host.netlink()?;
    let Some(found) = netlink.links()?.into_iter().find(|found| found.name == link) else { return Ok(None) };
    Ok(Some(ipv4_on(&netlink.addresses()?, found.index).collect()))
}

/// Without systemd's answers nothing about this node can be decided.
fn no_bus(error: &Error) -> Error {
    let found = format!("the system bus does not answer: {}", because(error));
    let remedy = "start it: systemctl start dbus.socket dbus.service".to_owned();
    Error::Refused(vec![Refusal { id: "dbus", found, remedy }])
}

fn running_version(host: &Host, config: &Config) -> Option<Version> {
    host.api(&socket(config)).version().ok()?.parse().ok()
}

fn firewall_rules(host: &Host, config: &Config) -> Result<Vec<(Backend, Family, Whose)>> {
    let netfilter = host.netfilter()?;
    let disables = |unit: &str| config.firewall.disable.iter().any(|disabled| disabled == unit);
    let ufw = netfilter.all().map(|(backend, family)| (backend, family, Whose::Ufw));
    let mut places: Vec<_> = ufw.filter(|_| disables("ufw.service")).collect();
    if disables("firewalld.service") {
        places.push((Backend::Nft, Family::V4, Whose::Firewalld));
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
    match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| Error::Foreign {
            path: path.to_owned(),
            problem: "it is not UTF-8 text".to_owned(),
            help: "correct it, or move it away".to_owned(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => Err(Error::Foreign {
            path: path.to_owned(),
            problem: "it is a directory".to_owned(),
            help: "move it away".to_owned(),
        }),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// flannel's options for docker, and its lease.
pub fn flannel_files() -> Result<(Foreign<DockerOptions>, Foreign<SubnetEnv>)> {
    Ok((foreign(Path::new(FLANNEL_OPTIONS))?, foreign(Path::new(SUBNET_ENV))?))
}

fn foreign<T: std::str::FromStr<Err = String>>(path: &Path) -> Result<Foreign<T>> {
    match read_optional(path) {
        Ok(None) => Ok(Foreign::Absent),
        Ok(Some(text)) => Ok(text.parse().map_or_else(Foreign::Garbled, Foreign::Says)),
        Err(Error::Foreign { problem, .. }) => Ok(Foreign::Garbled(problem)),
        Err(error) => Err(error),
    }
}

/// `Debian GNU/Linux 12`.
fn distribution() -> String {
    let parts = [sysinfo::System::name(), sysinfo::System::os_version()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn cgroup() -> Cgroup {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() { Cgroup::V2 } else { Cgroup::V1 }
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

fn missing_directories(config: &Config) -> BTreeSet<PathBuf> {
    let data = config.docker.dir.join("data");
    let exec = config.docker.dir.join("exec");
    let fixed = ["/etc/docker", "/etc/sysctl.d", "/etc/modules-load.d", "/etc/tmpfiles.d", UNIT_DIRECTORY];
    let targets = fixed.iter().map(Path::new).chain([config.docker.bin_dir.as_path(), &data, &exec]);
    targets.flat_map(Path::ancestors).filter(|path| !path.exists()).map(Path::to_owned).collect()
}

/// Of the nearest ancestor that exists.
fn space(path: &Path) -> Space {
    let of = |path: &Path| statvfs(path).ok();
    path.ancestors().find_map(of).map_or(Space { free: 0, read_only: true, no_exec: false }, |found| Space {
        free: found.blocks_available() * found.fragment_size(),
        read_only: found.flags().contains(FsFlags::ST_RDONLY),
        no_exec: found.flags().contains(FsFlags::ST_NOEXEC),
    })
}

fn program_of(pid: u32) -> Option<PathBuf> {
    let target = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let text = target.to_string_lossy();
    Some(PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text)))
}

#[cfg(test)]
impl Facts {
    /// A bare Debian node, for tests to vary.
    pub(crate) fn example() -> Self {
        use crate::resource::Enablement;
        let loadable = MODULES.iter().map(|name| ((*name).to_owned(), Availability::Loadable)).collect();
        let space = Space { free: 10 << 30, read_only: false, no_exec: false };
        Self {
            arch: "x86_64".to_owned(),
            hostname: "worker-1".to_owned(),
            distribution: "Debian 12".to_owned(),
            cgroup: Cgroup::V2,
            modules: loadable,
            limits: BTreeMap::new(),
            sysctls: Vec::new(),
            backends: vec![(Backend::Nft, Family::V4), (Backend::Legacy, Family::V4)],
            docker_backend: Backend::Nft,
            firewalls: Vec::new(),
            firewall_rules: Vec::new(),
            missing_directories: BTreeSet::new(),
            space: [("/opt/k8s/bin", space), ("/data/k8s/docker", space)]
                .map(|(path, space)| (PathBuf::from(path), space))
                .into(),
            daemon_json: None,
            flannel_options: Foreign::Absent,
            flannel_lease: Foreign::Absent,
            docker: UnitFacts {
                load_state: "not-found".to_owned(),
                active_state: "inactive".to_owned(),
                sub_state: "dead".to_owned(),
                enablement: Enablement::Disabled,
                active: false,
                needs_reload: false,
                invocation: Vec::new(),
                main_pid: 0,
                restarts: 0,
                result: String::new(),
                started_usec: 0,
                control_group: String::new(),
            },
            docker_program: None,
            docker_version: None,
            containers: Vec::new(),
            live_restore: false,
            user_chain: false,
            ports: Vec::new(),
            docker_socket: None,
            other_dockerd: None,
            containerd: None,
            alive: BTreeSet::new(),
        }
    }
}
