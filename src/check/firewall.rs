//! Firewalls that would write rules of their own between docker's.

use super::{CONVERGE, Check, Subject, Verdict};
use crate::Result;
use crate::facts;
use crate::resource::{Enablement, Remains};

/// A firewall's unit as it is.
pub(super) struct Seen {
    unit: String,
    active: bool,
    enablement: Enablement,
    is_local: bool,
}

impl Seen {
    /// Whether it is kept from starting as well as systemd can.
    fn is_kept_down(&self) -> bool {
        match self.enablement {
            Enablement::Masked => true,
            Enablement::Disabled => self.is_local,
            Enablement::Enabled | Enablement::Dangling => false,
        }
    }
}

pub(super) struct Firewall;

impl Check for Firewall {
    const ID: &'static str = "firewalls";
    type Seen = Vec<Seen>;

    fn look(&self, subject: &Subject<'_>) -> Result<Vec<Seen>> {
        let systemd = subject.host.systemd()?;
        let look = |firewall: &facts::Firewall| {
            let facts = systemd.unit(&firewall.unit)?;
            let (unit, is_local) = (firewall.unit.clone(), firewall.is_local);
            Ok(Seen { unit, active: facts.active, enablement: facts.enablement, is_local })
        };
        subject.facts.firewalls.iter().map(look).collect()
    }

    fn judge(&self, subject: &Subject<'_>, seen: Vec<Seen>) -> Verdict {
        if let Some(up) = seen.iter().find(|firewall| firewall.active) {
            return Verdict::fail(format!("{} is running beside docker", up.unit), CONVERGE);
        }
        if let Some(open) = seen.iter().find(|firewall| !firewall.is_kept_down()) {
            let state = if open.is_local { "is not disabled" } else { "is not masked: it could be started" };
            return Verdict::fail(format!("{} {state}", open.unit), CONVERGE);
        }
        if let Some((backend, family, whose)) = subject.facts.firewall_rules.first() {
            let rules = Remains { backend: *backend, family: *family, whose: *whose };
            return Verdict::fail(format!("none is running, but there are {rules}"), CONVERGE);
        }
        match seen.as_slice() {
            [] => Verdict::pass("none on this node"),
            down => {
                let (local, masked): (Vec<&Seen>, Vec<&Seen>) =
                    down.iter().partition(|firewall| firewall.enablement != Enablement::Masked);
                let parts = [
                    (masked, "stopped and masked"),
                    (
                        local,
                        "stopped and disabled; a unit whose file is in /etc/systemd/system cannot be masked",
                    ),
                ];
                let part = |(units, how): &(Vec<&Seen>, &str)| {
                    let names: Vec<&str> = units.iter().map(|firewall| firewall.unit.as_str()).collect();
                    (!names.is_empty()).then(|| format!("{} {how}", names.join(", ")))
                };
                Verdict::pass(parts.iter().filter_map(part).collect::<Vec<_>>().join("; "))
            }
        }
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        let look = |firewall: &facts::Firewall| {
            let enablement = subject.host.links().state(&firewall.unit);
            let (unit, is_local) = (firewall.unit.clone(), firewall.is_local);
            Seen { unit, active: false, enablement, is_local }
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
            for (active, enablement, is_local, status) in [
                (false, Enablement::Masked, false, Status::Pass),
                (false, Enablement::Disabled, false, Status::Fail),
                (false, Enablement::Disabled, true, Status::Pass),
                (false, Enablement::Enabled, true, Status::Fail),
                (true, Enablement::Disabled, true, Status::Fail),
                (true, Enablement::Masked, false, Status::Fail),
            ] {
                let seen = vec![Seen { unit: "ufw.service".to_owned(), active, enablement, is_local }];
                let verdict = Firewall.judge(subject, seen);
                assert_eq!(verdict.status, status, "{active} {enablement:?} {is_local}");
                let says_so = verdict.detail.contains("cannot be masked");
                assert_eq!(says_so, is_local && status == Status::Pass, "{}", verdict.detail);
            }
            assert_eq!(Firewall.judge(subject, Vec::new()).status, Status::Pass);
        });
    }
}
