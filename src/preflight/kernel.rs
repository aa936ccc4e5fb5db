//! The kernel: its version, what it was built with, its modules.
//!
//! What docker needs of a kernel is that of moby's `contrib/check-config.sh`, of which
//! only what a worker cannot be without is a failure.

use std::collections::BTreeMap;

use super::{Verdict, Verdicts, known};
use crate::config::Config;
use crate::facts::{Cgroup, Kernel, Survey};
use crate::host::{Availability, Backend, Family};

/// Options, one of which is needed.
type OneOf = &'static [&'static str];

/// What no container runs without.
const REQUIRED: &[OneOf] = &[
    &["NAMESPACES"],
    &["NET_NS"],
    &["PID_NS"],
    &["IPC_NS"],
    &["UTS_NS"],
    &["CGROUPS"],
    &["KEYS"],
    &["POSIX_MQUEUE"],
    &["VETH"],
    &["BRIDGE"],
    &["BRIDGE_NETFILTER"],
    &["NETFILTER_XT_MATCH_ADDRTYPE"],
    &["NETFILTER_XT_MATCH_CONNTRACK"],
    &["NF_NAT"],
    &["NETFILTER_XT_TARGET_MASQUERADE", "IP_NF_TARGET_MASQUERADE"],
];

/// The same, by cgroup hierarchy and by backend.
const V1: &[OneOf] = &[&["CGROUP_DEVICE"], &["CGROUP_FREEZER"]];
const V2: &[OneOf] = &[&["CGROUP_BPF"]];
const NFT: &[OneOf] = &[&["NF_TABLES"], &["NFT_COMPAT"]];
const LEGACY: &[OneOf] = &[&["IP_NF_FILTER"], &["IP_NF_NAT", "NF_NAT_IPV4"]];

/// What a worker is worse off without.
const WANTED: &[OneOf] = &[
    &["MEMCG"],
    &["CPUSETS"],
    &["CGROUP_SCHED"],
    &["CGROUP_PIDS"],
    &["CFS_BANDWIDTH"],
    &["SECCOMP_FILTER"],
    &["NETFILTER_XT_MATCH_COMMENT"],
    &["NETFILTER_XT_MARK"],
    &["VXLAN"],
];

/// Every option that is asked about.
pub fn options() -> impl Iterator<Item = &'static str> {
    [REQUIRED, V1, V2, NFT, LEGACY, WANTED].into_iter().flatten().flat_map(|one_of| one_of.iter().copied())
}

/// Modules whose files have to be there where the kernel has them as modules: the option that
/// says so, and the module.
const FILES: &[(&str, &str)] = &[
    ("VETH", "veth"),
    ("BRIDGE", "bridge"),
    ("OVERLAY_FS", "overlay"),
    ("NETFILTER_XT_MATCH_ADDRTYPE", "xt_addrtype"),
    ("NETFILTER_XT_MATCH_CONNTRACK", "xt_conntrack"),
    ("NF_NAT", "nf_nat"),
    ("VXLAN", "vxlan"),
];

/// Every module that is asked about.
pub const MODULES: &[&str] =
    &["br_netfilter", "overlay", "veth", "bridge", "xt_addrtype", "xt_conntrack", "nf_nat", "vxlan"];

pub(super) fn version(survey: &Survey<'_>) -> Verdicts {
    let release = &survey.kernel.release;
    let Some(version) = numbers(release) else {
        return Verdict::unknown(format!("the kernel's release is {release:?}"), None).into();
    };
    let upgrade = "boot a newer kernel of the distribution's";
    if version < (3, 10) {
        return Verdict::fail(format!("Linux {release} is older than any docker runs on"), upgrade).into();
    }
    if version < (4, 0) && !release.contains(".el7") {
        let found = format!("Linux {release} has no overlayfs that docker's overlay2 works with");
        return Verdict::warn(found, upgrade).into();
    }
    Verdict::pass(format!("Linux {release}")).into()
}

/// The first two numbers of a release.
fn numbers(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|char: char| !char.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

pub(super) fn features(survey: &Survey<'_>) -> Verdicts {
    let features = &survey.kernel.features;
    let by_cgroup = if survey.machine.cgroup == Cgroup::V2 { V2 } else { V1 };
    let is_legacy = survey.network.plain == Backend::Legacy
        || !survey.network.backends.contains(&(Backend::Nft, Family::V4));
    let by_backend = if is_legacy { LEGACY } else { NFT };
    let lacks = |all: &[&'static [OneOf]]| -> Vec<&'static str> {
        let one_of = all.iter().copied().flatten();
        let missing = one_of.filter(|one_of| one_of.iter().all(|option| features.lacks(option)));
        missing.filter_map(|one_of| one_of.first().copied()).collect()
    };
    let (required, wanted) = (lacks(&[REQUIRED, by_cgroup, by_backend]), lacks(&[WANTED]));
    let remedy = "boot a kernel of the distribution's, or build these in";
    if !required.is_empty() {
        let found = format!("this kernel lacks {} ({})", required.join(", "), features.source);
        return Verdict::fail(found, remedy).into();
    }
    if !wanted.is_empty() {
        let found = format!("this kernel lacks {} ({})", wanted.join(", "), features.source);
        return Verdict::warn(found, remedy).into();
    }
    Verdict::pass(format!("all there ({})", features.source)).into()
}

pub(super) fn modules(survey: &Survey<'_>) -> Verdicts {
    known(&survey.kernel.modules, |modules| of_modules(&survey.kernel, modules))
}

fn of_modules(kernel: &Kernel, modules: &BTreeMap<String, Availability>) -> Verdicts {
    let is_missing = |name: &str| modules.get(name) == Some(&Availability::Missing);
    if is_missing("br_netfilter") {
        return Verdict::fail(
            "this kernel has no br_netfilter, without which bridged packets pass no rule",
            "install the modules of the running kernel, or boot one that has them",
        )
        .into();
    }
    let is_module = |option: &str| kernel.has_index && kernel.features.modular.contains(option);
    let lost: Vec<&str> = FILES
        .iter()
        .filter(|(option, module)| is_module(option) && is_missing(module))
        .map(|(_, module)| *module)
        .collect();
    if lost.is_empty() {
        return Verdict::pass("br_netfilter, and all others").into();
    }
    let found = format!("modules of this kernel are not on this node: {}", lost.join(", "));
    let remedy = format!("install what has them, such as linux-modules-extra-{}", kernel.release);
    Verdict::fail(found, remedy).into()
}

pub(super) fn overlay(survey: &Survey<'_>) -> Verdicts {
    if let Some(driver) = storage_driver(survey.config).filter(|driver| !driver.starts_with("overlay")) {
        return Verdict::skip(format!("docker is told to use {driver}")).into();
    }
    known(&survey.kernel.modules, |modules| {
        if modules.get("overlay") == Some(&Availability::Missing) {
            let found = "this kernel has no overlayfs: docker would copy whole images (vfs), or not start";
            return Verdict::fail(found, "install the modules of the running kernel, or set storage-driver");
        }
        Verdict::pass("in the kernel")
    })
}

/// The storage driver that docker is told to use.
pub(super) fn storage_driver(config: &Config) -> Option<&str> {
    config.docker.daemon.get("storage-driver").and_then(|value| value.as_str())
}
