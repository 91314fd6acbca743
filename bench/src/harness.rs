//! Rounds: product and yardsticks take turns, so that a busy machine slows all of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::clock;
use crate::error::{BenchError, Result};
use crate::figure::Series;

/// Time for which a side is measured that is measured by time.
const ROUND: Duration = Duration::from_millis(700);
/// What is left of counts and times in a quick run, and the least of a count.
const QUICK_PART: u32 = 200;
const QUICK_COUNT_MIN: usize = 20;

/// How often and how long is measured, and who watches.
pub struct Harness<'a> {
    rounds: u32,
    is_quick: bool,
    stop: &'a AtomicBool,
    watch: &'a mut dyn FnMut(&Progress<'_>),
}

/// How far a measurement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is measured.
    pub what: &'a str,
    /// The round that begins, from one.
    pub round: u32,
    /// How many there are.
    pub rounds: u32,
    /// How long the rest of this measurement will probably take; unknown in the first round.
    pub left: Option<Duration>,
}

/// One side of a comparison: measures once, the round given, and says some values.
pub type Side<'a, const VALUES: usize> = &'a mut dyn FnMut(u32) -> Result<[f64; VALUES]>;

impl<'a> Harness<'a> {
    /// Measures everything `rounds` times, and gives up between two sides once `stop` is set. A
    /// quick run shrinks every figure: it shows that all of it works, and measures nothing.
    pub fn new(
        rounds: u32,
        is_quick: bool,
        stop: &'a AtomicBool,
        watch: &'a mut dyn FnMut(&Progress<'_>),
    ) -> Self {
        Self { rounds, is_quick, stop, watch }
    }

    /// `full`, or what is left of it in a quick run.
    #[must_use]
    pub fn count(&self, full: usize) -> usize {
        let part = usize::try_from(QUICK_PART).unwrap_or(usize::MAX);
        if self.is_quick { (full / part).max(QUICK_COUNT_MIN) } else { full }
    }

    /// How long a side is measured that is measured by time.
    #[must_use]
    pub fn round_time(&self) -> Duration {
        if self.is_quick { ROUND / QUICK_PART } else { ROUND }
    }

    /// Lets all sides take turns for all rounds; who begins changes with every round. What each
    /// side said stands in the order of the sides.
    ///
    /// # Errors
    /// The first error of a side, or [`BenchError::Stopped`].
    pub fn alternate<const SIDES: usize, const VALUES: usize>(
        &mut self,
        what: &str,
        sides: [Side<'_, VALUES>; SIDES],
    ) -> Result<[[Series; VALUES]; SIDES]> {
        let mut told: [[Series; VALUES]; SIDES] = std::array::from_fn(|_| no_rounds());
        let begun = clock::now();
        for round in 0..self.rounds {
            self.tell(what, round, begun);
            let forwards = 0..SIDES;
            let order: Vec<_> =
                if round % 2 == 0 { forwards.collect() } else { forwards.rev().collect() };
            for side in order {
                if self.stop.load(Ordering::Relaxed) {
                    return Err(BenchError::Stopped);
                }
                let values = sides[side](round)?;
                for (series, value) in told[side].iter_mut().zip(values) {
                    series.push(value);
                }
            }
        }
        Ok(told)
    }

    fn tell(&mut self, what: &str, round: u32, begun: Instant) {
        let left = begun.elapsed().checked_div(round).map(|each| each * (self.rounds - round));
        (self.watch)(&Progress { what, round: round + 1, rounds: self.rounds, left });
    }
}

fn no_rounds<const VALUES: usize>() -> [Series; VALUES] {
    std::array::from_fn(|_| Series::default())
}

/// So many a second, of `count` since `start`.
#[must_use]
pub fn per_second(count: usize, start: Instant) -> f64 {
    // Counts of this crate are far below 2^52.
    count as f64 / start.elapsed().as_secs_f64()
}

/// The median and the 99th percentile. Sorts the values.
#[must_use]
pub fn percentiles(values: &mut [f64]) -> [f64; 2] {
    values.sort_unstable_by(f64::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 100).copied().unwrap_or_default();
    [at(50), at(99)]
}

/// Calls `step` for `count` times and says median and 99th percentile of how long one took, in
/// microseconds.
///
/// # Errors
/// That of the first call that fails.
pub fn time_each(count: usize, mut step: impl FnMut() -> Result<()>) -> Result<[f64; 2]> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = clock::now();
        step()?;
        times.push(clock::micros_since(start));
    }
    Ok(percentiles(&mut times))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn sides_take_turns_and_who_begins_changes() {
        let stop = AtomicBool::new(false);
        let mut seen = Vec::new();
        let mut watch = |progress: &Progress<'_>| {
            seen.push((progress.round, progress.rounds, progress.left.is_some()));
        };
        let mut harness = Harness::new(3, false, &stop, &mut watch);
        let order = RefCell::new(Vec::new());
        let side = |name: &'static str, times: f64| {
            let order = &order;
            move |round: u32| {
                order.borrow_mut().push(name);
                Ok([times * f64::from(round), times])
            }
        };
        let (mut ours, mut raw) = (side("ours", 2.0), side("raw", 5.0));
        let told = harness.alternate("it", [&mut ours, &mut raw]).unwrap();
        assert_eq!(*order.borrow(), ["ours", "raw", "raw", "ours", "ours", "raw"]);
        let series = |rounds: [f64; 3]| Series::new(rounds.to_vec());
        let expected = [
            [series([0.0, 2.0, 4.0]), series([2.0; 3])],
            [series([0.0, 5.0, 10.0]), series([5.0; 3])],
        ];
        assert_eq!(told, expected);
        assert_eq!(seen, [(1, 3, false), (2, 3, true), (3, 3, true)]);
    }

    #[test]
    fn who_asks_to_stop_is_heard_before_the_next_side() {
        let stop = AtomicBool::new(false);
        let mut watch = |_: &Progress<'_>| {};
        let mut harness = Harness::new(5, false, &stop, &mut watch);
        let mut asks = |_| {
            stop.store(true, Ordering::Relaxed);
            Ok([1.0])
        };
        let mut never = |_| -> Result<[f64; 1]> { panic!("it was asked to stop") };
        let stopped = harness.alternate("it", [&mut asks, &mut never]);
        assert!(matches!(stopped, Err(BenchError::Stopped)), "{stopped:?}");
    }

    #[test]
    fn the_error_of_a_side_ends_the_measurement() {
        let stop = AtomicBool::new(false);
        let mut watch = |_: &Progress<'_>| {};
        let mut harness = Harness::new(2, false, &stop, &mut watch);
        let mut fails = |_| -> Result<[f64; 1]> { Err(BenchError::Silent { what: "it" }) };
        let failed = harness.alternate("it", [&mut fails]);
        assert!(matches!(failed, Err(BenchError::Silent { .. })), "{failed:?}");
    }

    #[test]
    fn a_quick_run_shrinks_counts_and_times() {
        let stop = AtomicBool::new(false);
        let mut watch = |_: &Progress<'_>| {};
        let quick = Harness::new(1, true, &stop, &mut watch);
        assert_eq!((quick.count(1_000_000), quick.count(100)), (5_000, 20));
        assert!(quick.round_time() < Duration::from_millis(10));
        let full = Harness::new(1, false, &stop, &mut watch);
        assert_eq!((full.count(100), full.round_time()), (100, ROUND));
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let mut values: Vec<_> = (0..200).rev().map(f64::from).collect();
        assert_eq!(percentiles(&mut values), [100.0, 198.0]);
        assert_eq!(percentiles(&mut []), [0.0, 0.0]);
    }
}
