//! What a fighter has to lose, and what the other side gains by it.

use bevy_ecs::prelude::*;

/// Hit points; zero while dead.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Hp(pub(in super::super) i32);

/// Whether a fighter is on the field.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Life {
    /// On the field.
    #[default]
    Alive,
    /// Killed; returns at the end of tick `until`.
    Dead {
        /// The tick.
        until: u32,
    },
}

/// Kills of each side.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Score(pub(in super::super) [u32; 2]);
