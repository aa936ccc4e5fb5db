//! What would have to change: each goal observed, and where it differs, a step.
//!
//! Read-only. A run observes again before each step, because earlier steps change
//! what later ones find; the plan is what people are shown and what is journaled
//! before the first side effect.

use crate::Result;
use crate::change::{Step, Wanted};
use crate::host::Host;
use crate::receipt::Receipt;

/// How much depends on a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it the node does not work: failure ends the run.
    Required,
    /// Good to have: failure is reported, remembered, and not tried again while
    /// the node stays as it is.
    BestEffort,
    /// Part of going back: failure is reported and the rest goes on. It is tried
    /// again the next time.
    IfPossible,
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

    /// A goal of going back.
    pub fn if_possible(wanted: impl Into<Wanted>) -> Self {
        Self { wanted: wanted.into(), need: Need::IfPossible }
    }

    /// A goal that is good to have.
    pub fn best_effort(wanted: impl Into<Wanted>) -> Self {
        Self { wanted: wanted.into(), need: Need::BestEffort }
    }
}

/// The step that a goal asks for now, if it asks for any.
///
/// A best effort that this node has refused before is not asked for again.
pub fn step_for(host: &Host, goal: &Goal, earlier: &[Step], receipt: &Receipt) -> Result<Option<Step>> {
    let step = goal.wanted.change(host, earlier)?;
    Ok(step.filter(|step| goal.need != Need::BestEffort || !receipt.refused(step)))
}

/// The steps that `goals` ask for, in their order.
pub fn plan(host: &Host, goals: &[Goal], receipt: &Receipt) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for goal in goals {
        if let Some(step) = step_for(host, goal, &steps, receipt)? {
            steps.push(step);
        }
    }
    Ok(steps)
}
