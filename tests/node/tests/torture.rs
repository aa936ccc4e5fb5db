//! A spread of the points that `make torture` tries all of.
#![allow(missing_docs, reason = "a test's name says it")]

use node_tests::Suite;
use node_tests::torture::{Choice, Kind, Part, Scenario, Sweep, sweep};

fn a_spread(kind: Kind, scenario: Scenario, suite: Suite, every: usize) {
    let choice = Choice::Part(Part::one_of(every));
    let tally = sweep(Sweep { scenario, suite, kind, choice, jobs: 1 });
    assert!(tally.lost.is_empty(), "{tally}\n{}", tally.lost.join("\n"));
    assert!(tally.tried > 3, "too few to mean anything: {tally}");
}

#[test]
fn installs_that_are_killed() {
    a_spread(Kind::Kill, Scenario::Install, Suite::Bookworm, 71);
}

#[test]
fn upgrades_that_are_killed() {
    a_spread(Kind::Kill, Scenario::Upgrade, Suite::Trixie, 131);
}

#[test]
fn upgrades_that_are_killed_and_given_up() {
    a_spread(Kind::GiveUp, Scenario::Upgrade, Suite::Forky, 61);
}

#[test]
fn rollbacks_that_are_killed() {
    a_spread(Kind::Kill, Scenario::Rollback, Suite::Trixie, 31);
}

#[test]
fn removals_that_are_killed() {
    a_spread(Kind::Kill, Scenario::Removal, Suite::Bookworm, 41);
}

#[test]
fn installs_with_calls_that_fail() {
    a_spread(Kind::Error, Scenario::Install, Suite::Bookworm, 97);
}

#[test]
fn upgrades_with_calls_that_fail() {
    a_spread(Kind::Error, Scenario::Upgrade, Suite::Trixie, 97);
}

#[test]
fn removals_with_calls_that_fail() {
    a_spread(Kind::Error, Scenario::Removal, Suite::Bookworm, 97);
}
