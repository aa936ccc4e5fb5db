//! The FORWARD policy in every backend, and the guard that keeps it.

use super::{CONVERGE, Check, Subject, Verdict, starts_at_boot};
use crate::Result;
use crate::change::{Resource, Want};
use crate::config::Flannel;
use crate::desired::{admission, docker_backend, flannel_rule};
use crate::host::{Backend, Family, UnitFacts};
use crate::plan::Goal;
use crate::render::GUARD_UNIT;
use crate::resource::{Enablement, Policy, PolicyState, RuleState};

pub(super) struct Forward;

impl Check for Forward {
    const ID: &'static str = "forward-policy";
    type Seen = Vec<(Backend, Family, PolicyState)>;

    fn look(&self, subject: &Subject<'_>) -> Result<Self::Seen> {
        let look = |&(backend, family): &(Backend, Family)| {
            let policy = Policy { backend, family, chain: "FORWARD".to_owned() };
            let accepting = Goal::required(Want { on: policy.clone(), to: PolicyState::Accept });
            if subject.is_reached(&accepting) {
                return Ok((backend, family, PolicyState::Accept));
            }
            Ok((backend, family, policy.observe(subject.host)?))
        };
        subject.facts.backends.iter().map(look).collect()
    }

    fn judge(&self, _: &Subject<'_>, seen: Self::Seen) -> Verdict {
        if seen.is_empty() {
            return Verdict::fail(
                "there is no iptables to see it with",
                "apt-get install iptables, or yum install iptables",
            );
        }
        let name = |(backend, family, _): &(Backend, Family, PolicyState)| format!("{family} ({backend})");
        let dropping: Vec<String> =
            seen.iter().filter(|(_, _, policy)| *policy == PolicyState::Drop).map(name).collect();
        if dropping.is_empty() {
            return Verdict::pass("ACCEPT in every backend");
        }
        Verdict::fail(format!("DROP for {}: pods are cut off", dropping.join(", ")), CONVERGE)
    }
}

pub(super) struct FlannelRule;

impl Check for FlannelRule {
    const ID: &'static str = "flannel-rule";
    type Seen = Option<RuleState>;

    fn look(&self, subject: &Subject<'_>) -> Result<Option<RuleState>> {
        let admission = admission(subject.config, subject.version());
        let backend = docker_backend(subject.facts, subject.version());
        flannel_rule(admission, backend).map(|rule| rule.observe(subject.host)).transpose()
    }

    fn judge(&self, subject: &Subject<'_>, rule: Option<RuleState>) -> Verdict {
        match rule {
            None if subject.config.network.flannel == Flannel::Off => {
                Verdict::skip("flannel is off in the configuration")
            }
            None => Verdict::skip("docker before 28 lets flannel's packets in"),
            Some(RuleState::Present) => Verdict::pass("flannel's packets are let into docker0"),
            Some(RuleState::Absent) => {
                Verdict::fail("docker 28 and later drop what other nodes' pods send to this one's", CONVERGE)
            }
        }
    }
}

pub(super) struct Guard;

impl Check for Guard {
    const ID: &'static str = "forward-guard";
    type Seen = UnitFacts;

    fn look(&self, subject: &Subject<'_>) -> Result<UnitFacts> {
        subject.host.systemd()?.unit(GUARD_UNIT)
    }

    fn judge(&self, _: &Subject<'_>, unit: UnitFacts) -> Verdict {
        if unit.enablement != Enablement::Enabled {
            let detail =
                format!("{GUARD_UNIT} is not enabled: nothing keeps FORWARD right after docker's next start");
            return Verdict::fail(detail, CONVERGE);
        }
        if unit.active_state == "activating" {
            return Verdict::warn(format!("{GUARD_UNIT} is at work"), "look again in a moment");
        }
        if !unit.active {
            let detail = format!("{GUARD_UNIT} is {}, last result {}", unit.active_state, unit.result);
            return Verdict::fail(detail, format!("journalctl -u {GUARD_UNIT}; then {CONVERGE}"));
        }
        Verdict::pass(format!("{GUARD_UNIT} runs after each start of docker"))
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        starts_at_boot(subject, GUARD_UNIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_subject;

    #[test]
    fn one_backend_that_drops_is_enough() {
        use PolicyState::{Accept, Drop};
        with_subject(|subject| {
            for (nft, legacy, status) in
                [(Accept, Accept, Status::Pass), (Drop, Accept, Status::Fail), (Accept, Drop, Status::Fail)]
            {
                let seen = vec![(Backend::Nft, Family::V4, nft), (Backend::Legacy, Family::V4, legacy)];
                assert_eq!(Forward.judge(subject, seen).status, status, "{nft} {legacy}");
            }
        });
    }
}
