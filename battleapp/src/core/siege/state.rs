//! What a siege keeps between two ticks; `lanes` lists all of it.

use bevy_ecs::prelude::*;

use super::super::setup::SEATS_MAX;

/// Stable ids from here on are monsters; below are players, whose id is their slot.
pub(super) const FIRST_BEAST_ID: u32 = 4_096;
const _: () = assert!(FIRST_BEAST_ID as usize == SEATS_MAX);
/// The last id that a snapshot can tell.
pub(super) const LAST_BEAST_ID: u32 = u16::MAX as u32;

/// Names an entity in state, hashes and messages. Never changes, never reused in a battle.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StableId(pub(super) u32);

/// How many ticks have begun.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub(super) struct Clock(pub(super) u32);

/// The stable id of the next monster.
#[derive(Resource, Clone, Copy, Debug)]
pub(super) struct NextBeast(pub(super) u32);

impl Default for NextBeast {
    fn default() -> Self {
        Self(FIRST_BEAST_ID)
    }
}

/// Hit points of the keep; zero when it has fallen.
#[derive(Resource, Clone, Copy, Debug)]
pub(super) struct KeepHp(pub(super) i32);

/// What has become of both sides.
#[derive(Resource, Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Monsters killed.
    pub(super) killed: u32,
    /// Times that players were killed.
    pub(super) fallen: u32,
    /// 1 once the boss is dead.
    pub(super) boss_killed: u8,
}

/// A player's fighter.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(super) struct Fighter {
    pub(super) x_mm: i32,
    pub(super) y_mm: i32,
    /// Zero while dead.
    pub(super) hp: i32,
    /// From which tick on it can strike, and shoot.
    pub(super) ready: [u32; 2],
    /// The tick in which it returns; zero while alive.
    pub(super) back: u32,
}

/// A monster.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(super) struct Beast {
    /// Index into the kinds of the rules.
    pub(super) kind: u8,
    pub(super) x_mm: i32,
    pub(super) y_mm: i32,
    pub(super) hp: i32,
    /// Slot of the player it is after, plus one; zero if it is after the keep.
    pub(super) prey: u16,
    /// From which tick on it can strike.
    pub(super) ready: u32,
    /// The same for the boss's blow at all around it.
    pub(super) area_ready: u32,
}

impl Fighter {
    pub(super) const fn at(&self) -> (i32, i32) {
        (self.x_mm, self.y_mm)
    }
}

impl Beast {
    pub(super) const fn at(&self) -> (i32, i32) {
        (self.x_mm, self.y_mm)
    }
}
