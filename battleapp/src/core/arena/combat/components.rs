//! What skills leave behind.

use bevy_ecs::prelude::*;

use super::super::state::FIRST_SHOT_ID;
use super::super::walking::Place;

/// From which tick on the skills can be used.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Cooldowns {
    pub(in super::super) melee: u32,
    pub(in super::super) ranged: u32,
}

/// A projectile in the air.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Shot {
    /// Stable id of who shot it.
    pub(in super::super) owner: u32,
    /// The owner's side.
    pub(in super::super) side: u8,
    /// As it was aimed; only for show.
    pub(in super::super) towards: (i8, i8),
    /// Hit points it takes.
    pub(in super::super) damage: i32,
    pub(in super::super) radius_mm: i32,
    /// What it covers in a tick.
    pub(in super::super) stride_um: (i32, i32),
    /// Ticks it can still fly in full.
    pub(in super::super) ticks_left: u32,
}

/// The stable id of the next projectile.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct NextShot(pub(in super::super) u32);

impl Default for NextShot {
    fn default() -> Self {
        Self(FIRST_SHOT_ID)
    }
}

/// A hit of this tick.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Hit {
    /// Stable id of who is hit.
    pub(in super::super) target: u32,
    /// Hit points it takes.
    pub(in super::super) damage: i32,
}

/// The hits of this tick. Derived: empty between ticks.
#[derive(Resource, Clone, Debug, Default)]
pub(in super::super) struct Hits(pub(in super::super) Vec<Hit>);

/// The shots of this tick before they get their ids. Derived: empty between ticks.
#[derive(Resource, Clone, Debug, Default)]
pub(in super::super) struct Volley(pub(in super::super) Vec<(Shot, Place)>);
