//! Carrying a plan out, and taking it back.

use std::time::Instant;

use crate::change::{Attempt, Name, Standing, Step};
use crate::error::{Id, Refusal};
use crate::event::{Event, Left, Sink, Stays};
use crate::host::Host;
use crate::journal::{End, Heritage, Journal, Record};
use crate::plan::{Goal, Need, Outlook, outlook};
use crate::receipt::{Receipt, Unfinished};
use crate::{Error, Result};

/// The kind of a directory that docker fills.
const TREE: &str = "tree";

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// Every goal is reached, by these steps; but for those, which were to be
    /// reached if possible.
    Completed(Vec<Step>, Vec<Left>),
    /// It failed, and the node is as it was.
    Restored(Error),
    /// It failed, and these things are not as they were.
    Partial(Error, Vec<Left>),
}

/// A run that is going on: what it works on, and where it says what it does.
pub struct Run<'a> {
    /// The machine.
    pub host: &'a Host,
    /// What earlier runs did.
    pub receipt: &'a Receipt,
    /// Where intents go before they are followed.
    pub journal: Journal,
    /// Who is told.
    pub sink: &'a mut dyn Sink,
}

/// What a run has come to.
#[derive(Default)]
struct SoFar {
    /// Its steps, in order.
    made: Vec<Attempt>,
    /// What it goes on without.
    left: Vec<Left>,
}

/// Why a run cannot go on, and the step that was in flight.
struct Failure {
    error: Error,
    in_flight: Option<Step>,
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        Self::new(Failure { error, in_flight: None })
    }
}

impl Run<'_> {
    /// Reaches `goals` in order. On the first failure, or when asked to stop,
    /// undoes what was done, and what was inherited. `planned` is what the journal
    /// already has.
    pub fn reach(mut self, goals: &[Goal], planned: &[Step]) -> Ending {
        let (host, inherited) = (self.host, inherited(self.receipt));
        host.starts_to_change();
        let mut so_far = SoFar::default();
        let Err(failure) = self.reach_all(goals, planned, &mut so_far) else {
            let done = so_far.made.into_iter().filter(|attempt| attempt.is_done);
            return Ending::Completed(done.map(|attempt| attempt.step).collect(), so_far.left);
        };
        let Failure { error, in_flight } = *failure;
        self.sink.event(&Event::Failed(&error));
        let made = so_far.made.into_iter().chain(in_flight.map(Attempt::begun));
        let all = inherited.iter().cloned().map(Attempt::done).chain(made).collect();
        // A directory of which only a part could be taken away is not as it was, either.
        let partly = so_far.left.into_iter().filter(|left| left.name.kind == TREE);
        let partly = partly.map(|left| Left { stays: Stays::Failed, ..left }).collect();
        let left = self.undo(all, partly, |step| inherited.contains(step) && is_filled(host, step));
        if left.iter().any(Left::is_failure) { Ending::Partial(error, left) } else { Ending::Restored(error) }
    }

    fn reach_all(
        &mut self,
        goals: &[Goal],
        planned: &[Step],
        so_far: &mut SoFar,
    ) -> Result<(), Box<Failure>> {
        for goal in goals {
            self.host.interrupt().check()?;
            let step = match outlook(self.host, goal, &[], self.receipt) {
                Ok(Outlook::Takes(step)) => step,
                Ok(Outlook::Holds) => {
                    self.found(goal, so_far)?;
                    continue;
                }
                Ok(Outlook::Refused) => continue,
                Err(error) if goal.need.leaves(&error) => {
                    so_far.left.push(self.leave(goal.wanted.name(), &error));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !planned.contains(&step) {
                self.journal.write_through(&Record::Intend(step.clone()))?;
            }
            self.take(step, goal.need, so_far)?;
        }
        self.host.files().flush()?;
        self.host.tell_systemd()?;
        self.host.settle()?;
        if let Some(signal) = self.host.interrupt().unheeded() {
            let said =
                format!("{signal} came when docker's data was gone already: the removal went on to its end");
            self.sink.event(&Event::Note(&said));
        }
        self.journal.write_through(&Record::End(End::Completed))?;
        Ok(())
    }

    /// Makes a step. That it fails may be something to go on from: so much depends on it.
    fn take(&mut self, step: Step, need: Need, so_far: &mut SoFar) -> Result<(), Box<Failure>> {
        let outcome = self.make(&step);
        if step.loses_data() {
            // There is no way back to where the node was.
            self.host.interrupt().put_off();
        }
        match outcome {
            Ok(()) => {
                so_far.made.push(Attempt::done(step.clone()));
                self.journal.write(&Record::Done { step })?;
            }
            Err(error) if need == Need::BestEffort => self.refused(step, &error, so_far)?,
            Err(error) if need.leaves(&error) => {
                so_far.left.push(self.leave(step.name(), &error));
                so_far.made.push(Attempt::begun(step));
            }
            Err(cause) => {
                let error = Error::Step { step: describe(&step), cause: Box::new(cause) };
                return Err(Box::new(Failure { error, in_flight: Some(step) }));
            }
        }
        Ok(())
    }

    /// The node has refused a best effort. What it has made of it all the same goes back at once,
    /// from wherever that is: nobody else has had it in hand yet. Where it does not, it is ours as
    /// far as it came, and is named.
    fn refused(&mut self, step: Step, error: &Error, so_far: &mut SoFar) -> Result<()> {
        let reason = error.in_one_line();
        let back = step.inverse().apply(self.host);
        let reached = step.reached(self.host).unwrap_or_else(|_| step.clone());
        match back {
            Err(stays) if !reached.is_nothing() => {
                let why = format!("{reason}; it was not put back: {}", stays.in_one_line());
                let item = Left::failed(step.name(), why);
                self.sink.event(&Event::Left(&item));
                so_far.left.push(item);
                so_far.made.push(Attempt::done(reached.clone()));
                self.journal.write(&Record::Done { step: reached })
            }
            _ => {
                self.sink.event(&Event::Refused { step: &step, reason: &reason });
                self.journal.write(&Record::Refused { step, reason })
            }
        }
    }

    fn leave(&mut self, name: Name, error: &Error) -> Left {
        let item = Left::by(error, name);
        self.sink.event(&Event::Left(&item));
        item
    }

    /// Remembers what was right before any run changed it, this one too: should it drift and
    /// be corrected, removal leaves it right, and does not bring the drift back.
    fn found(&mut self, goal: &Goal, so_far: &SoFar) -> Result<()> {
        let name = goal.wanted.name();
        let is_ours = || so_far.made.iter().any(|attempt| attempt.step.name() == name);
        if goal.need.is_back() || self.receipt.knows(&name) || is_ours() {
            return Ok(());
        }
        self.journal.write(&Record::Found { step: goal.wanted.held(self.host)? })
    }

    fn make(&mut self, step: &Step) -> Result<()> {
        self.sink.event(&Event::Begun(step));
        let start = Instant::now();
        step.apply(self.host)?;
        self.sink.event(&Event::Done { step, took: start.elapsed() });
        Ok(())
    }

    /// Takes steps back but for those that are spared, which is asked when their
    /// turn comes. Goes on past errors, and says what is left.
    /// What is `left` already is said, and is named with the rest.
    fn undo(
        &mut self,
        attempts: Vec<Attempt>,
        mut left: Vec<Left>,
        spares: impl Fn(&Step) -> bool,
    ) -> Vec<Left> {
        self.host.begin_undo();
        for attempt in undo_order(attempts) {
            if spares(&attempt.step) {
                continue;
            }
            match take_back(self.host, &attempt) {
                Ok(()) => {
                    let Attempt { step, .. } = attempt;
                    self.sink.event(&Event::Undone(&step));
                    // Nobody looks again at what the journal says is undone, so it has to be on disk by then.
                    // What could not be flushed is tried again at the end, and said there.
                    if self.host.files().flush().is_ok() {
                        self.note(&Record::Undone { step });
                    }
                }
                Err(item) => {
                    self.sink.event(&Event::Left(&item));
                    left.push(item);
                }
            }
        }
        if let Err(error) = self.settle() {
            let name = Name { kind: "file", on: "directories and units".to_owned() };
            let item = Left::failed(name, error.in_one_line());
            self.sink.event(&Event::Left(&item));
            left.push(item);
        }
        let is_partial = left.iter().any(Left::is_failure);
        self.note(&Record::End(if is_partial { End::Partial } else { End::Restored }));
        left
    }

    /// What undoing changed is on disk, and known to systemd.
    fn settle(&self) -> Result<()> {
        let flushed = self.host.files().flush();
        self.host.tell_systemd()?;
        flushed
    }

    /// Undoing goes on when the journal cannot be written: the next run looks at
    /// the node, and finds it as it was.
    fn note(&mut self, record: &Record) {
        if let Err(error) = self.journal.write_through(record) {
            self.sink.event(&Event::Note(&error.in_one_line()));
        }
    }
}

/// Refuses steps to be taken back, or gone on from, that take a running system where there is none.
pub(super) fn must_suit<'a>(host: &Host, steps: impl IntoIterator<Item = &'a Step>) -> Result<()> {
    let mut steps = steps.into_iter();
    let Some(step) = steps.find(|step| host.is_offline() && step.needs_a_system()) else { return Ok(()) };
    let found = format!(
        "the system in this root has run node-setup itself, and its {} cannot be taken back while it does not run",
        step.name()
    );
    let remedy = "boot it, and run this there without --root".to_owned();
    Err(Error::Refused(vec![Refusal { id: Id::LIVE_RUN, found, remedy }]))
}

/// Undoes a run that did not end. A signal that came meanwhile is for what comes next.
pub fn recover(
    host: &Host,
    receipt: &Receipt,
    unfinished: &Unfinished,
    sink: &mut dyn Sink,
) -> Result<Vec<Left>> {
    must_suit(host, unfinished.steps())?;
    let mut journal = Journal::resume(&unfinished.path)?;
    take_over(host, receipt)?;
    for attempt in unfinished.attempts.iter().filter(|attempt| !attempt.is_done) {
        if attempt.step.makes_room()
            && let Some(step) = attempt.found(host)?
        {
            journal.write(&Record::Done { step })?;
        }
    }
    let spared = |step: &Step| is_filled(host, step);
    let limits = host.limits();
    let partly = half_lost(host, unfinished);
    for left in &partly {
        sink.event(&Event::Left(left));
    }
    let left = Run { host, receipt, journal, sink }.undo(unfinished.attempts.clone(), partly, spared);
    host.end_undo(limits);
    Ok(left)
}

/// What a run that did not end had begun to take away for good: it is there, and some of what was in it
/// may not be.
pub fn half_lost(host: &Host, unfinished: &Unfinished) -> Vec<Left> {
    let steps = unfinished.may_be_half_made().filter(|step| step.loses_data());
    let stays = |step: &&Step| !matches!(step.standing(host), Ok(Standing::AtTo));
    let left = |step: &Step| {
        let why = "a removal that did not end was at it: some of what was in it may be gone".to_owned();
        Left::failed(step.name(), why)
    };
    steps.filter(stays).map(left).collect()
}

/// Clears away what a run that did not end has left beside the files that it was about, and
/// flushes what it did not come to flush. What it has made stays.
pub fn take_over(host: &Host, receipt: &Receipt) -> Result<()> {
    let unfinished = receipt.unfinished().into_iter().flat_map(Unfinished::steps);
    unfinished.for_each(|step| host.files().take_over(step));
    host.files().flush()
}

/// Makes the next run the heir of one that did not end, if there is one: what that one
/// has done is the heir's, and a step that was broken off is, as far as it came. Nothing
/// changes, and the one has not ended before the heir [begins](Journal::begin).
pub fn inherit(host: &Host, receipt: &mut Receipt) -> Result<bool> {
    let Some(unfinished) = receipt.unfinished() else { return Ok(false) };
    must_suit(host, unfinished.steps())?;
    let mut made = Vec::new();
    let mut later = unfinished.attempts.iter();
    while let Some(attempt) = later.next() {
        let name = attempt.step.name();
        let is_last = later.clone().all(|later| later.step.name() != name);
        made.extend(if is_last { attempt.found(host)? } else { Some(attempt.step.clone()) });
    }
    receipt.inherit(made);
    Ok(true)
}

fn inherited(receipt: &Receipt) -> &[Step] {
    receipt.heritage().map_or(&[], |Heritage { steps, .. }| steps)
}

/// Whether it made a directory that has something in it by now. docker may have run for
/// long since a run died: what it has filled stays, and stays ours.
fn is_filled(host: &Host, step: &Step) -> bool {
    matches!(step, Step::Tree(change) if host.files().holds_something(&change.on.0))
}

/// Backwards; but what starts something waits until all else is in its place.
///
/// What is nobody's to keep goes back at once to where its first step began: a unit that was
/// started by one run and started anew by its heir is stopped, and not started on the way.
/// What would have run only on that unit is not undone at all.
pub fn undo_order(attempts: Vec<Attempt>) -> Vec<Attempt> {
    let mut order: Vec<Attempt> = Vec::new();
    for Attempt { step, is_done } in attempts {
        let is_earlier = |earlier: &Attempt| !step.is_kept() && earlier.step.name() == step.name();
        let step = match order.iter().position(is_earlier) {
            Some(index) => order.remove(index).step.then(step),
            None => step,
        };
        order.push(Attempt { step, is_done });
    }
    let all = order.clone();
    order.retain(|attempt| !all.iter().any(|other| attempt.step.is_moot_after(&other.step)));
    order.reverse();
    let (starting, mut order): (Vec<_>, Vec<_>) =
        order.into_iter().partition(|attempt| attempt.step.inverse().starts());
    order.extend(starting.into_iter().rev());
    order
}

/// Undoes one step.
///
/// A step that is known to be done is touched only where the node still is as
/// the step put it: what someone changed since is theirs. One that was in flight
/// is put back from wherever it may have left the resource.
fn take_back(host: &Host, Attempt { step, is_done }: &Attempt) -> Result<(), Left> {
    let changed = |found: &str| Left::theirs(step.name(), format!("changed since: {found}"));
    let failed = |error: Error| Left::by(&error, step.name());
    let inverse = step.inverse();
    if !is_done && !step.is_kept() {
        return inverse.enforce(host).map_err(failed);
    }
    match step.standing(host).map_err(failed)? {
        Standing::AtFrom => Ok(()),
        Standing::Between(found) if *is_done && step.is_kept() => Err(changed(&found)),
        Standing::Elsewhere(found) => Err(changed(&found)),
        Standing::AtTo | Standing::Between(_) => {
            inverse.apply(host).map_err(failed)?;
            if !step.loses_data() {
                return Ok(());
            }
            Err(Left::failed(step.name(), "what was in it is gone".to_owned()))
        }
    }
}

pub(crate) fn describe(step: &Step) -> String {
    format!("{} did not become: {} (it was: {})", step.name(), step.to(), step.from())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use nix::sys::signal::Signal;

    use super::*;
    use crate::change::{Change, Want, Wanted};
    use crate::event::Sinks;
    use crate::host::{Backend, Interrupt, Limits};
    use crate::journal::tests::begin;
    use crate::resource::{
        Chains, ChainsState, Enablement, File, FileState, Sysctl, SysctlState, Tree, TreeState, Unit,
        UnitState,
    };

    /// A node of which nothing is looked at but files below a directory, and a way to tell its runs to stop.
    fn node(scratch: &Path) -> (Host, Interrupt) {
        let interrupt = Interrupt::default();
        let host = Host::with_state(&scratch.join("state"), Limits::default(), interrupt.clone());
        (host.unwrap(), interrupt)
    }

    fn link(path: PathBuf) -> Want<File> {
        Want { on: File(path), to: FileState::Symlink { target: "x".into(), label: None } }
    }

    fn nobody() -> Sinks {
        Sinks(Vec::new())
    }

    #[test]
    fn a_run_that_follows_a_recovery_stops_when_it_is_asked_to() {
        for comes_meanwhile in [false, true] {
            let scratch = tempfile::tempdir().unwrap();
            let (host, interrupt) = node(scratch.path());
            let step = Wanted::from(link(scratch.path().join("link"))).change(&host, &[]).unwrap().unwrap();
            drop(Journal::begin(&host.journals(), begin(), None, std::slice::from_ref(&step)).unwrap());
            step.apply(&host).unwrap();
            let receipt = Receipt::read(&host.journals()).unwrap();
            if comes_meanwhile {
                interrupt.raise(Signal::SIGTERM);
            }
            let unfinished = receipt.unfinished().unwrap();
            let left = recover(&host, &receipt, unfinished, &mut nobody()).unwrap();
            assert!(left.is_empty(), "{left:?}");
            assert!(!scratch.path().join("link").is_symlink(), "it is put back, whatever signal comes");
            interrupt.raise(Signal::SIGTERM);
            assert!(matches!(host.interrupt().check(), Err(Error::Interrupted { signal: "SIGTERM" })));
        }
    }

    /// There is no key of the first name. Of the others one was never otherwise, and one is read back
    /// as it is.
    #[test]
    fn a_best_effort_that_is_refused_is_back_or_stays_ours() {
        let absent = "net.node_setup.nothing";
        let present = std::fs::read_to_string("/proc/sys/kernel/ostype").unwrap();
        for (key, from, is_ours) in
            [(absent, SysctlState::Absent, false), (absent, SysctlState::value("0"), true)]
                .into_iter()
                .chain([("kernel.ostype", SysctlState::value(&present), false)])
        {
            let state = tempfile::tempdir().unwrap();
            let host = Host::with_state(state.path(), Limits::default(), Interrupt::default()).unwrap();
            let step = Step::Sysctl(Change {
                on: Sysctl(key.to_owned()),
                from: from.clone(),
                to: SysctlState::value("1"),
            });
            let intents = std::slice::from_ref(&step);
            let journal = Journal::begin(&host.journals(), begin(), None, intents).unwrap();
            let receipt = Receipt::default();
            let mut run = Run { host: &host, receipt: &receipt, journal, sink: &mut nobody() };
            let mut so_far = SoFar::default();
            assert!(run.take(step.clone(), Need::BestEffort, &mut so_far).is_ok(), "{key}");
            let SoFar { made, left } = so_far;
            run.note(&Record::End(End::Completed));
            let now = SysctlState::Absent;
            let ours = is_ours.then(|| Step::Sysctl(Change { on: Sysctl(key.to_owned()), from, to: now }));
            let done: Vec<Step> = ours.into_iter().collect();
            assert_eq!(made.into_iter().map(|attempt| attempt.step).collect::<Vec<_>>(), done, "{key}");
            let receipt = Receipt::read(&host.journals()).unwrap();
            assert_eq!(receipt.all_owned().cloned().collect::<Vec<_>>(), done, "{key}");
            assert_eq!((receipt.refused(&step), left.len()), (!is_ours, usize::from(is_ours)), "{key}");
            assert!(left.iter().all(|left| left.is_failure() && left.why.contains("not put back")));
        }
    }

    /// Tells the run to stop when a tree is away, and keeps what is said.
    struct Impatient(Interrupt, Vec<String>);

    impl Sink for Impatient {
        fn event(&mut self, event: &Event<'_>) {
            match event {
                Event::Done { step: Step::Tree(_), .. } => self.0.raise(Signal::SIGINT),
                Event::Note(said) => self.1.push((*said).to_owned()),
                _ => {}
            }
        }
    }

    fn reach(host: &Host, goals: &[Goal], sink: &mut dyn Sink) -> Ending {
        let receipt = Receipt::default();
        let journal = Journal::begin(&host.journals(), begin(), None, &[]).unwrap();
        Run { host, receipt: &receipt, journal, sink }.reach(goals, &[])
    }

    fn away(wanted: impl Into<Wanted>) -> Goal {
        Goal { wanted: wanted.into(), need: Need::IfPossible }
    }

    /// A directory with something in it, and that it is to go.
    fn tree(path: PathBuf) -> Goal {
        fs::create_dir(&path).unwrap();
        fs::create_dir(path.join("image")).unwrap();
        away(Want { on: Tree(path), to: TreeState::Absent })
    }

    #[test]
    fn a_removal_that_has_taken_data_away_goes_on_to_its_end() {
        let scratch = tempfile::tempdir().unwrap();
        let (host, interrupt) = node(scratch.path());
        let (data, link) = (scratch.path().join("data"), scratch.path().join("link"));
        symlink("x", &link).unwrap();
        let goals = [tree(data.clone()), away(Want { on: File(link.clone()), to: FileState::Absent })];
        let mut sink = Impatient(interrupt, Vec::new());
        let ending = reach(&host, &goals, &mut sink);
        assert!(matches!(&ending, Ending::Completed(steps, _) if steps.len() == 2), "{ending:?}");
        assert!(!data.exists() && !link.is_symlink());
        assert!(sink.1.iter().any(|said| said.starts_with("SIGINT came")), "{:?}", sink.1);
    }

    #[test]
    fn a_removal_leaves_what_it_cannot_look_at() {
        let scratch = tempfile::tempdir().unwrap();
        let (host, _) = node(scratch.path());
        let (socket, link) = (scratch.path().join("socket"), scratch.path().join("link"));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        symlink("x", &link).unwrap();
        let gone = |path: &Path| away(Want { on: File(path.to_owned()), to: FileState::Absent });
        let ending = reach(&host, &[gone(&socket), gone(&link)], &mut nobody());
        let Ending::Completed(steps, left) = ending else { panic!("{ending:?}") };
        assert_eq!((steps.len(), left.len(), link.is_symlink()), (1, 1, false));
        assert!(left.iter().all(|left| left.name == File(socket.clone()).name() && left.is_failure()));
    }

    #[test]
    fn data_that_is_gone_is_not_said_to_be_back() {
        let scratch = tempfile::tempdir().unwrap();
        let (host, _) = node(scratch.path());
        let unreachable = Goal::required(link(scratch.path().join("nowhere/link")));
        let ending = reach(&host, &[tree(scratch.path().join("data")), unreachable], &mut nobody());
        let Ending::Partial(_, left) = ending else { panic!("{ending:?}") };
        let left: Vec<_> = left.iter().map(|left| (left.name.kind, left.why.as_str())).collect();
        assert_eq!(left, [(TREE, "what was in it is gone")]);
        // It is said once.
        let receipt = Receipt::read(&host.journals()).unwrap();
        assert!(recover(&host, &receipt, receipt.unfinished().unwrap(), &mut nobody()).unwrap().is_empty());
    }

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
        let order = undo_order(steps.iter().cloned().map(Attempt::done).collect());
        let names: Vec<_> = order.iter().map(|attempt| attempt.step.name().on).collect();
        assert_eq!(names, ["new", "b", "a", "old", "older"]);
    }

    /// One run has started docker, or found it running, and its heir has it started anew, and
    /// was at docker's rules when it failed.
    #[test]
    fn a_unit_that_did_not_run_is_stopped_and_not_started_on_the_way() {
        let stale = Step::Unit(Change {
            on: Unit::named("docker"),
            from: UnitState { fresh: false, ..UnitState::RUNNING },
            to: UnitState::RUNNING,
        });
        let chains = Step::Chains(Change {
            on: Chains { backend: Backend::Nft, docker: Unit::named("docker") },
            from: ChainsState::Lacking("all".to_owned()),
            to: ChainsState::Whole,
        });
        for (was_active, expected) in [
            (false, vec![("docker", "disabled, stopped"), ("a", "0")]),
            (
                true,
                vec![
                    ("a", "0"),
                    ("docker", "disabled, running"),
                    ("docker's rules (nft)", "as docker makes them"),
                ],
            ),
        ] {
            let steps = [unit("docker", was_active), sysctl("a"), stale.clone()].map(Attempt::done);
            let order = undo_order(steps.into_iter().chain([Attempt::begun(chains.clone())]).collect());
            let order: Vec<_> =
                order.iter().map(|Attempt { step, .. }| (step.name().on, step.inverse().to())).collect();
            let order: Vec<_> = order.iter().map(|(on, to)| (on.as_str(), to.as_str())).collect();
            assert_eq!(order, expected);
        }
    }
}
