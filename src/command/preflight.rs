//! What speaks against a run: as a command of its own, and as the first thing that a run does.

use super::install::Choice;
use super::live;
use super::session::{Session, load};
use crate::cli::SettingOptions;
use crate::facts::{Survey, Wanted};
use crate::finding::Finding;
use crate::host::{Host, Interrupt, Limits};
use crate::preflight::{judge, refusals};
use crate::report::{Outcome, Report};
use crate::{Error, Result};

/// Looks, and judges. Fails only where the configuration is wrong: what cannot be looked at is
/// unknown, whatever it is.
pub(super) fn preflight(settings: &SettingOptions, report: &mut Report) -> Result<()> {
    let config = load(settings)?;
    let begin = || Ok(Session::begin(config.clone(), Interrupt::default()));
    let (session, live) = live::watching(begin)?;
    report.notes.extend(live.as_deref().map(live::note));
    report.preflight = match &session {
        Ok(session) => look(session, Choice::of(session).as_ref()),
        Err(error) => {
            let host = Host::new(Limits { ready: config.docker.ready_timeout }, Interrupt::default())?;
            host.stands_still();
            judge(&Survey::take(&host, &config, Err(error)))
        }
    };
    if !refusals(&report.preflight).is_empty() {
        report.outcome = Outcome::Refused;
    }
    Ok(())
}

/// What preflight finds on this node, for what was chosen to be installed.
pub(super) fn look(session: &Session, choice: Result<&Choice, &Error>) -> Vec<Finding> {
    let Session { config, host, receipt, .. } = session;
    let wanted = choice.map(|choice| Wanted {
        version: choice.version(),
        installing: matches!(choice, Choice::Archive(_) | Choice::Repair(..)),
        daemon_keys: receipt.daemon_keys().into_iter().map(str::to_owned).collect(),
    });
    judge(&Survey::take(host, config, wanted))
}
