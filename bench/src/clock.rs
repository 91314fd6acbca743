//! The only file of this crate that reads the clock, or waits for time to pass.

use std::time::{Duration, Instant};

/// Calls between two looks at the clock of a [`Patience`].
const CALLS_PER_LOOK: u32 = 1 << 14;

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, in this file")]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets time pass, for what tells nobody when it is ready.
#[expect(clippy::disallowed_methods, reason = "a server of another process is asked now and then")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Microseconds since `start`.
#[must_use]
pub fn micros_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}

/// Ends a loop that would otherwise wait for ever, without reading the clock in every turn.
#[derive(Debug)]
pub(crate) struct Patience {
    start: Instant,
    limit: Duration,
    calls: u32,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { start: now(), limit, calls: 0 }
    }

    /// Whether the time is over. Looks at the clock in some of its calls only.
    pub(crate) fn is_over(&mut self) -> bool {
        self.calls = self.calls.wrapping_add(1);
        self.calls.is_multiple_of(CALLS_PER_LOOK) && self.start.elapsed() > self.limit
    }
}
