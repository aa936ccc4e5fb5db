//! The laws of ARCHITECTURE.md, over generated nodes: a directory of paths in any
//! state, and any state wanted of each.

#![expect(clippy::disallowed_methods, reason = "tests arrange the world they look at")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its node up has failed")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use node_setup::change::{Resource, Standing, Step, Want};
use node_setup::event::{Event, Left, Sink};
use node_setup::host::{Host, Interrupt, Labels, Limits};
use node_setup::journal::{Begin, Journal, Record, SCHEMA};
use node_setup::plan::{Goal, plan};
use node_setup::receipt::Receipt;
use node_setup::resource::{Class, File, FileState, Label, Mode, Regular};
use node_setup::run::{Ending, Run, inherit, recover, take_over};
use proptest::prelude::*;

const PATHS: usize = 4;

/// Which labels files have. Of the last path no policy says any.
const LABELS: [&str; 3] = ["bin_t", "etc_t", "user_tmp_t"];

/// A state that does not yet know who owns the node's files, and one of the labels or none.
#[derive(Clone, Debug)]
struct Shape {
    of: Kind,
    label: Option<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Absent,
    Regular(u8, bool),
    Symlink(u8),
    Directory(bool),
}

fn shape() -> impl Strategy<Value = Shape> {
    let of = prop_oneof![
        Just(Kind::Absent),
        (0..3_u8, any::<bool>()).prop_map(|(text, private)| Kind::Regular(text, private)),
        (0..2_u8).prop_map(Kind::Symlink),
        any::<bool>().prop_map(Kind::Directory),
    ];
    (of, proptest::option::of(0..LABELS.len())).prop_map(|(of, label)| Shape { of, label })
}

fn label(index: usize) -> Label {
    Label(format!("system_u:object_r:{}:s0", LABELS.get(index).unwrap()))
}

/// A node with `SELinux`, but for who is not root and cannot give its labels.
fn labels() -> Labels {
    let attribute = if nix::unistd::geteuid().is_root() { "security.selinux" } else { "user.selinux" };
    Labels::told(attribute, |path, class| {
        let number = path.to_string_lossy().bytes().last().map_or(0, usize::from) - usize::from(b'0');
        let differs = usize::from(class == Class::Directory);
        (number + 1 < PATHS).then(|| label((number + differs) % LABELS.len()))
    })
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
        let host = host.unwrap().with_labels(labels());
        // Where there is SELinux, whatever is there has a label.
        for goal in node.wants(&host, shapes) {
            let known = goal.to.label().cloned().or_else(|| Some(label(0)));
            goal.on.converge(&host, &goal.to.labelled(known)).unwrap();
        }
        node
    }

    /// As a process of its own would see it: nothing is remembered but what is on disk.
    fn host(&self) -> Host {
        let host = Host::with_state(&self.state(), Limits::default(), Interrupt::default()).unwrap();
        host.with_labels(labels())
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
        let state = |shape: &Shape| match &shape.of {
            Kind::Absent => FileState::Absent,
            Kind::Regular(text, private) => {
                let sha256 = host.files().offer(format!("text {text}").into_bytes());
                let mode = Mode(if *private { 0o600 } else { 0o644 });
                FileState::Regular(Regular { sha256, mode, uid, gid, label: None })
            }
            Kind::Symlink(target) => {
                FileState::Symlink { target: format!("target-{target}").into(), label: None }
            }
            Kind::Directory(private) => {
                let mode = Mode(if *private { 0o700 } else { 0o755 });
                FileState::Directory { mode, uid, gid, label: None }
            }
        };
        shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| Want {
                on: File(self.path(index)),
                to: state(shape).labelled(shape.label.map(label)),
            })
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

    /// The one journal that there is, without its last line.
    fn lose_the_end(&self) {
        let entry = fs::read_dir(self.journal_directory()).unwrap().next().unwrap().unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        let (rest, end) = text.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(end, r#"{"end":"completed"}"#);
        fs::write(entry.path(), format!("{rest}\n")).unwrap();
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
        to: FileState::Symlink { target: "x".into(), label: None },
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
            let is_changed = !File::agree(&from, &to);
            prop_assert_eq!(owned.is_some(), is_changed, "{} {}", from, to);
            if let Some((owned_from, owned_to)) = owned {
                prop_assert_eq!(owned_from, from);
                prop_assert!(File::agree(&owned_to, &to), "{} {}", owned_to, to);
            }
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
                .filter(|(_, (from, to))| !File::agree(from, to))
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

    /// A run that looks at what it has made once more, as at a rule that docker's start may have taken
    /// away, and dies before it has said that it ended: going back from it, there is nothing left to own.
    #[test]
    fn what_a_run_has_made_it_does_not_find(before in shapes(), wanted in shapes()) {
        let node = Node::new(&before);
        let first = node.states();
        let host = node.host();
        let goals = [node.goals(&host, &wanted), node.goals(&host, &wanted)].concat();
        prop_assert!(matches!(node.reach(&host, &goals), Ending::Completed(..)));
        node.lose_the_end();
        let back: Vec<Goal> = first.iter().enumerate()
            .map(|(index, state)| Goal::required(Want { on: File(node.path(index)), to: state.clone() }))
            .collect();
        prop_assert!(matches!(node.reach(&node.host(), &back), Ending::Completed(..)));
        prop_assert_eq!(node.states(), first);
        let receipt = node.receipt();
        prop_assert_eq!(receipt.all_owned().cloned().collect::<Vec<_>>(), Vec::<Step>::new());
    }

    /// A best effort that ends otherwise than it was wanted leaves nothing, and is not asked for again.
    /// No file has such a mode: the kernel makes it fit.
    #[test]
    fn a_best_effort_that_fails_on_its_way_is_taken_back(before in shapes(), text in 0..3_u8, private in any::<bool>()) {
        let node = Node::new(&before);
        let (states, names) = (node.states(), node.names());
        let host = node.host();
        let wanted = vec![Shape { of: Kind::Regular(text, private), label: None }; PATHS];
        let unlike = |want: Want<File>| {
            let FileState::Regular(regular) = want.to else { panic!("{want:?}") };
            let mode = Mode(regular.mode.0 | 0o20_0000);
            Goal::best_effort(Want { to: FileState::Regular(Regular { mode, ..regular }), on: want.on })
        };
        let goals: Vec<Goal> = node.wants(&host, &wanted).into_iter().map(unlike).collect();
        let ending = node.reach(&host, &goals);
        prop_assert!(
            matches!(&ending, Ending::Completed(done, left) if done.is_empty() && left.is_empty()),
            "{:?}", ending
        );
        prop_assert_eq!(node.states(), states);
        prop_assert_eq!(node.names().len(), names.len());
        prop_assert_eq!(node.receipt().all_owned().count(), 0);
        prop_assert_eq!(plan(&node.host(), &goals, &node.receipt()).unwrap(), Vec::<Step>::new());
    }

    /// A label that is not the policy's any more is put right by the next run; and keeps nothing from
    /// being undone, for a policy that was renewed gives others too.
    #[test]
    fn a_label_that_drifts_is_put_right_and_keeps_nothing_from_being_undone(
        before in shapes(),
        wanted in shapes(),
        drifted in 0..LABELS.len(),
    ) {
        let node = Node::new(&before);
        let host = node.host();
        let goals = node.goals(&host, &wanted);
        let ending = node.reach(&host, &goals);
        let Ending::Completed(done, _) = ending else { panic!("{ending:?}") };
        let right = node.states();
        let host = node.host();
        for (index, state) in right.iter().enumerate().filter(|(_, state)| state.class().is_some()) {
            File(node.path(index)).converge(&host, &state.clone().labelled(Some(label(drifted)))).unwrap();
        }
        for step in &done {
            let standing = step.standing(&host).unwrap();
            prop_assert!(matches!(standing, Standing::AtTo | Standing::AtFrom), "{:?} {:?}", step, standing);
        }
        let has_label = |(index, shape): (usize, &Shape)| shape.label.is_some() || index + 1 < PATHS;
        let differs = |state: &FileState| state.label().is_some_and(|own| *own != label(drifted));
        let expected: Vec<bool> = wanted.iter().enumerate().map(has_label).zip(&right)
            .map(|(has_label, state)| has_label && differs(state)).collect();
        let steps = plan(&host, &goals, &node.receipt()).unwrap();
        let names: Vec<_> = steps.iter().map(Step::name).collect();
        let planned: Vec<bool> =
            (0..PATHS).map(|index| names.contains(&File(node.path(index)).name())).collect();
        prop_assert_eq!(planned, expected);
        prop_assert!(matches!(node.reach(&host, &goals), Ending::Completed(..)));
        prop_assert_eq!(plan(&node.host(), &goals, &node.receipt()).unwrap(), Vec::<Step>::new());
    }

    /// What somebody has put where a run was about to put something is theirs.
    #[test]
    fn recovering_leaves_what_was_changed_after_the_crash(
        mut before in shapes(),
        was_there in any::<bool>(),
        text in "[a-z]{1,8}",
    ) {
        before[0].of = if was_there { Kind::Regular(0, false) } else { Kind::Absent };
        let wanted = vec![Shape { of: Kind::Regular(9, false), label: None }; PATHS];
        let node = Node::new(&before);
        stop_after(&node, &wanted, (0, false), &[]);
        let theirs = node.path(0);
        fs::write(&theirs, format!("their {text}")).unwrap();
        let (host, receipt) = (node.host(), node.receipt());
        let left = recover(&host, &receipt, receipt.unfinished().unwrap(), &mut Nobody).unwrap();
        prop_assert!(!left.iter().any(Left::is_failure) && left.len() == 1, "{:?}", left);
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
