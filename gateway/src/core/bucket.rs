//! Token buckets in whole numbers: how often something may happen, counted in ticks.

use shared::tick::{Tick, TickRate};

/// How fast a bucket fills and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct BucketRule {
    /// Parts of a token that one tick adds; a token has `token` parts.
    fill: u64,
    token: u64,
    full: u64,
}

impl BucketRule {
    /// `per_s` tokens per second, at most `burst` at once.
    pub(super) fn new(rate: TickRate, per_s: u32, burst: u32) -> Self {
        let token = u64::from(rate.hz());
        Self { fill: u64::from(per_s), token, full: token * u64::from(burst) }
    }
}

/// A bucket; full at the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    level: u64,
    at: Tick,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(rule: BucketRule, now: Tick) -> Self {
        Self { level: rule.full, at: now }
    }

    /// Takes a token out, if there is one.
    pub(super) fn take(&mut self, rule: BucketRule, now: Tick) -> bool {
        let added = now.since(self.at).saturating_mul(rule.fill);
        self.level = self.level.saturating_add(added).min(rule.full);
        self.at = now;
        let enough = self.level >= rule.token;
        if enough {
            self.level -= rule.token;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_exactly_the_rate() {
        let rule = BucketRule::new(TickRate::new(1000), 100, 200);
        let mut bucket = Bucket::full(rule, Tick(0));
        let mut taken = |now| (0..1000).filter(|_| bucket.take(rule, now)).count();
        assert_eq!(taken(Tick(0)), 200);
        assert_eq!(taken(Tick(9)), 0, "a token needs ten ticks");
        assert_eq!(taken(Tick(10)), 1);
        assert_eq!(taken(Tick(1_010)), 100);
        assert_eq!(taken(Tick(u64::MAX)), 200, "never more than the burst");
    }

    #[test]
    fn slow_rates_lose_nothing_to_rounding() {
        let rule = BucketRule::new(TickRate::new(1000), 3, 1);
        let mut bucket = Bucket::full(rule, Tick(0));
        let taken = (0..=10_000).filter(|&tick| bucket.take(rule, Tick(tick))).count();
        assert_eq!(taken, 1 + 29, "one at once, then one in every 334 ticks");
    }
}
