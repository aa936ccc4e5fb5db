//! Power cuts that lose what was not flushed: a spread of the states that `make torture` tries all of.
#![allow(missing_docs, reason = "a test's name says it")]

use node_tests::Suite;
use node_tests::powerloss::{Sweep, sweep};
use node_tests::torture::{Part, Scenario};

#[test]
fn what_was_not_flushed_is_not_needed() {
    let scenarios = &Scenario::ALL;
    let tally = sweep(Sweep { suite: Suite::Bookworm, scenarios, part: Part::one_of(127), jobs: 1 });
    let tally = tally.unwrap_or_else(|error| panic!("{error:#}"));
    let found = [tally.lost.join("\n"), tally.unflushed.join("\n")].concat();
    assert!(found.is_empty(), "{tally}\n{found}");
    assert!(tally.tried > 3, "too few to mean anything: {tally}");
}
