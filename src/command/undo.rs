//! Going back: the last run, a run that did not end, or everything.
//!
//! Each is an ordinary run whose goals are previous states: journaled, undone if
//! it fails, and itself a run that can be gone back from. They are decided from the
//! journals alone, and go back also where the configuration is not valid.

use std::path::Path;

use super::collect::{collect_removed, require_kept};
use super::docker::{conclude, remember, tell_label_problem};
use super::live;
use super::repair::{PUT_BACK_FIRST, REPAIR};
use super::session::{Past, begin, locked, patience, require_root};
use crate::change::{Attempt, Change, Name, Standing, Step, Want, Wanted};
use crate::cli::{SettingOptions, UndoOptions};
use crate::event::{Event, Left, Sink, Sinks};
use crate::host::{Host, is_container, local_points};
use crate::journal::{Begin, Journal};
use crate::plan::{Goal, Need, plan};
use crate::receipt::{PastRun, REMOVE, ROLLBACK, Receipt, Unfinished};
use crate::report::{ChangeReport, Outcome, Report, RunReport};
use crate::resource::{Hanging, Readiness};
use crate::run::{self, Run, must_suit, undo_order};
use crate::{Error, Result};

/// How a run has ended that did not.
const UNFINISHED: &str = "unfinished";

/// Lists the runs.
pub(super) fn history(report: &mut Report) -> Result<()> {
    require_root()?;
    let journals = crate::host::journals(Path::new(crate::host::STATE));
    let (receipt, live) = live::watching(|| Receipt::read(&journals))?;
    report.runs = receipt.runs().iter().map(RunReport::from).collect();
    if let (Some(_), Some(last)) = (live, report.runs.last_mut().filter(|run| run.end == UNFINISHED)) {
        "going on".clone_into(&mut last.end);
    }
    Ok(())
}

/// Goes back by `work`, while nobody else changes the node.
fn going_back(
    command: &str,
    settings: &SettingOptions,
    sinks: Sinks,
    report: &mut Report,
    work: impl FnOnce(&mut Past, &mut dyn Sink, &mut Report) -> Result<()>,
) -> Result<()> {
    let (limits, invalid) = patience(settings)?;
    let look = |interrupt| Past::read(limits, interrupt);
    locked((command, settings.wait), sinks, report, look, |past, sink, report| {
        if let Some(error) = invalid {
            let why = error.in_one_line();
            sink.event(&Event::Note(&format!(
                "going back without the configuration, which is not valid: {why}"
            )));
        }
        work(past, sink, report)
    })
}

/// Goes back to before the last completed run.
pub(super) fn rollback(
    settings: &SettingOptions,
    options: UndoOptions,
    dry_run: bool,
    sinks: Sinks,
    report: &mut Report,
) -> Result<()> {
    going_back(ROLLBACK, settings, sinks, report, |past, sink, report| {
        ended(&past.receipt)?;
        let mut undoable = past.receipt.undoable();
        let Some(last) = undoable.pop() else { return Err(Error::NothingToUndo) };
        let before = undoable.pop().map(|run| run.begin);
        let steps: Vec<Step> = last.steps.into_iter().filter(|step| !holds_data(step)).collect();
        let docker = before.as_ref().and_then(|begin| begin.docker.as_ref());
        require_kept(&past.host, &steps, docker.map(|docker| docker.version))?;
        let begin = Begin {
            docker: before.as_ref().and_then(|begin| begin.docker.clone()),
            daemon_keys: before.map(|begin| begin.daemon_keys).unwrap_or_default(),
            ..begin(ROLLBACK)
        };
        let manner = Manner { need: Need::Back, options, dry_run };
        go_back(past, steps, &manner, begin, sink, report)
    })
}

/// Puts back what a run that did not end has done.
pub(super) fn recover(settings: &SettingOptions, sinks: Sinks, report: &mut Report) -> Result<()> {
    going_back("docker recover", settings, sinks, report, |past, sink, report| {
        let Some(unfinished) = past.receipt.unfinished() else {
            sink.event(&Event::Note("every run on this node has ended; there is nothing to recover"));
            return Ok(());
        };
        let left = run::recover(&past.host, &past.receipt, unfinished, sink)?;
        tell_label_problem(&past.host, sink);
        report.changed = true;
        report.changes = unfinished.steps().map(|step| ChangeReport::brief(&step.inverse())).collect();
        report.left = left.iter().map(Into::into).collect();
        report.outcome = if left.iter().any(Left::is_failure) { Outcome::Failed } else { Outcome::Changed };
        Ok(())
    })
}

/// Takes everything away.
pub(super) fn remove(
    settings: &SettingOptions,
    options: UndoOptions,
    purge: bool,
    dry_run: bool,
    sinks: Sinks,
    report: &mut Report,
) -> Result<()> {
    going_back(REMOVE, settings, sinks, report, |past, sink, report| {
        if !dry_run {
            end_repair(past, sink)?;
        }
        run::inherit(&past.host, &mut past.receipt)?;
        let owned = past.receipt.all_owned();
        let steps: Vec<Step> = owned.filter(|step| purge || !holds_data(step)).cloned().collect();
        if steps.is_empty() {
            sink.event(&Event::Note("there is no record of anything that node-setup has put on this node"));
        }
        let manner = Manner { need: Need::IfPossible, options, dry_run };
        go_back(past, steps, &manner, begin(REMOVE), sink, report)?;
        let is_done = !dry_run && matches!(report.outcome, Outcome::Changed | Outcome::Unchanged);
        if let Some(error) = is_done.then(|| forget(past, sink)).and_then(Result::err) {
            let name = Name { kind: "tree", on: past.host.state().display().to_string() };
            let item = Left::failed(name, error.in_one_line());
            sink.event(&Event::Left(&item));
            report.left.push((&item).into());
            report.outcome = Outcome::Failed;
        }
        Ok(())
    })
}

/// Puts a repair back first that did not end: the containers that it has stopped are known to nobody
/// else, and are to run should the removal be taken back. What of it stays is the removal's.
fn end_repair(past: &mut Past, sink: &mut dyn Sink) -> Result<()> {
    let Some(repair) = past.receipt.unfinished().filter(|unfinished| unfinished.command == REPAIR) else {
        return Ok(());
    };
    sink.event(&Event::Note(PUT_BACK_FIRST));
    run::recover(&past.host, &past.receipt, repair, sink)?;
    past.host.interrupt().check()?;
    past.receipt = Receipt::read(&past.host.journals())?;
    Ok(())
}

/// Forgets the node, once nothing on it is ours any more, or else what nothing goes back
/// to. What went back by itself or by another's hand is not ours.
fn forget(past: &Past, sink: &mut dyn Sink) -> Result<()> {
    let receipt = Receipt::read(&past.host.journals())?;
    let is_back = |step: &&Step| matches!(step.standing(&past.host), Ok(Standing::AtFrom));
    let ours: Vec<&Step> = receipt.all_owned().filter(|step| !is_back(step)).collect();
    if ours.iter().any(|step| holds_data(step)) {
        sink.event(&Event::Note("docker's data stays; remove --purge takes it away too"));
    }
    if !ours.is_empty() {
        if let Err(error) = collect_removed(&past.host, &receipt) {
            sink.event(&Event::Note(&error.in_one_line()));
        }
        return Ok(());
    }
    let files = receipt.runs().iter().flat_map(PastRun::made).filter_map(|step| match step {
        Step::File(change) => Some(change.on.0.as_path()),
        _ => None,
    });
    past.host.files().remove_state(past.host.state(), files, local_points()?)
}

/// How to go back.
struct Manner {
    need: Need,
    options: UndoOptions,
    dry_run: bool,
}

/// Takes steps back, the last first, as a run of its own.
fn go_back(
    past: &Past,
    steps: Vec<Step>,
    manner: &Manner,
    begin: Begin,
    sink: &mut dyn Sink,
    report: &mut Report,
) -> Result<()> {
    must_suit(&past.host, &steps)?;
    let attempts = steps.into_iter().map(Attempt::done).collect();
    let (mut goals, mut left) = (Vec::new(), Vec::new());
    for Attempt { step, .. } in undo_order(attempts) {
        match standing_in_the_way(&past.host, &step, manner)? {
            None => {
                let wanted = with_what_hangs_on_it(past, step.inverse().wanted());
                goals.push(Goal { wanted, need: manner.need });
            }
            Some(item) => {
                sink.event(&Event::Left(&item));
                report.left.push((&item).into());
                left.push(item);
            }
        }
    }
    let planned = plan(&past.host, &goals, &past.receipt)?;
    // A rollback that finds everything back is one, too: the next goes back further.
    let is_over = planned.is_empty() && manner.need == Need::IfPossible && past.receipt.heritage().is_none();
    if manner.dry_run || is_over {
        report.changes = planned.iter().map(|step| ChangeReport::new(step, &past.host)).collect();
        report.outcome = match planned.is_empty() {
            true if !manner.dry_run && left.iter().any(Left::is_failure) => Outcome::Failed,
            true => Outcome::Unchanged,
            false => Outcome::Planned,
        };
        return Ok(());
    }
    announce(past, &planned, sink);
    run::take_over(&past.host, &past.receipt)?;
    let journal = Journal::begin(&past.host.journals(), begin, past.receipt.heritage(), &planned)?;
    let run = Run { host: &past.host, receipt: &past.receipt, journal, sink };
    let ending = run.reach(&goals, &planned);
    if conclude(&past.host, ending, sink, report) {
        remember(&past.host, sink);
        if left.iter().any(Left::is_failure) {
            report.outcome = Outcome::Failed;
        }
    }
    Ok(())
}

/// What somebody else has changed since is theirs. What cannot be looked at ends a
/// rollback, and is left by a removal; but a docker of which systemd tells nothing would run on
/// without its files.
fn standing_in_the_way(host: &Host, step: &Step, manner: &Manner) -> Result<Option<Left>> {
    let is_theirs = step.is_kept() && !manner.options.force;
    match step.standing(host) {
        Ok(Standing::Between(found) | Standing::Elsewhere(found)) if is_theirs => {
            Ok(Some(Left::theirs(step.name(), format!("changed since: {found}"))))
        }
        Ok(_) => Ok(None),
        Err(error) if manner.need.leaves(&error) && !matches!(step, Step::Unit(_)) => {
            Ok(Some(Left::failed(step.name(), error.in_one_line())))
        }
        Err(error) => Err(error),
    }
}

/// Where docker is to stop, the containers that stop with it; also those that a run before this one
/// has stopped already, which died: should this one be taken back, they are to run again.
fn with_what_hangs_on_it(past: &Past, mut wanted: Wanted) -> Wanted {
    if let Wanted::Unit(Want { on, to }) = &mut wanted
        && let (Readiness::Api(socket), false) = (&on.ready, to.active)
    {
        let running = past.host.api(socket).running().unwrap_or_default();
        on.hanging = running.into_iter().map(Hanging::from).collect();
        for step in past.receipt.unfinished().into_iter().flat_map(Unfinished::steps) {
            match step {
                Step::Unit(change) if change.on.name == on.name => {
                    let earlier = change.on.hanging.iter().filter(|hanging| !on.hanging.contains(hanging));
                    let earlier: Vec<Hanging> = earlier.cloned().collect();
                    on.hanging.extend(earlier);
                }
                _ => {}
            }
        }
    }
    wanted
}

/// Says which containers will be stopped, before they are.
fn announce(past: &Past, planned: &[Step], sink: &mut dyn Sink) {
    let stopping = planned.iter().find_map(|step| match step {
        Step::Unit(Change { on, to, .. }) if !to.active && on.ready != Readiness::Job => Some(on),
        _ => None,
    });
    let Some(docker) = stopping else { return };
    if !docker.hanging.is_empty() {
        let names: Vec<&str> = docker.hanging.iter().map(|hanging| hanging.name.as_str()).collect();
        sink.event(&Event::Note(&format!("stopping the containers {}", names.join(", "))));
    } else if past.host.processes().is_ok_and(|all| all.iter().any(|(_, name)| is_container(name))) {
        sink.event(&Event::Note("stopping containers whose names are not known: docker does not answer"));
    }
}

/// Images, containers and volumes are taken away only where that is asked for.
fn holds_data(step: &Step) -> bool {
    matches!(step, Step::Tree(_))
}

pub(super) fn ended(receipt: &Receipt) -> Result<()> {
    match receipt.unfinished() {
        None => Ok(()),
        Some(unfinished) => Err(Error::Unended { journal: unfinished.path.clone() }),
    }
}

impl From<&PastRun> for RunReport {
    fn from(run: &PastRun) -> Self {
        Self {
            number: run.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            command: run.begin.command.clone(),
            started: run.begin.started,
            end: run.end.map_or(UNFINISHED, crate::journal::End::word).to_owned(),
            docker: run.begin.docker.as_ref().map(|docker| docker.version.to_string()),
            changes: run.done.iter().map(ChangeReport::brief).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::host::{Interrupt, Limits};
    use crate::resource::{File, FileState};

    /// What is in the way of going back from a link that was made, and is what by now.
    #[test]
    fn what_is_left_depends_on_what_is_there_and_on_the_manner() {
        let scratch = tempfile::tempdir().unwrap();
        let host = Host::with_state(&scratch.path().join("state"), Limits::default(), Interrupt::default());
        let host = host.unwrap();
        let (theirs, unseen) = (scratch.path().join("theirs"), scratch.path().join("unseen"));
        std::fs::create_dir(&theirs).unwrap();
        let _listener = UnixListener::bind(&unseen).unwrap();
        for (path, force, need, expected) in [
            (&theirs, false, Need::IfPossible, Some(Some(true))),
            (&theirs, true, Need::IfPossible, Some(None)),
            (&unseen, false, Need::IfPossible, Some(Some(false))),
            (&unseen, true, Need::IfPossible, Some(Some(false))),
            (&unseen, true, Need::Back, None),
        ] {
            let to = FileState::Symlink { target: "x".into(), label: None };
            let step = Step::File(Change { on: File(path.clone()), from: FileState::Absent, to });
            let manner = Manner { need, options: UndoOptions { force }, dry_run: false };
            let found = standing_in_the_way(&host, &step, &manner).ok();
            let found = found.map(|found| found.map(|left| !left.is_failure()));
            assert_eq!(found, expected, "{} {force} {need:?}", path.display());
        }
    }
}
