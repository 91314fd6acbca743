//! The only file of this crate that reads the clock.

use std::time::{Instant, SystemTime};

/// Now, for measuring how long something takes.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this file owns the clock of the shell")]
pub fn now() -> Instant {
    Instant::now()
}

/// Now, for showing people when something happened.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this file owns the clock of the shell")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}
