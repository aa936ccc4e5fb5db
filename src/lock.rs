//! One run at a time.
#![expect(clippy::disallowed_methods, reason = "the lock is a file of its own")]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use crate::{Error, Result};

/// Gone after a boot, as is every process that could hold it.
const LOCK: &str = "/run/node-setup/lock";

/// The lock, held until this is dropped. The kernel lets go of it when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] Flock<File>);

impl Lock {
    /// Takes the lock for `command`. Where another process has it, waits for it if
    /// asked to, and says who has it otherwise.
    pub fn take(command: &str, wait: bool) -> Result<Self> {
        let path = Path::new(LOCK);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(Error::io("create the directory", directory))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(Error::io("open", path))?;
        let how = if wait { FlockArg::LockExclusive } else { FlockArg::LockExclusiveNonblock };
        let mut held = Flock::lock(file, how).map_err(|(file, _)| busy(file))?;
        let line = format!("process {} (node-setup {command})\n", std::process::id());
        held.set_len(0).and_then(|()| held.write_all(line.as_bytes())).map_err(Error::io("write", path))?;
        Ok(Self(held))
    }
}

fn busy(mut file: File) -> Error {
    let mut holder = String::new();
    let _ = file.rewind();
    let _ = file.read_to_string(&mut holder);
    let holder = holder.trim();
    Error::Locked {
        holder: if holder.is_empty() { "a process that has just begun" } else { holder }.to_owned(),
    }
}
