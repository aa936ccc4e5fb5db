//! What is ours on this node, and what was there before us.
//!
//! Never written: it is the composition of the journals. (a to b) in one run and
//! (b to c) in the next is (a to c), and `a` is what removal goes back to.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::change::{Name, Step};
use crate::journal::{self, Begin, End, Installed, Record};

/// The journals, composed.
#[derive(Debug, Default)]
pub struct Receipt {
    /// A step for each resource that a run changed, or found as wanted before any
    /// run changed it: that one ends where it began.
    known: Vec<Step>,
    refused: Vec<Step>,
    runs: Vec<PastRun>,
    unfinished: Option<Unfinished>,
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
    /// The steps that it may have made, in order; those known to be done are marked.
    pub steps: Vec<(Step, bool)>,
}

impl Receipt {
    /// Reads and composes the journals in `directory`.
    pub fn read(directory: &Path) -> Result<Self> {
        let mut receipt = Self::default();
        for (path, records) in journal::read_all(directory)? {
            receipt.add(path, records);
        }
        Ok(receipt)
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

    /// What can be gone back from, oldest first: completed runs that have not been
    /// gone back from, each with the runs that it resumed. One that has only taken
    /// those back is none of them.
    pub fn undoable(&self) -> Vec<Undoable> {
        let (mut all, mut resumed): (Vec<Undoable>, Vec<&PastRun>) = (Vec::new(), Vec::new());
        for run in &self.runs {
            match (run.end, run.begin.command.as_str()) {
                (Some(End::Resumed), _) => resumed.push(run),
                (Some(End::Completed), ROLLBACK) if resumed.is_empty() => drop(all.pop()),
                (Some(End::Completed), ROLLBACK) => resumed.clear(),
                (Some(End::Completed), REMOVE) => {
                    all.clear();
                    resumed.clear();
                }
                (Some(End::Completed), _) => {
                    let alone = resumed.is_empty();
                    let one = together(resumed.drain(..).chain([run]), &run.begin);
                    all.extend((alone || !one.steps.is_empty()).then_some(one));
                }
                _ => {}
            }
        }
        // Nobody has gone on from these yet.
        if let Some(last) = resumed.last() {
            let one = together(resumed.iter().copied(), &last.begin);
            all.extend((!one.steps.is_empty()).then_some(one));
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

    /// The keys of daemon.json that were ours at the last run.
    pub fn daemon_keys(&self) -> &[String] {
        self.last().map_or(&[], |begin| &begin.daemon_keys)
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
        let after = |runs: usize, run: &PastRun| match (run.end, run.begin.command.as_str()) {
            (Some(End::Completed), REMOVE) => 0,
            (Some(End::Completed), ROLLBACK) => runs.saturating_sub(1),
            (Some(End::Completed), _) => runs + 1,
            _ => runs,
        };
        self.runs.iter().fold(0, after) > 0
    }

    /// The last run that says what is on the node. A removal says that only when it has
    /// completed, and a run that was undone never does.
    fn last(&self) -> Option<&Begin> {
        let is_unfinished =
            |run: &PastRun| self.unfinished.as_ref().is_some_and(|unfinished| unfinished.path == run.path);
        let counts = |run: &&PastRun| match run.end {
            Some(End::Completed) => true,
            Some(End::Resumed) => run.begin.command != REMOVE,
            None => run.begin.command != REMOVE && is_unfinished(run),
            Some(End::Restored | End::Partial) => false,
        };
        self.runs.iter().rev().find(counts).map(|run| &run.begin)
    }

    fn add(&mut self, path: PathBuf, records: Vec<Record>) {
        self.runs.extend(past_run(&path, &records));
        let end = records.iter().rev().find_map(|record| match record {
            Record::End(end) => Some(*end),
            _ => None,
        });
        match end {
            Some(End::Completed | End::Resumed) => self.take_over(records),
            Some(End::Restored) => {
                self.unfinished = None;
                for step in still_there(records) {
                    compose(&mut self.known, step);
                }
            }
            Some(End::Partial) | None => {
                let steps = attempted(records);
                self.unfinished = (!steps.is_empty()).then_some(Unfinished { path, steps });
            }
        }
    }

    fn take_over(&mut self, records: Vec<Record>) {
        self.unfinished = None;
        let goes_back = matches!(records.first(), Some(Record::Begin(begin)) if goes_back(begin));
        for record in records {
            match record {
                Record::Done { step } => compose(&mut self.known, step),
                Record::Found { step } if !self.knows(&step.name()) => self.known.push(step),
                Record::Refused { step, .. } => self.refused.push(step),
                Record::Found { .. }
                | Record::Begin(_)
                | Record::Intend(_)
                | Record::Undone { .. }
                | Record::End(_) => {}
            }
        }
        // Having gone all the way back, nothing on the node is node-setup's to keep right.
        if goes_back && self.undoable().is_empty() {
            self.known.retain(|step| !step.is_nothing());
        }
    }
}

/// Whether a run takes others back.
pub fn goes_back(begin: &Begin) -> bool {
    [ROLLBACK, REMOVE].contains(&begin.command.as_str())
}

/// Several runs as one.
fn together<'a>(runs: impl Iterator<Item = &'a PastRun>, begin: &Begin) -> Undoable {
    let mut steps = Vec::new();
    runs.flat_map(|run| run.done.iter().cloned()).for_each(|step| compose(&mut steps, step));
    Undoable { steps, begin: begin.clone() }
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

fn past_run(path: &Path, records: &[Record]) -> Option<PastRun> {
    let Some(Record::Begin(begin)) = records.first() else { return None };
    let mut run = PastRun { path: path.to_owned(), begin: begin.clone(), end: None, done: Vec::new() };
    for record in records {
        match record {
            Record::Done { step } => run.done.push(step.clone()),
            Record::End(end) => run.end = Some(*end),
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
            Record::Done { step } if step.makes_room() => steps.push(step),
            Record::Undone { step } => steps.retain(|made| made.name() != step.name()),
            _ => {}
        }
    }
    steps
}

/// The steps that a run which did not end may have made and has not undone.
fn attempted(records: Vec<Record>) -> Vec<(Step, bool)> {
    let mut steps: Vec<(Step, bool)> = Vec::new();
    let place = |steps: &[(Step, bool)], name: &Name| steps.iter().position(|(step, _)| step.name() == *name);
    for record in records {
        match record {
            Record::Intend(step) => match place(&steps, &step.name()) {
                Some(index) => {
                    if let Some(slot) = steps.get_mut(index) {
                        *slot = (step, false);
                    }
                }
                None => steps.push((step, false)),
            },
            Record::Done { step } => {
                if let Some(slot) = place(&steps, &step.name()).and_then(|index| steps.get_mut(index)) {
                    *slot = (step, true);
                }
            }
            Record::Undone { step } | Record::Refused { step, .. } => {
                if let Some(index) = place(&steps, &step.name()) {
                    steps.remove(index);
                }
            }
            Record::Begin(_) | Record::Found { .. } | Record::End(_) => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::resource::{Sysctl, SysctlState, Tree, TreeState};

    fn step(key: &str, from: &str, to: &str) -> Step {
        let (from, to) = (SysctlState::value(from), SysctlState::value(to));
        Step::Sysctl(Change { on: Sysctl(key.to_owned()), from, to })
    }

    fn done(step: Step) -> [Record; 2] {
        [Record::Intend(step.clone()), Record::Done { step }]
    }

    fn receipt(runs: Vec<Vec<Record>>) -> Receipt {
        let mut receipt = Receipt::default();
        for (number, records) in runs.into_iter().enumerate() {
            receipt.add(PathBuf::from(number.to_string()), records);
        }
        receipt
    }

    #[test]
    fn runs_compose_to_what_was_there_before_the_first() {
        let run = |from, to| [done(step("a", from, to)).to_vec(), vec![Record::End(End::Completed)]].concat();
        let receipt = receipt(vec![run("1", "2"), run("2", "3")]);
        let owned: Vec<_> = receipt.all_owned().cloned().collect();
        assert_eq!(owned, [step("a", "1", "3")]);
    }

    #[test]
    fn going_back_goes_back_further_each_time() {
        let run = |command: &str, from, to, end| {
            let begin = Begin { command: command.to_owned(), ..crate::journal::tests::begin() };
            [vec![Record::Begin(begin)], done(step("a", from, to)).to_vec(), vec![Record::End(end)]].concat()
        };
        let mut runs = vec![
            run("docker", "0", "1", End::Completed),
            run("docker", "1", "2", End::Resumed),
            run("docker", "2", "3", End::Completed),
        ];
        let last = |runs: &[Vec<Record>]| receipt(runs.to_vec()).undoable().pop().map(|last| last.steps);
        assert_eq!(
            last(&runs),
            Some(vec![step("a", "1", "3")]),
            "a resumed run is gone back from with its heir"
        );
        runs.push(run(ROLLBACK, "3", "1", End::Completed));
        assert_eq!(last(&runs), Some(vec![step("a", "0", "1")]));
        runs.push(run(ROLLBACK, "1", "0", End::Completed));
        assert_eq!(last(&runs), None);
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
            (Some(End::Resumed), Some(&installed), true),
            (Some(End::Restored), Some(&installed), true),
            (Some(End::Completed), None, false),
        ] {
            let receipt = receipt(vec![install.clone(), run(REMOVE, None, "1", "0", end)]);
            assert_eq!((receipt.docker(), receipt.is_installed()), (docker, is_installed), "{end:?}");
        }
    }

    #[test]
    fn what_was_resumed_and_not_gone_on_from_can_be_gone_back_from() {
        let run = |command: &str, from, to, end| {
            let begin = Begin { command: command.to_owned(), ..crate::journal::tests::begin() };
            [vec![Record::Begin(begin)], done(step("a", from, to)).to_vec(), vec![Record::End(end)]].concat()
        };
        let mut runs = vec![run("docker", "0", "1", End::Completed), run("docker", "1", "2", End::Resumed)];
        let last = |runs: &[Vec<Record>]| receipt(runs.to_vec()).undoable().pop().map(|last| last.steps);
        assert_eq!(last(&runs), Some(vec![step("a", "1", "2")]));
        runs.push(run(ROLLBACK, "2", "1", End::Completed));
        assert_eq!(last(&runs), Some(vec![step("a", "0", "1")]));
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
    fn a_resumed_run_with_nothing_left_to_do_is_gone_back_from() {
        let run = |end: &[End]| {
            let records =
                [vec![Record::Begin(crate::journal::tests::begin())], done(step("a", "0", "1")).into()];
            [records.concat(), end.iter().copied().map(Record::End).collect()].concat()
        };
        let receipt = receipt(vec![run(&[End::Resumed, End::Completed])]);
        assert_eq!(receipt.undoable().pop().map(|last| last.steps), Some(vec![step("a", "0", "1")]));
    }

    #[test]
    fn a_run_that_took_back_what_it_resumed_is_not_gone_back_from() {
        let run = |from, to, end| {
            let records =
                [vec![Record::Begin(crate::journal::tests::begin())], done(step("a", from, to)).into()];
            [records.concat(), vec![Record::End(end)]].concat()
        };
        let first = run("0", "1", End::Completed);
        let receipt = receipt(vec![first, run("1", "0", End::Resumed), run("0", "1", End::Completed)]);
        assert_eq!(receipt.undoable().pop().map(|last| last.steps), Some(vec![step("a", "0", "1")]));
    }

    #[test]
    fn a_resumed_run_counts_as_far_as_it_came() {
        let stopped = [done(step("a", "1", "2")).to_vec(), vec![Record::End(End::Resumed)]].concat();
        let receipt = receipt(vec![stopped]);
        assert_eq!(receipt.all_owned().cloned().collect::<Vec<_>>(), [step("a", "1", "2")]);
        assert_eq!((receipt.unfinished(), receipt.last_run()), (None, None));
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
        let steps = &receipt.unfinished().unwrap().steps;
        assert_eq!(*steps, [(step("a", "1", "2"), true), (step("b", "0", "2"), false)]);
    }
}
