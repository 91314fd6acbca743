//! Presence: which players are online, where their sessions are, and who has just gone.
//!
//! A player without a session is remembered for [`GRACE_MS`], so that a reconnect finds the team
//! and the answers to earlier requests. A plain resource: players are only ever looked up by id.
//!
//! All of this is known to one node, the lobby. It publishes the presence of those whom others
//! follow, and of nobody else.

mod components;
mod systems;
mod telling;

use bevy_ecs::prelude::{IntoScheduleConfigs, Schedule, World};

use shared::replication::SUBSCRIPTIONS_MAX;

use super::border::Border;
use super::stage::Stage;

pub(crate) use components::{Line, Players};
pub(crate) use systems::{
    come_online, gateway_gone, go_offline, login_of, online_count, session_of,
};
pub(crate) use telling::{
    changed, mind_lobby, subscriber_said, subscribers_gone, tell, told_count, told_of, unsent,
};

/// How long a player without a session is remembered.
pub(crate) const GRACE_MS: u64 = 30_000;
/// Players known at once. Further ones are not taken; their requests are refused.
pub(crate) const PLAYERS_MAX: usize = 200_000;
/// How long gateways have to tell a new lobby who is online. Until then it calls nobody offline.
pub(crate) const SETTLE_MS: u64 = 3_000;

// Everybody may be followed by somebody, and most by several nodes.
const _: () = assert!(PLAYERS_MAX < SUBSCRIPTIONS_MAX);

/// Adds the feature.
pub(crate) fn install(world: &mut World, each_second: &mut Schedule) {
    let rate = world.resource::<Border>().rate;
    world.insert_resource(Players::default());
    world.insert_resource(telling::Telling::new(rate));
    each_second.add_systems(systems::end_grace.in_set(Stage::Presence));
}
