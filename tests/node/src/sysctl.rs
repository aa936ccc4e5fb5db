//! The sysctls a node shares with the machine.
//!
//! `net.*` belongs to a node's own network namespace; `vm.*` and `fs.*` do not. What they were before the first node is
//! kept in a file of the testbed, and put back when the last node is gone, whichever process that one belongs to.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::lab;

/// The machine's sysctls that node-setup may change.
pub const SHARED: [&str; 7] = [
    "vm.swappiness",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "fs.file-max",
    "fs.nr_open",
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
];

/// What node-setup gives them: the first three their values, the others at least these. Every boot of a systemd, and so
/// of a node beside this one, raises the two limits of files to all that the kernel allows.
const WANTED: [(&str, u64); 7] = [
    ("vm.swappiness", 0),
    ("vm.overcommit_memory", 1),
    ("vm.panic_on_oom", 0),
    ("fs.file-max", i64::MAX.cast_unsigned()),
    ("fs.nr_open", 2_147_483_584),
    ("fs.inotify.max_user_instances", 8192),
    ("fs.inotify.max_user_watches", 1_048_576),
];

/// Gives the shared sysctls the values that node-setup would give them, so that tests that run side by side do not
/// change one another's.
pub(crate) fn preset() -> Result<()> {
    for (name, wanted) in WANTED {
        let file = path(name);
        let now = fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
        let limit = name.starts_with("fs.");
        // A value that does not fit is above every limit.
        let now: u64 = now.trim().parse().unwrap_or(u64::MAX);
        if now != wanted && !(limit && now > wanted) {
            fs::write(&file, wanted.to_string()).with_context(|| format!("cannot set {name} = {wanted}"))?;
        }
    }
    Ok(())
}

fn kept() -> PathBuf {
    lab::dir().join("machine-sysctls.json")
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name.replace('.', "/"))
}

/// Keeps the machine's values, unless those from before another node are kept already.
pub(crate) fn keep() -> Result<()> {
    let (kept, new) = (kept(), kept().with_extension("new"));
    if kept.exists() {
        return Ok(());
    }
    let read = |name: &str| Some((name.to_owned(), fs::read_to_string(path(name)).ok()?.trim().to_owned()));
    let values: BTreeMap<String, String> = SHARED.into_iter().filter_map(read).collect();
    fs::write(&new, serde_json::to_vec(&values)?)
        .with_context(|| format!("cannot write {}", new.display()))?;
    fs::rename(&new, &kept).with_context(|| format!("cannot write {}", kept.display()))
}

/// Puts the kept values back, those that differ, and forgets them.
pub(crate) fn put_back() -> Result<()> {
    let kept = kept();
    let Ok(text) = fs::read_to_string(&kept) else { return Ok(()) };
    let values: BTreeMap<String, String> =
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", kept.display()))?;
    for (name, value) in values {
        let file = path(&name);
        if fs::read_to_string(&file).is_ok_and(|now| now.trim() != value) {
            fs::write(&file, &value).with_context(|| format!("cannot put back {name} = {value}"))?;
        }
    }
    lab::remove(&kept)
}
