//! How long to wait for a server, and whether and when to ask it again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest that a server may ask us to stay away (`Retry-After`).
const LONGEST_ABSENCE: Duration = Duration::from_mins(1);

/// How long a server may keep us waiting, and how often it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For its address, and again for the connection with TLS on it.
    pub connect: Duration,
    /// For the next byte, at any time.
    pub stall: Duration,
    /// How many bytes a second it must send, on the average of a window.
    pub floor: u64,
    /// That window.
    pub window: Duration,
    /// For everything, pauses included.
    pub total: Duration,
    /// How often it may fail in a row without having sent anything.
    pub tries: u32,
    /// How long to stay away after the first failure; doubled for each that follows.
    pub pause: Duration,
    /// The longest of these.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            floor: 4 << 10,
            window: Duration::from_secs(30),
            total: Duration::from_mins(30),
            tries: 4,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
        }
    }
}

impl Patience {
    /// For what is not needed: asked once, and not waited for long.
    pub fn in_a_hurry() -> Self {
        let short = Duration::from_secs(5);
        Self { connect: short, stall: short, total: 2 * short, tries: 1, ..Self::default() }
    }
}

/// Whether what failed may go well another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It will fail in the same way.
    Never,
    /// Later, and no sooner than the server asked for.
    Later(Option<Duration>),
    /// From the first byte: what came so far is of something else.
    FromStart,
}

impl Patience {
    /// How long to stay away after the failure number `failures` in a row, `asked` being
    /// what the server asked for. None if there is no use in coming back.
    ///
    /// A random part keeps the clients that failed together from coming back together.
    pub(super) fn pause(&self, failures: u32, asked: Option<Duration>, dice: u64) -> Option<Duration> {
        if failures >= self.tries || asked.is_some_and(|asked| asked > LONGEST_ABSENCE) {
            return None;
        }
        let doubled = self.pause.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let spread = doubled.min(self.longest_pause);
        let random = spread.mul_f64(f64::from(u32::try_from(dice >> 32).unwrap_or(0)) / f64::from(u32::MAX));
        Some(asked.unwrap_or(spread / 2) + random)
    }
}

/// A random number. Nothing secret hangs on it.
pub(super) fn dice() -> u64 {
    RandomState::new().hash_one(())
}

/// Measures how fast bytes come while they are waited for.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: u64,
    waited: Duration,
}

impl Meter {
    /// Adds what came, and how long it was waited for. Says whether the window that
    /// ends with it was slower than the floor.
    pub(super) fn add(&mut self, bytes: usize, waited: Duration, patience: &Patience) -> bool {
        self.bytes += bytes as u64;
        self.waited += waited;
        if self.waited < patience.window {
            return false;
        }
        let Self { bytes, waited } = std::mem::take(self);
        u128::from(bytes) * 1000 < u128::from(patience.floor) * waited.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_and_end() {
        let patience = Patience { tries: 7, ..Patience::default() };
        let shortest: Vec<_> = (1..=7).map(|failures| patience.pause(failures, None, 0)).collect();
        let millis = [250, 500, 1000, 2000, 4000, 5000].map(|millis| Some(Duration::from_millis(millis)));
        assert_eq!(shortest, [millis.as_slice(), &[None]].concat());
        assert_eq!(patience.pause(6, None, u64::MAX), Some(15 * SECOND));
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let patience = Patience::default();
        assert_eq!(patience.pause(1, Some(7 * SECOND), 0), Some(7 * SECOND));
        assert!(patience.pause(1, Some(7 * SECOND), u64::MAX) > Some(7 * SECOND));
        assert_eq!(patience.pause(1, Some(61 * SECOND), 0), None);
    }

    #[test]
    fn thirty_that_fail_together_do_not_come_back_together() {
        let patience = Patience::default();
        let mut pauses: Vec<_> = (0..30).filter_map(|_| patience.pause(2, None, dice())).collect();
        pauses.sort();
        let spread = pauses[29].saturating_sub(pauses[0]);
        assert!(spread > patience.pause / 2, "all within {spread:?}");
    }

    #[test]
    fn slowness_is_judged_by_the_window() {
        let patience = Patience { floor: 100, window: 2 * SECOND, ..Patience::default() };
        let mut meter = Meter::default();
        assert!(!meter.add(1, SECOND, &patience), "the window is not over");
        assert!(meter.add(1, SECOND, &patience), "2 bytes in 2 s");
        assert!(!meter.add(200, SECOND, &patience), "a new window");
        assert!(!meter.add(0, SECOND, &patience), "just fast enough");
    }
}
