//! A run on a real node, and every call in it that changed or flushed a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::disk::Disk;
use super::states::{self, State};
use super::{scenario as plan, trace, tree};
use crate::Suite;
use crate::machine::Machine;
use crate::torture::Scenario;

/// What changes a file or its name, and what flushes. Unit files are enabled by the node's PID 1, which is traced too;
/// what docker writes is its own.
const CALLS: &str = "open,openat,creat,write,writev,pwrite64,pwritev,copy_file_range,sendfile,splice,truncate,ftruncate,\
     fallocate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,\
     fchmodat,chown,fchown,lchown,fchownat,fsync,fdatasync,sync,syncfs";

/// Arguments: the calls, how long strings may be, the exit code that there is to be, the command.
const SCRIPT: &str = r#"set -eu
calls=$1 longest=$2 wanted=$3
shift 3
strace -ttt -y -s 0 -o /run/trace.manager -e trace="$calls" -p 1 2>/run/trace.attached &
manager=$!
until grep -q attached /run/trace.attached; do kill -0 $manager; done
code=0
strace -f -ttt -y -s "$longest" -o /run/trace.product -e trace="$calls" /usr/bin/node-setup "$@" || code=$?
kill -INT $manager
wait $manager || true
[ $code -eq "$wanted" ]
"#;

/// A recorded run.
pub(super) struct Recording {
    pub(super) scenario: Scenario,
    pub(super) disk: Disk,
    pub(super) states: Vec<State>,
    /// The tree before the run.
    pub(super) pristine: PathBuf,
    /// Bytes that the trace does not have.
    pub(super) contents: PathBuf,
}

impl Recording {
    /// Runs a command on a node that is running, and whose tree is still `pristine` but for what it has logged.
    pub(super) fn of(scenario: Scenario, suite: Suite, machine: &Machine, pristine: PathBuf) -> Result<Self> {
        run(scenario, suite, machine)?;
        let read = |name: &str| machine.ok(&format!("cat /run/trace.{name}"));
        let (product, manager) = (read("product")?, read("manager")?);
        let mut disk = Disk::new(tree::read(&pristine)?)?;
        for call in trace::parse(&[&product, &manager])? {
            disk.play(&call)?;
        }
        let contents = pristine.with_extension("contents");
        let (states, whole) = (states::states(&disk)?, states::whole(&disk)?);
        let recording = Self { scenario, disk, states, pristine, contents };
        recording.source().must_agree(&machine.root(), &whole)?;
        recording.source().keep(&machine.root())?;
        Ok(recording)
    }

    pub(super) fn source(&self) -> tree::Source<'_> {
        tree::Source { disk: &self.disk, pristine: &self.pristine, contents: &self.contents }
    }

    /// Makes `root` the tree that the power left.
    pub(super) fn lay(&self, state: &State, root: &Path) -> Result<()> {
        tree::copy(&self.pristine, root)?;
        self.source().change(root, &state.changes)
    }
}

fn run(scenario: Scenario, suite: Suite, machine: &Machine) -> Result<()> {
    let longest = plan::longest(scenario).to_string();
    let command = plan::command(scenario, suite);
    let wanted = scenario.usual_end().1.to_string();
    let mut line = vec!["sh", "-c", SCRIPT, "record", CALLS, &longest, &wanted];
    line.extend(command.iter().map(String::as_str));
    super::run(machine, &line, Duration::from_mins(3))
        .with_context(|| format!("the {scenario} that is recorded"))
        .map(drop)
}
