//! What dockerd leaves behind when it is stopped for good.
//!
//! `KillMode=process` leaves containers and containerd running, so that a restart
//! finds them again; and dockerd takes neither its bridge nor its rules away.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde_json::{Map, Value};

use super::Host;
use super::api::Api;
use super::flannel::DERIVED_OPTIONS;
use super::listing::Whose;
use super::netfilter::{Backend, Family};
use super::shims::is_shim;
use crate::desired::flannel_rule;
use crate::docker::{self, Admission, BRIDGE, DAEMON_JSON};
use crate::preflight::parse_daemon_json;
use crate::read;
use crate::{Error, Result};

/// Directories that docker and containerd make beside their own, innermost first.
const DIRECTORIES: &[&str] = &[
    "/run/docker/plugins",
    "/run/docker",
    "/run/containerd/s",
    "/run/containerd",
    "/opt/containerd/bin",
    "/opt/containerd/lib",
    "/opt/containerd",
];

/// Where shims listen, those of another containerd too.
const SHIM_SOCKETS: &str = "/run/containerd/s";

/// Where dockerd writes its process id.
const PID_FILE: &str = "/run/docker.pid";

/// Where control groups are.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Below that: the one hierarchy of cgroup v2; with v1, the one that systemd has for itself; and where
/// there are both, which of the two it uses depends on its version.
const HIERARCHIES: [&str; 3] = ["", "systemd", "unified"];

/// How long a container may take to stop: docker kills it after ten seconds.
const STOP: Duration = Duration::from_secs(20);

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(10);

impl Host {
    /// Stops every container that runs, if there is a daemon to ask.
    pub fn stop_containers(&self, socket: &Path) -> Result<()> {
        let api = self.patient_api(socket);
        if api.ping().is_err() {
            return Ok(());
        }
        api.running()?.iter().try_for_each(|container| api.stop(&container.id))
    }

    /// docker's API, for what takes as long as a container does.
    pub fn patient_api(&self, socket: &Path) -> Api {
        Api::new(socket.to_owned(), STOP)
    }

    /// Ends what is left of a stopped docker: processes, the socket and the pid file
    /// of one that was killed, the options it was started with, bridge, rules, empty
    /// directories.
    pub fn clear_engine(&self, unit: &str, socket: &Path) -> Result<()> {
        self.end_processes(unit)?;
        for path in [socket, Path::new(PID_FILE), Path::new(DERIVED_OPTIONS)] {
            self.files().remove_leftover(path)?;
        }
        dead_sockets(Path::new(SHIM_SOCKETS)).try_for_each(|path| self.files().remove_leftover(&path))?;
        let netlink = self.netlink()?;
        if let Some(bridge) = netlink.link(BRIDGE)? {
            netlink.delete(bridge.index)?;
        }
        let netfilter = self.netfilter()?;
        for (backend, family) in netfilter.all() {
            // The guard puts it there at a boot, also after a run that was to and did not come to it.
            if let Some(ours) =
                flannel_rule(Admission::UserChain, backend).filter(|rule| rule.family == family)
                && netfilter.has_rule(&ours)?
            {
                netfilter.delete_rule(&ours)?;
            }
            netfilter.remove(backend, family, Whose::Docker)?;
        }
        netfilter.remove(Backend::Nft, Family::V4, Whose::DockerTables)?;
        DIRECTORIES.iter().try_for_each(|directory| self.files().remove_if_empty(Path::new(directory)))?;
        // Once the unit is known to be disabled, nobody looks at these again.
        self.files().flush()
    }

    /// Takes out what a newer docker has left, once an older one runs in its place: rules that
    /// nobody would keep up to date, before those that are.
    pub(super) fn clear_newer_engine(&self, unit: &str, socket: &Path) -> Result<()> {
        let version = self.api(socket).version()?.parse();
        let Some(version) = version.ok().filter(|version| !docker::makes_forward_chain(*version)) else {
            return Ok(());
        };
        let netfilter = self.netfilter()?;
        let arguments = self.arguments(unit)?.unwrap_or_default();
        let is_told = arguments.iter().any(|argument| argument.starts_with("--ip6tables"));
        let filters_ipv6 = is_told || docker::filters_ipv6(version, &daemon_keys());
        for (backend, family) in netfilter.all() {
            let is_nobodys = family == Family::V6 && !filters_ipv6;
            let whose = if is_nobodys { Whose::Docker } else { Whose::NewerDocker };
            netfilter.remove(backend, family, whose)?;
        }
        Ok(())
    }

    fn end_processes(&self, unit: &str) -> Result<()> {
        let systemd = self.systemd()?;
        let group = systemd.unit(unit)?.control_group;
        if group.is_empty() {
            return systemd.reset_failed(unit);
        }
        let groups = groups(Path::new(CGROUPS), &group);
        // Those of a docker that has not answered when it was to stop them: they have groups of their own.
        let processes = processes_of(&groups)?.into_iter();
        self.end_under(&processes.filter(|pid| is_shim(*pid)).collect::<Vec<_>>())?;
        let deadline = Instant::now() + GONE;
        while !processes_of(&groups)?.is_empty() {
            systemd.kill_all(unit)?;
            if Instant::now() >= deadline {
                return Err(Error::Timeout {
                    what: format!("the end of what {unit} left running"),
                    after: GONE,
                    help: format!("see: systemctl status {unit}"),
                });
            }
            self.pause(Duration::from_millis(10));
        }
        systemd.reset_failed(unit)
    }
}

/// Sockets on which nobody listens any more.
fn dead_sockets(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    let is_dead = |path: &PathBuf| {
        UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    sockets.map(|entry| entry.path()).filter(is_dead)
}

/// What daemon.json says; nothing where it cannot be read.
fn daemon_keys() -> Map<String, Value> {
    let text = read::text(DAEMON_JSON).ok();
    text.and_then(|text| parse_daemon_json(&text).ok()).unwrap_or_default()
}

/// Where a unit's control group is in each of the hierarchies that systemd keeps processes in.
fn groups(hierarchies: &Path, group: &str) -> [PathBuf; 3] {
    HIERARCHIES.map(|name| hierarchies.join(name).join(group.trim_start_matches('/')))
}

fn processes_of(groups: &[PathBuf]) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    groups.iter().try_for_each(|group| collect_processes(group, &mut all))?;
    Ok(all)
}

/// Of the group and of all below it: containers may have groups of their own.
fn collect_processes(group: &Path, all: &mut Vec<u32>) -> Result<()> {
    let procs = group.join("cgroup.procs");
    match read::of_kernel(&procs) {
        Err(error) if says_nothing(&error) => {}
        text => {
            let text = text.map_err(Error::io("read", procs))?;
            all.extend(text.lines().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    let unreadable = || Error::io("read the directory", group);
    let entries = match fs::read_dir(group) {
        Err(error) if says_nothing(&error) => return Ok(()),
        entries => entries.map_err(unreadable())?,
    };
    for entry in entries {
        let below = entry.and_then(|entry| Ok(entry.file_type()?.is_dir().then(|| entry.path())));
        match below {
            Ok(Some(below)) => collect_processes(&below, all)?,
            Err(error) if !says_nothing(&error) => return Err(unreadable()(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether there is nothing to be told of a group: it is gone (ENODEV where its file was open when it
/// went), or it is one of threads, whose processes a group above it lists (EOPNOTSUPP; Threads in the
/// kernel's cgroup-v2.rst).
fn says_nothing(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENODEV | Errno::EOPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_found_in_every_hierarchy_and_in_groups_below() {
        const UNIT: &str = "/system.slice/docker.service";
        for (place, procs, expected) in [
            ("system.slice/docker.service", "4711\n", true),
            ("system.slice/docker.service", "", false),
            ("system.slice/docker.service/a/b", "4711\n", true),
            ("systemd/system.slice/docker.service", "4711\n", true),
            ("unified/system.slice/docker.service/a", "4711\n", true),
            ("memory/system.slice/docker.service", "4711\n", false),
            ("system.slice/other.service", "4711\n", false),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            let group = scratch.path().join(place);
            fs::create_dir_all(&group).unwrap();
            fs::write(group.join("cgroup.procs"), procs).unwrap();
            let found = processes_of(&groups(scratch.path(), UNIT)).unwrap();
            assert_eq!(found, if expected { vec![4711] } else { vec![] }, "{place}: {procs:?}");
        }
    }

    #[test]
    fn a_socket_is_dead_on_which_nobody_listens() {
        use std::os::unix::net::UnixListener;
        let scratch = tempfile::tempdir().unwrap();
        let [alive, dead] = ["alive", "dead"].map(|name| scratch.path().join(name));
        let _listener = UnixListener::bind(alive).unwrap();
        drop(UnixListener::bind(&dead).unwrap());
        fs::write(scratch.path().join("file"), "").unwrap();
        assert_eq!(dead_sockets(scratch.path()).collect::<Vec<_>>(), [dead]);
        assert_eq!(dead_sockets(&scratch.path().join("gone")).count(), 0);
    }

    #[test]
    fn a_group_that_cannot_be_read_is_not_one_without_processes() {
        let scratch = tempfile::tempdir().unwrap();
        let look = |group: &Path| processes_of(&[group.to_owned()]);
        assert!(look(&scratch.path().join("gone")).unwrap().is_empty());
        fs::create_dir_all(scratch.path().join("below/cgroup.procs")).unwrap();
        let error = look(scratch.path()).unwrap_err();
        assert!(error.to_string().ends_with("below/cgroup.procs"), "{error}");
        for (errno, expected) in [
            (Errno::ENOENT, true),
            (Errno::ENODEV, true),
            (Errno::EOPNOTSUPP, true),
            (Errno::EMFILE, false),
            (Errno::EIO, false),
            (Errno::EACCES, false),
        ] {
            assert_eq!(says_nothing(&errno.into()), expected, "{errno}");
        }
    }
}
