//! A file system that remembers every operation on it, and which of them had been flushed when.
//!
//! It begins as a tree that is wholly on disk. What happens is a list of steps: operations on inodes, and flushes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::trace::Call;

/// The number of an inode of the model.
pub(crate) type Ino = usize;

/// The top directory.
pub(crate) const TOP: Ino = 0;

/// What an inode is. The bytes that a file began with are those of the tree; what was appended since is here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A directory.
    Directory,
    /// A symbolic link.
    Link(String),
    /// A file.
    File,
}

/// An inode as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    pub(crate) kind: Kind,
    pub(crate) attributes: Attributes,
    /// Where in the tree it was at the beginning.
    pub(crate) origin: Option<PathBuf>,
}

/// Mode and owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What was appended to a file in all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Appended {
    /// How many bytes.
    pub(crate) length: u64,
    /// The bytes, as far as the trace has them from the first on.
    pub(crate) bytes: Vec<u8>,
}

impl Appended {
    /// Whether the trace has them all.
    pub(crate) fn known(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }
}

/// A change of one directory or one inode; a move changes two directories at once, as it does in every journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A name is given to an inode, in place of what had it.
    Enter { directory: Ino, name: String, inode: Ino },
    /// A name goes.
    Leave { directory: Ino, name: String },
    /// A name becomes another.
    Move { from: (Ino, String), to: (Ino, String), inode: Ino },
    /// Mode and owner become these.
    Set { inode: Ino, attributes: Attributes },
    /// Bytes are appended, up to this many since the beginning.
    Append { inode: Ino, length: u64 },
}

impl Operation {
    /// Whether it is about the bytes of a file.
    pub(crate) fn is_data(&self) -> bool {
        matches!(self, Self::Append { .. })
    }

    /// Whether it is about what is in directories.
    pub(super) fn is_about_names(&self) -> bool {
        matches!(self, Self::Enter { .. } | Self::Leave { .. } | Self::Move { .. })
    }

    /// Whether flushing this inode flushes the operation.
    pub(super) fn touches(&self, flushed: Ino) -> bool {
        match self {
            Self::Enter { directory, .. } | Self::Leave { directory, .. } => *directory == flushed,
            Self::Move { from, to, .. } => from.0 == flushed || to.0 == flushed,
            Self::Set { inode, .. } | Self::Append { inode, .. } => *inode == flushed,
        }
    }
}

/// An operation, or a flush.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something changed.
    Operation(Operation),
    /// Everything about an inode, or its bytes alone, was flushed.
    Flush,
}

/// A file system.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    inodes: Vec<Inode>,
    entries: HashMap<Ino, BTreeMap<String, Ino>>,
    before: HashMap<Ino, BTreeMap<String, Ino>>,
    pub(super) appended: HashMap<Ino, Appended>,
    steps: Vec<Step>,
    ended: Vec<u64>,
    durable: Vec<Option<usize>>,
}

impl Disk {
    /// A tree that is wholly on disk: every path with what is there, parents before their children.
    pub(crate) fn new(tree: impl IntoIterator<Item = (PathBuf, Kind, Attributes)>) -> Result<Self> {
        let top = Inode {
            kind: Kind::Directory,
            attributes: Attributes { mode: 0o755, uid: 0, gid: 0 },
            origin: Some(PathBuf::from("/")),
        };
        let mut disk = Self {
            inodes: vec![top],
            entries: HashMap::from([(TOP, BTreeMap::new())]),
            before: HashMap::new(),
            appended: HashMap::new(),
            steps: Vec::new(),
            ended: Vec::new(),
            durable: Vec::new(),
        };
        for (path, kind, attributes) in tree {
            let (directory, name) = disk.place(&path)?;
            let inode = disk.make(kind, attributes, Some(path));
            disk.entries.entry(directory).or_default().insert(name, inode);
        }
        disk.before = disk.entries.clone();
        Ok(disk)
    }

    /// What happened, in order.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step that flushed a step, if one did.
    pub(crate) fn durable(&self, step: usize) -> Option<usize> {
        self.durable.get(step).copied().flatten()
    }

    /// An inode as it was made.
    pub(crate) fn inode(&self, inode: Ino) -> Result<&Inode> {
        self.inodes.get(inode).context("there is no such inode")
    }

    /// What was in a directory at the beginning.
    pub(crate) fn entries_before(&self, directory: Ino) -> BTreeMap<String, Ino> {
        self.before.get(&directory).cloned().unwrap_or_default()
    }

    /// What was appended to a file in all.
    pub(crate) fn appended(&self, inode: Ino) -> Option<&Appended> {
        self.appended.get(&inode)
    }

    /// The files with appended bytes that the trace does not have, and where each is at the end.
    pub(crate) fn unknown(&self) -> BTreeMap<Ino, PathBuf> {
        let unknown: BTreeSet<Ino> =
            self.appended.iter().filter(|(_, appended)| !appended.known()).map(|(inode, _)| *inode).collect();
        let mut found = BTreeMap::new();
        let mut below = vec![(PathBuf::from("/"), TOP)];
        while let Some((path, directory)) = below.pop() {
            for (name, inode) in self.entries.get(&directory).into_iter().flatten() {
                let path = path.join(name);
                if unknown.contains(inode) {
                    found.insert(*inode, path);
                } else if self.entries.contains_key(inode) {
                    below.push((path, *inode));
                }
            }
        }
        found
    }

    pub(super) fn attributes(&self, wanted: Ino) -> Result<Attributes> {
        let last = self.steps.iter().rev().find_map(|step| match step {
            Step::Operation(Operation::Set { inode, attributes }) if *inode == wanted => Some(*attributes),
            _ => None,
        });
        Ok(last.unwrap_or(self.inode(wanted)?.attributes))
    }

    /// A flush covers what had been done when it was entered.
    pub(super) fn flushed(&mut self, call: &Call, covers: impl Fn(&Operation) -> bool) {
        let here = self.steps.len();
        for (index, step) in self.steps.iter().enumerate() {
            let Step::Operation(operation) = step else { continue };
            let (Some(ended), Some(durable)) = (self.ended.get(index), self.durable.get_mut(index)) else {
                continue;
            };
            if durable.is_none() && *ended <= call.begun && covers(operation) {
                *durable = Some(here);
            }
        }
        self.push(Step::Flush, call);
    }

    pub(super) fn operate(&mut self, operation: Operation, call: &Call) {
        apply(&mut self.entries, &operation);
        self.push(Step::Operation(operation), call);
    }

    fn push(&mut self, step: Step, call: &Call) {
        self.steps.push(step);
        self.ended.push(call.ended);
        self.durable.push(None);
    }

    pub(super) fn make(&mut self, kind: Kind, attributes: Attributes, origin: Option<PathBuf>) -> Ino {
        let inode = self.inodes.len();
        if kind == Kind::Directory {
            self.entries.insert(inode, BTreeMap::new());
        }
        self.inodes.push(Inode { kind, attributes, origin });
        inode
    }

    /// The directory that a path's last name is in, and that name.
    pub(super) fn place(&self, path: &Path) -> Result<(Ino, String)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            bail!("{} is no place for anything", path.display())
        };
        let Some(directory) = self.find(parent)? else {
            bail!("the directory {} is not known", parent.display());
        };
        Ok((directory, name.to_string_lossy().into_owned()))
    }

    pub(super) fn find(&self, path: &Path) -> Result<Option<Ino>> {
        let mut inode = TOP;
        for component in path.components() {
            match component {
                Component::RootDir => {}
                Component::Normal(name) => {
                    let name = name.to_string_lossy();
                    let below = self.entries.get(&inode).and_then(|entries| entries.get(name.as_ref()));
                    let Some(&next) = below else { return Ok(None) };
                    inode = next;
                }
                _ => bail!("{} is not plain", path.display()),
            }
        }
        Ok(Some(inode))
    }
}

/// Does to directories what an operation does to them.
pub(crate) fn apply(entries: &mut HashMap<Ino, BTreeMap<String, Ino>>, operation: &Operation) {
    match operation {
        Operation::Enter { directory, name, inode } => {
            entries.entry(*directory).or_default().insert(name.clone(), *inode);
        }
        Operation::Leave { directory, name } => {
            entries.entry(*directory).or_default().remove(name);
        }
        Operation::Move { from, to, inode } => {
            let old = entries.entry(from.0).or_default();
            if old.get(&from.1) == Some(inode) {
                old.remove(&from.1);
            }
            entries.entry(to.0).or_default().insert(to.1.clone(), *inode);
        }
        Operation::Set { .. } | Operation::Append { .. } => {}
    }
}
