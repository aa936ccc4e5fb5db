//! `node-setup docker` and its read-only sisters.

use super::collect::collect;
use super::install::{Choice, inspect, repair, stage};
use super::repair::{PUT_BACK_FIRST, REPAIR};
use super::session::{self, Session, load, locked, require_root};
use super::{candidate, live};
use crate::change::{Resource, Step};
use crate::check::{Subject, any_failed, check};
use crate::cli::SettingOptions;
use crate::config::Flannel;
use crate::desired::{Desired, daemon_keys, docker_unit, socket};
use crate::event::{Event, Left, Sink, Sinks};
use crate::facts::ipv4_of;
use crate::host::{Host, Interrupt};
use crate::journal::{Begin, Installed, Journal};
use crate::plan::plan as plan_for;
use crate::preflight;
use crate::render::GUARD_UNIT;
use crate::report::{ChangeReport, Collector, Outcome, Report, StatusReport};
use crate::resource::Unit;
use crate::run::{self, Ending, Run};
use crate::{Error, Result};

/// What the node is to have, decided from archive, receipt and facts.
struct Intended {
    docker: Option<Installed>,
    desired: Desired,
    steps: Vec<Step>,
}

/// Converges the node.
pub(super) fn converge(settings: &SettingOptions, sinks: Sinks, report: &mut Report) -> Result<()> {
    let config = load(settings)?;
    let look = |interrupt| Session::begin(config, interrupt);
    locked(("docker", settings.wait), sinks, report, look, |session, sink, report| {
        let ended = converge_locked(session, sink, report);
        // What cannot be cleared now is cleared before the next archive is unpacked.
        let _ = session.host.files().store().clear_staged(&session.config.docker.bin_dir);
        ended
    })
}

fn converge_locked(session: &mut Session, sink: &mut dyn Sink, report: &mut Report) -> Result<()> {
    if !session.host.is_offline() {
        await_flannel(session)?;
    }
    let Some(is_heir) = go_on(session, sink, report)? else { return Ok(()) };
    let intended = intend(session, sink, true, report)?;
    if intended.steps.is_empty() && !is_heir {
        let subject = session.subject(intended.docker.as_ref(), &intended.desired);
        report.checks = check(&Subject { planned: true, ..subject });
        return Ok(());
    }
    match &intended.docker {
        Some(docker) if session.host.is_offline() => candidate::suits(session, docker, &intended.steps)?,
        Some(docker) => candidate::try_out(session, docker, &intended.steps)?,
        None => {}
    }
    for note in &intended.desired.notes {
        sink.event(&Event::Note(note));
    }
    session.host.interrupt().check()?;
    run::take_over(&session.host, &session.receipt)?;
    let journal = begin(session, &intended)?;
    let run = Run { host: &session.host, receipt: &session.receipt, journal, sink };
    let ending = run.reach(&intended.desired.goals, &intended.steps);
    if conclude(&session.host, ending, sink, report) {
        let looked = look_again(session, sink, report);
        if let Err(error) = looked.and_then(|()| collect(session)) {
            sink.event(&Event::Note(&error.in_one_line()));
        }
    }
    Ok(())
}

/// Looks at a node on which a run has completed, and checks it. The run stays one that has
/// completed, also where the node cannot be looked at any more.
pub(super) fn look_again(session: &mut Session, sink: &mut dyn Sink, report: &mut Report) -> Result<()> {
    remember(&session.host, sink);
    session.refresh().map_err(|cause| Error::Step {
        step: "the run has completed, and was not checked: node-setup docker verify does it".to_owned(),
        cause: cause.into(),
    })?;
    report.checks = check(&session.subject(session.receipt.docker(), &session.installed()));
    Ok(())
}

/// Goes on from a run that did not end, if there is one. But a repair is put back first: the
/// containers that it has stopped are known to nobody else. Where that does not come off, nothing goes on.
fn go_on(session: &mut Session, sink: &mut dyn Sink, report: &mut Report) -> Result<Option<bool>> {
    if let Some(repair) = session.receipt.unfinished().filter(|unfinished| unfinished.command == REPAIR) {
        sink.event(&Event::Note(PUT_BACK_FIRST));
        let left = run::recover(&session.host, &session.receipt, repair, sink)?;
        if left.iter().any(Left::is_failure) {
            let error = Error::Unended { journal: repair.path.clone() };
            conclude(&session.host, Ending::Partial(error, left), sink, report);
            return Ok(None);
        }
        session.host.interrupt().check()?;
        session.refresh()?;
    }
    let half_lost = session.receipt.unfinished().map(|unfinished| run::half_lost(&session.host, unfinished));
    for left in half_lost.into_iter().flatten() {
        sink.event(&Event::Note(&format!("{}: {}", left.name, left.why)));
    }
    let is_heir = run::inherit(&session.host, &mut session.receipt)?;
    if is_heir {
        sink.event(&Event::Note("an earlier run did not end; this one goes on from where it stopped"));
    }
    Ok(Some(is_heir))
}

/// What is remembered saves the next run time, and is not worth failing for.
pub(super) fn remember(host: &Host, sink: &mut dyn Sink) {
    if let Err(problem) = host.files().remember() {
        sink.event(&Event::Note(&problem.in_one_line()));
    }
}

/// Labels that could not be set are told however the run has ended.
pub(super) fn tell_label_problem(host: &Host, sink: &mut dyn Sink) {
    if let Some(problem) = host.files().take_label_problem() {
        sink.event(&Event::Note(&problem.in_one_line()));
    }
}

/// Enters how a run ended; says whether it completed.
pub(super) fn conclude(host: &Host, ending: Ending, sink: &mut dyn Sink, report: &mut Report) -> bool {
    tell_label_problem(host, sink);
    match ending {
        Ending::Completed(steps, left) => {
            report.left.extend(left.iter().filter(|left| left.is_failure()).map(Into::into));
            report.outcome = if steps.is_empty() { Outcome::Unchanged } else { Outcome::Changed };
            report.changed = !steps.is_empty();
            report.changes = steps.iter().map(|step| ChangeReport::new(step, host)).collect();
            if left.iter().any(Left::is_failure) {
                report.outcome = Outcome::Failed;
            }
            return true;
        }
        Ending::Restored(error) => report.fail(Outcome::Restored, &error),
        Ending::Partial(error, left) => {
            report.fail(Outcome::Failed, &error);
            report.changed = true;
            report.left.extend(left.iter().map(Into::into));
        }
    }
    false
}

/// Shows what converging would do.
pub(super) fn plan(settings: &SettingOptions, report: &mut Report) -> Result<()> {
    let config = load(settings)?;
    require_root()?;
    let (mut session, live) = live::watching(|| Session::begin(config, Interrupt::default()))?;
    match live {
        Some(holder) => report.notes.push(live::note(&holder)),
        None if run::inherit(&session.host, &mut session.receipt)? => {
            let note = "an earlier run did not end; the next one goes on from where it stopped";
            report.notes.push(note.to_owned());
        }
        None => {}
    }
    let mut notes = Collector::default();
    let intended = intend(&mut session, &mut notes, false, report)?;
    report.notes.extend(notes.notes.into_iter().chain(intended.desired.notes));
    report.changes = intended.steps.iter().map(|step| ChangeReport::new(step, &session.host)).collect();
    report.outcome = if report.changes.is_empty() { Outcome::Unchanged } else { Outcome::Planned };
    Ok(())
}

/// Runs the checks.
pub(super) fn verify(settings: &SettingOptions, deep: bool, report: &mut Report) -> Result<()> {
    let config = load(settings)?;
    require_root()?;
    let (session, live) = live::watching(|| Session::begin(config, Interrupt::default()))?;
    report.notes.extend(live.as_deref().map(live::note));
    if deep {
        session.host.files().distrust();
    }
    let docker = session.receipt.docker();
    let desired = session.installed();
    report.checks = check(&session.subject(docker, &desired));
    if any_failed(&report.checks) {
        report.outcome = Outcome::Failed;
    }
    Ok(())
}

/// Shows what is installed, running and owned.
pub(super) fn status(settings: &SettingOptions, report: &mut Report) -> Result<()> {
    let config = load(settings)?;
    require_root()?;
    let (session, live) = live::watching(|| Session::begin(config, Interrupt::default()))?;
    let unfinished = session.receipt.unfinished().filter(|_| live.is_none());
    let Session { config, host, receipt, facts, .. } = &session;
    let running = host.api(&socket(config)).version().ok();
    let bridge = if host.is_offline() { None } else { ipv4_of(host, crate::docker::BRIDGE)? };
    report.status = Some(StatusReport {
        node: facts.hostname.clone(),
        distribution: facts.distribution.clone(),
        installed: receipt.docker().map(|docker| docker.version.to_string()),
        archive: receipt.docker().map(|docker| docker.archive.to_string()),
        running,
        docker: docker_unit(config).observe(host)?.to_string(),
        guard: Unit::named(GUARD_UNIT).observe(host)?.to_string(),
        bridge: bridge.and_then(|nets| nets.first().map(ToString::to_string)),
        lease: facts.flannel_lease.says().map(|lease| lease.subnet.to_string()),
        last_run: receipt.last_run(),
        unfinished: unfinished.map(|run| run.path.display().to_string()),
        at_work: live,
        owned: receipt.all_owned().map(ChangeReport::brief).collect(),
    });
    Ok(())
}

/// Where docker must have flannel, flannel may take its time.
fn await_flannel(session: &mut Session) -> Result<()> {
    let network = &session.config.network;
    let nothing = session.facts.network_options(&session.config).is_none();
    if network.flannel != Flannel::Required || !nothing {
        return Ok(());
    }
    match session.host.await_flannel(true, network.flannel_timeout) {
        // What is not right then is a reason to refuse, among others.
        Ok(_) | Err(Error::Timeout { .. } | Error::Foreign { .. }) => session.refresh(),
        Err(error) => Err(error),
    }
}

fn intend(session: &mut Session, sink: &mut dyn Sink, keep: bool, report: &mut Report) -> Result<Intended> {
    let choice = Choice::of(session);
    report.preflight = super::preflight::look(session, choice.as_ref());
    let refusals = preflight::refusals(&report.preflight);
    if !refusals.is_empty() {
        return Err(Error::Refused(refusals));
    }
    for note in preflight::skipped(&report.preflight) {
        sink.event(&Event::Note(&note));
    }
    let choice = choice?;
    let is_at_hand = matches!(choice, Choice::Keep(_) | Choice::Leave);
    let docker = match choice {
        Choice::Repair(installed, request) if keep => Some(repair(session, &installed, &request, sink)?),
        Choice::Keep(installed) | Choice::Repair(installed, _) => Some(installed),
        Choice::Archive(request) if keep => Some(stage(session, &request, sink)?),
        Choice::Archive(request) => Some(inspect(session, &request, sink)?),
        Choice::Leave => {
            let bin_dir = session.config.docker.bin_dir.display();
            sink.event(&Event::Note(&format!(
                "the binaries in {bin_dir} were not installed by node-setup and stay; --archive replaces them"
            )));
            None
        }
    };
    if !is_at_hand {
        // Getting it may have taken long, and others go on: what they have made of daemon.json meanwhile stays.
        session.look_again()?;
    }
    let mut desired = session.desired(docker.as_ref());
    let steps = plan_for(&session.host, &desired.goals, &session.receipt)?;
    if !steps.is_empty() {
        desired.notes.splice(0..0, preflight::warnings(&report.preflight));
    }
    Ok(Intended { docker, desired, steps })
}

fn begin(session: &Session, intended: &Intended) -> Result<Journal> {
    let version = intended.docker.as_ref().map(|docker| docker.version);
    let begin = Begin {
        docker: intended.docker.clone(),
        daemon_keys: daemon_keys(&session.config, version).keys().cloned().collect(),
        ..session::begin("docker")
    };
    Journal::begin(&session.host.journals(), begin, session.receipt.heritage(), &intended.steps)
}
