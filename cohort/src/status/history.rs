//! What the status page draws: the last two minutes, one point a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::status::view::StatusView;

/// Points kept; the oldest is dropped.
pub const POINTS_MAX: usize = 120;
/// Time between two points.
const POINT_EVERY: Duration = Duration::from_secs(1);

/// One second of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Players logged in.
    pub players: u64,
    /// The highest p99 of the tick times of all roles.
    pub tick_p99_us: u32,
}

/// The last points, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    points: VecDeque<Point>,
    newest_at: Option<Instant>,
}

impl History {
    /// Takes a point of `view`, if it is time for one, and gives `view` the points so far.
    pub fn follow(&mut self, now: Instant, view: &mut StatusView) {
        let since = self.newest_at.map(|at| now.saturating_duration_since(at));
        if since.is_none_or(|since| since >= POINT_EVERY) {
            self.newest_at = Some(now);
            let slowest = view.roles.iter().map(|role| role.tick_p99_us).max();
            if self.points.len() == POINTS_MAX {
                self.points.pop_front();
            }
            let tick_p99_us = slowest.unwrap_or(0);
            self.points.push_back(Point { players: view.players, tick_p99_us });
        }
        view.history = self.points.iter().copied().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn one_point_a_second_is_kept_for_two_minutes() {
        let (mut history, mut view) = (History::default(), StatusView::default());
        let begun = clock::now();
        for quarter in 0..4 * 130 {
            view.players = u64::from(quarter);
            history.follow(begun + Duration::from_millis(250) * quarter, &mut view);
        }
        assert_eq!(view.history.len(), POINTS_MAX);
        assert_eq!(view.history[POINTS_MAX - 1].players, 4 * 129);
        assert_eq!(view.history[0].players, 4 * 10);
    }
}
