//! What the arena's state consists of. What is not here is derived from the setup or rebuilt in
//! every tick, and listed in the test that looks for components nobody registered.

use super::combat::{Cooldowns, NextShot, Shot};
use super::geometry::UM;
use super::lives::{Hp, Life, Score};
use super::state::{Clock, FIRST_SHOT_ID};
use super::walking::{Gait, Place};
use crate::core::registry::{Lane, Lanes, Row, of_component, of_resource};
use crate::core::setup::{HALF_SIZE_MM_MAX, HP_MAX, RADIUS_MM_MAX, SPEED_MM_S_MAX};

/// All lanes. `Shot` is the one that says which projectiles there are.
pub(super) const LANES: Lanes = Lanes(&[
    of_resource::<Clock>(),
    of_resource::<Score>(),
    of_resource::<NextShot>(),
    of_component::<Shot>(),
    of_component::<Place>(),
    of_component::<Gait>(),
    of_component::<Hp>(),
    of_component::<Cooldowns>(),
    of_component::<Life>(),
]);

/// Far more kills than ticks can bring, far fewer than would overflow.
const KILLS_MAX: u32 = 1 << 24;
const STRIDE_UM_MAX: i32 = SPEED_MM_S_MAX * UM;

impl Lane for Clock {
    const ID: u16 = 1;
    const NAME: &'static str = "Clock";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("ticks", &mut self.0)
    }
}

impl Lane for Score {
    const ID: u16 = 2;
    const NAME: &'static str = "Score";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        let [first, second] = &mut self.0;
        row.number("kills.0", first, 0..=KILLS_MAX)?;
        row.number("kills.1", second, 0..=KILLS_MAX)
    }
}

impl Lane for NextShot {
    const ID: u16 = 3;
    const NAME: &'static str = "NextShot";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("id", &mut self.0, FIRST_SHOT_ID..=u32::MAX)
    }
}

impl Lane for Shot {
    const ID: u16 = 10;
    const NAME: &'static str = "Shot";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("owner", &mut self.owner, 0..=FIRST_SHOT_ID - 1)?;
        row.number("side", &mut self.side, 0..=1)?;
        row.any("towards.x", &mut self.towards.0)?;
        row.any("towards.y", &mut self.towards.1)?;
        row.number("damage", &mut self.damage, 0..=HP_MAX)?;
        row.number("radius_mm", &mut self.radius_mm, 0..=RADIUS_MM_MAX)?;
        row.number("stride_um.x", &mut self.stride_um.0, -STRIDE_UM_MAX..=STRIDE_UM_MAX)?;
        row.number("stride_um.y", &mut self.stride_um.1, -STRIDE_UM_MAX..=STRIDE_UM_MAX)?;
        row.any("ticks_left", &mut self.ticks_left)
    }
}

impl Lane for Place {
    const ID: u16 = 11;
    const NAME: &'static str = "Place";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("x_mm", &mut self.x_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("y_mm", &mut self.y_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)
    }
}

impl Lane for Gait {
    const ID: u16 = 12;
    const NAME: &'static str = "Gait";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("rest_x_um", &mut self.rest_x_um, 0..=UM - 1)?;
        row.number("rest_y_um", &mut self.rest_y_um, 0..=UM - 1)
    }
}

impl Lane for Hp {
    const ID: u16 = 13;
    const NAME: &'static str = "Hp";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("points", &mut self.0, 0..=HP_MAX)
    }
}

impl Lane for Cooldowns {
    const ID: u16 = 14;
    const NAME: &'static str = "Cooldowns";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("melee", &mut self.melee)?;
        row.any("ranged", &mut self.ranged)
    }
}

/// One byte, 0 alive or 1 dead, and the tick of the return.
impl Lane for Life {
    const ID: u16 = 15;
    const NAME: &'static str = "Life";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        let (mut dead, mut until) = match *self {
            Self::Alive => (0u8, 0u32),
            Self::Dead { until } => (1, until),
        };
        row.number("dead", &mut dead, 0..=1)?;
        row.any("until", &mut until)?;
        *self = match (dead, until) {
            (0, 0) => Self::Alive,
            (1, until) => Self::Dead { until },
            _ => return None,
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_are_frozen() {
        let ids: Vec<_> = LANES.0.iter().map(|lane| (lane.id, lane.name)).collect();
        let expected = [
            (1, "Clock"),
            (2, "Score"),
            (3, "NextShot"),
            (10, "Shot"),
            (11, "Place"),
            (12, "Gait"),
            (13, "Hp"),
            (14, "Cooldowns"),
            (15, "Life"),
        ];
        assert_eq!(ids, expected);
    }
}
