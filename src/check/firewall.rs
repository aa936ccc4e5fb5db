//! Firewalls that would write rules of their own between docker's.

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::resource::{Enablement, Remains};

/// A firewall's unit as it is.
pub(super) struct Seen {
    unit: String,
    active: bool,
    enablement: Enablement,
}

pub(super) struct Firewall;

impl Check for Firewall {
    const ID: &'static str = "firewalls";
    type Seen = Vec<Seen>;

    fn look(&self, subject: &Subject<'_>) -> Result<Vec<Seen>> {
        let systemd = subject.host.systemd()?;
        let look = |unit: &String| {
            let facts = systemd.unit(unit)?;
            Ok(Seen { unit: unit.clone(), active: facts.active, enablement: facts.enablement })
        };
        subject.facts.firewalls.iter().map(look).collect()
    }

    fn judge(&self, subject: &Subject<'_>, seen: Vec<Seen>) -> Verdict {
        if let Some(up) = seen.iter().find(|firewall| firewall.active) {
            return Verdict::fail(format!("{} is running beside docker", up.unit), CONVERGE);
        }
        if let Some(open) = seen.iter().find(|firewall| firewall.enablement != Enablement::Masked) {
            return Verdict::fail(format!("{} is not masked: it could be started", open.unit), CONVERGE);
        }
        if let Some((backend, family, whose)) = subject.facts.firewall_rules.first() {
            let rules = Remains { backend: *backend, family: *family, whose: *whose };
            return Verdict::fail(format!("none is running, but there are {rules}"), CONVERGE);
        }
        match seen.as_slice() {
            [] => Verdict::pass("none on this node"),
            down => {
                let names: Vec<&str> = down.iter().map(|firewall| firewall.unit.as_str()).collect();
                Verdict::pass(format!("{} stopped and masked", names.join(", ")))
            }
        }
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        let look = |unit: &String| {
            let enablement = subject.host.links().state(unit);
            Seen { unit: unit.clone(), active: false, enablement }
        };
        self.judge(subject, subject.facts.firewalls.iter().map(look).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_subject;

    #[test]
    fn a_firewall_must_be_down_and_stay_down() {
        with_subject(|subject| {
            for (active, enablement, status) in [
                (false, Enablement::Masked, Status::Pass),
                (false, Enablement::Disabled, Status::Fail),
                (true, Enablement::Masked, Status::Fail),
            ] {
                let seen = vec![Seen { unit: "ufw.service".to_owned(), active, enablement }];
                assert_eq!(Firewall.judge(subject, seen).status, status, "{active} {enablement:?}");
            }
            assert_eq!(Firewall.judge(subject, Vec::new()).status, Status::Pass);
        });
    }
}
