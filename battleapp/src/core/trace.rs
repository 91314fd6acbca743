//! Running a schedule one system at a time, so that what each of them does can be told.

use bevy_ecs::error::ErrorHandler;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{FixedBitSet, SingleThreadedExecutor, SystemExecutor, SystemSchedule};

use super::registry::FieldRow;
use super::sim::BattleSim;

/// Runs a simulation's schedule once, system by system in its order, and tells every number of
/// the state after each of them, with its name. Afterwards the state is as after a run in one go:
/// what a system spawns or removes takes effect after it instead of in front of the next system
/// that could see it.
///
/// # Panics
/// Like a run in one go: if the schedule cannot be built or a system panics.
pub fn by_system(sim: &mut dyn BattleSim, after: &mut dyn FnMut(&str, &[FieldRow])) {
    let Some((schedule, world)) = sim.schedule() else { return };
    let built = schedule.initialize(world);
    assert!(built.is_ok(), "the schedule cannot be built: {:?}", built.err());
    let systems = schedule.systems().into_iter().flatten();
    let names: Vec<String> = systems.map(|(_, system)| short(&system.name())).collect();
    // A new executor applies what was deferred after each run; a default one does not.
    let inner = SingleThreadedExecutor::new();
    schedule.set_executor(OneByOne { inner, systems: names.len(), next: 0 });
    let mut rows = Vec::new();
    for name in names {
        if let Some((schedule, world)) = sim.schedule() {
            schedule.run(world);
        }
        rows.clear();
        sim.fields(&mut rows);
        after(&name, &rows);
    }
    if let Some((schedule, _)) = sim.schedule() {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
}

/// The last two parts of a path that say something: `arena::travel`.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.split("::").filter(|part| *part != "systems").collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}

/// Runs the first system in the first run, the second in the next, and so on.
struct OneByOne {
    inner: SingleThreadedExecutor,
    systems: usize,
    next: usize,
}

impl SystemExecutor for OneByOne {
    fn init(&mut self, schedule: &SystemSchedule) {
        self.inner.init(schedule);
    }

    fn run(
        &mut self,
        schedule: &mut SystemSchedule,
        world: &mut World,
        _skipped: Option<&FixedBitSet>,
        error_handler: ErrorHandler,
    ) {
        let mut others = FixedBitSet::with_capacity(self.systems);
        others.insert_range(..);
        others.remove(self.next);
        self.next += 1;
        self.inner.run(schedule, world, Some(&others), error_handler);
    }

    fn set_apply_final_deferred(&mut self, value: bool) {
        self.inner.set_apply_final_deferred(value);
    }
}
