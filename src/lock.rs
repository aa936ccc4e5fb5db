//! One run at a time.
#![expect(clippy::disallowed_methods, reason = "the lock is a file of its own")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::host::{is_offline, make_private_directory, read_proc};
use crate::{Error, Result};

/// Gone after a boot, as is every process that could hold it.
const LOCK: &str = "/run/node-setup/lock";

/// What is locked of a root that does not run: itself, so that nothing is left in it.
const ROOT: &str = "/";

/// The lock, held until this is dropped. The kernel lets go of it when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] Flock<File>);

impl Lock {
    /// Takes the lock for `command`. Where another process has it, waits for it if
    /// asked to, and says who has it otherwise.
    pub fn take(command: &str, wait: bool) -> Result<Self> {
        let how = if wait { FlockArg::LockExclusive } else { FlockArg::LockExclusiveNonblock };
        if is_offline() {
            let root = File::open(ROOT).map_err(Error::io("open", ROOT))?;
            let shown = |_| holder().unwrap_or_else(|| "a process that is not shown here".to_owned());
            return hold(root, Path::new(ROOT), how, shown).map(Self);
        }
        let path = Path::new(LOCK);
        if let Some(directory) = path.parent() {
            make_private_directory(directory)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(path)
            .map_err(Error::io("open", path))?;
        let mut held = hold(file, path, how, |mut file| name(&mut file))?;
        let line = format!("process {} (node-setup {command})\n", std::process::id());
        held.set_len(0).and_then(|()| held.write_all(line.as_bytes())).map_err(Error::io("write", path))?;
        Ok(Self(held))
    }
}

/// Locks a file; where another process has it, `holder` says which.
fn hold(file: File, path: &Path, how: FlockArg, holder: impl FnOnce(File) -> String) -> Result<Flock<File>> {
    Flock::lock(file, how).map_err(|(file, errno)| match errno {
        Errno::EWOULDBLOCK => Error::Locked { holder: holder(file) },
        errno => Error::errno("lock", path)(errno),
    })
}

/// Who has the lock, if somebody has: `process 4711 (node-setup docker)`. The lock
/// is not tried for that, so that no run which begins right now finds it taken.
pub fn holder() -> Option<String> {
    if is_offline() {
        let locks = read_proc("locks").ok()?;
        let pid = who_locks(&locks, &id_of(&File::open(ROOT).ok()?)?)?;
        return Some(format!("process {pid}"));
    }
    let mut file = File::open(LOCK).ok()?;
    // Reading the kernel's list of locks takes some ten milliseconds: it waits until no
    // processor changes it. Most often the last process that had the lock is long gone.
    if process_in(&name(&mut file)).is_some_and(|process| !Path::new("/proc").join(process).exists()) {
        return None;
    }
    who_locks(&read_proc("locks").ok()?, &id_of(&file)?).map(|_| name(&mut file))
}

/// Device and inode as `/proc/locks` has them.
fn id_of(file: &File) -> Option<String> {
    let found = file.metadata().ok()?;
    let (major, minor) = (nix::sys::stat::major(found.dev()), nix::sys::stat::minor(found.dev()));
    Some(format!("{major:02x}:{minor:02x}:{}", found.ino()))
}

/// The process that has a lock of the kind that is used here on the file with this device and
/// inode, by a list in the form of `/proc/locks`. Who waits for one has an arrow.
fn who_locks<'a>(locks: &'a str, file: &str) -> Option<&'a str> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_it = words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&file);
        words.get(4).copied().filter(|_| is_it)
    })
}

/// The number of the process that says of itself that it has the lock.
fn process_in(holder: &str) -> Option<&str> {
    holder.strip_prefix("process ")?.split(' ').next()
}

fn name(file: &mut File) -> String {
    let mut holder = String::new();
    let _ = file.rewind();
    let _ = file.read_to_string(&mut holder);
    let holder = holder.trim();
    if holder.is_empty() { "a process that has just begun" } else { holder }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_the_lock_names_its_process() {
        assert_eq!(process_in("process 4711 (node-setup docker)"), Some("4711"));
        assert_eq!(process_in("a process that has just begun"), None);
    }

    #[test]
    fn a_file_that_cannot_be_locked_is_not_one_that_another_has() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("lock");
        std::fs::write(&path, "process 4711 (node-setup docker)\n").unwrap();
        let lock = |flags| {
            let file = File::options().read(true).custom_flags(flags).open(&path).unwrap();
            hold(file, &path, FlockArg::LockExclusiveNonblock, |mut file| name(&mut file))
        };
        let error = lock(nix::libc::O_PATH).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot lock {}", path.display()));
        let held = lock(0).unwrap();
        let error = lock(0).unwrap_err();
        assert_eq!(error.to_string(), "another node-setup is at work: process 4711 (node-setup docker)");
        drop(held);
        lock(0).unwrap();
    }

    #[test]
    fn a_lock_is_held_but_not_by_who_waits_or_locks_otherwise() {
        let held = "1: FLOCK  ADVISORY  WRITE 4711 00:1a:99 0 EOF\n";
        for (locks, expected) in [
            (held, true),
            ("2: POSIX  ADVISORY  WRITE 4711 00:1a:99 0 EOF\n", false),
            ("1: FLOCK  ADVISORY  WRITE 4711 00:1a:98 0 EOF\n", false),
            ("1: FLOCK  ADVISORY  WRITE 4711 08:01:99 0 EOF\n", false),
            ("1: -> FLOCK  ADVISORY  WRITE 4712 00:1a:99 0 EOF\n", false),
            ("", false),
        ] {
            let holder = expected.then_some("4711");
            assert_eq!(who_locks(locks, "00:1a:99"), holder, "{locks}");
        }
    }
}
