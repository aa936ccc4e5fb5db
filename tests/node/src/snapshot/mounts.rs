//! What is mounted where.
//!
//! The kernel's own list: systemd makes a unit of each mount too, but some time after it came.

use std::fs;

use anyhow::{Context, Result};

use super::Facts;
use crate::machine::Machine;

/// Below these, mounts come and go with whoever looks, or with a service that systemd runs; or are the testbed's, and
/// named after the node.
const BY_THEMSELVES: [&str; 6] = ["/proc", "/sys", "/dev", "/run/credentials", "/run/host", "/run/user"];

pub(super) fn of(machine: &Machine) -> Result<Facts> {
    let path = format!("/proc/{}/mountinfo", machine.running()?);
    Ok(parse(&fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?))
}

/// `ID PARENT MAJOR:MINOR ROOT PLACE OPTIONS [TAG…] - TYPE SOURCE OPTIONS`. Of mounts on top of each other each is told.
fn parse(text: &str) -> Facts {
    let mut facts = Facts::new();
    for (mount, kind) in text.lines().filter_map(|line| line.split_once(" - ")) {
        let mut words = mount.split(' ').skip(3);
        let (Some(root), Some(place)) = (words.next(), words.next()) else { continue };
        let is_below =
            |top: &str| place.strip_prefix(top).is_some_and(|rest| !rest.starts_with(|c| c != '/'));
        // The testbed keeps each node's own tree elsewhere.
        if place == "/" || BY_THEMSELVES.iter().any(|top| is_below(top)) {
            continue;
        }
        let mut kind = kind.split(' ');
        let (kind, source) = (kind.next().unwrap_or_default(), kind.next().unwrap_or_default());
        let fact = format!("{kind} {source} {root}");
        let told: &mut String = facts.entry(place.to_owned()).or_default();
        *told = if told.is_empty() { fact } else { format!("{told}; {fact}") };
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_by_someone() {
        let text = "\
20 1 0:30 / / rw shared:1 - overlay overlay rw,lowerdir=/a
21 20 0:31 / /proc rw - proc proc rw
22 20 0:32 / /process rw - tmpfs none rw
23 22 0:33 /sub /process rw master:2 - ext4 /dev/vda rw
24 20 0:34 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
";
        let wanted = [("/process", "tmpfs none /; ext4 /dev/vda /sub")]
            .map(|(place, what)| (place.to_owned(), what.to_owned()));
        assert_eq!(parse(text).into_iter().collect::<Vec<_>>(), wanted);
    }
}
