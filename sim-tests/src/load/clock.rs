//! The clock of a run: the one place here that asks what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Time since the beginning of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub(super) fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// Microseconds since the beginning.
    pub(super) fn us(self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the beginning, rounded down.
    pub(super) fn ms(self) -> u64 {
        self.us() / 1000
    }

    /// Seconds since the beginning.
    pub(super) fn seconds(self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// The moment `ms` milliseconds after the beginning.
    pub(super) fn at_ms(self, ms: u64) -> Instant {
        self.began + Duration::from_millis(ms)
    }
}

/// A number that no other run has: request ids must not be those of an earlier run.
#[expect(clippy::disallowed_methods, reason = "two runs differ by nothing but the time of day")]
pub(super) fn unique() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    shared::rng::mix(nanos, &[u64::from(std::process::id())])
}
