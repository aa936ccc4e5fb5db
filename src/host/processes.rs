//! What is alive on the machine.

use super::Host;
use crate::{Error, Result};

impl Host {
    /// Process ids and names.
    pub fn processes(&self) -> Result<Vec<(u32, String)>> {
        super::root::live("the list of processes")?;
        self.memory.once(|seen| seen.processes.clone(), all, |seen, found| seen.processes = Some(found))
    }
}

fn all() -> Result<Vec<(u32, String)>> {
    let unreadable =
        |error: sysinfo::Error| Error::State { path: "/proc".into(), problem: error.to_string() };
    let mut system = sysinfo::System::new().map_err(unreadable)?;
    let only_names = sysinfo::ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, only_names);
    let name = |process: &sysinfo::Process| process.name().to_string_lossy().into_owned();
    Ok(system.processes().values().map(|process| (process.pid().as_u32(), name(process))).collect())
}

/// Whether what a process of this name has put into the tables must not be flushed.
pub fn loses_rules(name: &str) -> bool {
    matches!(name, "kubelet" | "kube-proxy" | "dockerd") || is_container(name)
}

/// Whether a process of this name looks after a container that runs.
pub fn is_container(name: &str) -> bool {
    name.starts_with("containerd-shim")
}
