//! The order of a tick's systems. The only file that orders features.
//!
//! Requests and mail are applied before the schedule runs, one after the other in the order in
//! which they came; the schedule then does what concerns all players at once.

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

/// The stages of a tick, in order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Finds what has changed and stages it for the commit.
    Persist,
}

#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct BaseappTick;

/// An empty schedule that refuses an undeclared order of systems that touch the same data.
pub(super) fn schedule() -> Schedule {
    let mut schedule = Schedule::new(BaseappTick);
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    schedule
}
