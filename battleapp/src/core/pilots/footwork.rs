//! Where a pilot walks: ways around obstacles, the right distance in a fight, out of the way of
//! projectiles, and off the ground that harms.

use shared::content::Point;
use shared::msg::snapshot::{AreaView, ProjectileView};

use super::vector::{aside, at, distance, heading, length, offset, stretched};
use crate::core::ground::{Ground, PathScratch};

/// A way is looked for anew after this many looks, or when its end has moved this far.
const WAY_LOOKS_MAX: u32 = 12;
const WAY_MOVED_MM: i64 = 1_200;
/// A point of a way counts as reached at this distance.
const REACHED_MM: i64 = 350;
/// How far ahead is checked before stepping aside or back.
const STEP_MM: i64 = 900;
/// Projectiles further away than this are not dodged.
const DODGE_MM: i64 = 3_500;
/// Projectiles that pass at this distance are not dodged.
const MISS_MM: i64 = 1_000;

/// The way a fighter is on.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// What is left of it, the next point last.
    points: Vec<Point>,
    to: Point,
    looks: u32,
}

/// A fighter on the ground.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker<'a> {
    pub(super) ground: &'a Ground,
    pub(super) at: Point,
    pub(super) radius_mm: i32,
}

impl Way {
    /// Forgets the way.
    pub(super) fn clear(&mut self) {
        self.points.clear();
    }

    /// The direction in which a point is reached: straight if the way is open, else along a path.
    pub(super) fn towards(
        &mut self,
        walker: Walker<'_>,
        to: Point,
        scratch: &mut PathScratch,
    ) -> (i8, i8) {
        let Walker { ground, at, radius_mm } = walker;
        if distance(at, to) < REACHED_MM {
            self.clear();
            return (0, 0);
        }
        while self.points.last().is_some_and(|next| distance(at, *next) < REACHED_MM) {
            self.points.pop();
        }
        let next = self.points.last().copied();
        self.looks += 1;
        let is_good = next.is_some_and(|next| ground.is_open(at, next, radius_mm))
            && self.looks < WAY_LOOKS_MAX
            && distance(self.to, to) < WAY_MOVED_MM;
        if !is_good {
            self.points.clear();
            self.points.extend(ground.path(at, to, radius_mm, scratch).iter().rev());
            (self.to, self.looks) = (to, 0);
        }
        let next = self.points.last().copied().unwrap_or(to);
        heading(offset(at, next))
    }
}

impl Walker<'_> {
    /// Whether a step along an offset is free.
    fn is_free(&self, along: (i64, i64)) -> bool {
        let to = at(self.at, stretched(along, STEP_MM));
        self.ground.is_open(self.at, to, self.radius_mm)
    }

    /// The first free one of some directions, or none.
    fn first_free(&self, ways: impl IntoIterator<Item = (i64, i64)>) -> (i8, i8) {
        ways.into_iter().find(|way| self.is_free(*way)).map_or((0, 0), heading)
    }

    /// Away from a point, along obstacles if they are in the way.
    pub(super) fn away_from(&self, from: Point, left: bool) -> (i8, i8) {
        let away = match offset(from, self.at) {
            (0, 0) => (STEP_MM, 0),
            away => away,
        };
        let (one, other) = (aside(away, left), aside(away, !left));
        let slanted = (away.0 + one.0, away.1 + one.1);
        self.first_free([away, slanted, one, other])
    }

    /// Off the ground of the areas it stands in, the one first whose centre is nearest; `None` if
    /// it stands in none of them.
    pub(super) fn leave<'a>(
        &self,
        areas: impl Iterator<Item = &'a AreaView>,
        left: bool,
    ) -> Option<(i8, i8)> {
        let depth = |area: &AreaView| {
            let centre = (area.x_mm, area.y_mm);
            let gap = distance(self.at, centre);
            let reach = i64::from(area.radius_mm) + i64::from(self.radius_mm);
            (gap < reach).then_some((gap, area.id, centre))
        };
        let (_, _, centre) = areas.filter_map(depth).min()?;
        Some(self.away_from(centre, left))
    }

    /// Around a point, the other way if the one is blocked.
    pub(super) fn around(&self, centre: Point, left: bool) -> (i8, i8) {
        let towards = offset(self.at, centre);
        self.first_free([aside(towards, left), aside(towards, !left)])
    }

    /// Out of the way of the first projectile that would hit; `None` if none would.
    pub(super) fn dodge<'a>(
        &self,
        shots: impl Iterator<Item = &'a ProjectileView>,
    ) -> Option<(i8, i8)> {
        let side_of = |shot: &ProjectileView| {
            let towards = (i64::from(shot.towards.0), i64::from(shot.towards.1));
            let to_me = offset((shot.x_mm, shot.y_mm), self.at);
            let along = towards.0 * to_me.0 + towards.1 * to_me.1;
            let beside = (towards.0 * to_me.1 - towards.1 * to_me.0) / length(towards).max(1);
            let hits = along > 0 && length(to_me) < DODGE_MM && beside.abs() < MISS_MM;
            hits.then(|| (length(to_me), shot.id, aside(towards, beside >= 0)))
        };
        let (_, _, out) = shots.filter_map(side_of).min()?;
        Some(self.first_free([out, (-out.0, -out.1)]))
    }
}
