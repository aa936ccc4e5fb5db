//! Power cuts that lose what was not flushed: a spread of the states that they may leave.
#![allow(missing_docs, reason = "a test's name says it")]

use node_tests::Suite;
use node_tests::powerloss::{Extent, lost_writes};

#[test]
fn nothing_that_was_flushed_is_needed_in_vain() {
    let extent = Extent { spread: Some(3), nodes: 1 };
    let tally = lost_writes(Suite::Bookworm, extent).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(tally.lost.is_empty() && tally.unflushed.is_empty(), "{tally}");
    println!("{tally}");
}
