//! Going back: the last run, a run that did not end, or everything.
//!
//! Each is an ordinary run whose goals are previous states: journaled, undone if
//! it fails, and itself a run that can be gone back from.

use super::docker::{Both, conclude};
use super::session::{Session, load, require_root};
use crate::change::{Standing, Step};
use crate::cli::{SettingOptions, UndoOptions};
use crate::event::{Event, Left, Sink, Sinks};
use crate::host::{Host, Interrupt};
use crate::journal::{Begin, Installed, Journal, SCHEMA, now};
use crate::lock::Lock;
use crate::plan::{Goal, plan};
use crate::receipt::Receipt;
use crate::report::{ChangeReport, Collector, Outcome, Report, RunReport};
use crate::resource::FileState;
use crate::run::{self, Run, because, undo_order};
use crate::{Error, Result};

/// Lists the runs.
pub(super) fn history(report: &mut Report) -> Result<()> {
    require_root()?;
    let receipt = Receipt::read(&std::path::Path::new(crate::host::STATE).join("journal"))?;
    report.runs = receipt.runs().iter().map(RunReport::from).collect();
    Ok(())
}

/// Goes back to before the last completed run.
pub(super) fn rollback(
    settings: &SettingOptions,
    options: UndoOptions,
    sinks: Sinks,
    report: &mut Report,
) -> Result<()> {
    locked(settings, "docker rollback", sinks, report, |session, sink, report| {
        ended(session)?;
        let (Some(last), before) = session.receipt.last_two() else { return Err(nothing_to_undo()) };
        let steps: Vec<Step> = last.done.iter().filter(|step| !holds_data(step)).cloned().collect();
        let begin = Begin {
            docker: before.and_then(|run| run.begin.docker.clone()),
            daemon_keys: before.map(|run| run.begin.daemon_keys.clone()).unwrap_or_default(),
            ..begin("docker rollback")
        };
        go_back(session, steps, options.force, begin, sink, report)
    })
}

/// Puts back what a run that did not end has done.
pub(super) fn recover(settings: &SettingOptions, sinks: Sinks, report: &mut Report) -> Result<()> {
    locked(settings, "docker recover", sinks, report, |session, sink, report| {
        let Some(unfinished) = session.receipt.unfinished() else {
            sink.event(&Event::Note("every run on this node has ended; there is nothing to recover"));
            return Ok(());
        };
        let left = run::recover(&session.host, &session.receipt, unfinished, sink)?;
        report.changed = true;
        report.left = left.iter().map(Into::into).collect();
        report.outcome = match left.iter().find(|left| !left.changed_since) {
            Some(_) => Outcome::Failed,
            None => Outcome::Changed,
        };
        Ok(())
    })
}

/// Takes everything away.
pub(super) fn remove(
    settings: &SettingOptions,
    options: UndoOptions,
    purge: bool,
    sinks: Sinks,
    report: &mut Report,
) -> Result<()> {
    locked(settings, "docker remove", sinks, report, |session, sink, report| {
        if let Some(unfinished) = session.receipt.unfinished() {
            run::resume(&session.host, unfinished)?;
            session.refresh()?;
        }
        let owned = session.receipt.all_owned();
        let steps: Vec<Step> = owned.filter(|step| purge || !holds_data(step)).cloned().collect();
        go_back(session, steps, options.force, begin("docker remove"), sink, report)?;
        if matches!(report.outcome, Outcome::Changed | Outcome::Unchanged) {
            let files = session.receipt.all_owned().filter_map(|step| match step {
                Step::File(change) => Some(change.on.0.as_path()),
                _ => None,
            });
            session.host.files().remove_state(files)?;
        }
        Ok(())
    })
}

fn locked(
    settings: &SettingOptions,
    command: &str,
    mut sinks: Sinks,
    report: &mut Report,
    work: impl FnOnce(&mut Session, &mut dyn Sink, &mut Report) -> Result<()>,
) -> Result<()> {
    let config = load(settings)?;
    require_root()?;
    let interrupt = Interrupt::default();
    interrupt.catch()?;
    let _lock = Lock::take(command, settings.wait)?;
    let mut notes = Collector::default();
    let mut session = Session::begin(config, interrupt)?;
    let ended = work(&mut session, &mut Both(&mut sinks, &mut notes), report);
    report.notes.append(&mut notes.notes);
    ended
}

/// Takes steps back, the last first, as a run of its own.
fn go_back(
    session: &Session,
    steps: Vec<Step>,
    force: bool,
    begin: Begin,
    sink: &mut dyn Sink,
    report: &mut Report,
) -> Result<()> {
    let steps = steps.into_iter().map(|step| (step, true)).collect();
    let mut goals = Vec::new();
    for (step, _) in undo_order(steps) {
        match standing_in_the_way(&session.host, &step, force) {
            None => goals.push(goal(&step.inverse())),
            Some(left) => {
                sink.event(&Event::Left(&left));
                report.left.push((&left).into());
            }
        }
    }
    let planned = plan(&session.host, &goals, &session.receipt)?;
    if planned.is_empty() {
        return Ok(());
    }
    let journal = Journal::begin(&session.host.state().join("journal"), begin, &planned)?;
    let run = Run { host: &session.host, receipt: &session.receipt, journal, sink };
    let ending = run.reach(&goals, &planned)?;
    if conclude(session, ending, report) {
        session.host.files().remember()?;
    }
    Ok(())
}

/// What somebody else has changed since is theirs.
fn standing_in_the_way(host: &Host, step: &Step, force: bool) -> Option<Left> {
    if force || !step.is_kept() {
        return None;
    }
    let why = match step.standing(host) {
        Ok(Standing::Elsewhere(found)) => format!("changed since: {found}"),
        Ok(Standing::AtFrom | Standing::AtTo) => return None,
        Err(error) => because(&error),
    };
    Some(Left { name: step.name(), why, changed_since: true })
}

/// A directory of ours in which somebody else keeps something stays.
fn goal(step: &Step) -> Goal {
    match step {
        Step::File(change) if matches!(change.from, FileState::Directory { .. }) => {
            Goal::best_effort(step.wanted())
        }
        _ => Goal::required(step.wanted()),
    }
}

/// Images, containers and volumes are taken away only where that is asked for.
fn holds_data(step: &Step) -> bool {
    matches!(step, Step::Tree(_))
}

fn ended(session: &Session) -> Result<()> {
    match session.receipt.unfinished() {
        None => Ok(()),
        Some(unfinished) => Err(Error::Unended { journal: unfinished.path.clone() }),
    }
}

fn nothing_to_undo() -> Error {
    Error::NothingToUndo
}

fn begin(command: &str) -> Begin {
    Begin {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command.to_owned(),
        started: now(),
        docker: None::<Installed>,
        daemon_keys: Vec::new(),
    }
}

impl From<&crate::receipt::PastRun> for RunReport {
    fn from(run: &crate::receipt::PastRun) -> Self {
        Self {
            number: run.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            command: run.begin.command.clone(),
            started: run.begin.started,
            end: run.end.map_or("unfinished", crate::journal::End::word).to_owned(),
            docker: run.begin.docker.as_ref().map(|docker| docker.version.to_string()),
            changes: run.done.iter().map(ChangeReport::brief).collect(),
        }
    }
}
