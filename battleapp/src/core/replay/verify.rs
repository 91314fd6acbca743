//! Running a replay again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::compare::differences;
use super::super::modes::Modes;
use super::super::registry::FieldRow;
use super::super::sim::{BattleSim, LaneHash, Order, Verdict};
use super::reader::Replay;
use super::writer::schema_hash;
use super::{Divergence, ReplayError};

/// How often a verification tells how far it is.
const PROGRESS_EVERY_TICKS: u32 = 20;

/// What a verified replay holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many ticks were run again; every hash agrees.
    pub ticks: u32,
    /// Combined hash after the last of them.
    pub final_hash: u64,
    /// How the battle ended; `None` if the file was cut off or the battle was ended by a fault.
    pub outcome: Option<Verdict>,
    /// Whether the file is whole.
    pub complete: bool,
    /// The tick that could not be simulated, and whether it fails again.
    pub fault: Option<(u32, bool)>,
}

/// Runs a whole replay again and compares every tick. `progress` is told the ticks done and the
/// ticks there are.
///
/// # Errors
/// [`ReplayError`]; a divergence is told with its first tick and the kinds of state that differ.
pub fn verify(
    bytes: &[u8],
    progress: &mut dyn FnMut(u32, u32),
) -> Result<VerifyReport, ReplayError> {
    let replay = Replay::read(bytes)?;
    let total = replay.ticks_read();
    let mut sim = begin(&replay)?;
    let mut final_hash = sim.hash();
    for (tick, record) in (1..).zip(&replay.ticks) {
        final_hash = guarded_step(sim.as_mut(), &record.orders, tick)?;
        if final_hash != record.hash {
            return Err(diverged(&replay, sim.as_mut(), tick, final_hash));
        }
        if let Some(keyframe) = replay.keyframes.get(&tick) {
            let mut state = Vec::new();
            sim.encode(&mut state);
            if state != *keyframe {
                return Err(ReplayError::Keyframe { tick });
            }
        }
        if tick.is_multiple_of(PROGRESS_EVERY_TICKS) || tick == total {
            progress(tick, total);
        }
    }
    let deserted = replay.last.is_some_and(|last| last.deserted);
    let outcome = if deserted { Some(sim.standing()) } else { sim.verdict() };
    let fault = replay.fault.as_ref().map(|orders| {
        let tick = total + 1;
        (tick, guarded_step(sim.as_mut(), orders, tick).is_err())
    });
    if let Some(last) = replay.last {
        let hash_fits = last.hash == final_hash || total == 0;
        if last.verdict != outcome || !hash_fits {
            return Err(ReplayError::End);
        }
    }
    Ok(VerifyReport { ticks: total, final_hash, outcome, complete: replay.complete, fault })
}

/// The simulation as it was after `tick`: from the nearest keyframe before it.
///
/// # Errors
/// [`ReplayError`] if the tick is not in the replay or the keyframe cannot be used.
pub fn seek(replay: &Replay, tick: u32) -> Result<Box<dyn BattleSim>, ReplayError> {
    if tick > replay.ticks_read() {
        return Err(ReplayError::NoTick { tick });
    }
    let mut sim = begin(replay)?;
    if let Some((at, state)) = replay.keyframes.range(..=tick).next_back() {
        let damaged = ReplayError::Keyframe { tick: *at };
        sim.decode(state).map_err(|_| damaged.clone())?;
        if sim.tick() != *at {
            return Err(damaged);
        }
    }
    let done = usize::try_from(sim.tick()).unwrap_or(usize::MAX);
    let wanted = usize::try_from(tick).unwrap_or(usize::MAX);
    for (next, record) in (1..).zip(&replay.ticks).take(wanted).skip(done) {
        guarded_step(sim.as_mut(), &record.orders, next)?;
    }
    Ok(sim)
}

fn begin(replay: &Replay) -> Result<Box<dyn BattleSim>, ReplayError> {
    let unknown = || ReplayError::Header(String::from("its mode is unknown"));
    let mut sim = Modes::BUILTIN.create(&replay.header.setup).ok_or_else(unknown)?;
    if schema_hash(sim.as_mut()) != replay.header.schema {
        let text = "its battle keeps other state than this build";
        return Err(ReplayError::Header(String::from(text)));
    }
    Ok(sim)
}

/// A simulation that panics is not used again by any caller.
fn guarded_step(sim: &mut dyn BattleSim, orders: &[Order], tick: u32) -> Result<u64, ReplayError> {
    let step = AssertUnwindSafe(|| {
        sim.step(orders);
        sim.hash()
    });
    catch_unwind(step).map_err(|_| ReplayError::Faulted { tick })
}

/// Every number of the state after `tick`, as the file has it in the keyframe of that tick.
///
/// # Errors
/// [`ReplayError`] if there is no such keyframe or it cannot be used.
pub(super) fn numbers_at(replay: &Replay, tick: u32) -> Result<Vec<FieldRow>, ReplayError> {
    let state = replay.keyframes.get(&tick).ok_or(ReplayError::NoTick { tick })?;
    let mut sim = begin(replay)?;
    sim.decode(state).map_err(|_| ReplayError::Keyframe { tick })?;
    let mut rows = Vec::new();
    sim.fields(&mut rows);
    Ok(rows)
}

/// Goes on to the next tick whose lane hashes were recorded and says which lanes differ there,
/// and on to the next keyframe for the numbers.
fn diverged(replay: &Replay, sim: &mut dyn BattleSim, tick: u32, computed: u64) -> ReplayError {
    let index = usize::try_from(tick).unwrap_or(usize::MAX);
    let recorded = replay.ticks.get(index - 1).map_or(0, |record| record.hash);
    let mut report = ReplayError::Diverged(Box::new(Divergence {
        tick,
        recorded,
        computed,
        ..Divergence::default()
    }));
    let ReplayError::Diverged(found) = &mut report else { return report };
    let (lanes, keyframe) =
        (replay.lanes.range(tick..).next(), replay.keyframes.range(tick..).next());
    let ends = [lanes.map(|(at, _)| *at), keyframe.map(|(at, _)| *at)];
    let end = ends.into_iter().flatten().max().unwrap_or(tick);
    let mut next = tick;
    loop {
        if let Some((_, expected)) = lanes.filter(|(at, _)| **at == next) {
            (found.lanes_tick, found.lanes) = (next, differing(sim, expected));
        }
        if keyframe.is_some_and(|(at, _)| *at == next)
            && let Ok(recorded) = numbers_at(replay, next)
        {
            let mut now = Vec::new();
            sim.fields(&mut now);
            (found.numbers_tick, found.numbers) = (next, differences(&recorded, &now));
        }
        let record = usize::try_from(next).ok().and_then(|index| replay.ticks.get(index));
        next += 1;
        let Some(record) = record.filter(|_| next <= end) else { return report };
        if guarded_step(sim, &record.orders, next).is_err() {
            return report;
        }
    }
}

fn differing(sim: &mut dyn BattleSim, expected: &[LaneHash]) -> Vec<&'static str> {
    let mut lanes = Vec::new();
    sim.lanes(&mut lanes);
    let differs = |lane: &&LaneHash| !expected.contains(lane);
    lanes.iter().filter(differs).map(|lane| sim.lane_name(lane.lane)).collect()
}
