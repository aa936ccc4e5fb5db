//! The file tree, as the node itself sees it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::Facts;
use crate::job::Job;
use crate::machine::Machine;

/// What changes by itself, or is not on disk. A directory in this list is not looked at at all.
const VOLATILE: [&str; 15] = [
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/run",
    "/var/tmp",
    "/var/log",
    "/var/cache",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/timers",
    "/var/lib/systemd/timesync",
    "/var/lib/systemd/catalog",
    "/var/lib/systemd/credential.secret",
    "/etc/.updated",
    "/var/.updated",
];

/// What is looked at below /run all the same: names there that begin like this.
const OF_RUN: [&str; 6] = ["docker", "containerd", "flannel", "node-setup", "runc", "xtables.lock"];
/// And these directories, where a program can leave units and settings until the next boot.
const SETTINGS_OF_RUN: [&str; 5] =
    ["systemd/system", "systemd/network", "sysctl.d", "modules-load.d", "NetworkManager/conf.d"];

/// A tree being read: what was found, and the regular files whose content has yet to be.
struct Reader {
    top: PathBuf,
    facts: Facts,
    regular: BTreeMap<PathBuf, Stamp>,
}

/// What the kernel changes whenever it changes a file: device, inode, size, and the times of the last change to content
/// and to anything.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

/// Digests by stamp, of files that had been at rest. A test that compares a node a hundred times reads it once.
static KNOWN: Mutex<BTreeMap<Stamp, String>> = Mutex::new(BTreeMap::new());

/// How long a file has to have been left alone: many ticks of the clock that stamps it.
const AT_REST: i64 = 1;

pub(super) fn of(machine: &Machine) -> Result<Facts> {
    let top = PathBuf::from(format!("/proc/{}/root", machine.running()?));
    let mut reader = Reader { top, facts: Facts::new(), regular: BTreeMap::new() };
    reader.directory(Path::new("/"))?;
    for path in of_run(&reader.top) {
        reader.entry(&path, None)?;
    }
    reader.digest()?;
    Ok(reader.facts)
}

fn of_run(top: &Path) -> Vec<PathBuf> {
    let run = Path::new("/run");
    let entries = fs::read_dir(top.join("run")).into_iter().flatten().flatten();
    let named = entries.map(|entry| entry.file_name()).filter(|name| {
        let name = name.to_string_lossy();
        OF_RUN.iter().any(|start| name.starts_with(start))
    });
    named.map(|name| run.join(name)).chain(SETTINGS_OF_RUN.iter().map(|path| run.join(path))).collect()
}

impl Reader {
    /// The place of the node's `path` on the host. No component of it is a link: the walk follows none.
    fn host(&self, path: &Path) -> PathBuf {
        self.top.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn directory(&mut self, path: &Path) -> Result<()> {
        let host = self.host(path);
        let device =
            fs::symlink_metadata(&host).with_context(|| format!("cannot look at {}", host.display()))?.dev();
        for entry in fs::read_dir(&host).with_context(|| format!("cannot list {}", host.display()))? {
            let child = path.join(entry?.file_name());
            if !VOLATILE.iter().any(|volatile| Path::new(volatile) == child) {
                self.entry(&child, Some(device))?;
            }
        }
        Ok(())
    }

    /// Tells about one path, and what is below it unless something is mounted there: on a device other than its
    /// parent's, `device`.
    fn entry(&mut self, path: &Path, device: Option<u64>) -> Result<()> {
        let host = self.host(path);
        let Ok(meta) = fs::symlink_metadata(&host) else { return Ok(()) };
        let mounted = device.is_some_and(|device| device != meta.dev());
        let what = if mounted { "mount point".to_owned() } else { describe(&host, &meta)? };
        let owner = format!("{what} {:04o} {}:{}", meta.mode() & 0o7777, meta.uid(), meta.gid());
        self.facts.insert(path.display().to_string(), owner);
        if meta.is_file() && !mounted {
            self.regular.insert(path.to_owned(), stamp(&meta));
        } else if meta.is_dir() && !mounted {
            self.directory(path)?;
        }
        Ok(())
    }

    /// Adds the digests of the regular files. Those that are not known come from two runs of one program: unlike this
    /// crate it is always optimised.
    fn digest(&mut self) -> Result<()> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown: Vec<&Path> = self
            .regular
            .iter()
            .filter(|(_, stamp)| !known.contains_key(stamp))
            .map(|(path, _)| path.as_path())
            .collect();
        let half = unknown.len().div_ceil(2).max(1);
        let started: Result<Vec<Job>> = unknown.chunks(half).map(|part| digests(&self.top, part)).collect();
        let mut sums = BTreeMap::new();
        for job in started? {
            let output = job.wait(Duration::from_mins(2))?;
            // xargs says 123 when a file went away meanwhile.
            if !output.success() && output.code != 123 {
                bail!("sha256sum failed with {}: {}", output.code, output.stderr);
            }
            for (sum, name) in output.stdout.split('\0').filter_map(|line| line.split_once("  ./")) {
                sums.insert(PathBuf::from(format!("/{name}")), sum.to_owned());
            }
        }
        let now = seconds();
        for (path, stamp) in &self.regular {
            let Some(sum) = known.get(stamp).or_else(|| sums.get(path)).cloned() else { continue };
            if let Some(fact) = self.facts.get_mut(&path.display().to_string()) {
                *fact = format!("{fact} sha256:{sum}");
            }
            let (.., (changed, _)) = *stamp;
            if now > changed + AT_REST {
                known.insert(*stamp, sum);
            }
        }
        Ok(())
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    let (modified, changed) = ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()));
    (meta.dev(), meta.ino(), meta.size(), modified, changed)
}

fn seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

fn digests(top: &Path, files: &[&Path]) -> Result<Job> {
    let mut list = File::from(memfd_create(c"paths", MFdFlags::MFD_CLOEXEC)?);
    for path in files {
        let relative = path.strip_prefix("/").unwrap_or(path);
        list.write_all(&[b"./", relative.as_os_str().as_bytes(), b"\0"].concat())?;
    }
    list.rewind()?;
    let mut command = Command::new("xargs");
    command.args(["-0", "-r", "sha256sum", "-z", "--"]).current_dir(top);
    Job::feed(command, Stdio::from(list))
}

fn describe(host: &Path, meta: &Metadata) -> Result<String> {
    let kind = meta.file_type();
    if kind.is_symlink() {
        let target =
            fs::read_link(host).with_context(|| format!("cannot read the link {}", host.display()))?;
        return Ok(format!("link to {}", target.display()));
    }
    let named = [
        (kind.is_dir(), "directory"),
        (kind.is_file(), "file"),
        (kind.is_socket(), "socket"),
        (kind.is_fifo(), "fifo"),
        (kind.is_char_device(), "character device"),
        (kind.is_block_device(), "block device"),
    ];
    Ok(named.into_iter().find(|(is, _)| *is).map_or("unknown", |(_, name)| name).to_owned())
}
