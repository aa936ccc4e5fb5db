//! A control group for each node.
//!
//! systemd-nspawn makes the node's root group below the one it was started in. Two nodes started in one place would
//! share theirs, and the services of the one would look alive to the systemd of the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait;

/// The hierarchies in which a node needs a group: the unified one, and on a machine that still has version 1 beside it
/// the one of the host's systemd, which nspawn keeps in step.
fn hierarchies() -> Vec<PathBuf> {
    let top = Path::new("/sys/fs/cgroup");
    let all = [top.to_path_buf()].into_iter().chain(["unified", "systemd"].map(|name| top.join(name)));
    let mut found: Vec<PathBuf> = all.filter(|path| path.join("cgroup.procs").exists()).collect();
    if found.first().is_some_and(|first| first == top) {
        found.truncate(1);
    }
    found
}

/// The groups of the node called `name`, one in each hierarchy.
pub(crate) fn of(name: &str) -> Vec<PathBuf> {
    hierarchies().into_iter().map(|top| top.join(format!("node-setup-lab.{name}"))).collect()
}

/// Makes the groups of the node called `name`.
pub(crate) fn create(name: &str) -> Result<Vec<PathBuf>> {
    let groups = of(name);
    if groups.is_empty() {
        bail!("no unified control group hierarchy under /sys/fs/cgroup");
    }
    for group in &groups {
        fs::create_dir_all(group).with_context(|| format!("cannot create {}", group.display()))?;
    }
    Ok(groups)
}

/// Kills every process of the node called `name`, its nspawn included.
pub(crate) fn kill(name: &str) {
    for group in of(name) {
        // Only the unified hierarchy has this file, and one is enough.
        let _ = fs::write(group.join("cgroup.kill"), "1");
    }
}

/// Removes the groups of the node called `name`. A group whose last process is still being collected is waited for.
pub(crate) fn remove(name: &str) -> Result<()> {
    for group in of(name) {
        let gone =
            wait::until(Duration::from_secs(10), Duration::from_millis(20), || Ok(remove_tree(&group)))?;
        if !gone {
            bail!("{} still has processes", group.display());
        }
    }
    Ok(())
}

/// A group goes with `rmdir`, once it is empty, from the leaves up.
fn remove_tree(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    fs::remove_dir(group).is_ok() || !group.exists()
}

/// A group inside the node whose PID 1 is `leader`, for the commands that tests run there.
pub(crate) fn for_commands(leader: u32) -> Result<PathBuf> {
    let path = format!("/proc/{leader}/cgroup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let Some((top, own)) = hierarchies().into_iter().next().zip(unified(&text)) else {
        bail!("{path} names no unified control group");
    };
    let group = top.join(own.trim_start_matches('/')).join("testbed");
    fs::create_dir_all(&group).with_context(|| format!("cannot create {}", group.display()))?;
    Ok(group)
}

/// The node's root group, from its PID 1's `/proc/PID/cgroup`: systemd moves itself to init.scope below it.
fn unified(text: &str) -> Option<&str> {
    let own = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(own.strip_suffix("/init.scope").unwrap_or(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_group_of_a_node() {
        for (text, root) in [
            ("1:name=systemd:/a\n0::/a/payload/init.scope\n", Some("/a/payload")),
            ("0::/a/payload\n", Some("/a/payload")),
            ("1:name=systemd:/a\n", None),
        ] {
            assert_eq!(unified(text), root);
        }
    }
}
