//! Other engines for containers.

use super::{Verdict, Verdicts, known};
use crate::desired::socket as socket_of;
use crate::docker::CONTAINERD_SOCKET;
use crate::facts::{Dockers, Survey};
use crate::host::Socket;

pub(super) fn other_docker(survey: &Survey<'_>) -> Verdicts {
    known(&survey.engines.dockers, |dockers: &Dockers| {
        let ours = survey.config.docker.bin_dir.join("dockerd");
        let is_other = |program: &&std::path::PathBuf| **program != ours;
        let runs = dockers.program.as_ref().filter(is_other);
        let stray = dockers.stray.as_ref().filter(is_other);
        let found = match (runs.or(stray), &dockers.socket_unit) {
            (Some(other), _) => format!("another docker runs on this node: {}", other.display()),
            (None, Some(unit)) => format!("another docker's {unit} listens on docker's socket"),
            (None, None) => return Verdict::pass("none"),
        };
        let remedy = "stop and remove it first (apt-get remove docker.io docker-ce, or snap remove docker), \
                      or name its directory with --bin-dir";
        Verdict::fail(found, remedy)
    })
}

pub(super) fn packages(survey: &Survey<'_>) -> Verdicts {
    let found = &survey.engines.packages;
    if found.is_empty() {
        return Verdict::pass("none").into();
    }
    let found = format!("installed beside it: {}; an upgrade of its package may start it", found.join(", "));
    let remedy =
        "remove them: apt-get remove docker.io docker-ce containerd containerd.io; or snap remove docker";
    Verdict::warn(found, remedy).into()
}

pub(super) fn podman(survey: &Survey<'_>) -> Verdicts {
    let found = &survey.engines.podman;
    if found.is_empty() {
        return Verdict::pass("not in the way").into();
    }
    let found = format!("podman stands in for docker: {}", found.join(", "));
    Verdict::warn(found, "systemctl disable --now podman.socket, and apt-get remove podman-docker").into()
}

/// Before docker runs, the socket is another containerd's; and dockerd adopts it
/// even when nothing listens on it any more.
pub(super) fn containerd(survey: &Survey<'_>) -> Verdicts {
    known(&survey.engines.dockers, |dockers: &Dockers| match &survey.engines.containerd {
        Socket::Absent => Verdict::pass("no socket"),
        Socket::Dead | Socket::Obstacle(_) if dockers.active => {
            Verdict::pass("a dead socket, and docker runs without it")
        }
        Socket::Dead | Socket::Obstacle(_) => Verdict::fail(
            format!(
                "{CONTAINERD_SOCKET} was left by a containerd that is gone, and dockerd would wait for it"
            ),
            format!("remove it: rm -r {CONTAINERD_SOCKET}"),
        ),
        Socket::Alive(who) => {
            let who = who.as_ref().map(|who| format!(" ({who})")).unwrap_or_default();
            Verdict::fail(
                format!(
                    "a containerd that is not docker's listens on {CONTAINERD_SOCKET}{who}, and dockerd would use it"
                ),
                "stop and disable it: systemctl disable --now containerd",
            )
        }
    })
}

pub(super) fn socket(survey: &Survey<'_>) -> Verdicts {
    known(&survey.engines.dockers, |dockers: &Dockers| {
        let is_others = !dockers.has_process && dockers.stray.is_none() && dockers.socket_unit.is_none();
        match &survey.engines.socket {
            Socket::Obstacle(what) => Verdict::fail(
                format!("{what} is where docker's socket is to be, and dockerd would not start"),
                format!("remove it: rm -r {}", socket_of(survey.config).display()),
            ),
            Socket::Alive(who) if is_others => {
                let who = who.clone().unwrap_or_else(|| "somebody".to_owned());
                let found = format!("docker's socket is somebody else's: {who}");
                Verdict::fail(found, "stop it, or give docker another socket: hosts in [docker.daemon]")
            }
            Socket::Dead => Verdict::pass("one that nobody listens on, which dockerd replaces"),
            Socket::Alive(_) => Verdict::pass("docker's"),
            Socket::Absent => Verdict::pass("free"),
        }
    })
}

pub(super) fn group(survey: &Survey<'_>) -> Verdicts {
    let told = survey.config.docker.daemon.get("group").and_then(|value| value.as_str());
    if let Some(group) = told {
        if survey.machine.groups.contains(group) || group.bytes().all(|byte| byte.is_ascii_digit()) {
            return Verdict::pass(group).into();
        }
        let found = format!(
            "daemon.json is to have the group {group}, which is not in /etc/group; dockerd would not start"
        );
        return Verdict::fail(found, format!("make it: groupadd --system {group}")).into();
    }
    known(&survey.machine.docker_group, |members| match members {
        None => Verdict::pass("none: the socket is root's alone"),
        Some(members) if members.is_empty() => Verdict::pass("no members"),
        Some(members) => Verdict::warn(
            format!("whoever is in the group docker is root here: {}", members.join(", ")),
            "take out who need not be: gpasswd --delete NAME docker",
        ),
    })
}
