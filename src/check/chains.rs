//! docker's own rules: where they should be, and nowhere else.

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::change::Resource;
use crate::desired::{chains, docker_backend};
use crate::host::{Backend, Family, Whose};
use crate::resource::{ChainsState, Remains, RemainsState};

pub(super) struct DockerRules;

/// Whether docker's rules are whole, where it makes any; and where else there are some.
pub(super) struct Seen {
    own: Option<ChainsState>,
    remains: Vec<(Backend, Family, RemainsState)>,
}

impl Check for DockerRules {
    const ID: &'static str = "docker-rules";
    type Seen = Seen;

    fn look(&self, subject: &Subject<'_>) -> Result<Seen> {
        let Subject { host, config, facts, .. } = subject;
        let own = if facts.docker.active { chains(config, facts, subject.version()) } else { None };
        let own = own.map(|chains| chains.observe(host)).transpose()?;
        let dockers = docker_backend(facts, subject.version());
        let others = facts.backends.iter().filter(|(backend, _)| *backend != dockers);
        let look = |&(backend, family): &(Backend, Family)| {
            Ok((backend, family, Remains { backend, family, whose: Whose::Docker }.observe(host)?))
        };
        Ok(Seen { own, remains: others.map(look).collect::<Result<_>>()? })
    }

    fn judge(&self, _: &Subject<'_>, seen: Seen) -> Verdict {
        let left = seen.remains.iter().find(|(_, _, state)| *state != RemainsState::None);
        if let Some((backend, family, state)) = left {
            let detail = format!("{state} of docker's in {backend} ({family}), which docker does not use");
            return Verdict::fail(detail, CONVERGE);
        }
        match seen.own {
            None => Verdict::skip("this docker makes no rules that iptables shows, or does not run"),
            Some(ChainsState::Whole | ChainsState::Anyhow) => Verdict::pass("as docker made them"),
            Some(ChainsState::Lacking(what)) => {
                let detail = format!("somebody took away {what}");
                Verdict::fail(detail, format!("{CONVERGE}, which restarts docker: it makes them anew"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_subject;

    #[test]
    fn rules_that_are_missing_or_misplaced_fail() {
        let lacking = || Some(ChainsState::Lacking("the jump".to_owned()));
        let remains = |state| vec![(Backend::Legacy, Family::V4, state)];
        with_subject(|subject| {
            for (own, remains, status) in [
                (Some(ChainsState::Whole), remains(RemainsState::None), Status::Pass),
                (None, remains(RemainsState::None), Status::Skip),
                (lacking(), remains(RemainsState::None), Status::Fail),
                (Some(ChainsState::Whole), remains(RemainsState::Rules(3)), Status::Fail),
            ] {
                assert_eq!(DockerRules.judge(subject, Seen { own, remains }).status, status);
            }
        });
    }
}
