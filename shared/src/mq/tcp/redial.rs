//! When a node dials a peer again: soon after a connection that brought something, later and
//! later after attempts that did not.

use crate::rng::Draws;

/// The first delay, before jitter.
const DELAY_NS_MIN: u64 = 10_000_000;
/// The longest delay, before jitter.
const DELAY_NS_MAX: u64 = 1_000_000_000;

const _: () = assert!(DELAY_NS_MIN < DELAY_NS_MAX);

/// The attempts to reach one peer.
#[derive(Debug)]
pub(super) struct Redial {
    at_ns: u64,
    in_vain: u32,
    /// What this side waits in addition, so that the other one dials first.
    courtesy_ns: u64,
}

impl Redial {
    /// The first attempt is due at `now_ns`, or `courtesy_ns` later.
    pub(super) const fn new(now_ns: u64, courtesy_ns: u64) -> Self {
        Self { at_ns: now_ns + courtesy_ns, in_vain: 0, courtesy_ns }
    }

    pub(super) const fn at_ns(&self) -> u64 {
        self.at_ns
    }

    /// A connection is gone, or an attempt has failed.
    pub(super) fn failed(&mut self, now_ns: u64, brought_something: bool, jitter: &mut Draws) {
        self.in_vain = if brought_something { 0 } else { self.in_vain.saturating_add(1) };
        let doubled = DELAY_NS_MIN.saturating_mul(1 << self.in_vain.min(20));
        let delay = doubled.min(DELAY_NS_MAX);
        // Half to all of it.
        let jittered = delay / 2 + jitter.below(delay / 2 + 1);
        self.at_ns = now_ns + self.courtesy_ns + jittered;
    }

    /// What is known of the peer has changed: dial at once.
    pub(super) const fn hurry(&mut self, now_ns: u64) {
        self.in_vain = 0;
        self.at_ns = now_ns + self.courtesy_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_a_bound_and_start_again_when_something_came() {
        let (mut redial, mut jitter) = (Redial::new(5, 0), Draws::new(1, 1));
        assert_eq!(redial.at_ns(), 5);
        let mut before = 0;
        for attempt in 0..40 {
            redial.failed(0, false, &mut jitter);
            let delay = redial.at_ns();
            assert!(delay * 2 >= before.min(DELAY_NS_MAX / 2), "attempt {attempt}");
            assert!((DELAY_NS_MIN..=DELAY_NS_MAX).contains(&delay), "attempt {attempt}");
            before = delay;
        }
        assert!(before >= DELAY_NS_MAX / 2);
        redial.failed(0, true, &mut jitter);
        assert!(redial.at_ns() <= DELAY_NS_MIN);
    }

    #[test]
    fn one_side_leaves_the_other_time_to_dial() {
        let (mut redial, mut jitter) = (Redial::new(0, 100), Draws::new(1, 1));
        assert_eq!(redial.at_ns(), 100);
        redial.failed(0, true, &mut jitter);
        assert!(redial.at_ns() > 100);
    }
}
