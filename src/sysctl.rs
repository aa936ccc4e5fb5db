//! Files of `sysctl.d`: what they say, which of them has the last word, and the
//! values that a docker worker needs or is better off with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Directories of `sysctl.d(5)`: a file hides one of its name in a later directory.
pub const DIRECTORIES: &[&str] =
    &["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"];

/// What docker's network does not work without: 18.09 to 27 set the FORWARD
/// policy to DROP when they find forwarding off, and flannel's pods reach one
/// another through iptables only if bridged packets pass it.
pub const REQUIRED: &[(&str, &str)] = &[
    ("net.bridge.bridge-nf-call-iptables", "1"),
    ("net.bridge.bridge-nf-call-ip6tables", "1"),
    ("net.ipv4.ip_forward", "1"),
];

/// What a node of the guide has besides. Its `tcp_tw_recycle` is gone since
/// Linux 4.12, and its `disable_ipv6` is the site's decision, not a default.
pub const RECOMMENDED: &[(&str, &str)] =
    &[("vm.swappiness", "0"), ("vm.overcommit_memory", "1"), ("vm.panic_on_oom", "0")];

/// Limits of the guide's. One that the node has higher already is left alone.
pub const LIMITS: &[(&str, u64)] = &[
    ("fs.inotify.max_user_instances", 8192),
    ("fs.inotify.max_user_watches", 1_048_576),
    ("fs.file-max", 52_706_963),
    ("fs.nr_open", 52_706_963),
    ("net.netfilter.nf_conntrack_max", 2_310_720),
];

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Its line, from 1.
    pub line: usize,
    /// The key, with dots.
    pub key: String,
    /// The value.
    pub value: String,
}

/// A file and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where it is.
    pub path: PathBuf,
    /// What it says, in order.
    pub assignments: Vec<Assignment>,
}

/// Reads a file of `sysctl.d`. Comments behind a value, which some revisions of
/// the guide have, are not part of it; patterns of keys are passed over.
pub fn parse(text: &str) -> Vec<Assignment> {
    let assignment = |(index, line): (usize, &str)| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let (key, value) = line.trim_start_matches('-').split_once('=')?;
        let value = value.split_once(" #").map_or(value, |(value, _)| value).trim();
        let key = dotted(key.trim());
        (!key.is_empty() && !key.contains('*')).then(|| Assignment {
            line: index + 1,
            key,
            value: value.to_owned(),
        })
    };
    text.lines().enumerate().filter_map(assignment).collect()
}

/// `net/ipv4/ip_forward` as `net.ipv4.ip_forward`: the first separator decides.
pub fn dotted(key: &str) -> String {
    let swap = |c| match c {
        '/' => '.',
        '.' => '/',
        c => c,
    };
    match (key.find('/'), key.find('.')) {
        (Some(slash), Some(dot)) if slash < dot => key.chars().map(swap).collect(),
        (Some(_), None) => key.chars().map(swap).collect(),
        _ => key.to_owned(),
    }
}

/// The fragments in the order in which systemd applies them: by file name, the
/// later one wins.
pub fn in_order(mut fragments: Vec<Fragment>) -> Vec<Fragment> {
    let rank = |path: &Path| {
        DIRECTORIES.iter().position(|directory| path.starts_with(directory)).unwrap_or(DIRECTORIES.len())
    };
    fragments
        .sort_by_key(|fragment| (fragment.path.file_name().map(ToOwned::to_owned), rank(&fragment.path)));
    fragments.dedup_by(|later, first| later.path.file_name() == first.path.file_name());
    fragments
}

/// Who has the last word on each key: path, line and value.
pub fn last_words(fragments: &[Fragment]) -> BTreeMap<&str, (&Path, &Assignment)> {
    fragments
        .iter()
        .flat_map(|fragment| {
            fragment.assignments.iter().map(|said| (said.key.as_str(), (fragment.path.as_path(), said)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_systemd_and_the_guide_write_them() {
        let text = "# comment\n; too\nnet.ipv4.ip_forward=1\n vm.swappiness = 0 # never swap\n\
                    -net/ipv4/conf/eth0.1/rp_filter=2\nnet.ipv4.conf.*.rp_filter=1\nnonsense\n";
        let said: Vec<_> = parse(text).into_iter().map(|a| (a.line, a.key, a.value)).collect();
        let expected = [
            (3, "net.ipv4.ip_forward", "1"),
            (4, "vm.swappiness", "0"),
            (5, "net.ipv4.conf.eth0/1.rp_filter", "2"),
        ];
        assert_eq!(said, expected.map(|(line, key, value)| (line, key.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_last_name_wins_and_the_first_directory_hides_the_others() {
        let fragment = |path: &str, text| Fragment { path: path.into(), assignments: parse(text) };
        let fragments = in_order(vec![
            fragment("/usr/lib/sysctl.d/99-z.conf", "a=hidden"),
            fragment("/etc/sysctl.d/kubernetes.conf", "a=late"),
            fragment("/etc/sysctl.d/99-z.conf", "a=early\nb=only"),
        ]);
        let words = last_words(&fragments);
        assert_eq!(words.get("a").map(|(_, said)| said.value.as_str()), Some("late"));
        assert_eq!(words.get("b").map(|(path, _)| *path), Some(Path::new("/etc/sysctl.d/99-z.conf")));
    }
}
