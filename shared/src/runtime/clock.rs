//! The clock of the runtime and of the node MQ: the one place of this crate that reads real
//! time.

use std::time::{Duration, Instant};

/// Nanoseconds since the runtime of a role or node was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that shows `ahead_ns` now.
    #[expect(clippy::disallowed_methods, reason = "this file owns the clock")]
    pub(crate) fn started(ahead_ns: u64) -> Self {
        let now = Instant::now();
        Self { origin: now.checked_sub(Duration::from_nanos(ahead_ns)).unwrap_or(now) }
    }

    /// What it shows.
    #[expect(clippy::disallowed_methods, reason = "this file owns the clock")]
    pub(crate) fn now_ns(&self) -> u64 {
        let elapsed = Instant::now().saturating_duration_since(self.origin);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The instant at which it will show `at_ns`.
    pub(super) fn instant_of(&self, at_ns: u64) -> Instant {
        self.origin + Duration::from_nanos(at_ns)
    }
}
