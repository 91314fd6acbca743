//! The order of a tick. Nothing else says what comes before what.

use bevy_ecs::error::FallbackErrorHandler;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use super::components::{NextId, Score};
use super::scratch::Scratch;
use super::systems;

/// The one schedule of a battle.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
struct BattleTick;

/// The steps of a tick, in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Fighters walk and leap, pets follow; everybody's place is known afterwards.
    Travel,
    /// Projectiles fly and hit, fighters use their skills, pets bite, fires burn, areas take
    /// effect.
    Act,
    /// Blows take effect, all of a tick at once; points are captured and score; the dead return.
    Resolve,
}

/// Adds the resources that a tick needs besides rules, clock and orders.
pub(super) fn prepare(world: &mut World) {
    // A system that fails or panics ends the battle; the battle's owner catches it.
    world.insert_resource(FallbackErrorHandler(bevy_ecs::error::panic));
    world.init_resource::<Score>();
    world.init_resource::<NextId>();
    world.init_resource::<Scratch>();
}

/// The schedule that runs a whole tick.
pub(super) fn schedule() -> Schedule {
    let mut tick = Schedule::new(BattleTick);
    tick.set_executor(SingleThreadedExecutor::new());
    tick.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    // What comes and goes does so at the end of the tick: nobody looks at it before.
    let order = (Stage::Travel, Stage::Act, Stage::Resolve).chain_ignore_deferred();
    tick.configure_sets(order);
    tick.add_systems((
        systems::travel.in_set(Stage::Travel),
        systems::act.in_set(Stage::Act),
        systems::resolve.in_set(Stage::Resolve),
    ));
    tick
}
