//! The order of a tick. Nothing else says what comes before what.

use bevy_ecs::error::FallbackErrorHandler;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use super::{combat, lives, walking};

/// The one schedule of a battle.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
struct BattleTick;

/// The steps of a tick, in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// All stages, in their order.
pub(super) const STAGES: [Stage; 5] =
    [Stage::Walk, Stage::Fly, Stage::Strike, Stage::Resolve, Stage::Return];

impl Stage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Walk => "Walk",
            Self::Fly => "Fly",
            Self::Strike => "Strike",
            Self::Resolve => "Resolve",
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
    let mut tick = schedule(world);
    for stage in STAGES {
        tick.configure_sets(stage.run_if(move |only: Res<Only>| only.0 == stage));
    }
    tick
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
