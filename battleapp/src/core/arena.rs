//! The arena: two sides of up to five fighters on a map with pillars. The side that has killed
//! often enough has won; when time is up, the one with more kills.
//!
//! State is integers in components and resources; `lanes` lists all of it. Fighters are spawned
//! once and stay; projectiles come and go. Systems either do not depend on the order of entities
//! or sort by stable id.

mod combat;
mod geometry;
mod lanes;
mod lives;
mod stage;
mod state;
#[cfg(test)]
mod tests;
pub mod vision;
mod walking;

use bevy_ecs::prelude::*;
use shared::content::Pillar;
use shared::msg::snapshot::{FighterView, ProjectileView, Snapshot, UNIT_MM};

use self::combat::{Cooldowns, SHOTS_MAX, Shot};
use self::lanes::LANES;
use self::lives::{Hp, Life, Score};
use self::stage::{Only, STAGES};
use self::state::{Clock, FIRST_SHOT_ID, Kit, Orders, Rules, Side, StableId};
use self::walking::{Gait, Place};
use super::registry::{FieldRow, State};
use super::setup::{ModeRules, Setup};
use super::sim::{BattleSim, Order, StateError, Verdict};

/// Fighters enter this far from their end of the map.
const ENTRY_MARGIN_MM: i32 = 1_500;
/// Entries of each side.
const ENTRIES: i32 = 5;

/// One arena battle.
pub struct Arena {
    world: World,
    schedule: Schedule,
    /// Runs one stage at a time; built when a tick is traced.
    staged: Option<Schedule>,
    fighters: Vec<(u32, Entity)>,
    shots: QueryState<(Entity, &'static StableId), With<Shot>>,
    /// Fighters, then projectiles, by stable id; rebuilt when it is needed.
    entities: Vec<(u32, Entity)>,
}

impl Arena {
    /// The battle at its beginning. The setup has been checked.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let slots: Vec<usize> = (0..setup.seats.len()).collect();
        Self::spawned(setup, &slots, 0)
    }

    /// Spawns the fighters in the order of `slots`, each after `strangers` entities that have
    /// nothing to do with the battle: neither makes a difference.
    fn spawned(setup: &Setup, slots: &[usize], strangers: usize) -> Self {
        let mut world = World::new();
        let rules = rules_of(setup);
        let entries = rules.entries.clone();
        world.insert_resource(rules);
        world.insert_resource(Clock::default());
        world.insert_resource(Orders::default());
        let schedule = stage::schedule(&mut world);
        let mut fighters = Vec::new();
        for &slot in slots {
            let Some(seat) = setup.seats.get(slot) else { continue };
            let Some(kit) = Kit::of(setup, seat) else { continue };
            let before = setup.seats.iter().take(slot).filter(|other| other.side == seat.side);
            let entry = &entries[usize::from(seat.side.min(1))];
            let place = entry.get(before.count()).copied().unwrap_or_default();
            (0..strangers).for_each(|_| {
                world.spawn_empty();
            });
            let id = u32::try_from(slot).unwrap_or(u32::MAX);
            let fighter = world.spawn((
                StableId(id),
                Side(seat.side),
                kit,
                Place { x_mm: place.0, y_mm: place.1 },
                Gait::default(),
                Hp(kit.hp_max),
                Cooldowns::default(),
                Life::Alive,
            ));
            fighters.push((id, fighter.id()));
        }
        fighters.sort_unstable_by_key(|(id, _)| *id);
        let shots = world.query_filtered();
        Self { world, schedule, staged: None, fighters, shots, entities: Vec::new() }
    }

    fn begin_tick(&mut self, orders: &[Order]) {
        self.world.resource_mut::<Clock>().0 += 1;
        let mut given = self.world.resource_mut::<Orders>();
        given.0.clear();
        given.0.extend(orders);
    }

    fn list_entities(&mut self) {
        self.entities.clear();
        self.entities.extend(&self.fighters);
        let shots = self.shots.iter(&self.world);
        self.entities.extend(shots.map(|(entity, id)| (id.0, entity)));
        self.entities.sort_unstable_by_key(|(id, _)| *id);
    }

    fn replace_shots(&mut self, ids: &[u32]) {
        self.list_entities();
        self.entities.truncate(self.fighters.len());
        let shots: Vec<Entity> = self.shots.iter(&self.world).map(|(entity, _)| entity).collect();
        for shot in shots {
            self.world.despawn(shot);
        }
        for id in ids {
            let (place, gait) = (Place::default(), Gait::default());
            let shot = self.world.spawn((StableId(*id), Shot::default(), place, gait));
            self.entities.push((*id, shot.id()));
        }
    }
}

impl BattleSim for Arena {
    fn step(&mut self, orders: &[Order]) {
        self.begin_tick(orders);
        self.schedule.run(&mut self.world);
    }

    fn step_traced(&mut self, orders: &[Order], after: &mut dyn FnMut(&'static str, &[FieldRow])) {
        let mut staged = self.staged.take().unwrap_or_else(|| stage::staged(&mut self.world));
        self.begin_tick(orders);
        for stage in STAGES {
            self.world.resource_mut::<Only>().0 = stage;
            staged.run(&mut self.world);
            let mut rows = Vec::new();
            self.fields(&mut rows);
            after(stage.name(), &rows);
        }
        self.staged = Some(staged);
    }

    fn tick(&self) -> u32 {
        self.world.resource::<Clock>().0
    }

    fn verdict(&self) -> Option<Verdict> {
        let rules = self.world.resource::<Rules>();
        let [first, second] = self.world.resource::<Score>().0;
        if first.max(second) < rules.kills_to_win && self.tick() < rules.ticks_max {
            return None;
        }
        Some(self.standing())
    }

    fn standing(&self) -> Verdict {
        let [first, second] = self.world.resource::<Score>().0;
        match first.cmp(&second) {
            std::cmp::Ordering::Less => Verdict::Won(1),
            std::cmp::Ordering::Equal => Verdict::Drawn,
            std::cmp::Ordering::Greater => Verdict::Won(0),
        }
    }

    fn state(&mut self) -> State<'_> {
        self.list_entities();
        State { lanes: LANES, world: &mut self.world, entities: &self.entities }
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let parts = LANES.parts(bytes)?;
        self.replace_shots(&parts.ids::<Shot>(FIRST_SHOT_ID, SHOTS_MAX)?);
        parts.take(&mut self.world, &self.entities)
    }

    fn class_of(&self, slot: u16) -> u16 {
        let fighter = self.fighters.get(usize::from(slot));
        let side = fighter.and_then(|(_, entity)| self.world.get::<Side>(*entity));
        side.map_or(0, |side| side.0.into())
    }

    fn view(&mut self, _class: u16) -> Snapshot {
        self.list_entities();
        let world = &self.world;
        let rules = world.resource::<Rules>();
        let tick = self.tick();
        let (fighters, shots) = self.entities.split_at(self.fighters.len());
        let mut view = Snapshot {
            tick,
            ticks_left: rules.ticks_max.saturating_sub(tick),
            unit_mm: UNIT_MM,
            score: world.resource::<Score>().0,
            rows: Vec::with_capacity(self.entities.len()),
        };
        fighters.iter().for_each(|row| view.put(&fighter_view(world, *row)));
        shots.iter().for_each(|row| view.put(&projectile_view(world, *row)));
        view.sort();
        view
    }
}

fn fighter_view(world: &World, (id, entity): (u32, Entity)) -> FighterView {
    let place = world.get::<Place>(entity).copied().unwrap_or_default();
    let cooldowns = world.get::<Cooldowns>(entity).copied().unwrap_or_default();
    let hp = world.get::<Hp>(entity).map_or(0, |hp| i64::from(hp.0));
    let hp_max = world.get::<Kit>(entity).map_or(1, |kit| i64::from(kit.hp_max.max(1)));
    FighterView {
        slot: u16::try_from(id).unwrap_or(u16::MAX),
        x_mm: place.x_mm,
        y_mm: place.y_mm,
        hp_permille: u16::try_from((hp * 1_000 + hp_max - 1) / hp_max).unwrap_or(0),
        ready: [cooldowns.melee, cooldowns.ranged, 0, 0],
        ..FighterView::default()
    }
}

fn projectile_view(world: &World, (id, entity): (u32, Entity)) -> ProjectileView {
    let place = world.get::<Place>(entity).copied().unwrap_or_default();
    let shot = world.get::<Shot>(entity).copied().unwrap_or_default();
    ProjectileView {
        // Never the number of a slot, and another one for the next 65,000 projectiles.
        id: u16::try_from(FIRST_SHOT_ID + (id - FIRST_SHOT_ID) % (0x1_0000 - FIRST_SHOT_ID))
            .unwrap_or(u16::MAX),
        x_mm: place.x_mm,
        y_mm: place.y_mm,
        towards: shot.towards,
        owner: u16::try_from(shot.owner).unwrap_or(u16::MAX),
        look: 0,
    }
}

fn rules_of(setup: &Setup) -> Rules {
    let ModeRules::Arena(rules) = &setup.rules else {
        unreachable!("the mode has checked that these are its rules");
    };
    let radius_mm = setup.heroes.iter().map(|hero| hero.radius_mm).max().unwrap_or(0);
    let half = (rules.half_width_mm, rules.half_height_mm);
    Rules {
        seed: setup.seed,
        hz: setup.hz,
        half,
        pillars: rules.pillars.clone(),
        respawn_ticks: setup.ticks_of_ms(rules.respawn_ms),
        kills_to_win: rules.kills_to_win,
        ticks_max: setup.ticks_max(),
        entries: [-1, 1].map(|end| entries(end, half, radius_mm, &rules.pillars)),
    }
}

/// Places in a row across the map at its left or right `end`. Where a pillar is in the way, the
/// row steps towards the end of the map until it is free.
fn entries(end: i32, half: (i32, i32), radius_mm: i32, pillars: &[Pillar]) -> Vec<(i32, i32)> {
    let furthest = (half.0 - radius_mm).max(0);
    let row = |n: i32| (2 * n - (ENTRIES - 1)) * half.1 / (ENTRIES + 1);
    let free = |n: i32| {
        let y_mm = row(n).clamp(radius_mm - half.1, half.1 - radius_mm);
        let nearest = (half.0 - ENTRY_MARGIN_MM).clamp(0, furthest);
        let mut steps = (0..=20).map(|step| (nearest + (furthest - nearest) * step / 20) * end);
        let clear = |x_mm: &i32| {
            !pillars.iter().any(|pillar| geometry::overlaps((*x_mm, y_mm), radius_mm, pillar))
        };
        (steps.find(clear).unwrap_or(furthest * end), y_mm)
    };
    (0..ENTRIES).map(free).collect()
}
