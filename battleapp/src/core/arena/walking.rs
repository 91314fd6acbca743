//! Walking: fighters move, collide with the map's edge and its pillars, and pass through each
//! other. Afterwards the field lists where all living fighters stand in this tick.

mod components;
mod systems;

use bevy_ecs::prelude::*;

pub(super) use self::components::{Body, Field, Gait, Place};
use super::stage::Stage;

/// Adds the feature.
pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    world.init_resource::<Field>();
    tick.add_systems(systems::walk.in_set(Stage::Walk));
}
