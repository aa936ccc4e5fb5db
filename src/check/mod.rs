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

use crate::Result;
use crate::config::Config;
use crate::facts::Facts;
use crate::finding::Verdict;
use crate::host::Host;
use crate::journal::Installed;
use crate::plan::{Goal, Need};
use crate::receipt::Receipt;
use crate::run::because;
use crate::version::Version;

pub use crate::finding::{Finding, Status, any_failed};

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
            Err(error) => Verdict::unknown(because(&error), error.help()),
        };
        Finding::of(Self::ID, verdict)
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
}
