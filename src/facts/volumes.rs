//! The file systems that something of a worker is, or will be, on.

use std::fmt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::statvfs::{FsFlags, statvfs};

use super::survey::{Seen, Unseen};
use crate::host::Mount;

/// What a directory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// docker's binaries.
    Binaries,
    /// Images, containers, volumes.
    Data,
    /// What dockerd and containerd keep of what runs.
    Exec,
    /// The state of this program, and what its changes displaced.
    State,
    /// Files of the system.
    System,
}

/// An option of a mount that takes something away (mount(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Nothing can be written.
    ReadOnly,
    /// Nobody gets another's rights by executing.
    NoSuid,
    /// Devices are not devices.
    NoDev,
    /// Nothing can be executed.
    NoExec,
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "ro",
            Self::NoSuid => "nosuid",
            Self::NoDev => "nodev",
            Self::NoExec => "noexec",
        })
    }
}

/// The file system of a directory: of its nearest ancestor that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Names the file system.
    pub id: u64,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// `ext4`, `xfs`, …; empty if the kernel does not say.
    pub kind: String,
    /// Bytes that root can still write.
    pub free: u64,
    /// Files that can still be made; `None` where their number has no limit.
    pub free_files: Option<u64>,
    /// What it is mounted with that takes something away.
    pub restrictions: Vec<Restriction>,
    /// Whether a directory tells the kinds of its entries; `None` if that could not be seen.
    pub d_type: Option<bool>,
}

const RESTRICTIONS: [(FsFlags, Restriction); 4] = [
    (FsFlags::ST_RDONLY, Restriction::ReadOnly),
    (FsFlags::ST_NOSUID, Restriction::NoSuid),
    (FsFlags::ST_NODEV, Restriction::NoDev),
    (FsFlags::ST_NOEXEC, Restriction::NoExec),
];

impl Volume {
    /// Whether it is mounted with this.
    pub fn is(&self, restriction: Restriction) -> bool {
        self.restrictions.contains(&restriction)
    }
}

/// Looks at the file system of `path`.
pub(super) fn volume(path: &Path, mounts: &[Mount]) -> Seen<Volume> {
    let of = |path: &Path| Some((statvfs(path).ok()?, path.canonicalize().ok()?));
    let (found, real) = path.ancestors().find_map(of).ok_or_else(|| {
        Unseen::new(format!("neither {} nor a directory above it can be looked at", path.display()))
    })?;
    // The last mount at a place hides the others.
    let over = |mount: &&Mount| real.starts_with(&mount.point);
    let mount = mounts.iter().filter(over).max_by_key(|mount| mount.point.components().count());
    let has = |flag| found.flags().contains(flag);
    Ok(Volume {
        id: found.filesystem_id(),
        mount: mount.map_or_else(|| PathBuf::from("/"), |mount| mount.point.clone()),
        kind: mount.map(|mount| mount.kind.clone()).unwrap_or_default(),
        free: found.blocks_available() * found.fragment_size(),
        free_files: (found.files() > 0).then(|| found.files_available()),
        restrictions: RESTRICTIONS.iter().filter(|(flag, _)| has(*flag)).map(|(_, name)| *name).collect(),
        d_type: d_type(&real),
    })
}

/// A file system that does not tell the kinds of entries tells none, not even of `.` and `..`.
fn d_type(directory: &Path) -> Option<bool> {
    let mut opened = Dir::open(directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).ok()?;
    let first = opened.iter().next()?.ok()?;
    Some(first.file_type().is_some())
}

#[cfg(test)]
impl Volume {
    /// A plain file system with room, for tests to vary.
    pub(crate) fn example() -> Self {
        Self {
            id: 1,
            mount: "/".into(),
            kind: "ext4".to_owned(),
            free: 20 << 30,
            free_files: Some(1_000_000),
            restrictions: Vec::new(),
            d_type: Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_ancestor_that_exists_counts() {
        let scratch = tempfile::tempdir().unwrap();
        let mount = |point: PathBuf, kind: &str| Mount { point, source: "x".into(), kind: kind.to_owned() };
        let real = scratch.path().canonicalize().unwrap();
        let mounts = [mount("/".into(), "ext4"), mount(real.clone(), "hidden"), mount(real.clone(), "xfs")];
        let found = volume(&scratch.path().join("not/yet"), &mounts).unwrap();
        assert_eq!((found.mount.as_path(), found.kind.as_str()), (real.as_path(), "xfs"));
        assert!(found.d_type.is_some() && !found.is(Restriction::ReadOnly));
    }
}
