//! A queue: its rules, and who waits in it.

use shared::content::{Meeting, QueueRules, SideRules};
use shared::tick::{Tick, TickRate};

use super::crowd::Crowd;
use super::pool::{Match, Pool, Waiting};
use super::ticket::Place;

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) rules: QueueRules,
    line: Line,
}

/// The tickets that wait, by how players meet.
#[derive(Debug)]
enum Line {
    Sides(Pool),
    Crowd(Crowd),
}

impl Queue {
    pub(super) fn new(rules: QueueRules, rate: TickRate) -> Self {
        let line = match &rules.meeting {
            Meeting::Sides(sides) => Line::Sides(Pool::new(sides, rate)),
            Meeting::Crowd(crowd) => Line::Crowd(Crowd::new(*crowd, rate)),
        };
        Self { rules, line }
    }

    /// The rules of a queue in which two sides meet.
    pub(super) const fn sides(&self) -> Option<&SideRules> {
        match &self.rules.meeting {
            Meeting::Sides(sides) => Some(sides),
            Meeting::Crowd(_) => None,
        }
    }

    /// How many tickets wait.
    pub(super) fn len(&self) -> usize {
        match &self.line {
            Line::Sides(pool) => pool.len(),
            Line::Crowd(crowd) => crowd.len(),
        }
    }

    pub(super) fn insert(&mut self, waiting: Waiting) {
        match &mut self.line {
            Line::Sides(pool) => pool.insert(waiting),
            Line::Crowd(crowd) => crowd.insert(waiting),
        }
    }

    pub(super) fn remove(&mut self, place: Place) {
        match &mut self.line {
            Line::Sides(pool) => pool.remove(place),
            Line::Crowd(crowd) => crowd.remove(place),
        }
    }

    /// Finds at most `matches_max` matches, whose tickets leave the queue.
    pub(super) fn sweep(&mut self, now: Tick, matches_max: usize) -> Vec<Match> {
        match &mut self.line {
            Line::Sides(pool) => {
                let mut matches = pool.sweep(now, matches_max);
                matches.extend(pool.sweep_for_bots(now, matches_max - matches.len()));
                matches
            }
            Line::Crowd(crowd) => crowd.sweep(now, matches_max),
        }
    }
}
