//! What happens, as it happens: one stream, with any number of sinks.

use std::time::Duration;

use crate::Error;
use crate::change::{Name, Step};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something longer begins: reading an archive, waiting.
    Stage(&'a str),
    /// How far a long part is, in bytes.
    Progress {
        /// Bytes done.
        done: u64,
        /// Bytes in all, if known.
        total: Option<u64>,
    },
    /// The long part is over.
    ProgressEnd,
    /// Something the user should know and may act on.
    Note(&'a str),
    /// A step begins.
    Begun(&'a Step),
    /// A step was made.
    Done {
        /// The step as it was made.
        step: &'a Step,
        /// How long it took.
        took: Duration,
    },
    /// The node refused a best effort.
    Refused {
        /// What was tried.
        step: &'a Step,
        /// What the node said.
        reason: &'a str,
    },
    /// A step failed; what was done is undone.
    Failed(&'a Error),
    /// A step was undone.
    Undone(&'a Step),
    /// Something could not be, or was not, put back.
    Left(&'a Left),
}

/// Something that undoing left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What.
    pub name: Name,
    /// Why.
    pub why: String,
    /// What that means.
    pub stays: Stays,
}

/// What it means that something is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// Somebody has changed it since, or put something into it: it is theirs now.
    Theirs,
    /// It could not be put back.
    Failed,
}

impl Left {
    /// Something that somebody has changed since.
    pub fn theirs(name: Name, why: String) -> Self {
        Self { name, why, stays: Stays::Theirs }
    }

    /// Something that could not be put back.
    pub fn failed(name: Name, why: String) -> Self {
        Self { name, why, stays: Stays::Failed }
    }

    /// What an error has left: a directory that others have put something into is theirs.
    pub fn by(error: &Error, name: Name) -> Self {
        let stays = if error.is_not_empty() { Stays::Theirs } else { Stays::Failed };
        Self { name, why: error.in_one_line(), stays }
    }

    /// Whether it could not be put back, and is not merely somebody else's.
    pub fn is_failure(&self) -> bool {
        self.stays == Stays::Failed
    }
}

/// Takes events.
pub trait Sink {
    /// Takes one event.
    fn event(&mut self, event: &Event<'_>);
}

/// Passes every event to each of several sinks.
#[derive(Default)]
pub struct Sinks(pub Vec<Box<dyn Sink>>);

impl Sink for Sinks {
    fn event(&mut self, event: &Event<'_>) {
        for sink in &mut self.0 {
            sink.event(event);
        }
    }
}
