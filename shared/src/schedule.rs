//! When a role ticks, and with which number: a pure function of the time that has passed.
//!
//! Tick `n` is due `n` periods after the clock's origin, on an absolute schedule, so that nothing
//! drifts. All times are nanoseconds of one `Clock`.

use crate::ids::Role;
use crate::tick::{Tick, TickRate};

/// How many ticks a fixed pace makes up for one after the other. With more, it skips forward.
pub const TICK_DEBT_MAX: u64 = 10;
/// How often an [`Pace::OnInput`] role ticks while nothing arrives, so that its timers run.
pub const IDLE_TICK_MS: u64 = 10;

/// When a role ticks. Ticks are time at the rate in both cases, so numbers may be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the rate, whether something is there or not.
    Fixed(TickRate),
    /// As soon as an input is there, at most at the rate; and every 10 ms while nothing is.
    OnInput(TickRate),
}

impl Pace {
    /// The pace of a role.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Gateway => Self::OnInput(TickRate::new(1_000)),
            Role::Baseapp => Self::Fixed(TickRate::new(200)),
            Role::Battleapp => Self::Fixed(TickRate::new(100)),
            Role::Social | Role::Matchmaker => Self::OnInput(TickRate::new(200)),
        }
    }

    /// The rate in which ticks are counted.
    #[must_use]
    pub const fn rate(self) -> TickRate {
        match self {
            Self::Fixed(rate) | Self::OnInput(rate) => rate,
        }
    }
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Run this tick.
    Tick {
        /// Its number.
        tick: Tick,
        /// How many ticks had to be left out before it; never counts idle time of `OnInput`.
        skipped: u64,
    },
    /// Nothing before this time, unless an input arrives.
    Wait {
        /// The time.
        until_ns: u64,
    },
}

/// The schedule of one role.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    last: u64,
}

impl Schedule {
    /// A schedule before its first tick.
    #[must_use]
    pub const fn new(pace: Pace) -> Self {
        Self { pace, last: 0 }
    }

    /// The last tick that was due; zero before the first.
    #[must_use]
    pub const fn last(&self) -> Tick {
        Tick(self.last)
    }

    /// What is to be done at `now_ns`, where `input` says whether an input waits.
    pub fn at(&mut self, now_ns: u64, input: bool) -> Due {
        match self.pace {
            Pace::Fixed(rate) => self.fixed(rate, now_ns),
            Pace::OnInput(rate) => self.on_input(rate, now_ns, input),
        }
    }

    fn fixed(&mut self, rate: TickRate, now_ns: u64) -> Due {
        let (current, next) = (tick_at(rate, now_ns), self.last + 1);
        if current < next {
            return Due::Wait { until_ns: due_ns(rate, next) };
        }
        let behind = current - next;
        let skipped = if behind > TICK_DEBT_MAX { behind } else { 0 };
        self.last = next + skipped;
        Due::Tick { tick: Tick(self.last), skipped }
    }

    fn on_input(&mut self, rate: TickRate, now_ns: u64, input: bool) -> Due {
        let current = tick_at(rate, now_ns);
        let wanted = if input || self.last == 0 {
            self.last + 1
        } else {
            self.last + rate.ticks_of_ms(IDLE_TICK_MS)
        };
        if current < wanted {
            return Due::Wait { until_ns: due_ns(rate, wanted) };
        }
        self.last = current;
        Due::Tick { tick: Tick(current), skipped: 0 }
    }
}

/// The last tick that is due at `now_ns`.
fn tick_at(rate: TickRate, now_ns: u64) -> u64 {
    let ticks = u128::from(now_ns) * u128::from(rate.hz()) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// When `tick` is due (rounded up, so that it is due then).
fn due_ns(rate: TickRate, tick: u64) -> u64 {
    let ns = (u128::from(tick) * 1_000_000_000).div_ceil(u128::from(rate.hz()));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn fixed(hz: u32) -> Schedule {
        Schedule::new(Pace::Fixed(TickRate::new(hz)))
    }

    fn tick(tick: u64, skipped: u64) -> Due {
        Due::Tick { tick: Tick(tick), skipped }
    }

    #[test]
    fn a_fixed_pace_does_not_drift_however_late_it_is_woken() {
        let mut schedule = fixed(200);
        for n in 1..=1_000 {
            assert_eq!(schedule.at(n * 5 * MS + n % 4 * MS, false), tick(n, 0));
            let until_ns = (n + 1) * 5 * MS;
            assert_eq!(schedule.at(n * 5 * MS + 4 * MS, false), Due::Wait { until_ns });
        }
    }

    #[test]
    fn a_small_debt_is_made_up_tick_by_tick() {
        let mut schedule = fixed(100);
        let late = (TICK_DEBT_MAX + 1) * 10 * MS;
        for n in 1..=TICK_DEBT_MAX + 1 {
            assert_eq!(schedule.at(late, false), tick(n, 0));
        }
        assert!(matches!(schedule.at(late, false), Due::Wait { .. }));
    }

    #[test]
    fn a_large_debt_is_skipped_and_the_number_stays_the_time() {
        let mut schedule = fixed(100);
        assert_eq!(schedule.at(10 * MS, false), tick(1, 0));
        assert_eq!(schedule.at(1_000 * MS, false), tick(100, 98));
        assert_eq!(schedule.last(), Tick(100));
    }

    #[test]
    fn a_rate_whose_period_is_no_whole_number_is_never_due_in_between() {
        let mut schedule = fixed(60);
        let mut now = 0;
        for n in 1..=600 {
            if let Due::Wait { until_ns } = schedule.at(now, false) {
                now = until_ns;
            }
            assert_eq!(schedule.at(now, false), tick(n, 0));
        }
        assert_eq!(now, 10_000 * MS);
    }

    #[test]
    fn an_input_makes_a_tick_at_once_but_not_above_the_rate() {
        let mut schedule = Schedule::new(Pace::OnInput(TickRate::new(1_000)));
        assert_eq!(schedule.at(MS, false), tick(1, 0));
        assert_eq!(schedule.at(MS + 10, true), Due::Wait { until_ns: 2 * MS });
        assert_eq!(schedule.at(5 * MS + 10, true), tick(5, 0));
        assert_eq!(schedule.at(6 * MS, false), Due::Wait { until_ns: 15 * MS });
        assert_eq!(schedule.at(15 * MS, false), tick(15, 0));
    }
}
