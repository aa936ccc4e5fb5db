//! `node-setup docker guard`: what node-setup-guard.service runs after each start
//! of docker. It reads no configuration, and says in the journal what it corrected.
//!
//! It also notes what docker was started from, so that a file which is written
//! again with the same bytes (flanneld does so at each of its own starts) is not
//! taken for a change.

use crate::change::{Want, Wanted};
use crate::desired::{docker_inputs, flannel_rule};
use crate::docker::{Admission, UNIT};
use crate::host::{Host, Interrupt, Limits, Tools};
use crate::report::Journald;
use crate::resource::{Policy, PolicyState, RuleState, Unit};
use crate::{Error, Result};

use super::session::require_root;

pub(super) fn guard(admission: Admission) -> Result<()> {
    require_root()?;
    let host = Host::new(Limits::default(), Interrupt::default())?;
    let journald = Journald::connect();
    let mut failed: Option<Error> = None;
    for wanted in wanted(&host, admission)? {
        match put_right(&host, &wanted) {
            Ok(None) => {}
            Ok(Some(corrected)) => {
                if let Some(journald) = &journald {
                    journald.notice(&corrected);
                }
            }
            Err(error) => failed = Some(error),
        }
    }
    let docker = Unit { inputs: docker_inputs(), ..Unit::named(UNIT) };
    host.note_started(&docker)?;
    failed.map_or(Ok(()), Err)
}

fn wanted(host: &Host, admission: Admission) -> Result<Vec<Wanted>> {
    let netfilter = host.netfilter()?;
    let policy = |(backend, family)| {
        let on = Policy { backend, family, chain: "FORWARD".to_owned() };
        Wanted::from(Want { on, to: PolicyState::Accept })
    };
    let mut all: Vec<Wanted> = netfilter.all().map(policy).collect();
    if let Some(rule) = flannel_rule(admission, Tools::plain()) {
        all.push(Want { on: rule, to: RuleState::Present }.into());
    }
    Ok(all)
}

/// What was corrected, if anything had to be.
fn put_right(host: &Host, wanted: &Wanted) -> Result<Option<String>> {
    let Some(step) = wanted.change(host, &[])? else { return Ok(None) };
    step.apply(host)?;
    Ok(Some(format!("{} was {} after docker's start, and is {} again", step.name(), step.from(), step.to())))
}
