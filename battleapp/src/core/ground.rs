//! The ground of a battle: where one can walk, see and shoot, and the way from here to there.
//!
//! Built from a map alone and never changed: a function of its arguments, over whole millimetres.
//! A battle may share it with whoever decides for fighters. What is asked costs at most one look
//! at every obstacle of the map per straight line, and one at every cell per path.

mod paths;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use shared::content::{Obstacles, Point, Shape, Terrain};

pub use self::paths::PathScratch;

/// How often a walking body may turn aside in one tick. Then it stays where it has got to.
const SLIDES_MAX: u32 = 4;

/// A map as a battle asks about it.
#[derive(Clone, Debug)]
pub struct Ground {
    half: Point,
    obstacles: Arc<Obstacles>,
}

impl Ground {
    /// The ground of a map whose numbers are in range ([`shared::content::Map::is_in_range`]).
    #[must_use]
    pub fn new(terrain: &Terrain) -> Self {
        Self { half: terrain.half_mm(), obstacles: terrain.obstacles() }
    }

    /// Half the width and half the height of the map.
    #[must_use]
    pub const fn half_mm(&self) -> Point {
        self.half
    }

    /// Whether a body of `radius_mm` can stand at `at`.
    #[must_use]
    pub fn is_free(&self, at: Point, radius_mm: i32) -> bool {
        self.obstacles.clearance.room_mm(at) >= radius_mm || self.is_clear(at, radius_mm)
    }

    /// [`Ground::is_free`], exactly.
    fn is_clear(&self, at: Point, radius_mm: i32) -> bool {
        self.inside(at, radius_mm) == at
            && !self.obstacles.walls.iter().any(|wall| wall.overlaps(at, radius_mm))
    }

    /// Whether a body of `radius_mm` can walk straight from `from` to `to`. The same in both
    /// directions.
    #[must_use]
    pub fn is_open(&self, from: Point, to: Point, radius_mm: i32) -> bool {
        self.inside(from, radius_mm) == from
            && self.inside(to, radius_mm) == to
            && !self.obstacles.walls.iter().any(|wall| wall.bars(from, to, radius_mm))
    }

    /// Where a body that stands free at `from` is after a step: as far as it gets, sliding along
    /// what is in its way. It never ends in an obstacle, and none was between. A body that does
    /// not stand free moves only to where it does.
    #[must_use]
    pub fn walk(&self, from: Point, step: (i32, i32), radius_mm: i32) -> Point {
        let length = step.0.saturating_abs().saturating_add(step.1.saturating_abs());
        let room_mm = self.obstacles.clearance.room_mm(from);
        if room_mm >= radius_mm.saturating_add(length) {
            return (from.0 + step.0, from.1 + step.1);
        }
        if room_mm < radius_mm && !self.is_clear(from, radius_mm) {
            let to = self.inside(moved(from, step), radius_mm);
            return if self.is_free(to, radius_mm) { to } else { from };
        }
        let (mut at, mut left) = (from, step);
        for _ in 0..SLIDES_MAX {
            let to = self.inside(moved(at, left), radius_mm);
            // The others bar no part of this way, of which many parts are tried.
            let walls = self.obstacles.walls.iter();
            let near: Vec<_> = walls.filter(|wall| wall.is_near(at, to, radius_mm)).collect();
            let Some(wall) = first_wall(&near, at, to, radius_mm) else { return to };
            at = until(&near, at, to, radius_mm);
            left = aside(at, (to.0 - at.0, to.1 - at.1), wall, radius_mm);
            if left == (0, 0) {
                break;
            }
        }
        at
    }

    /// Whether a point can be seen from another. The same in both directions. What hides things
    /// behind it does not hide what stands in it.
    #[must_use]
    pub fn sees(&self, a: Point, b: Point) -> bool {
        let hides =
            |shape: &Shape| shape.bars(a, b, 0) && !shape.overlaps(a, 0) && !shape.overlaps(b, 0);
        !self.obstacles.opaque.iter().any(hides)
    }

    /// When a projectile of `radius_mm` on its way from `from` to `to` is stopped: a number in
    /// `0..=|to - from|²`, to compare with other things in its way. `None` if it gets through.
    /// What begins within cover leaves it. The edge of the map stops nothing.
    #[must_use]
    pub fn touch(&self, from: Point, to: Point, radius_mm: i32) -> Option<i64> {
        self.obstacles.solid.iter().filter_map(|shape| shape.touch(from, to, radius_mm)).min()
    }

    /// Where a projectile of `radius_mm` on its way from `from` to `to` is stopped; `None` if it
    /// gets through.
    #[must_use]
    pub fn flight(&self, from: Point, to: Point, radius_mm: i32) -> Option<Point> {
        let touch = self.touch(from, to, radius_mm)?;
        let path = (to.0 - from.0, to.1 - from.1);
        let square =
            i128::from(path.0) * i128::from(path.0) + i128::from(path.1) * i128::from(path.1);
        Some(moved(from, share(path, touch.into(), square)))
    }

    /// The way points from `from` to `to`, without `from`: straight legs that a body of
    /// `radius_mm` can walk. The way ends at `to` if it can be reached, else at the nearest
    /// place found, and is empty if there is none. The work is bounded by the cells of the map.
    pub fn path<'a>(
        &self,
        from: Point,
        to: Point,
        radius_mm: i32,
        scratch: &'a mut PathScratch,
    ) -> &'a [Point] {
        paths::find(self, (from, to), radius_mm, scratch)
    }

    /// The point nearest to `at` where a body of `radius_mm` is not outside the map.
    #[must_use]
    pub fn inside(&self, at: Point, radius_mm: i32) -> Point {
        let (x, y) = ((self.half.0 - radius_mm).max(0), (self.half.1 - radius_mm).max(0));
        (at.0.clamp(-x, x), at.1.clamp(-y, y))
    }
}

/// The wall that a way touches first; of equal ones, the first in the order of shapes.
fn first_wall<'a>(near: &[&'a Shape], from: Point, to: Point, radius_mm: i32) -> Option<&'a Shape> {
    let mut barring = near.iter().copied().filter(|wall| wall.bars(from, to, radius_mm));
    let first = barring.next()?;
    // Mostly there is one, and it is not asked when.
    let Some(second) = barring.next() else { return Some(first) };
    let all = [first, second].into_iter().chain(barring);
    all.min_by_key(|wall| wall.touch(from, to, radius_mm))
}

/// The furthest point found on the way to `to` up to which the way is free; found by halving,
/// to about a millimetre.
fn until(near: &[&Shape], from: Point, to: Point, radius_mm: i32) -> Point {
    let way = (to.0 - from.0, to.1 - from.1);
    let parts = way.0.unsigned_abs().max(way.1.unsigned_abs()).max(1);
    let (mut free, mut barred) = (0, parts);
    let mut at = from;
    while barred - free > 1 {
        let middle = free.midpoint(barred);
        // Toward `from`, so that it stays within the box around the way.
        let along = |way: i32| {
            let part = i64::from(way) * i64::from(middle) / i64::from(parts);
            i32::try_from(part).unwrap_or(0)
        };
        let there = moved(from, (along(way.0), along(way.1)));
        if near.iter().any(|wall| wall.bars(from, there, radius_mm)) {
            barred = middle;
        } else {
            (free, at) = (middle, there);
        }
    }
    at
}

/// What is left of a step along the edge of the wall that is in the way. Where rounding would
/// lead into the wall, a millimetre away from it.
fn aside(at: Point, left: Point, wall: &Shape, radius_mm: i32) -> Point {
    let nearest = wall.nearest(at);
    let away = (i64::from(at.0 - nearest.0), i64::from(at.1 - nearest.1));
    let edge = (-away.1, away.0);
    let along = i64::from(left.0) * edge.0 + i64::from(left.1) * edge.1;
    let square = edge.0 * edge.0 + edge.1 * edge.1;
    if square == 0 || along == 0 {
        return (0, 0);
    }
    let part = |edge: i64| {
        let part = i128::from(edge) * i128::from(along) / i128::from(square);
        i32::try_from(part).unwrap_or(0)
    };
    let slide = (part(edge.0), part(edge.1));
    if slide == (0, 0) || !wall.bars(at, moved(at, slide), radius_mm) {
        return slide;
    }
    let nudge = |away: i64| i32::try_from(away.signum()).unwrap_or(0);
    (slide.0 + nudge(away.0), slide.1 + nudge(away.1))
}

const fn moved(at: Point, step: (i32, i32)) -> Point {
    (at.0.saturating_add(step.0), at.1.saturating_add(step.1))
}

/// `way * part / whole`, rounded towards zero. A part is not larger than the whole.
fn share(way: (i32, i32), part: i128, whole: i128) -> (i32, i32) {
    let share = |way: i32| i32::try_from(i128::from(way) * part / whole.max(1)).unwrap_or(0);
    (share(way.0), share(way.1))
}
