//! Containers that the docker which starts next cannot take over.
//!
//! With live-restore a container runs on while docker is away, under the shim that started it. containerd talks to
//! older shims than itself, not to newer ones: one of 1.7 ends a container of 2.1, cannot start it again beside the
//! shim that stays, and says "service containerd.task.v2.Task: not implemented". docker then takes the container for
//! one that failed, also when it is started once more. Without that shim it is started anew, as after a boot.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Host;
use super::exec::Program;
use super::processes::{children, is_container, stat};
use crate::read;
use crate::{Error, Result};

/// How long a container may take to stop: as long as docker gives it.
const STOP: Duration = Duration::from_secs(10);

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(5);

/// How long a program may take to say its version.
const ANSWER: Duration = Duration::from_secs(5);

impl Host {
    /// Ends the containers of this process's unit that run under shims newer than the containerd beside this program,
    /// which is about to start: they are told to stop, and killed after ten seconds. Returns how many.
    pub fn end_newer_containers(&self) -> Result<usize> {
        let own = std::env::current_exe().map_err(Error::io("look at", "/proc/self/exe"))?;
        let shims = self.newer_shims(&own.with_file_name("containerd"))?;
        if shims.is_empty() {
            return Ok(0);
        }
        self.end_under(&shims)?;
        Ok(shims.len())
    }

    /// Ends these shims and the containers under them. These are told to stop, and killed after as long as docker
    /// gives them.
    pub(super) fn end_under(&self, shims: &[u32]) -> Result<()> {
        if shims.is_empty() {
            return Ok(());
        }
        let containers = children(shims)?;
        self.end(&containers, Signal::SIGTERM, STOP);
        if self.end(&[&containers, shims].concat(), Signal::SIGKILL, GONE) {
            return Ok(());
        }
        Err(Error::Timeout {
            what: "the end of containers without docker".to_owned(),
            after: GONE,
            help: "see: systemctl status docker".to_owned(),
        })
    }

    fn newer_shims(&self, containerd: &Path) -> Result<Vec<u32>> {
        let Some(group) = group_of("self") else { return Ok(Vec::new()) };
        // The unit's group has docker's own processes only: containers, which can call theirs what they like, have others.
        let all = self.processes()?.into_iter().filter(|(_, name)| is_container(name)).map(|(pid, _)| pid);
        let shims: Vec<u32> = all.filter(|pid| group_of(&pid.to_string()).as_ref() == Some(&group)).collect();
        if shims.is_empty() {
            return Ok(shims);
        }
        let Some(ours) = self.major(containerd, "--version") else { return Ok(Vec::new()) };
        let mut known = BTreeMap::new();
        let is_newer = |pid: &u32| {
            // Also of a program that has been replaced since.
            let program = Path::new("/proc").join(pid.to_string()).join("exe");
            let Ok(found) = fs::metadata(&program) else { return false };
            let major =
                *known.entry((found.dev(), found.ino())).or_insert_with(|| self.major(&program, "-v"));
            major.is_some_and(|major| major > ours)
        };
        Ok(shims.into_iter().filter(is_newer).collect())
    }

    fn major(&self, program: &Path, option: &str) -> Option<u32> {
        let asked = Program::new(program).args([option]).within(ANSWER).run(&self.runtime).ok()?;
        major(&asked.stdout)
    }

    /// Whether all of them ended in time.
    fn end(&self, processes: &[u32], signal: Signal, limit: Duration) -> bool {
        for pid in processes.iter().filter_map(|pid| i32::try_from(*pid).ok()) {
            // One that is gone is one less.
            let _ = kill(Pid::from_raw(pid), signal);
        }
        let deadline = Instant::now() + limit;
        while processes.iter().any(|pid| is_alive(*pid)) {
            if Instant::now() >= deadline {
                return false;
            }
            self.pause(Duration::from_millis(10));
        }
        true
    }
}

/// Whether a process of docker's own control group looks after a container.
pub(super) fn is_shim(pid: u32) -> bool {
    read::of_kernel(format!("/proc/{pid}/comm")).is_ok_and(|name| is_container(name.trim_end()))
}

/// Not a dead one either that nobody has asked about yet.
fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// The control group that systemd has put a process in.
fn group_of(pid: &str) -> Option<String> {
    unit_group(&read::of_kernel(format!("/proc/{pid}/cgroup")).ok()?)
}

/// Of the one hierarchy there is, or of systemd's own among several. systemd starts what it runs before a unit's main
/// process in a group below that of the unit, where the unit may have groups of its own (`Delegate=`).
fn unit_group(text: &str) -> Option<String> {
    let of = |hierarchy: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
        lines.find(|(name, _)| *name == hierarchy).map(|(_, path)| path)
    };
    let path = of("name=systemd").or_else(|| of(""))?;
    Some(path.strip_suffix("/.control").unwrap_or(path).to_owned())
}

/// `containerd github.com/containerd/containerd v1.7.27 05044ec`; and of a shim, `  Version:  2.1.9+unknown`.
fn major(said: &str) -> Option<u32> {
    let digits = |word: &str| word.trim_start_matches('v').split_once('.')?.0.parse().ok();
    let mut lines = said.lines();
    let of_shim = lines.clone().find_map(|line| line.trim().strip_prefix("Version:"));
    match of_shim {
        Some(version) => digits(version.trim()),
        None => digits(lines.next()?.split_whitespace().nth(2)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_containerd_say_their_versions() {
        for (said, version) in [
            ("containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+deb13u1\n", Some(1)),
            ("containerd github.com/containerd/containerd/v2 v2.1.5 fcd43222d6b0\n", Some(2)),
            ("/proc/303/exe:\n  Version:  2.1.9+unknown\n  Revision: \n  Go version: go1.27.1\n\n", Some(2)),
            ("containerd-shim-runc-v2:\n  Version:  v1.7.27\n  Revision: 05044ec\n", Some(1)),
            ("containerd-shim-runc-v2:\n  Version:  \n", None),
            ("", None),
        ] {
            assert_eq!(major(said), version, "{said}");
        }
    }

    #[test]
    fn the_group_of_a_unit_is_that_of_all_its_processes() {
        let docker = Some("/system.slice/docker.service".to_owned());
        for text in [
            "0::/system.slice/docker.service\n",
            "0::/system.slice/docker.service/.control\n",
            "12:pids:/x\n1:name=systemd:/system.slice/docker.service\n0::/system.slice\n",
        ] {
            assert_eq!(unit_group(text), docker, "{text}");
        }
        assert_eq!(unit_group(""), None);
    }
}
