//! Time as the cores know it: a tick number, and how many ticks make a second.

use serde::{Deserialize, Serialize};

/// The number of a tick since the core was started. The only clock a core ever sees.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick `ticks` later.
    #[must_use]
    pub const fn after(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// How many ticks have passed since `earlier`; zero if `earlier` lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The tick that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        self.after(1)
    }
}

/// Ticks per second of a core. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u32")]
pub struct TickRate(u32);

impl From<u32> for TickRate {
    fn from(hz: u32) -> Self {
        Self::new(hz)
    }
}

impl TickRate {
    /// A rate of `hz` ticks per second; zero is taken as one.
    #[must_use]
    pub const fn new(hz: u32) -> Self {
        Self(if hz == 0 { 1 } else { hz })
    }

    /// Ticks per second.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.0
    }

    /// How many ticks last at least `ms` milliseconds (rounded up, at least one).
    #[must_use]
    pub const fn ticks_of_ms(self, ms: u64) -> u64 {
        let ticks = ms.saturating_mul(self.0 as u64).div_ceil(1000);
        if ticks == 0 { 1 } else { ticks }
    }

    /// How long a core has run at a tick, in ms (rounded down).
    #[must_use]
    pub const fn ms_at(self, tick: Tick) -> u64 {
        tick.0.saturating_mul(1_000) / self.0 as u64
    }

    /// Length of one tick in nanoseconds (rounded down).
    #[must_use]
    pub const fn period_ns(self) -> u64 {
        1_000_000_000 / self.0 as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up_to_whole_ticks() {
        let rate = TickRate::new(200);
        assert_eq!(rate.ticks_of_ms(0), 1);
        assert_eq!(rate.ticks_of_ms(5), 1);
        assert_eq!(rate.ticks_of_ms(6), 2);
        assert_eq!(rate.ticks_of_ms(1000), 200);
    }

    #[test]
    fn a_rate_that_was_read_is_never_zero() {
        assert_eq!(crate::wire::decode(&[0], 8), Ok(TickRate::new(1)));
        assert_eq!(crate::wire::decode(&[200], 8), Ok(TickRate::new(200)));
    }
}
