//! Where contents are kept: by digest, each once.
//!
//! Two kinds lie here. *Staged* contents are an archive's members, unpacked but
//! not yet in place; putting one in place moves it. *Kept* contents were
//! displaced by a change, and are what undoing puts back; a large one is kept as
//! a second name of the same inode, never as a copy.
//!
//! Both have to be on the file system of their target for that. Where it is not
//! the file system of `/var/lib`, a second store is made at its top.
#![expect(clippy::disallowed_methods, reason = "contents are kept, staged and thrown away here")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::files::{create, is_nothing, make_private_directory};
use super::owners::stranger;
use crate::digest::Digest;
use crate::read;
use crate::{Error, Result};

/// A kept content up to this size is copied into place and stays kept too.
const SMALL: u64 = 1 << 20;

/// The store's name at the top of another file system.
const NEAR: &str = ".node-setup-store";

/// Contents by digest.
#[derive(Debug)]
pub struct Store {
    home: PathBuf,
    offered: RefCell<BTreeMap<Digest, Offered>>,
    placed: RefCell<BTreeMap<Digest, PathBuf>>,
    /// How many contents this run has begun to write.
    begun: Cell<usize>,
}

/// A content that this run can put in place without the store having it.
#[derive(Clone, Debug)]
enum Offered {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// How a content can be brought into place.
#[derive(Debug)]
pub enum Content {
    /// Written from memory.
    Bytes(Vec<u8>),
    /// Copied from a file that stays.
    Copy(PathBuf),
    /// Moved: the file is on the same file system, and nobody else's.
    Staged(PathBuf),
    /// Given a second name: the file is on the same file system, and stays.
    Kept(PathBuf),
}

impl Store {
    /// The store under `home`.
    pub fn new(home: PathBuf) -> Self {
        Self { home, offered: RefCell::default(), placed: RefCell::default(), begun: Cell::default() }
    }

    /// Its directory on the file system of the state.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Holds bytes in memory for this run, and names them.
    pub fn offer(&self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.offered.borrow_mut().insert(digest, Offered::Bytes(bytes));
        digest
    }

    /// Names a file whose digest is known as a source for this run.
    pub fn offer_file(&self, path: &Path, sha256: Digest) {
        self.offered.borrow_mut().insert(sha256, Offered::File(path.to_owned()));
    }

    /// Writes offered bytes down, so that undoing finds them in a later run.
    pub fn keep_offered(&self, sha256: Digest) -> Result<()> {
        let directory = self.home.join("kept");
        if directory.join(sha256.to_string()).exists() {
            return sync_directory(&directory);
        }
        let Some(Offered::Bytes(bytes)) = self.offered.borrow().get(&sha256).cloned() else {
            return Err(self.missing(sha256));
        };
        let mut incoming = self.begin(directory)?;
        incoming.write(&bytes)?;
        incoming.finish(sha256).settle()
    }

    /// Keeps what is at `path` now, whose digest is known.
    pub fn keep(&self, path: &Path, sha256: Digest) -> Result<()> {
        let directory = self.directory_for(path).join("kept");
        let kept = directory.join(sha256.to_string());
        if is_intact(&kept, sha256) {
            // A run that died may have given it its name a moment ago.
            return sync_directory(&directory);
        }
        make_private_directory(&directory)?;
        let _ = fs::remove_file(&kept);
        // Whoever wrote it may not have flushed it.
        File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("flush", path))?;
        if fs::hard_link(path, &kept).is_ok() {
            return sync_directory(&directory);
        }
        let mut incoming = self.begin(directory)?;
        let mut source = File::open(path).map_err(Error::io("read", path))?;
        io::copy(&mut source, &mut incoming.file).map_err(Error::io("copy", path))?;
        incoming.finish(sha256).settle()
    }

    /// Throws away a content that was kept, here and on `target`'s file system.
    pub fn forget(&self, sha256: Digest, target: &Path) -> Result<()> {
        for store in [self.home.clone(), self.directory_for(target)] {
            let kept = store.join("kept").join(sha256.to_string());
            match fs::remove_file(&kept) {
                Err(error) if !is_nothing(&error) => return Err(Error::io("remove", kept)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// How the content with this digest can come into place at `target`.
    pub fn content(&self, sha256: Digest, target: &Path) -> Option<Content> {
        match self.offered.borrow().get(&sha256) {
            Some(Offered::Bytes(bytes)) => return Some(Content::Bytes(bytes.clone())),
            Some(Offered::File(path)) => return Some(Content::Copy(path.clone())),
            None => {}
        }
        let name = sha256.to_string();
        let near = self.directory_for(target);
        let staged = near.join("staged").join(&name);
        if staged.is_file() {
            return Some(Content::Staged(staged));
        }
        let kept = [near.join("kept").join(&name), self.home.join("kept").join(&name)];
        let Some(kept) = kept.into_iter().find(|path| is_intact(path, sha256)) else {
            return self.placed.borrow().get(&sha256).cloned().map(Content::Copy);
        };
        let is_large = kept.starts_with(&near) && fs::metadata(&kept).is_ok_and(|file| file.len() > SMALL);
        Some(if is_large { Content::Kept(kept) } else { Content::Copy(kept) })
    }

    /// Notes that this run has moved a content to `target`: should another target
    /// want the same, it is copied from there.
    pub(super) fn note_placed(&self, sha256: Digest, target: &Path) {
        self.placed.borrow_mut().insert(sha256, target.to_owned());
    }

    /// The bytes with this digest, if they are here and no more than `largest`.
    pub fn read(&self, sha256: Digest, target: &Path, largest: u64) -> Option<Vec<u8>> {
        match self.content(sha256, target)? {
            Content::Bytes(bytes) => Some(bytes),
            Content::Copy(path) | Content::Staged(path) | Content::Kept(path) => {
                read::up_to(largest, &path).ok().filter(|bytes| Digest::of(bytes) == sha256)
            }
        }
    }

    /// Where a content is staged for `target`.
    pub fn staged(&self, sha256: Digest, target: &Path) -> PathBuf {
        self.directory_for(target).join("staged").join(sha256.to_string())
    }

    /// Begins to stage a content for `target`.
    pub fn stage(&self, target: &Path) -> Result<Incoming> {
        self.begin(self.directory_for(target).join("staged"))
    }

    /// Begins to write a content under a name that no other content has: two with the same
    /// bytes may be on their way at once.
    fn begin(&self, directory: PathBuf) -> Result<Incoming> {
        make_private_directory(&directory)?;
        let number = self.begun.replace(self.begun.get() + 1);
        let path = directory.join(format!(".incoming-{number}"));
        let _ = fs::remove_file(&path);
        let file = create(&path, 0o600)?;
        Ok(Incoming { directory, path, file })
    }

    /// Throws away what is staged for `target`'s file system, and the directories
    /// of the store that are empty then.
    pub fn clear_staged(&self, target: &Path) -> Result<()> {
        let store = self.directory_for(target);
        let directory = store.join("staged");
        match fs::remove_dir_all(&directory) {
            Err(error) if !is_nothing(&error) => return Err(Error::io("remove", directory)(error)),
            _ => {}
        }
        self.clear_candidate(&store.join("candidate"))?;
        clear_unfinished(&store.join("kept"));
        clear_unfinished(&self.home.join("kept"));
        for directory in [Some(store.as_path()), Some(&self.home), self.home.parent()].into_iter().flatten() {
            // Only an empty one goes.
            let _ = fs::remove_dir(directory);
        }
        Ok(())
    }

    /// An empty directory, on `target`'s file system, for candidates to be tried in.
    pub fn candidate_directory(&self, target: &Path) -> Result<PathBuf> {
        let directory = self.directory_for(target).join("candidate");
        self.clear_candidate(&directory)?;
        make_private_directory(&directory)?;
        Ok(directory)
    }

    /// Makes a content of the store executable under a name of its own.
    pub fn show_content(&self, content: &Path, name: &Path) -> Result<()> {
        if fs::hard_link(content, name).is_err() {
            fs::copy(content, name).map_err(Error::io("copy", content))?;
        }
        fs::set_permissions(name, Permissions::from_mode(0o755)).map_err(Error::io("set the mode of", name))
    }

    /// Shows a file that is in place under a name among the candidates.
    pub fn show_in_place(&self, path: &Path, name: &Path) -> Result<()> {
        std::os::unix::fs::symlink(path, name).map_err(Error::io("link", name))
    }

    /// Writes a candidate configuration.
    pub fn write_candidate(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let mut file = create(path, 0o600)?;
        io::Write::write_all(&mut file, bytes).map_err(Error::io("write", path))
    }

    /// Throws candidates away.
    pub fn clear_candidate(&self, directory: &Path) -> Result<()> {
        match fs::remove_dir_all(directory) {
            Err(error) if !is_nothing(&error) => Err(Error::io("remove", directory)(error)),
            _ => Ok(()),
        }
    }

    /// The error that a content is not here.
    pub fn missing(&self, sha256: Digest) -> Error {
        Error::State {
            path: self.home.clone(),
            problem: format!("it does not have the contents with digest {sha256}"),
        }
    }

    /// The store's directory on the file system that `target` is on.
    pub(super) fn directory_for(&self, target: &Path) -> PathBuf {
        match (device_of(target), device_of(&self.home)) {
            (Some((device, top)), Some((home, _))) if device != home => {
                let near = top.join(NEAR);
                // In somebody else's hands nothing is kept: it is copied to where it goes instead.
                if stranger(&near).is_none() { near } else { self.home.clone() }
            }
            _ => self.home.clone(),
        }
    }
}

/// The stores at these mount points, but for what is in somebody else's hands.
pub(super) fn near(points: impl IntoIterator<Item = PathBuf>) -> impl Iterator<Item = PathBuf> {
    let is_directory = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let stores = points.into_iter().map(|point| point.join(NEAR));
    stores.filter(move |store| is_directory(store) && stranger(store).is_none())
}

/// The device of a directory, or of the nearest of a path's ancestors that exists, and the
/// topmost directory on it. On an overlay a file may have another device than its directory.
fn device_of(path: &Path) -> Option<(u64, PathBuf)> {
    let device = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_dir).map(|found| found.dev());
    let mut ancestors = path.ancestors().filter_map(|path| Some((device(path)?, path)));
    let (own, mut top) = ancestors.next()?;
    for (device, ancestor) in ancestors {
        if device != own {
            break;
        }
        top = ancestor;
    }
    Some((own, top.to_owned()))
}

/// A content on its way into the store.
#[derive(Debug)]
pub struct Incoming {
    directory: PathBuf,
    path: PathBuf,
    file: File,
}

/// A content that is written, but not yet flushed or visible.
#[derive(Debug)]
pub struct Written {
    content: Incoming,
    name: PathBuf,
}

impl Incoming {
    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        io::Write::write_all(&mut self.file, bytes).map_err(Error::io("write", &self.path))
    }

    /// Ends the content, whose digest the writer has taken. It has its name when it is
    /// [settled](Written::settle).
    pub fn finish(self, sha256: Digest) -> Written {
        let name = self.directory.join(sha256.to_string());
        Written { content: self, name }
    }
}

impl Written {
    /// Gives it its name once its bytes are on disk: who finds the name relies on them.
    pub fn settle(self) -> Result<()> {
        let Incoming { directory, path, file } = self.content;
        file.sync_all().map_err(Error::io("flush", &path))?;
        fs::rename(&path, &self.name).map_err(Error::io("put in place", &self.name))?;
        sync_directory(&directory)
    }
}

/// Removes contents that a run which died was writing. They are in nobody's way.
fn clear_unfinished(kept: &Path) {
    let entries = fs::read_dir(kept).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b".")) {
        let _ = fs::remove_file(entry.path());
    }
}

/// Whether a content is there, and is what its name says. It may have been changed by a second name that it
/// has, or had, somewhere on the node.
fn is_intact(path: &Path, sha256: Digest) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let digest = || File::open(path).and_then(|mut file| Digest::of_reader(&mut file));
    is_file && digest().is_ok_and(|now| now == sha256)
}

fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::io("flush", path))
}
