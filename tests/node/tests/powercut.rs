//! The power goes at a random moment of each kind of run. `NODE_SETUP_SEED` has the moments of an earlier time again, and
//! `NODE_SETUP_POWER_CUTS` makes more of them.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use std::time::{SystemTime, UNIX_EPOCH};

use node_tests::Suite;
use node_tests::powercut::power_cuts;

fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().expect("a number"))
}

#[test]
fn the_power_goes() {
    let count = number("NODE_SETUP_POWER_CUTS").and_then(|count| count.try_into().ok()).unwrap_or(4);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let seed = number("NODE_SETUP_SEED").unwrap_or_else(now);
    let tally = power_cuts(Suite::Forky, count, seed, |cut| println!("{cut}")).expect("a node that works");
    println!("{tally}");
    assert_eq!(tally.lost().count(), 0, "{tally}");
}
