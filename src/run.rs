//! Carrying a plan out, and taking it back.

use std::time::Instant;

use crate::change::{Standing, Step};
use crate::event::{Event, Left, Sink};
use crate::host::Host;
use crate::journal::{End, Journal, Record};
use crate::plan::{Goal, Need, step_for};
use crate::receipt::{Receipt, Unfinished};
use crate::{Error, Result};

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// Every goal is reached, by these steps.
    Completed(Vec<Step>),
    /// It failed, and the node is as it was.
    Restored(Error),
    /// It failed, and these things are not as they were.
    Partial(Error, Vec<Left>),
}

/// Reaches `goals` in order. On the first failure, or when asked to stop, undoes
/// what was done.
pub fn run(
    host: &Host,
    goals: &[Goal],
    planned: &[Step],
    receipt: &Receipt,
    journal: &mut Journal,
    sink: &mut dyn Sink,
) -> Result<Ending> {
    let mut done = Vec::new();
    let Err((in_flight, error)) = reach(host, goals, planned, receipt, journal, sink, &mut done) else {
        host.files().flush()?;
        journal.write_through(&Record::End(End::Completed))?;
        return Ok(Ending::Completed(done));
    };
    sink.event(&Event::Failed(&error));
    host.interrupt().clear();
    let mut steps: Vec<(Step, bool)> = done.into_iter().map(|step| (step, true)).collect();
    steps.extend(in_flight.map(|step| (step, false)));
    let left = undo(host, steps, journal, sink)?;
    if left.is_empty() { Ok(Ending::Restored(error)) } else { Ok(Ending::Partial(error, left)) }
}

/// Undoes a run that did not end.
pub fn recover(host: &Host, unfinished: &Unfinished, sink: &mut dyn Sink) -> Result<Vec<Left>> {
    let mut journal = Journal::resume(&unfinished.path)?;
    undo(host, unfinished.steps.clone(), &mut journal, sink)
}

type Failure = (Option<Step>, Error);

fn reach(
    host: &Host,
    goals: &[Goal],
    planned: &[Step],
    receipt: &Receipt,
    journal: &mut Journal,
    sink: &mut dyn Sink,
    done: &mut Vec<Step>,
) -> Result<(), Failure> {
    for goal in goals {
        host.interrupt().check().map_err(|error| (None, error))?;
        let step = step_for(host, goal, &[], receipt).map_err(|error| (None, error))?;
        let Some(step) = step else { continue };
        if !planned.contains(&step) {
            let intent = Record::Intend(step.clone());
            journal.write_through(&intent).map_err(|error| (None, error))?;
        }
        match make(host, &step, sink) {
            Ok(()) => {
                let record = Record::Done { step: step.clone() };
                done.push(step);
                journal.write(&record).map_err(|error| (None, error))?;
            }
            Err(error) if goal.need == Need::BestEffort => {
                let reason = because(&error);
                sink.event(&Event::Refused { step: &step, reason: &reason });
                journal.write(&Record::Refused { step, reason }).map_err(|error| (None, error))?;
            }
            Err(error) => {
                let failed = Error::Step { step: describe(&step), cause: Box::new(error) };
                return Err((Some(step), failed));
            }
        }
    }
    Ok(())
}

fn make(host: &Host, step: &Step, sink: &mut dyn Sink) -> Result<()> {
    sink.event(&Event::Begun(step));
    let start = Instant::now();
    step.apply(host)?;
    sink.event(&Event::Done { step, took: start.elapsed() });
    Ok(())
}

/// Takes steps back, in reverse. Goes on past errors, and says what is left.
///
/// A step that is known to be done is touched only where the node still is as
/// the step put it: what someone changed since is theirs. One that was in flight
/// is put back wherever it stands.
fn undo(
    host: &Host,
    steps: Vec<(Step, bool)>,
    journal: &mut Journal,
    sink: &mut dyn Sink,
) -> Result<Vec<Left>> {
    let mut left = Vec::new();
    for (step, is_done) in undo_order(steps) {
        match take_back(host, &step, is_done) {
            Ok(()) => {
                sink.event(&Event::Undone(&step));
                journal.write(&Record::Undone { step })?;
            }
            Err(item) => {
                sink.event(&Event::Left(&item));
                left.push(item);
            }
        }
    }
    host.files().flush()?;
    if host.files().take_units_changed() {
        host.systemd()?.reload()?;
    }
    journal.write_through(&Record::End(if left.is_empty() { End::Restored } else { End::Partial }))?;
    Ok(left)
}

/// Backwards; but what starts something waits until all else is in its place.
fn undo_order(mut steps: Vec<(Step, bool)>) -> Vec<(Step, bool)> {
    steps.reverse();
    let (starting, mut order): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|(step, _)| step.inverse().starts());
    order.extend(starting.into_iter().rev());
    order
}

fn take_back(host: &Host, step: &Step, is_done: bool) -> Result<(), Left> {
    let left = |why: String, changed_since| Left { name: step.name(), why, changed_since };
    let inverse = step.inverse();
    let failed = |error: Error| left(because(&error), false);
    match step.standing(host).map_err(failed)? {
        Standing::AtFrom => Ok(()),
        Standing::Elsewhere(found) if is_done && !inverse.starts() => {
            Err(left(format!("changed since: {found}"), true))
        }
        Standing::AtTo | Standing::Elsewhere(_) => inverse.apply(host).map_err(failed),
    }
}

fn describe(step: &Step) -> String {
    format!("{} did not go from {} to {}", step.name(), step.from(), step.to())
}

/// An error and its causes in one line.
pub fn because(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::resource::{Enablement, Sysctl, SysctlState, Unit, UnitState};

    fn sysctl(key: &str) -> Step {
        let (from, to) = (SysctlState::value("0"), SysctlState::value("1"));
        Step::Sysctl(Change { on: Sysctl(key.to_owned()), from, to })
    }

    fn unit(name: &str, was_active: bool) -> Step {
        let from = UnitState { enablement: Enablement::Disabled, active: was_active, fresh: false };
        Step::Unit(Change { on: Unit::named(name), from, to: UnitState::RUNNING })
    }

    #[test]
    fn what_starts_something_is_undone_last() {
        let steps = [sysctl("a"), unit("old", true), sysctl("b"), unit("new", false), unit("older", true)];
        let order = undo_order(steps.iter().cloned().map(|step| (step, true)).collect());
        let names: Vec<_> = order.iter().map(|(step, _)| step.name().on).collect();
        assert_eq!(names, ["new", "b", "a", "old", "older"]);
    }
}
