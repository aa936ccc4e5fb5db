//! What systemd knows.

use anyhow::Result;

use super::Facts;
use crate::machine::Machine;

/// Devices come and go with the links; systemd hears of a mount late, and mounts are told by themselves.
const BY_THEMSELVES: [&str; 4] =
    [".device", ".mount", "systemd-tmpfiles-clean.service", "systemd-binfmt.service"];

/// Every unit file, and whether it is enabled.
pub(super) fn files(machine: &Machine) -> Result<Facts> {
    Ok(columns(&machine.ok("systemctl list-unit-files --no-legend --no-pager --full")?, 0, 1))
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
