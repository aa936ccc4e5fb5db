//! What may be on disk after the power went away.
//!
//! What was flushed is there. Of the rest, file systems promise nothing and differ in what they do; four kinds of state
//! stand for them, at every instant of a run:
//!
//! - *flushed*: nothing else is there. POSIX promises no more; no journaling file system is that bad.
//! - *in order*: names, modes and owners as far as they came, bytes only where they were flushed. A new file is
//!   there and empty, or half there, or full of zeros. So ext4 and xfs lose.
//! - *ahead*: nothing that was not flushed, but for one name that came through at once.
//! - *behind*: names in order up to a flush, but for one that had not come through before it.
//!
//! States that differ only in what is below a place where a run keeps nothing are one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::disk::{Attributes, Disk, Ino, Kind, Operation, Step, TOP, apply};

/// Docker's own, which a removal takes away file by file, and copies of binaries that are tried and thrown away.
const OF_NO_MATTER: [&str; 3] =
    ["/data/k8s/docker/data", "/data/k8s/docker/exec", "/var/lib/node-setup/store/candidate"];

/// What is at a path that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// Two names of one inode are two names of one file.
    pub(crate) inode: Ino,
    pub(crate) kind: Kind,
    pub(crate) attributes: Attributes,
    /// What the file was at the beginning: the first of its bytes.
    pub(crate) origin: Option<PathBuf>,
    /// How many of the bytes that were appended follow.
    pub(crate) appended: u64,
    /// How many zeros follow, where bytes were.
    pub(crate) zeros: u64,
}

/// The paths that are not as they were, parents before what is in them; `None` where nothing is left.
pub(crate) type Changes = BTreeMap<PathBuf, Option<Entry>>;

/// A tree that the power may leave.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// For people: when, and what was lost.
    pub(crate) name: String,
    pub(crate) changes: Changes,
}

/// What becomes of bytes that were written and not flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Lost,
    Torn,
    Zeros,
    Whole,
}

/// Every state, each once.
pub(crate) fn states(disk: &Disk) -> Result<Vec<State>> {
    let view = View::of(disk);
    let mut found = Found::default();
    let end = disk.steps().len();
    for at in (0..=end).filter(|at| !view.is_mid_write(*at)) {
        found.add(
            format!("flushed, after step {at} of {end}"),
            view.changes(at, |step| view.is_durable(step, at), Tail::Lost)?,
        );
        for tail in [Tail::Lost, Tail::Torn, Tail::Zeros] {
            found.add(
                format!("in order, {tail:?}, after step {at} of {end}"),
                view.changes(at, |_| true, tail)?,
            );
        }
    }
    for (step, _) in view.operations().filter(|(_, operation)| operation.is_about_names()) {
        let (at, flushed) = (step + 1, disk.durable(step).unwrap_or(end));
        let ahead = view.changes(at, |other| other == step || view.is_durable(other, at), Tail::Lost)?;
        found.add(format!("step {step} ahead, after step {at} of {end}"), ahead);
        let behind = view.changes(flushed, |other| other != step, Tail::Lost)?;
        found.add(format!("step {step} behind, after step {flushed} of {end}"), behind);
    }
    Ok(found.states)
}

/// What the run would have left if no power had gone away.
pub(crate) fn whole(disk: &Disk) -> Result<Changes> {
    View::of(disk).changes(disk.steps().len(), |_| true, Tail::Whole)
}

/// The paths that differ after the run, depending on whether the power goes away right then.
pub(crate) fn unflushed(disk: &Disk) -> Result<BTreeSet<PathBuf>> {
    let view = View::of(disk);
    let end = disk.steps().len();
    let (flushed, whole) = (view.changes(end, |step| view.is_durable(step, end), Tail::Lost)?, whole(disk)?);
    let differs = |path: &&PathBuf| flushed.get(*path) != whole.get(*path);
    Ok(flushed.keys().chain(whole.keys()).filter(differs).cloned().collect())
}

#[derive(Default)]
struct Found {
    seen: HashSet<Vec<(PathBuf, Option<Entry>)>>,
    states: Vec<State>,
}

impl Found {
    fn add(&mut self, name: String, changes: Changes) {
        let matters =
            |path: &Path| !OF_NO_MATTER.iter().any(|top| path != Path::new(top) && path.starts_with(top));
        let key = changes.clone().into_iter().filter(|(path, _)| matters(path)).collect();
        if self.seen.insert(key) {
            self.states.push(State { name, changes });
        }
    }
}

/// A disk, and where on it anything happened.
struct View<'a> {
    disk: &'a Disk,
    touched: BTreeSet<Ino>,
    leading: BTreeSet<PathBuf>,
}

/// The inodes as far as operations came through.
struct Inodes {
    entries: HashMap<Ino, BTreeMap<String, Ino>>,
    attributes: HashMap<Ino, Attributes>,
    /// Flushed, and written.
    lengths: HashMap<Ino, (u64, u64)>,
    tail: Tail,
}

impl<'a> View<'a> {
    fn of(disk: &'a Disk) -> Self {
        let mut view = Self { disk, touched: BTreeSet::new(), leading: BTreeSet::new() };
        let mut inodes = BTreeSet::new();
        for step in disk.steps() {
            match step {
                Step::Flush => {}
                Step::Operation(Operation::Enter { directory, .. } | Operation::Leave { directory, .. }) => {
                    view.touched.insert(*directory);
                }
                Step::Operation(Operation::Move { from, to, .. }) => view.touched.extend([from.0, to.0]),
                Step::Operation(Operation::Set { inode, .. } | Operation::Append { inode, .. }) => {
                    inodes.insert(*inode);
                }
            }
        }
        for inode in inodes.iter().chain(&view.touched) {
            let origin = disk.inode(*inode).ok().and_then(|inode| inode.origin.as_deref());
            view.leading.extend(origin.into_iter().flat_map(Path::ancestors).map(Path::to_owned));
        }
        view
    }

    fn operations(&self) -> impl Iterator<Item = (usize, &Operation)> {
        self.disk.steps().iter().enumerate().filter_map(|(index, step)| match step {
            Step::Operation(operation) => Some((index, operation)),
            Step::Flush => None,
        })
    }

    fn is_durable(&self, step: usize, at: usize) -> bool {
        self.disk.durable(step).is_some_and(|flushed| flushed < at)
    }

    /// Between two writes to one file: what is lost there is lost after them too.
    fn is_mid_write(&self, at: usize) -> bool {
        let written = |step: usize| match self.disk.steps().get(step) {
            Some(Step::Operation(Operation::Append { inode, .. })) => Some(*inode),
            _ => None,
        };
        at > 0 && written(at).is_some() && written(at) == written(at - 1)
    }

    /// What is different when the power goes after step `at`, and of names, modes and owners only those that `keeps`
    /// names came through.
    fn changes(&self, at: usize, keeps: impl Fn(usize) -> bool, tail: Tail) -> Result<Changes> {
        let mut inodes = Inodes {
            entries: self.touched.iter().map(|inode| (*inode, self.disk.entries_before(*inode))).collect(),
            attributes: HashMap::new(),
            lengths: HashMap::new(),
            tail,
        };
        for (step, operation) in self.operations().take_while(|(step, _)| *step < at) {
            match operation {
                Operation::Append { inode, length } => {
                    let (flushed, written) = inodes.lengths.entry(*inode).or_default();
                    *written = *length;
                    if self.is_durable(step, at) {
                        *flushed = *length;
                    }
                }
                Operation::Set { inode, attributes } if keeps(step) => {
                    inodes.attributes.insert(*inode, *attributes);
                }
                other if keeps(step) => apply(&mut inodes.entries, other),
                _ => {}
            }
        }
        let mut changes = Changes::new();
        self.compare(Path::new("/"), TOP, &inodes, &mut changes)?;
        Ok(changes)
    }

    /// A directory that is where it was.
    fn compare(&self, path: &Path, directory: Ino, inodes: &Inodes, changes: &mut Changes) -> Result<()> {
        let before = self.disk.entries_before(directory);
        let now = inodes.entries.get(&directory).unwrap_or(&before);
        let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        for name in names {
            let path = path.join(name);
            match (before.get(name), now.get(name)) {
                (Some(was), Some(is)) if was == is => {
                    if !self.leading.contains(&path) {
                        continue;
                    }
                    if inodes.attributes.contains_key(is) || inodes.lengths.contains_key(is) {
                        self.note(&path, *is, inodes, changes)?;
                    }
                    self.compare(&path, *is, inodes, changes)?;
                }
                (_, Some(is)) => self.add(&path, *is, inodes, changes)?,
                (_, None) => {
                    changes.insert(path, None);
                }
            }
        }
        Ok(())
    }

    /// Something that was not here, with all that is in it.
    fn add(&self, path: &Path, inode: Ino, inodes: &Inodes, changes: &mut Changes) -> Result<()> {
        self.note(path, inode, inodes, changes)?;
        let before = self.disk.entries_before(inode);
        for (name, inode) in inodes.entries.get(&inode).unwrap_or(&before) {
            self.add(&path.join(name), *inode, inodes, changes)?;
        }
        Ok(())
    }

    fn note(&self, path: &Path, inode: Ino, inodes: &Inodes, changes: &mut Changes) -> Result<()> {
        let made = self.disk.inode(inode)?;
        let (flushed, written) = inodes.lengths.get(&inode).copied().unwrap_or_default();
        let (appended, zeros) = match inodes.tail {
            Tail::Lost => (flushed, 0),
            Tail::Torn => (flushed + (written - flushed) / 2, 0),
            Tail::Zeros => (flushed, written - flushed),
            Tail::Whole => (written, 0),
        };
        let attributes = inodes.attributes.get(&inode).copied().unwrap_or(made.attributes);
        let (kind, origin) = (made.kind.clone(), made.origin.clone());
        changes.insert(path.to_owned(), Some(Entry { inode, kind, attributes, origin, appended, zeros }));
        Ok(())
    }
}
