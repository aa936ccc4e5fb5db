//! Archives that were fetched before, under the names that docker's own site gives them.
//!
//! `CACHE/x86_64/docker-28.5.2.tgz`, and beside it `….tgz.sha256` as sha256sum(1) writes
//! it: the directory can be served as a mirror as it is. An archive gets its name when
//! all of it was read and verified. The digest beside it counts only where nobody but
//! root, or whoever runs this, could have written it.
#![expect(clippy::disallowed_methods, reason = "archives come into the cache here")]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::owners::stranger;
use crate::digest::Digest;
use crate::{Error, Result};

/// A note is one line.
const LARGEST_NOTE: u64 = 4 << 10;

/// A directory of archives.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// The cache, while nobody else adds to it.
#[derive(Debug)]
pub struct CacheLock(#[expect(dead_code, reason = "held, not read")] Flock<File>);

/// An archive on its way into the cache; gone again unless it is finished.
#[derive(Debug)]
pub struct Deposit {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl Cache {
    /// The cache in `directory`, which need not be there.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Where an archive of this name lies.
    pub fn path(&self, arch: &str, name: &str) -> PathBuf {
        self.directory.join(arch).join(name)
    }

    /// The digest that was noted for the archive at `path`.
    pub fn noted(path: &Path) -> Option<Digest> {
        // Links on the way count as what they lead to: root may have moved the cache.
        let directory = path.parent()?.canonicalize().ok()?;
        if stranger(&directory).is_some() {
            return None;
        }
        let note = directory.join(beside(path).file_name()?);
        let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&note).ok()?;
        let is_file = file.metadata().is_ok_and(|found| found.is_file());
        let mut text = String::new();
        let read = is_file && stranger(&note).is_none();
        read.then(|| file.take(LARGEST_NOTE).read_to_string(&mut text).ok())??;
        text.split_whitespace().next()?.parse().ok()
    }

    /// Keeps others from adding to the cache; where one does already, waits for it if asked to.
    pub fn lock(&self, wait: bool) -> Result<CacheLock> {
        make_directory(&self.directory)?;
        // Whoever else can write there could have this write somewhere else.
        if let Some(stranger) = stranger(&self.directory).filter(|_| nix::unistd::geteuid().is_root()) {
            return Err(Error::Foreign {
                path: self.directory.clone(),
                problem: format!("{stranger}, and root does not write to what others can change"),
                help: format!("{}, or name another directory with --cache", stranger.remedy()),
            });
        }
        let path = self.directory.join(".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let how = if wait { FlockArg::LockExclusive } else { FlockArg::LockExclusiveNonblock };
        match Flock::lock(file, how) {
            Ok(held) => Ok(CacheLock(held)),
            Err((_, Errno::EWOULDBLOCK)) => {
                Err(Error::Locked { holder: format!("it fetches into {}", self.directory.display()) })
            }
            Err((_, errno)) => Err(Error::errno("lock", path)(errno)),
        }
    }

    /// Begins to put an archive at `path`.
    pub fn deposit(&self, _: &CacheLock, path: &Path) -> Result<Deposit> {
        let directory = path.parent().unwrap_or(&self.directory);
        make_directory(directory)?;
        let part = hidden(path);
        // Whatever is there was left by a process that died: this one holds the lock.
        let _ = fs::remove_file(&part);
        let file = super::files::create(&part, 0o644)?;
        Ok(Deposit { path: path.to_owned(), part, file })
    }
}

impl Deposit {
    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.part))
    }

    /// Throws away what was added.
    pub fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(Error::io("write", &self.part))
    }

    /// Gives the archive its name; its digest is noted beside it. Both are on disk then.
    pub fn finish(self, sha256: Digest) -> Result<()> {
        readable(&self.file).map_err(Error::io("set the mode of", &self.part))?;
        self.file.sync_all().map_err(Error::io("flush", &self.part))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (note, draft) = (beside(&self.path), hidden(&beside(&self.path)));
        let _ = fs::remove_file(&draft);
        let mut file = super::files::create(&draft, 0o644)?;
        writeln!(file, "{sha256}  {name}")
            .and_then(|()| readable(&file))
            .and_then(|()| file.sync_all())
            .map_err(Error::io("write", &draft))?;
        for (from, to) in [(&self.part, &self.path), (&draft, &note)] {
            fs::rename(from, to).map_err(Error::io("put in place", to))?;
        }
        sync_directory(self.path.parent().unwrap_or(&self.path))
    }
}

impl Drop for Deposit {
    fn drop(&mut self) {
        for part in [&self.part, &hidden(&beside(&self.path))] {
            let _ = fs::remove_file(part);
        }
    }
}

/// For all, whatever the umask: the cache can be served.
fn readable(file: &File) -> std::io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o644))
}

/// Makes a directory and those above it; each is for all to read, whatever the umask, and
/// on disk.
fn make_directory(path: &Path) -> Result<()> {
    let missing: Vec<_> =
        path.ancestors().take_while(|place| !place.as_os_str().is_empty() && !place.exists()).collect();
    for place in missing.into_iter().rev() {
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match fs::create_dir(place) {
            // Another one fetches, and was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && place.is_dir() => {}
            made => made
                .and_then(|()| fs::set_permissions(place, Permissions::from_mode(0o755)))
                .map_err(Error::io("create the directory", place))?,
        }
        sync_directory(parent)?;
    }
    if path.is_dir() {
        return Ok(());
    }
    Err(Error::io("create the directory", path)(ErrorKind::NotADirectory.into()))
}

fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|open| open.sync_all()).map_err(Error::io("flush", path))
}

/// `docker-28.5.2.tgz.sha256`
fn beside(path: &Path) -> PathBuf {
    path.with_added_extension("sha256")
}

/// `.docker-28.5.2.tgz.part`
fn hidden(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached() -> (tempfile::TempDir, Cache, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::at(&scratch.path().join("cache"));
        let path = cache.path("x86_64", "docker-28.5.2.tgz");
        (scratch, cache, path)
    }

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_archive_is_seen_when_it_is_finished() {
        let (_scratch, cache, path) = cached();
        let lock = cache.lock(false).unwrap();
        let mut deposit = cache.deposit(&lock, &path).unwrap();
        deposit.write(b"something else").unwrap();
        assert!(!path.exists());
        deposit.restart().unwrap();
        deposit.write(b"docker").unwrap();
        deposit.finish(Digest::of(b"docker")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"docker");
        assert_eq!(names(&path), ["docker-28.5.2.tgz", "docker-28.5.2.tgz.sha256"]);
        assert_eq!(Cache::noted(&path), Some(Digest::of(b"docker")));
        let mut dropped = cache.deposit(&lock, &path).unwrap();
        dropped.write(b"half").unwrap();
        drop(dropped);
        assert_eq!(fs::read(&path).unwrap(), b"docker");
        assert_eq!(names(&path).len(), 2);
    }

    #[test]
    fn a_note_that_others_could_have_written_does_not_count() {
        let (_scratch, cache, path) = cached();
        let lock = cache.lock(false).unwrap();
        cache.deposit(&lock, &path).unwrap().finish(Digest::of(b"")).unwrap();
        let (near, far) = (path.parent().unwrap(), path.parent().unwrap().parent().unwrap());
        for (open, mode, counts) in [
            (beside(&path).as_path(), 0o666, false),
            (near, 0o777, false),
            (near, 0o1777, false),
            (far, 0o775, false),
            (far.parent().unwrap(), 0o777, false),
            (far.parent().unwrap(), 0o1777, true),
        ] {
            let before = fs::metadata(open).unwrap().permissions();
            fs::set_permissions(open, Permissions::from_mode(mode)).unwrap();
            assert_eq!(Cache::noted(&path).is_some(), counts, "{} {mode:o}", open.display());
            fs::set_permissions(open, before).unwrap();
        }
        assert_eq!(Cache::noted(&path), Some(Digest::of(b"")));
        fs::write(beside(&path), "nonsense").unwrap();
        assert_eq!(Cache::noted(&path), None);
        fs::rename(beside(&path), near.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", beside(&path)).unwrap();
        assert_eq!(Cache::noted(&path), None);
    }

    #[test]
    fn a_cache_that_was_moved_behind_a_link_counts() {
        let (scratch, cache, path) = cached();
        let lock = cache.lock(false).unwrap();
        cache.deposit(&lock, &path).unwrap().finish(Digest::of(b"")).unwrap();
        let moved = scratch.path().join("srv");
        fs::rename(scratch.path().join("cache"), &moved).unwrap();
        std::os::unix::fs::symlink(&moved, scratch.path().join("cache")).unwrap();
        assert_eq!(Cache::noted(&path), Some(Digest::of(b"")));
        fs::set_permissions(&moved, Permissions::from_mode(0o777)).unwrap();
        assert_eq!(Cache::noted(&path), None, "it is what the link leads to that counts");
    }

    #[test]
    fn one_fetches_at_a_time() {
        let (_scratch, cache, _) = cached();
        let held = cache.lock(false).unwrap();
        assert!(matches!(cache.lock(false), Err(Error::Locked { .. })));
        drop(held);
        assert!(cache.lock(false).is_ok());
    }
}
