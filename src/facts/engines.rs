//! Other engines for containers, and what of theirs is in docker's way.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::offline;
use super::survey::Seen;
use crate::Result;
use crate::config::Config;
use crate::desired::socket;
use crate::docker::{CONTAINERD_SOCKET, UNIT};
use crate::host::{Host, Socket, socket_at, stat};
use crate::read;

/// The socket unit of docker's distribution packages.
pub(super) const DOCKER_SOCKET: &str = "docker.socket";

/// docker's unit, and the dockers beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockers {
    /// Whether docker.service runs.
    pub active: bool,
    /// Whether it has a process: also while it starts, or is about to end.
    pub has_process: bool,
    /// What its main process executes.
    pub program: Option<PathBuf>,
    /// A dockerd that it did not start.
    pub stray: Option<PathBuf>,
    /// A unit that listens on docker's socket in its place, as distributions' packages have.
    pub socket_unit: Option<String>,
}

/// How kubelet is told to manage cgroups, and where it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubelet {
    /// `systemd` or `cgroupfs`.
    pub driver: String,
    /// The file, or `its command line`.
    pub source: String,
}

/// Engines.
#[derive(Clone, Debug)]
pub struct Engines {
    /// docker's.
    pub dockers: Seen<Dockers>,
    /// Programs of packages, whatever of them runs.
    pub packages: Vec<&'static str>,
    /// What podman has in docker's place.
    pub podman: Vec<&'static str>,
    /// containerd's own socket.
    pub containerd: Socket,
    /// docker's socket.
    pub socket: Socket,
    /// kubelet, where it is known what it is told.
    pub kubelet: Option<Kubelet>,
}

/// Where packages of docker and containerd put what runs; the list of a package stays when it is removed.
const PACKAGED: [&str; 4] =
    ["/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/bin/containerd", "/snap/docker/current/bin/dockerd"];

impl Engines {
    /// Looks.
    pub(super) fn look(host: &Host, config: &Config, processes: &Seen<Vec<(u32, String)>>) -> Self {
        if host.is_offline() {
            let (dockers, containerd) = offline::engines(host);
            return Self {
                dockers: Ok(dockers),
                packages: packages(&config.docker.bin_dir),
                podman: podman(),
                containerd,
                socket: Socket::Absent,
                kubelet: None,
            };
        }
        Self {
            dockers: match processes {
                Ok(processes) => super::survey::seen(dockers(host, processes)),
                Err(unseen) => Err(unseen.clone()),
            },
            packages: packages(&config.docker.bin_dir),
            podman: podman(),
            containerd: socket_at(Path::new(CONTAINERD_SOCKET)),
            socket: socket_at(&socket(config)),
            kubelet: kubelet(processes),
        }
    }
}

fn dockers(host: &Host, processes: &[(u32, String)]) -> Result<Dockers> {
    let systemd = host.systemd()?;
    let unit = systemd.unit(UNIT)?;
    // On its way to another program a child of dockerd has its name for a moment.
    let is_its_own = |pid: u32| stat(pid).is_none_or(|stat| stat.parent == unit.main_pid);
    let stray =
        processes.iter().find(|(pid, name)| name == "dockerd" && *pid != unit.main_pid && !is_its_own(*pid));
    Ok(Dockers {
        active: unit.active,
        has_process: unit.main_pid != 0,
        program: (unit.main_pid != 0).then(|| program_of(unit.main_pid)).flatten(),
        stray: stray.map(|(pid, _)| program_of(*pid).unwrap_or_else(|| PathBuf::from("dockerd"))),
        socket_unit: systemd.unit(DOCKER_SOCKET)?.active.then(|| DOCKER_SOCKET.to_owned()),
    })
}

/// What a process executes, under the name that it had.
fn program_of(pid: u32) -> Option<PathBuf> {
    let target = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let text = target.to_string_lossy();
    Some(PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text)))
}

/// Those that are not where this docker's own are to be.
fn packages(ours: &Path) -> Vec<&'static str> {
    PACKAGED
        .into_iter()
        .filter(|path| !Path::new(path).starts_with(ours) && Path::new(path).exists())
        .collect()
}

fn podman() -> Vec<&'static str> {
    let mut found = Vec::new();
    if Path::new("/run/podman/podman.sock").exists() {
        found.push("podman.socket");
    }
    let mut start = Vec::new();
    let read = read::open("/usr/bin/docker").and_then(|file| file.take(4096).read_to_end(&mut start));
    if read.is_ok() && start.starts_with(b"#!") && String::from_utf8_lossy(&start).contains("podman") {
        found.push("/usr/bin/docker, which is podman's");
    }
    found
}

/// What kubelet is told on its command line, or else in its file.
fn kubelet(processes: &Seen<Vec<(u32, String)>>) -> Option<Kubelet> {
    let pid = processes.iter().flatten().find(|(_, name)| name == "kubelet").map(|(pid, _)| *pid);
    let line = pid.and_then(|pid| read::of_kernel(format!("/proc/{pid}/cmdline")).ok()).unwrap_or_default();
    let words: Vec<&str> = line.split('\0').collect();
    if let Some(driver) = option(&words, "--cgroup-driver") {
        return Some(Kubelet { driver: driver.to_owned(), source: "its command line".to_owned() });
    }
    let named = option(&words, "--config");
    let places = ["/var/lib/kubelet/config.yaml", "/etc/kubernetes/kubelet-config.yaml"];
    let source = named.into_iter().chain(places).find(|path| Path::new(path).is_file())?;
    let text = read::text(source).ok()?;
    Some(Kubelet { driver: driver_in(&text)?.to_owned(), source: source.to_owned() })
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix(name) {
            Some("") => return words.next().copied(),
            Some(rest) if rest.starts_with('=') => return rest.get(1..),
            _ => {}
        }
    }
    None
}

/// kubelet's file is YAML or JSON; the key is at its top in both.
fn driver_in(text: &str) -> Option<&str> {
    let strip = |text: &'static str| move |char: char| char.is_whitespace() || text.contains(char);
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let value = value.split('#').next().unwrap_or(value);
        (key.trim_matches(strip("\"")) == "cgroupDriver").then(|| value.trim_matches(strip("\",'")))
    })
}

#[cfg(test)]
impl Engines {
    /// A machine without any, for tests to vary.
    pub(crate) fn example() -> Self {
        Self {
            dockers: Ok(Dockers::default()),
            packages: Vec::new(),
            podman: Vec::new(),
            containerd: Socket::Absent,
            socket: Socket::Absent,
            kubelet: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelets_driver_is_found_where_it_is_told() {
        for (words, driver) in [
            (&["kubelet", "--cgroup-driver=systemd"][..], Some("systemd")),
            (&["kubelet", "--cgroup-driver", "cgroupfs", "--v=2"], Some("cgroupfs")),
            (&["kubelet", "--cgroup-driver-like=x"], None),
        ] {
            assert_eq!(option(words, "--cgroup-driver"), driver, "{words:?}");
        }
        assert_eq!(driver_in("kind: KubeletConfiguration\ncgroupDriver: systemd\n"), Some("systemd"));
        assert_eq!(driver_in("cgroupDriver: 'cgroupfs' # as docker\n"), Some("cgroupfs"));
        assert_eq!(driver_in("{\n  \"cgroupDriver\": \"cgroupfs\",\n}"), Some("cgroupfs"));
        assert_eq!(driver_in("# cgroups\n"), None);
    }
}
