//! The shell that keeps a node's nspawn going.
//!
//! It is a shell and not a thread, so that a node can outlive the process that booted it and no binary of this crate has
//! to be found at run time. What is known about it lies in the node's directory.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{cgroup, process};

const SCRIPT: &str = include_str!("supervise.sh");

/// Starts the supervisor of the node `name` kept in `dir`, detached from this process.
pub(crate) fn start(dir: &Path, name: &str, hostname: &str) -> Result<()> {
    let path = dir.join("console");
    let open = File::options().create(true).append(true).open(&path);
    let console = open.with_context(|| format!("cannot open {}", path.display()))?;
    let mut command = Command::new("setsid");
    command.args(["--fork", "sh", "-c", SCRIPT, "testbed-supervisor"]).arg(dir).args([name, hostname]);
    command.args(cgroup::create(name)?).current_dir("/");
    command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
    let status = command.status().context("cannot start setsid")?;
    if !status.success() {
        bail!("the supervisor of {name} did not start: {status}");
    }
    Ok(())
}

/// The living nspawn of the node kept in `dir`.
///
/// Its number stays written after its end, as the next boot may write its own before this one's shell is done; so the
/// process has to be one for this directory.
pub(crate) fn nspawn(dir: &Path) -> Option<u32> {
    let pid = fs::read_to_string(dir.join("nspawn")).ok()?.trim().parse().ok()?;
    let directory = format!("--directory={}", dir.join("root").display());
    process::arguments(pid).contains(&directory).then_some(pid)
}

/// The node's PID 1, as the host numbers it.
pub(crate) fn leader(dir: &Path) -> Option<u32> {
    let children = process::children(nspawn(dir)?);
    children
        .into_iter()
        .find(|child| matches!(child.name.as_str(), "systemd" | "init"))
        .map(|child| child.pid)
}
