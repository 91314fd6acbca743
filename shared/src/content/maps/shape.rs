//! The shape of an obstacle and exact questions about it, over whole millimetres.
//!
//! Every shape is a rectangle along the axes with rounded edges: a wall is not rounded, and a
//! pillar is a rectangle without size. A body with a radius touches a shape where its centre
//! touches the shape rounded further. Coordinates are at most [`super::MAP_HALF_MM_MAX`] off the
//! centre, twice that for shapes that stick out; products that do not fit 64 bits use 128.

use super::{Block, Pillar};

/// A place in millimetres.
pub type Point = (i32, i32);

/// An obstacle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    min: Point,
    max: Point,
    round_mm: i32,
}

impl From<Block> for Shape {
    fn from(block: Block) -> Self {
        let (width, height) = (block.half_width_mm, block.half_height_mm);
        Self {
            min: (block.x_mm - width, block.y_mm - height),
            max: (block.x_mm + width, block.y_mm + height),
            round_mm: 0,
        }
    }
}

impl From<Pillar> for Shape {
    fn from(pillar: Pillar) -> Self {
        let centre = (pillar.x_mm, pillar.y_mm);
        Self { min: centre, max: centre, round_mm: pillar.radius_mm }
    }
}

impl Shape {
    /// The point of the rectangle, or the centre of the pillar, that is nearest to `at`.
    #[must_use]
    pub fn nearest(&self, at: Point) -> Point {
        (at.0.clamp(self.min.0, self.max.0), at.1.clamp(self.min.1, self.max.1))
    }

    /// How far the shape's edge is from `at`, rounded down; zero within the shape.
    #[must_use]
    pub fn distance_mm(&self, at: Point) -> i32 {
        let distance = square(between(self.nearest(at), at)).isqrt() - i64::from(self.round_mm);
        i32::try_from(distance.max(0)).unwrap_or(i32::MAX)
    }

    /// The smaller of `room_mm` and [`Shape::distance_mm`]; cheap where the shape is far away.
    #[must_use]
    pub fn nearer_mm(&self, at: Point, room_mm: i32) -> i32 {
        let nearest = self.nearest(at);
        let along = (at.0 - nearest.0).abs().max((at.1 - nearest.1).abs());
        if along - self.round_mm >= room_mm { room_mm } else { room_mm.min(self.distance_mm(at)) }
    }

    /// Whether a body of `radius_mm` at `at` reaches into the shape. Touching is not reaching.
    #[must_use]
    #[inline]
    pub fn overlaps(&self, at: Point, radius_mm: i32) -> bool {
        self.is_near(at, at, radius_mm) && self.covers(at, radius_mm)
    }

    /// [`Shape::overlaps`] for a shape that is near.
    fn covers(&self, at: Point, radius_mm: i32) -> bool {
        let reach = i64::from(self.round_mm) + i64::from(radius_mm);
        let inside =
            at.0 > self.min.0 && at.0 < self.max.0 && at.1 > self.min.1 && at.1 < self.max.1;
        inside || square(between(self.nearest(at), at)) < reach * reach
    }

    /// Whether a body of `radius_mm` that moves straight from `from` to `to` reaches into the
    /// shape. The same in both directions.
    #[must_use]
    #[inline]
    pub fn bars(&self, from: Point, to: Point, radius_mm: i32) -> bool {
        self.is_near(from, to, radius_mm) && self.is_reached(from, to, radius_mm)
    }

    /// Whether the box around a way and the one around the shape, for a body of `radius_mm`,
    /// overlap. Nothing within the first box is barred by a shape for which they do not.
    #[must_use]
    #[inline]
    pub fn is_near(&self, from: Point, to: Point, radius_mm: i32) -> bool {
        !self.is_beside(from, to, self.round_mm + radius_mm)
    }

    /// [`Shape::bars`] for a shape that is near.
    fn is_reached(&self, from: Point, to: Point, radius_mm: i32) -> bool {
        let reach = self.round_mm + radius_mm;
        self.overlaps(from, radius_mm)
            || self.overlaps(to, radius_mm)
            || self.is_crossed(from, to)
            || self.corners().iter().any(|corner| is_passed(*corner, from, to, reach))
    }

    /// When a body of `radius_mm` on its way from `from` to `to` first touches the shape: a
    /// number in `0..=|to - from|²`, a scale that is the same for all shapes. `None` for a miss.
    ///
    /// Who begins within the shape leaves it freely; who begins in touch with it touches it only
    /// when moving towards it.
    #[must_use]
    #[inline]
    pub fn touch(&self, from: Point, to: Point, radius_mm: i32) -> Option<i64> {
        if self.bars(from, to, radius_mm) {
            self.touch_of_barred(from, to, radius_mm)
        } else {
            None
        }
    }

    /// [`Shape::touch`] for a shape that bars the way.
    fn touch_of_barred(&self, from: Point, to: Point, radius_mm: i32) -> Option<i64> {
        let path = between(from, to);
        if self.overlaps(from, radius_mm) {
            let away = between(self.nearest(from), from);
            return (!self.overlaps(from, 0) && dot(path, away) < 0).then_some(0);
        }
        let reach = self.round_mm + radius_mm;
        let sides = [(reach, 0), (0, reach)].map(|more| self.enters(from, path, more));
        let corners = self.corners().map(|corner| enters_circle(from, path, corner, reach));
        let first = sides.into_iter().chain(corners).flatten().min();
        Some(first.unwrap_or_else(|| square(path)))
    }

    /// Whether the way stays outside the box around the shape rounded by `reach`.
    fn is_beside(&self, from: Point, to: Point, reach: i32) -> bool {
        from.0.min(to.0) >= self.max.0 + reach
            || from.0.max(to.0) <= self.min.0 - reach
            || from.1.min(to.1) >= self.max.1 + reach
            || from.1.max(to.1) <= self.min.1 - reach
    }

    /// Whether the line from `from` to `to` goes through the inside of the rectangle.
    fn is_crossed(&self, from: Point, to: Point) -> bool {
        if self.is_beside(from, to, 0) {
            return false;
        }
        let path = between(from, to);
        let sides = self.corners().map(|corner| cross(path, between(from, corner)).signum());
        sides.contains(&1) && sides.contains(&-1)
    }

    const fn corners(&self) -> [Point; 4] {
        let (min, max) = (self.min, self.max);
        [min, (max.0, min.1), max, (min.0, max.1)]
    }

    /// When the way enters the rectangle made larger by `more`; `None` if it does not, or if the
    /// rectangle has no inside.
    fn enters(&self, from: Point, path: (i64, i64), more: Point) -> Option<i64> {
        let axes = [
            (from.0, path.0, self.min.0 - more.0, self.max.0 + more.0),
            (from.1, path.1, self.min.1 - more.1, self.max.1 + more.1),
        ];
        let scale = square(path);
        let (mut enter, mut leave) = (0, scale);
        for (from, along, min, max) in axes {
            let (to_min, to_max) =
                (i64::from(min) - i64::from(from), i64::from(max) - i64::from(from));
            if along == 0 {
                if to_min >= 0 || to_max <= 0 {
                    return None;
                }
                continue;
            }
            let (near, far) = if along > 0 { (to_min, to_max) } else { (to_max, to_min) };
            let time = |distance: i64| i128::from(distance) * i128::from(scale) / i128::from(along);
            enter = enter.max(narrow(time(near)));
            leave = leave.min(narrow(time(far)));
        }
        (enter < leave).then_some(enter)
    }
}

/// Whether the line from `from` to `to` comes nearer than `reach` to `corner` between its ends.
fn is_passed(corner: Point, from: Point, to: Point, reach: i32) -> bool {
    let (path, offset) = (between(from, to), between(from, corner));
    let (along, length) = (dot(path, offset), square(path));
    if along <= 0 || along >= length {
        return false;
    }
    let (aside, reach) = (i128::from(cross(path, offset)), i128::from(reach));
    aside * aside < reach * reach * i128::from(length)
}

/// When a point enters a circle it begins outside of, on the scale of [`Shape::touch`]: the
/// nearer root of |from + t path - centre|² = reach², scaled by |path|².
fn enters_circle(from: Point, path: (i64, i64), centre: Point, reach: i32) -> Option<i64> {
    let offset = between(centre, from);
    let gap = i128::from(square(offset)) - i128::from(reach) * i128::from(reach);
    let along = -i128::from(dot(offset, path));
    let scale = i128::from(square(path));
    let under = along * along - scale * gap;
    if along <= 0 || under < 0 {
        return None;
    }
    let touch = along - under.isqrt();
    (touch <= scale).then(|| narrow(touch.max(0)))
}

fn between(from: Point, to: Point) -> (i64, i64) {
    (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1))
}

const fn dot(a: (i64, i64), b: (i64, i64)) -> i64 {
    a.0 * b.0 + a.1 * b.1
}

const fn cross(a: (i64, i64), b: (i64, i64)) -> i64 {
    a.0 * b.1 - a.1 * b.0
}

const fn square(a: (i64, i64)) -> i64 {
    dot(a, a)
}

/// Times lie between zero and the square of a path, which fits; what is beyond is cut.
fn narrow(time: i128) -> i64 {
    i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Block = Block { x_mm: 1_000, y_mm: 0, half_width_mm: 200, half_height_mm: 600 };
    const PILLAR: Pillar = Pillar { x_mm: 1_000, y_mm: 0, radius_mm: 300 };

    #[test]
    fn touching_is_not_reaching_into() {
        let (wall, pillar) = (Shape::from(WALL), Shape::from(PILLAR));
        assert!(!wall.overlaps((500, 0), 300) && wall.overlaps((501, 0), 300));
        assert!(!wall.overlaps((800, 0), 0) && wall.overlaps((801, 0), 0));
        assert!(!pillar.overlaps((400, 0), 300) && pillar.overlaps((401, 0), 300));
        // The corner of a wall is rounded for a body: 300 and 400 away make 500.
        assert!(!wall.overlaps((500, 1_000), 500) && wall.overlaps((501, 1_000), 500));
        assert_eq!((wall.distance_mm((500, 1_000)), pillar.distance_mm((0, 0))), (500, 700));
    }

    #[test]
    fn a_way_is_barred_through_along_and_around_a_corner() {
        let wall = Shape::from(WALL);
        assert!(wall.bars((0, 0), (2_000, 0), 0));
        assert!(wall.bars((0, 600), (2_000, -600), 0), "through the middle from corner to corner");
        assert!(!wall.bars((0, 600), (2_000, 600), 0), "along its edge");
        assert!(wall.bars((0, 899), (2_000, 899), 300));
        assert!(!wall.bars((0, 900), (2_000, 900), 300));
        assert!(!wall.bars((0, -1_400), (0, 1_400), 800) && wall.bars((0, 0), (0, 1), 801));
        assert!(!wall.bars((400, 800), (800, 1_200), 0), "past the corner");
        assert!(wall.bars((400, 800), (800, 1_200), 430), "not with a body");
    }

    #[test]
    fn a_touch_is_found_where_the_edge_is() {
        let (wall, pillar) = (Shape::from(WALL), Shape::from(PILLAR));
        let scale = 2_000 * 2_000;
        assert_eq!(wall.touch((0, 0), (2_000, 0), 100), Some(700 * scale / 2_000));
        assert_eq!(pillar.touch((0, 0), (2_000, 0), 100), Some(600 * scale / 2_000));
        assert_eq!(wall.touch((0, 700), (2_000, 700), 100), None);
        assert_eq!(wall.touch((2_000, 0), (1_500, 0), 0), None, "it ends before the wall");
        assert_eq!(wall.touch((750, 0), (0, 0), 100), None, "in touch and moving away");
        assert_eq!(wall.touch((750, 0), (1_000, 0), 100), Some(0), "in touch and moving on");
        assert_eq!(wall.touch((900, 0), (0, 0), 100), None, "out of the inside");
    }
}
