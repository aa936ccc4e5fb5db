//! Read-only assertions about a node.
//!
//! A check is not a resource: it looks, and gives a verdict. Looking gathers what
//! was seen without judging it; judging is a pure function of that, and tests of
//! it are tables. "Could not look" is not "failed": it is `unknown`.

mod api;
mod bridge;
mod chains;
mod drift;
mod firewall;
mod foreign;
mod forward;
mod hairpin;
mod mtu;
mod overlap;
mod service;
mod sysctl;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::Config;
use crate::facts::Facts;
use crate::host::Host;
use crate::journal::Installed;
use crate::plan::{Goal, Need};
use crate::receipt::Receipt;
use crate::run::because;
use crate::version::Version;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Works, but somebody should look at it.
    Warn,
    /// Not as it should be.
    Fail,
    /// Does not apply to this node.
    Skip,
    /// Could not be looked at.
    Unknown,
}

/// What a check has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// Stable name, such as `forward-policy`.
    pub id: String,
    /// How it came out.
    pub status: Status,
    /// What was seen, in one sentence.
    pub detail: String,
    /// What to do, when there is something to do.
    pub remedy: Option<String>,
}

/// A verdict on what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    status: Status,
    detail: String,
    remedy: Option<String>,
}

impl Verdict {
    fn pass(detail: impl Into<String>) -> Self {
        Self { status: Status::Pass, detail: detail.into(), remedy: None }
    }

    fn skip(detail: impl Into<String>) -> Self {
        Self { status: Status::Skip, detail: detail.into(), remedy: None }
    }

    fn warn(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warn, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn fail(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Fail, detail: detail.into(), remedy: Some(remedy.into()) }
    }
}

/// What most failures are put right by.
const CONVERGE: &str = "node-setup docker";

/// A read-only assertion.
trait Check {
    /// Its stable name.
    const ID: &'static str;

    /// What it looks at.
    type Seen;

    /// Looks.
    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen>;

    /// Judges what was seen.
    fn judge(&self, subject: &Subject<'_>, seen: Self::Seen) -> Verdict;

    /// Looks and judges.
    fn find(&self, subject: &Subject<'_>) -> Finding {
        let verdict = match self.look(subject) {
            Ok(seen) => self.judge(subject, seen),
            Err(error) => Verdict { status: Status::Unknown, detail: because(&error), remedy: error.help() },
        };
        let Verdict { status, detail, remedy } = verdict;
        Finding { id: Self::ID.to_owned(), status, detail, remedy }
    }
}

/// What the checks are about.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The machine.
    pub host: &'a Host,
    /// What the user wants.
    pub config: &'a Config,
    /// What the node is.
    pub facts: &'a Facts,
    /// What earlier runs did.
    pub receipt: &'a Receipt,
    /// The docker that was installed, where it is known.
    pub docker: Option<&'a Installed>,
    /// The wanted states.
    pub goals: &'a [Goal],
    /// Whether a plan has just found nothing to do for any of them.
    pub planned: bool,
}

impl Subject<'_> {
    /// Whether a plan has just found this goal reached, so that it need not be looked at again.
    fn is_reached(&self, goal: &Goal) -> bool {
        self.planned && goal.need == Need::Required && self.goals.contains(goal)
    }

    /// docker's version, where it is known.
    fn version(&self) -> Option<Version> {
        self.docker.map(|docker| docker.version).or(self.facts.docker_version)
    }
}

/// Every check, in the order in which people read them.
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    vec![
        service::Service.find(subject),
        service::Fresh.find(subject),
        api::Answers.find(subject),
        api::Version.find(subject),
        api::Options.find(subject),
        bridge::Bridge.find(subject),
        bridge::FlannelSubnet.find(subject),
        bridge::FlannelWatch.find(subject),
        overlap::Overlap.find(subject),
        mtu::Mtu.find(subject),
        forward::Forward.find(subject),
        forward::FlannelRule.find(subject),
        forward::Guard.find(subject),
        foreign::ForeignDrops.find(subject),
        chains::DockerRules.find(subject),
        firewall::Firewall.find(subject),
        sysctl::Values.find(subject),
        sysctl::Override.find(subject),
        hairpin::Hairpin.find(subject),
        drift::Binaries.find(subject),
        drift::OwnFiles.find(subject),
    ]
}

/// Whether any finding keeps the node from counting as right.
pub fn any_failed(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.status, Status::Fail | Status::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Inputs;
    use crate::host::{Interrupt, Limits};

    /// A subject with nothing but the defaults, for judging.
    pub(super) fn with_subject(test: impl FnOnce(&Subject<'_>)) {
        with_config(&[], test);
    }

    /// The same, but for these settings.
    pub(super) fn with_config(settings: &[(&'static str, &str)], test: impl FnOnce(&Subject<'_>)) {
        let nowhere = tempfile::tempdir().unwrap();
        let flags = settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let root = nowhere.path().to_owned();
        let config = Config::load(&Inputs { root, flags, ..Inputs::default() }).unwrap();
        let host = Host::new(Limits::default(), Interrupt::default()).unwrap();
        test(&Subject {
            host: &host,
            config: &config,
            facts: &Facts::example(),
            receipt: &Receipt::default(),
            docker: None,
            goals: &[],
            planned: false,
        });
    }

    #[test]
    fn unknown_does_not_count_as_right() {
        let finding = |status| Finding { id: String::new(), status, detail: String::new(), remedy: None };
        for (status, failed) in [
            (Status::Pass, false),
            (Status::Warn, false),
            (Status::Skip, false),
            (Status::Fail, true),
            (Status::Unknown, true),
        ] {
            assert_eq!(any_failed(&[finding(status)]), failed, "{status:?}");
        }
    }
}
