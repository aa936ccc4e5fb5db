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
mod owners;
mod service;
mod sysctl;

use crate::Result;
use crate::config::Config;
use crate::facts::Facts;
use crate::finding::Verdict;
use crate::host::Host;
use crate::journal::Installed;
use crate::plan::{Goal, Need};
use crate::receipt::Receipt;
use crate::resource::Enablement;
use crate::version::Version;

pub use crate::finding::{Finding, Status, any_failed};

/// What most failures are put right by.
const CONVERGE: &str = "node-setup docker";

/// The same where the system does not run.
const BAKE: &str = "node-setup docker --root DIR";

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

    /// What can be said of a root that does not run; most checks are about what runs.
    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        let _ = subject;
        Verdict::skip("the system in this root does not run")
    }

    /// Looks and judges.
    fn find(&self, subject: &Subject<'_>) -> Finding {
        if subject.facts.is_offline {
            let verdict = self.offline(subject);
            let is_converge = |remedy: &String| remedy == CONVERGE;
            let remedy = match verdict.remedy.as_ref().filter(|remedy| is_converge(remedy)) {
                Some(_) => Some(BAKE.to_owned()),
                None => verdict.remedy,
            };
            return Finding::of(Self::ID, Verdict { remedy, ..verdict });
        }
        Finding::of(Self::ID, self.verdict(subject))
    }

    fn verdict(&self, subject: &Subject<'_>) -> Verdict {
        match self.look(subject) {
            Ok(seen) => self.judge(subject, seen),
            Err(error) => Verdict::unknown(error.in_one_line(), error.help()),
        }
    }
}

/// Whether the boot of a root that does not run will start a unit.
fn starts_at_boot(subject: &Subject<'_>, unit: &str) -> Verdict {
    judge_start(unit, subject.host.links().state(unit))
}

fn judge_start(unit: &str, enablement: Enablement) -> Verdict {
    match enablement {
        Enablement::Enabled => Verdict::pass(format!("{unit} starts at boot")),
        Enablement::Masked => Verdict::fail(format!("{unit} is masked: nothing can start it"), CONVERGE),
        _ => Verdict::fail(format!("{unit} is not enabled: no boot starts it"), CONVERGE),
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

macro_rules! checks {
    ($($room:ident::$check:ident),* $(,)?) => {
        /// Every check, in the order in which people read them.
        pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
            vec![$($room::$check.find(subject)),*]
        }

        /// Their names, in the same order.
        pub const IDS: &[&str] = &[$(<$room::$check as Check>::ID),*];
    };
}

checks! {
    service::Service,
    service::Fresh,
    api::Answers,
    api::Version,
    api::Options,
    bridge::Bridge,
    bridge::FlannelSubnet,
    bridge::FlannelWatch,
    overlap::Overlap,
    mtu::Mtu,
    forward::Forward,
    forward::FlannelRule,
    forward::Guard,
    foreign::ForeignDrops,
    chains::DockerRules,
    firewall::Firewall,
    sysctl::Values,
    sysctl::Override,
    hairpin::Hairpin,
    drift::Binaries,
    drift::OwnFiles,
    owners::Owners,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Inputs;
    use crate::host::{Interrupt, Limits};

    #[test]
    fn a_boot_starts_what_is_enabled() {
        for (enablement, status) in [
            (Enablement::Enabled, Status::Pass),
            (Enablement::Disabled, Status::Fail),
            (Enablement::Dangling, Status::Fail),
            (Enablement::Masked, Status::Fail),
        ] {
            assert_eq!(judge_start("docker.service", enablement).status, status, "{enablement:?}");
        }
    }

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
}
