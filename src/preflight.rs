//! Reasons not to touch this node. Pure: facts in, refusals out, all of them at once.

use std::path::Path;

use serde_json::{Map, Value};

use crate::archive::MAX_UNPACKED;
use crate::config::{Config, Flannel};
use crate::docker::{self, CONTAINERD_SOCKET, DAEMON_JSON, FLANNEL_KEYS, KeyProblem, key_problem};
use crate::error::{Refusal, seconds};
use crate::facts::{Cgroup, Facts};
use crate::flannel::{FLANNEL_OPTIONS, Foreign, SUBNET_ENV};
use crate::sysctl;
use crate::version::Version;

/// What docker's binaries may take, whoever the archive comes from.
const BINARIES: u64 = MAX_UNPACKED;

/// What docker's data-root must have for a first image.
const DATA: u64 = 1 << 30;

/// What a first look at the machine must find before anything else is asked.
pub fn first_look(is_root: bool, has_systemd: bool) -> Vec<Refusal> {
    let root = (!is_root)
        .then(|| refusal("root", "this is not root".to_owned(), "run it as root, for example with sudo"));
    let systemd = (!has_systemd).then(|| {
        let remedy = "run node-setup on the worker itself, booted with systemd; not in a plain container";
        refusal("systemd", "PID 1 is not systemd".to_owned(), remedy)
    });
    root.into_iter().chain(systemd).collect()
}

/// Everything about this node that speaks against a run. `version` is docker's
/// that would be installed, where it is known.
pub fn refusals(config: &Config, facts: &Facts, version: Option<Version>, installing: bool) -> Vec<Refusal> {
    let mut all = Vec::new();
    all.extend(architecture(facts));
    all.extend(iptables(facts));
    all.extend(version.and_then(|version| cgroup(facts, version)));
    all.extend(mounts(config, facts));
    if installing {
        all.extend(space(config, facts));
    }
    all.extend(other_docker(config, facts));
    all.extend(containerd(facts));
    all.extend(modules(facts));
    all.extend(sysctls(facts));
    all.extend(flannel(config, facts));
    all.extend(daemon_json(config, facts, version));
    all
}

fn refusal(id: &'static str, found: String, remedy: &str) -> Refusal {
    Refusal { id, found, remedy: remedy.to_owned() }
}

fn architecture(facts: &Facts) -> Option<Refusal> {
    (!matches!(facts.arch.as_str(), "x86_64" | "aarch64")).then(|| {
        let found = format!("the architecture is {}", facts.arch);
        refusal("architecture", found, "docker's static archives are for x86_64 and aarch64")
    })
}

fn iptables(facts: &Facts) -> Option<Refusal> {
    facts.backends.is_empty().then(|| {
        let found = "iptables is not installed".to_owned();
        refusal("iptables", found, "install it: apt-get install iptables, or yum install iptables")
    })
}

fn cgroup(facts: &Facts, version: Version) -> Option<Refusal> {
    (facts.cgroup == Cgroup::V2 && !docker::runs_on_cgroup_v2(version)).then(|| {
        let found = format!("docker {version} does not run on cgroup v2, which this node has");
        let remedy = "choose docker 20.10 or later (--docker-version), or boot with systemd.unified_cgroup_hierarchy=0";
        refusal("cgroup-version", found, remedy)
    })
}

fn mounts<'a>(config: &'a Config, facts: &'a Facts) -> impl Iterator<Item = Refusal> + 'a {
    facts.space.iter().filter_map(|(path, space)| {
        let at = path.display();
        if space.read_only {
            let found = format!("the file system of {at} is mounted read-only");
            return Some(refusal("read-only", found, "remount it read-write, or choose another directory"));
        }
        (space.no_exec && *path == config.docker.bin_dir).then(|| {
            let found = format!("the file system of {at} is mounted noexec");
            refusal("noexec", found, "remount it exec, or choose another directory with --bin-dir")
        })
    })
}

fn space<'a>(config: &'a Config, facts: &'a Facts) -> impl Iterator<Item = Refusal> + 'a {
    let needs = [(&config.docker.bin_dir, BINARIES), (&config.docker.dir, DATA)];
    needs.into_iter().filter_map(|(path, needed)| {
        let free = facts.space.get(path)?.free;
        (free < needed).then(|| {
            let found =
                format!("{} MiB are free for {}, {} are needed", free >> 20, path.display(), needed >> 20);
            refusal("space", found, "free some, or choose another directory with --bin-dir or --docker-dir")
        })
    })
}

fn other_docker(config: &Config, facts: &Facts) -> Option<Refusal> {
    let ours = config.docker.bin_dir.join("dockerd");
    let runs = facts.docker_program.as_ref().filter(|program| **program != ours);
    let stray = facts.other_dockerd.as_ref().filter(|program| **program != ours);
    let found = match (runs.or(stray), &facts.docker_socket) {
        (Some(other), _) => format!("another docker runs on this node: {}", other.display()),
        (None, Some(unit)) => format!("another docker's {unit} listens on docker's socket"),
        (None, None) => return None,
    };
    let remedy = "stop and remove it first (apt-get remove docker.io docker-ce, or snap remove docker), \
                  or name its directory with --bin-dir";
    Some(refusal("other-docker", found, remedy))
}

/// Before docker runs, the socket is another containerd's; and dockerd adopts it
/// even when nothing listens on it any more.
fn containerd(facts: &Facts) -> Option<Refusal> {
    let is_alive = facts.containerd?;
    if facts.docker.active && !is_alive {
        return None;
    }
    let (found, remedy) = if is_alive {
        (
            format!(
                "a containerd that is not docker's listens on {CONTAINERD_SOCKET}, and dockerd would use it"
            ),
            "stop and disable it: systemctl disable --now containerd",
        )
    } else {
        (
            format!(
                "{CONTAINERD_SOCKET} was left by a containerd that is gone, and dockerd would wait for it"
            ),
            "remove it: rm /run/containerd/containerd.sock",
        )
    };
    Some(refusal("foreign-containerd", found, remedy))
}

fn modules(facts: &Facts) -> Option<Refusal> {
    use crate::host::Availability::Missing;
    (facts.modules.get("br_netfilter") == Some(&Missing)).then(|| {
        let found = "this kernel has no br_netfilter, without which bridged packets pass no rule".to_owned();
        refusal(
            "kernel-module",
            found,
            "install the modules of the running kernel, or boot one that has them",
        )
    })
}

/// What has the last word on a key at boot must not contradict what docker needs.
fn sysctls(facts: &Facts) -> Vec<Refusal> {
    let words = sysctl::last_words(&facts.sysctls);
    let contradiction = |(key, needed): &(&str, &str)| {
        let (path, said) = words.get(key).filter(|(_, said)| said.value != *needed)?;
        let found = format!(
            "{}:{} sets {key} to {}, and docker needs {needed}",
            path.display(),
            said.line,
            said.value
        );
        let remedy = format!("take that line out, or make it {key} = {needed}");
        Some(refusal("sysctl-conflict", found, &remedy))
    };
    sysctl::REQUIRED.iter().filter_map(contradiction).collect()
}

fn flannel(config: &Config, facts: &Facts) -> Vec<Refusal> {
    if config.network.flannel == Flannel::Off {
        return Vec::new();
    }
    let restart = "see that flanneld is healthy and let it write the file again: systemctl restart flanneld";
    let mut all = Vec::new();
    if let Foreign::Garbled(problem) = &facts.flannel_options {
        all.push(refusal("flannel-options", format!("{FLANNEL_OPTIONS}: {problem}"), restart));
    }
    if let Foreign::Garbled(problem) = &facts.flannel_lease {
        all.push(refusal("flannel-options", format!("{SUBNET_ENV}: {problem}"), restart));
    }
    if let (Some(options), Some(lease)) = (facts.flannel_options.says(), facts.flannel_lease.says())
        && options.bip != lease.subnet
    {
        let found = format!("{FLANNEL_OPTIONS} has {} and {SUBNET_ENV} has {}", options.bip, lease.subnet);
        all.push(refusal("flannel-options", found, restart));
    }
    let nothing = facts.flannel_options == Foreign::Absent && facts.flannel_lease == Foreign::Absent;
    if config.network.flannel == Flannel::Required && nothing {
        let limit = seconds(config.network.flannel_timeout);
        let found = format!(
            "neither {FLANNEL_OPTIONS} nor {SUBNET_ENV} is there, and network.flannel is \"required\"; \
             a run waits {limit} for them"
        );
        all.push(refusal(
            "flannel-missing",
            found,
            "start flanneld first, or set network.flannel to \"auto\"",
        ));
    }
    all
}

fn daemon_json(config: &Config, facts: &Facts, version: Option<Version>) -> Vec<Refusal> {
    let existing = match facts.daemon_json.as_deref().map(parse_daemon_json) {
        Some(Err(problem)) => {
            let remedy = "correct it, or move it away";
            return vec![refusal("daemon-json", format!("{DAEMON_JSON}: {problem}"), remedy)];
        }
        Some(Ok(existing)) => existing,
        None => Map::new(),
    };
    let ours = existing.iter().filter(|(key, _)| !config.docker.daemon.contains_key(*key));
    let in_file = ours.map(|(key, _)| (key, DAEMON_JSON));
    let in_config = config.docker.daemon.keys().map(|key| (key, "[docker.daemon]"));
    let judge = |(key, place): (&String, &str)| {
        key_refusal(key, place, version).or_else(|| flannel_clash(key, place, facts))
    };
    in_file.chain(in_config).filter_map(judge).collect()
}

/// From 23 on the candidate is shown to `dockerd --validate`, which knows keys of
/// versions that this program has never heard of.
fn key_refusal(key: &str, place: &str, version: Option<Version>) -> Option<Refusal> {
    let version = version?;
    let problem = match key_problem(key, version)? {
        KeyProblem::Since(since) => format!("came with docker {since}"),
        KeyProblem::Until(until) => format!("is refused since docker {until}"),
        KeyProblem::Unknown if docker::validates(version) => return None,
        KeyProblem::Unknown => "is not known to any docker".to_owned(),
    };
    let found = format!("{place} has the key {key}, which {problem}; dockerd {version} would not start");
    Some(refusal("daemon-json", found, "take the key out, or choose another docker version"))
}

fn flannel_clash(key: &str, place: &str, facts: &Facts) -> Option<Refusal> {
    let flannel_says = facts.flannel_options.says().is_some() || facts.flannel_lease.says().is_some();
    (flannel_says && FLANNEL_KEYS.contains(&key)).then(|| {
        let found =
            format!("{place} has the key {key}, and flannel's options say it too; dockerd would not start");
        refusal("flannel-clash", found, "take the key out: flannel decides it")
    })
}

/// The keys of a daemon.json.
pub fn parse_daemon_json(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

/// Whether PID 1 is systemd: it alone makes this directory (`sd_booted(3)`).
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}
