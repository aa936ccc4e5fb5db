//! The one place that runs other programs.
//!
//! By name from a fixed list of directories, with a cleared environment, no
//! standard input, a time limit, and what it wrote to stderr in the error.
#![expect(clippy::disallowed_methods, reason = "the one place that runs other programs")]

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinHandle};

use crate::{Error, Result};

/// Where programs are looked for, in this order. Never the caller's PATH.
pub const PATH: &[&str] = &["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// More than anybody reads of what a program complains of, in bytes.
const LARGEST_COMPLAINT: usize = 1 << 20;

/// A program about to be run.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    search: Option<PathBuf>,
    args: Vec<OsString>,
    input: Option<Vec<u8>>,
    limit: Duration,
    keep: Keep,
    forgiven: bool,
}

/// How much of what a program writes is kept; the rest is read and thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of it.
    All,
    /// So many bytes from the beginning.
    First(usize),
    /// So many bytes from the end, as for a log.
    Last(usize),
}

/// What a program that succeeded wrote.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A program that runs while other things are waited for.
#[derive(Debug)]
pub struct Begun {
    shown: String,
    task: JoinHandle<Result<Output>>,
}

impl Begun {
    /// Waits for its end.
    pub fn end(self, runtime: &Runtime) -> Result<Output> {
        let Self { shown, task } = self;
        let lost =
            |error: JoinError| Error::Program { program: shown, problem: error.to_string(), code: None };
        runtime.block_on(task).map_err(lost)?
    }
}

/// The absolute path of a program, if it is installed.
pub fn find(name: &str) -> Option<PathBuf> {
    PATH.iter().map(|directory| Path::new(directory).join(name)).find(|path| path.is_file())
}

impl Program {
    /// A system program, by name; or any program, by absolute path.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            path: program.as_ref().to_owned(),
            search: None,
            args: Vec::new(),
            input: None,
            limit: Duration::from_secs(30),
            keep: Keep::All,
            forgiven: false,
        }
    }

    /// Takes what it writes for an answer also if it fails, where it writes something; the end of the
    /// answer says so then.
    #[must_use]
    pub fn even_if_it_fails(mut self) -> Self {
        self.forgiven = true;
        self
    }

    /// Keeps no more than this of what it writes.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Gives it `input` to read.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Puts a directory first in the PATH that the program sees.
    #[must_use]
    pub fn search(mut self, directory: &Path) -> Self {
        self.search = Some(directory.to_owned());
        self
    }

    /// Ends it after this time, in place of half a minute.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end.
    pub fn run(self, runtime: &Runtime) -> Result<Output> {
        runtime.block_on(self.carry_out())
    }

    /// Has it run while other things are waited for.
    pub fn begin(self, runtime: &Runtime) -> Begun {
        Begun { shown: self.shown(), task: runtime.spawn(self.carry_out()) }
    }

    async fn carry_out(self) -> Result<Output> {
        let path = if self.path.is_absolute() {
            self.path.clone()
        } else {
            find(&self.path.to_string_lossy()).ok_or_else(|| self.failed("is not installed"))?
        };
        let output = tokio::time::timeout(self.limit, self.finish(&path))
            .await
            .map_err(|_| self.failed(format!("did not end within {} s", self.limit.as_secs())))?
            .map_err(|error| self.failed(format!("could not be run: {error}")))?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() && self.forgiven && !stdout.is_empty() {
            let stdout = format!("{stdout}\n[failed with {}: {}]\n", output.status, tail(&stderr));
            return Ok(Output { stdout, stderr });
        }
        if !output.status.success() {
            let problem = format!("failed with {}: {}", output.status, tail(&stderr));
            return Err(Error::Program { program: self.shown(), problem, code: output.status.code() });
        }
        Ok(Output { stdout, stderr })
    }

    async fn finish(&self, path: &Path) -> std::io::Result<std::process::Output> {
        let mut child = tokio::process::Command::new(path)
            .args(&self.args)
            .env_clear()
            .env("PATH", self.path_variable())
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let fed = match (child.stdin.take(), &self.input) {
            (Some(mut stdin), Some(input)) => stdin.write_all(input).await,
            _ => Ok(()),
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr, status) = tokio::try_join!(
            kept(stdout, self.keep),
            kept(stderr, Keep::Last(LARGEST_COMPLAINT)),
            child.wait()
        )?;
        match fed {
            // It was given less than it was to have, and may have done no more than that.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            // A program that does not read it all says why itself.
            _ => Ok(std::process::Output { status, stdout, stderr }),
        }
    }

    fn path_variable(&self) -> String {
        let first = self.search.iter().map(|directory| directory.display().to_string());
        first.chain(PATH.iter().map(|directory| (*directory).to_owned())).collect::<Vec<_>>().join(":")
    }

    fn failed(&self, problem: impl Into<String>) -> Error {
        Error::Program { program: self.shown(), problem: problem.into(), code: None }
    }

    /// The command, as an error shows it.
    fn shown(&self) -> String {
        let words = self.args.iter().map(|arg| arg.to_string_lossy());
        std::iter::once(self.path.to_string_lossy()).chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// Reads to the end, and keeps what is to be kept.
async fn kept(from: Option<impl AsyncRead + Unpin>, keep: Keep) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return Ok(kept) };
    while from.read_buf(&mut kept).await? > 0 {
        match keep {
            Keep::First(most) => kept.truncate(most.max(1)),
            Keep::Last(most) if kept.len() > 2 * most => drop(kept.drain(..kept.len() - most)),
            Keep::All | Keep::Last(_) => {}
        }
    }
    if let Keep::Last(most) = keep {
        kept.drain(..kept.len().saturating_sub(most));
    }
    Ok(kept)
}

/// The last three lines: what a program says last says why it failed.
fn tail(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_program_sees_nothing_of_our_environment() {
        let output = Program::new("env").run(&runtime()).unwrap();
        assert_eq!(output.stdout, "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
    }

    #[test]
    fn failure_carries_the_end_of_stderr() {
        let error = Program::new("sh").args(["-c", "echo one >&2; echo two >&2; exit 3"]).run(&runtime());
        let error = error.unwrap_err();
        assert!(error.to_string().contains("exit status: 3: one; two"), "{error}");
        assert!(matches!(error, Error::Program { code: Some(3), .. }), "{error:?}");
    }

    #[test]
    fn only_so_much_is_kept_of_what_is_written() {
        let written = (1..=20_000).map(|number| number.to_string() + "\n").collect::<Vec<_>>().concat();
        for (keep, expected) in [
            (Keep::All, written.as_str()),
            (Keep::First(4), "1\n2\n"),
            (Keep::Last(12), "19999\n20000\n"),
            (Keep::Last(1 << 20), written.as_str()),
        ] {
            let output = Program::new("seq").args(["20000"]).keep(keep).run(&runtime()).unwrap();
            assert!(output.stdout == expected, "{keep:?}: {}", output.stdout.len());
        }
    }

    #[test]
    fn what_was_written_before_a_failure_is_an_answer_if_it_is_wanted() {
        let fails = |script: &str| Program::new("sh").args(["-c", script]).even_if_it_fails().run(&runtime());
        let output = fails("echo half; echo why >&2; exit 3").unwrap();
        assert_eq!(output.stdout, "half\n\n[failed with exit status: 3: why]\n");
        assert!(fails("echo why >&2; exit 3").is_err());
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let sleeper = Program::new("sleep").args(["60"]).within(Duration::from_millis(50));
        let text = sleeper.run(&runtime()).unwrap_err().to_string();
        assert!(text.contains("did not end"), "{text}");
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let text = Program::new("no-such-program").run(&runtime()).unwrap_err().to_string();
        assert_eq!(text, "no-such-program is not installed");
    }
}
