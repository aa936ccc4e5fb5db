//! Whether a unit is enabled, where no systemd can be asked: in a root that is not running.
//!
//! systemd keeps nothing of it but links below `/etc/systemd/system`, made as the unit's `[Install]`
//! section says (systemd.unit(5)). They are made and read here, as `systemctl --root` does, and not by it:
//! neither has the machine around the root to have a systemctl, nor can the root's own be executed where
//! it is for another architecture.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{Files, UNIT_DIRECTORY};
use super::systemd::{links_in, wanting_in};
use crate::read;
use crate::resource::{Enablement, FileState};
use crate::{Error, Result};

/// Where systemd looks for units that are kept over a boot, the first that has one.
const SEARCHED: [&str; 4] =
    [UNIT_DIRECTORY, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// What a unit that cannot be started is a link to.
const NOWHERE: &str = "/dev/null";

/// The door to the links of a root that is not running.
#[derive(Debug)]
pub struct Links<'a> {
    files: &'a Files,
    root: &'a Path,
}

/// What is to be linked where, when a unit is enabled.
#[derive(Debug, Default, PartialEq, Eq)]
struct Install {
    /// Directories of links below that of the units, such as `multi-user.target.wants`.
    wanted_in: Vec<String>,
    /// Other names.
    aliases: Vec<String>,
    /// Units that are enabled with it.
    also: Vec<String>,
}

impl Install {
    fn parse(text: &str) -> Self {
        let mut install = Self::default();
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| section == "[Install]") else {
                continue;
            };
            let names = value.split_whitespace().map(str::to_owned);
            match key.trim() {
                "WantedBy" => install.wanted_in.extend(names.map(|name| format!("{name}.wants"))),
                "RequiredBy" => install.wanted_in.extend(names.map(|name| format!("{name}.requires"))),
                "Alias" => install.aliases.extend(names),
                "Also" => install.also.extend(names),
                _ => {}
            }
        }
        install
    }
}

impl<'a> Links<'a> {
    /// Those below `root`, put in place by `files`.
    pub(super) fn new(files: &'a Files, root: &'a Path) -> Self {
        Self { files, root }
    }

    /// How a unit's file is enabled; `None` if there is no such file.
    pub fn enablement(&self, name: &str) -> Option<Enablement> {
        let file = self.file(name)?;
        Some(if is_masked(&self.below(&file)) {
            Enablement::Masked
        } else if self.made_for(name).is_empty() {
            Enablement::Disabled
        } else {
            Enablement::Enabled
        })
    }

    /// The same for a unit that may have no file: something may want it all the same.
    pub fn state(&self, name: &str) -> Enablement {
        let without_file =
            || if self.made_for(name).is_empty() { Enablement::Disabled } else { Enablement::Dangling };
        self.enablement(name).unwrap_or_else(without_file)
    }

    /// Takes a unit to another enablement. A unit that is masked keeps the links by which others want
    /// it: nothing follows them, and it is as it was when the mask is gone.
    pub fn set(&self, name: &str, to: Enablement) -> Result<()> {
        let own = self.below(&Path::new(UNIT_DIRECTORY).join(name));
        if to == Enablement::Masked {
            return match self.files.observe(&own)? {
                FileState::Absent | FileState::Symlink { .. } => self.link(&own, Path::new(NOWHERE)),
                _ => Err(Error::Foreign {
                    path: own,
                    problem: format!("{name} is a unit of this root's own, and cannot be masked"),
                    help: "take it out of firewall.disable, or move the file away".to_owned(),
                }),
            };
        }
        if is_masked(&own) {
            self.files.put(&own, &FileState::Absent)?;
        }
        match (to, self.state(name)) {
            (Enablement::Enabled, Enablement::Enabled) => Ok(()),
            (Enablement::Enabled, _) => self.enable(name, &mut BTreeSet::new()),
            _ => self.disable(name),
        }
    }

    fn enable(&self, name: &str, seen: &mut BTreeSet<String>) -> Result<()> {
        if !seen.insert(name.to_owned()) {
            return Ok(());
        }
        let file = self.file(name).ok_or_else(|| Error::NotConverged {
            on: format!("unit {name}"),
            wanted: "enabled".to_owned(),
            found: "without a file".to_owned(),
        })?;
        let path = self.below(&file);
        let text = read::text(&path).map_err(Error::io("read", path))?;
        let install = Install::parse(&text);
        let units = self.below(Path::new(UNIT_DIRECTORY));
        for directory in install.wanted_in.iter().map(|name| units.join(name)) {
            if self.files.observe(&directory)? == FileState::Absent {
                self.files.put(&directory, &FileState::root_directory())?;
            }
            self.link(&directory.join(name), &file)?;
        }
        for alias in install.aliases.iter().filter(|alias| *alias != name) {
            self.link(&units.join(alias), &file)?;
        }
        install.also.iter().try_for_each(|also| self.enable(also, seen))
    }

    /// A directory of links goes with its last.
    fn disable(&self, name: &str) -> Result<()> {
        for link in self.made_for(name) {
            self.files.put(&link, &FileState::Absent)?;
            let directory = link.parent().filter(|directory| directory.extension().is_some());
            directory.map_or(Ok(()), |directory| self.files.remove_if_empty(directory))?;
        }
        Ok(())
    }

    fn link(&self, path: &Path, target: &Path) -> Result<()> {
        self.files.put(path, &FileState::Symlink { target: target.to_owned(), label: None })
    }

    /// The file that systemd would read, as the system that boots sees it.
    fn file(&self, name: &str) -> Option<PathBuf> {
        let files = SEARCHED.iter().map(|directory| Path::new(directory).join(name));
        files.into_iter().find(|file| self.below(file).symlink_metadata().is_ok())
    }

    /// The links by which it is wanted, and its other names.
    fn made_for(&self, name: &str) -> Vec<PathBuf> {
        let units = self.below(Path::new(UNIT_DIRECTORY));
        let is_alias = |link: &PathBuf| {
            let target = fs::read_link(link).ok();
            let other = link.file_name().is_some_and(|own| own != name);
            other && target.is_some_and(|target| target.file_name().is_some_and(|target| target == name))
        };
        let mut links = wanting_in(&units, name);
        links.extend(links_in(&units).filter(is_alias));
        links
    }

    fn below(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// A link to nowhere, or an empty file (systemd.unit(5)).
fn is_masked(path: &Path) -> bool {
    let is_link = fs::read_link(path).is_ok_and(|target| target == Path::new(NOWHERE));
    is_link || fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = "[Unit]\nWantedBy=not-here.target\n[Install]\nWantedBy=multi-user.target a.target\n\
                        RequiredBy=b.target\nAlias=other.service\nAlso=socket.socket\n";

    /// A root with one unit of a distribution's, and the socket that comes with it.
    fn with_root(test: impl FnOnce(&Path, &Links<'_>)) {
        let root = tempfile::tempdir().unwrap();
        let vendor = root.path().join("usr/lib/systemd/system");
        fs::create_dir_all(&vendor).unwrap();
        fs::create_dir_all(root.path().join("etc/systemd/system")).unwrap();
        fs::write(vendor.join("fire.service"), UNIT).unwrap();
        fs::write(vendor.join("socket.socket"), "[Install]\nWantedBy=sockets.target\nAlso=fire.service\n")
            .unwrap();
        let files = Files::new(&root.path().join("state"));
        test(root.path(), &Links::new(&files, root.path()));
    }

    fn entries(root: &Path) -> Vec<String> {
        let mut all = Vec::new();
        let mut directories = vec![root.join("etc/systemd/system")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap().flatten().map(|entry| entry.path()) {
                if entry.is_dir() && !entry.is_symlink() {
                    directories.push(entry.clone());
                }
                let target = fs::read_link(&entry).map(|to| format!(" {}", to.display())).unwrap_or_default();
                let name = entry.strip_prefix(root).unwrap().display().to_string();
                all.push(format!("{}{target}", name.trim_start_matches("etc/systemd/system/")));
            }
        }
        all.sort();
        all
    }

    #[test]
    fn a_unit_is_enabled_as_its_install_section_says() {
        with_root(|root, links| {
            assert_eq!(links.enablement("fire.service"), Some(Enablement::Disabled));
            links.set("fire.service", Enablement::Enabled).unwrap();
            let fire = "/usr/lib/systemd/system/fire.service";
            assert_eq!(
                entries(root),
                [
                    "a.target.wants".to_owned(),
                    format!("a.target.wants/fire.service {fire}"),
                    "b.target.requires".to_owned(),
                    format!("b.target.requires/fire.service {fire}"),
                    "multi-user.target.wants".to_owned(),
                    format!("multi-user.target.wants/fire.service {fire}"),
                    format!("other.service {fire}"),
                    "sockets.target.wants".to_owned(),
                    "sockets.target.wants/socket.socket /usr/lib/systemd/system/socket.socket".to_owned(),
                ]
            );
            assert_eq!(links.enablement("fire.service"), Some(Enablement::Enabled));
            links.set("fire.service", Enablement::Disabled).unwrap();
            links.set("socket.socket", Enablement::Disabled).unwrap();
            assert_eq!(entries(root), Vec::<String>::new());
        });
    }

    #[test]
    fn a_mask_comes_and_goes_and_leaves_what_was_there() {
        with_root(|root, links| {
            links.set("fire.service", Enablement::Enabled).unwrap();
            let before = entries(root);
            links.set("fire.service", Enablement::Masked).unwrap();
            assert_eq!(links.enablement("fire.service"), Some(Enablement::Masked));
            links.set("fire.service", Enablement::Enabled).unwrap();
            assert_eq!(entries(root), before);
            links.set("fire.service", Enablement::Masked).unwrap();
            links.set("fire.service", Enablement::Disabled).unwrap();
            assert_eq!(links.enablement("fire.service"), Some(Enablement::Disabled));
            fs::write(root.join("etc/systemd/system/own.service"), "[Unit]\n").unwrap();
            assert!(links.set("own.service", Enablement::Masked).is_err());
        });
    }

    #[test]
    fn what_is_wanted_may_be_without_a_file() {
        with_root(|root, links| {
            assert_eq!(
                (links.enablement("gone.service"), links.state("gone.service")),
                (None, Enablement::Disabled)
            );
            let wants = root.join("etc/systemd/system/multi-user.target.wants");
            fs::create_dir(&wants).unwrap();
            std::os::unix::fs::symlink("/x/gone.service", wants.join("gone.service")).unwrap();
            assert_eq!(
                (links.enablement("gone.service"), links.state("gone.service")),
                (None, Enablement::Dangling)
            );
            assert!(links.set("gone.service", Enablement::Enabled).is_err());
            links.set("gone.service", Enablement::Disabled).unwrap();
            assert!(!wants.exists());
        });
    }
}
