//! What is collected beside this program's own reports: a name, and a way to get it.

use super::way::Way::{self, Api, Containers, Directory, File, Log, Program, UnitFile, Units};

/// Units that a worker's network and containers depend on.
const UNITS: &[&str] = &[
    "docker.service",
    "containerd.service",
    "node-setup-guard.service",
    "node-setup-flannel.service",
    "node-setup-flannel.path",
    "node-setup-verify.timer",
    "flanneld.service",
    "kubelet.service",
    "kube-proxy.service",
    "firewalld.service",
    "ufw.service",
    "nftables.service",
];

/// The last lines of a log; of none more than a part may have.
macro_rules! journal {
    ($($arg:literal),*) => {
        Log("journalctl", &["--no-pager", "--quiet", "--output=short-iso-precise", "--lines=2000", $($arg),*])
    };
}

/// All of it, in the order in which it is collected.
pub static TABLE: &[(&str, Way)] = &[
    ("runs", Directory("/var/lib/node-setup/journal", "", 20)),
    ("config/config.toml", File("/etc/node-setup/config.toml")),
    ("config/config.d", Directory("/etc/node-setup/config.d", ".toml", 20)),
    ("docker/daemon.json", File("/etc/docker/daemon.json")),
    ("docker/version.json", Api("/version")),
    ("docker/info.json", Api("/info")),
    ("docker/containers.json", Containers("/containers/json?all=1")),
    ("docker/networks.json", Api("/networks")),
    ("flannel/docker", File("/run/flannel/docker")),
    ("flannel/subnet.env", File("/run/flannel/subnet.env")),
    ("flannel/derived", File(crate::host::DERIVED_OPTIONS)),
    ("units/show.txt", Units(UNITS)),
    ("units/docker.txt", UnitFile("docker.service")),
    ("units/guard.txt", UnitFile("node-setup-guard.service")),
    ("units/flannel-service.txt", UnitFile("node-setup-flannel.service")),
    ("units/flannel-path.txt", UnitFile("node-setup-flannel.path")),
    ("units/flanneld.txt", UnitFile("flanneld.service")),
    ("units/kubelet.txt", UnitFile("kubelet.service")),
    ("units/files/docker.service", File("/etc/systemd/system/docker.service")),
    ("units/files/docker.service.d", Directory("/etc/systemd/system/docker.service.d", ".conf", 20)),
    ("units/failed.txt", Program("systemctl", &["--no-pager", "--no-legend", "--all", "--failed"])),
    ("units/jobs.txt", Program("systemctl", &["--no-pager", "list-jobs"])),
    ("logs/docker.txt", journal!("--unit=docker.service")),
    (
        "logs/node-setup.txt",
        journal!(
            "--identifier=node-setup",
            "--identifier=node-setup-guard",
            "--identifier=node-setup-flannel"
        ),
    ),
    ("logs/guard.txt", journal!("--unit=node-setup-guard.service", "--unit=node-setup-flannel.service")),
    ("logs/flanneld.txt", journal!("--unit=flanneld.service")),
    ("logs/kubelet.txt", journal!("--unit=kubelet.service")),
    ("logs/kernel.txt", journal!("--dmesg")),
    ("logs/dmesg.txt", Log("dmesg", &[])),
    ("netfilter/iptables.txt", Program("iptables-save", &[])),
    ("netfilter/iptables-nft.txt", Program("iptables-nft-save", &[])),
    ("netfilter/iptables-legacy.txt", Program("iptables-legacy-save", &[])),
    ("netfilter/ip6tables.txt", Program("ip6tables-save", &[])),
    ("netfilter/ip6tables-nft.txt", Program("ip6tables-nft-save", &[])),
    ("netfilter/ip6tables-legacy.txt", Program("ip6tables-legacy-save", &[])),
    ("netfilter/nft.txt", Program("nft", &["list", "ruleset"])),
    ("network/link.txt", Program("ip", &["-details", "-statistics", "link"])),
    ("network/address.txt", Program("ip", &["address"])),
    ("network/route.txt", Program("ip", &["route", "show", "table", "all"])),
    ("network/rule.txt", Program("ip", &["rule"])),
    ("network/neighbour.txt", Program("ip", &["neighbour"])),
    ("network/bridge-link.txt", Program("bridge", &["-details", "link"])),
    ("network/bridge-fdb.txt", Program("bridge", &["fdb"])),
    ("network/sockets.txt", Program("ss", &["--numeric", "--listening", "--tcp", "--udp", "--processes"])),
    ("network/resolv.conf", File("/etc/resolv.conf")),
    ("network/hosts", File("/etc/hosts")),
    ("kernel/sysctl.txt", Program("sysctl", &["--all"])),
    ("kernel/sysctl.d", Directory("/etc/sysctl.d", ".conf", 40)),
    ("kernel/version", File("/proc/version")),
    ("kernel/cmdline", File("/proc/cmdline")),
    ("kernel/modules", File("/proc/modules")),
    ("kernel/mountinfo", File("/proc/self/mountinfo")),
    ("machine/os-release", File("/etc/os-release")),
    ("machine/meminfo", File("/proc/meminfo")),
    ("machine/loadavg", File("/proc/loadavg")),
    ("machine/uptime", File("/proc/uptime")),
    ("machine/disks.txt", Program("df", &["--local", "--print-type"])),
    ("machine/inodes.txt", Program("df", &["--local", "--inodes"])),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What unpacks it makes one file of two of a name; and no name leads out of the directory.
    #[test]
    fn every_name_is_there_once() {
        for (place, (name, _)) in TABLE.iter().enumerate() {
            let is_within = |other: &str| {
                other == *name || other.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
            };
            let others = TABLE.iter().enumerate().filter(|(other, _)| *other != place);
            assert!(others.map(|(_, (other, _))| *other).all(|other| !is_within(other)), "{name}");
            assert!(name.split('/').all(|part| !part.is_empty() && part != ".."), "{name}");
        }
    }
}
