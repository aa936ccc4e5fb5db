//! Where the testbed keeps its things, and how two processes share them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

/// The testbed's own directory: `$NODE_SETUP_LAB`, or `/var/tmp/node-setup-lab`.
pub(crate) fn dir() -> PathBuf {
    std::env::var_os("NODE_SETUP_LAB").map_or_else(|| PathBuf::from("/var/tmp/node-setup-lab"), PathBuf::from)
}

/// The directory below it that holds one directory for each node.
pub(crate) fn nodes() -> PathBuf {
    dir().join("nodes")
}

/// A number no other caller in this process, and with the process id no other caller at all, gets.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Holds a lock for as long as it lives. Threads exclude one another as processes do: each opens the file itself.
#[must_use]
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Waits for the lock called `name`.
pub(crate) fn lock(name: &str) -> Result<Lock> {
    let dir = dir().join("locks");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(Lock { _file: file })
}

/// Makes `target` once: `build` fills a path beside it, which is then renamed. Who comes second waits and finds it made.
pub(crate) fn once(target: PathBuf, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    if target.exists() {
        return Ok(target);
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let _lock = lock(&name)?;
    if target.exists() {
        return Ok(target);
    }
    let half = target.with_file_name(format!("{name}.half"));
    remove(&half)?;
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    }
    build(&half)?;
    fs::rename(&half, &target).with_context(|| format!("cannot rename {} into place", half.display()))?;
    Ok(target)
}

/// Removes a file or a whole directory; that it is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
