//! What dockerd leaves behind when it is stopped for good.
//!
//! `KillMode=process` leaves containers and containerd running, so that a restart
//! finds them again; and dockerd takes neither its bridge nor its rules away.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Host;
use crate::docker::BRIDGE;
use crate::{Error, Result};

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(10);

impl Host {
    /// Ends what is left of a stopped docker: processes, bridge, rules.
    pub fn clear_engine(&self, unit: &str) -> Result<()> {
        self.end_processes(unit)?;
        let netlink = self.netlink()?;
        if let Some(bridge) = netlink.links()?.into_iter().find(|link| link.name == BRIDGE) {
            netlink.delete(bridge.index)?;
        }
        let netfilter = self.netfilter()?;
        for (backend, family) in netfilter.all() {
            netfilter.remove_dockers(backend, family)?;
        }
        Ok(())
    }

    fn end_processes(&self, unit: &str) -> Result<()> {
        let systemd = self.systemd()?;
        let group = systemd.unit(unit)?.control_group;
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

/// Of the group or of any below it: containers may have groups of their own.
fn has_processes(group: &Path) -> bool {
    let own = fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|text| !text.trim().is_empty());
    let below = || fs::read_dir(group).into_iter().flatten().flatten();
    own || below().any(|entry| entry.path().is_dir() && has_processes(&entry.path()))
}
