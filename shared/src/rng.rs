//! Randomness by counter: every draw is a pure function of what it is for.
//!
//! There is no generator that entities share, so the order in which they draw does not matter.
//! The mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable
//! pseudorandom number generators", OOPSLA 2014), applied to each word in turn.

/// Mixes `words` under `seed` into 64 evenly distributed bits.
#[must_use]
pub fn mix(seed: u64, words: &[u64]) -> u64 {
    words.iter().fold(finalise(seed), |state, word| {
        finalise(state ^ word.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    })
}

/// A number in `0..bound` drawn from `mix(seed, words)`; zero for a bound of zero.
#[must_use]
pub fn below(bound: u64, seed: u64, words: &[u64]) -> u64 {
    let wide = u128::from(mix(seed, words)) * u128::from(bound);
    u64::try_from(wide >> 64).unwrap_or(0)
}

/// A sequence of draws for one purpose: `mix(seed, [purpose, 0])`, `[purpose, 1]`, ...
#[derive(Clone, Debug)]
pub struct Draws {
    seed: u64,
    purpose: u64,
    drawn: u64,
}

impl Draws {
    /// The sequence of `seed` for `purpose`.
    #[must_use]
    pub const fn new(seed: u64, purpose: u64) -> Self {
        Self { seed, purpose, drawn: 0 }
    }

    /// The next number in `0..bound`; zero for a bound of zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        below(bound, self.seed, &[self.purpose, self.drawn])
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.seed, &[self.purpose, self.drawn])
    }
}

const fn finalise(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_frozen_because_replays_depend_on_it() {
        assert_eq!(mix(0, &[]), 0xE220_A839_7B1D_CDAF);
        assert_eq!(mix(1, &[2, 3]), mix(1, &[2, 3]));
        assert_ne!(mix(1, &[2, 3]), mix(1, &[3, 2]));
    }

    #[test]
    fn draws_stay_below_their_bound_and_reach_all_of_it() {
        let mut draws = Draws::new(7, 1);
        let mut seen = [0u32; 6];
        for _ in 0..6000 {
            seen[usize::try_from(draws.below(6)).expect("below 6")] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
        assert_eq!(draws.below(0), 0);
    }
}
