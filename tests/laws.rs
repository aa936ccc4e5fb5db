//! The laws of ARCHITECTURE.md, over generated nodes: a directory of paths in any
//! state, and any state wanted of each.

#![expect(clippy::disallowed_methods, reason = "tests arrange the world they look at")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its node up has failed")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use node_setup::change::{Resource, Step, Want};
use node_setup::event::{Event, Sink};
use node_setup::host::{Host, Interrupt, Limits};
use node_setup::journal::{Begin, Journal, Record, SCHEMA};
use node_setup::plan::{Goal, plan};
use node_setup::receipt::Receipt;
use node_setup::resource::{File, FileState, Mode, Regular};
use node_setup::run::{Ending, Run, inherit, recover, take_over};
use proptest::prelude::*;

const PATHS: usize = 4;

/// A state that does not yet know who owns the node's files.
#[derive(Clone, Debug)]
enum Shape {
    Absent,
    Regular(u8, bool),
    Symlink(u8),
    Directory(bool),
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Absent),
        (0..3_u8, any::<bool>()).prop_map(|(text, private)| Shape::Regular(text, private)),
        (0..2_u8).prop_map(Shape::Symlink),
        any::<bool>().prop_map(Shape::Directory),
    ]
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    proptest::collection::vec(shape(), PATHS)
}

/// A node: a directory to change, and a directory for node-setup's own state.
struct Node {
    scratch: tempfile::TempDir,
}

impl Node {
    fn new(shapes: &[Shape]) -> Self {
        let node = Self { scratch: tempfile::tempdir().unwrap() };
        fs::create_dir(node.scratch.path().join("tree")).unwrap();
        let host =
            Host::with_state(&node.scratch.path().join("other"), Limits::default(), Interrupt::default());
        let host = host.unwrap();
        for goal in node.wants(&host, shapes) {
            goal.on.converge(&host, &goal.to).unwrap();
        }
        node
    }

    /// As a process of its own would see it: nothing is remembered but what is on disk.
    fn host(&self) -> Host {
        Host::with_state(&self.state(), Limits::default(), Interrupt::default()).unwrap()
    }

    fn state(&self) -> PathBuf {
        self.scratch.path().join("state")
    }

    fn journal_directory(&self) -> PathBuf {
        self.state().join("journal")
    }

    fn path(&self, index: usize) -> PathBuf {
        self.scratch.path().join("tree").join(format!("p{index}"))
    }

    fn wants(&self, host: &Host, shapes: &[Shape]) -> Vec<Want<File>> {
        let owner = fs::metadata(self.scratch.path()).unwrap();
        let (uid, gid) = (owner.uid(), owner.gid());
        let state = |shape: &Shape| match shape {
            Shape::Absent => FileState::Absent,
            Shape::Regular(text, private) => {
                let sha256 = host.files().offer(format!("text {text}").into_bytes());
                let mode = Mode(if *private { 0o600 } else { 0o644 });
                FileState::Regular(Regular { sha256, mode, uid, gid })
            }
            Shape::Symlink(target) => FileState::Symlink { target: format!("target-{target}").into() },
            Shape::Directory(private) => {
                FileState::Directory { mode: Mode(if *private { 0o700 } else { 0o755 }), uid, gid }
            }
        };
        shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| Want { on: File(self.path(index)), to: state(shape) })
            .collect()
    }

    fn goals(&self, host: &Host, shapes: &[Shape]) -> Vec<Goal> {
        self.wants(host, shapes).into_iter().map(Goal::required).collect()
    }

    fn states(&self) -> Vec<FileState> {
        let host = self.host();
        (0..PATHS).map(|index| File(self.path(index)).observe(&host).unwrap()).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.scratch.path().join("tree")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn receipt(&self) -> Receipt {
        Receipt::read(&self.journal_directory()).unwrap()
    }

    fn reach(&self, host: &Host, goals: &[Goal]) -> Ending {
        let mut receipt = self.receipt();
        inherit(host, &mut receipt).unwrap();
        let steps = plan(host, goals, &receipt).unwrap();
        take_over(host, &receipt).unwrap();
        let journal = Journal::begin(&self.journal_directory(), begin(), receipt.heritage(), &steps).unwrap();
        Run { host, receipt: &receipt, journal, sink: &mut Nobody }.reach(goals, &steps)
    }
}

fn begin() -> Begin {
    Begin {
        schema: SCHEMA,
        version: "0".to_owned(),
        command: "test".to_owned(),
        started: 0,
        docker: None,
        daemon_keys: Vec::new(),
    }
}

struct Nobody;

impl Sink for Nobody {
    fn event(&mut self, _: &Event<'_>) {}
}

/// A goal that cannot be reached: the directory that it is in is not there.
fn unreachable(path: &Path) -> Goal {
    Goal::required(Want {
        on: File(path.join("nowhere/file")),
        to: FileState::Symlink { target: "x".into() },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Having reached its goals, a node has nothing left to be planned, and the
    /// receipt knows what was there before.
    #[test]
    fn a_plan_after_a_run_is_empty(before in shapes(), wanted in shapes(), again in shapes()) {
        let node = Node::new(&before);
        let first = node.states();
        for shapes in [&wanted, &again] {
            let host = node.host();
            let goals = node.goals(&host, shapes);
            prop_assert!(matches!(node.reach(&host, &goals), Ending::Completed(..)));
            prop_assert_eq!(plan(&node.host(), &goals, &node.receipt()).unwrap(), Vec::<Step>::new());
        }
        let last = node.states();
        for (index, (from, to)) in first.into_iter().zip(last).enumerate() {
            let owned = node.receipt().all_owned().find_map(|step| match step {
                Step::File(change) if change.on.0 == node.path(index) => Some((change.from.clone(), change.to.clone())),
                _ => None,
            });
            prop_assert_eq!(owned, (from != to).then_some((from, to)));
        }
    }

    /// A run that fails at its end leaves the node as it was, and owns nothing.
    #[test]
    fn a_run_that_fails_restores(before in shapes(), wanted in shapes()) {
        let node = Node::new(&before);
        let (states, names) = (node.states(), node.names());
        let host = node.host();
        let mut goals = node.goals(&host, &wanted);
        goals.push(unreachable(node.scratch.path()));
        let ending = node.reach(&host, &goals);
        prop_assert!(matches!(ending, Ending::Restored(_)), "{:?}", ending);
        prop_assert_eq!(node.states(), states);
        prop_assert_eq!(node.names().len(), names.len());
        prop_assert_eq!(node.receipt().all_owned().count(), 0);
    }

    /// Whatever prefix of its work a run has done, whether or not the journal says so of
    /// the last step, and whatever of it a power cut has taken back: the next run ends
    /// where this one would have, and still knows what was there before.
    #[test]
    fn a_run_that_stops_anywhere_is_resumed(
        before in shapes(),
        wanted in shapes(),
        lost in proptest::collection::vec(any::<bool>(), PATHS),
    ) {
        for stop in stops(&before, &wanted) {
            let node = Node::new(&before);
            let first = node.states();
            stop_after(&node, &wanted, stop, &lost);
            let host = node.host();
            let goals = node.goals(&host, &wanted);
            prop_assert!(matches!(node.reach(&host, &goals), Ending::Completed(..)));
            let receipt = node.receipt();
            prop_assert!(receipt.unfinished().is_none());
            let mut befores: Vec<_> = receipt.all_owned().map(|step| match step {
                Step::File(change) => (change.on.0.clone(), change.from.clone()),
                other => panic!("{other:?}"),
            }).collect();
            befores.sort_by(|(one, _), (other, _)| one.cmp(other));
            let last = node.states();
            let expected: Vec<_> = first.into_iter().zip(last).enumerate()
                .filter(|(_, (from, to))| from != to)
                .map(|(index, (from, _))| (node.path(index), from))
                .collect();
            prop_assert_eq!(befores, expected);
        }
    }

    /// The same; but the next run fails, or stops too and the one after it fails: the node
    /// is as it was before the first of them, and nothing is owned.
    #[test]
    fn an_heir_that_fails_restores_what_it_has_inherited(
        before in shapes(),
        wanted in shapes(),
        other in shapes(),
        lost in proptest::collection::vec(any::<bool>(), PATHS),
        again in any::<bool>(),
    ) {
        for stop in stops(&before, &wanted) {
            let node = Node::new(&before);
            let first = node.states();
            stop_after(&node, &wanted, stop, &lost);
            if again {
                stop_after(&node, &other, (1, true), &lost);
            }
            let host = node.host();
            let mut goals = node.goals(&host, &other);
            goals.push(unreachable(node.scratch.path()));
            let ending = node.reach(&host, &goals);
            prop_assert!(matches!(ending, Ending::Restored(_)), "{:?}", ending);
            prop_assert_eq!(node.states(), first);
            let receipt = node.receipt();
            prop_assert_eq!((receipt.all_owned().count(), receipt.unfinished()), (0, None));
        }
    }

    /// What somebody has put where a run was about to put something is theirs.
    #[test]
    fn recovering_leaves_what_was_changed_after_the_crash(
        mut before in shapes(),
        was_there in any::<bool>(),
        text in "[a-z]{1,8}",
    ) {
        before[0] = if was_there { Shape::Regular(0, false) } else { Shape::Absent };
        let wanted = vec![Shape::Regular(9, false); PATHS];
        let node = Node::new(&before);
        stop_after(&node, &wanted, (0, false), &[]);
        let theirs = node.path(0);
        fs::write(&theirs, format!("their {text}")).unwrap();
        let (host, receipt) = (node.host(), node.receipt());
        let left = recover(&host, &receipt, receipt.unfinished().unwrap(), &mut Nobody).unwrap();
        prop_assert!(left.iter().all(|left| left.changed_since) && left.len() == 1, "{:?}", left);
        prop_assert_eq!(fs::read_to_string(&theirs).unwrap(), format!("their {text}"));
        prop_assert!(node.receipt().unfinished().is_none());
    }
}

/// Every moment at which a run can stop: so many steps are made, and whether the journal
/// says so of the last.
fn stops(before: &[Shape], wanted: &[Shape]) -> impl Iterator<Item = (usize, bool)> + use<> {
    let node = Node::new(before);
    let host = node.host();
    let count = plan(&host, &node.goals(&host, wanted), &node.receipt()).unwrap().len();
    (0..=count).flat_map(|stop| [(stop, true), (stop, false)])
}

/// A run that makes `stop` of its steps and is then no more; and a power cut that takes
/// back those that are `lost`.
fn stop_after(node: &Node, wanted: &[Shape], (stop, last_is_noted): (usize, bool), lost: &[bool]) {
    let host = node.host();
    let mut receipt = node.receipt();
    inherit(&host, &mut receipt).unwrap();
    let steps = plan(&host, &node.goals(&host, wanted), &receipt).unwrap();
    take_over(&host, &receipt).unwrap();
    let mut journal = Journal::begin(&node.journal_directory(), begin(), receipt.heritage(), &steps).unwrap();
    for (index, step) in steps.iter().take(stop).enumerate() {
        step.apply(&host).unwrap();
        if index + 1 < stop || last_is_noted {
            journal.write(&Record::Done { step: step.clone() }).unwrap();
        }
    }
    for (step, _) in steps.iter().take(stop).zip(lost).filter(|(_, lost)| **lost) {
        step.inverse().apply(&host).unwrap();
    }
}
