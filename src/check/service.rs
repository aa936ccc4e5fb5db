//! docker.service: up, staying up, and running from what is on disk.

use super::{CONVERGE, Check, Subject, Verdict, starts_at_boot};
use crate::Result;
use crate::change::Resource;
use crate::desired::docker_unit;
use crate::docker::UNIT;
use crate::host::UnitFacts;
use crate::resource::{Enablement, UnitState};

pub(super) struct Service;

impl Check for Service {
    const ID: &'static str = "docker-service";
    type Seen = UnitFacts;

    fn look(&self, subject: &Subject<'_>) -> Result<UnitFacts> {
        subject.host.systemd()?.unit(UNIT)
    }

    fn judge(&self, _: &Subject<'_>, unit: UnitFacts) -> Verdict {
        if unit.load_state == "not-found" {
            return Verdict::fail("docker.service is not installed", CONVERGE);
        }
        let state = format!("{} ({})", unit.active_state, unit.sub_state);
        if !unit.active || unit.sub_state != "running" {
            let detail = format!("docker.service is {state}, last result {}", unit.result);
            return Verdict::fail(detail, format!("journalctl -u {UNIT}; then {CONVERGE}"));
        }
        if unit.enablement != Enablement::Enabled {
            return Verdict::fail(
                "docker.service runs, but is not enabled: a reboot would not start it",
                CONVERGE,
            );
        }
        if unit.restarts > 0 {
            let detail = format!(
                "{state}, but not for the first time: restarted by systemd itself, count {}",
                unit.restarts
            );
            return Verdict::warn(detail, format!("journalctl -u {UNIT}"));
        }
        Verdict::pass(format!("{state}, enabled, process {}", unit.main_pid))
    }

    fn offline(&self, subject: &Subject<'_>) -> Verdict {
        starts_at_boot(subject, UNIT)
    }
}

pub(super) struct Fresh;

impl Check for Fresh {
    const ID: &'static str = "docker-fresh";
    type Seen = UnitState;

    fn look(&self, subject: &Subject<'_>) -> Result<UnitState> {
        docker_unit(subject.config).observe(subject.host)
    }

    fn judge(&self, _: &Subject<'_>, state: UnitState) -> Verdict {
        match (state.active, state.fresh) {
            (false, _) => Verdict::skip("docker does not run"),
            (true, true) => Verdict::pass("runs from the binary, unit and options that are on disk"),
            (true, false) => {
                let detail =
                    "the binary, the unit, daemon.json or flannel's options changed after it started";
                Verdict::fail(detail, format!("{CONVERGE}, which restarts it"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::check::tests::with_subject;

    fn running() -> UnitFacts {
        UnitFacts {
            load_state: "loaded".to_owned(),
            active_state: "active".to_owned(),
            sub_state: "running".to_owned(),
            enablement: Enablement::Enabled,
            active: true,
            needs_reload: false,
            invocation: vec![1],
            main_pid: 7,
            restarts: 0,
            result: "success".to_owned(),
            started_usec: 1,
            control_group: String::new(),
        }
    }

    #[test]
    fn a_service_is_judged_by_what_systemd_says() {
        let looping = UnitFacts {
            active: false,
            active_state: "activating".to_owned(),
            sub_state: "auto-restart".to_owned(),
            result: "exit-code".to_owned(),
            ..running()
        };
        let cases = [
            (running(), Status::Pass),
            (looping, Status::Fail),
            (UnitFacts { enablement: Enablement::Disabled, ..running() }, Status::Fail),
            (UnitFacts { load_state: "not-found".to_owned(), active: false, ..running() }, Status::Fail),
            (UnitFacts { restarts: 3, ..running() }, Status::Warn),
        ];
        with_subject(|subject| {
            for (unit, status) in cases {
                assert_eq!(Service.judge(subject, unit.clone()).status, status, "{unit:?}");
            }
        });
    }
}
