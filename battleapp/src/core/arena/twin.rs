//! The arena over plain vectors of structs: the same rules without a World. What it costs is what
//! the rules cost; it has to give the same hash after every tick.

use super::components::{
    Afflictions, Area, Gait, Harm, Life, NextId, Pet, Place, Point, Score, Shot, Skills, Tally,
    Vitals,
};
use super::flying;
use super::lives::{self, Struck};
use super::moving::{self, Walker};
use super::pets::{self, Follower};
use super::scratch::{Body, Doings, Field, Scene, Spawn};
use super::skills::{self, Actor};
use super::state::{Clock, FIRST_PET_ID, FIRST_POINT_ID, Kit, Orders, Rules, StableId};
use super::{Entrant, SPAWNS_MAX, entrants, objective};
use crate::core::registry::{Lane, combined, lane_hash};
use crate::core::setup::Setup;
use crate::core::sim::{LaneHash, Order};

/// What fighters and pets have in common.
#[derive(Clone, Debug)]
struct Unit {
    id: u32,
    side: u8,
    kit: Kit,
    place: Place,
    gait: Gait,
    vitals: Vitals,
    afflictions: Afflictions,
    life: Life,
}

#[derive(Clone, Debug)]
struct Fighter {
    unit: Unit,
    skills: Skills,
    harm: Harm,
    tally: Tally,
}

/// One arena battle over vectors.
#[derive(Clone, Debug)]
pub struct Twin {
    clock: Clock,
    rules: Rules,
    orders: Orders,
    score: Score,
    next: NextId,
    field: Field,
    doings: Doings,
    fighters: Vec<Fighter>,
    pets: Vec<(Unit, Pet)>,
    shots: Vec<(u32, Shot, Place, Gait)>,
    areas: Vec<(u32, Area, Place)>,
    points: Vec<(u32, Point)>,
}

impl Twin {
    /// The battle at its beginning. The setup has been checked and is an arena's.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let rules = Rules::of(setup);
        let (mut fighters, mut pets) = (Vec::new(), Vec::new());
        for Entrant { id, side, kit, place, vitals, species: _ } in entrants(setup, &rules) {
            let (gait, afflictions) = (Gait::default(), Afflictions::default());
            let life = Life::Alive;
            let unit = Unit { id, side, kit, place, gait, vitals, afflictions, life };
            if id < FIRST_PET_ID {
                let (skills, harm) = (Skills::default(), Harm::default());
                fighters.push(Fighter { unit, skills, harm, tally: Tally::default() });
            } else {
                pets.push((unit, Pet::default()));
            }
        }
        let ids = (FIRST_POINT_ID..).zip(&rules.capture.points);
        let points = ids.map(|(id, _)| (id, Point::default())).collect();
        Self {
            clock: Clock::default(),
            rules,
            orders: Orders::default(),
            score: Score::default(),
            next: NextId::default(),
            field: Field::default(),
            doings: Doings::default(),
            fighters,
            pets,
            shots: Vec::new(),
            areas: Vec::new(),
            points,
        }
    }

    /// Advances one tick. `orders` holds one order per fighter, by slot.
    pub fn step(&mut self, orders: &[Order]) {
        self.clock.0 += 1;
        self.orders.0.clear();
        self.orders.0.extend(orders);
        self.walk();
        self.follow();
        self.fly();
        self.act();
        self.spawn();
        self.pulse();
        self.resolve();
        self.capture();
        self.give_back();
    }

    /// How many ticks have been simulated.
    #[must_use]
    pub const fn tick(&self) -> u32 {
        self.clock.0
    }

    /// The hash that the arena's World has in the same state.
    #[must_use]
    pub fn hash(&self) -> u64 {
        combined(&self.lanes())
    }

    fn walk(&mut self) {
        self.field.0.clear();
        for Fighter { unit, skills, .. } in &mut self.fighters {
            if unit.life == Life::Alive {
                let Unit { id, kit, place, gait, afflictions, .. } = &mut *unit;
                let order = self.orders.of(StableId(*id));
                let walker = Walker { kit, afflictions, skills, place, gait };
                moving::walk(self.clock.0, &self.rules, order, walker);
                self.field.0.push(body_of(unit));
            }
        }
    }

    fn follow(&mut self) {
        let scene = Scene { tick: self.clock.0, rules: &self.rules, field: &self.field };
        for (unit, _) in self.pets.iter_mut().filter(|(unit, _)| unit.life == Life::Alive) {
            let Unit { id, side, kit, place, gait, afflictions, .. } = unit;
            pets::follow(scene, Follower { id: *id, side: *side, kit, afflictions, place, gait });
        }
        let living = self.pets.iter().filter(|(unit, _)| unit.life == Life::Alive);
        self.field.0.extend(living.map(|(unit, _)| body_of(unit)));
    }

    fn fly(&mut self) {
        let scene = Scene { tick: self.clock.0, rules: &self.rules, field: &self.field };
        let doings = &mut self.doings;
        self.shots
            .retain_mut(|(_, shot, place, gait)| flying::fly(scene, shot, (place, gait), doings));
    }

    fn act(&mut self) {
        let scene = Scene { tick: self.clock.0, rules: &self.rules, field: &self.field };
        for Fighter { unit, skills, .. } in &mut self.fighters {
            if unit.life == Life::Alive {
                let Unit { id, side, kit, place, vitals, afflictions, .. } = unit;
                lives::burn(scene, *id, afflictions, &mut self.doings.blows);
                let (id, side, place) = (*id, *side, *place);
                let order = self.orders.of(StableId(id));
                let actor = Actor { id, side, kit, place, afflictions, vitals, skills };
                skills::act(scene, order, actor, &mut self.doings);
            }
        }
        for (unit, pet) in self.pets.iter_mut().filter(|(unit, _)| unit.life == Life::Alive) {
            lives::burn(scene, unit.id, &unit.afflictions, &mut self.doings.blows);
            if scene.tick > unit.afflictions.stun_until {
                let who = (unit.id, unit.side, &unit.kit);
                pets::bite(scene, who, (unit.place, pet), &mut self.doings);
            }
        }
    }

    fn spawn(&mut self) {
        self.doings.spawns.sort_unstable_by_key(|(_, spawn)| spawn.owner());
        let room = SPAWNS_MAX.saturating_sub(self.shots.len() + self.areas.len());
        for (place, spawn) in self.doings.spawns.drain(..).take(room) {
            let id = self.next.0;
            match spawn {
                Spawn::Shot(shot) => self.shots.push((id, shot, place, Gait::default())),
                Spawn::Area(area) => self.areas.push((id, area, place)),
            }
            self.next.0 = id.saturating_add(1);
        }
    }

    fn pulse(&mut self) {
        let scene = Scene { tick: self.clock.0, rules: &self.rules, field: &self.field };
        let doings = &mut self.doings;
        self.areas.retain_mut(|(_, area, place)| flying::pulse(scene, area, *place, doings));
    }

    fn resolve(&mut self) {
        let scene = Scene { tick: self.clock.0, rules: &self.rules, field: &self.field };
        let Doings { blows, credits, .. } = &mut self.doings;
        blows.sort_unstable();
        for Fighter { unit, skills, harm, tally } in &mut self.fighters {
            let at = lives::blows_at(blows, unit.id);
            if unit.life != Life::Alive || at.is_empty() {
                continue;
            }
            lives::remember(scene.tick, at, harm);
            let side = unit.side;
            if let Some(killer) = lives::suffer(scene, at, struck(unit), credits) {
                let own = (harm, skills, tally);
                lives::fall(scene, (killer, side), own, (&mut self.score, &mut *credits));
            }
        }
        for (unit, _) in self.pets.iter_mut().filter(|(unit, _)| unit.life == Life::Alive) {
            let at = lives::blows_at(blows, unit.id);
            if !at.is_empty() {
                lives::suffer(scene, at, struck(unit), credits);
            }
        }
        blows.clear();
    }

    fn capture(&mut self) {
        let scene = Scene { tick: self.clock.0, rules: &self.rules, field: &self.field };
        for (id, point) in &mut self.points {
            if let Some(circle) = self.rules.point(*id) {
                objective::capture(scene, circle, point, &mut self.doings.credits);
                objective::score(scene, point.holder, &mut self.score);
            }
        }
        for Fighter { unit, tally, .. } in &mut self.fighters {
            lives::tell(unit.id, &self.doings.credits, tally);
        }
        self.doings.credits.clear();
    }

    fn give_back(&mut self) {
        for Fighter { unit, .. } in &mut self.fighters {
            if lives::is_due(self.clock.0, unit.life) {
                let at = lives::entry_of(self.clock.0, &self.rules, unit.id, unit.side);
                revive(unit, at);
            }
        }
        for (unit, _) in &mut self.pets {
            let owner = self.field.find(pets::owner_of(unit.id));
            if let Some(owner) = owner.filter(|_| lives::is_due(self.clock.0, unit.life)) {
                revive(unit, owner.at);
            }
        }
    }

    fn lanes(&self) -> Vec<LaneHash> {
        let fighters = || self.fighters.iter();
        let units = || fighters().map(|it| &it.unit).chain(self.pets.iter().map(|(unit, _)| unit));
        let mut spawned: Vec<(u32, &Place)> =
            self.shots.iter().map(|(id, _, place, _)| (*id, place)).collect();
        spawned.extend(self.areas.iter().map(|(id, _, place)| (*id, place)));
        spawned.sort_unstable_by_key(|(id, _)| *id);
        let flying = self.shots.iter().map(|(id, _, _, gait)| (*id, gait));
        vec![
            resource_hash(&self.clock),
            resource_hash(&self.score),
            resource_hash(&self.next),
            lane_hash(self.shots.iter().map(|(id, shot, ..)| (Some(*id), shot))),
            lane_hash(self.areas.iter().map(|(id, area, _)| (Some(*id), area))),
            component_hash(units().map(|unit| (unit.id, &unit.place)).chain(spawned)),
            component_hash(units().map(|unit| (unit.id, &unit.gait)).chain(flying)),
            component_hash(units().map(|unit| (unit.id, &unit.vitals))),
            component_hash(units().map(|unit| (unit.id, &unit.afflictions))),
            component_hash(units().map(|unit| (unit.id, &unit.life))),
            component_hash(fighters().map(|it| (it.unit.id, &it.skills))),
            component_hash(fighters().map(|it| (it.unit.id, &it.harm))),
            component_hash(fighters().map(|it| (it.unit.id, &it.tally))),
            component_hash(self.pets.iter().map(|(unit, pet)| (unit.id, pet))),
            component_hash(self.points.iter().map(|(id, point)| (*id, point))),
        ]
    }
}

fn resource_hash<T: Lane>(value: &T) -> LaneHash {
    lane_hash(std::iter::once((None, value)))
}

fn component_hash<'a, T: Lane + 'a>(rows: impl Iterator<Item = (u32, &'a T)>) -> LaneHash {
    lane_hash(rows.map(|(id, value)| (Some(id), value)))
}

const fn body_of(unit: &Unit) -> Body {
    let at = unit.place.at();
    Body { id: unit.id, side: unit.side, at, radius_mm: unit.kit.radius_mm }
}

const fn struck(unit: &mut Unit) -> Struck<'_> {
    let Unit { id, kit, vitals, afflictions, life, .. } = unit;
    Struck { id: *id, kit, vitals, afflictions, life }
}

fn revive(unit: &mut Unit, at: (i32, i32)) {
    let Unit { kit, place, gait, vitals, life, .. } = unit;
    lives::revive(kit, at, (place, gait), (vitals, life));
}
