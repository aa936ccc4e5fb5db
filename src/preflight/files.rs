//! Files of the site's and of other components: sysctl.d, flannel's, daemon.json.

use serde_json::{Map, Value};

use super::{Verdict, Verdicts, known};
use crate::config::Flannel;
use crate::docker::{self, DAEMON_JSON, FLANNEL_KEYS, KeyProblem, key_problem};
use crate::error::seconds;
use crate::facts::{Survey, Wanted};
use crate::flannel::{DockerOptions, FLANNEL_OPTIONS, Foreign, SUBNET_ENV, SubnetEnv};
use crate::sysctl::{self, Fragment};
use crate::version::Version;

/// What has the last word on a key at boot must not contradict what docker needs.
pub(super) fn sysctl_conflict(survey: &Survey<'_>) -> Verdicts {
    known(&survey.sysctls, |fragments: &Vec<Fragment>| {
        let words = sysctl::last_words(fragments);
        let contradiction = |(key, needed): &(&str, &str)| {
            let (path, said) = words.get(key).filter(|(_, said)| said.value != *needed)?;
            let place = format!("{}:{}", path.display(), said.line);
            let found = format!("{place} sets {key} to {}, and docker needs {needed}", said.value);
            Some(Verdict::fail(found, format!("take that line out, or make it {key} = {needed}")))
        };
        let amiss = sysctl::REQUIRED.iter().filter_map(contradiction).collect();
        Verdicts::or_pass(amiss, || "none".to_owned())
    })
}

/// The same for what is better otherwise; our own file has the say there, unless another comes later.
pub(super) fn sysctl_override(survey: &Survey<'_>) -> Verdicts {
    known(&survey.sysctls, |fragments: &Vec<Fragment>| {
        let words = sysctl::last_words(fragments);
        let own = survey.config.sysctl.values.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let wanted = own.chain(sysctl::RECOMMENDED.iter().copied());
        let is_ours = |path: &std::path::Path| path == survey.config.sysctl.file;
        let later = wanted.filter_map(|(key, value)| {
            let (path, said) = words.get(key)?;
            let rank = |path: &std::path::Path| path.file_name().map(ToOwned::to_owned);
            let is_later = rank(path) > rank(&survey.config.sysctl.file);
            let differs = said.value != value && !is_ours(path) && is_later;
            differs.then(|| format!("{}:{} sets {key} to {}", path.display(), said.line, said.value))
        });
        let later: Vec<String> = later.collect();
        if later.is_empty() {
            return Verdict::pass("none");
        }
        let found = format!("read after ours at each boot: {}", later.join("; "));
        Verdict::warn(found, "take those lines out, or give the keys these values in [sysctl.values]")
    })
}

type Files = (Foreign<DockerOptions>, Foreign<SubnetEnv>);

const RESTART: &str =
    "see that flanneld is healthy and let it write the file again: systemctl restart flanneld";

pub(super) fn flannel_options(survey: &Survey<'_>) -> Verdicts {
    if survey.config.network.flannel == Flannel::Off {
        return Verdict::skip("network.flannel is \"off\"").into();
    }
    known(&survey.flannel, |(options, lease): &Files| {
        let mut amiss = Vec::new();
        if let Foreign::Garbled(problem) = options {
            amiss.push(Verdict::fail(format!("{FLANNEL_OPTIONS}: {problem}"), RESTART));
        }
        if let Foreign::Garbled(problem) = lease {
            amiss.push(Verdict::fail(format!("{SUBNET_ENV}: {problem}"), RESTART));
        }
        if let (Some(options), Some(lease)) = (options.says(), lease.says())
            && options.bip != lease.subnet
        {
            let found =
                format!("{FLANNEL_OPTIONS} has {} and {SUBNET_ENV} has {}", options.bip, lease.subnet);
            amiss.push(Verdict::fail(found, RESTART));
        }
        Verdicts::or_pass(amiss, || match (options.says(), lease.says()) {
            (Some(options), _) => format!("{}", options.bip),
            (None, Some(lease)) => format!("{}", lease.subnet),
            (None, None) => "none there".to_owned(),
        })
    })
}

pub(super) fn flannel_missing(survey: &Survey<'_>) -> Verdicts {
    let network = &survey.config.network;
    if network.flannel != Flannel::Required {
        return Verdict::skip("flannel may be absent").into();
    }
    known(&survey.flannel, |(options, lease): &Files| {
        if *options != Foreign::Absent || *lease != Foreign::Absent {
            return Verdict::pass("there");
        }
        let limit = seconds(network.flannel_timeout);
        let found = format!(
            "neither {FLANNEL_OPTIONS} nor {SUBNET_ENV} is there, and network.flannel is \"required\"; \
             a run waits {limit} for them"
        );
        Verdict::fail(found, "start flanneld first, or set network.flannel to \"auto\"")
    })
}

/// The keys that dockerd would read, each with its place: the site's own in the file, but for
/// those that the configuration has too, and the configuration's.
fn keys<'k>(
    survey: &'k Survey<'_>,
    in_file: &'k Map<String, Value>,
) -> impl Iterator<Item = (&'k str, &'static str)> {
    let daemon = &survey.config.docker.daemon;
    let theirs = of_the_site(survey, in_file).filter(|key| !daemon.contains_key(*key));
    theirs
        .map(|key| (key.as_str(), DAEMON_JSON))
        .chain(daemon.keys().map(|key| (key.as_str(), "[docker.daemon]")))
}

/// The keys that no run has put there. Those that one has are taken out or written anew.
fn of_the_site<'k>(
    survey: &'k Survey<'_>,
    in_file: &'k Map<String, Value>,
) -> impl Iterator<Item = &'k String> {
    let is_ours = |key: &str| survey.wanted.as_ref().is_ok_and(|wanted| wanted.daemon_keys.contains(key));
    in_file.keys().filter(move |key| !is_ours(key))
}

fn on_disk(text: Option<&String>) -> Result<Map<String, Value>, String> {
    text.map_or_else(|| Ok(Map::new()), |text| parse_daemon_json(text))
}

pub(super) fn daemon_json(survey: &Survey<'_>) -> Verdicts {
    let text = match &survey.daemon_json {
        Ok(text) => text.as_ref(),
        Err(unseen) => return Verdict::fail(&unseen.why, "correct it, or move it away").into(),
    };
    let in_file = match on_disk(text) {
        Ok(in_file) => in_file,
        Err(problem) => {
            return Verdict::fail(format!("{DAEMON_JSON}: {problem}"), "correct it, or move it away").into();
        }
    };
    known(&survey.wanted, |wanted: &Wanted| {
        let amiss = wanted.version.into_iter().flat_map(|version| {
            keys(survey, &in_file).filter_map(move |(key, place)| key_verdict(key, place, version))
        });
        Verdicts::or_pass(amiss.collect(), || {
            format!("{} keys of the site's", of_the_site(survey, &in_file).count())
        })
    })
}

/// From 23 on the candidate is shown to `dockerd --validate`, which knows keys of
/// versions that this program has never heard of.
fn key_verdict(key: &str, place: &str, version: Version) -> Option<Verdict> {
    let problem = match key_problem(key, version)? {
        KeyProblem::Since(since) => format!("came with docker {since}"),
        KeyProblem::Until(until) => format!("is refused since docker {until}"),
        KeyProblem::Unknown if docker::validates(version) => return None,
        KeyProblem::Unknown => "is not known to any docker".to_owned(),
    };
    let found = format!("{place} has the key {key}, which {problem}; dockerd {version} would not start");
    Some(Verdict::fail(found, "take the key out, or choose another docker version"))
}

pub(super) fn flannel_clash(survey: &Survey<'_>) -> Verdicts {
    let in_file =
        survey.daemon_json.as_ref().ok().and_then(|text| on_disk(text.as_ref()).ok()).unwrap_or_default();
    known(&survey.flannel, |(options, lease): &Files| {
        let is_off = survey.config.network.flannel == Flannel::Off;
        if is_off || (options.says().is_none() && lease.says().is_none()) {
            return Verdict::skip("flannel says nothing that counts").into();
        }
        let amiss =
            keys(survey, &in_file).filter(|(key, _)| FLANNEL_KEYS.contains(key)).map(|(key, place)| {
                let found = format!(
                    "{place} has the key {key}, and flannel's options say it too; dockerd would not start"
                );
                Verdict::fail(found, "take the key out: flannel decides it")
            });
        Verdicts::or_pass(amiss.collect(), || "flannel alone decides".to_owned())
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
