//! The only file that orders features: what runs by time, and what follows a change of presence.

use bevy_ecs::prelude::{IntoScheduleConfigs, Schedule, SystemSet, World};
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, SingleThreadedExecutor};

use shared::ids::PlayerId;

use super::{guilds, presence, queueing, teams};

/// The order of the systems within one run of the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, SystemSet)]
pub(crate) enum Stage {
    /// Players whose grace is over are forgotten.
    Presence,
    /// Guild keys are opened, looked through for mail and given back.
    Guilds,
    /// Invitations expire.
    Teams,
    /// Tickets whose answer is overdue are cancelled or closed.
    Queueing,
}

/// Installs all features; the schedule is to be run once per second.
pub(crate) fn each_second(world: &mut World) -> Schedule {
    let mut schedule = Schedule::default();
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    schedule
        .configure_sets((Stage::Presence, Stage::Guilds, Stage::Teams, Stage::Queueing).chain());
    presence::install(world, &mut schedule);
    guilds::install(world, &mut schedule);
    teams::install(world, &mut schedule);
    queueing::install(world, &mut schedule);
    schedule
}

/// The player has a new session.
pub(crate) fn session_opened(world: &mut World, player: PlayerId) {
    teams::greet(world, player);
    queueing::greet(world, player);
    presence::changed(world, player);
}

/// The player has no session any more and may come back.
pub(crate) fn session_ended(world: &mut World, player: PlayerId) {
    queueing::member_away(world, player);
    presence::changed(world, player);
}

/// The player has begun or ended a battle.
pub(crate) fn play_changed(world: &mut World, player: PlayerId) {
    presence::changed(world, player);
}

/// What has to follow all inputs of a tick: what came of presence is told.
pub(crate) fn end_tick(world: &mut World) {
    guilds::answer_waiting(world);
    presence::tell(world);
}

/// Another node may be the lobby now.
pub(crate) fn nodes_changed(world: &mut World) {
    presence::mind_lobby(world);
    guilds::mind_lobby(world);
}

/// The player did not come back in time.
pub(crate) fn grace_ended(world: &mut World, player: PlayerId) {
    teams::remove(world, player);
}
