//! What all features of the arena read: identity, rules, orders. The rules and whatever follows
//! from the setup alone are *derived*: they are not part of the encoded state.

use bevy_ecs::prelude::*;
use shared::content::Pillar;

use super::super::setup::{HP_MAX, SeatSetup, Setup};
use super::super::sim::Order;

/// Stable ids from here on are projectiles; below are fighters, whose id is their slot.
pub(super) const FIRST_SHOT_ID: u32 = 256;

/// Names an entity in state, hashes and messages. Never changes, never reused in a battle.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StableId(pub(super) u32);

/// Which side a fighter is on. Derived.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Side(pub(super) u8);

/// The numbers a fighter fights with: hero and card taken together. Derived.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Kit {
    pub(super) hp_max: i32,
    pub(super) speed_mm_s: i32,
    pub(super) radius_mm: i32,
    pub(super) melee_damage: i32,
    pub(super) melee_reach_mm: i32,
    pub(super) melee_ticks: u32,
    pub(super) shot_damage: i32,
    pub(super) shot_speed_mm_s: i32,
    pub(super) shot_range_mm: i32,
    pub(super) shot_radius_mm: i32,
    pub(super) shot_ticks: u32,
}

impl Kit {
    /// The kit of a seat, or `None` if its hero is not among the setup's.
    pub(super) fn of(setup: &Setup, seat: &SeatSetup) -> Option<Self> {
        let hero = setup.hero(seat.hero)?;
        let damage = |base: i32| base.saturating_add(seat.bonus_damage).clamp(0, HP_MAX);
        Some(Self {
            hp_max: hero.hp.saturating_add(seat.bonus_hp).clamp(1, HP_MAX),
            speed_mm_s: hero.speed_mm_s,
            radius_mm: hero.radius_mm,
            melee_damage: damage(hero.melee.damage),
            melee_reach_mm: hero.melee.reach_mm,
            melee_ticks: setup.ticks_of_ms(hero.melee.cooldown_ms),
            shot_damage: damage(hero.ranged.damage),
            shot_speed_mm_s: hero.ranged.speed_mm_s,
            shot_range_mm: hero.ranged.range_mm,
            shot_radius_mm: hero.ranged.radius_mm,
            shot_ticks: setup.ticks_of_ms(hero.ranged.cooldown_ms),
        })
    }
}

/// How many ticks have begun.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub(super) struct Clock(pub(super) u32);

/// The rules as the systems need them. Derived.
#[derive(Resource, Clone, Debug)]
pub(super) struct Rules {
    pub(super) seed: u64,
    pub(super) hz: u32,
    pub(super) half: (i32, i32),
    pub(super) pillars: Vec<Pillar>,
    pub(super) respawn_ticks: u32,
    pub(super) kills_to_win: u32,
    pub(super) ticks_max: u32,
    /// Where fighters of each side enter, free of pillars.
    pub(super) entries: [Vec<(i32, i32)>; 2],
}

/// The orders of this tick, by slot. Derived: they are an input.
#[derive(Resource, Clone, Debug, Default)]
pub(super) struct Orders(pub(super) Vec<Order>);

impl Orders {
    /// The order of a fighter; one without an order stands still.
    pub(super) fn of(&self, id: StableId) -> Order {
        let slot = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.0.get(slot).copied().unwrap_or(Order::STILL)
    }
}
