//! The running kernel: what it was built with, and which of its modules are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use super::survey::{Seen, seen};
use crate::host::{Availability, Host};
use crate::read;

/// The running kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// `6.1.0-37-amd64`.
    pub release: String,
    /// What it was built with.
    pub features: Features,
    /// How it has each of the modules that were asked for.
    pub modules: Seen<BTreeMap<String, Availability>>,
    /// Whether the index of its modules is there.
    pub has_index: bool,
}

/// What a kernel was built with: options without `CONFIG_`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The file that says so.
    pub source: String,
    /// Part of its image.
    pub built_in: BTreeSet<String>,
    /// Modules.
    pub modular: BTreeSet<String>,
    /// Where nothing says what the kernel was built with: the options that trying could tell.
    pub tried: Option<BTreeSet<String>>,
}

/// What shows that a kernel has an option.
const EVIDENCE: &[(&str, &str)] = &[
    ("NET_NS", "/proc/self/ns/net"),
    ("PID_NS", "/proc/self/ns/pid"),
    ("IPC_NS", "/proc/self/ns/ipc"),
    ("UTS_NS", "/proc/self/ns/uts"),
    ("NAMESPACES", "/proc/self/ns"),
    ("CGROUPS", "/proc/self/cgroup"),
    ("KEYS", "/proc/keys"),
    ("POSIX_MQUEUE", "/proc/sys/fs/mqueue"),
    ("CPUSETS", "/proc/self/cpuset"),
    ("SECCOMP_FILTER", "/proc/sys/kernel/seccomp/actions_avail"),
];

impl Features {
    /// Reads what a kernel's build leaves as its `.config`.
    fn parse(source: &str, text: &str) -> Self {
        let mut features = Self { source: source.to_owned(), ..Self::default() };
        for line in text.lines() {
            let Some((name, value)) = line.strip_prefix("CONFIG_").and_then(|line| line.split_once('='))
            else {
                continue;
            };
            match value {
                "y" => features.built_in.insert(name.to_owned()),
                "m" => features.modular.insert(name.to_owned()),
                _ => false,
            };
        }
        features
    }

    /// Tries what can be tried without changing anything.
    fn probe(exists: impl Fn(&str) -> bool) -> Self {
        let found = EVIDENCE.iter().filter(|(_, path)| exists(path));
        Self {
            source: "tried out, as nothing says what it was built with".to_owned(),
            built_in: found.map(|(option, _)| (*option).to_owned()).collect(),
            modular: BTreeSet::new(),
            tried: Some(EVIDENCE.iter().map(|(option, _)| (*option).to_owned()).collect()),
        }
    }

    /// Whether the kernel lacks it, as far as is known.
    pub fn lacks(&self, option: &str) -> bool {
        let is_known = self.tried.as_ref().is_none_or(|tried| tried.contains(option));
        is_known && !self.built_in.contains(option) && !self.modular.contains(option)
    }
}

/// More than any kernel's configuration is, in bytes.
const LARGEST: u64 = 4 << 20;

impl Kernel {
    /// Looks; `modules` is what to look for.
    pub(super) fn look(host: &Host, modules: &[&str]) -> Self {
        let release = nix::sys::utsname::uname()
            .map(|names| names.release().to_string_lossy().into_owned())
            .unwrap_or_default();
        Self {
            features: features(&release),
            modules: seen(host.kernel().availability(modules)),
            has_index: host.kernel().has_index().unwrap_or_default(),
            release,
        }
    }
}

fn features(release: &str) -> Features {
    if let Ok(file) = fs::File::open("/proc/config.gz") {
        let mut text = String::new();
        let read = flate2::read::GzDecoder::new(file).take(LARGEST).read_to_string(&mut text);
        if read.is_ok() {
            return Features::parse("/proc/config.gz", &text);
        }
    }
    let places = [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")];
    let found = places.iter().find_map(|place| Some((place, read::text(place).ok()?)));
    match found {
        Some((place, text)) => Features::parse(place, &text),
        None => Features::probe(|path| Path::new(path).exists()),
    }
}

#[cfg(test)]
impl Kernel {
    /// Debian's, for tests to vary.
    pub(crate) fn example() -> Self {
        let modules =
            crate::preflight::MODULES.iter().map(|name| ((*name).to_owned(), Availability::Loadable));
        let built_in = crate::preflight::options().map(str::to_owned).collect();
        let source = "/boot/config-6.1.0".to_owned();
        Self {
            release: "6.1.0-37-amd64".to_owned(),
            features: Features { source, built_in, modular: BTreeSet::new(), tried: None },
            modules: Ok(modules.collect()),
            has_index: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernels_configuration_is_read() {
        let text = "#\n# Linux\nCONFIG_BRIDGE=m\nCONFIG_NET_NS=y\n# CONFIG_VETH is not set\nCONFIG_HZ=250\n";
        let features = Features::parse("x", text);
        for (option, lacks) in [("BRIDGE", false), ("NET_NS", false), ("VETH", true), ("HZ", true)] {
            assert_eq!(features.lacks(option), lacks, "{option}");
        }
        assert!(features.modular.contains("BRIDGE") && !features.built_in.contains("BRIDGE"));
    }

    #[test]
    fn what_cannot_be_tried_is_not_lacking() {
        let features = Features::probe(|path| path != "/proc/keys");
        for (option, lacks) in [("KEYS", true), ("NET_NS", false), ("VETH", false)] {
            assert_eq!(features.lacks(option), lacks, "{option}");
        }
    }
}
