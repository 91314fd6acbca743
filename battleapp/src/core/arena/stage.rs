//! The order of a tick. Nothing else says what comes before what.

use bevy_ecs::error::FallbackErrorHandler;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use super::components::{NextId, Score};
use super::scratch::{Doings, Field};
use super::systems;

/// The one schedule of a battle.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
struct BattleTick;

/// The steps of a tick, in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Fighters walk and leap.
    Walk,
    /// Pets follow; everybody's place is known afterwards.
    Follow,
    /// Projectiles fly and hit.
    Fly,
    /// Fighters use their skills, pets bite, fires burn.
    Act,
    /// What was shot and laid comes to be.
    Spawn,
    /// Areas take effect.
    Pulse,
    /// Blows take effect, all of a tick at once.
    Resolve,
    /// Points are captured and score.
    Capture,
    /// The dead return.
    Return,
}

/// Adds the resources that a tick needs besides rules, clock and orders.
pub(super) fn prepare(world: &mut World) {
    // A system that fails or panics ends the battle; the battle's owner catches it.
    world.insert_resource(FallbackErrorHandler(bevy_ecs::error::panic));
    world.init_resource::<Score>();
    world.init_resource::<NextId>();
    world.init_resource::<Field>();
    world.init_resource::<Doings>();
}

/// The schedule that runs a whole tick.
pub(super) fn schedule() -> Schedule {
    let mut tick = Schedule::new(BattleTick);
    tick.set_executor(SingleThreadedExecutor::new());
    tick.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    tick.configure_sets(
        (
            Stage::Walk,
            Stage::Follow,
            Stage::Fly,
            Stage::Act,
            Stage::Spawn,
            Stage::Pulse,
            Stage::Resolve,
            Stage::Capture,
            Stage::Return,
        )
            .chain(),
    );
    tick.add_systems((
        systems::walk.in_set(Stage::Walk),
        systems::follow.in_set(Stage::Follow),
        systems::fly.in_set(Stage::Fly),
        systems::act.in_set(Stage::Act),
        systems::spawn.in_set(Stage::Spawn),
        systems::pulse.in_set(Stage::Pulse),
        systems::resolve.in_set(Stage::Resolve),
        systems::capture.in_set(Stage::Capture),
        systems::give_back.in_set(Stage::Return),
    ));
    tick
}
