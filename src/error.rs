//! The one error type.
//!
//! Every error says what was attempted, on what, what the system answered, and
//! (in [`Error::help`]) what to do next. [`Error::class`] decides the exit code,
//! so that no other file needs to know which error means which number.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::refusal::{Id, Refusal};

/// `std::result::Result` with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of ending an error is; each has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The command line, the configuration or an input file is wrong.
    Usage,
    /// Preflight found reasons not to start; the node was not touched.
    Refused,
    /// Another run holds the lock.
    Locked,
    /// Something went wrong while looking at or changing the node.
    Failed,
}

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call on a path failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// A verb phrase: "read", "create the directory".
        action: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },

    /// A setting is missing, unknown or malformed.
    #[error("{origin}: {problem}")]
    Config {
        /// Where it was written: `/etc/node-setup/config.toml:12`, `--archive`, `NODE_SETUP_X`.
        origin: String,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        help: String,
    },

    /// A file of another component does not have the form it must have.
    #[error("{} is not what it should be: {problem}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line where there is one.
        problem: String,
        /// What to do.
        help: String,
    },

    /// The archive cannot be used.
    #[error("archive {origin}: {problem}")]
    Archive {
        /// Path or URL as it was given.
        origin: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        help: String,
    },

    /// Preflight refused.
    #[error("{}", refused(.0))]
    Refused(Vec<Refusal>),

    /// Another run holds the lock.
    #[error("another node-setup is at work: {holder}")]
    Locked {
        /// Process id and command of the holder.
        holder: String,
    },

    /// A D-Bus call failed.
    #[error("systemd did not {action}")]
    Bus {
        /// A verb phrase with its object: "start docker.service".
        action: String,
        /// What D-Bus said.
        source: zbus::Error,
    },

    /// A unit's job did not end well, or the unit did not stay as it should.
    #[error("{unit} {problem}")]
    Unit {
        /// The unit.
        unit: String,
        /// What happened, with systemd's own result word.
        problem: String,
        /// The unit's last journal lines, oldest first.
        log: Vec<String>,
    },

    /// A netlink request failed.
    #[error("the kernel did not {action}")]
    Netlink {
        /// A verb phrase: "list the links".
        action: &'static str,
        /// What netlink said.
        source: rtnetlink::Error,
    },

    /// An external program failed.
    #[error("{program} {problem}")]
    Program {
        /// The command as it was run.
        program: String,
        /// Exit status, and the end of its stderr.
        problem: String,
        /// The exit code, if it ended with one.
        code: Option<i32>,
    },

    /// docker's API did not answer as it should.
    #[error("docker's API at {}: {problem}", socket.display())]
    Api {
        /// The socket.
        socket: PathBuf,
        /// What happened instead.
        problem: String,
    },

    /// A resource did not take the state it was put into.
    #[error("{on} did not become {wanted}: it is {found}")]
    NotConverged {
        /// Kind and name of the resource.
        on: String,
        /// The state that was asked for.
        wanted: String,
        /// The state that was read back.
        found: String,
    },

    /// Something was awaited and did not come.
    #[error("{what} did not happen within {}", seconds(*after))]
    Timeout {
        /// What was awaited, as a noun phrase.
        what: String,
        /// How long.
        after: Duration,
        /// What to look at.
        help: String,
    },

    /// An earlier run has to be ended first.
    #[error("an earlier run did not end, see {}", journal.display())]
    Unended {
        /// Its journal.
        journal: PathBuf,
    },

    /// There is only a root, and this needs the system in it to run.
    #[error("{what} cannot be asked: the system in this root does not run")]
    Offline {
        /// What a running system has.
        what: String,
    },

    /// No run has completed on this node.
    #[error("node-setup has changed nothing on this node that could be undone")]
    NothingToUndo,

    /// A signal asked the run to stop.
    #[error("stopped by {signal}")]
    Interrupted {
        /// `SIGINT` or `SIGTERM`.
        signal: &'static str,
    },

    /// Something of our own on disk cannot be understood.
    #[error("{} is damaged: {problem}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A journal has a form that a later node-setup has brought.
    #[error("{} was written by a newer node-setup, {version} (schema {schema})", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its form.
        schema: u32,
        /// Who wrote it.
        version: String,
    },

    /// A step of a run failed; the cause says why.
    #[error("{step}")]
    Step {
        /// Kind, name and what was to be done.
        step: String,
        /// Why it failed.
        #[source]
        cause: Box<Error>,
    },
}

impl Error {
    /// An [`Error::Io`] in the making: `.map_err(Error::io("read", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// The same for a system call made through nix.
    pub fn errno(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(nix::Error) -> Self {
        move |errno| Self::Io { action, path: path.as_ref().to_owned(), source: errno.into() }
    }

    /// Which ending this is.
    pub fn class(&self) -> Class {
        match self {
            Self::Config { .. } => Class::Usage,
            Self::Refused(_)
            | Self::Archive { .. }
            | Self::Foreign { .. }
            | Self::Unended { .. }
            | Self::Newer { .. }
            | Self::Offline { .. }
            | Self::NothingToUndo => Class::Refused,
            Self::Locked { .. } => Class::Locked,
            Self::Step { cause, .. } => cause.class(),
            _ => Class::Failed,
        }
    }

    /// What the reader can do now, if this error knows.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Config { help, .. }
            | Self::Foreign { help, .. }
            | Self::Archive { help, .. }
            | Self::Timeout { help, .. } => Some(help.clone()),
            Self::Io { source, path, .. } => io_help(source, path),
            Self::Unit { unit, .. } => Some(format!("see: journalctl -u {unit}")),
            Self::Unended { .. } => Some(UNENDED.to_owned()),
            Self::State { path, .. } if path.extension().is_some_and(|end| end == "jsonl") => Some(format!(
                "move it away: mv {0} {0}.bad; what that run changed is not known then",
                path.display()
            )),
            Self::Newer { version, .. } => {
                Some(format!("use node-setup {version} or later on this node; nothing was touched"))
            }
            Self::Offline { .. } => Some("boot it, and run this there without --root".to_owned()),
            Self::Locked { .. } => Some("run this again when it has ended, or with --wait".to_owned()),
            Self::Step { cause, .. } => cause.help(),
            _ => None,
        }
    }

    /// With its causes, in one line.
    pub fn in_one_line(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let cause_says = cause.to_string();
            // Some libraries say their cause themselves.
            if !text.ends_with(&cause_says) {
                text = format!("{text}: {cause_says}");
            }
            source = cause.source();
        }
        text
    }

    /// Whether a directory was to be removed that holds something of somebody's.
    pub fn is_not_empty(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::DirectoryNotEmpty)
    }
}

/// What can be done about a run that did not end.
pub const UNENDED: &str = "node-setup docker goes on from there; node-setup docker recover puts it back";

fn io_help(source: &io::Error, path: &Path) -> Option<String> {
    let help = match source.kind() {
        io::ErrorKind::PermissionDenied if nix::unistd::geteuid().is_root() => {
            format!("see whether something forbids it even to root: lsattr -d {}", path.display())
        }
        io::ErrorKind::PermissionDenied => "run it as root".to_owned(),
        io::ErrorKind::StorageFull => format!("free space on the file system of {}", path.display()),
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("remount the file system of {} read-write", path.display())
        }
        _ => return None,
    };
    Some(help)
}

fn refused(refusals: &[Refusal]) -> String {
    match refusals {
        [one] => one.found.clone(),
        many => format!("{} reasons not to touch this node", many.len()),
    }
}

/// A duration as people write it: `0.8 s`, `60 s`.
pub fn seconds(duration: Duration) -> impl fmt::Display {
    let seconds = duration.as_secs_f64();
    if seconds.fract() == 0.0 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}
