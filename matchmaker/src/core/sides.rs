//! Which of the parties at hand fill two sides exactly, and who fights with whom.

/// Largest side: the reachable fillings of both sides fit into one 64-bit mask.
pub(super) const SIDE_FIGHTERS_MAX: u8 = 7;
/// Parties in one battle.
const PARTIES_MAX: usize = 2 * SIDE_FIGHTERS_MAX as usize;
/// What it counts, in rating points of a side's sum, if one side has parties where the other has
/// single players: per unit of difference between the sums of squared party sizes.
const PARTY_SIZES_WEIGHT: i64 = 15;

/// Bits between the fillings `a` and `a + 1` of the first side in [`Filling::reached`].
const STRIDE: u8 = 8;

/// Looks for parties that fill two sides exactly; parties are offered one after the other.
///
/// Bit `a * 8 + b` of `reached` says that some of the parties offered so far fill `a` places of
/// one side and `b` of the other. For each such filling the party that first completed it is
/// kept; what it was added to had been reached before, so walking back never meets a party twice.
pub(super) struct Filling {
    side: u8,
    reached: u64,
    within: [u64; 1 + SIDE_FIGHTERS_MAX as usize],
    came: [(u16, u8); 64],
}

impl Filling {
    /// Two empty sides of `side` places.
    pub(super) fn new(side: u8) -> Self {
        assert!((1..=SIDE_FIGHTERS_MAX).contains(&side), "content allows no such side");
        let mut within = [0; 1 + SIDE_FIGHTERS_MAX as usize];
        for (size, mask) in (0..=side).zip(&mut within) {
            // Fillings to whose second side `size` more can be added.
            let row = (1u64 << (side + 1 - size)) - 1;
            *mask = (0..=side).fold(0, |mask, a| mask | row << (a * STRIDE));
        }
        Self { side, reached: 0, within, came: [(0, 0); 64] }
    }

    /// Offers party number `party` of `size` members; true if two full sides are possible now.
    /// The first party goes to the first side.
    pub(super) fn offer(&mut self, party: u16, size: u8) -> bool {
        if size == 0 || size > self.side {
            return false;
        }
        if self.reached == 0 {
            let filling = size * STRIDE;
            self.reached = 1 << filling;
            self.came[usize::from(filling)] = (party, size);
            return false;
        }
        let first_rows = (1u64 << ((self.side + 1 - size) * STRIDE)) - 1;
        let first = (self.reached & first_rows) << (size * STRIDE);
        let second = (self.reached & self.within[usize::from(size)]) << size;
        let mut new = (first | second) & !self.reached;
        self.reached |= new;
        while new != 0 {
            let bit = new.trailing_zeros();
            self.came[usize::try_from(bit).unwrap_or(0)] = (party, size);
            new &= new - 1;
        }
        self.reached & (1 << self.full()) != 0
    }

    /// The parties of the two full sides, in the order in which they were offered.
    pub(super) fn parties(&self, fillings: &mut Vec<u16>) {
        fillings.clear();
        let mut at = self.full();
        while at != 0 {
            let (party, size) = self.came[usize::from(at)];
            fillings.push(party);
            at = self.before(at, party, size);
        }
        fillings.reverse();
    }

    const fn full(&self) -> u8 {
        self.side * STRIDE + self.side
    }

    /// The filling to which `party` was added to give `at`: one that was reached by an earlier
    /// party.
    fn before(&self, at: u8, party: u16, size: u8) -> u8 {
        let earlier = |filling: u8| {
            filling == 0
                || self.reached & (1 << filling) != 0 && self.came[usize::from(filling)].0 < party
        };
        let first = at.checked_sub(size * STRIDE).filter(|&filling| earlier(filling));
        first.unwrap_or_else(|| at - size)
    }
}

/// A party for [`fairest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartyWeight {
    /// Members.
    pub(super) size: u8,
    /// Sum of their ratings.
    pub(super) rating_sum: i32,
}

/// Splits parties that can fill two sides of `side` places so that the sides are as equal as
/// possible in rating and in party sizes. Bit `n` of the answer says that party `n` fights on the
/// same side as party 0. Tries all splits, at most 2^13.
pub(super) fn fairest(side: u8, parties: &[PartyWeight]) -> u32 {
    let count = parties.len().min(PARTIES_MAX);
    let half = 1usize << count.saturating_sub(1);
    let total = parties.iter().fold(Sums::default(), |sums, party| sums.with(*party));
    let mut sums = vec![Sums::default(); half];
    sums[0] = parties.first().map_or(Sums::default(), |first| Sums::default().with(*first));
    let mut best = (i64::MAX, 0);
    for split in 0..half {
        if split != 0 {
            let lowest = usize::try_from(split.trailing_zeros()).unwrap_or(0);
            sums[split] = sums[split & (split - 1)].with(parties[lowest + 1]);
        }
        if sums[split].size == u32::from(side) {
            best = best.min((sums[split].unfairness(total), split));
        }
    }
    u32::try_from(best.1 << 1 | 1).unwrap_or(1)
}

#[derive(Clone, Copy, Default)]
struct Sums {
    size: u32,
    rating: i64,
    squares: i64,
}

impl Sums {
    fn with(self, party: PartyWeight) -> Self {
        Self {
            size: self.size + u32::from(party.size),
            rating: self.rating + i64::from(party.rating_sum),
            squares: self.squares + i64::from(party.size) * i64::from(party.size),
        }
    }

    fn unfairness(self, total: Self) -> i64 {
        let rating = (total.rating - 2 * self.rating).abs();
        rating + PARTY_SIZES_WEIGHT * (total.squares - 2 * self.squares).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parties chosen of `sizes`, if two sides of `side` can be filled.
    fn chosen(side: u8, sizes: &[u8]) -> Option<Vec<u16>> {
        let mut filling = Filling::new(side);
        let mut parties = Vec::new();
        for (party, &size) in (0..).zip(sizes) {
            if filling.offer(party, size) {
                filling.parties(&mut parties);
                return Some(parties);
            }
        }
        None
    }

    /// Whether the first of `sizes` and some others fill two sides, by trying everything.
    fn possible(side: u8, sizes: &[u8]) -> bool {
        fn go(sizes: &[u8], a: u8, b: u8) -> bool {
            if a == 0 && b == 0 {
                return true;
            }
            let Some((&size, rest)) = sizes.split_first() else { return false };
            (size <= a && go(rest, a - size, b))
                || (size <= b && go(rest, a, b - size))
                || go(rest, a, b)
        }
        sizes[0] <= side && go(&sizes[1..], side - sizes[0], side)
    }

    #[test]
    fn parties_are_chosen_exactly_when_two_full_sides_are_possible() {
        for number in 0..5u32.pow(7) {
            let mut rest = number;
            let sizes: Vec<u8> = std::iter::repeat_with(|| {
                let size = u8::try_from(rest % 5 + 1).unwrap();
                rest /= 5;
                size
            })
            .take(7)
            .collect();
            let Some(parties) = chosen(5, &sizes) else {
                assert!(!possible(5, &sizes), "{sizes:?}");
                continue;
            };
            let picked: Vec<u8> = parties.iter().map(|&party| sizes[usize::from(party)]).collect();
            assert_eq!(parties[0], 0, "{sizes:?}: the first is in");
            assert!(parties.is_sorted_by(|a, b| a < b), "{sizes:?}: {parties:?}");
            assert_eq!(picked.iter().sum::<u8>(), 10);
            assert!(possible(5, &picked), "{sizes:?}: {parties:?}");
        }
    }

    #[test]
    fn the_nearest_parties_are_taken_and_those_that_do_not_fit_left_out() {
        assert_eq!(chosen(2, &[1, 2, 1, 1, 1]), Some(vec![0, 1, 2]));
        assert_eq!(chosen(5, &[3, 3, 3, 2, 2]), Some(vec![0, 1, 3, 4]));
        assert_eq!(chosen(5, &[3, 3, 3, 3, 3]), None);
        assert_eq!(chosen(1, &[1, 1]), Some(vec![0, 1]));
    }

    fn split(side: u8, parties: &[(u8, i32)]) -> u32 {
        let weight = |&(size, rating_sum): &(u8, i32)| PartyWeight { size, rating_sum };
        fairest(side, &parties.iter().map(weight).collect::<Vec<_>>())
    }

    #[test]
    fn the_best_two_do_not_fight_side_by_side() {
        assert_eq!(split(2, &[(1, 2000), (1, 1900), (1, 1000), (1, 1000)]), 0b0101);
        assert_eq!(split(2, &[(1, 2000), (1, 1500), (1, 1500), (1, 1000)]), 0b1001);
    }

    #[test]
    fn parties_meet_parties_if_the_ratings_allow_it() {
        let mixed = [(2, 3000), (2, 3000), (1, 1500), (1, 1500), (2, 3000), (2, 3000)];
        assert_eq!(split(5, &mixed).count_ones(), 3, "each side has a single player");
        let pairs = [(2, 3000), (1, 1500), (2, 3000), (1, 1500), (2, 3000), (2, 3000)];
        let same = split(5, &pairs);
        assert_eq!((same >> 1 & 1) + (same >> 3 & 1), 1);
    }
}
