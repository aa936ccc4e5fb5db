//! The kernel's settings.

use anyhow::Result;

use super::Facts;
use crate::machine::Machine;

/// Counters among the settings.
const COUNTERS: [&str; 7] = [
    "fs.aio-nr",
    "fs.dentry-state",
    "fs.file-nr",
    "fs.inode-nr",
    "fs.inode-state",
    "fs.quota.",
    "net.netfilter.nf_conntrack_count",
];

/// The node's own, and those of the machine.
pub(super) fn of(machine: &Machine) -> Result<(Facts, Facts)> {
    let text = machine.ok("sysctl --all --pattern '^(net|vm|fs)\\.' 2>/dev/null || true")?;
    Ok(parse(&text))
}

fn parse(text: &str) -> (Facts, Facts) {
    let known = text.lines().filter_map(|line| line.split_once(" = "));
    let settings = known.filter(|(name, _)| !COUNTERS.iter().any(|counter| name.starts_with(counter)));
    settings
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .partition(|(name, _)| name.starts_with("net."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_left_out() {
        let (own, machine) = parse("net.ipv4.ip_forward = 1\nfs.file-nr = 1\t0\t9\nvm.swappiness = 60\n");
        assert_eq!(own.into_iter().collect::<Vec<_>>(), [("net.ipv4.ip_forward".to_owned(), "1".to_owned())]);
        assert_eq!(machine.into_iter().collect::<Vec<_>>(), [("vm.swappiness".to_owned(), "60".to_owned())]);
    }
}
