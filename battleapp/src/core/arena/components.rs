//! What fighters, pets, projectiles, areas and points consist of. All of it is state.

use bevy_ecs::prelude::*;

use super::state::{FIGHTERS_MAX, FIRST_SPAWN_ID};

/// Position in millimetres from the centre of the map.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x_mm: i32,
    pub(super) y_mm: i32,
}

impl Place {
    pub(super) const fn at(self) -> (i32, i32) {
        (self.x_mm, self.y_mm)
    }
}

impl From<(i32, i32)> for Place {
    fn from((x_mm, y_mm): (i32, i32)) -> Self {
        Self { x_mm, y_mm }
    }
}

/// Movement of less than a millimetre that is still owed, `0..1000` each.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gait {
    pub(super) rest_x_um: i32,
    pub(super) rest_y_um: i32,
}

/// What a fighter or pet has to lose and to spend.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Vitals {
    /// Hit points; zero while dead.
    pub(super) hp: i32,
    /// What the shield still takes.
    pub(super) shield: i32,
    /// The last tick of the shield.
    pub(super) shield_until: u32,
    /// In parts of [`super::state::ENERGY_PARTS`].
    pub(super) energy: i32,
}

/// What a fighter or pet suffers from. Each lasts through its `until`.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Afflictions {
    pub(super) slow_permille: i32,
    pub(super) slow_until: u32,
    pub(super) stun_until: u32,
    /// Damage of one pulse.
    pub(super) burn: i32,
    pub(super) burn_until: u32,
    /// Slot of who lit the fire.
    pub(super) burn_by: u32,
}

/// Whether a fighter or pet is on the field.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Life {
    /// On the field.
    #[default]
    Alive,
    /// Killed; returns at the end of tick `until`.
    Dead {
        /// The tick.
        until: u32,
    },
}

/// A fighter's skills: when each is ready, and what is under way.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skills {
    /// From which tick on each can be used.
    pub(super) ready: [u32; 4],
    /// One more than the skill that is being cast; zero for none.
    pub(super) casting: u8,
    /// The tick in which the cast takes effect.
    pub(super) cast_until: u32,
    /// Where the cast, or the leap, was aimed.
    pub(super) aim_mm: (i16, i16),
    /// One more than the skill that leaps; zero for none.
    pub(super) leaping: u8,
    /// What the leap covers in a tick.
    pub(super) leap_um: (i32, i32),
    /// Ticks of the leap that are left; at zero it lands.
    pub(super) leap_ticks: u32,
}

impl Skills {
    /// Ends what is under way.
    pub(super) const fn stop(&mut self) {
        self.casting = 0;
        self.leaping = 0;
        self.leap_ticks = 0;
    }
}

/// When each fighter last harmed this one, by slot; zero for never.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Harm(pub(super) [u32; FIGHTERS_MAX]);

/// What a fighter has done.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kills: u32,
    pub(super) deaths: u32,
    pub(super) assists: u32,
    /// Hit points taken from fighters, those of shields included.
    pub(super) damage: u32,
    /// Hit points given back to fighters.
    pub(super) healing: u32,
    /// Ticks of moving a point's progress.
    pub(super) capture: u32,
}

/// A pet. Its owner is the fighter whose slot its id says.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pet {
    /// From which tick on it can bite again.
    pub(super) ready: u32,
}

/// Who did it, and with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Stable id of the fighter.
    pub(super) owner: u32,
    /// The fighter's side.
    pub(super) side: u8,
    /// Index in [`super::state::Rules::skills`].
    pub(super) skill: u16,
    /// Added to every damage.
    pub(super) power: i32,
}

/// A projectile in the air.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shot {
    pub(super) origin: Origin,
    /// As it was aimed; only for show.
    pub(super) towards: (i8, i8),
    /// What it covers in a tick.
    pub(super) stride_um: (i32, i32),
    /// Ticks it can still fly in full.
    pub(super) ticks_left: u32,
}

/// A place with an effect.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) origin: Origin,
    pub(super) pulses_left: u32,
    /// The tick of the next pulse.
    pub(super) next: u32,
}

/// A point to capture.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    /// Below zero towards side 0, above towards side 1.
    pub(super) progress: i32,
    /// One more than the side that holds it; zero for none.
    pub(super) holder: u8,
}

/// The stable id of the next projectile or area.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextId(pub(super) u32);

impl Default for NextId {
    fn default() -> Self {
        Self(FIRST_SPAWN_ID)
    }
}

/// Score of each side.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Score(pub(super) [u32; 2]);
