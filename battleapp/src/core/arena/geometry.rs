//! Geometry over whole millimetres. Nothing here divides before it has to, and nothing overflows
//! as long as the limits in `setup` hold.

use shared::content::Pillar;

/// Micrometres in a millimetre: remainders of movement are kept in them.
pub(super) const UM: i32 = 1_000;

/// A vector in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vec2 {
    pub(super) x: i64,
    pub(super) y: i64,
}

impl Vec2 {
    pub(super) fn between(from: (i32, i32), to: (i32, i32)) -> Self {
        Self { x: i64::from(to.0) - i64::from(from.0), y: i64::from(to.1) - i64::from(from.1) }
    }

    pub(super) const fn dot(self, other: Self) -> i64 {
        self.x * other.x + self.y * other.y
    }

    pub(super) const fn square(self) -> i64 {
        self.dot(self)
    }
}

/// What a body at `speed_mm_s` covers in one tick in direction `towards`, in micrometres. With
/// `full`, any direction but (0, 0) means full speed; without, shorter vectors than 127 are
/// slower, and longer ones are cut to 127.
pub(super) fn stride_um(towards: (i16, i16), speed_mm_s: i32, hz: u32, full: bool) -> (i32, i32) {
    let (x, y) = (i64::from(towards.0), i64::from(towards.1));
    let square = x * x + y * y;
    if square == 0 {
        return (0, 0);
    }
    // In thousandths, so that short vectors have a precise length too.
    let length = if full || square > 127 * 127 { (square * 1_000_000).isqrt() } else { 127_000 };
    let um_s = i64::from(speed_mm_s) * i64::from(UM);
    let share = |part: i64| narrow(um_s * 1_000 * part / (length * i64::from(hz.max(1))));
    (share(x), share(y))
}

/// The direction of a vector as one of length 127, rounded to zero; (0, 0) stays.
pub(super) fn scaled(towards: (i16, i16)) -> (i8, i8) {
    let (x, y) = (i64::from(towards.0), i64::from(towards.1));
    let length = ((x * x + y * y) * 1_000_000).isqrt().max(1);
    let share = |part: i64| i8::try_from(part * 127_000 / length).unwrap_or(0);
    (share(x), share(y))
}

/// Adds a stride to a position; what is less than a millimetre stays in `rest_um`.
pub(super) fn advance(at_mm: i32, rest_um: &mut i32, stride_um: i32) -> i32 {
    let total = i64::from(*rest_um) + i64::from(stride_um);
    *rest_um = narrow(total.rem_euclid(i64::from(UM)));
    narrow(i64::from(at_mm) + total.div_euclid(i64::from(UM)))
}

/// Where a body of `radius` that was at `from` and wants to be at `to` ends up: inside the map and
/// outside all pillars. It slides along what is in its way; where it would be squeezed, it stays.
pub(super) fn settle(
    from: (i32, i32),
    to: (i32, i32),
    radius: i32,
    half: (i32, i32),
    pillars: &[Pillar],
) -> (i32, i32) {
    let inside = |at: (i32, i32)| {
        let (x, y) = ((half.0 - radius).max(0), (half.1 - radius).max(0));
        (at.0.clamp(-x, x), at.1.clamp(-y, y))
    };
    let mut at = inside(to);
    for pillar in pillars {
        if overlaps(at, radius, pillar) {
            at = inside(pushed_out(from, at, radius, pillar));
        }
    }
    if pillars.iter().any(|pillar| overlaps(at, radius, pillar)) { from } else { at }
}

/// Whether a body reaches into a pillar.
pub(super) fn overlaps(at: (i32, i32), radius: i32, pillar: &Pillar) -> bool {
    let apart = i64::from(radius) + i64::from(pillar.radius_mm);
    Vec2::between((pillar.x_mm, pillar.y_mm), at).square() < apart * apart
}

/// The point beside the pillar that is nearest to `at`.
fn pushed_out(from: (i32, i32), at: (i32, i32), radius: i32, pillar: &Pillar) -> (i32, i32) {
    let centre = (pillar.x_mm, pillar.y_mm);
    let mut away = Vec2::between(centre, at);
    if away.square() == 0 {
        away = Vec2::between(centre, from);
    }
    if away.square() == 0 {
        away = Vec2 { x: 1, y: 0 };
    }
    let apart = i64::from(radius) + i64::from(pillar.radius_mm);
    let length = (away.square() * 1_000_000).isqrt();
    // Rounded away from the pillar, so that the result never overlaps.
    let part = |along: i64| {
        let length = length.max(1);
        narrow((along.abs() * apart * 1_000 + length - 1) / length * along.signum())
    };
    (centre.0.saturating_add(part(away.x)), centre.1.saturating_add(part(away.y)))
}

/// When a circle of radius `reach` around `centre` is first touched on the way from `from` along
/// `path`: a number in `0..=path.square()`, the same scale for all circles. `None` for a miss.
///
/// The nearer root of |from + t path - centre|² = reach², scaled by |path|².
pub(super) fn first_touch(
    from: (i32, i32),
    path: Vec2,
    centre: (i32, i32),
    reach: i64,
) -> Option<i64> {
    let offset = Vec2::between(centre, from);
    let gap = offset.square() - reach * reach;
    if gap <= 0 {
        return Some(0);
    }
    let (length_x, length_y) = (path.x.abs(), path.y.abs());
    if offset.x.abs() > reach + length_x || offset.y.abs() > reach + length_y {
        return None;
    }
    let scale = path.square();
    let along = -offset.dot(path);
    let under = along * along - scale * gap;
    if along <= 0 || under < 0 {
        return None;
    }
    let touch = along - under.isqrt();
    (touch <= scale).then_some(touch.max(0))
}

/// Every caller stays within the limits of `setup`, far below what 32 bits hold; a value beyond
/// is cut rather than wrapped.
fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_have_the_same_length_in_every_direction() {
        for towards in [(127, 0), (0, -127), (127, 127), (-90, 90), (1, 1)] {
            let (x, y) = stride_um(towards, 5_000, 20, true);
            let length = Vec2 { x: i64::from(x), y: i64::from(y) }.square().isqrt();
            assert!((249_700..=250_000).contains(&length), "{towards:?}: {length}");
        }
        assert_eq!(stride_um((64, 0), 5_000, 20, false), (125_984, 0));
        assert_eq!(stride_um((0, 0), 5_000, 20, true), (0, 0));
    }

    #[test]
    fn remainders_add_up_in_both_directions() {
        let (mut at, mut rest) = (0, 0);
        for _ in 0..1_000 {
            at = advance(at, &mut rest, 333);
        }
        assert_eq!((at, rest), (333, 0));
        for _ in 0..1_000 {
            at = advance(at, &mut rest, -333);
        }
        assert_eq!((at, rest), (0, 0));
    }

    #[test]
    fn a_pushed_body_slides_and_never_overlaps() {
        let pillar = Pillar { x_mm: 0, y_mm: 0, radius_mm: 1_000 };
        let mut at = (-3_000, 100);
        for _ in 0..200 {
            at = settle(at, (at.0 + 100, at.1), 400, (20_000, 20_000), &[pillar]);
            assert!(!overlaps(at, 400, &pillar), "{at:?}");
        }
        assert!(at.0 > 1_400, "it has slid past: {at:?}");
    }

    #[test]
    fn a_sweep_finds_the_nearer_circle_and_misses_what_is_beside_or_behind() {
        let path = Vec2 { x: 5_000, y: 0 };
        let near = first_touch((0, 0), path, (1_000, 0), 100);
        let far = first_touch((0, 0), path, (2_000, 0), 100);
        assert_eq!(near, Some(900 * 5_000));
        assert!(near < far);
        assert_eq!(first_touch((0, 0), path, (1_000, 101), 100), None);
        assert!(first_touch((0, 0), path, (1_000, 100), 100).is_some());
        assert_eq!(first_touch((0, 0), path, (-1_000, 0), 100), None);
        assert_eq!(first_touch((0, 0), path, (5_101, 0), 100), None);
        assert_eq!(first_touch((0, 0), path, (50, 0), 100), Some(0));
    }
}
