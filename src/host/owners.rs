//! Whether anybody but root could change what is at a path.
//!
//! What root reads and believes, or writes and runs later, must not be in anybody else's hands:
//! neither the file, nor a directory on the way to it, nor a link, wherever links lead. In a
//! directory like `/tmp` (sticky) others can add names, and cannot take root's away.

use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Uid, User};

/// A directory like `/tmp`.
const STICKY: u32 = 0o1000;

/// More links than the kernel follows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Somebody who could change what is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    path: PathBuf,
    /// Who, if it is the owner; else whoever the mode lets write.
    owner: Option<u32>,
    mode: u32,
}

impl Stranger {
    /// Whether it is nobody else than members of a group.
    pub fn is_a_group(&self) -> bool {
        self.owner.is_none() && self.mode & 0o002 == 0
    }

    /// What makes it root's alone.
    pub fn remedy(&self) -> String {
        let path = self.path.display();
        let close = format!("chmod go-w {path}");
        if self.owner.is_some() { format!("chown root {path} && {close}") } else { close }
    }
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.owner {
            Some(uid) => {
                let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
                write!(
                    f,
                    "{path} belongs to {}",
                    user.map_or_else(|| format!("user {uid}"), |user| user.name)
                )
            }
            None if self.is_a_group() => {
                write!(f, "{path} can be written to by its group (mode {:04o})", self.mode)
            }
            None => write!(f, "{path} can be written to by everybody (mode {:04o})", self.mode),
        }
    }
}

/// Who else could change what is at `path`; where nothing is there, what comes there. Whoever
/// runs this counts as root does.
pub fn stranger(path: &Path) -> Option<Stranger> {
    along(&std::path::absolute(path).ok()?, true, &mut MOST_LINKS.clone())
}

/// Who else could take away what is at `path`, or put something else in its place.
pub(super) fn stranger_above(path: &Path) -> Option<Stranger> {
    along(std::path::absolute(path).ok()?.parent()?, false, &mut MOST_LINKS.clone())
}

/// Goes along a path and along every link on it. At the `end` of it, others must not even add names.
fn along(path: &Path, end: bool, links: &mut usize) -> Option<Stranger> {
    path.ancestors().enumerate().find_map(|(above, place)| {
        let found = fs::symlink_metadata(place).ok()?;
        let end = end && above == 0;
        judge(place, &found, end).or_else(|| {
            *links = links.checked_sub(usize::from(found.is_symlink()))?;
            let target = found.is_symlink().then(|| fs::read_link(place).ok()).flatten()?;
            along(&place.parent().unwrap_or(place).join(target), end, links)
        })
    })
}

/// Whether it is root's, or that of whoever runs this.
fn is_own(found: &Metadata) -> bool {
    [0, nix::unistd::geteuid().as_raw()].contains(&found.uid())
}

fn judge(path: &Path, found: &Metadata, end: bool) -> Option<Stranger> {
    let stranger = |owner| Stranger { path: path.to_owned(), owner, mode: found.mode() & 0o7777 };
    if !is_own(found) {
        return Some(stranger(Some(found.uid())));
    }
    let keeps = !end && found.mode() & STICKY != 0;
    let is_open = !found.is_symlink() && found.mode() & 0o022 != 0;
    (is_open && !keeps).then(|| stranger(None))
}

/// A path without the links that root has made; one that somebody else could have made, or could
/// put elsewhere, stays in it.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    resolve(&path, &mut MOST_LINKS.clone())
}

fn resolve(path: &Path, links: &mut usize) -> PathBuf {
    let mut real = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::ParentDir => drop(real.pop()),
            Component::Normal(name) => {
                let next = real.join(name);
                let is_kept = *links > 0 && stranger_above(&next).is_none();
                let found = next.symlink_metadata().ok().filter(|found| found.is_symlink() && is_kept);
                let target = found.filter(is_own).and_then(|_| fs::read_link(&next).ok());
                real = match target {
                    Some(target) => {
                        *links -= 1;
                        resolve(&real.join(target), links)
                    }
                    None => next,
                };
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    real
}

#[cfg(test)]
impl Stranger {
    pub(crate) fn example(path: &str, owner: Option<u32>, mode: u32) -> Self {
        Self { path: path.into(), owner, mode }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

    use super::*;

    fn open(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn scratch() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("directory");
        fs::create_dir(&directory).unwrap();
        let file = directory.join("file");
        fs::write(&file, "").unwrap();
        open(&directory, 0o755);
        open(&file, 0o644);
        (scratch, directory, file)
    }

    #[test]
    fn a_path_is_roots_alone_or_says_whose_it_is() {
        let (_scratch, directory, file) = scratch();
        for (what, mode, of_file, of_directory) in [
            (&file, 0o644, None, None),
            (&file, 0o666, Some("everybody (mode 0666)"), None),
            (&file, 0o664, Some("its group (mode 0664)"), None),
            (&directory, 0o777, Some("everybody"), Some("everybody")),
            (&directory, 0o1777, None, Some("everybody (mode 1777)")),
            (&directory, 0o775, Some("its group"), Some("its group")),
        ] {
            let before = fs::metadata(what).unwrap().permissions().mode() & 0o7777;
            open(what, mode);
            for (path, expected) in [(&file, of_file), (&directory, of_directory)] {
                let found = stranger(path).map(|found| found.to_string());
                let fits = found.as_deref().zip(expected).is_some_and(|(found, word)| found.contains(word));
                assert!(fits || (found.is_none() && expected.is_none()), "{mode:o}: {found:?}");
            }
            open(what, before);
        }
    }

    #[test]
    fn what_is_not_there_is_made_by_who_can_write_above_it() {
        let (_scratch, directory, _) = scratch();
        let missing = directory.join("a/b");
        for (mode, is_safe) in [(0o755, true), (0o1777, true), (0o777, false)] {
            open(&directory, mode);
            assert_eq!(stranger(&missing).is_none(), is_safe, "{mode:o}");
        }
    }

    #[test]
    fn a_link_counts_as_what_it_leads_to_and_as_what_it_lies_in() {
        let (scratch, directory, file) = scratch();
        let elsewhere = scratch.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        symlink("../directory", elsewhere.join("way")).unwrap();
        symlink("way/file", elsewhere.join("link")).unwrap();
        let link = elsewhere.join("link");
        assert_eq!(stranger(&link), None);
        for (what, mode) in [(&file, 0o666), (&directory, 0o777), (&elsewhere, 0o777)] {
            let before = fs::metadata(what).unwrap().permissions().mode() & 0o7777;
            open(what, mode);
            assert!(stranger(&link).is_some(), "{}", what.display());
            open(what, before);
        }
        symlink("round", elsewhere.join("round")).unwrap();
        assert_eq!(stranger(&elsewhere.join("round")), None, "it leads nowhere, and that is found out");
    }

    #[test]
    fn an_owner_is_named_and_his_link_is_not_followed() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let (scratch, _, file) = scratch();
        let link = scratch.path().join("link");
        symlink(&file, &link).unwrap();
        lchown(&link, Some(65534), None).unwrap();
        assert!(stranger(&link).is_some_and(|found| found.to_string().ends_with("belongs to nobody")));
        chown(&file, Some(4_000_001), None).unwrap();
        let found = stranger(&file).unwrap();
        assert!(found.to_string().ends_with("belongs to user 4000001"), "{found}");
        assert!(found.remedy().starts_with("chown root "), "{}", found.remedy());
    }
}
