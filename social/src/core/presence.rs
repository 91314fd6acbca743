//! Presence: which players are online, where their sessions are, and who has just gone.
//!
//! A player without a session is remembered for [`GRACE_MS`], so that a reconnect finds the team
//! and the answers to earlier requests. A plain resource: players are only ever looked up by id.

mod components;
mod systems;

use bevy_ecs::prelude::{IntoScheduleConfigs, Schedule, World};

use super::stage::Stage;

pub(crate) use components::{Line, Players};
pub(crate) use systems::{
    come_online, gateway_gone, go_offline, login_of, online_count, session_of,
};

/// How long a player without a session is remembered.
pub(crate) const GRACE_MS: u64 = 30_000;
/// Players known at once. Further ones are not taken; their requests are refused.
pub(crate) const PLAYERS_MAX: usize = 200_000;

/// Adds the feature.
pub(crate) fn install(world: &mut World, each_second: &mut Schedule) {
    world.insert_resource(Players::default());
    each_second.add_systems(systems::end_grace.in_set(Stage::Presence));
}
