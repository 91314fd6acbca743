//! The siege: up to thousands of players hold a keep against waves of monsters and their boss.
//!
//! Who stands near whom is asked of grids, so a tick costs in proportion to who takes part. All
//! that is done to somebody in a tick is added up and takes effect at its end: no order matters.
//! Players and monsters have one component each, and every stage is one loop over one of them.

mod field;
mod fighters;
mod lanes;
mod monsters;
mod outcome;
mod rules;
mod state;
#[cfg(test)]
mod tests;
mod view;

use bevy_ecs::prelude::*;
use shared::content::SiegeRules;
use shared::msg::snapshot::Snapshot;

use self::field::Field;
use self::lanes::LANES;
use self::rules::Rules;
use self::state::{Beast, Clock, FIRST_BEAST_ID, Fighter, KeepHp, NextBeast, StableId, Tally};
use super::interest::Interest;
use super::registry::{FieldRow, State};
use super::setup::{ModeRules, Setup};
use super::sim::{BattleSim, Order, StateError, Verdict};

pub use self::rules::{BEASTS_MAX, is_sound};

/// A stage of the tick: its name in reports, and what it does.
type Stage = (&'static str, fn(&mut Siege, &[Order]));

/// A tick, in this order.
const STAGES: [Stage; 5] = [
    ("Arrive", monsters::arrive),
    ("Walk", fighters::walk),
    ("Strike", fighters::strike),
    ("Prowl", monsters::prowl),
    ("Resolve", outcome::resolve),
];

/// The rules of a siege, if a battle has such.
#[must_use]
pub const fn rules_of(setup: &Setup) -> Option<&SiegeRules> {
    match &setup.rules {
        ModeRules::Siege(rules) => Some(rules),
        ModeRules::Arena(_) => None,
    }
}

/// One siege.
pub struct Siege {
    world: World,
    rules: Rules,
    field: Field,
    /// Fighters and monsters, by stable id.
    entities: Vec<(u32, Entity)>,
    fighters: QueryState<(&'static StableId, &'static mut Fighter)>,
    beasts: QueryState<(Entity, &'static StableId, &'static mut Beast)>,
}

impl Siege {
    /// The battle at its beginning. The setup has been checked, and has these rules.
    #[must_use]
    pub fn new(setup: &Setup, siege: &SiegeRules) -> Self {
        let rules = Rules::new(setup, siege);
        let mut world = World::new();
        world.insert_resource(Clock::default());
        world.insert_resource(Tally::default());
        world.insert_resource(NextBeast::default());
        world.insert_resource(KeepHp(rules.keep_hp));
        let mut entities = Vec::new();
        for (slot, kit) in (0..).zip(&rules.kits) {
            let (x_mm, y_mm) = rules.entry(0, slot);
            let fighter = Fighter { x_mm, y_mm, hp: kit.hp_max, ..Fighter::default() };
            entities.push((slot, world.spawn((StableId(slot), fighter)).id()));
        }
        let field = Field::new(&rules);
        let (fighters, beasts) = (world.query(), world.query());
        Self { world, rules, field, entities, fighters, beasts }
    }

    fn replace_beasts(&mut self, ids: &[u32]) {
        let seats = self.rules.kits.len();
        for (_, beast) in self.entities.drain(seats..) {
            self.world.despawn(beast);
        }
        for id in ids {
            self.spawn(*id, Beast::default());
        }
    }

    fn spawn(&mut self, id: u32, beast: Beast) {
        self.entities.push((id, self.world.spawn((StableId(id), beast)).id()));
    }
}

impl BattleSim for Siege {
    fn step(&mut self, orders: &[Order]) {
        self.world.resource_mut::<Clock>().0 += 1;
        for (_, stage) in STAGES {
            stage(self, orders);
        }
    }

    fn step_traced(&mut self, orders: &[Order], after: &mut dyn FnMut(&str, &[FieldRow])) {
        self.world.resource_mut::<Clock>().0 += 1;
        for (name, stage) in STAGES {
            stage(self, orders);
            let mut rows = Vec::new();
            self.fields(&mut rows);
            after(name, &rows);
        }
    }

    fn tick(&self) -> u32 {
        self.world.resource::<Clock>().0
    }

    fn verdict(&self) -> Option<Verdict> {
        let tally = self.world.resource::<Tally>();
        let is_over = tally.boss_killed != 0
            || self.world.resource::<KeepHp>().0 == 0
            || self.tick() >= self.rules.ticks_max;
        is_over.then(|| self.standing())
    }

    fn standing(&self) -> Verdict {
        Verdict::Won(if self.world.resource::<Tally>().boss_killed != 0 { 0 } else { 1 })
    }

    fn state(&mut self) -> State<'_> {
        State { lanes: LANES, world: &mut self.world, entities: &self.entities }
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let parts = LANES.parts(bytes)?;
        self.replace_beasts(&parts.ids::<Beast>(FIRST_BEAST_ID, BEASTS_MAX)?);
        parts.take(&mut self.world, &self.entities)
    }

    /// One class for each player: what they are told differs, see `interest`.
    fn class_of(&self, slot: u16) -> u16 {
        slot
    }

    fn view(&mut self, _class: u16) -> Snapshot {
        view::all(self)
    }

    fn interest(&self) -> Option<Interest> {
        Some(view::INTEREST)
    }
}
