//! What is known of a system that does not run: what the files of its root say, and nothing of the
//! machine around it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{
    Dockers, Facts, MODULES, distribution, flannel_files, fragments, listed_modules, missing_directories,
    read_optional,
};
use crate::config::Config;
use crate::docker::{DAEMON_JSON, UNIT};
use crate::host::{Availability, Host, Socket, Tools, UnitFacts};
use crate::resource::Enablement;
use crate::{Result, elf};

/// Programs that every system has one of.
const PROGRAMS: [&str; 5] =
    ["/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init", "/bin/sh", "/usr/bin/env"];

/// Looks at the root.
pub(super) fn gather(host: &Host, config: &Config) -> Result<Facts> {
    let (flannel_options, flannel_lease) = flannel_files()?;
    let is_there = |unit: &&String| host.links().enablement(unit).is_some();
    let installed = host.kernel().installed_availability(MODULES)?;
    Ok(Facts {
        is_offline: true,
        arch: arch(),
        hostname: read_optional(Path::new("/etc/hostname"))?.unwrap_or_default().trim().to_owned(),
        distribution: distribution(),
        has_module_index: installed.is_some(),
        modules: installed.unwrap_or_else(all_loadable),
        listed_modules: listed_modules()?,
        limits: BTreeMap::new(),
        sysctls: fragments(&config.sysctl.file)?,
        backends: Vec::new(),
        docker_backend: Tools::plain(),
        firewalls: config.firewall.disable.iter().filter(is_there).cloned().map(super::firewall).collect(),
        firewall_rules: Vec::new(),
        missing_directories: missing_directories(config)?,
        daemon_json: read_optional(Path::new(DAEMON_JSON))?,
        flannel_options,
        flannel_lease,
        docker: UnitFacts::at_rest(host.links().enablement(UNIT)),
        docker_version: None,
        containers: Vec::new(),
        daemon: None,
        user_chain: false,
        ports: Vec::new(),
        alive: BTreeSet::new(),
    })
}

/// What the root's programs are for.
pub(super) fn arch() -> String {
    let known = PROGRAMS.iter().find_map(|path| elf::arch_of(Path::new(path)));
    known.unwrap_or_else(|| "unknown: no program of it tells".to_owned())
}

/// Whether there is a systemd that a boot would start.
pub(super) fn has_systemd() -> bool {
    ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].iter().any(|path| Path::new(path).is_file())
}

/// The engines that a boot would start beside docker.
pub(super) fn engines(host: &Host) -> (Dockers, Socket) {
    let is_enabled = |unit: &str| host.links().state(unit) == Enablement::Enabled;
    let enabled = |unit: &str| is_enabled(unit).then(|| unit.to_owned());
    let dockers = Dockers { socket_unit: enabled("docker.socket"), ..Dockers::default() };
    let containerd = enabled("containerd.service");
    (
        dockers,
        containerd.map_or(Socket::Absent, |unit| Socket::Alive(Some(format!("{unit}, which is enabled")))),
    )
}

/// The kernel comes later, and has them as every distribution's has.
fn all_loadable() -> BTreeMap<String, Availability> {
    MODULES.iter().map(|name| ((*name).to_owned(), Availability::Loadable)).collect()
}
