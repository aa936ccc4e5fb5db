//! The only door to files: everything that comes into place does so here.
//!
//! A regular file is made under a temporary name in its own directory, given its
//! owner and mode, flushed, and renamed over whatever was there; what was there
//! is kept in the [store](super::store) first. The directories touched are
//! flushed together by [`Files::flush`], before the journal says that a run is
//! complete: until then its intents, which are on disk, cover them.
#![expect(clippy::disallowed_methods, reason = "the door to the file system")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{self as unix, DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::fingerprints::Fingerprints;
use super::journals;
use super::labels::Labels;
use super::owners::{Stranger, resolved, stranger, stranger_above};
use super::root::is_offline;
use super::store::{Content, Store, near};
use super::systemd::wanting;
use crate::change::Step;
use crate::digest::{Digest, Hasher};
use crate::read;
use crate::resource::{Class, FileState, Label, Mode, Regular};
use crate::{Error, Result};

/// What is compared and shown as text is no larger.
const LARGEST_TEXT: u64 = 256 << 10;

/// Where systemd reads the units of the administrator.
pub const UNIT_DIRECTORY: &str = "/etc/systemd/system";

/// Where it is noted what a running unit was started from. Gone after a boot, as is what
/// was running. The lock beside it is in use.
pub(super) const STARTED: &str = "/run/node-setup/started";

/// The door to the file system.
#[derive(Debug)]
pub struct Files {
    store: Store,
    fingerprints: Fingerprints,
    labels: Labels,
    unflushed: RefCell<BTreeSet<PathBuf>>,
    units_changed: Cell<bool>,
}

impl Files {
    /// Files, with displaced contents and fingerprints kept under `state`.
    pub(super) fn new(state: &Path) -> Self {
        Self {
            store: Store::new(state.join("store")),
            fingerprints: Fingerprints::at(state.join("fingerprints.json")),
            labels: Labels::of_this_machine(),
            unflushed: RefCell::default(),
            units_changed: Cell::new(false),
        }
    }

    /// Where contents are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What is at `path`. A symbolic link is itself, not what it points to.
    pub fn observe(&self, path: &Path) -> Result<FileState> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if is_nothing(&error) => return Ok(FileState::Absent),
            Err(error) => return Err(Error::io("look at", path)(error)),
        };
        let (mode, uid, gid) = (Mode(metadata.mode() & 0o7777), metadata.uid(), metadata.gid());
        let label = self.labels.of(path);
        if metadata.is_dir() {
            Ok(FileState::Directory { mode, uid, gid, label })
        } else if metadata.is_symlink() {
            let target = fs::read_link(path).map_err(Error::io("read the link", path))?;
            Ok(FileState::Symlink { target, label })
        } else if metadata.is_file() {
            let sha256 = self.digest(path, &metadata)?;
            Ok(FileState::Regular(Regular { sha256, mode, uid, gid, label }))
        } else {
            Err(Error::Foreign {
                path: path.to_owned(),
                problem: "neither a file, a directory nor a link".to_owned(),
                help: "find out what made it, and remove it".to_owned(),
            })
        }
    }

    /// Puts `state` at `path`. A state of which no label is known gets the one that the policy says.
    pub fn put(&self, path: &Path, state: &FileState) -> Result<()> {
        let now = self.observe(path)?;
        let state = &match (state.label(), state.class()) {
            (None, Some(class)) => state.clone().labelled(self.policy_label(path, class)),
            _ => state.clone(),
        };
        match (&now, state) {
            (FileState::Regular(old), FileState::Regular(new)) if old.sha256 == new.sha256 => {
                self.own(path, new)?;
            }
            (FileState::Directory { .. }, FileState::Directory { mode, uid, gid, label }) => {
                self.dress(path, path, (*uid, *gid, *mode), label.as_ref())?;
            }
            _ => {
                self.displace(path, &now)?;
                self.replace(path, &now, state).inspect_err(|_| clear_temporary(path))?;
            }
        }
        self.note(path);
        Ok(())
    }

    /// Whether a directory is at `path`; an error if something else is.
    pub fn is_directory(&self, path: &Path) -> Result<bool> {
        match self.observe(path)? {
            FileState::Directory { .. } => Ok(true),
            FileState::Absent => Ok(false),
            _ => Err(Error::Foreign {
                path: path.to_owned(),
                problem: "not a directory".to_owned(),
                help: "move it away".to_owned(),
            }),
        }
    }

    /// Makes a directory for docker to fill; docker tightens its mode as it likes.
    pub fn make_tree(&self, path: &Path) -> Result<()> {
        fs::create_dir(path).map_err(Error::io("create the directory", path))?;
        let label = self.policy_label(path, Class::Directory);
        self.dress(path, path, (0, 0, Mode(0o755)), label.as_ref())?;
        self.note(path);
        Ok(())
    }

    /// Whether a directory is there and has something in it, as far as is known: one that cannot be
    /// read may hold anything.
    pub fn holds_something(&self, path: &Path) -> bool {
        match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) => !is_nothing(&error),
        }
    }

    /// Removes a directory that has nothing in it.
    pub fn remove_if_empty(&self, path: &Path) -> Result<()> {
        match fs::remove_dir(path) {
            Ok(()) => self.changed(path),
            Err(error) if is_nothing(&error) || error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) => return Err(Error::io("remove", path)(error)),
        }
        Ok(())
    }

    /// Removes a directory, an error if something is in it.
    pub fn remove_empty(&self, path: &Path) -> Result<()> {
        remove(path, true)?;
        self.changed(path);
        Ok(())
    }

    /// Removes a file or socket that a program has left behind; nothing of it is kept.
    pub fn remove_leftover(&self, path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if !is_nothing(&error) => Err(Error::io("remove", path)(error)),
            _ => Ok(()),
        }
    }

    /// Removes a directory with all that is in it. What is mounted below it was
    /// mounted by whoever filled it, and is unmounted first.
    pub fn remove_tree(&self, path: &Path) -> Result<()> {
        super::mounts::unmount_below(path)?;
        self.remove_all(path)
    }

    /// Offers bytes that a change may put in place, and names them.
    pub fn offer(&self, bytes: Vec<u8>) -> Digest {
        self.store.offer(bytes)
    }

    /// The text with this digest, if it is one: offered, at `path` now, or kept.
    pub fn text(&self, path: &Path, sha256: Digest) -> Option<String> {
        let bytes = match self.store.read(sha256, path, LARGEST_TEXT) {
            Some(bytes) => bytes,
            None => read_small(path).filter(|bytes| Digest::of(bytes) == sha256)?,
        };
        String::from_utf8(bytes).ok()
    }

    /// The text of rules that were kept or offered.
    pub fn kept_text(&self, sha256: Digest) -> Result<String> {
        self.store
            .read(sha256, self.store.home(), u64::MAX)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| self.store.missing(sha256))
    }

    /// Flushes every directory in which something came, went or changed.
    pub fn flush(&self) -> Result<()> {
        let next = || self.unflushed.borrow().first().cloned();
        while let Some(directory) = next() {
            match File::open(&directory) {
                Ok(open) => open.sync_all().map_err(Error::io("flush", &directory))?,
                Err(error) if is_nothing(&error) => {}
                Err(error) => return Err(Error::io("flush", &directory)(error)),
            }
            self.unflushed.borrow_mut().remove(&directory);
        }
        Ok(())
    }

    /// Takes over a step of a run that died: removes what it may have left beside a
    /// file, has flushed with the rest what it may not have come to, and labels a tree: of that
    /// it is no part of the state.
    pub fn take_over(&self, step: &Step) {
        match step {
            Step::File(change) => {
                clear_temporary(&change.on.0);
                self.changed(&change.on.0);
            }
            Step::Tree(change) => {
                self.changed(&change.on.0);
                self.label_tree(&change.on.0);
            }
            Step::Unit(change) => {
                let own = Path::new(UNIT_DIRECTORY).join(&change.on.name);
                self.flush_links(&wanting(&change.on.name));
                self.flush_links(&[own]);
            }
            _ => {}
        }
    }

    /// Forgets everything: journals, kept contents, fingerprints; also the stores
    /// on the file systems of `targets`, and those at mount `points`: no journal tells of one that a run
    /// has made which died before it had put anything in place. The last thing that removal does, and it
    /// can be interrupted anywhere: as long as there are journals, they tell where
    /// the stores are, and the journals go at once, for some of them would tell a
    /// story that is not true.
    pub fn remove_state<'a>(
        &self,
        state: &Path,
        targets: impl Iterator<Item = &'a Path>,
        points: Vec<PathBuf>,
    ) -> Result<()> {
        let stores = targets.map(|path| self.store.directory_for(path));
        let stores: BTreeSet<PathBuf> = stores.chain(near(points)).collect();
        let (journals, removed) = (journals(state), state.join("journal.removed"));
        for directory in stores.iter().chain([&removed]) {
            self.remove_all(directory)?;
        }
        self.flush()?;
        match fs::rename(&journals, &removed) {
            Ok(()) => self.changed(&journals),
            Err(error) if is_nothing(&error) => {}
            Err(error) => return Err(Error::io("remove", &journals)(error)),
        }
        self.flush()?;
        self.remove_all(state)?;
        self.remove_all(Path::new(STARTED))?;
        self.flush()
    }

    fn remove_all(&self, directory: &Path) -> Result<()> {
        match fs::remove_dir_all(directory) {
            Ok(()) => self.changed(directory),
            Err(error) if is_nothing(&error) => {}
            Err(error) => return Err(Error::io("remove", directory)(error)),
        }
        Ok(())
    }

    /// Remembers the digests of what was read and written, for the next run. Not in a root that does not
    /// run: what is made of it may be copied many times, and inodes with it.
    pub fn remember(&self) -> Result<()> {
        if is_offline() {
            return Ok(());
        }
        self.fingerprints.save(self)
    }

    /// What kept `SELinux` labels from being known or set, once.
    pub fn take_label_problem(&self) -> Option<Error> {
        self.labels.take_problem()
    }

    /// Which label the node's policy has for a path. None where there is no `SELinux`.
    pub fn policy_label(&self, path: &Path, class: Class) -> Option<Label> {
        self.labels.policy(path, class)
    }

    /// Looks the labels of many paths up at once, before they are asked for one by one.
    pub fn look_up_labels(&self, paths: impl IntoIterator<Item = (PathBuf, Class)>) {
        self.labels.look_up(paths);
    }

    pub(super) fn set_labels(&mut self, labels: Labels) {
        self.labels = labels;
    }

    fn label_tree(&self, path: &Path) {
        let label = self.policy_label(path, Class::Directory);
        if let Ok(directory) = open_itself(path, OFlag::O_DIRECTORY) {
            self.labels.give(&directory, path, label.as_ref());
        }
    }

    /// Whether a unit file, or a link by which a unit is started, has changed since this was last asked.
    pub fn take_units_changed(&self) -> bool {
        self.units_changed.take()
    }

    /// Forgets every fingerprint: each digest is taken of the bytes anew.
    pub fn distrust(&self) {
        self.fingerprints.forget();
    }

    /// Writes one of node-setup's own state files, whole.
    pub(super) fn write_state(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        if let Some(directory) = path.parent() {
            make_private_directory(directory)?;
        }
        replace_whole(path, bytes).inspect_err(|_| clear_temporary(path))?;
        self.note(path);
        self.flush()
    }

    pub(super) fn digest(&self, path: &Path, metadata: &Metadata) -> Result<Digest> {
        if let Some(known) = self.fingerprints.lookup(path, metadata) {
            return Ok(known);
        }
        let digest = read::open(path)
            .and_then(|mut file| Digest::of_reader(&mut file))
            .map_err(Error::io("read", path))?;
        self.fingerprints.record(path, metadata, digest);
        Ok(digest)
    }

    /// Takes it that a file has this digest as long as its metadata are these, which were read before its
    /// bytes.
    pub fn know(&self, path: &Path, metadata: &Metadata, sha256: Digest) {
        self.fingerprints.record(path, metadata, sha256);
    }

    /// Keeps what is about to be replaced.
    fn displace(&self, path: &Path, now: &FileState) -> Result<()> {
        match now {
            FileState::Regular(regular) => self.store.keep(path, regular.sha256),
            _ => Ok(()),
        }
    }

    fn replace(&self, path: &Path, now: &FileState, state: &FileState) -> Result<()> {
        let is_directory = matches!(now, FileState::Directory { .. });
        if is_directory || matches!(state, FileState::Absent) {
            remove(path, is_directory)?;
        }
        match state {
            FileState::Absent => Ok(()),
            FileState::Directory { mode, uid, gid, label } => {
                if matches!(now, FileState::Regular(_) | FileState::Symlink { .. }) {
                    remove(path, false)?;
                }
                fs::create_dir(path).map_err(Error::io("create the directory", path))?;
                self.dress(path, path, (*uid, *gid, *mode), label.as_ref())
            }
            FileState::Symlink { target, label } => {
                let temporary = fresh_temporary(path);
                unix::symlink(target, &temporary).map_err(Error::io("link", &temporary))?;
                self.labels.give_link(&temporary, path, label.as_ref());
                fs::rename(&temporary, path).map_err(Error::io("put in place", path))
            }
            FileState::Regular(regular) => self.install(path, regular),
        }
    }

    /// The one function by which a regular file comes into place.
    fn install(&self, path: &Path, regular: &Regular) -> Result<()> {
        let temporary = fresh_temporary(path);
        match self.store.content(regular.sha256, path) {
            Some(Content::Staged(staged)) => {
                or_copy(fs::rename(&staged, &temporary), "move", &staged, &temporary)?;
                self.store.note_placed(regular.sha256, path);
            }
            Some(Content::Kept(kept)) => {
                or_copy(fs::hard_link(&kept, &temporary), "link", &kept, &temporary)?;
            }
            Some(Content::Bytes(bytes)) => {
                let file = create(&temporary, 0o600)?;
                fill(&file, &bytes).map_err(Error::io("write", &temporary))?;
            }
            Some(Content::Copy(source)) => {
                if copy(&source, &temporary)? != regular.sha256 {
                    return Err(Error::State {
                        path: source,
                        problem: "its bytes changed while they were copied".to_owned(),
                    });
                }
            }
            None => return Err(self.store.missing(regular.sha256)),
        }
        let Regular { uid, gid, mode, ref label, .. } = *regular;
        self.dress(&temporary, path, (uid, gid, mode), label.as_ref())?;
        fs::rename(&temporary, path).map_err(Error::io("put in place", path))?;
        let metadata = fs::symlink_metadata(path).map_err(Error::io("look at", path))?;
        self.fingerprints.record_own(path, &metadata, regular.sha256);
        Ok(())
    }

    fn own(&self, path: &Path, regular: &Regular) -> Result<()> {
        let Regular { uid, gid, mode, ref label, .. } = *regular;
        self.dress(path, path, (uid, gid, mode), label.as_ref())?;
        let metadata = fs::symlink_metadata(path).map_err(Error::io("look at", path))?;
        self.fingerprints.record_own(path, &metadata, regular.sha256);
        Ok(())
    }

    /// Gives what is at `now`, and will be at `path`, owner, mode and label, and flushes it.
    fn dress(
        &self,
        now: &Path,
        path: &Path,
        (uid, gid, mode): (u32, u32, Mode),
        label: Option<&Label>,
    ) -> Result<()> {
        let file = open_itself(now, OFlag::empty()).map_err(Error::io("open", now))?;
        unix::fchown(&file, Some(uid), Some(gid)).map_err(Error::io("set the owner of", now))?;
        file.set_permissions(Permissions::from_mode(mode.0)).map_err(Error::io("set the mode of", now))?;
        self.labels.give(&file, path, label);
        file.sync_all().map_err(Error::io("flush", now))
    }

    /// Has links flushed with the rest that systemd made or removed on our behalf,
    /// and with them the directories that it made or removed for them.
    pub fn flush_links(&self, links: &[PathBuf]) {
        if !links.is_empty() {
            self.units_changed.set(true);
        }
        for link in links {
            self.changed(link);
            link.parent().into_iter().for_each(|directory| self.changed(directory));
        }
    }

    fn changed(&self, path: &Path) {
        self.unflushed.borrow_mut().extend(path.parent().map(Path::to_owned));
    }

    fn note(&self, path: &Path) {
        self.changed(path);
        if path.parent().is_some_and(|parent| parent.starts_with(UNIT_DIRECTORY)) {
            self.units_changed.set(true);
        }
    }
}

/// `/etc/docker/.daemon.json.node-setup`: one name for one target, so that a
/// run that died leaves at most this, and the next one starts by replacing it.
fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.node-setup"))
}

/// Whatever is there is ours, and stale: we hold the lock.
fn clear_temporary(path: &Path) {
    let _ = fs::remove_file(temporary_beside(path));
}

fn fresh_temporary(path: &Path) -> PathBuf {
    clear_temporary(path);
    temporary_beside(path)
}

/// A bind mount of the same file system looks like that file system, and is none to
/// rename and link.
fn or_copy(made: io::Result<()>, action: &'static str, from: &Path, to: &Path) -> Result<()> {
    match made {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to).map(drop),
        made => made.map_err(Error::io(action, from)),
    }
}

/// How much is copied at a time: `io::copy` alone takes 8 KiB.
const PORTION: usize = 1 << 20;

/// Copies a file, and says what it has copied.
fn copy(from: &Path, to: &Path) -> Result<Digest> {
    let counted = Counted { file: create(to, 0o600)?, hasher: Hasher::default() };
    let mut buffered = BufWriter::with_capacity(PORTION, counted);
    let copied = File::open(from).and_then(|mut open| {
        io::copy(&mut open, &mut buffered)?;
        Ok(buffered.into_inner()?)
    });
    let counted = copied.map_err(Error::io("copy", from))?;
    counted.file.sync_all().map_err(Error::io("flush", to))?;
    Ok(counted.hasher.finish())
}

/// A file, and the digest of what is written to it.
struct Counted {
    file: File,
    hasher: Hasher,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a small file of node-setup's own and puts it in the place of the old one.
fn replace_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = fresh_temporary(path);
    let file = create(&temporary, 0o600)?;
    fill(&file, bytes).map_err(Error::io("write", &temporary))?;
    fs::rename(&temporary, path).map_err(Error::io("put in place", path))
}

/// Puts a file in place that somebody has named, whole, or says by `help` what to name. It replaces what is
/// there, so a link or a device is not taken for a file.
pub(crate) fn publish_file(path: &Path, bytes: &[u8], mode: u32, help: &str) -> Result<()> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(Error::Foreign {
            path: path.to_owned(),
            problem: "not a regular file".to_owned(),
            help: help.to_owned(),
        }),
        _ => publish(path, bytes, mode),
    }
}

/// Puts a file in place, whole. Its directory may be somebody else's, and
/// another process may do the same right now: the mode is set through the open file, and the
/// temporary is this process's own. The directory is the one that is named, whatever is put in its
/// place meanwhile, and no link leads there but root's.
fn publish(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = File::open(parent).map_err(Error::io("open the directory", parent))?;
    let held = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    if fs::read_link(&held).ok() != Some(resolved(parent)) {
        return Err(Error::Foreign {
            path: parent.to_owned(),
            problem: "a link on the way to it is not root's".to_owned(),
            help: "name the directory that it leads to, if that is meant".to_owned(),
        });
    }
    let name = held.join(path.file_name().unwrap_or_default());
    let mut temporary = temporary_beside(&name).into_os_string();
    temporary.push(format!("-{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let _ = fs::remove_file(&temporary);
    let file = create(&temporary, 0o600)?;
    let filled = fill(&file, bytes).and_then(|()| file.set_permissions(Permissions::from_mode(mode)));
    filled
        .map_err(Error::io("write", path))
        .and_then(|()| fs::rename(&temporary, name).map_err(Error::io("put in place", path)))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Creates a file that must not be there yet, and is not reached through a link.
pub(super) fn create(path: &Path, mode: u32) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(Error::io("create", path))
}

/// Creates a directory for root's eyes only, and what leads to it. What is new is on
/// disk when this returns: a file that was flushed is lost with a directory that was not.
pub(crate) fn make_private_directory(path: &Path) -> Result<()> {
    make_directories(path).map_err(Error::io("create the directory", path))?;
    let foreign = |stranger: &Stranger| Error::Foreign {
        path: path.to_owned(),
        problem: format!("{stranger}, and what is kept there could be changed"),
        help: format!("find out who made it, and remove it, or: {}", stranger.remedy()),
    };
    if let Some(stranger) = stranger_above(path) {
        return Err(foreign(&stranger));
    }
    let open = open_itself(path, OFlag::O_DIRECTORY).map_err(Error::io("look at", path))?;
    // One that is ours is closed; one that is not stays as it is, and is no place of ours.
    let is_ours = open.metadata().is_ok_and(|found| found.uid() == nix::unistd::geteuid().as_raw());
    if is_ours {
        open.set_permissions(Permissions::from_mode(0o700)).map_err(Error::io("set the mode of", path))?;
    }
    stranger(path).map_or(Ok(()), |stranger| Err(foreign(&stranger)))
}

/// Opens what is at `path`, and not what a link there leads to: whoever else may write to a
/// directory on the way can put one there at any moment.
fn open_itself(path: &Path, flags: OFlag) -> io::Result<File> {
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

fn make_directories(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(path);
    if path.is_dir() {
        return Ok(());
    }
    make_directories(parent)?;
    DirBuilder::new().mode(0o700).create(path)?;
    File::open(parent)?.sync_all()
}

fn fill(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove(path: &Path, is_directory: bool) -> Result<()> {
    let removed = if is_directory { fs::remove_dir(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if !is_nothing(&error) => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn read_small(path: &Path) -> Option<Vec<u8>> {
    read::up_to(LARGEST_TEXT, path).ok()
}

/// Not there, or not there because what should lead to it is no directory.
pub(super) fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(uid: u32, gid: u32, files: &Files) -> Vec<FileState> {
        let regular = |text: &str, mode| {
            let sha256 = files.offer(text.as_bytes().to_vec());
            FileState::Regular(Regular { sha256, mode: Mode(mode), uid, gid, label: None })
        };
        vec![
            FileState::Absent,
            regular("one", 0o644),
            regular("two", 0o644),
            regular("two", 0o600),
            FileState::Symlink { target: "elsewhere".into(), label: None },
            FileState::Directory { mode: Mode(0o755), uid, gid, label: None },
            FileState::Directory { mode: Mode(0o700), uid, gid, label: None },
        ]
    }

    #[test]
    fn any_state_can_follow_any_other_and_come_back() {
        let scratch = tempfile::tempdir().unwrap();
        let owner = fs::metadata(scratch.path()).unwrap();
        let path = scratch.path().join("target");
        let all = states(owner.uid(), owner.gid(), &Files::new(&scratch.path().join("state")));
        for from in &all {
            for to in &all {
                let files = Files::new(&scratch.path().join("state"));
                states(owner.uid(), owner.gid(), &files);
                for state in [from, to, from] {
                    files.put(&path, state).unwrap();
                    assert_eq!(&files.observe(&path).unwrap(), state, "{from} to {to}");
                    files.distrust();
                    assert_eq!(&files.observe(&path).unwrap(), state, "{from} to {to}, digests taken anew");
                }
                files.flush().unwrap();
            }
        }
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "nothing but the target and the state: {left:?}");
    }

    #[test]
    fn what_was_displaced_comes_back_without_being_offered_again() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("target");
        fs::write(&path, "the user's own").unwrap();
        let state = scratch.path().join("state");
        let before = Files::new(&state).observe(&path).unwrap();
        let files = Files::new(&state);
        files.put(&path, &FileState::Absent).unwrap();
        let later = Files::new(&state);
        later.put(&path, &before).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the user's own");
    }

    /// A large content that has come back from the store shares its inode with it.
    #[test]
    fn what_is_kept_and_was_changed_in_place_is_not_what_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("target");
        let files = || Files::new(&scratch.path().join("state"));
        fs::write(&path, vec![b'a'; 2 << 20]).unwrap();
        let before = files().observe(&path).unwrap();
        files().put(&path, &FileState::Absent).unwrap();
        files().put(&path, &before).unwrap();
        fs::write(&path, "edited in place").unwrap();
        let sha256 = before.sha256().unwrap();
        assert!(files().store().content(sha256, &path).is_none());
        assert!(files().put(&path, &before).is_err(), "nobody has those bytes any more");
        assert_eq!(fs::read_to_string(&path).unwrap(), "edited in place");
    }

    #[test]
    fn what_comes_into_place_is_labelled_before_it_is_remembered() {
        let scratch = tempfile::tempdir().unwrap();
        let owner = fs::metadata(scratch.path()).unwrap();
        let is_root = nix::unistd::geteuid().is_root();
        let attribute = if is_root { "security.selinux" } else { "user.selinux" };
        let named = |name: &str| Label(format!("system_u:object_r:{name}:s0"));
        let mut files = Files::new(&scratch.path().join("state"));
        files.labels = Labels::told(attribute, move |_, class| Some(named(class.word())));
        for (number, state) in states(owner.uid(), owner.gid(), &files).iter().enumerate() {
            let path = scratch.path().join(format!("target-{number}"));
            let is_link = matches!(state, FileState::Symlink { .. });
            for label in [state.class().map(|class| named(class.word())), Some(named("other_t"))] {
                let is_told = label == Some(named("other_t"));
                files.put(&path, &state.clone().labelled(label.clone().filter(|_| is_told))).unwrap();
                let found = files.observe(&path).unwrap();
                // Only root can label a link.
                let expected = label.filter(|_| is_root || !is_link);
                assert_eq!(found, state.clone().labelled(expected), "{state}");
                if let FileState::Regular(regular) = state {
                    let metadata = fs::symlink_metadata(&path).unwrap();
                    assert_eq!(files.fingerprints.lookup(&path, &metadata), Some(regular.sha256), "{state}");
                }
            }
        }
        assert_eq!(files.take_label_problem().is_none(), is_root);
    }

    #[test]
    fn a_directory_that_cannot_be_read_may_hold_something() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        let files = Files::new(&at("state"));
        fs::create_dir(at("empty")).unwrap();
        fs::create_dir_all(at("filled/overlay2")).unwrap();
        fs::write(at("file"), "").unwrap();
        // What leads nowhere stops root, too.
        unix::symlink("endless", at("endless")).unwrap();
        for (name, expected) in [
            ("absent", false),
            ("file", false),
            ("file/below", false),
            ("empty", false),
            ("filled", true),
            ("endless", true),
        ] {
            assert_eq!(files.holds_something(&at(name)), expected, "{name}");
        }
    }

    /// In a directory of somebody else's, what was just made may be a link by now.
    #[test]
    fn owner_and_mode_are_not_set_through_a_link() {
        let scratch = tempfile::tempdir().unwrap();
        let (target, link) = (scratch.path().join("shadow"), scratch.path().join("link"));
        fs::write(&target, "").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o600)).unwrap();
        unix::symlink(&target, &link).unwrap();
        let owner = fs::metadata(&target).unwrap();
        let files = Files::new(&scratch.path().join("state"));
        assert!(files.dress(&link, &link, (owner.uid(), owner.gid(), Mode(0o755)), None).is_err());
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn what_changes_while_it_is_copied_does_not_come_into_place() {
        let scratch = tempfile::tempdir().unwrap();
        let (source, path) = (scratch.path().join("source"), scratch.path().join("target"));
        fs::write(&source, "what was looked at").unwrap();
        let files = Files::new(&scratch.path().join("state"));
        files.store().offer_file(&source, Digest::of(b"what was looked at"));
        let state = FileState::Regular(Regular {
            sha256: Digest::of(b"what was looked at"),
            mode: Mode(0o755),
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            label: None,
        });
        fs::write(&source, "what somebody put there").unwrap();
        assert!(files.put(&path, &state).is_err());
        assert!(!path.exists());
        fs::write(&source, "what was looked at").unwrap();
        files.put(&path, &state).unwrap();
    }

    #[test]
    fn what_is_published_goes_where_it_is_named_and_not_where_a_link_of_others_leads() {
        let scratch = tempfile::tempdir().unwrap();
        let (theirs, target) = (scratch.path().join("theirs"), scratch.path().join("target"));
        fs::create_dir(&theirs).unwrap();
        fs::create_dir(&target).unwrap();
        unix::symlink(&target, theirs.join("way")).unwrap();
        unix::symlink("theirs/../target", scratch.path().join("roots")).unwrap();
        publish(&theirs.join("a.prom"), b"a", 0o644).unwrap();
        publish(&theirs.join("way/b.prom"), b"b", 0o644).unwrap();
        publish(&scratch.path().join("roots/c.prom"), b"c", 0o644).unwrap();
        fs::set_permissions(&theirs, Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(publish(&theirs.join("way/d.prom"), b"d", 0o644), Err(Error::Foreign { .. })));
        publish(&theirs.join("e.prom"), b"e", 0o644).unwrap();
        unix::symlink(target.join("c.prom"), theirs.join("f.prom")).unwrap();
        publish(&theirs.join("f.prom"), b"f", 0o644).unwrap();
        let names = |path: &Path| {
            let mut all: Vec<_> =
                fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            all.sort();
            all
        };
        assert_eq!(names(&target), ["b.prom", "c.prom"]);
        assert_eq!(names(&theirs), ["a.prom", "e.prom", "f.prom", "way"]);
        assert_eq!(fs::read(target.join("c.prom")).unwrap(), b"c");
        assert!(
            theirs.join("f.prom").symlink_metadata().unwrap().is_file(),
            "a link is replaced, not followed"
        );
    }

    #[test]
    fn nothing_is_kept_in_somebody_elses_directory() {
        let scratch = tempfile::tempdir().unwrap();
        let open = scratch.path().join("open");
        fs::create_dir(&open).unwrap();
        for (mode, is_taken) in [(0o777, false), (0o1777, true), (0o755, true)] {
            fs::set_permissions(&open, Permissions::from_mode(mode)).unwrap();
            assert_eq!(make_private_directory(&open.join("store/kept")).is_ok(), is_taken, "{mode:o}");
        }
        fs::set_permissions(open.join("store"), Permissions::from_mode(0o777)).unwrap();
        assert!(make_private_directory(&open.join("store/kept")).is_err(), "its parent is open");
        let way = open.join("way");
        unix::symlink(open.join("store"), &way).unwrap();
        assert!(make_private_directory(&way).is_err(), "a link is no directory of ours");
        assert!(make_private_directory(&open.join("store")).is_ok(), "ours is closed again");
        let mode = fs::metadata(open.join("store")).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o700);
    }

    #[test]
    fn a_full_directory_is_not_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("target");
        fs::create_dir_all(path.join("inside")).unwrap();
        let files = Files::new(&scratch.path().join("state"));
        assert!(files.put(&path, &FileState::Absent).is_err());
        assert!(path.join("inside").is_dir());
    }

    /// A run that died while it unpacked has left nothing in any journal.
    #[test]
    fn stores_that_no_journal_knows_go_too() {
        let scratch = tempfile::tempdir().unwrap();
        let points = ["own", "open", "link", "none"].map(|name| scratch.path().join(name));
        let stores = points.each_ref().map(|point| point.join(".node-setup-store"));
        for point in &points {
            fs::create_dir(point).unwrap();
        }
        for store in &stores[..2] {
            make_private_directory(&store.join("staged")).unwrap();
        }
        fs::set_permissions(&stores[1], Permissions::from_mode(0o777)).unwrap();
        unix::symlink(&stores[1], &stores[2]).unwrap();
        let state = scratch.path().join("state");
        Files::new(&state).remove_state(&state, std::iter::empty(), points.to_vec()).unwrap();
        let is_there = stores.each_ref().map(|store| store.symlink_metadata().is_ok());
        assert_eq!(is_there, [false, true, true, false], "only what is root's alone goes");
    }

    #[test]
    fn forgetting_goes_on_where_it_was_broken_off() {
        let scratch = tempfile::tempdir().unwrap();
        let state = scratch.path().join("state");
        for left in [&["journal", "store"][..], &["journal", "journal.removed"], &["journal.removed"], &[]] {
            for directory in left {
                fs::create_dir_all(state.join(directory).join("something")).unwrap();
            }
            Files::new(&state).remove_state(&state, std::iter::empty(), Vec::new()).unwrap();
            assert!(!state.exists(), "{left:?}");
        }
    }

    #[test]
    fn a_stale_temporary_is_no_obstacle() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("target");
        fs::write(scratch.path().join(".target.node-setup"), "half").unwrap();
        let owner = fs::metadata(scratch.path()).unwrap();
        let files = Files::new(&scratch.path().join("state"));
        let state = states(owner.uid(), owner.gid(), &files).remove(1);
        files.put(&path, &state).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert!(!scratch.path().join(".target.node-setup").exists());
    }
}
