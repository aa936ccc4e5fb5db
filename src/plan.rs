//! What would have to change: each goal observed, and where it differs, a step.
//!
//! Read-only. A run observes again before each step, because earlier steps change
//! what later ones find; the plan is what people are shown and what is journaled
//! before the first side effect.

use crate::change::{Step, Wanted};
use crate::host::Host;
use crate::receipt::Receipt;
use crate::resource::Class;
use crate::{Error, Result};

/// How much depends on a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it the node does not work: failure ends the run.
    Required,
    /// Good to have: failure is reported, remembered, and not tried again while
    /// the node stays as it is.
    BestEffort,
    /// Part of going back to an earlier state, all of it or nothing. Only a
    /// directory that others have put something into stays, and is named.
    Back,
    /// Part of taking everything away: failure is reported and the rest goes on. It
    /// is tried again the next time.
    IfPossible,
}

impl Need {
    /// Whether the run goes on past this failure, and names what is left.
    pub fn leaves(self, failure: &Error) -> bool {
        match self {
            Self::Required | Self::BestEffort => false,
            Self::Back => failure.is_not_empty(),
            Self::IfPossible => !matches!(failure, Error::Interrupted { .. }),
        }
    }

    /// Whether the goal is a state that was there before.
    pub fn is_back(self) -> bool {
        matches!(self, Self::Back | Self::IfPossible)
    }
}

/// A state that the node is to be in.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The resource and its wanted state.
    pub wanted: Wanted,
    /// How much depends on it.
    pub need: Need,
}

impl Goal {
    /// A goal that the node does not work without.
    pub fn required(wanted: impl Into<Wanted>) -> Self {
        Self { wanted: wanted.into(), need: Need::Required }
    }

    /// A goal that is good to have.
    pub fn best_effort(wanted: impl Into<Wanted>) -> Self {
        Self { wanted: wanted.into(), need: Need::BestEffort }
    }
}

/// What a goal comes to on the node as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Outlook {
    /// It is reached already.
    Holds,
    /// It takes this step.
    Takes(Step),
    /// It takes a step that this node has refused before: it is not asked for again.
    Refused,
}

/// Looks at the node for one goal.
pub fn outlook(host: &Host, goal: &Goal, earlier: &[Step], receipt: &Receipt) -> Result<Outlook> {
    Ok(match goal.wanted.change(host, earlier)? {
        None => Outlook::Holds,
        Some(step) if goal.need == Need::BestEffort && receipt.refused(&step) => Outlook::Refused,
        Some(step) => Outlook::Takes(step),
    })
}

/// Looks up in the node's policy, all at once, what it will be asked for goal by goal.
pub fn look_up_labels(host: &Host, goals: &[Goal]) {
    let path = |goal: &Goal| match &goal.wanted {
        Wanted::File(want) => Some((want.on.0.clone(), want.to.class()?)),
        Wanted::Tree(want) => Some((want.on.0.clone(), Class::Directory)),
        _ => None,
    };
    host.files().look_up_labels(goals.iter().filter_map(path));
}

/// The steps that `goals` ask for, in their order.
pub fn plan(host: &Host, goals: &[Goal], receipt: &Receipt) -> Result<Vec<Step>> {
    look_up_labels(host, goals);
    let mut steps = Vec::new();
    for goal in goals {
        if let Outlook::Takes(step) = outlook(host, goal, &steps, receipt)? {
            steps.push(step);
        }
    }
    Ok(steps)
}
