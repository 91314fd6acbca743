//! How long the last tickets waited.

/// Waits that are remembered; a further one replaces the oldest.
const WAITS_MAX: usize = 256;

/// The last 256 waits in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Waits {
    ring: Vec<u64>,
    oldest: usize,
}

impl Waits {
    pub(super) fn push(&mut self, wait_ms: u64) {
        if self.ring.len() < WAITS_MAX {
            self.ring.push(wait_ms);
        } else {
            self.ring[self.oldest] = wait_ms;
            self.oldest = (self.oldest + 1) % WAITS_MAX;
        }
    }

    /// The wait that `percent` of the remembered ones do not exceed; zero if there are none.
    pub(super) fn percentile(&self, percent: usize) -> u64 {
        let mut sorted = self.ring.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_last_waits_only() {
        let mut waits = Waits::default();
        assert_eq!(waits.percentile(50), 0);
        (0..1000).for_each(|_| waits.push(9_999));
        (1..=256).for_each(|wait| waits.push(wait));
        assert_eq!(waits.percentile(50), 128);
        assert_eq!(waits.percentile(100), 256);
    }
}
