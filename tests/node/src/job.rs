//! Running a command with a deadline.

use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::wait;

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 128 and the signal's number when a signal ended it.
    pub code: i32,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Output {
    /// Whether the exit code is 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

/// A running command in a process group of its own. Dropping it kills what is left of the group.
///
/// Its streams go to files in memory rather than pipes, so that a daemon which keeps them open holds nobody up.
#[derive(Debug)]
pub struct Job {
    what: String,
    child: Child,
    stdout: File,
    stderr: File,
}

impl Job {
    /// Starts `command`, with nothing to read from its standard input.
    pub(crate) fn start(command: Command) -> Result<Self> {
        Self::feed(command, Stdio::null())
    }

    /// Starts `command` on the given standard input.
    pub(crate) fn feed(mut command: Command, stdin: Stdio) -> Result<Self> {
        let what = describe(&command);
        let (stdout, stderr) = (memory_file()?, memory_file()?);
        command.stdin(stdin).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {what}"))?;
        Ok(Self { what, child, stdout, stderr })
    }

    /// Gives the job a name that a reader of an error knows.
    pub(crate) fn named(mut self, what: &str) -> Self {
        what.clone_into(&mut self.what);
        self
    }

    /// Waits for the end of the command.
    ///
    /// # Errors
    /// When it is not over after `limit`: it is killed then, and the error carries what it wrote.
    pub fn wait(mut self, limit: Duration) -> Result<Output> {
        let mut status = None;
        let over = wait::until(limit, Duration::from_millis(10), || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        if !over {
            self.kill();
        }
        let (stdout, stderr) = (content(&self.stdout)?, content(&self.stderr)?);
        match status {
            Some(status) => Ok(Output { code: code(status), stdout, stderr }),
            None => bail!("`{}` was killed after {limit:?}\nstdout: {stdout}\nstderr: {stderr}", self.what),
        }
    }

    /// Whether the command still runs.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Kills the command and whatever it started in its own process group, with no chance to clean up.
    pub fn kill(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id())
            && matches!(self.child.try_wait(), Ok(None))
        {
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The exit code a shell would report.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Runs a command on the host that has to succeed, and returns what it wrote.
pub(crate) fn host(program: &str, args: &[impl AsRef<OsStr>]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(args);
    let what = describe(&command);
    let output = Job::start(command)?.wait(Duration::from_mins(2))?;
    if !output.success() {
        bail!("`{what}` failed with {}: {}", output.code, output.stderr.trim());
    }
    Ok(output.stdout)
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn memory_file() -> Result<File> {
    Ok(File::from(memfd_create(c"output", MFdFlags::MFD_CLOEXEC).context("cannot create a file in memory")?))
}

/// Reads from the start without moving the offset, which a process left behind may still be writing at.
fn content(file: &File) -> Result<String> {
    let length = usize::try_from(file.metadata()?.len())?;
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
            Err(error).context("cannot read the output")
        }
        _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
