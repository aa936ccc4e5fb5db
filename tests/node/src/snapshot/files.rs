//! The file tree, as the node itself sees it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::Facts;
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

/// Where units are that nobody wrote, for this boot alone: systemd.generator(7).
const GENERATED: [&str; 4] = [
    "/run/systemd/generator.early",
    "/run/systemd/generator",
    "/run/systemd/generator.late",
    "/run/systemd/transient",
];

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

/// How much of a file is read at a time.
const READ: usize = 256 << 10;

pub(super) fn of(machine: &Machine) -> Result<Facts> {
    let mut reader = Reader::of(machine)?;
    reader.directory(Path::new("/"))?;
    for path in of_run(&reader.top) {
        reader.entry(&path, None)?;
    }
    reader.digest()?;
    Ok(reader.facts)
}

/// What generators have made, and what was started without a unit file.
pub(super) fn generated_units(machine: &Machine) -> Result<Facts> {
    let mut reader = Reader::of(machine)?;
    GENERATED.iter().try_for_each(|path| reader.entry(Path::new(path), None))?;
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
    fn of(machine: &Machine) -> Result<Self> {
        let top = PathBuf::from(format!("/proc/{}/root", machine.running()?));
        Ok(Self { top, facts: Facts::new(), regular: BTreeMap::new() })
    }

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

    /// Adds the digests of the regular files.
    fn digest(&mut self) -> Result<()> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown: Vec<&Path> = self
            .regular
            .iter()
            .filter(|(_, stamp)| !known.contains_key(stamp))
            .map(|(path, _)| path.as_path())
            .collect();
        let sums = digests(&self.top, &unknown)?;
        let now = seconds();
        for (path, stamp) in &self.regular {
            let Some(sum) = known.get(stamp).or_else(|| sums.get(path.as_path())).cloned() else { continue };
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

/// The digests of files below `top`, but for those that have gone away meanwhile.
fn digests<'a>(top: &Path, files: &[&'a Path]) -> Result<BTreeMap<&'a Path, String>> {
    let (left, found) = (Mutex::new(files.iter()), Mutex::new(BTreeMap::new()));
    let work = || -> Result<()> {
        loop {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(path) = next else { return Ok(()) };
            if let Some(digest) = digest(&top.join(path.strip_prefix("/").unwrap_or(path)))? {
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(*path, digest);
            }
        }
    };
    thread::scope(|threads| {
        let other = threads.spawn(work);
        let ended = work();
        ended.and(other.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn digest(path: &Path) -> Result<Option<String>> {
    let mut hasher = Sha256::new();
    let mut read = || -> io::Result<()> {
        let mut file = BufReader::with_capacity(READ, File::open(path)?);
        loop {
            let bytes = file.fill_buf()?;
            let length = bytes.len();
            hasher.update(bytes);
            file.consume(length);
            if length == 0 {
                return Ok(());
            }
        }
    };
    match read() {
        Ok(()) => {
            Ok(Some(hasher.finalize().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
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
