//! The machine as such: its manager, its security modules, its clock, its name.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::offline;
use super::survey::{Seen, Unseen, seen};
use crate::host::{Host, Manager, enforces};
use crate::read;

/// Which cgroup hierarchy the node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cgroup {
    /// One hierarchy a controller.
    V1,
    /// The unified hierarchy.
    V2,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Whether this is root.
    pub is_root: bool,
    /// Whether PID 1 is systemd.
    pub has_systemd: bool,
    /// What systemd says of itself.
    pub manager: Seen<Manager>,
    /// Whether this is a container, whose clock and swap are the machine's around it.
    pub is_container: bool,
    /// `x86_64`, `aarch64`, …
    pub arch: String,
    /// The cgroup hierarchy.
    pub cgroup: Cgroup,
    /// The controllers that can be used.
    pub controllers: Seen<BTreeSet<String>>,
    /// Areas of swap.
    pub swap: Seen<Vec<String>>,
    /// Whether `SELinux` enforces, or will; `None` where there is none.
    pub selinux: Option<bool>,
    /// Whether `AppArmor` is on, and its parser installed; `None` where there is none.
    pub apparmor: Option<bool>,
    /// Programs that keep the clock right, and run.
    pub timekeepers: Vec<String>,
    /// Now, in seconds since the epoch.
    pub now: u64,
    /// The latest time that the machine is known to have seen, and how it is known.
    pub seen_time: Option<(u64, String)>,
    /// What the kernel has as its name.
    pub hostname: String,
    /// The members of the group docker; `None` without such a group.
    pub docker_group: Seen<Option<Vec<String>>>,
    /// Names of groups.
    pub groups: BTreeSet<String>,
}

/// Programs that keep a clock right: systemd's, chrony, ntpd, openntpd, linuxptp, and the
/// agents of hypervisors.
const TIMEKEEPERS: [&str; 9] = [
    "systemd-timesyn",
    "systemd-timesyncd",
    "chronyd",
    "ntpd",
    "openntpd",
    "ptp4l",
    "phc2sys",
    "VBoxService",
    "vmtoolsd",
];

/// Files that are written when the time is known to be right, or at the latest boot.
const WITNESSES: [&str; 4] = [
    "/var/lib/systemd/timesync/clock",
    "/var/lib/systemd/random-seed",
    "/var/lib/chrony/drift",
    "/var/log/wtmp",
];

impl Machine {
    /// Looks.
    pub(super) fn look(host: &Host, processes: &Seen<Vec<(u32, String)>>) -> Self {
        let names = processes.iter().flatten().map(|(_, name)| name);
        let group = unseen_unless(read::text("/etc/group"), "/etc/group");
        let is_offline = host.is_offline();
        Self {
            is_root: nix::unistd::geteuid().is_root(),
            has_systemd: if is_offline { offline::has_systemd() } else { crate::preflight::has_systemd() },
            manager: seen(host.systemd().and_then(|systemd| systemd.about())),
            is_container: Path::new("/run/systemd/container").exists(),
            arch: if is_offline { offline::arch() } else { std::env::consts::ARCH.to_owned() },
            cgroup: cgroup(),
            controllers: controllers(),
            swap: read("/proc/swaps").map(|text| swap_areas(&text)),
            selinux: enforces(),
            apparmor: apparmor(),
            timekeepers: names.filter(|name| TIMEKEEPERS.contains(&name.as_str())).cloned().collect(),
            now: crate::journal::now(),
            seen_time: WITNESSES.iter().filter_map(|path| witness(path)).max(),
            hostname: sysinfo::System::host_name().unwrap_or_default(),
            groups: group.iter().flat_map(|text| group_names(text)).collect(),
            docker_group: group.map(|text| members(&text, "docker")),
        }
    }
}

/// A file of the kernel's, or why there is none to be had.
pub(super) fn read(path: &str) -> Seen<String> {
    unseen_unless(read::of_kernel(path), path)
}

fn unseen_unless(text: io::Result<String>, path: &str) -> Seen<String> {
    text.map_err(|error| Unseen::new(format!("{path} cannot be read: {error}")))
}

fn cgroup() -> Cgroup {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() { Cgroup::V2 } else { Cgroup::V1 }
}

fn controllers() -> Seen<BTreeSet<String>> {
    match cgroup() {
        Cgroup::V2 => read("/sys/fs/cgroup/cgroup.controllers")
            .map(|text| text.split_whitespace().map(str::to_owned).collect()),
        Cgroup::V1 => read("/proc/cgroups").map(|text| enabled_controllers(&text)),
    }
}

/// `/proc/cgroups` has a line a controller, whose fourth field says whether it is on.
fn enabled_controllers(text: &str) -> BTreeSet<String> {
    let enabled = |line: &str| {
        let mut fields = line.split_whitespace();
        let name = fields.next().filter(|name| !name.starts_with('#'))?;
        (fields.nth(2) == Some("1")).then(|| name.to_owned())
    };
    text.lines().filter_map(enabled).collect()
}

/// Below a head, a line an area, whose first field is its file.
fn swap_areas(text: &str) -> Vec<String> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// runc goes by the same two: whether the kernel has it, and whether it can be given profiles.
fn apparmor() -> Option<bool> {
    let enabled = read::of_kernel("/sys/module/apparmor/parameters/enabled").ok()?;
    let is_on = enabled.starts_with('Y') && Path::new("/sys/kernel/security/apparmor").exists();
    is_on.then(|| crate::host::find_program("apparmor_parser").is_some())
}

fn witness(path: &str) -> Option<(u64, String)> {
    let written = fs::metadata(path).ok()?.modified().ok()?;
    Some((written.duration_since(UNIX_EPOCH).ok()?.as_secs(), path.to_owned()))
}

fn group_names(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| line.split(':').next()).map(str::to_owned)
}

/// The members of a group, of group(5).
fn members(text: &str, group: &str) -> Option<Vec<String>> {
    let line = text.lines().find(|line| line.split(':').next() == Some(group))?;
    let members = line.split(':').nth(3).unwrap_or_default();
    Some(members.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
impl Machine {
    /// A Debian machine as it should be, for tests to vary.
    pub(crate) fn example() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            is_root: true,
            has_systemd: true,
            manager: Ok(Manager { version: "252.39-1".to_owned(), state: "running".to_owned(), failed: 0 }),
            is_container: false,
            arch: "x86_64".to_owned(),
            cgroup: Cgroup::V2,
            controllers: Ok(["cpuset", "cpu", "io", "memory", "pids"].map(str::to_owned).into()),
            swap: Ok(Vec::new()),
            selinux: None,
            apparmor: Some(true),
            timekeepers: texts(&["chronyd"]),
            now: 1_800_000_000,
            seen_time: None,
            hostname: "worker-1".to_owned(),
            docker_group: Ok(None),
            groups: ["root".to_owned()].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_and_the_systems_files_are_read() {
        let cgroups = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t4\t70\t1\nmemory\t0\t110\t0\n";
        assert_eq!(enabled_controllers(cgroups), ["cpu".to_owned()].into());
        let swaps = "Filename\t\t\tType\t\tSize\tUsed\tPriority\n/dev/sda2  partition\t1\t0\t-2\n";
        assert_eq!(swap_areas(swaps), ["/dev/sda2"]);
        let group = "root:x:0:\ndocker:x:998:ann,bob\ndockerish:x:9:eve\n";
        assert_eq!(members(group, "docker"), Some(vec!["ann".to_owned(), "bob".to_owned()]));
        assert_eq!(members(group, "root"), Some(Vec::new()));
        assert_eq!(members(group, "dock"), None);
    }
}
