//! What /proc says about a process.

use std::fs;

/// The fields of `/proc/PID/stat` this crate needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Its id.
    pub(crate) pid: u32,
    /// Its name, cut to 15 characters.
    pub(crate) name: String,
    /// One letter; `Z` is dead and waits to be collected.
    pub(crate) state: char,
    /// The id of its parent.
    pub(crate) parent: u32,
    /// When it started, in clock ticks since boot: tells two processes of one id apart.
    pub(crate) started: u64,
}

/// The living process `pid`. One that is dead and not yet collected does not count.
pub(crate) fn alive(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&text).filter(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// What the process `pid` was called with; nothing once it is dead.
pub(crate) fn arguments(pid: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The living children of `parent`.
pub(crate) fn children(parent: u32) -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(alive).filter(|stat| stat.parent == parent).collect()
}

/// proc(5): `pid (name) state ppid ... starttime`; the name may itself hold blanks and parentheses.
fn parse(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(')')?;
    let (pid, name) = head.split_once('(')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(Stat {
        pid: pid.trim().parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let text = "42 (a) (b c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 999 1";
        let wanted = Stat { pid: 42, name: "a) (b c".into(), state: 'S', parent: 7, started: 12345 };
        assert_eq!(parse(text), Some(wanted));
    }
}
