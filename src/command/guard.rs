//! `node-setup docker guard`: what node-setup-guard.service runs after each start
//! of docker. It reads no configuration, and says in the journal what it corrected.
//!
//! It also notes what docker was started from, so that a file which is written
//! again with the same bytes (flanneld does so at each of its own starts) is not
//! taken for a change.

use crate::change::{Resource, Want, Wanted};
use crate::desired::docker_inputs;
use crate::docker::UNIT;
use crate::host::{Host, Interrupt, Limits};
use crate::report::Journald;
use crate::resource::{Policy, PolicyState, Unit};
use crate::{Error, Result};

use super::session::require_root;

pub(super) fn guard() -> Result<()> {
    require_root()?;
    let host = Host::new(Limits::default(), Interrupt::default())?;
    let journald = Journald::connect();
    let backends: Vec<_> = host.netfilter()?.all().collect();
    let mut failed: Option<Error> = None;
    for (backend, family) in backends {
        let on = Policy { backend, family, chain: "FORWARD".to_owned() };
        match put_right(&host, on) {
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

/// What was corrected, if anything had to be.
fn put_right(host: &Host, on: Policy) -> Result<Option<String>> {
    let from = on.observe(host)?;
    let name = on.to_string();
    let Some(step) = Wanted::from(Want { on, to: PolicyState::Accept }).change(host, &[])? else {
        return Ok(None);
    };
    step.apply(host)?;
    Ok(Some(format!("the policy of {name} was {from} after docker's start, and is ACCEPT again")))
}
