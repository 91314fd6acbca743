//! Queueing: which party waits in which queue or fights in which battle.
//!
//! A ticket is one party's way from the request to the end of its battle; its state machine is
//! [`phase::Phase`]. Tickets are a plain resource: the two ways to find one are by id and by
//! player, and nothing queries them by component.

mod components;
mod phase;
mod systems;

use bevy_ecs::prelude::{IntoScheduleConfigs, Schedule, World};

use super::stage::Stage;

pub(crate) use components::{Play, Tickets};
pub(crate) use systems::{
    greet, leave, matchmaker_said, member_away, node_gone, play_of, queue, unsent, waiting_count,
    watch, withdraw_all,
};

/// Tickets at once. A further one is refused with `Busy`.
pub(crate) const TICKETS_MAX: usize = 100_000;
/// How long the matchmaker may take to accept a ticket before it is cancelled.
pub(crate) const ACCEPT_MS_MAX: u64 = 10_000;
/// How long the matchmaker may take to confirm a cancellation before the party is freed anyway.
pub(crate) const CANCEL_MS_MAX: u64 = 10_000;
/// How long a battle may last before its party is freed, whatever became of it.
pub(crate) const BATTLE_MS_MAX: u64 = 900_000;

/// Adds the feature.
pub(crate) fn install(world: &mut World, each_second: &mut Schedule) {
    world.insert_resource(Tickets::default());
    each_second.add_systems(systems::mind_deadlines.in_set(Stage::Queueing));
}
