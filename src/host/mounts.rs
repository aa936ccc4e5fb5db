//! What is mounted where, from the kernel's own list.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, umount2};

use super::root::{is_offline, read_proc};
use crate::{Error, Result};

const MOUNTS: &str = "self/mountinfo";

/// Unmounts everything below `top`, the last mounted first. A mount at `top`
/// itself is not below it. In a root that does not run, what is mounted is the machine's: an error.
pub(super) fn unmount_below(top: &Path) -> Result<()> {
    // The kernel's list has real paths.
    let real = fs::canonicalize(top).unwrap_or_else(|_| top.to_owned());
    let top = real.as_path();
    let text = read_proc(MOUNTS)?;
    for point in points(&text).into_iter().rev() {
        if point.starts_with(top) && point != top {
            if is_offline() {
                return Err(Error::Foreign {
                    problem: format!("something is mounted at {}", point.display()),
                    path: real,
                    help: "unmount it first".to_owned(),
                });
            }
            umount2(&point, MntFlags::UMOUNT_NOFOLLOW).map_err(Error::errno("unmount", &point))?;
        }
    }
    Ok(())
}

/// Something that is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub point: PathBuf,
    /// What, as `/dev/sda1` or a name.
    pub source: String,
    /// The kind of file system: `ext4`, `xfs`, `tmpfs`, …
    pub kind: String,
}

/// Everything that is mounted, in the order in which it was.
pub fn mounts() -> Result<Vec<Mount>> {
    let text = read_proc(MOUNTS)?;
    Ok(text.lines().filter_map(mount).collect())
}

/// The mount points of file systems of this machine alone. What another machine or a program serves
/// may never answer.
pub fn local_points() -> Result<Vec<PathBuf>> {
    Ok(mounts()?.into_iter().filter(is_local).map(|mount| mount.point).collect())
}

fn is_local(mount: &Mount) -> bool {
    let is_on_a_device = mount.source.starts_with("/dev/") && !mount.kind.starts_with("fuse.");
    let is_local = ["overlay", "tmpfs", "zfs"].contains(&mount.kind.as_str()) || is_on_a_device;
    // All that is looked at is on the root, wherever that is.
    mount.point == Path::new("/") || (is_local && mount.kind != "fuse")
}

/// A line of the list: behind a lone hyphen are the kind and the source (proc(5), mountinfo).
fn mount(line: &str) -> Option<Mount> {
    let point = unescape(line.split(' ').nth(4)?);
    let mut words = line.split_once(" - ")?.1.split(' ');
    let (kind, source) = (words.next()?, words.next()?);
    Some(Mount { point, source: source.to_owned(), kind: kind.to_owned() })
}

/// The mount points in the order in which they were mounted (proc(5), mountinfo).
fn points(text: &str) -> Vec<PathBuf> {
    text.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape).collect()
}

/// Every mount point in the order in which they were mounted, and whether files below it cannot have
/// `SELinux` labels of their own: the kernel says `seclabel` of those that can. Nothing where it says so of
/// none.
pub(super) fn unlabelled(text: &str) -> Vec<(PathBuf, bool)> {
    let has_labels = |line: &str| {
        let options = line.split_once(" - ").and_then(|(_, tail)| tail.split(' ').nth(2));
        options.is_some_and(|options| options.split(',').any(|option| option == "seclabel"))
    };
    let all = points(text).into_iter().zip(text.lines().map(|line| !has_labels(line)));
    if text.lines().any(has_labels) { all.collect() } else { Vec::new() }
}

/// The kernel writes space, tab, line break and backslash as three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let byte = escaped.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(byte.unwrap_or(b'\\'));
        rest = if byte.is_some() { escaped.get(3..).unwrap_or_default() } else { escaped };
    }
    bytes.extend_from_slice(rest.as_bytes());
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// How many lines of a list can be read.
    pub(in crate::host) fn read(text: &str) -> usize {
        points(text).len() + text.lines().filter_map(mount).count()
    }

    #[test]
    fn mount_points_are_read_with_their_escapes() {
        let text = "22 1 0:21 / /proc rw - proc proc rw\n\
                    40 1 8:1 / /data/a\\040b rw,nosuid shared:1 - ext4 /dev/sda1 rw\n";
        assert_eq!(points(text), [Path::new("/proc"), Path::new("/data/a b")]);
        let mounts: Vec<Mount> = text.lines().filter_map(mount).collect();
        assert_eq!(mounts[1].kind, "ext4");
        assert_eq!(
            (mounts[1].point.as_path(), mounts[1].source.as_str()),
            (Path::new("/data/a b"), "/dev/sda1")
        );
    }

    #[test]
    fn what_is_looked_at_is_on_this_machine() {
        let text = "20 1 0:30 / / rw - virtiofs root rw\n\
                    21 20 8:1 / /opt rw - ext4 /dev/sda1 rw\n\
                    22 20 0:31 / /run rw - tmpfs none rw\n\
                    23 20 0:32 / /srv rw - nfs4 files:/srv rw\n\
                    24 20 0:33 / /mnt rw - autofs systemd-1 rw\n\
                    25 20 0:34 / /home/x rw - fuse.sshfs /dev/fuse rw\n\
                    26 20 0:35 / /home/y rw - fuse /dev/fuse rw\n";
        let points: Vec<PathBuf> =
            text.lines().filter_map(mount).filter(is_local).map(|mount| mount.point).collect();
        assert_eq!(points, ["/", "/opt", "/run"].map(PathBuf::from));
    }

    #[test]
    fn mounts_without_labels_are_known_where_some_have_them() {
        let root = "60 1 253:0 / / rw,relatime shared:1 - xfs /dev/vda1 rw,seclabel,attr2,noquota\n";
        let others = "61 60 0:40 / /srv rw - nfs4 files:/srv rw,vers=4.2\n62 60 8:1 / /data rw - ext4 /dev/sda1 \
                      rw,context=system_u:object_r:var_t:s0\n";
        let path = |path: &str, lacks| (PathBuf::from(path), lacks);
        assert_eq!(
            unlabelled(&format!("{root}{others}")),
            [path("/", false), path("/srv", true), path("/data", true)]
        );
        assert_eq!(unlabelled(others), [], "nothing is known");
    }
}
