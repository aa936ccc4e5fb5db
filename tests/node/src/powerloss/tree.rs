//! States of the model, as trees on the host's disk.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::disk::{Attributes, Disk, Ino, Kind};
use super::states::{Changes, Entry};
use crate::{job, lab};

/// Every path below `root` as the model wants it, parents first.
pub(crate) fn read(root: &Path) -> Result<Vec<(PathBuf, Kind, Attributes)>> {
    let (mut found, mut below) = (Vec::new(), vec![PathBuf::from("/")]);
    while let Some(directory) = below.pop() {
        let host = place(root, &directory);
        for entry in fs::read_dir(&host).with_context(|| format!("cannot list {}", host.display()))? {
            let entry = entry?;
            let (path, meta) = (directory.join(entry.file_name()), entry.metadata()?);
            let kind = if meta.is_dir() {
                below.push(path.clone());
                Kind::Directory
            } else if meta.is_symlink() {
                Kind::Link(fs::read_link(entry.path())?.to_string_lossy().into_owned())
            } else {
                Kind::File
            };
            found.push((path, kind, attributes(&meta)));
        }
    }
    Ok(found)
}

/// What is never written in place, but replaced: a second name will do for a copy.
const LINKED: [&str; 4] = ["usr", "opt", "root", "var/lib/node-setup/store"];

/// Copies a whole tree to a place where nothing may stay.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    lab::remove(to)?;
    copy_below(from, to, Path::new(""))
}

fn copy_below(from: &Path, to: &Path, path: &Path) -> Result<()> {
    let (source, target) = (from.join(path), to.join(path));
    let is_linked = LINKED.iter().any(|linked| path == Path::new(linked));
    let has_linked = LINKED.iter().any(|linked| Path::new(linked).starts_with(path));
    if is_linked || !has_linked || !source.is_dir() {
        let how = if is_linked { "-al" } else { "-a" };
        return job::host("cp", &[how.as_ref(), source.as_os_str(), target.as_os_str()]).map(drop);
    }
    fs::create_dir(&target).with_context(|| format!("cannot create {}", target.display()))?;
    for entry in fs::read_dir(&source).with_context(|| format!("cannot list {}", source.display()))? {
        copy_below(from, to, &path.join(entry?.file_name()))?;
    }
    own(&target, attributes(&fs::symlink_metadata(&source)?))
}

/// A tree on the host's disk, and where bytes come from that the trace does not have.
pub(crate) struct Source<'a> {
    pub(crate) disk: &'a Disk,
    /// The tree as it was.
    pub(crate) pristine: &'a Path,
    /// Files named by their inodes.
    pub(crate) contents: &'a Path,
}

impl Source<'_> {
    /// Keeps the bytes that the trace does not have, from the tree as the run left it.
    pub(crate) fn keep(&self, root: &Path) -> Result<()> {
        fs::create_dir_all(self.contents)?;
        for (inode, path) in self.disk.unknown() {
            let (from, to) = (place(root, &path), self.contents.join(inode.to_string()));
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        Ok(())
    }

    /// Makes a copy of the pristine tree one in which `changes` have happened.
    pub(crate) fn change(&self, root: &Path, changes: &Changes) -> Result<()> {
        for (path, entry) in changes {
            if !entry.as_ref().is_some_and(|entry| stays(path, entry)) {
                lab::remove(&place(root, path))?;
            }
        }
        let mut made = HashMap::new();
        for (path, entry) in changes {
            let Some(entry) = entry else { continue };
            self.make(root, path, entry, changes, &mut made)
                .with_context(|| format!("cannot make {}", path.display()))?;
        }
        Ok(())
    }

    fn make(
        &self,
        root: &Path,
        path: &Path,
        entry: &Entry,
        changes: &Changes,
        made: &mut HashMap<Ino, PathBuf>,
    ) -> Result<()> {
        let host = place(root, path);
        match &entry.kind {
            Kind::Directory if stays(path, entry) => {}
            Kind::Directory => fs::create_dir(&host)?,
            Kind::Link(target) => symlink(target, &host)?,
            Kind::File => {
                let unchanged = entry.origin.as_ref().filter(|origin| !changes.contains_key(*origin));
                let there = unchanged.map(|origin| place(root, origin)).filter(|host| host.exists());
                let other = made.get(&entry.inode).cloned().or(there);
                match other {
                    Some(other) => fs::hard_link(other, &host)?,
                    None => self.fill(&host, entry)?,
                }
                made.entry(entry.inode).or_insert_with(|| host.clone());
            }
        }
        own(&host, entry.attributes)
    }

    fn fill(&self, host: &Path, entry: &Entry) -> Result<()> {
        let mut file = File::create(host)?;
        if let Some(origin) = &entry.origin {
            io::copy(&mut File::open(place(self.pristine, origin))?, &mut file)?;
        }
        match self.disk.appended(entry.inode) {
            Some(appended) if appended.known() => {
                let bytes = appended.bytes.get(..usize::try_from(entry.appended)?);
                file.write_all(bytes.context("more is on disk than was written")?)?;
            }
            Some(_) if entry.appended > 0 => {
                let kept = self.contents.join(entry.inode.to_string());
                let kept = File::open(&kept).context("nobody knows its bytes")?;
                if io::copy(&mut kept.take(entry.appended), &mut file)? != entry.appended {
                    bail!("more is on disk than the run left");
                }
            }
            _ => {}
        }
        let length = file.metadata()?.len();
        file.set_len(length + entry.zeros)?;
        Ok(())
    }

    /// Fails unless the tree that the run left is what the model says: otherwise the model has missed something.
    pub(crate) fn must_agree(&self, root: &Path, whole: &Changes) -> Result<()> {
        for (path, entry) in whole {
            let host = place(root, path);
            let found = fs::symlink_metadata(&host).ok();
            let agrees = match (entry, &found) {
                (None, None) => true,
                (Some(entry), Some(found)) => self.is_like(entry, found)?,
                _ => false,
            };
            if !agrees {
                bail!("the model says of {}: {entry:?}; the node says: {found:?}", path.display());
            }
        }
        Ok(())
    }

    /// docker sets the modes of its own directories.
    fn is_like(&self, entry: &Entry, found: &fs::Metadata) -> Result<bool> {
        Ok(match &entry.kind {
            Kind::Directory => found.is_dir(),
            Kind::Link(_) => found.is_symlink(),
            Kind::File => {
                let before = match &entry.origin {
                    Some(origin) => fs::symlink_metadata(place(self.pristine, origin))?.len(),
                    None => 0,
                };
                found.is_file()
                    && attributes(found) == entry.attributes
                    && found.len() == before + entry.appended
            }
        })
    }
}

/// Whether it is a directory that is where it was, and keeps what is in it.
fn stays(path: &Path, entry: &Entry) -> bool {
    entry.kind == Kind::Directory && entry.origin.as_deref() == Some(path)
}

/// An inode that has them already may be the pristine tree's too, and is left alone.
fn own(host: &Path, wanted: Attributes) -> Result<()> {
    let found = fs::symlink_metadata(host)?;
    if found.is_symlink() || attributes(&found) == wanted {
        return Ok(());
    }
    lchown(host, Some(wanted.uid), Some(wanted.gid))?;
    fs::set_permissions(host, Permissions::from_mode(wanted.mode)).map_err(Into::into)
}

fn attributes(meta: &fs::Metadata) -> Attributes {
    Attributes { mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid() }
}

fn place(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
