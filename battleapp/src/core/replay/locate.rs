//! Where and why a new run parts from the recorded one: the first bad tick is run again, system by
//! system, and held against everything the file says about it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::compare::{self, Difference, Parting, differences};
use super::super::modes::Modes;
use super::super::registry::FieldRow;
use super::super::sim::BattleSim;
use super::guess::guess;
use super::reader::{Replay, TickRecord};
use super::verify::{begin, guarded_step, numbers_at, seek};

/// Where a new run parts from the recorded one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Divergence {
    /// The first tick that differs.
    pub tick: u32,
    /// The combined hash in the file.
    pub recorded: u64,
    /// The combined hash of the new run.
    pub computed: u64,
    /// The kinds of state that differ after that tick.
    pub lanes: Vec<&'static str>,
    /// The systems of that tick that change one of these in the new run, in their order, and what
    /// they change: before, and after. The first is where to look.
    pub systems: Vec<(String, Vec<Difference>)>,
    /// Numbers that would give the recorded hash after that tick if they were different:
    /// recorded, and now. Empty if more differs than can be found from hashes.
    pub found: Vec<Difference>,
    /// Other kinds of state that differ later, with the tick, up to `numbers_tick`.
    pub spread: Vec<(u32, &'static str)>,
    /// The next tick whose whole state is in the file; zero if there is none.
    pub numbers_tick: u32,
    /// The numbers that differ after `numbers_tick`: recorded, and now.
    pub numbers: Vec<Difference>,
    /// Where this build does not even agree with itself, when it goes on from the same state.
    pub unsteady: Option<Parting>,
}

/// Pairs of restored battles that are compared: what is random agrees by chance now and then.
const RESTORES: usize = 16;
/// Numbers and changes that a report names each time.
const NUMBERS_TOLD_MAX: usize = 8;

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, recorded, computed, lanes, .. } = self;
        write!(
            f,
            "tick {tick} differs in {}: hash {recorded:016x} was recorded, running it again gives \
             {computed:016x}",
            if lanes.is_empty() { "its hash alone".to_owned() } else { lanes.join(", ") }
        )?;
        if let Some(parting) = &self.unsteady {
            write!(f, "\n      two runs of this build do not agree with each other: {parting}")?;
        }
        self.tell_systems(f)?;
        for (tick, lane) in &self.spread {
            write!(f, "\n      tick {tick}: {lane} differs too")?;
        }
        told(&self.numbers, f, |f, number| {
            write!(f, "\n      tick {}, {number}", self.numbers_tick)
        })
    }
}

impl Divergence {
    /// The first system after which the state differs, as far as that is known.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        let touched = |(_, changes): &&(String, Vec<Difference>)| {
            let names = |change: &Difference| (change.component, change.entity, change.field);
            self.found.is_empty()
                || changes.iter().any(|it| self.found.iter().any(|fit| names(fit) == names(it)))
        };
        let found = self.systems.iter().find(touched).or(self.systems.first());
        found.map(|(system, _)| system.as_str())
    }

    fn tell_systems(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, lanes, systems, found, .. } = self;
        if let Some(system) = self.system() {
            write!(f, "\n      tick {tick}, first after {system}")?;
        } else if !lanes.is_empty() {
            f.write_str(
                "\n      no system changes that in this run; it was changed when recorded",
            )?;
        }
        for number in found {
            write!(f, "\n      tick {tick}, {number} (recorded != now)")?;
        }
        if !found.is_empty() {
            return Ok(());
        }
        for (system, changes) in systems {
            told(changes, f, |f, Difference { component, entity, field, first, second }| {
                let entity = entity.map_or_else(String::new, |id| format!("entity {id}, "));
                let [first, second] = [first, second].map(|it| it.unwrap_or_default());
                write!(f, "\n      {system}: {entity}{component}.{field} from {first} to {second}")
            })?;
        }
        Ok(())
    }
}

fn told(
    list: &[Difference],
    f: &mut fmt::Formatter<'_>,
    mut each: impl FnMut(&mut fmt::Formatter<'_>, &Difference) -> fmt::Result,
) -> fmt::Result {
    for number in list.iter().take(NUMBERS_TOLD_MAX) {
        each(f, number)?;
    }
    match list.len().saturating_sub(NUMBERS_TOLD_MAX) {
        0 => Ok(()),
        more => write!(f, "\n      and {more} more"),
    }
}

/// Looks for the reason why `tick` has another hash than recorded while all before have the same.
pub(super) fn locate(modes: Modes, replay: &Replay, tick: u32, computed: u64) -> Divergence {
    let mut report = Divergence { tick, computed, ..Divergence::default() };
    let before = tick.saturating_sub(1);
    let Some(record) = replay.record(tick) else { return report };
    report.recorded = record.hash;
    let Ok(mut sim) = seek(modes, replay, before) else { return report };
    let mut was = Vec::new();
    sim.fields(&mut was);
    // The tick came through once; a build that is not steady may still fail in it.
    let trace = || compare::traced(sim.as_mut(), &record.orders);
    let Ok(systems) = catch_unwind(AssertUnwindSafe(trace)) else { return report };
    report.lanes = differing(sim.as_mut(), record);
    for (system, rows) in systems {
        let mut changes = differences(&was, &rows);
        changes.retain(|change| report.lanes.contains(&change.component));
        if !changes.is_empty() {
            report.systems.push((system, changes));
        }
        was = rows;
    }
    report.found = guess(sim.as_mut(), record);
    report.unsteady = unsteady(modes, replay, tick);
    follow(modes, replay, sim.as_mut(), &mut report);
    report
}

/// Goes on up to the next keyframe: which lanes begin to differ, and the numbers there.
fn follow(modes: Modes, replay: &Replay, sim: &mut dyn BattleSim, report: &mut Divergence) {
    let keyframe = replay.keyframes.range(report.tick..).next().map(|(at, _)| *at);
    let end = keyframe.unwrap_or_else(|| replay.ticks_read());
    let mut known = report.lanes.clone();
    for tick in report.tick + 1..=end {
        let Some(record) = replay.record(tick) else { return };
        if guarded_step(sim, &record.orders, tick).is_err() {
            return;
        }
        for lane in differing(sim, record) {
            if !known.contains(&lane) {
                known.push(lane);
                report.spread.push((tick, lane));
            }
        }
    }
    let recorded = keyframe.and_then(|at| numbers_at(modes, replay, at).ok().map(|it| (at, it)));
    if let Some((at, recorded)) = recorded {
        let mut now: Vec<FieldRow> = Vec::new();
        sim.fields(&mut now);
        (report.numbers_tick, report.numbers) = (at, differences(&recorded, &now));
    }
}

/// Runs the battle once more from its beginning, and `tick` from there and from the same state
/// encoded and restored, several times: a build whose simulation is a function of state and orders
/// agrees.
fn unsteady(modes: Modes, replay: &Replay, tick: u32) -> Option<Parting> {
    let mut plain = begin(modes, replay).ok()?;
    let mut state = Vec::new();
    for at in 1..tick {
        let record = replay.record(at)?;
        state.clear();
        plain.encode(&mut state);
        if guarded_step(plain.as_mut(), &record.orders, at).ok()? != record.hash {
            // It came through this tick a moment ago.
            let unclear = Parting { tick: at, system: "some system".into(), differences: vec![] };
            return restored_part(modes, replay, at, &state).or(Some(unclear));
        }
    }
    state.clear();
    plain.encode(&mut state);
    let orders = &replay.record(tick)?.orders;
    let mut restored = restore(modes, replay, &state)?;
    let part = || compare::part((plain.as_mut(), orders), (restored.as_mut(), orders));
    let part = catch_unwind(AssertUnwindSafe(part)).ok()?;
    part.or_else(|| restored_part(modes, replay, tick, &state))
}

/// Whether battles restored from one state part in the tick that follows.
fn restored_part(modes: Modes, replay: &Replay, tick: u32, state: &[u8]) -> Option<Parting> {
    let orders = &replay.record(tick)?.orders;
    (0..RESTORES).find_map(|_| {
        let mut one = restore(modes, replay, state)?;
        let mut other = restore(modes, replay, state)?;
        let part = || compare::part((one.as_mut(), orders), (other.as_mut(), orders));
        catch_unwind(AssertUnwindSafe(part)).ok().flatten()
    })
}

fn restore(modes: Modes, replay: &Replay, state: &[u8]) -> Option<Box<dyn BattleSim>> {
    let mut sim = begin(modes, replay).ok()?;
    sim.decode(state).ok()?;
    Some(sim)
}

/// The lanes of a battle that are not as recorded.
pub(super) fn differing(sim: &mut dyn BattleSim, record: &TickRecord) -> Vec<&'static str> {
    let mut lanes = Vec::new();
    sim.lanes(&mut lanes);
    let pairs = lanes.iter().zip(&record.lanes);
    let differ: Vec<u16> =
        pairs.filter(|(now, was)| now.mark() != **was).map(|(now, _)| now.lane).collect();
    differ.into_iter().map(|lane| sim.lane_name(lane)).collect()
}
