//! What dockerd leaves behind when it is stopped for good.
//!
//! `KillMode=process` leaves containers and containerd running, so that a restart
//! finds them again; and dockerd takes neither its bridge nor its rules away.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::Host;
use super::api::Api;
use super::flannel::DERIVED_OPTIONS;
use super::listing::Whose;
use super::netfilter::{Backend, Family};
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

/// Where dockerd writes its process id.
const PID_FILE: &str = "/run/docker.pid";

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
        let group = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
        let deadline = Instant::now() + GONE;
        while has_processes(&group) {
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

/// What daemon.json says; nothing where it cannot be read.
fn daemon_keys() -> Map<String, Value> {
    let text = read::text(DAEMON_JSON).ok();
    text.and_then(|text| parse_daemon_json(&text).ok()).unwrap_or_default()
}

/// Of the group or of any below it: containers may have groups of their own.
fn has_processes(group: &Path) -> bool {
    let own = read::of_kernel(group.join("cgroup.procs")).is_ok_and(|text| !text.trim().is_empty());
    let below = || fs::read_dir(group).into_iter().flatten().flatten();
    own || below().any(|entry| entry.path().is_dir() && has_processes(&entry.path()))
}
