//! `SELinux` labels: which a file has, which it is to have, and giving it that.
//!
//! A file is made beside its target or comes from the store, and so has the label of where it was made. Where
//! `SELinux` is on, systemd would not run such a program, or not in the domain that it belongs to.
//!
//! Which label belongs to a path the node's policy says. Its own library is looked up in it by rpm, by systemd
//! and by Ansible; this program has no libraries, so matchpathcon(8) is asked, that library's own tool. It
//! knows of a path also before something is there, and all paths are looked up at once: a run costs no more
//! than one call for each class of them. A label is given before a file comes into place, so that it is never
//! there with another.
//!
//! Where there is no `SELinux`, nothing is read, looked up or given. In a root that does not run, labels are
//! read and given back, and not looked up: nothing of it is executed.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, fsetxattr, lgetxattr, lsetxattr};
use rustix::io::Errno;
use tokio::runtime::Builder;

use super::exec::{Program, find};
use super::mounts::unlabelled;
use super::owners::resolved;
use super::root::{is_offline, read_proc};
use crate::read;
use crate::resource::{Class, Label};
use crate::{Error, Result};

/// There where the kernel has `SELinux` and a policy: `1` where it enforces.
const ENFORCE: &str = "/sys/fs/selinux/enforce";

/// Says whether the next boot will have it.
const CONFIG: &str = "/etc/selinux/config";

/// Where the kernel keeps a label.
const ATTRIBUTE: &str = "security.selinux";

/// Longer than any label that a policy has.
const LONGEST: usize = 4096;

/// Tells which labels belong to paths of one class, in their order.
type Policy = dyn Fn(&[PathBuf], Class) -> Result<Vec<Option<Label>>>;

/// The labels of a node.
pub struct Labels {
    is_on: bool,
    attribute: &'static str,
    policy: Option<Box<Policy>>,
    known: RefCell<BTreeMap<(PathBuf, Class), Option<Label>>>,
    /// Where files cannot have one each.
    unlabelled: OnceCell<Vec<(PathBuf, bool)>>,
    /// What could not be given one: of these no label is known any more.
    refused: RefCell<BTreeSet<PathBuf>>,
    problem: RefCell<Option<Error>>,
}

/// Whether `SELinux` enforces, or in a root that does not run, will; `None` where there is none.
pub fn enforces() -> Option<bool> {
    if is_offline() {
        read::text(CONFIG).ok().and_then(|text| will_enforce(&text))
    } else {
        read::of_kernel(ENFORCE).ok().map(|text| text.trim() == "1")
    }
}

/// What `/etc/selinux/config` says. The last line counts.
fn will_enforce(config: &str) -> Option<bool> {
    let said = config.lines().rev().find_map(|line| line.trim().strip_prefix("SELINUX="))?;
    match said.trim() {
        "enforcing" => Some(true),
        "permissive" => Some(false),
        _ => None,
    }
}

impl Labels {
    /// Those of this machine, or of the root that was entered.
    pub(super) fn of_this_machine() -> Self {
        let policy: Option<Box<Policy>> = if is_offline() { None } else { Some(Box::new(matchpathcon)) };
        Self { policy, ..Self::new(enforces().is_some(), ATTRIBUTE) }
    }

    /// Those of a node where `SELinux` is on, that are kept in this attribute of files, and where `policy`
    /// says which belongs to a path.
    pub fn told(attribute: &'static str, policy: impl Fn(&Path, Class) -> Option<Label> + 'static) -> Self {
        let policy =
            move |paths: &[PathBuf], class| Ok(paths.iter().map(|path| policy(path, class)).collect());
        Self { policy: Some(Box::new(policy)), ..Self::new(true, attribute) }
    }

    fn new(is_on: bool, attribute: &'static str) -> Self {
        Self {
            is_on,
            attribute,
            policy: None,
            known: RefCell::default(),
            unlabelled: OnceCell::new(),
            refused: RefCell::default(),
            problem: RefCell::default(),
        }
    }

    /// Which label is on what is at `path`; on a link, not on what it leads to.
    pub(super) fn of(&self, path: &Path) -> Option<Label> {
        if !self.is_on || self.refused.borrow().contains(path) || !self.has_labels(path) {
            return None;
        }
        let mut bytes = vec![0; LONGEST];
        match lgetxattr(path, self.attribute, bytes.as_mut_slice()) {
            Ok(length) => bytes.truncate(length),
            // There is none.
            Err(Errno::NODATA | Errno::OPNOTSUPP) => return None,
            Err(error) => {
                self.note(Error::io("read the SELinux label of", path)(io::Error::from(error)));
                return None;
            }
        }
        // The kernel's own are with the zero that ends them, those of some file systems are without.
        let text = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
        std::str::from_utf8(text).ok().map(|text| Label(text.to_owned()))
    }

    /// Which label the policy has for a path. None where it has none, or where it cannot be asked.
    pub(super) fn policy(&self, path: &Path, class: Class) -> Option<Label> {
        let key = (path.to_owned(), class);
        if !self.known.borrow().contains_key(&key) {
            self.look_up([key.clone()]);
        }
        self.known.borrow().get(&key).cloned().flatten()
    }

    /// Looks up all of these at once.
    pub(super) fn look_up(&self, paths: impl IntoIterator<Item = (PathBuf, Class)>) {
        let Some(policy) = self.policy.as_ref().filter(|_| self.is_on) else { return };
        let is_new = |key: &(PathBuf, Class)| !self.known.borrow().contains_key(key);
        let new: BTreeSet<(PathBuf, Class)> = paths.into_iter().filter(is_new).collect();
        for class in Class::ALL {
            let of_class = new.iter().filter(|(path, of)| *of == class && self.has_labels(path));
            let paths: Vec<PathBuf> = of_class.map(|(path, _)| path.clone()).collect();
            if paths.is_empty() {
                continue;
            }
            let real: Vec<PathBuf> = paths.iter().map(|path| real(path)).collect();
            let found = policy(&real, class).unwrap_or_else(|problem| {
                self.note(problem);
                Vec::new()
            });
            let found = found.into_iter().chain(std::iter::repeat(None));
            self.known.borrow_mut().extend(paths.into_iter().map(|path| (path, class)).zip(found));
        }
    }

    /// Gives an open file the label that belongs to what will be at `path`.
    pub(super) fn give(&self, file: &File, path: &Path, label: Option<&Label>) {
        self.set(path, label, |attribute, value| fsetxattr(file, attribute, value, XattrFlags::empty()));
    }

    /// The same for a link, which cannot be opened.
    pub(super) fn give_link(&self, link: &Path, path: &Path, label: Option<&Label>) {
        self.set(path, label, |attribute, value| lsetxattr(link, attribute, value, XattrFlags::empty()));
    }

    /// What keeps it from that is remembered, the first of it, and is no reason to put a node back that
    /// works without. The next run tries again.
    fn set(
        &self,
        path: &Path,
        label: Option<&Label>,
        set: impl FnOnce(&str, &[u8]) -> rustix::io::Result<()>,
    ) {
        let Some(label) = label.filter(|_| self.is_on && self.has_labels(path)) else { return };
        let value = [label.0.as_bytes(), &[0]].concat();
        match set(self.attribute, &value) {
            Ok(()) => drop(self.refused.borrow_mut().remove(path)),
            Err(error) => {
                self.refused.borrow_mut().insert(path.to_owned());
                self.note(Error::io("set the SELinux label of", path)(io::Error::from(error)));
            }
        }
    }

    /// What kept labels from being known or set, once.
    pub(super) fn take_problem(&self) -> Option<Error> {
        self.problem.take()
    }

    fn note(&self, problem: Error) {
        self.problem.borrow_mut().get_or_insert(problem);
    }

    /// Not so on file systems that know of none, and where one mount has one label for all (`context=`).
    fn has_labels(&self, path: &Path) -> bool {
        let places = self
            .unlabelled
            .get_or_init(|| read_proc("self/mountinfo").map(|text| unlabelled(&text)).unwrap_or_default());
        let real = real(path);
        // The last one among those at the same place is on top of the others.
        let above = places.iter().filter(|(point, _)| real.starts_with(point));
        let nearest = above.max_by_key(|(point, _)| point.components().count());
        !nearest.is_some_and(|(_, is_unlabelled)| *is_unlabelled)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labels").field("is_on", &self.is_on).finish_non_exhaustive()
    }
}

/// A path as the policy knows it: without links on the way, some of which may not be there yet.
fn real(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}

/// Asks the policy that the next program would be run under.
fn matchpathcon(paths: &[PathBuf], class: Class) -> Result<Vec<Option<Label>>> {
    let tool = find("matchpathcon").ok_or_else(|| Error::Program {
        program: "matchpathcon".to_owned(),
        problem: "is not installed: SELinux is on, and files are not labelled".to_owned(),
        code: None,
    })?;
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(Error::io("set up", "the runtime"))?;
    // As the kernel has them, whatever a translation makes of them for people.
    let program = Program::new(tool).args(["-N", "-m", class.word()]).args(paths);
    Ok(matched(&program.run(&runtime)?.stdout, paths))
}

/// A line has a path, a tab, and a label; or `<<none>>`, where the policy has none for it.
fn matched(said: &str, paths: &[PathBuf]) -> Vec<Option<Label>> {
    let pairs: BTreeMap<&Path, &str> = said
        .lines()
        .filter_map(|line| line.rsplit_once('\t'))
        .map(|(path, is)| (Path::new(path), is))
        .collect();
    let label = |path: &PathBuf| pairs.get(path.as_path()).filter(|is| !is.starts_with('<'));
    paths.iter().map(|path| label(path).map(|is| Label((*is).to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The kernel's own takes root to set; one of a user's is as good here.
    fn attribute() -> &'static str {
        if nix::unistd::geteuid().is_root() { ATTRIBUTE } else { "user.selinux" }
    }

    fn label(kind: &str) -> Label {
        Label(format!("system_u:object_r:{kind}:s0"))
    }

    fn file(scratch: &Path) -> (PathBuf, File) {
        let path = scratch.join("file");
        fs::write(&path, "").unwrap();
        let open = File::open(&path).unwrap();
        (path, open)
    }

    #[test]
    fn a_label_that_was_given_is_there() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, open) = file(scratch.path());
        let labels = Labels::told(attribute(), |_, _| None);
        assert_eq!(labels.of(&path), None);
        labels.give(&open, &path, Some(&label("bin_t")));
        assert_eq!(labels.of(&path), Some(label("bin_t")));
        let mut kept = vec![0; LONGEST];
        let length = lgetxattr(&path, attribute(), kept.as_mut_slice()).unwrap();
        assert_eq!(&kept[..length], b"system_u:object_r:bin_t:s0\0", "as the kernel has it");
        labels.give(&open, &path, None);
        assert_eq!(labels.of(&path), Some(label("bin_t")), "a label that is not known takes none away");
        assert!(labels.take_problem().is_none());
    }

    #[test]
    fn where_there_is_no_selinux_nothing_is_read_looked_up_or_given() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, open) = file(scratch.path());
        Labels::told(attribute(), |_, _| None).give(&open, &path, Some(&label("etc_t")));
        let policy = |_: &[PathBuf], _| unreachable!("it is not asked");
        let off = Labels { policy: Some(Box::new(policy)), ..Labels::new(false, attribute()) };
        assert_eq!((off.of(&path), off.policy(&path, Class::File)), (None, None));
        off.give(&open, &path, Some(&label("bin_t")));
        assert_eq!(Labels::told(attribute(), |_, _| None).of(&path), Some(label("etc_t")));
    }

    #[test]
    fn the_policy_is_asked_once_for_all_of_a_class() {
        let asked = std::rc::Rc::new(RefCell::new(Vec::new()));
        let log = asked.clone();
        let policy = move |paths: &[PathBuf], class| {
            log.borrow_mut().push((paths.len(), class));
            Ok(paths.iter().map(|path| (!path.ends_with("none")).then(|| label("bin_t"))).collect())
        };
        let labels = Labels { policy: Some(Box::new(policy)), ..Labels::new(true, attribute()) };
        let of = |path: &str, class| (PathBuf::from(path), class);
        labels.look_up([of("/a", Class::File), of("/none", Class::File), of("/a", Class::Directory)]);
        for (path, class, expected) in [
            ("/a", Class::File, Some(label("bin_t"))),
            ("/none", Class::File, None),
            ("/a", Class::Directory, Some(label("bin_t"))),
            ("/later", Class::Link, Some(label("bin_t"))),
        ] {
            assert_eq!(labels.policy(Path::new(path), class), expected, "{path}");
        }
        assert_eq!(*asked.borrow(), [(2, Class::File), (1, Class::Directory), (1, Class::Link)]);
    }

    #[test]
    fn what_cannot_be_labelled_is_told_once_and_is_not_known_any_more() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, open) = file(scratch.path());
        let labels = Labels::told("nobody.selinux", |_, _| None);
        labels.give(&open, &path, Some(&label("bin_t")));
        let problem = labels.take_problem().unwrap();
        assert!(problem.in_one_line().contains("cannot set the SELinux label of /"), "{problem}");
        assert!(labels.take_problem().is_none());
        assert_eq!(labels.of(&path), None);
    }

    #[test]
    fn the_nearest_mount_says_whether_there_are_labels_and_of_two_the_later_one() {
        let labels = Labels::told(attribute(), |_, _| None);
        let mounts = [("/run", true), ("/srv", true), ("/srv", false), ("/", false)];
        let places = mounts.map(|(point, is_unlabelled)| (PathBuf::from(point), is_unlabelled));
        labels.unlabelled.set(places.into()).unwrap();
        for (path, has_labels) in [("/run/docker", false), ("/srv/a", true), ("/opt/k8s", true)] {
            assert_eq!(labels.has_labels(Path::new(path)), has_labels, "{path}");
        }
    }

    #[test]
    fn a_policy_that_cannot_be_asked_is_told() {
        let policy = |_: &[PathBuf], _| {
            Err(Error::Program {
                program: "x".to_owned(),
                problem: "is not installed".to_owned(),
                code: None,
            })
        };
        let labels = Labels { policy: Some(Box::new(policy)), ..Labels::new(true, attribute()) };
        assert_eq!(labels.policy(Path::new("/a"), Class::File), None);
        assert_eq!(labels.take_problem().unwrap().to_string(), "x is not installed");
    }

    #[test]
    fn what_matchpathcon_says() {
        let paths = ["/a", "/with space", "/none", "/missing"].map(PathBuf::from);
        let said =
            "/a\tsystem_u:object_r:bin_t:s0\n/none\t<<none>>\n/with space\tsystem_u:object_r:etc_t:s0\n\n";
        assert_eq!(matched(said, &paths), [Some(label("bin_t")), Some(label("etc_t")), None, None]);
    }

    #[test]
    fn what_the_next_boot_will_have() {
        for (config, expected) in [
            ("SELINUX=enforcing\n", Some(true)),
            ("# SELINUX=enforcing\nSELINUX=permissive\nSELINUXTYPE=targeted\n", Some(false)),
            ("SELINUX=disabled\n", None),
            ("SELINUX=disabled\nSELINUX= enforcing\n", Some(true)),
            ("SELINUXTYPE=targeted\n", None),
        ] {
            assert_eq!(will_enforce(config), expected, "{config}");
        }
    }
}
