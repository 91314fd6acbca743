//! What the arena's state consists of. What is not here is derived from the setup or rebuilt in
//! every tick, and listed in the test that looks for components nobody registered.

use super::SPAWNS_MAX;
use super::components::{
    Afflictions, Area, Gait, Harm, Life, NextId, Origin, Pet, Place, Point, Score, Shot, Skills,
    Tally, Vitals,
};
use super::geometry::UM;
use super::state::{Clock, ENERGY_PARTS, FIGHTERS_MAX, FIRST_PET_ID, FIRST_SPAWN_ID};
use crate::core::registry::{Lane, Lanes, Row, of_component, of_resource};
use crate::core::setup::{HALF_SIZE_MM_MAX, HP_MAX, SPEED_MM_S_MAX, WAIT_MS_MAX};

/// All lanes. `Shot` and `Area` say which projectiles and areas there are.
pub(super) const LANES: Lanes = Lanes(&[
    of_resource::<Clock>(),
    of_resource::<Score>(),
    of_resource::<NextId>(),
    of_component::<Shot>(),
    of_component::<Area>(),
    of_component::<Place>(),
    of_component::<Gait>(),
    of_component::<Vitals>(),
    of_component::<Afflictions>(),
    of_component::<Life>(),
    of_component::<Skills>(),
    of_component::<Harm>(),
    of_component::<Tally>(),
    of_component::<Pet>(),
    of_component::<Point>(),
]);

const _: () = assert!(FIGHTERS_MAX == 10 && SPAWNS_MAX < 1 << 16);

const STRIDE_UM_MAX: i32 = SPEED_MM_S_MAX * UM;
const SKILLS_MAX: u8 = 4;
const ENERGY_MAX: i32 = 1_000 * ENERGY_PARTS;
/// Far more ticks than any wait in the rules takes, at any tick rate.
const PROGRESS_MAX: i32 = WAIT_MS_MAX.cast_signed();

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
        row.any("score.0", first)?;
        row.any("score.1", second)
    }
}

impl Lane for NextId {
    const ID: u16 = 3;
    const NAME: &'static str = "NextId";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("id", &mut self.0, FIRST_SPAWN_ID..=u32::MAX)
    }
}

impl Origin {
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("owner", &mut self.owner, 0..=FIRST_PET_ID - 1)?;
        row.number("side", &mut self.side, 0..=1)?;
        row.any("skill", &mut self.skill)?;
        row.number("power", &mut self.power, -HP_MAX..=HP_MAX)
    }
}

impl Lane for Shot {
    const ID: u16 = 10;
    const NAME: &'static str = "Shot";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        self.origin.row(row)?;
        row.any("towards.x", &mut self.towards.0)?;
        row.any("towards.y", &mut self.towards.1)?;
        row.number("stride_um.x", &mut self.stride_um.0, -STRIDE_UM_MAX..=STRIDE_UM_MAX)?;
        row.number("stride_um.y", &mut self.stride_um.1, -STRIDE_UM_MAX..=STRIDE_UM_MAX)?;
        row.any("ticks_left", &mut self.ticks_left)
    }
}

impl Lane for Area {
    const ID: u16 = 11;
    const NAME: &'static str = "Area";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        self.origin.row(row)?;
        row.any("pulses_left", &mut self.pulses_left)?;
        row.any("next", &mut self.next)
    }
}

impl Lane for Place {
    const ID: u16 = 12;
    const NAME: &'static str = "Place";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("x_mm", &mut self.x_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("y_mm", &mut self.y_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)
    }
}

impl Lane for Gait {
    const ID: u16 = 13;
    const NAME: &'static str = "Gait";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("rest_x_um", &mut self.rest_x_um, 0..=UM - 1)?;
        row.number("rest_y_um", &mut self.rest_y_um, 0..=UM - 1)
    }
}

impl Lane for Vitals {
    const ID: u16 = 14;
    const NAME: &'static str = "Vitals";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("hp", &mut self.hp, 0..=HP_MAX)?;
        row.number("shield", &mut self.shield, 0..=HP_MAX)?;
        row.any("shield_until", &mut self.shield_until)?;
        row.number("energy", &mut self.energy, 0..=ENERGY_MAX)
    }
}

impl Lane for Afflictions {
    const ID: u16 = 15;
    const NAME: &'static str = "Afflictions";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("slow_permille", &mut self.slow_permille, 0..=1_000)?;
        row.any("slow_until", &mut self.slow_until)?;
        row.any("stun_until", &mut self.stun_until)?;
        row.number("burn", &mut self.burn, 0..=HP_MAX)?;
        row.any("burn_until", &mut self.burn_until)?;
        row.number("burn_by", &mut self.burn_by, 0..=FIRST_PET_ID - 1)
    }
}

/// One byte, 0 alive or 1 dead, and the tick of the return.
impl Lane for Life {
    const ID: u16 = 16;
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

impl Lane for Skills {
    const ID: u16 = 17;
    const NAME: &'static str = "Skills";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        let names = ["ready.0", "ready.1", "ready.2", "ready.3"];
        for (name, ready) in names.into_iter().zip(&mut self.ready) {
            row.any(name, ready)?;
        }
        row.number("casting", &mut self.casting, 0..=SKILLS_MAX)?;
        row.any("cast_until", &mut self.cast_until)?;
        row.any("aim_mm.x", &mut self.aim_mm.0)?;
        row.any("aim_mm.y", &mut self.aim_mm.1)?;
        row.number("leaping", &mut self.leaping, 0..=SKILLS_MAX)?;
        row.number("leap_um.x", &mut self.leap_um.0, -STRIDE_UM_MAX..=STRIDE_UM_MAX)?;
        row.number("leap_um.y", &mut self.leap_um.1, -STRIDE_UM_MAX..=STRIDE_UM_MAX)?;
        row.any("leap_ticks", &mut self.leap_ticks)
    }
}

impl Lane for Harm {
    const ID: u16 = 18;
    const NAME: &'static str = "Harm";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        let names =
            ["by.0", "by.1", "by.2", "by.3", "by.4", "by.5", "by.6", "by.7", "by.8", "by.9"];
        for (name, last) in names.into_iter().zip(&mut self.0) {
            row.any(name, last)?;
        }
        Some(())
    }
}

impl Lane for Tally {
    const ID: u16 = 19;
    const NAME: &'static str = "Tally";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("kills", &mut self.kills)?;
        row.any("deaths", &mut self.deaths)?;
        row.any("assists", &mut self.assists)?;
        row.any("damage", &mut self.damage)?;
        row.any("healing", &mut self.healing)?;
        row.any("capture", &mut self.capture)
    }
}

impl Lane for Pet {
    const ID: u16 = 20;
    const NAME: &'static str = "Pet";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("ready", &mut self.ready)
    }
}

impl Lane for Point {
    const ID: u16 = 21;
    const NAME: &'static str = "Point";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("progress", &mut self.progress, -PROGRESS_MAX..=PROGRESS_MAX)?;
        row.number("holder", &mut self.holder, 0..=2)
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
            (3, "NextId"),
            (10, "Shot"),
            (11, "Area"),
            (12, "Place"),
            (13, "Gait"),
            (14, "Vitals"),
            (15, "Afflictions"),
            (16, "Life"),
            (17, "Skills"),
            (18, "Harm"),
            (19, "Tally"),
            (20, "Pet"),
            (21, "Point"),
        ];
        assert_eq!(ids, expected);
    }
}
