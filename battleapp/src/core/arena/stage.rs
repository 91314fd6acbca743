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

/// All stages, in their order.
pub(super) const STAGES: [Stage; 9] = [
    Stage::Walk,
    Stage::Follow,
    Stage::Fly,
    Stage::Act,
    Stage::Spawn,
    Stage::Pulse,
    Stage::Resolve,
    Stage::Capture,
    Stage::Return,
];

impl Stage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Walk => "Walk",
            Self::Follow => "Follow",
            Self::Fly => "Fly",
            Self::Act => "Act",
            Self::Spawn => "Spawn",
            Self::Pulse => "Pulse",
            Self::Resolve => "Resolve",
            Self::Capture => "Capture",
            Self::Return => "Return",
        }
    }
}

/// The stage that a schedule made by [`staged`] runs. Derived: it decides nothing.
#[derive(Resource)]
pub(super) struct Only(pub(super) Stage);

/// Like [`schedule`], but every run runs one stage alone. After all stages in their order the
/// state is the same.
pub(super) fn staged(world: &mut World) -> Schedule {
    world.insert_resource(Only(Stage::Walk));
    let mut tick = schedule();
    for stage in STAGES {
        tick.configure_sets(stage.run_if(move |only: Res<Only>| only.0 == stage));
    }
    tick
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
    for (before, stage) in STAGES.into_iter().zip(STAGES.into_iter().skip(1)) {
        tick.configure_sets(stage.after(before));
    }
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
