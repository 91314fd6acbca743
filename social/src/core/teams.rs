//! Teams: players who queue together.
//!
//! A team is an entity and lives in memory as long as its social node: losing one costs its
//! members an invitation. Only players whose home is this node can be invited to it.

mod components;
mod systems;

use bevy_ecs::prelude::{IntoScheduleConfigs, Schedule, World};

use super::stage::Stage;

pub(crate) use components::Teams;
pub(crate) use systems::{count, create, greet, invite, join, leave, members_of, remove};

#[cfg(test)]
pub(crate) use components::{Invitations, Members};

/// How long an invitation stands.
pub(crate) const INVITATION_MS: u64 = 60_000;
/// Open invitations of one team. A further one is refused with `Busy`.
pub(crate) const TEAM_INVITATIONS_MAX: usize = 20;
/// Open invitations to one player. A further one is refused with `Busy`.
pub(crate) const PLAYER_INVITATIONS_MAX: usize = 20;

/// Adds the feature.
pub(crate) fn install(world: &mut World, each_second: &mut Schedule) {
    world.insert_resource(Teams::default());
    each_second.add_systems(systems::expire_invitations.in_set(Stage::Teams));
}
