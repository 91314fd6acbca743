//! The arena: two sides of up to five fighters with four skills each, their pets, and points to
//! capture. Kills and held points score; the side with enough has won, or the one with more when
//! time is up.
//!
//! The rules are functions over the components (`moving`, `skills`, `flying`, `pets`, `lives`,
//! `objective`); `systems` runs them over a World, `twin` over vectors. State is integers in
//! components and resources; `lanes` lists all of it. Fighters, pets and points are spawned once
//! and stay; projectiles and areas come and go. Nothing depends on the order of entities.

mod components;
mod flying;
mod geometry;
mod lanes;
mod lives;
mod moving;
mod objective;
mod pets;
mod scratch;
mod skills;
mod stage;
mod state;
mod systems;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "twin"))]
mod twin;
mod view;
pub mod vision;

use bevy_ecs::prelude::*;
use shared::msg::client::FighterResult;
use shared::msg::snapshot::Snapshot;

use self::components::{
    Afflictions, Area, Gait, Harm, Life, Pet, Place, Point, Score, Shot, Skills, Tally, Vitals,
};
use self::lanes::LANES;
use self::scratch::Scratch;
use self::state::{
    Clock, FIRST_PET_ID, FIRST_POINT_ID, FIRST_SPAWN_ID, Kit, Rules, Side, Species, StableId,
};
use self::view::Viewer;
use super::registry::{FieldRow, Lane as _, State};
use super::setup::Setup;
use super::sim::{BattleSim, Order, StateError, Verdict};
use super::trace;

pub use self::view::{EFFECT_BURN, EFFECT_LEAP, EFFECT_SLOW, EFFECT_STUN};

#[cfg(any(test, feature = "twin"))]
pub use self::twin::Twin;

/// Projectiles and areas at most. Who would add another one spends the skill for nothing.
const SPAWNS_MAX: usize = 128;

/// What comes and goes: projectiles and areas.
type Passing = Or<(With<Shot>, With<Area>)>;

/// One arena battle.
pub struct Arena {
    world: World,
    schedule: Schedule,
    viewer: Viewer,
    /// Fighters, pets and points, by stable id.
    lasting: Vec<(u32, Entity)>,
    fighters: usize,
    spawned: QueryState<(Entity, &'static StableId), Passing>,
    /// `lasting`, then projectiles and areas, by stable id; rebuilt when it is needed.
    entities: Vec<(u32, Entity)>,
}

/// A fighter or pet at the beginning.
struct Entrant {
    id: u32,
    side: u8,
    kit: Kit,
    place: Place,
    vitals: Vitals,
    species: u16,
}

/// Fighters and pets as the setup has them, ordered by id.
fn entrants(setup: &Setup, rules: &Rules) -> Vec<Entrant> {
    let mut entrants = Vec::new();
    for (slot, seat) in (0u32..).zip(&setup.seats) {
        let before = setup.seats.iter().zip(0..slot).filter(|(other, _)| other.side == seat.side);
        let entries = rules.entries.get(usize::from(seat.side)).map_or(&[][..], Vec::as_slice);
        let count = before.count().checked_rem(entries.len()).unwrap_or(0);
        let place = Place::from(entries.get(count).copied().unwrap_or_default());
        let mut enter = |id: u32, kit: Kit, species: u16| {
            let vitals = Vitals { hp: kit.hp_max, energy: kit.energy_max, ..Vitals::default() };
            entrants.push(Entrant { id, side: seat.side, kit, place, vitals, species });
        };
        if let Some(kit) = Kit::of_fighter(setup, seat) {
            enter(slot, kit, 0);
        }
        if let Some(kit) = Kit::of_pet(setup, seat) {
            enter(FIRST_PET_ID + slot, kit, seat.pet.map_or(0, |(species, _)| species));
        }
    }
    entrants.sort_unstable_by_key(|entrant| entrant.id);
    entrants
}

impl Arena {
    /// The battle at its beginning. The setup has been checked.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self::spawned(setup, false, 0)
    }

    /// Spawns everybody forwards or `backwards`, each after `strangers` entities that have
    /// nothing to do with the battle: neither makes a difference.
    fn spawned(setup: &Setup, backwards: bool, strangers: usize) -> Self {
        let mut world = World::new();
        let rules = Rules::of(setup);
        let mut entrants = entrants(setup, &rules);
        if backwards {
            entrants.reverse();
        }
        let points = u32::try_from(rules.capture.points.len()).unwrap_or(0);
        world.insert_resource(rules);
        world.insert_resource(Clock::default());
        stage::prepare(&mut world);
        let mut lasting = Vec::new();
        for entrant in entrants {
            (0..strangers).for_each(|_| {
                world.spawn_empty();
            });
            lasting.push((entrant.id, enter(&mut world, entrant)));
        }
        for id in (0..points).map(|n| FIRST_POINT_ID + n) {
            lasting.push((id, world.spawn((StableId(id), Point::default())).id()));
        }
        lasting.sort_unstable_by_key(|(id, _)| *id);
        let fighters = lasting.partition_point(|(id, _)| *id < FIRST_PET_ID);
        let spawned = world.query_filtered();
        let (schedule, viewer) = (stage::schedule(), Viewer::new(&mut world));
        Self { world, schedule, viewer, lasting, fighters, spawned, entities: Vec::new() }
    }

    fn give_orders(&mut self, orders: &[Order]) {
        let given = &mut self.world.resource_mut::<Scratch>().orders.0;
        given.clear();
        given.extend(orders);
    }

    fn list_entities(&mut self) {
        self.entities.clear();
        self.entities.extend(&self.lasting);
        let spawned = self.spawned.iter(&self.world);
        self.entities.extend(spawned.map(|(entity, id)| (id.0, entity)));
        self.entities[self.lasting.len()..].sort_unstable_by_key(|(id, _)| *id);
    }

    /// Puts blank projectiles and areas of these ids in the place of those that are there.
    fn replace_spawned(&mut self, shots: &[u32], areas: &[u32]) {
        let there: Vec<Entity> = self.spawned.iter(&self.world).map(|(entity, _)| entity).collect();
        for entity in there {
            self.world.despawn(entity);
        }
        let place = Place::default();
        for id in shots {
            self.world.spawn((StableId(*id), Shot::default(), place, Gait::default()));
        }
        for id in areas {
            self.world.spawn((StableId(*id), Area::default(), place));
        }
        self.list_entities();
    }
}

fn enter(world: &mut World, entrant: Entrant) -> Entity {
    let Entrant { id, side, kit, place, vitals, species } = entrant;
    let unit = (
        (StableId(id), Side(side), kit, place, Gait::default()),
        (vitals, Afflictions::default(), Life::Alive),
    );
    if id < FIRST_PET_ID {
        world.spawn((unit, Skills::default(), Harm::default(), Tally::default())).id()
    } else {
        world.spawn((unit, Pet::default(), Species(species))).id()
    }
}

impl BattleSim for Arena {
    fn step(&mut self, orders: &[Order]) {
        self.give_orders(orders);
        self.schedule.run(&mut self.world);
    }

    fn step_traced(&mut self, orders: &[Order], after: &mut dyn FnMut(&str, &[FieldRow])) {
        self.give_orders(orders);
        trace::by_system(self, after);
    }

    fn schedule(&mut self) -> Option<(&mut Schedule, &mut World)> {
        Some((&mut self.schedule, &mut self.world))
    }

    fn tick(&self) -> u32 {
        self.world.resource::<Clock>().0
    }

    fn verdict(&self) -> Option<Verdict> {
        let [first, second] = self.score();
        let rules = self.world.resource::<Rules>();
        let over = first.max(second) >= rules.score_to_win || self.tick() >= rules.ticks_max;
        over.then(|| self.standing())
    }

    fn score(&self) -> [u32; 2] {
        self.world.resource::<Score>().0
    }

    fn results(&self) -> Vec<FighterResult> {
        let hz = self.world.resource::<Rules>().hz.max(1);
        let fighters = self.lasting.iter().take(self.fighters);
        let result = |(id, entity): &(u32, Entity)| {
            let tally = self.world.get::<Tally>(*entity)?;
            Some(FighterResult {
                slot: u16::try_from(*id).ok()?,
                kills: tally.kills,
                deaths: tally.deaths,
                assists: tally.assists,
                damage: tally.damage,
                healing: tally.healing,
                capture_s: tally.capture / hz,
            })
        };
        fighters.filter_map(result).collect()
    }

    fn state(&mut self) -> State<'_> {
        self.list_entities();
        State { lanes: LANES, world: &mut self.world, entities: &self.entities }
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let parts = LANES.parts(bytes)?;
        let shots = parts.ids::<Shot>(FIRST_SPAWN_ID, SPAWNS_MAX)?;
        let areas = parts.ids::<Area>(FIRST_SPAWN_ID, SPAWNS_MAX - shots.len())?;
        if shots.iter().any(|id| areas.binary_search(id).is_ok()) {
            return Err(StateError { lane: Area::ID });
        }
        self.replace_spawned(&shots, &areas);
        parts.take(&mut self.world, &self.entities)
    }

    fn class_of(&self, slot: u16) -> u16 {
        let fighter = self.lasting.get(usize::from(slot));
        let side = fighter.and_then(|(_, entity)| self.world.get::<Side>(*entity));
        side.map_or(0, |side| side.0.into())
    }

    fn view(&mut self, class: u16) -> Snapshot {
        let mut seen = Snapshot::default();
        self.view_into(class, &mut seen);
        seen
    }

    fn view_into(&mut self, class: u16, snapshot: &mut Snapshot) {
        snapshot.clear();
        self.viewer.view(&self.world, class, snapshot);
    }
}
