//! What a side sees. Pure, so that any mode may use it: a look at every eye of the side at most.

use shared::content::Point;

use crate::core::ground::Ground;

/// Who looks: a living fighter or pet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eye {
    /// Where it is.
    pub at: Point,
    /// For whom it looks.
    pub side: u8,
    /// How far it sees.
    pub sight_mm: i32,
}

/// What may be seen: a fighter, dead or alive, a pet, a projectile, an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where its centre is.
    pub at: Point,
    /// Whose it is.
    pub side: u8,
}

/// Whether `side` sees the target: its own always, and what one of its eyes has within its sight
/// with nothing in between.
#[must_use]
pub fn visible(ground: &Ground, side: u8, eyes: &[Eye], target: Target) -> bool {
    target.side == side
        || eyes.iter().any(|eye| {
            eye.side == side
                && is_within(eye.at, target.at, eye.sight_mm)
                && ground.sees(eye.at, target.at)
        })
}

fn is_within(a: Point, b: Point, radius_mm: i32) -> bool {
    let (x, y) = (i64::from(b.0) - i64::from(a.0), i64::from(b.1) - i64::from(a.1));
    x * x + y * y <= i64::from(radius_mm) * i64::from(radius_mm)
}

#[cfg(test)]
mod tests {
    use shared::content::Content;

    use super::*;

    const EYE: Eye = Eye { at: (-9_000, -1_000), side: 0, sight_mm: 6_000 };

    fn seen(ground: &Ground, side: u8, at: Point) -> bool {
        let other = Eye { at: (9_000, 1_000), side: 1, ..EYE };
        visible(ground, side, &[EYE, other], Target { at, side: 1 })
    }

    #[test]
    fn sides_see_their_own_and_what_is_near_and_in_the_open() {
        let ground = Ground::new(&Content::builtin().maps["crossing"]);
        assert!(seen(&ground, 0, (-6_000, -1_000)), "in the open");
        assert!(!seen(&ground, 0, (-2_999, -1_000)), "too far away");
        assert!(!seen(&ground, 0, (-7_000, -5_500)), "behind a wall");
        assert!(seen(&ground, 1, (-7_000, -5_500)), "one's own");
        let blind = visible(&ground, 0, &[], Target { at: (0, 0), side: 1 });
        assert!(!blind, "nobody is there to look");
    }
}
