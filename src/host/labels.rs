//! `SELinux` labels of what comes into place.
//!
//! A file is made beside its target or comes from the store, and so has the label of where it was
//! made. Where `SELinux` is on, systemd would not run such a program, or not in the domain that it
//! belongs to. Which label belongs to a path the node's policy says, and restorecon(8) sets it.
//!
//! A label is no part of a file's state: what is put back has the one that the policy says, too.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};

use tokio::runtime::{Builder, Runtime};

use super::exec::{Program, find};
use super::get_or_try_init;
use super::root::is_offline;
use crate::{Error, Result};

/// There where the kernel has `SELinux` and a policy can be asked.
const ENFORCE: &str = "/sys/fs/selinux/enforce";

/// What sets labels, if there are any to be set.
#[derive(Debug)]
pub(super) struct Labels {
    tool: Option<PathBuf>,
    runtime: OnceCell<Runtime>,
    problem: RefCell<Option<Error>>,
}

impl Labels {
    /// Those of this machine.
    pub(super) fn of_this_machine() -> Self {
        Self::with(Path::new(ENFORCE), || find("restorecon").filter(|_| !is_offline()))
    }

    /// Where `SELinux` is on if `enforce` is there.
    pub(super) fn with(enforce: &Path, tool: impl FnOnce() -> Option<PathBuf>) -> Self {
        let tool = enforce.exists().then(tool).flatten();
        Self { tool, runtime: OnceCell::new(), problem: RefCell::default() }
    }

    /// Gives what is at `path` the label that belongs there. What keeps it from that is remembered,
    /// the first of it, and is no reason to put a node back that works without.
    pub(super) fn set(&self, path: &Path) {
        let Some(tool) = &self.tool else { return };
        if let Err(problem) = self.restore(tool, path) {
            self.problem.borrow_mut().get_or_insert(problem);
        }
    }

    /// What kept labels from being set, once.
    pub(super) fn take_problem(&self) -> Option<Error> {
        self.problem.take()
    }

    fn restore(&self, tool: &Path, path: &Path) -> Result<()> {
        let runtime = get_or_try_init(&self.runtime, || {
            Builder::new_current_thread().enable_all().build().map_err(Error::io("set up", "the runtime"))
        })?;
        Program::new(tool).args([path]).run(runtime).map(drop)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A restorecon that writes down what it is told, and does what its real one does to the inode: ctime is
    /// another. It fails on a path with this word.
    pub(in crate::host) fn stand_in(scratch: &Path, fails_on: &str) -> PathBuf {
        let tool = scratch.join("restorecon");
        let log = scratch.join("log");
        let script = format!(
            "#!/bin/sh\ncase $1 in *{fails_on}*) echo no >&2; exit 1;; esac\n\
             echo \"$1\" >>{}\n[ -L \"$1\" ] || chmod --reference=\"$1\" \"$1\"\n",
            log.display()
        );
        fs::write(&tool, script).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        tool
    }

    #[test]
    fn labels_are_set_where_there_is_a_policy_and_a_tool() {
        let scratch = tempfile::tempdir().unwrap();
        let tool = stand_in(scratch.path(), "nothing");
        let (enforce, path) = (scratch.path().join("enforce"), scratch.path().join("file"));
        fs::write(&path, "").unwrap();
        for (is_on, tool, is_set) in
            [(false, Some(&tool), false), (true, None, false), (true, Some(&tool), true)]
        {
            if is_on {
                fs::write(&enforce, "1").unwrap();
            }
            let labels = Labels::with(&enforce, || tool.cloned());
            labels.set(&path);
            assert!(labels.take_problem().is_none());
            assert_eq!(scratch.path().join("log").exists(), is_set, "{is_on}, {tool:?}");
        }
    }

    #[test]
    fn a_label_that_cannot_be_set_is_told_once_and_the_next_is_set() {
        let scratch = tempfile::tempdir().unwrap();
        let tool = stand_in(scratch.path(), "bad");
        let labels = Labels::with(scratch.path(), || Some(tool));
        for name in ["bad", "good"] {
            let path = scratch.path().join(name);
            fs::write(&path, "").unwrap();
            labels.set(&path);
        }
        let set = fs::read_to_string(scratch.path().join("log")).unwrap();
        assert!(set.ends_with("/good\n") && set.lines().count() == 1, "{set}");
        let problem = labels.take_problem().unwrap().to_string();
        assert!(problem.contains("restorecon") && problem.contains("/bad failed"), "{problem}");
        assert!(labels.take_problem().is_none());
    }
}
