//! Directions and distances, as pilots reckon with them.

use shared::content::Point;

/// Length of a full walking direction.
const FULL: i64 = 127;

/// From a point to another.
pub(super) fn offset(from: Point, to: Point) -> (i64, i64) {
    (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1))
}

/// Length of an offset.
pub(super) const fn length((x, y): (i64, i64)) -> i64 {
    (x * x + y * y).isqrt()
}

/// How far two points are apart.
pub(super) fn distance(from: Point, to: Point) -> i64 {
    length(offset(from, to))
}

/// An offset of the same direction and `length_mm`; (0, 0) stays.
pub(super) fn stretched(offset: (i64, i64), length_mm: i64) -> (i64, i64) {
    let now = length(offset).max(1);
    (offset.0 * length_mm / now, offset.1 * length_mm / now)
}

/// An offset turned by a quarter, to the left or to the right.
pub(super) const fn aside((x, y): (i64, i64), left: bool) -> (i64, i64) {
    if left { (-y, x) } else { (y, -x) }
}

/// The point at an offset, cut to what a coordinate holds.
pub(super) fn at(from: Point, offset: (i64, i64)) -> Point {
    let part = |from: i32, offset: i64| {
        let sum = i64::from(from).saturating_add(offset);
        i32::try_from(sum).unwrap_or(if sum < 0 { i32::MIN } else { i32::MAX })
    };
    (part(from.0, offset.0), part(from.1, offset.1))
}

/// The direction of an offset as an order has it, at full speed.
pub(super) fn heading(offset: (i64, i64)) -> (i8, i8) {
    let (x, y) = stretched(offset, FULL);
    let part = |part: i64| i8::try_from(part.clamp(-FULL, FULL)).unwrap_or(0);
    (part(x), part(y))
}

/// An offset as an order aims, cut to what an aim holds.
pub(super) fn aim(offset: (i64, i64)) -> (i16, i16) {
    let most = i64::from(i16::MAX);
    let longest = offset.0.abs().max(offset.1.abs());
    let (x, y) = if longest > most {
        (offset.0 * most / longest, offset.1 * most / longest)
    } else {
        offset
    };
    let part = |part: i64| i16::try_from(part.clamp(-most, most)).unwrap_or(0);
    (part(x), part(y))
}
