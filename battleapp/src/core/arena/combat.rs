//! Combat: skills, projectiles, and the hits they score.

mod components;
mod systems;

use bevy_ecs::prelude::*;

pub(super) use self::components::{Cooldowns, Hits, NextShot, Shot, Volley};
use super::stage::Stage;

/// Projectiles in the air at most. A fighter who shoots then keeps the skill and nothing flies.
pub(super) const SHOTS_MAX: usize = 128;

/// Adds the feature.
pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    world.init_resource::<Hits>();
    world.init_resource::<NextShot>();
    world.init_resource::<Volley>();
    tick.add_systems(systems::fly.in_set(Stage::Fly));
    tick.add_systems(systems::use_skills.in_set(Stage::Strike));
}
