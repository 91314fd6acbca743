//! What all features of the arena read: identity, rules, orders. The rules and whatever follows
//! from the setup alone are *derived*: they are not part of the encoded state.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use shared::content::{HERO_SKILLS, Skill};
use shared::limits::ARENA_SIDE_FIGHTERS;

use super::super::ground::Ground;
use super::super::setup::{ArenaSetup, HP_MAX, ModeRules, SeatSetup, Setup};
use super::super::sim::Order;

/// Fighters of a battle at most.
pub(super) const FIGHTERS_MAX: usize = 2 * ARENA_SIDE_FIGHTERS;
/// The pet of the fighter in slot 0; below are fighters, whose id is their slot.
pub(super) const FIRST_PET_ID: u32 = 64;
/// The first capture point.
pub(super) const FIRST_POINT_ID: u32 = 128;
/// Stable ids from here on are projectiles and areas.
pub(super) const FIRST_SPAWN_ID: u32 = 256;
/// Energy is kept in this fraction of a point.
pub(super) const ENERGY_PARTS: i32 = 1_000;

/// Names an entity in state, hashes and messages. Never changes, never reused in a battle.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StableId(pub(super) u32);

/// Which side a fighter or pet is on. Derived.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Side(pub(super) u8);

/// The numbers a fighter or pet fights with: hero or species and card taken together. Derived.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Kit {
    /// The index of its first skill, see [`Rules::skill`]; pets have none.
    pub(super) first_skill: usize,
    pub(super) hp_max: i32,
    /// See [`shared::content::Hero::armour`].
    pub(super) armour: i32,
    pub(super) speed_mm_s: i32,
    pub(super) radius_mm: i32,
    /// Added to every damage of a fighter; all the damage of a pet.
    pub(super) damage: i32,
    /// Cooldowns take 1000 of `1000 + haste` of their time.
    pub(super) haste_permille: i32,
    /// In parts, see [`ENERGY_PARTS`].
    pub(super) energy_max: i32,
    /// Parts that come back in a tick.
    pub(super) energy_per_tick: i32,
    /// From edge to edge; pets only.
    pub(super) reach_mm: i32,
    /// Ticks between two bites; pets only.
    pub(super) bite_ticks: u32,
}

impl Kit {
    /// The kit of a seat's fighter, or `None` if its hero is not among the setup's.
    pub(super) fn of_fighter(setup: &Setup, seat: &SeatSetup) -> Option<Self> {
        let at = setup.heroes.iter().position(|hero| hero.id == seat.hero)?;
        let hero = setup.heroes.get(at)?;
        let per_s = hero.energy_per_s.saturating_mul(ENERGY_PARTS);
        Some(Self {
            first_skill: at * HERO_SKILLS,
            hp_max: hero.hp.saturating_add(seat.bonus_hp).clamp(1, HP_MAX),
            armour: hero.armour.saturating_add(seat.bonus_armour).clamp(0, HP_MAX),
            speed_mm_s: hero.speed_mm_s,
            radius_mm: hero.radius_mm,
            damage: seat.bonus_damage,
            haste_permille: seat.haste_permille,
            energy_max: hero.energy.saturating_mul(ENERGY_PARTS),
            energy_per_tick: per_s / i32::try_from(setup.hz).unwrap_or(1).max(1),
            reach_mm: 0,
            bite_ticks: 0,
        })
    }

    /// The kit of a seat's pet, if it has one.
    pub(super) fn of_pet(setup: &Setup, seat: &SeatSetup) -> Option<Self> {
        let (species, level) = seat.pet?;
        let species = setup.pets.iter().find(|pet| pet.id == species)?;
        let levels = i32::from(level.saturating_sub(1));
        let grown =
            |base: i32, by: i32| base.saturating_add(by.saturating_mul(levels)).clamp(1, HP_MAX);
        Some(Self {
            first_skill: usize::MAX - HERO_SKILLS,
            hp_max: grown(species.hp, species.level_hp),
            armour: 0,
            speed_mm_s: species.speed_mm_s,
            radius_mm: species.radius_mm,
            damage: grown(species.damage, species.level_damage),
            haste_permille: 0,
            energy_max: 0,
            energy_per_tick: 0,
            reach_mm: species.reach_mm,
            bite_ticks: setup.ticks_of_ms(species.cooldown_ms),
        })
    }
}

/// The species of a pet, for show. Derived.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Species(pub(super) u16);

/// How many ticks have begun.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub(super) struct Clock(pub(super) u32);

/// The rules as the systems need them. Derived.
#[derive(Resource, Clone, Debug)]
pub(super) struct Rules {
    pub(super) seed: u64,
    pub(super) hz: u32,
    pub(super) half: (i32, i32),
    pub(super) ground: Ground,
    /// The skills of the heroes that take part, [`HERO_SKILLS`] for each.
    pub(super) skills: Vec<Arc<[Skill]>>,
    pub(super) respawn_ticks: u32,
    pub(super) assist_ticks: u32,
    /// Between two pulses of what burns.
    pub(super) burn_ticks: u32,
    pub(super) score_to_win: u32,
    pub(super) kill_score: u32,
    pub(super) capture: CaptureRules,
    pub(super) ticks_max: u32,
    pub(super) sight_mm: i32,
    /// Where fighters of each side enter, free of obstacles.
    pub(super) entries: [Vec<(i32, i32)>; 2],
}

/// How points are captured. Derived.
#[derive(Clone, Debug)]
pub(super) struct CaptureRules {
    /// Centre and radius of each point.
    pub(super) points: Vec<((i32, i32), i32)>,
    /// Ticks that one fighter needs from neutral to held.
    pub(super) ticks: i32,
    /// What a held point scores each [`CaptureRules::every_ticks`].
    pub(super) score: u32,
    pub(super) every_ticks: u32,
}

impl Rules {
    pub(super) fn of(setup: &Setup) -> Self {
        let ModeRules::Arena(ArenaSetup { rules, map }) = &setup.rules else {
            unreachable!("the mode has checked that these are its rules");
        };
        let spots = |side: usize| {
            let spots = map.entries.get(side).into_iter().flatten();
            spots.map(|spot| (spot.x_mm, spot.y_mm)).collect()
        };
        let points = map.points.iter().map(|it| ((it.x_mm, it.y_mm), it.radius_mm));
        Self {
            seed: setup.seed,
            hz: setup.hz,
            half: map.half_mm(),
            ground: Ground::new(map),
            skills: setup.heroes.iter().map(|hero| Arc::clone(&hero.skills)).collect(),
            respawn_ticks: setup.ticks_of_ms(rules.respawn_ms),
            assist_ticks: setup.ticks_of_ms(rules.assist_ms),
            burn_ticks: setup.ticks_of_ms(500),
            score_to_win: rules.score_to_win,
            kill_score: rules.kill_score,
            capture: CaptureRules {
                points: points.collect(),
                ticks: i32::try_from(setup.ticks_of_ms(rules.capture_ms)).unwrap_or(i32::MAX),
                score: rules.hold_score,
                every_ticks: setup.hz.max(1),
            },
            ticks_max: setup.ticks_max(),
            sight_mm: rules.sight_mm,
            entries: [spots(0), spots(1)],
        }
    }

    /// A skill by its index among those of all heroes.
    pub(super) fn skill(&self, index: usize) -> Option<&Skill> {
        self.skills.get(index / HERO_SKILLS)?.get(index % HERO_SKILLS)
    }

    /// Centre and radius of the point of an id.
    pub(super) fn point(&self, id: u32) -> Option<((i32, i32), i32)> {
        let at = usize::try_from(id.checked_sub(FIRST_POINT_ID)?).ok()?;
        self.capture.points.get(at).copied()
    }

    /// How many ticks last at least `ms`, at least one.
    pub(super) const fn ticks(&self, ms: u32) -> u32 {
        let ticks = ms.saturating_mul(self.hz).div_ceil(1_000);
        if ticks == 0 { 1 } else { ticks }
    }
}

/// The orders of this tick, by slot. Derived: they are an input.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders(pub(super) Vec<Order>);

impl Orders {
    /// The order of a fighter; one without an order stands still.
    pub(super) fn of(&self, id: StableId) -> Order {
        let slot = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.0.get(slot).copied().unwrap_or(Order::STILL)
    }
}
