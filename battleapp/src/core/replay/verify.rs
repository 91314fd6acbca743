//! Running a replay again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::modes::Modes;
use super::super::registry::FieldRow;
use super::super::sim::{BattleSim, Order, Verdict};
use super::ReplayError;
use super::format::Header;
use super::locate::locate;
use super::reader::Replay;
use super::writer::schema_hash;

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

/// Runs a whole replay of one of `modes` again and compares every tick. `progress` is told the
/// ticks done and the ticks there are.
///
/// # Errors
/// [`ReplayError`]; a divergence is told with its first tick, the system and what differs.
pub fn verify(
    modes: Modes,
    bytes: &[u8],
    progress: &mut dyn FnMut(u32, u32),
) -> Result<VerifyReport, ReplayError> {
    let replay = Replay::read(bytes)?;
    let total = replay.ticks_read();
    let mut sim = begin(modes, &replay)?;
    let mut final_hash = sim.hash();
    for (tick, record) in (1..).zip(&replay.ticks) {
        final_hash = guarded_step(sim.as_mut(), &record.orders, tick)?;
        if final_hash != record.hash {
            let found = locate(modes, &replay, tick, final_hash);
            return Err(ReplayError::Diverged(Box::new(found)));
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
pub fn seek(modes: Modes, replay: &Replay, tick: u32) -> Result<Box<dyn BattleSim>, ReplayError> {
    if tick > replay.ticks_read() {
        return Err(ReplayError::NoTick { tick });
    }
    let mut sim = begin(modes, replay)?;
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

/// The simulation at its beginning.
///
/// # Errors
/// [`ReplayError::OtherRules`] if this build or `modes` cannot fight the same battle.
pub(super) fn begin(modes: Modes, replay: &Replay) -> Result<Box<dyn BattleSim>, ReplayError> {
    let Header { build, rules, schema, setup, .. } = &replay.header;
    let other = |here: String| ReplayError::OtherRules {
        build: build.clone(),
        mode: setup.mode.clone(),
        recorded: *rules,
        here,
    };
    match modes.version(setup) {
        None => return Err(other(String::from("no such mode"))),
        Some(here) if here != *rules => return Err(other(format!("rules {here}"))),
        Some(_) => {}
    }
    let refused = || ReplayError::Header(String::from("its mode does not take such a battle"));
    let mut sim = modes.create(setup).ok_or_else(refused)?;
    if schema_hash(sim.as_mut()) != *schema {
        return Err(other(String::from("the same rules over other kinds of state")));
    }
    Ok(sim)
}

/// A simulation that panics is not used again by any caller.
pub(super) fn guarded_step(
    sim: &mut dyn BattleSim,
    orders: &[Order],
    tick: u32,
) -> Result<u64, ReplayError> {
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
pub(super) fn numbers_at(
    modes: Modes,
    replay: &Replay,
    tick: u32,
) -> Result<Vec<FieldRow>, ReplayError> {
    let state = replay.keyframes.get(&tick).ok_or(ReplayError::NoTick { tick })?;
    let mut sim = begin(modes, replay)?;
    sim.decode(state).map_err(|_| ReplayError::Keyframe { tick })?;
    let mut rows = Vec::new();
    sim.fields(&mut rows);
    Ok(rows)
}
