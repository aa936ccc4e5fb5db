//! What is ours on this node, and what was there before us.
//!
//! Never written: it is the composition of the journals. (a to b) in one run and
//! (b to c) in the next is (a to c), and `a` is what removal goes back to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::change::{Attempt, Name, Step};
use crate::journal::{self, Begin, End, Heritage, Installed, Record};

/// The journals, composed.
#[derive(Debug, Default)]
pub struct Receipt {
    /// A step for each resource that a run changed, or found as wanted before any
    /// run changed it: that one ends where it began.
    known: Vec<Step>,
    refused: Vec<Step>,
    runs: Vec<PastRun>,
    unfinished: Option<Unfinished>,
    heritage: Option<Heritage>,
}

/// A run, as its journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// Its journal.
    pub path: PathBuf,
    /// What it was.
    pub begin: Begin,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// What it has inherited from runs before it that did not end.
    pub inherited: Vec<Step>,
    /// What it did.
    pub done: Vec<Step>,
}

/// The command that goes back from a run.
pub const ROLLBACK: &str = "docker rollback";

/// The command that goes back from all runs.
pub const REMOVE: &str = "docker remove";

/// Something that can be gone back from.
#[derive(Clone, Debug, PartialEq)]
pub struct Undoable {
    /// What was done, one step for each resource.
    pub steps: Vec<Step>,
    /// What it was.
    pub begin: Begin,
}

/// A run that neither completed nor was undone to its end.
#[derive(Debug, PartialEq)]
pub struct Unfinished {
    /// Its journal.
    pub path: PathBuf,
    /// What it was.
    pub command: String,
    /// The steps that it may have made, in order. What it has inherited comes first.
    pub attempts: Vec<Attempt>,
}

impl Unfinished {
    /// The steps of which a part may have been made: those that have failed, and the one that was in
    /// flight. What comes after that was not begun.
    pub fn may_be_half_made(&self) -> impl Iterator<Item = &Step> {
        let in_flight = self.attempts.iter().rposition(|attempt| attempt.is_done).map_or(0, |last| last + 1);
        let begun = self.attempts.iter().take(in_flight + 1);
        begun.filter(|attempt| !attempt.is_done).map(|attempt| &attempt.step)
    }

    /// Its steps, made or not.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.attempts.iter().map(|attempt| &attempt.step)
    }
}

impl Receipt {
    /// Reads and composes the journals in `directory`.
    pub fn read(directory: &Path) -> Result<Self> {
        Ok(Self::of(journal::read_all(directory)?))
    }

    /// Composes journals, oldest first.
    ///
    /// A run changes the node only when those before it have ended. So one that is followed
    /// by a run which has changed something has ended, also where a failing disk has
    /// lost the line that said so.
    fn of(journals: Vec<(PathBuf, Vec<Record>)>) -> Self {
        let mut receipt = Self::default();
        let last_at_work = journals.iter().rposition(|(_, records)| records.iter().any(is_work));
        let is_heir = |(_, records): &(PathBuf, Vec<Record>)| {
            records.iter().any(|record| matches!(record, Record::Inherited { .. }))
        };
        let heirs: Vec<bool> = journals.iter().map(is_heir).collect();
        for (index, (path, records)) in journals.into_iter().enumerate() {
            let is_followed = last_at_work.is_some_and(|last| index < last);
            let end = end_of(&records).filter(|end| !(is_followed && *end == End::Partial));
            let lost = || match heirs.get(index + 1) {
                Some(true) => End::Resumed,
                _ if records.iter().any(|record| matches!(record, Record::Undone { .. })) => End::Restored,
                _ => End::Completed,
            };
            let end = end.or_else(|| is_followed.then(lost));
            receipt.add(path, records, end);
        }
        receipt
    }

    /// The change that node-setup made to a resource over all its runs.
    pub fn owned(&self, name: &Name) -> Option<&Step> {
        self.all_owned().find(|step| step.name() == *name)
    }

    /// Whether it is known what a resource was like before node-setup.
    pub fn knows(&self, name: &Name) -> bool {
        self.known.iter().any(|step| step.name() == *name)
    }

    /// Every change that node-setup made, over all its runs, in the order in which
    /// its resources were first changed.
    pub fn all_owned(&self) -> impl Iterator<Item = &Step> {
        self.known.iter().filter(|step| !step.is_nothing())
    }

    /// Every run, oldest first.
    pub fn runs(&self) -> &[PastRun] {
        &self.runs
    }

    /// What can be gone back from, oldest first: completed runs that have changed something
    /// and have not been gone back from, each with what it has inherited.
    pub fn undoable(&self) -> Vec<Undoable> {
        let mut all: Vec<Undoable> = Vec::new();
        for run in self.runs.iter().filter(|run| run.end == Some(End::Completed)) {
            match run.begin.command.as_str() {
                ROLLBACK => drop(all.pop()),
                REMOVE => all.clear(),
                _ => all.extend(run.undoable()),
            }
        }
        all
    }

    /// Whether the node refused this very step before.
    pub fn refused(&self, step: &Step) -> bool {
        self.refused.contains(step)
    }

    /// docker's binaries, as they were installed last.
    pub fn docker(&self) -> Option<&Installed> {
        self.last()?.docker.as_ref()
    }

    /// The keys of daemon.json that may be ours.
    pub fn daemon_keys(&self) -> BTreeSet<&str> {
        self.recent().flat_map(|begin| &begin.daemon_keys).map(String::as_str).collect()
    }

    /// The names of the binaries that may be there for docker.
    pub fn members(&self) -> BTreeSet<&str> {
        let docker = self.recent().filter_map(|begin| begin.docker.as_ref());
        docker.flat_map(|docker| &docker.members).map(|member| member.name.as_str()).collect()
    }

    /// When the last completed run began, in seconds since the epoch.
    pub fn last_run(&self) -> Option<u64> {
        let mut completed = self.runs.iter().rev().filter(|run| run.end == Some(End::Completed));
        completed.next().map(|run| run.begin.started)
    }

    /// The last run, if it did not end.
    pub fn unfinished(&self) -> Option<&Unfinished> {
        self.unfinished.as_ref()
    }

    /// Whether a run has completed and not been gone back from.
    pub fn is_installed(&self) -> bool {
        !self.undoable().is_empty()
    }

    /// Makes what the last run has done, which did not end, the next run's own.
    pub fn inherit(&mut self, made: impl IntoIterator<Item = Step>) {
        let Some(Unfinished { path, .. }) = &self.unfinished else { return };
        let mut steps = Vec::new();
        made.into_iter().for_each(|step| compose(&mut steps, step));
        self.heritage = Some(Heritage { journal: path.clone(), steps: steps.clone() });
        for step in steps {
            compose(&mut self.known, step);
        }
    }

    /// What the next run has inherited.
    pub fn heritage(&self) -> Option<&Heritage> {
        self.heritage.as_ref()
    }

    /// The last run that completed, and those since that have left something: what one of
    /// those was about may or may not have come to be.
    fn recent(&self) -> impl Iterator<Item = &Begin> {
        let completed = self.runs.iter().rposition(|run| run.end == Some(End::Completed));
        let since = self.runs.iter().skip(completed.unwrap_or_default());
        since.filter(|run| run.end != Some(End::Restored)).map(|run| &run.begin)
    }

    /// The last run that says what is on the node. A removal says that only when it has
    /// completed, and a run that was undone never does.
    fn last(&self) -> Option<&Begin> {
        let is_unfinished =
            |run: &PastRun| self.unfinished.as_ref().is_some_and(|unfinished| unfinished.path == run.path);
        let counts = |run: &&PastRun| match run.end {
            Some(End::Completed) => true,
            None => run.begin.command != REMOVE && is_unfinished(run),
            Some(End::Restored | End::Partial | End::Resumed) => false,
        };
        self.runs.iter().rev().find(counts).map(|run| &run.begin)
    }

    fn add(&mut self, path: PathBuf, records: Vec<Record>, end: Option<End>) {
        if self.unfinished.is_some() {
            // Begun by an heir that died before it had inherited: it has done nothing.
            return;
        }
        self.runs.extend(past_run(&path, &records, end));
        match end {
            Some(End::Completed) => self.take_over(records),
            Some(End::Resumed) => records.into_iter().for_each(|record| self.learn(record)),
            Some(End::Restored) => {
                for step in still_there(records) {
                    compose(&mut self.known, step);
                }
            }
            Some(End::Partial) | None => {
                let command = match records.first() {
                    Some(Record::Begin(begin)) => begin.command.clone(),
                    _ => String::new(),
                };
                let attempts = attempted(records);
                self.unfinished = (!attempts.is_empty()).then_some(Unfinished { path, command, attempts });
            }
        }
    }

    /// Adds what a run has made of the node.
    fn take_over(&mut self, records: Vec<Record>) {
        let goes_back = matches!(records.first(), Some(Record::Begin(begin)) if goes_back(begin));
        for record in records {
            match record {
                Record::Inherited { step } | Record::Done { step } => compose(&mut self.known, step),
                seen => self.learn(seen),
            }
        }
        // Having gone all the way back, nothing on the node is node-setup's to keep right.
        if goes_back && !self.is_installed() {
            self.known.retain(|step| !step.is_nothing());
        }
    }

    /// Adds what a run has seen: that stays true, whoever inherits what it has made.
    fn learn(&mut self, record: Record) {
        match record {
            Record::Found { step } if !self.knows(&step.name()) => self.known.push(step),
            Record::Refused { step, .. } => self.refused.push(step),
            _ => {}
        }
    }
}

impl PastRun {
    /// What it has inherited and what it did.
    pub fn made(&self) -> impl Iterator<Item = &Step> {
        self.inherited.iter().chain(&self.done)
    }

    /// What going back from it takes; none if it left the node as it was.
    fn undoable(&self) -> Option<Undoable> {
        let mut steps = Vec::new();
        self.made().for_each(|step| compose(&mut steps, step.clone()));
        (!steps.is_empty()).then(|| Undoable { steps, begin: self.begin.clone() })
    }
}

/// Whether a run takes others back.
fn goes_back(begin: &Begin) -> bool {
    [ROLLBACK, REMOVE].contains(&begin.command.as_str())
}

/// Adds a step to a list that has one for each resource, in the order of the first.
///
/// What has gone back to where it began is forgotten: it is nobody's. Not so what
/// was found as wanted, has drifted and was corrected.
fn compose(steps: &mut Vec<Step>, step: Step) {
    let name = step.name();
    let Some(index) = steps.iter().position(|earlier| earlier.name() == name) else {
        steps.push(step);
        return;
    };
    let earlier = steps.remove(index);
    let was_found = earlier.is_nothing();
    let composed = earlier.then(step);
    if was_found || !composed.is_nothing() {
        steps.insert(index, composed);
    }
}

/// Whether it is written only once the run is at work on the node, or has ended.
fn is_work(record: &Record) -> bool {
    match record {
        Record::Begin(_) | Record::Inherited { .. } | Record::Intend(_) => false,
        Record::Found { .. }
        | Record::Done { .. }
        | Record::Refused { .. }
        | Record::Undone { .. }
        | Record::End(_) => true,
    }
}

/// How a run has ended, if it has. One whose end could not be flushed was undone after it.
fn end_of(records: &[Record]) -> Option<End> {
    records.iter().rev().find_map(|record| match record {
        Record::End(end) => Some(Some(*end)),
        Record::Undone { .. } => Some(None),
        _ => None,
    })?
}

fn past_run(path: &Path, records: &[Record], end: Option<End>) -> Option<PastRun> {
    let Some(Record::Begin(begin)) = records.first() else { return None };
    let mut run =
        PastRun { path: path.to_owned(), begin: begin.clone(), end, inherited: Vec::new(), done: Vec::new() };
    for record in records {
        match record {
            Record::Inherited { step } => run.inherited.push(step.clone()),
            Record::Done { step } => run.done.push(step.clone()),
            _ => {}
        }
    }
    Some(run)
}

/// The places that a run made and could not take away again, because something is in them.
fn still_there(records: Vec<Record>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for record in records {
        match record {
            Record::Inherited { step } | Record::Done { step } if step.makes_room() => steps.push(step),
            Record::Undone { step } => steps.retain(|made| made.name() != step.name()),
            _ => {}
        }
    }
    steps
}

/// The steps that a run which did not end may have made and has not undone.
fn attempted(records: Vec<Record>) -> Vec<Attempt> {
    let mut inherited: Vec<Step> = Vec::new();
    let mut own: Vec<Attempt> = Vec::new();
    let place = |own: &[Attempt], name: &Name| own.iter().position(|attempt| attempt.step.name() == *name);
    for record in records {
        match record {
            Record::Inherited { step } => inherited.push(step),
            Record::Intend(step) => match place(&own, &step.name()).and_then(|index| own.get_mut(index)) {
                Some(slot) => *slot = Attempt::begun(step),
                None => own.push(Attempt::begun(step)),
            },
            Record::Done { step } => {
                if let Some(slot) = place(&own, &step.name()).and_then(|index| own.get_mut(index)) {
                    *slot = Attempt::done(step);
                }
            }
            Record::Undone { step } => match place(&own, &step.name()) {
                // Its own steps are undone first.
                Some(index) if step.is_kept() => drop(own.remove(index)),
                _ => {
                    let is_over = |other: &Step| other.name() == step.name() || other.is_moot_after(&step);
                    inherited.retain(|other| !is_over(other));
                    own.retain(|attempt| !is_over(&attempt.step));
                }
            },
            Record::Refused { step, .. } => own.retain(|attempt| attempt.step.name() != step.name()),
            Record::Begin(_) | Record::Found { .. } | Record::End(_) => {}
        }
    }
    inherited.into_iter().map(Attempt::done).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Member;
    use crate::change::Change;
    use crate::host::Backend;
    use crate::resource::{Chains, ChainsState, Sysctl, SysctlState, Tree, TreeState, Unit, UnitState};

    fn step(key: &str, from: &str, to: &str) -> Step {
        let (from, to) = (SysctlState::value(from), SysctlState::value(to));
        Step::Sysctl(Change { on: Sysctl(key.to_owned()), from, to })
    }

    fn done(step: Step) -> [Record; 2] {
        [Record::Intend(step.clone()), Record::Done { step }]
    }

    fn receipt(runs: Vec<Vec<Record>>) -> Receipt {
        let number = |(number, records): (usize, _)| (PathBuf::from(number.to_string()), records);
        Receipt::of(runs.into_iter().enumerate().map(number).collect())
    }

    #[test]
    fn what_may_be_half_made_has_failed_or_was_in_flight() {
        let steps = ["a", "b", "c", "d"].map(|key| step(key, "1", "2"));
        for (done, expected) in [("", vec!["a"]), ("a", vec!["b"]), ("ac", vec!["b", "d"]), ("abcd", vec![])]
        {
            let marked = steps
                .iter()
                .map(|step| Attempt { is_done: done.contains(&step.name().on), step: step.clone() })
                .collect();
            let unfinished =
                Unfinished { path: PathBuf::new(), command: REMOVE.to_owned(), attempts: marked };
            let names: Vec<String> = unfinished.may_be_half_made().map(|step| step.name().on).collect();
            assert_eq!(names, expected, "{done}");
        }
    }

    #[test]
    fn runs_compose_to_what_was_there_before_the_first() {
        let run = |from, to| [done(step("a", from, to)).to_vec(), vec![Record::End(End::Completed)]].concat();
        let receipt = receipt(vec![run("1", "2"), run("2", "3")]);
        let owned: Vec<_> = receipt.all_owned().cloned().collect();
        assert_eq!(owned, [step("a", "1", "3")]);
    }

    fn run(command: &str, made: Vec<Record>, end: Option<End>) -> Vec<Record> {
        let begin = Begin { command: command.to_owned(), ..crate::journal::tests::begin() };
        let end = end.into_iter().map(Record::End);
        std::iter::once(Record::Begin(begin)).chain(made).chain(end).collect()
    }

    fn inherited(step: Step) -> Record {
        Record::Inherited { step }
    }

    fn last_undoable(runs: &[Vec<Record>]) -> Option<Vec<Step>> {
        receipt(runs.to_vec()).undoable().pop().map(|last| last.steps)
    }

    #[test]
    fn going_back_goes_back_further_each_time() {
        let of = |command, from, to| run(command, done(step("a", from, to)).into(), Some(End::Completed));
        let mut runs = vec![of("docker", "0", "1"), of("docker", "1", "2")];
        assert_eq!(last_undoable(&runs), Some(vec![step("a", "1", "2")]));
        runs.push(of(ROLLBACK, "2", "1"));
        assert_eq!(last_undoable(&runs), Some(vec![step("a", "0", "1")]));
        runs.push(of(ROLLBACK, "1", "0"));
        assert_eq!(last_undoable(&runs), None);
    }

    #[test]
    fn an_heir_is_gone_back_from_with_what_it_has_inherited() {
        let first = run("docker", done(step("a", "0", "1")).into(), Some(End::Completed));
        let dead = run("docker", done(step("a", "1", "2")).into(), Some(End::Resumed));
        for (own, expected) in
            [(step("a", "2", "3"), step("a", "1", "3")), (step("a", "2", "1"), step("a", "0", "1"))]
        {
            let made = [vec![inherited(step("a", "1", "2"))], done(own).into()].concat();
            let heir = run("docker", made, Some(End::Completed));
            assert_eq!(last_undoable(&[first.clone(), dead.clone(), heir]), Some(vec![expected]));
        }
    }

    #[test]
    fn an_heir_that_was_undone_leaves_nothing_of_what_it_has_inherited() {
        let made = vec![inherited(step("a", "1", "2"))];
        let dead = run("docker", done(step("a", "1", "2")).into(), Some(End::Resumed));
        let receipt = receipt(vec![dead, run("docker", made, Some(End::Restored))]);
        assert_eq!((receipt.all_owned().count(), receipt.unfinished()), (0, None));
        assert_eq!(receipt.docker(), None);
    }

    #[test]
    fn an_heir_that_dies_leaves_all_of_it() {
        let own = step("a", "2", "3");
        let of = |undone: &[Step]| {
            let undone = undone.iter().map(|step| Record::Undone { step: step.clone() });
            let made =
                [inherited(step("a", "1", "2")), inherited(step("b", "0", "1")), Record::Intend(own.clone())];
            let heir = run("docker", made.into_iter().chain(undone).collect(), None);
            let dead = run("docker", done(step("a", "1", "2")).into(), Some(End::Resumed));
            receipt(vec![dead, heir]).unfinished().unwrap().attempts.clone()
        };
        let (a, b) = (Attempt::done(step("a", "1", "2")), Attempt::done(step("b", "0", "1")));
        assert_eq!(of(&[]), [a.clone(), b.clone(), Attempt::begun(own.clone())]);
        assert_eq!(of(std::slice::from_ref(&own)), [a, b.clone()]);
        assert_eq!(of(&[own.clone(), step("a", "1", "2")]), [b]);
    }

    #[test]
    fn an_heir_that_died_before_it_had_inherited_is_nobody() {
        let dead = run("docker", done(step("a", "1", "2")).into(), None);
        let stillborn =
            run("docker", vec![inherited(step("a", "1", "2")), Record::Intend(step("b", "0", "1"))], None);
        let receipt = receipt(vec![dead, stillborn]);
        assert_eq!(receipt.unfinished().unwrap().attempts, [Attempt::done(step("a", "1", "2"))]);
        assert_eq!(receipt.runs().len(), 1);
    }

    #[test]
    fn what_is_inherited_is_owned_before_the_heir_begins() {
        let mut receipt = receipt(vec![run("docker", done(step("a", "1", "2")).into(), None)]);
        receipt.inherit([step("a", "1", "2"), step("b", "0", "1"), step("a", "2", "1")]);
        assert_eq!(receipt.all_owned().cloned().collect::<Vec<_>>(), [step("b", "0", "1")]);
        assert_eq!(receipt.heritage().unwrap().steps, [step("b", "0", "1")]);
    }

    #[test]
    fn a_drift_that_was_corrected_is_not_what_was_there_before() {
        let found = Record::Found { step: step("a", "1", "1") };
        let run = |records: &[Record]| [records, &[Record::End(End::Completed)]].concat();
        let begin = Record::Begin(crate::journal::tests::begin());
        let first = run(&[begin.clone(), found]);
        let corrected = run(&[std::slice::from_ref(&begin), &done(step("a", "9", "1"))].concat());
        let changed = run(&[&[begin], done(step("a", "9", "2")).as_slice()].concat());
        let composed = receipt(vec![first.clone(), corrected.clone()]);
        assert_eq!(composed.all_owned().count(), 0);
        assert!(composed.knows(&step("a", "1", "1").name()));
        let composed = receipt(vec![first, corrected, changed]);
        assert_eq!(composed.all_owned().cloned().collect::<Vec<_>>(), [step("a", "1", "2")]);
    }

    #[test]
    fn a_removal_that_was_given_up_does_not_say_what_is_installed() {
        let installed = Installed {
            version: "20.10.24".parse().unwrap(),
            archive: crate::digest::Digest::of(b"archive"),
            members: Vec::new(),
        };
        let run = |command: &str, docker: Option<&Installed>, from, to, end: Option<End>| {
            let begin = Begin {
                command: command.to_owned(),
                docker: docker.cloned(),
                ..crate::journal::tests::begin()
            };
            let records = [vec![Record::Begin(begin)], done(step("a", from, to)).to_vec()].concat();
            [records, end.map(Record::End).into_iter().collect()].concat()
        };
        let install = run("docker", Some(&installed), "0", "1", Some(End::Completed));
        for (end, docker, is_installed) in [
            (None, Some(&installed), true),
            (Some(End::Restored), Some(&installed), true),
            (Some(End::Completed), None, false),
        ] {
            let receipt = receipt(vec![install.clone(), run(REMOVE, None, "1", "0", end)]);
            assert_eq!((receipt.docker(), receipt.is_installed()), (docker, is_installed), "{end:?}");
        }
    }

    /// A disk that fails can lose the line, and what it has lost cannot be what counts.
    #[test]
    fn who_is_followed_by_a_run_that_did_something_has_ended() {
        let of = |made: Vec<Record>, end| run("docker", made, end);
        let made = |key, from, to| done(step(key, from, to)).to_vec();
        let later = of(made("b", "0", "1"), Some(End::Completed));
        let both = [step("a", "0", "1"), step("b", "0", "1")];
        let lost = receipt(vec![of(made("a", "0", "1"), None), later.clone()]);
        assert_eq!(lost.all_owned().cloned().collect::<Vec<_>>(), both);
        assert_eq!((lost.unfinished(), lost.undoable().len()), (None, 2));

        let undone = [made("a", "0", "1"), vec![Record::Undone { step: step("a", "0", "1") }]].concat();
        let lost = receipt(vec![of(undone, None), later]);
        assert_eq!(lost.all_owned().cloned().collect::<Vec<_>>(), both[1..]);

        for end in [None, Some(End::Partial)] {
            let heir = [vec![inherited(step("a", "0", "1"))], made("b", "0", "1")].concat();
            let lost = receipt(vec![of(made("a", "0", "1"), end), of(heir, Some(End::Completed))]);
            assert_eq!(lost.all_owned().cloned().collect::<Vec<_>>(), both);
            assert_eq!((lost.unfinished(), lost.undoable().len()), (None, 1));
        }
    }

    /// The line was written, and could not be flushed: so the run was undone, and died at that.
    #[test]
    fn a_run_that_is_undone_after_its_end_has_not_ended() {
        let [one, other] = [step("a", "0", "1"), step("b", "0", "1")];
        let made = [done(one.clone()), done(other.clone())].concat();
        let undone = [Record::End(End::Completed), Record::Undone { step: other }];
        let died = receipt(vec![run("docker", [made, undone.to_vec()].concat(), None)]);
        assert_eq!(died.unfinished().unwrap().attempts, [Attempt::done(one)]);
        assert_eq!(died.all_owned().count(), 0);
    }

    #[test]
    fn keys_and_binaries_of_a_run_that_died_are_not_all_that_may_be_there() {
        let of = |name: &str, end| {
            let member =
                Member { name: name.to_owned(), sha256: crate::digest::Digest::of(b"member"), size: 0 };
            let docker = Installed {
                version: "20.10.24".parse().unwrap(),
                archive: crate::digest::Digest::of(name.as_bytes()),
                members: vec![member],
            };
            let begin = Begin {
                docker: Some(docker),
                daemon_keys: vec![format!("key-{name}")],
                ..crate::journal::tests::begin()
            };
            let end = Option::map(end, Record::End);
            std::iter::once(Record::Begin(begin)).chain(done(step(name, "0", "1"))).chain(end).collect()
        };
        let runs: Vec<Vec<Record>> = vec![
            of("a", Some(End::Completed)),
            of("b", Some(End::Completed)),
            of("c", Some(End::Restored)),
            of("d", Some(End::Resumed)),
            of("e", None),
        ];
        let receipt = receipt(runs);
        assert_eq!(receipt.members().into_iter().collect::<Vec<_>>(), ["b", "d", "e"]);
        assert_eq!(receipt.daemon_keys().into_iter().collect::<Vec<_>>(), ["key-b", "key-d", "key-e"]);
    }

    /// One for each: its undoing was made as one.
    #[test]
    fn what_went_back_at_once_is_over_for_all_who_were_at_it() {
        let unit = |was_active: bool, fresh: bool| {
            let from = UnitState { active: was_active, fresh, ..UnitState::RUNNING };
            Step::Unit(Change { on: Unit::named("docker"), from, to: UnitState::RUNNING })
        };
        let chains = Step::Chains(Change {
            on: Chains { backend: Backend::Nft, docker: Unit::named("docker") },
            from: ChainsState::Lacking("all".to_owned()),
            to: ChainsState::Whole,
        });
        let made = [inherited(unit(false, true)), inherited(step("a", "0", "1"))]
            .into_iter()
            .chain(done(unit(true, false)))
            .chain([Record::Intend(chains), Record::Undone { step: unit(false, true) }]);
        let dead = run("docker", done(step("a", "0", "1")).into(), Some(End::Resumed));
        let receipt = receipt(vec![dead, run("docker", made.collect(), None)]);
        assert_eq!(receipt.unfinished().unwrap().attempts, [Attempt::done(step("a", "0", "1"))]);
    }

    #[test]
    fn what_went_back_is_not_ours() {
        let run = |from, to| [done(step("a", from, to)).to_vec(), vec![Record::End(End::Completed)]].concat();
        assert_eq!(receipt(vec![run("1", "2"), run("2", "1")]).all_owned().count(), 0);
    }

    #[test]
    fn a_restored_run_leaves_nothing() {
        let records = [done(step("a", "1", "2")).to_vec(), vec![Record::End(End::Restored)]].concat();
        let receipt = receipt(vec![records]);
        assert_eq!((receipt.all_owned().count(), receipt.unfinished()), (0, None));
    }

    #[test]
    fn a_restored_run_leaves_the_places_that_it_could_not_take_away() {
        let tree = |path: &str| {
            let (from, to) = (TreeState::Absent, TreeState::Present);
            Step::Tree(Change { on: Tree(path.into()), from, to })
        };
        let made = ["/full", "/empty"].into_iter().flat_map(|path| done(tree(path)));
        let records = made.chain([Record::Undone { step: tree("/empty") }, Record::End(End::Restored)]);
        let receipt = receipt(vec![records.collect()]);
        assert_eq!(receipt.all_owned().cloned().collect::<Vec<_>>(), [tree("/full")]);
    }

    #[test]
    fn a_run_that_stopped_is_unfinished_with_what_it_may_have_done() {
        let records = vec![
            Record::Intend(step("a", "1", "2")),
            Record::Intend(step("b", "1", "2")),
            Record::Intend(step("c", "1", "2")),
            Record::Done { step: step("a", "1", "2") },
            Record::Intend(step("b", "0", "2")),
            Record::Undone { step: step("c", "1", "2") },
        ];
        let receipt = receipt(vec![records]);
        let steps = &receipt.unfinished().unwrap().attempts;
        assert_eq!(*steps, [Attempt::done(step("a", "1", "2")), Attempt::begun(step("b", "0", "2"))]);
    }
}
