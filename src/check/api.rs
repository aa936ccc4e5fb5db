//! What docker's API says of itself.

use serde_json::Value;

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::desired::{daemon_keys, socket};
use crate::host::DaemonInfo;
use crate::preflight::parse_daemon_json;

pub(super) struct Answers;

impl Check for Answers {
    const ID: &'static str = "docker-api";
    type Seen = Result<()>;

    /// An API that does not answer is what this looks for, not a failure to look.
    fn look(&self, subject: &Subject<'_>) -> Result<Result<()>> {
        Ok(subject.host.api(&socket(subject.config)).ping())
    }

    fn judge(&self, subject: &Subject<'_>, answer: Result<()>) -> Verdict {
        match answer {
            Ok(()) => Verdict::pass(format!("answers on {}", socket(subject.config).display())),
            // No run restarts it: it may be at work for somebody.
            Err(error) if subject.facts.docker.active => {
                let remedy =
                    "journalctl -u docker; then systemctl restart docker, which containers live through";
                Verdict::fail(format!("runs, but does not answer: {error}"), remedy)
            }
            Err(error) => Verdict::fail(error.to_string(), format!("journalctl -u docker; then {CONVERGE}")),
        }
    }
}

pub(super) struct Version;

impl Check for Version {
    const ID: &'static str = "docker-version";
    type Seen = Option<String>;

    fn look(&self, subject: &Subject<'_>) -> Result<Option<String>> {
        match (subject.docker, subject.facts.docker_version) {
            (None, _) => Ok(None),
            (Some(_), Some(version)) => Ok(Some(version.to_string())),
            (Some(_), None) => Ok(Some(subject.host.api(&socket(subject.config)).version()?)),
        }
    }

    fn judge(&self, subject: &Subject<'_>, seen: Option<String>) -> Verdict {
        let (Some(running), Some(installed)) = (seen, subject.docker) else {
            return Verdict::skip("node-setup has not installed docker here");
        };
        if running.parse() == Ok(installed.version) {
            return Verdict::pass(format!("docker {running} runs, as installed"));
        }
        let detail = format!("docker {running} runs, and {} is installed", installed.version);
        Verdict::fail(detail, CONVERGE)
    }
}

pub(super) struct Options;

impl Check for Options {
    const ID: &'static str = "daemon-options";
    type Seen = DaemonInfo;

    fn look(&self, subject: &Subject<'_>) -> Result<DaemonInfo> {
        match &subject.facts.daemon {
            Some(daemon) => Ok(daemon.clone()),
            None => subject.host.api(&socket(subject.config)).info(),
        }
    }

    fn judge(&self, subject: &Subject<'_>, info: DaemonInfo) -> Verdict {
        let on_disk = subject.facts.daemon_json.as_deref().and_then(|text| parse_daemon_json(text).ok());
        let mut keys = on_disk.unwrap_or_default();
        keys.extend(daemon_keys(subject.config, subject.version()));
        let differing: Vec<String> = keys
            .iter()
            .filter_map(|(key, wanted)| Some((key, wanted, live_value(&info, key)?)))
            .filter(|(_, wanted, live)| plain(wanted) != *live)
            .map(|(key, wanted, live)| format!("{key} is {live}, daemon.json has {wanted}"))
            .collect();
        if differing.is_empty() {
            Verdict::pass("the running daemon's options are daemon.json's")
        } else {
            Verdict::fail(differing.join("; "), CONVERGE)
        }
    }
}

/// docker puts a slash behind each mirror, whether it was written or not.
fn plain(wanted: &Value) -> Value {
    match wanted {
        Value::Array(all) => all.iter().map(plain).collect(),
        Value::String(text) => text.trim_end_matches('/').into(),
        other => other.clone(),
    }
}

/// The value of a key of daemon.json in the running daemon, where `/info` tells it.
fn live_value(info: &DaemonInfo, key: &str) -> Option<Value> {
    Some(match key {
        "data-root" => info.docker_root_dir.clone().into(),
        "live-restore" => info.live_restore_enabled.into(),
        "debug" => info.debug.into(),
        "log-driver" => info.logging_driver.clone().into(),
        "registry-mirrors" => {
            let mirrors = info.registry_config.mirrors.iter().flatten();
            mirrors.map(|mirror| mirror.trim_end_matches('/').to_owned()).collect()
        }
        "storage-driver" => info.driver.clone().into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_subject;

    #[test]
    fn live_options_are_compared_with_the_wanted() {
        let right = DaemonInfo {
            docker_root_dir: "/data/k8s/docker/data".to_owned(),
            live_restore_enabled: true,
            ..DaemonInfo::default()
        };
        let wrong = DaemonInfo { live_restore_enabled: false, ..right.clone() };
        with_subject(|subject| {
            assert_eq!(Options.judge(subject, right).status, Status::Pass);
            let verdict = Options.judge(subject, wrong);
            assert_eq!(verdict.status, Status::Fail);
            assert_eq!(verdict.detail, "live-restore is false, daemon.json has true");
        });
    }
}
