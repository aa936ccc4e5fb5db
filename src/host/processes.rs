//! What is alive on the machine.

use std::io;

use nix::errno::Errno;

use super::Host;
use crate::read;
use crate::{Error, Result};

impl Host {
    /// Process ids and names. Whoever can log in can run something under the name of a daemon: it
    /// counts if root runs it.
    pub fn processes(&self) -> Result<Vec<(u32, String)>> {
        super::root::live("the list of processes")?;
        self.memory.once(|seen| seen.processes.clone(), all, |seen, found| seen.processes = Some(found))
    }
}

/// The processes that these have started and that are alive.
pub(super) fn children(parents: &[u32]) -> Result<Vec<u32>> {
    let system = system()?;
    let is_child = |process: &&sysinfo::Process| {
        process.parent().is_some_and(|parent| parents.contains(&parent.as_u32()))
    };
    Ok(system.processes().values().filter(is_child).map(|process| process.pid().as_u32()).collect())
}

fn system() -> Result<sysinfo::System> {
    let unreadable =
        |error: sysinfo::Error| Error::State { path: "/proc".into(), problem: error.to_string() };
    let mut system = sysinfo::System::new().map_err(unreadable)?;
    let only_names = sysinfo::ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, only_names);
    Ok(system)
}

fn all() -> Result<Vec<(u32, String)>> {
    let system = system()?;
    let name = |process: &sysinfo::Process| process.name().to_string_lossy().into_owned();
    let all = system.processes().values().map(|process| (process.pid().as_u32(), name(process)));
    Ok(all.filter(|(pid, name)| !loses_rules(name) || is_roots(*pid)).collect())
}

/// Whether the one who started a process is root. What it has become by a program that is setuid, or
/// whose `/proc` directory it is, says nothing of that.
fn is_roots(pid: u32) -> bool {
    may_be_roots(read::of_kernel(format!("/proc/{pid}/status")))
}

/// One that is gone is nobody's: it has no `/proc` directory, or had one when its status was opened
/// (ESRCH). One of which it cannot be told is taken for root's, for what it has must not be lost.
fn may_be_roots(status: io::Result<String>) -> bool {
    match status {
        Ok(status) => real_uid(&status).is_none_or(|uid| uid == 0),
        Err(error) => {
            let errno = error.raw_os_error().map(Errno::from_raw);
            !matches!(errno, Some(Errno::ENOENT | Errno::ESRCH))
        }
    }
}

/// `Uid: 1000 0 0 0`: the real one is the first (proc(5)).
fn real_uid(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// What the kernel says of a process in `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// One letter: `Z` and `X` are dead, and not yet asked about.
    pub state: char,
    /// The number of the process that it is a child of.
    pub parent: u32,
}

/// None of a process that is gone.
pub fn stat(pid: u32) -> Option<Stat> {
    stat_in(&read::of_kernel(format!("/proc/{pid}/stat")).ok()?)
}

/// The third and fourth fields; the second is a name, with any characters, in brackets.
fn stat_in(text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some(Stat { state: fields.next()?.chars().next()?, parent: fields.next()?.parse().ok()? })
}

/// Whether what a process of this name has put into the tables must not be flushed.
pub fn loses_rules(name: &str) -> bool {
    matches!(name, "kubelet" | "kube-proxy" | "dockerd") || is_container(name)
}

/// Whether a process of this name looks after a container that runs.
pub fn is_container(name: &str) -> bool {
    name.starts_with("containerd-shim")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        for (stat, parent) in [
            ("4711 (dockerd) S 812 4711 0", Some(812)),
            ("4711 (a) b (c) R 1 1 1", Some(1)),
            ("4711 dockerd S 812", None),
            ("", None),
        ] {
            assert_eq!(stat_in(stat).map(|stat| stat.parent), parent, "{stat}");
        }
    }

    #[test]
    fn a_process_belongs_to_who_started_it() {
        assert_eq!(real_uid("Name:\tdockerd\nUid:\t1000\t0\t0\t0\nGid:\t0\t0\t0\t0\n"), Some(1000));
        assert_eq!(real_uid("Name:\tdockerd\n"), None);
        assert_eq!(is_roots(std::process::id()), nix::unistd::getuid().is_root());
    }

    #[test]
    fn a_process_is_nobodys_if_it_is_gone_and_not_if_it_cannot_be_looked_at() {
        assert!(!is_roots(u32::MAX), "there is none of this number");
        for (status, expected) in [
            (Ok("Uid:\t0\t1000\t0\t0\n".to_owned()), true),
            (Ok("Uid:\t1000\t0\t0\t0\n".to_owned()), false),
            (Ok(String::new()), true),
            (Err(Errno::ENOENT), false),
            (Err(Errno::ESRCH), false),
            (Err(Errno::EMFILE), true),
            (Err(Errno::EACCES), true),
        ] {
            let shown = format!("{status:?}");
            assert_eq!(may_be_roots(status.map_err(Into::into)), expected, "{shown}");
        }
    }
}
