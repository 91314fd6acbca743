//! Geometry over whole millimetres. Nothing here divides before it has to, and nothing overflows
//! as long as the limits in `setup` hold. What depends on the map is the ground's.

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
    // In ten thousandths and rounded up, so that nobody is faster in some directions.
    let length = if full || square > 127 * 127 {
        let fine = square * 100_000_000;
        let root = fine.isqrt();
        root + i64::from(root * root < fine)
    } else {
        1_270_000
    };
    let um_s = i64::from(speed_mm_s) * i64::from(UM);
    let share = |part: i64| narrow(um_s * 10_000 * part / (length * i64::from(hz.max(1))));
    (share(x), share(y))
}

/// The direction of a vector as one of length 127, rounded to zero; (0, 0) stays.
pub(super) fn scaled(towards: (i16, i16)) -> (i8, i8) {
    let (x, y) = (i64::from(towards.0), i64::from(towards.1));
    let length = ((x * x + y * y) * 1_000_000).isqrt().max(1);
    let share = |part: i64| i8::try_from(part * 127_000 / length).unwrap_or(0);
    (share(x), share(y))
}

/// A vector cut to a length; (0, 0) for a length of zero.
pub(super) fn cut(vector: (i32, i32), length: i32) -> (i32, i32) {
    let whole = Vec2::between((0, 0), vector);
    let most = i64::from(length.max(0));
    if whole.square() <= most * most {
        return vector;
    }
    let is = (whole.square() * 1_000_000).isqrt().max(1);
    (narrow(whole.x * most * 1_000 / is), narrow(whole.y * most * 1_000 / is))
}

/// Adds a stride to a position; what is less than a millimetre stays in `rest_um`.
pub(super) fn advance(at_mm: i32, rest_um: &mut i32, stride_um: i32) -> i32 {
    let total = i64::from(*rest_um) + i64::from(stride_um);
    *rest_um = narrow(total.rem_euclid(i64::from(UM)));
    narrow(i64::from(at_mm) + total.div_euclid(i64::from(UM)))
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
pub(super) fn narrow(value: i64) -> i32 {
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
