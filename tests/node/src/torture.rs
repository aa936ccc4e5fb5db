//! Faults at every point of a run: killed at each system call that changes something, or with that call failing.
//!
//! A [`Scenario`] is played once under strace to learn its [points](Point), then again and again with a [`Fault`] at
//! each of them. A point is lost when the next run does not converge, when `verify` does not pass then, when a removal
//! does not leave the node as it was before all, or when a run that failed has not put it back. strace is what puts the
//! faults in: the binary under test is the one that is shipped.

mod calls;
mod scenario;

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};
pub use calls::Point;
pub(crate) use scenario::BROKEN;
use scenario::Stage;
pub use scenario::{Fault, Met, Scenario};

use crate::Suite;

/// How often a point is played, if the run does not come to it.
const PLAYED: usize = 3;

/// Which faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Killed, and run again.
    Kill,
    /// Killed, and all of it taken away at once.
    GiveUp,
    /// A system call fails, with one of the errors that it can fail with: they take turns.
    Error,
    /// The same, with each of these errors.
    EveryError,
}

/// A part of a sweep that takes too long to be made at once, spread over all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    number: usize,
    of: usize,
}

impl Part {
    /// The first point of each `of`.
    #[must_use]
    pub const fn one_of(of: usize) -> Self {
        Self { number: 1, of }
    }

    /// What of `all` is in it.
    pub fn of<T>(self, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        all.skip(self.number - 1).step_by(self.of)
    }
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => bail!("{text} is no part such as 1/4, 2/4, 3/4 or 4/4"),
        }
    }
}

/// Which of the points.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// A part of them.
    Part(Part),
    /// Those of these names, which are said where one is lost: `write 255`.
    Named(&'a [String]),
}

impl Choice<'_> {
    fn of(self, all: impl Iterator<Item = (Point, Fault)>) -> VecDeque<(Point, Fault)> {
        match self {
            Self::Part(part) => part.of(all).collect(),
            Self::Named(names) => all.filter(|(point, _)| names.contains(&point.to_string())).collect(),
        }
    }
}

/// What is to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Sweep<'a> {
    /// The run.
    pub scenario: Scenario,
    /// The release of the nodes, whose docker the run is about.
    pub suite: Suite,
    /// The faults.
    pub kind: Kind,
    /// Which of the points.
    pub choice: Choice<'a>,
    /// How many nodes at a time.
    pub jobs: usize,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Points at which the fault happened.
    pub tried: usize,
    /// Points that the run came to none of three times: it makes a few calls more or fewer each time.
    pub not_met: usize,
    /// Points after which something was not as promised, and what.
    pub lost: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tried, {} not met, {} lost", self.tried, self.not_met, self.lost.len())
    }
}

/// Tries all of it.
///
/// # Panics
/// When the nodes cannot be brought to where the scenario begins: then nothing was tried.
#[must_use]
pub fn sweep(sweep: Sweep<'_>) -> Tally {
    let Sweep { scenario, suite, kind, choice, jobs } = sweep;
    let mut first = Some(Stage::set_up(scenario, suite));
    let points = first.as_mut().map(Stage::points).unwrap_or_default();
    let faults = choice.of(points.into_iter().flat_map(|point| faults(kind, point)));
    println!("{scenario} on {suite}: {} points", faults.len());
    let faults = faults.into_iter().map(|(point, fault)| (point, fault, 1)).collect();
    let (left, tally) = (Mutex::new(faults), Mutex::new(Tally::default()));
    thread::scope(|threads| {
        for _ in 0..jobs {
            let stage = first.take();
            let (left, tally) = (&left, &tally);
            threads.spawn(move || work(stage, scenario, suite, left, tally));
        }
    });
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn faults(kind: Kind, point: Point) -> Vec<(Point, Fault)> {
    let errors = point.errors();
    let with = |error: &&'static str| (point.clone(), Fault::Error(error));
    match kind {
        Kind::Kill => vec![(point, Fault::Kill)],
        Kind::GiveUp => vec![(point, Fault::GiveUp)],
        Kind::Error => errors.get(point.number % errors.len().max(1)).map(with).into_iter().collect(),
        Kind::EveryError => errors.iter().map(with).collect(),
    }
}

/// Plays point after point on one node; after one that is lost, on a fresh node. One that is not met goes to the end.
fn work(
    mut stage: Option<Stage>,
    scenario: Scenario,
    suite: Suite,
    left: &Mutex<VecDeque<(Point, Fault, usize)>>,
    tally: &Mutex<Tally>,
) {
    let left = || left.lock().unwrap_or_else(PoisonError::into_inner);
    let next = || left().pop_front();
    while let Some((point, fault, time)) = next() {
        let played = catch_unwind(AssertUnwindSafe(|| {
            stage.get_or_insert_with(|| Stage::set_up(scenario, suite)).play(&point, &fault)
        }));
        if matches!(played, Ok(Met::No)) && time < PLAYED {
            left().push_back((point, fault, time + 1));
            continue;
        }
        let name = format!("{scenario} on {suite}, {fault} at {point}");
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        match played {
            Ok(Met::Yes) => tally.tried += 1,
            Ok(Met::No) => {
                tally.not_met += 1;
                println!("NOT MET {name}");
            }
            Err(panic) => {
                tally.tried += 1;
                let lost = format!("{name}: {}", words(panic.as_ref()));
                println!("LOST {lost}");
                tally.lost.push(lost);
                stage = None;
            }
        }
        if (tally.tried + tally.not_met).is_multiple_of(50) {
            println!("{name}: {tally}");
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_sweep_are_all_of_it_and_each_once() {
        for parts in 1..5 {
            let mut tried: Vec<usize> = (1..=parts)
                .flat_map(|number| Part { number, of: parts }.of(0..10).collect::<Vec<_>>())
                .collect();
            tried.sort_unstable();
            assert_eq!(tried, (0..10).collect::<Vec<_>>());
        }
        assert_eq!("2/4".parse::<Part>().unwrap(), Part { number: 2, of: 4 });
        for wrong in ["", "2", "0/4", "5/4", "1/0", "a/b"] {
            assert!(wrong.parse::<Part>().is_err(), "{wrong}");
        }
    }
}
