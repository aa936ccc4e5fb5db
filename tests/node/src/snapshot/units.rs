//! What systemd knows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::{Facts, files};
use crate::machine::Machine;

/// Devices come and go with the links; systemd hears of a mount late, and mounts are told by themselves.
const BY_THEMSELVES: [&str; 4] =
    [".device", ".mount", "systemd-tmpfiles-clean.service", "systemd-binfmt.service"];

/// Where systemd and its generators look for units: systemd.unit(5), systemd-sysv-generator(8).
const UNITS_IN: [&str; 6] = [
    "/etc/systemd/system",
    "/etc/init.d",
    "/etc/rc",
    "/usr/lib/systemd",
    "/usr/local/lib/systemd",
    "/run/systemd/system",
];

/// What systemd has said, by the digest of what there was in the directories that it looks into. It takes a quarter of a second to
/// tell, longer than all else that a snapshot has.
static TOLD: Mutex<BTreeMap<Vec<u8>, Facts>> = Mutex::new(BTreeMap::new());

/// Every unit file, and whether it is enabled, which systemd tells from the `files` that there are.
pub(super) fn unit_files(machine: &Machine, files: &Facts) -> Result<Facts> {
    let is_units = |path: &str| UNITS_IN.iter().any(|directory| path.starts_with(directory));
    let mut seen = files::generated_units(machine)?;
    seen.extend(
        files.iter().filter(|(path, _)| is_units(path)).map(|(path, fact)| (path.clone(), fact.clone())),
    );
    let seen = Sha256::digest(serde_json::to_vec(&seen)?).to_vec();
    let told = || TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(facts) = told().get(&seen) {
        return Ok(facts.clone());
    }
    let facts = columns(&machine.ok("systemctl list-unit-files --no-legend --no-pager --full")?, 0, 1);
    told().insert(seen, facts.clone());
    Ok(facts)
}

/// Every unit that is active or has failed, but for mounts.
pub(super) fn active(machine: &Machine) -> Result<Facts> {
    let list = "systemctl list-units --all --state=active,failed --plain --no-legend --no-pager --full";
    let mut units = columns(&machine.ok(list)?, 0, 2);
    units.retain(|name, _| !BY_THEMSELVES.iter().any(|end| name.ends_with(end)));
    Ok(units)
}

fn columns(text: &str, name: usize, value: usize) -> Facts {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(((*words.get(name)?).to_owned(), (*words.get(value)?).to_owned()))
    };
    text.lines().filter_map(row).collect()
}
