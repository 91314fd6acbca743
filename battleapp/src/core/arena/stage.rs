//! The order of a tick. Nothing else says what comes before what.

use bevy_ecs::error::FallbackErrorHandler;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use super::{combat, lives, walking};

/// The one schedule of a battle.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
struct BattleTick;

/// The steps of a tick, in this order.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Fighters walk; everybody's place is known afterwards.
    Walk,
    /// Projectiles fly and hit.
    Fly,
    /// Fighters use their skills.
    Strike,
    /// Hits take effect, all of a tick at once.
    Resolve,
    /// The dead return.
    Return,
}

/// Installs all features into `world` and gives the schedule that runs them.
pub(super) fn schedule(world: &mut World) -> Schedule {
    // A system that fails or panics ends the battle; the battle's owner catches it.
    world.insert_resource(FallbackErrorHandler(bevy_ecs::error::panic));
    let mut tick = Schedule::new(BattleTick);
    tick.set_executor(SingleThreadedExecutor::new());
    tick.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    tick.configure_sets(
        (Stage::Walk, Stage::Fly, Stage::Strike, Stage::Resolve, Stage::Return).chain(),
    );
    walking::install(world, &mut tick);
    combat::install(world, &mut tick);
    lives::install(world, &mut tick);
    tick
}
