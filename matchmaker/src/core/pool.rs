//! The waiting tickets of a queue in which two sides meet, and how matches are found among them.

use std::collections::BTreeMap;
use std::ops::Bound;

use shared::content::SideRules;
use shared::ids::TicketId;
use shared::tick::{Tick, TickRate};

use super::sides::{self, Filling, PartyWeight};
use super::ticket::Place;

/// Tickets that one sweep tries to match. The next sweep goes on behind the last of them.
pub(super) const ANCHORS_PER_SWEEP_MAX: usize = 1_024;
/// Tickets looked at for one match, nearest ratings first. What is farther waits.
const CANDIDATES_PER_ANCHOR_MAX: u16 = 64;

/// A waiting ticket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) ticket: TicketId,
    pub(super) place: Place,
    pub(super) size: u8,
    /// Sum of the members' ratings.
    pub(super) rating_sum: i32,
}

impl Waiting {
    /// Average rating of the party, rounded down.
    fn rating(&self) -> i32 {
        self.rating_sum.div_euclid(i32::from(self.size.max(1)))
    }
}

/// Who fights on which side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) sides: [Vec<TicketId>; 2],
}

/// Waiting tickets by rating, then by arrival.
#[derive(Debug)]
pub(super) struct Pool {
    side: u8,
    window: i64,
    window_growth_per_s: i64,
    window_max: i64,
    hz: i64,
    /// After how many ticks of waiting bots fill the empty places; `None` for never.
    bots_after: Option<u64>,
    by_rating: BTreeMap<(i32, u64), Waiting>,
    ratings: BTreeMap<u64, i32>,
    players: u64,
    /// Where the last sweep stopped: the first number that it did not try.
    next_anchor: u64,
}

impl Pool {
    pub(super) fn new(rules: &SideRules, rate: TickRate) -> Self {
        Self {
            side: rules.side_fighters.clamp(1, sides::SIDE_FIGHTERS_MAX),
            window: i64::from(rules.rating_window),
            window_growth_per_s: i64::from(rules.rating_window_growth_per_s),
            window_max: i64::from(rules.rating_window_max),
            hz: i64::from(rate.hz()),
            bots_after: rules.bots.map(|bots| rate.ticks_of_ms(u64::from(bots.after_s) * 1_000)),
            by_rating: BTreeMap::new(),
            ratings: BTreeMap::new(),
            players: 0,
            next_anchor: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ratings.len()
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        let number = waiting.place.number;
        self.ratings.insert(number, waiting.rating());
        self.by_rating.insert((waiting.rating(), number), waiting);
        self.players += u64::from(waiting.size);
    }

    pub(super) fn remove(&mut self, place: Place) {
        let Some(rating) = self.ratings.remove(&place.number) else {
            return;
        };
        if let Some(waiting) = self.by_rating.remove(&(rating, place.number)) {
            self.players -= u64::from(waiting.size);
        }
    }

    /// Finds matches: who has waited longest chooses first, among the nearest ratings. Matched
    /// tickets leave the pool. At most `matches_max` matches and [`ANCHORS_PER_SWEEP_MAX`]
    /// tries; if they do not reach the end of the line, the next sweep goes on there.
    pub(super) fn sweep(&mut self, now: Tick, matches_max: usize) -> Vec<Match> {
        let mut matches = Vec::new();
        let mut scratch = Scratch::default();
        for _ in 0..ANCHORS_PER_SWEEP_MAX {
            if matches.len() >= matches_max || self.players < 2 * u64::from(self.side) {
                break;
            }
            let next = self.ratings.range(self.next_anchor..).next();
            let Some((&number, &rating)) = next else {
                self.next_anchor = 0;
                break;
            };
            self.next_anchor = number + 1;
            if let Some(found) = self.match_for((rating, number), now, &mut scratch) {
                matches.push(found);
            }
        }
        matches
    }

    /// Matches for those who have waited so long that bots fight in the places that stay empty.
    /// Others who would do come along. To be called after [`Pool::sweep`].
    pub(super) fn sweep_for_bots(&mut self, now: Tick, matches_max: usize) -> Vec<Match> {
        let mut matches = Vec::new();
        let Some(bots_after) = self.bots_after else { return matches };
        let mut scratch = Scratch::default();
        while matches.len() < matches_max {
            let Some((&number, &rating)) = self.ratings.first_key_value() else { break };
            let anchor = (rating, number);
            let is_due = |waiting: &Waiting| now.since(waiting.place.since) >= bots_after;
            if !self.by_rating.get(&anchor).is_some_and(is_due) {
                break;
            }
            let found = self.match_for(anchor, now, &mut scratch);
            matches.push(found.unwrap_or_else(|| self.seat_gathered(&scratch)));
        }
        matches
    }

    /// Seats those who were gathered, the first in any case, as long as there is room; each party
    /// where fewer sit.
    fn seat_gathered(&mut self, scratch: &Scratch) -> Match {
        let mut found = Match { sides: [Vec::new(), Vec::new()] };
        let mut sizes = [0, 0];
        for waiting in &scratch.candidates {
            let side = usize::from(sizes[1] < sizes[0]);
            if sizes[side] + waiting.size <= self.side {
                sizes[side] += waiting.size;
                found.sides[side].push(waiting.ticket);
                self.remove(waiting.place);
            }
        }
        found
    }

    /// How far from the own rating a ticket accepts others by now.
    fn window(&self, waiting: &Waiting, now: Tick) -> i64 {
        let waited = i64::try_from(now.since(waiting.place.since)).unwrap_or(i64::MAX);
        let grown = self.window_growth_per_s.saturating_mul(waited) / self.hz;
        self.window.saturating_add(grown).min(self.window_max)
    }

    fn match_for(&mut self, anchor: (i32, u64), now: Tick, scratch: &mut Scratch) -> Option<Match> {
        let filled = self.gather(anchor, now, scratch);
        if !filled {
            return None;
        }
        let Scratch { candidates, filling, picked, weights } = scratch;
        filling.as_ref()?.parties(picked);
        weights.clear();
        weights.extend(picked.iter().map(|&party| {
            let Waiting { size, rating_sum, .. } = candidates[usize::from(party)];
            PartyWeight { size, rating_sum }
        }));
        let split = sides::fairest(self.side, weights);
        let mut found = Match { sides: [Vec::new(), Vec::new()] };
        for (index, &party) in picked.iter().enumerate() {
            let waiting = candidates[usize::from(party)];
            let second = usize::from(split >> index & 1 == 0);
            found.sides[second].push(waiting.ticket);
            self.remove(waiting.place);
        }
        Some(found)
    }

    /// Collects tickets around `anchor`, nearest first, all of which accept each other, until
    /// some of them fill two sides.
    fn gather(&self, anchor: (i32, u64), now: Tick, scratch: &mut Scratch) -> bool {
        scratch.candidates.clear();
        let Some(own) = self.by_rating.get(&anchor) else {
            return false;
        };
        let filling = scratch.filling.insert(Filling::new(self.side));
        let mut window = self.window(own, now);
        let (mut lowest, mut highest) = (i64::from(anchor.0), i64::from(anchor.0));
        scratch.candidates.push(*own);
        filling.offer(0, own.size);
        let mut below = self.by_rating.range(..anchor).rev().peekable();
        let above = (Bound::Excluded(anchor), Bound::Unbounded);
        let mut above = self.by_rating.range(above).peekable();
        for _ in 0..CANDIDATES_PER_ANCHOR_MAX {
            let distance = |rating: i32| i64::from(rating.abs_diff(anchor.0));
            let down = below.peek().map(|((rating, _), _)| distance(*rating));
            let up = above.peek().map(|((rating, _), _)| distance(*rating));
            let is_down = down.is_some_and(|down| up.is_none_or(|up| down <= up));
            let next = if is_down { below.next() } else { above.next() };
            let Some(((rating, _), candidate)) = next else {
                return false;
            };
            let rating = i64::from(*rating);
            let (low, high) = (lowest.min(rating), highest.max(rating));
            if high - low > window {
                if distance_exceeds(rating, anchor.0, window) {
                    return false;
                }
                continue;
            }
            let narrowed = window.min(self.window(candidate, now));
            if high - low > narrowed {
                continue;
            }
            (window, lowest, highest) = (narrowed, low, high);
            let party = u16::try_from(scratch.candidates.len()).unwrap_or(u16::MAX);
            scratch.candidates.push(*candidate);
            if filling.offer(party, candidate.size) {
                return true;
            }
        }
        false
    }
}

/// All further candidates are at least as far from the anchor.
fn distance_exceeds(rating: i64, anchor: i32, window: i64) -> bool {
    (rating - i64::from(anchor)).abs() > window
}

/// Memory that is used again for each anchor.
#[derive(Default)]
struct Scratch {
    candidates: Vec<Waiting>,
    filling: Option<Filling>,
    picked: Vec<u16>,
    weights: Vec<PartyWeight>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: TickRate = TickRate::new(20);

    /// A pool of one against one or more with `(rating, size, since)` tickets numbered from 0.
    fn pool(side: u8, tickets: &[(i32, u8, u64)]) -> Pool {
        let rules = SideRules {
            side_fighters: side,
            rating_window: 200,
            rating_window_growth_per_s: 40,
            rating_window_max: 2000,
            rating_k: 32,
            bots: None,
        };
        let mut pool = Pool::new(&rules, RATE);
        for (number, &(rating, size, since)) in (0..).zip(tickets) {
            pool.insert(Waiting {
                ticket: TicketId(number),
                place: Place { since: Tick(since), number },
                size,
                rating_sum: rating * i32::from(size),
            });
        }
        pool
    }

    fn check(side: u8, now: u64, tickets: &[(i32, u8, u64)], expected: &[[&[u64]; 2]]) {
        let ids = |side: &[u64]| side.iter().map(|&id| TicketId(id)).collect::<Vec<_>>();
        let expected: Vec<_> =
            expected.iter().map(|sides| Match { sides: sides.map(ids) }).collect();
        assert_eq!(pool(side, tickets).sweep(Tick(now), usize::MAX), expected);
    }

    #[test]
    fn the_nearest_ratings_meet_and_the_oldest_chooses_first() {
        let tickets = [(1500, 1, 0), (1600, 1, 0), (1480, 1, 0), (1610, 1, 0)];
        check(1, 0, &tickets, &[[&[0], &[2]], [&[1], &[3]]]);
    }

    #[test]
    fn windows_grow_on_both_sides_until_both_accept() {
        let tickets = [(1500, 1, 0), (1740, 1, 0)];
        check(1, 19, &tickets, &[]);
        check(1, 20, &tickets, &[[&[0], &[1]]]);
        check(1, 20, &[(1500, 1, 0), (1740, 1, 10)], &[]);
        check(1, 1_000_000, &[(0, 1, 0), (2001, 1, 0)], &[]);
    }

    #[test]
    fn all_who_fight_accept_each_other_not_only_the_oldest() {
        let ends = [(1500, 1, 0), (1350, 1, 0), (1650, 1, 0), (1500, 1, 0)];
        check(2, 0, &ends, &[]);
        let ends = [(1500, 1, 0), (1400, 1, 0), (1600, 1, 0), (1500, 1, 0)];
        check(2, 0, &ends, &[[&[0, 3], &[1, 2]]]);
    }

    #[test]
    fn parties_are_not_split() {
        let tickets = [(1500, 3, 0), (1500, 3, 0), (1500, 2, 0), (1500, 2, 0)];
        check(5, 0, &tickets, &[[&[0, 2], &[1, 3]]]);
        check(5, 0, &[(1500, 3, 0), (1500, 3, 0), (1500, 4, 0)], &[]);
    }

    #[test]
    fn a_sweep_that_is_cut_short_goes_on_with_the_next_ticket() {
        let lonely = (0..).map(|n| (n * 3000, 1, 0)).take(ANCHORS_PER_SWEEP_MAX);
        let mut tickets: Vec<_> = lonely.collect();
        tickets.extend([(-5000, 1, 0), (-5000, 1, 0)]);
        let mut pool = pool(1, &tickets);
        assert_eq!(pool.sweep(Tick(0), usize::MAX), []);
        let second = pool.sweep(Tick(0), usize::MAX);
        assert_eq!(second.len(), 1, "the two at the end of the line");
        assert_eq!(pool.len(), ANCHORS_PER_SWEEP_MAX);
    }

    #[test]
    fn no_more_matches_are_made_than_asked_for() {
        let mut pool = pool(1, &[(1500, 1, 0); 10]);
        assert_eq!(pool.sweep(Tick(0), 2).len(), 2);
        assert_eq!(pool.sweep(Tick(0), usize::MAX).len(), 3);
    }

    #[test]
    fn who_has_waited_long_enough_fights_with_bots_and_takes_others_along() {
        let tickets = [(1500, 1, 0), (1400, 3, 100), (2900, 1, 200), (1450, 4, 220)];
        let mut pool = pool(5, &tickets);
        assert_eq!(pool.sweep_for_bots(Tick(1_000), usize::MAX), [], "players only");
        pool.bots_after = Some(240);
        assert_eq!(pool.sweep_for_bots(Tick(239), usize::MAX), []);
        let found = pool.sweep_for_bots(Tick(240), usize::MAX);
        let sides = [vec![TicketId(0), TicketId(1)], vec![TicketId(3)]];
        assert_eq!(found, [Match { sides }], "all but the one who is far too good");
        assert_eq!(pool.sweep_for_bots(Tick(439), usize::MAX), []);
        assert_eq!((pool.sweep_for_bots(Tick(440), 0).len(), pool.len()), (0, 1));
        assert_eq!(
            pool.sweep_for_bots(Tick(440), 9),
            [Match { sides: [vec![TicketId(2)], vec![]] }]
        );
    }
}
