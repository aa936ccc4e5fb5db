//! The machine: its manager, its cgroups, its security modules, its clock, its name.

use super::{Verdict, Verdicts, known};
use crate::docker;
use crate::facts::{Cgroup, Survey};
use crate::host::Manager;

pub(super) fn root(survey: &Survey<'_>) -> Verdicts {
    judge_root(survey.machine.is_root).into()
}

pub(super) fn judge_root(is_root: bool) -> Verdict {
    if is_root {
        return Verdict::pass("root");
    }
    Verdict::fail("this is not root", "run it as root, for example with sudo")
}

pub(super) fn systemd(survey: &Survey<'_>) -> Verdicts {
    if survey.is_offline {
        let verdict = if survey.machine.has_systemd {
            Verdict::pass("in this root")
        } else {
            let remedy = "install the whole system into the root first: systemd, iptables, a kernel";
            Verdict::fail("there is no systemd in this root, which would start docker", remedy)
        };
        return verdict.into();
    }
    judge_systemd(survey.machine.has_systemd).into()
}

pub(super) fn judge_systemd(has_systemd: bool) -> Verdict {
    if has_systemd {
        return Verdict::pass("PID 1");
    }
    let remedy = "run node-setup on the worker itself, booted with systemd; not in a plain container";
    Verdict::fail("PID 1 is not systemd", remedy)
}

pub(super) fn dbus(survey: &Survey<'_>) -> Verdicts {
    match &survey.machine.manager {
        Ok(_) => Verdict::pass("answers").into(),
        Err(unseen) => no_bus(&unseen.why).into(),
    }
}

pub(super) fn no_bus(why: &str) -> Verdict {
    let found = format!("the system bus does not answer: {why}");
    Verdict::fail(found, "start it: systemctl start dbus.socket dbus.service")
}

/// `StartLimitIntervalSec=` is in `[Unit]` since 230.
const OLDEST: u32 = 230;

pub(super) fn systemd_state(survey: &Survey<'_>) -> Verdicts {
    known(&survey.machine.manager, |manager: &Manager| {
        let Manager { version, state, failed } = manager;
        let number = version.split(|char: char| !char.is_ascii_digit()).next().unwrap_or_default();
        let number: Option<u32> = number.parse().ok();
        match state.as_str() {
            "stopping" => Verdict::fail("systemd is shutting this machine down", "wait until it is up again"),
            "maintenance" => Verdict::fail(
                "systemd is in rescue or emergency mode",
                "go on with the boot: systemctl default",
            ),
            _ if number.is_some_and(|number| number < OLDEST) => Verdict::warn(
                format!(
                    "systemd {version} does not know StartLimitIntervalSec in [Unit]: a crash loop has no end"
                ),
                "upgrade systemd, or the distribution",
            ),
            "degraded" => Verdict::pass(format!("systemd {version}, degraded: {failed} failed")),
            state => Verdict::pass(format!("systemd {version}, {state}")),
        }
    })
}

pub(super) fn architecture(survey: &Survey<'_>) -> Verdicts {
    let arch = &survey.machine.arch;
    if matches!(arch.as_str(), "x86_64" | "aarch64") {
        return Verdict::pass(arch).into();
    }
    let found = format!("the architecture is {arch}");
    Verdict::fail(found, "docker's static archives are for x86_64 and aarch64").into()
}

pub(super) fn cgroup_version(survey: &Survey<'_>) -> Verdicts {
    let cgroup = survey.machine.cgroup;
    let name = if cgroup == Cgroup::V2 { "v2" } else { "v1" };
    known(&survey.wanted, |wanted| match wanted.version {
        Some(version) if cgroup == Cgroup::V2 && !docker::runs_on_cgroup_v2(version) => Verdict::fail(
            format!("docker {version} does not run on cgroup v2, which this node has"),
            "choose docker 20.10 or later (--docker-version), or boot with systemd.unified_cgroup_hierarchy=0",
        ),
        _ => Verdict::pass(name),
    })
}

/// What a worker limits its containers by.
const CONTROLLERS: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];

pub(super) fn cgroup_controllers(survey: &Survey<'_>) -> Verdicts {
    known(&survey.machine.controllers, |has| {
        let missing: Vec<&str> = CONTROLLERS.into_iter().filter(|name| !has.contains(*name)).collect();
        if missing.is_empty() {
            return Verdict::pass(CONTROLLERS.join(", "));
        }
        if survey.machine.is_container {
            return Verdict::skip(format!(
                "a container has those that it was given; not {}",
                missing.join(", ")
            ));
        }
        let found = format!("the kernel gives no {} to limit containers by", missing.join(", "));
        let remedy = "boot with cgroup_enable=memory, and without cgroup_disable=";
        Verdict::warn(found, remedy)
    })
}

/// dockerd takes systemd's on v2 and cgroupfs on v1, unless it is told (exec-opts).
pub(super) fn cgroup_driver(survey: &Survey<'_>) -> Verdicts {
    let Some(kubelet) = &survey.engines.kubelet else {
        return Verdict::skip("no kubelet is set up here yet").into();
    };
    let told = survey.config.docker.daemon.get("exec-opts").and_then(|value| value.as_array());
    let mut told = told.into_iter().flatten().filter_map(|value| value.as_str());
    let told = told.find_map(|option| option.strip_prefix("native.cgroupdriver="));
    let own = if survey.machine.cgroup == Cgroup::V2 { "systemd" } else { "cgroupfs" };
    let (driver, needed) = (told.unwrap_or(own), &kubelet.driver);
    if driver == needed {
        return Verdict::pass(format!("{driver}, as kubelet has it")).into();
    }
    let found =
        format!("docker's is {driver}, kubelet's is {needed} ({}): kubelet would not start", kubelet.source);
    let remedy = format!("in [docker.daemon]: exec-opts = [\"native.cgroupdriver={needed}\"]");
    Verdict::warn(found, remedy).into()
}

pub(super) fn selinux(survey: &Survey<'_>) -> Verdicts {
    if survey.is_offline && survey.machine.selinux.is_some() {
        let found = "SELinux will be on, and what is put into this root has no label of its policy";
        return Verdict::warn(found, "before it boots: touch DIR/.autorelabel, or setfiles -r DIR").into();
    }
    let is_told = survey.config.docker.daemon.get("selinux-enabled").is_some();
    match survey.machine.selinux {
        None => Verdict::skip("there is none").into(),
        Some(false) => Verdict::pass("permissive").into(),
        Some(true) if is_told => Verdict::pass("enforcing, and docker is told of it").into(),
        Some(true) => Verdict::warn(
            "SELinux enforces, and docker is not told of it: containers may not read what is mounted into them",
            "install container-selinux and set selinux-enabled = true in [docker.daemon], or make it permissive: \
             setenforce 0",
        )
        .into(),
    }
}

pub(super) fn apparmor(survey: &Survey<'_>) -> Verdicts {
    match survey.machine.apparmor {
        None => Verdict::skip("there is none").into(),
        Some(true) => Verdict::pass("on, with its parser").into(),
        Some(false) => Verdict::warn(
            "AppArmor is on, and apparmor_parser is not installed: docker cannot load its profile for containers",
            "install it: apt-get install apparmor",
        )
        .into(),
    }
}

pub(super) fn swap(survey: &Survey<'_>) -> Verdicts {
    known(&survey.machine.swap, |areas| {
        if areas.is_empty() {
            return Verdict::pass("off");
        }
        let found = format!("swap is on: {}; kubelet does not start with it by default", areas.join(", "));
        Verdict::warn(found, "swapoff -a, and take it out of /etc/fstab; or set failSwapOn for kubelet")
    })
}

pub(super) fn time_sync(survey: &Survey<'_>) -> Verdicts {
    let machine = &survey.machine;
    match machine.timekeepers.first() {
        Some(name) => Verdict::pass(name).into(),
        None if machine.is_container => {
            Verdict::skip("a container has the clock of the machine around it").into()
        }
        None => Verdict::warn(
            "nothing that is known to keep a clock right runs on this node",
            "install chrony, or: systemctl enable --now systemd-timesyncd",
        )
        .into(),
    }
}

/// When this was written, in seconds since the epoch: no clock is right that is behind it.
const WRITTEN: u64 = 1_767_225_600;

/// A clock that is this far behind is not merely adjusted.
const DAY: u64 = 86_400;

pub(super) fn clock(survey: &Survey<'_>) -> Verdicts {
    let machine = &survey.machine;
    let own = (WRITTEN, "this program was written".to_owned());
    let witness = machine.seen_time.clone().map(|(time, path)| (time, format!("{path} was written")));
    let latest = witness.into_iter().chain([own]).max();
    match latest {
        Some((time, event)) if machine.now.saturating_add(DAY) < time => {
            let days = (time - machine.now) / DAY;
            let found = format!("the clock is {days} days behind the time at which {event}");
            let remedy = "set it: chronyc makestep, or timedatectl set-time; certificates are not valid before their time";
            Verdict::warn(found, remedy).into()
        }
        _ => Verdict::pass("not behind what this node has seen").into(),
    }
}

pub(super) fn hostname(survey: &Survey<'_>) -> Verdicts {
    let name = &survey.machine.hostname;
    let is_local = name.is_empty() || name == "localhost" || name.starts_with("localhost.");
    if is_local {
        let found = format!("the host name is {name:?}, which no two nodes of a cluster can share");
        return Verdict::warn(found, "give it one: hostnamectl set-hostname NAME").into();
    }
    if !is_dns_name(name) {
        let found = format!("Kubernetes does not accept {name} as a node's name");
        let remedy = "lower case, digits, hyphens and dots: hostnamectl set-hostname NAME, or kubelet's \
                      --hostname-override";
        return Verdict::warn(found, remedy).into();
    }
    Verdict::pass(name).into()
}

/// A subdomain of RFC 1123, as the API server wants names of nodes.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}
