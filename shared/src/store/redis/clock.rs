//! The clock of what talks to Redis: deadlines and pauses are measured by it alone.

use std::time::Instant;

/// The time now, on a clock that never goes backward.
#[expect(clippy::disallowed_methods, reason = "this file owns the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
