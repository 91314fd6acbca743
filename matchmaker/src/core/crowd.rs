//! The waiting tickets of a queue in which all meet who come within some time.

use std::collections::BTreeMap;

use shared::content::CrowdRules;
use shared::tick::{Tick, TickRate};

use super::pool::{Match, Waiting};
use super::ticket::Place;

/// Waiting tickets by arrival.
#[derive(Debug)]
pub(super) struct Crowd {
    players_min: u64,
    players_max: u64,
    wait_ticks: u64,
    waiting: BTreeMap<u64, Waiting>,
    players: u64,
}

impl Crowd {
    pub(super) fn new(rules: CrowdRules, rate: TickRate) -> Self {
        Self {
            players_min: u64::from(rules.players_min),
            players_max: u64::from(rules.players_max),
            wait_ticks: rate.ticks_of_ms(u64::from(rules.wait_s) * 1_000),
            waiting: BTreeMap::new(),
            players: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        self.players += u64::from(waiting.size);
        self.waiting.insert(waiting.place.number, waiting);
    }

    pub(super) fn remove(&mut self, place: Place) {
        if let Some(waiting) = self.waiting.remove(&place.number) {
            self.players -= u64::from(waiting.size);
        }
    }

    /// Finds at most `matches_max` matches: those who came first, as soon as a battle is full or
    /// the first of them has waited long enough. Matched tickets leave the crowd.
    pub(super) fn sweep(&mut self, now: Tick, matches_max: usize) -> Vec<Match> {
        let mut matches = Vec::new();
        while matches.len() < matches_max && self.is_due(now) {
            let Some(found) = self.take() else { break };
            matches.push(found);
        }
        matches
    }

    fn is_due(&self, now: Tick) -> bool {
        let first = self.waiting.values().next();
        let has_waited = |first: &Waiting| now.since(first.place.since) >= self.wait_ticks;
        self.players >= self.players_max || first.is_some_and(has_waited)
    }

    /// As many as fit, in the order in which they came. None if they are too few.
    fn take(&mut self) -> Option<Match> {
        let (mut taken, mut players) = (Vec::new(), 0);
        for waiting in self.waiting.values() {
            if players + u64::from(waiting.size) <= self.players_max {
                players += u64::from(waiting.size);
                taken.push(*waiting);
            }
            if players == self.players_max {
                break;
            }
        }
        if players < self.players_min {
            return None;
        }
        taken.iter().for_each(|waiting| self.remove(waiting.place));
        let tickets = taken.into_iter().map(|waiting| waiting.ticket).collect();
        Some(Match { sides: [tickets, Vec::new()] })
    }
}

#[cfg(test)]
mod tests {
    use shared::ids::TicketId;

    use super::*;

    /// A crowd of 4 to 10 players that waits for a second, with `(size, since)` tickets numbered
    /// from 0.
    fn crowd(tickets: &[(u8, u64)]) -> Crowd {
        let rules = CrowdRules { players_min: 4, players_max: 10, wait_s: 1 };
        let mut crowd = Crowd::new(rules, TickRate::new(20));
        for (number, &(size, since)) in (0..).zip(tickets) {
            let (ticket, place) = (TicketId(number), Place { since: Tick(since), number });
            crowd.insert(Waiting { ticket, place, size, rating_sum: 0 });
        }
        crowd
    }

    fn check(tickets: &[(u8, u64)], now: u64, expected: &[&[u64]], left: u64) {
        let mut crowd = crowd(tickets);
        let found = crowd.sweep(Tick(now), usize::MAX);
        let ids = |found: &Match| found.sides[0].iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(found.iter().map(ids).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|found| found.sides[1].is_empty()), "all are on one side");
        let waiting: u64 = crowd.waiting.values().map(|waiting| u64::from(waiting.size)).sum();
        assert_eq!((crowd.players, waiting), (left, left));
    }

    #[test]
    fn a_battle_begins_when_the_first_has_waited_long_enough_and_there_are_enough() {
        check(&[], 100, &[], 0);
        check(&[(1, 0), (3, 15)], 19, &[], 4);
        check(&[(1, 0), (3, 15)], 20, &[&[0, 1]], 0);
        check(&[(1, 0), (2, 15)], 1_000, &[], 3);
    }

    #[test]
    fn a_full_battle_begins_at_once_and_who_does_not_fit_meets_in_the_next_one() {
        check(&[(1, 0); 10], 0, &[&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]], 0);
        check(&[(5, 0), (4, 0), (3, 0), (1, 0), (2, 0)], 0, &[&[0, 1, 3]], 5);
        check(&[(5, 0), (4, 0), (3, 0), (1, 0), (2, 0)], 20, &[&[0, 1, 3], &[2, 4]], 0);
        check(&[(5, 0); 4], 0, &[&[0, 1], &[2, 3]], 0);
    }

    #[test]
    fn no_more_battles_are_made_than_asked_for() {
        let mut crowd = crowd(&[(5, 0); 6]);
        assert_eq!((crowd.sweep(Tick(0), 2).len(), crowd.len()), (2, 2));
    }

    #[test]
    fn who_leaves_is_not_matched() {
        let mut crowd = crowd(&[(3, 0), (3, 0)]);
        crowd.remove(Place { since: Tick(0), number: 0 });
        assert_eq!(crowd.sweep(Tick(100), usize::MAX), []);
        assert_eq!((crowd.len(), crowd.players), (1, 3));
    }
}
