//! The files that node-setup writes, as text. Pure: what goes in decides what
//! comes out, and nothing is read or written here.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::config::{Config, Flannel};
use crate::docker::Admission;
use crate::flannel::{FLANNEL_OPTIONS, SUBNET_ENV};
use crate::host::DERIVED_OPTIONS;
use crate::redact::redact;

/// The guard's unit.
pub const GUARD_UNIT: &str = "node-setup-guard.service";

const HEADER: &str = "# Written by node-setup, which puts it right again when it is edited.\n";

/// The unit that watches flannel's files.
pub const FLANNEL_PATH: &str = "node-setup-flannel.path";

/// The unit that puts docker on the subnet of flannel's that they say.
pub const FLANNEL_UNIT: &str = "node-setup-flannel.service";

/// docker.service: the guide's, with what readiness and the order of a boot need.
/// Each difference has its reason in ARCHITECTURE.md.
pub fn docker_service(config: &Config, program: &Path) -> String {
    let (dir, bin) = (config.docker.dir.display(), config.docker.bin_dir.display());
    let limit = config.network.flannel_timeout.as_secs();
    let required = if config.network.flannel == Flannel::Required { " --required" } else { "" };
    let (environment, options) = match config.network.flannel {
        Flannel::Off => (format!("ExecStartPre={} docker make-way\n", program.display()), ""),
        Flannel::Auto | Flannel::Required => (
            format!(
                "EnvironmentFile=-{DERIVED_OPTIONS}\n\
                 EnvironmentFile=-{FLANNEL_OPTIONS}\n\
                 ExecStartPre={} docker await-flannel{required} --limit {limit}\n",
                program.display()
            ),
            " $DOCKER_NETWORK_OPTIONS",
        ),
    };
    format!(
        "{HEADER}\
         # To change it, use a drop-in: systemctl edit docker\n\
         [Unit]\n\
         Description=Docker Application Container Engine\n\
         Documentation=https://docs.docker.com\n\
         Wants=network-online.target\n\
         After=network-online.target flanneld.service firewalld.service\n\
         RequiresMountsFor={dir}\n\
         StartLimitIntervalSec=60\n\
         StartLimitBurst=5\n\
         \n\
         [Service]\n\
         Type=notify\n\
         WorkingDirectory={dir}\n\
         Environment=\"PATH={bin}:/bin:/sbin:/usr/bin:/usr/sbin\"\n\
         {environment}\
         ExecStart={bin}/dockerd{options}\n\
         ExecReload=/bin/kill -s HUP $MAINPID\n\
         TimeoutStartSec=0\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         LimitNOFILE=1048576\n\
         LimitNPROC=infinity\n\
         LimitCORE=infinity\n\
         TasksMax=infinity\n\
         Delegate=yes\n\
         KillMode=process\n\
         OOMScoreAdjust=-500\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

/// The unit that puts the FORWARD policy right after each start of docker, also
/// after one that systemd made by itself; and the rule for flannel where docker
/// needs one. How often docker may start is docker's own limit.
pub fn guard_service(program: &Path, admission: Admission) -> String {
    let flag = match admission {
        Admission::Open => String::new(),
        Admission::UserChain => " --flannel".to_owned(),
        Admission::Mark(mark) => format!(" --mark {mark}"),
    };
    format!(
        "{HEADER}\
         [Unit]\n\
         Description=FORWARD policy for pods, after each start of docker\n\
         Documentation=man:node-setup(8)\n\
         After=docker.service\n\
         PartOf=docker.service\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         RemainAfterExit=yes\n\
         TimeoutStartSec=60\n\
         ExecStart={} docker guard{flag}\n\
         \n\
         [Install]\n\
         WantedBy=docker.service\n",
        program.display()
    )
}

/// The unit that watches flannel's files. mk-docker-opts.sh writes one of them
/// line by line: what it starts waits until they are whole.
pub fn flannel_path() -> String {
    format!(
        "{HEADER}\
         [Unit]\n\
         Description=flannel's lease for docker, watched\n\
         Documentation=man:node-setup(8)\n\
         \n\
         [Path]\n\
         PathChanged={FLANNEL_OPTIONS}\n\
         PathChanged={SUBNET_ENV}\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

/// The unit that puts docker on the subnet that flannel's files say. It is done
/// in a moment, and may be wanted again right away: no limit to its starts.
pub fn flannel_service(program: &Path, socket: &Path) -> String {
    format!(
        "{HEADER}\
         [Unit]\n\
         Description=docker on flannel's subnet, when that changes\n\
         Documentation=man:node-setup(8)\n\
         After=docker.service\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         TimeoutStartSec=10min\n\
         ExecStart={} docker follow-flannel --socket {}\n",
        program.display(),
        socket.display()
    )
}

/// At boot, before docker: what containerd and runc knew of processes that the
/// boot has ended. `exec-root` is on disk in the guide's layout, and not on the
/// tmpfs that dockerd expects: it would wait for a containerd whose process id
/// something else has now, and containerd for tasks that are no more.
pub fn tmpfiles(exec_root: &str) -> String {
    format!("{HEADER}R! {exec_root}/containerd\nR! {exec_root}/runtime-runc\n")
}

/// modules-load.d: the modules that are not part of the kernel's image.
pub fn modules_load(modules: &[&str]) -> String {
    [HEADER, &modules.join("\n")].concat().trim_end().to_owned() + "\n"
}

/// system-preset: the units that a first boot enables.
pub fn preset(units: &[&str]) -> String {
    let line = |unit: &&str| format!("enable {unit}\n");
    format!("{HEADER}{}", units.iter().map(line).collect::<String>())
}

/// sysctl.d. A key behind a dash may fail: the module that brings it may not be
/// there yet when the file is applied.
pub fn sysctl_d<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let line = |(key, value): (&str, &str)| {
        let dash = if key.starts_with("net.netfilter.") { "-" } else { "" };
        format!("{dash}{key} = {value}\n")
    };
    format!("{HEADER}{}", values.into_iter().map(line).collect::<String>())
}

/// daemon.json: what is there, without the keys that were ours, with those that
/// are. Bytes that already say so stay as they are.
pub fn daemon_json(
    existing: Option<(&str, &Map<String, Value>)>,
    formerly_ours: &BTreeSet<&str>,
    ours: &Map<String, Value>,
) -> String {
    let mut merged = existing.map(|(_, map)| map.clone()).unwrap_or_default();
    merged.retain(|key, _| ours.contains_key(key) || !formerly_ours.contains(key.as_str()));
    for (key, value) in ours {
        merged.insert(key.clone(), value.clone());
    }
    match existing {
        Some((text, map)) if *map == merged => text.to_owned(),
        _ => serde_json::to_string_pretty(&merged).unwrap_or_default() + "\n",
    }
}

/// Whether a daemon.json has something that is not for everybody: a proxy's password, a log
/// driver's token. dockerd reads it as root, and nobody else has to.
pub fn holds_secret(daemon_json: &str) -> bool {
    let keys: Value = serde_json::from_str(daemon_json).unwrap_or_default();
    redact("", &keys) != keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_existing_daemon_json_keeps_what_is_not_ours() {
        let theirs = r#"{"labels":["rack=7"],"live-restore":false,"old":1}"#;
        let merged = daemon_json(
            Some((theirs, &map(theirs))),
            &["old", "live-restore"].into(),
            &map(r#"{"live-restore":true}"#),
        );
        assert_eq!(map(&merged), map(r#"{"labels":["rack=7"],"live-restore":true}"#));
    }

    #[test]
    fn what_has_a_secret_is_known() {
        for (text, has) in [
            (r#"{"live-restore": true, "registry-mirrors": ["https://mirror.example.com"]}"#, false),
            (r#"{"http-proxy": "http://me:word@proxy:3128"}"#, true),
            (r#"{"log-opts": {"splunk-token": "t"}}"#, true),
            (r#"{"labels": ["api-token=abc"]}"#, true),
            ("", false),
        ] {
            assert_eq!(holds_secret(text), has, "{text}");
        }
    }

    #[test]
    fn bytes_that_say_it_already_stay() {
        let theirs = "{ \"live-restore\" :true }";
        assert_eq!(daemon_json(Some((theirs, &map(theirs))), &BTreeSet::new(), &map(theirs)), theirs);
    }
}
