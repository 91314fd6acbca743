//! What a siege's state consists of.

use super::super::registry::{Lane, Lanes, Row, of_component, of_resource};
use super::super::setup::{HALF_SIZE_MM_MAX, HP_MAX, SEATS_MAX};
use super::rules::HP_LIMIT;
use super::state::{
    Beast, Clock, FIRST_BEAST_ID, Fighter, KeepHp, LAST_BEAST_ID, NextBeast, Tally,
};

/// All lanes. `Beast` is the one that says which monsters there are.
pub(super) const LANES: Lanes = Lanes(&[
    of_resource::<Clock>(),
    of_resource::<Tally>(),
    of_resource::<NextBeast>(),
    of_resource::<KeepHp>(),
    of_component::<Fighter>(),
    of_component::<Beast>(),
]);

impl Lane for Clock {
    const ID: u16 = 1;
    const NAME: &'static str = "Clock";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("ticks", &mut self.0)
    }
}

impl Lane for Tally {
    const ID: u16 = 200;
    const NAME: &'static str = "Tally";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("killed", &mut self.killed)?;
        row.any("fallen", &mut self.fallen)?;
        row.number("boss_killed", &mut self.boss_killed, 0..=1)
    }
}

impl Lane for NextBeast {
    const ID: u16 = 201;
    const NAME: &'static str = "NextBeast";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("id", &mut self.0, FIRST_BEAST_ID..=LAST_BEAST_ID + 1)
    }
}

impl Lane for KeepHp {
    const ID: u16 = 202;
    const NAME: &'static str = "KeepHp";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("points", &mut self.0, 0..=HP_LIMIT)
    }
}

impl Lane for Fighter {
    const ID: u16 = 203;
    const NAME: &'static str = "Fighter";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("x_mm", &mut self.x_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("y_mm", &mut self.y_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("hp", &mut self.hp, 0..=HP_MAX)?;
        row.any("ready.strike", &mut self.ready[0])?;
        row.any("ready.shot", &mut self.ready[1])?;
        row.any("back", &mut self.back)
    }
}

impl Lane for Beast {
    const ID: u16 = 204;
    const NAME: &'static str = "Beast";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("kind", &mut self.kind)?;
        row.number("x_mm", &mut self.x_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("y_mm", &mut self.y_mm, -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("hp", &mut self.hp, 0..=HP_LIMIT)?;
        let slots = u16::try_from(SEATS_MAX).unwrap_or(u16::MAX);
        row.number("prey", &mut self.prey, 0..=slots)?;
        row.any("ready", &mut self.ready)?;
        row.any("area_ready", &mut self.area_ready)
    }
}
