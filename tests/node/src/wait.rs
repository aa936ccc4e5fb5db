//! Waiting for a thing, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Asks `holds` until it says yes (true) or `limit` is over (false), with a pause between two questions.
pub(crate) fn until(
    limit: Duration,
    pause: Duration,
    mut holds: impl FnMut() -> Result<bool>,
) -> Result<bool> {
    let end = Instant::now() + limit;
    loop {
        if holds()? {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        thread::sleep(pause);
    }
}
