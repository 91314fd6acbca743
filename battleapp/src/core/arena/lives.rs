//! Lives: hit points, death and return, and the score.

mod components;
mod systems;

use bevy_ecs::prelude::*;

pub(super) use self::components::{Hp, Life, Score};
use super::stage::Stage;

/// Adds the feature.
pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    world.init_resource::<Score>();
    tick.add_systems(systems::take_hits.in_set(Stage::Resolve));
    tick.add_systems(systems::return_the_dead.in_set(Stage::Return));
}
