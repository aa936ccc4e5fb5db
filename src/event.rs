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
    /// Whether it is merely someone else's now, rather than a failure.
    pub changed_since: bool,
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
