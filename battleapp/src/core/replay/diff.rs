//! Where two replays of one battle part.

use std::fmt;

use super::super::compare::{self, Difference, Parting, differences};
use super::super::modes::Modes;
use super::locate::{Divergence, locate};
use super::verify::{guarded_step, numbers_at, seek};
use super::{Replay, ReplayError};

/// What two replays have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diff {
    /// All of it.
    Same {
        /// How many ticks.
        ticks: u32,
    },
    /// They did not begin alike: other fighters, rules or seed.
    Setup,
    /// One goes on where the other ends.
    Length {
        /// Ticks of the first and of the second.
        ticks: [u32; 2],
    },
    /// Fighters were given other orders.
    Orders {
        /// The tick.
        tick: u32,
        /// Their slots.
        slots: Vec<usize>,
        /// The system after which the state differs, if it does in that tick, and how.
        parting: Option<Parting>,
    },
    /// The same orders led to another state.
    State {
        /// The first tick with another hash.
        tick: u32,
        /// For each of the two how it parts from a run with this build; `None` if it does not.
        parted: [Option<Box<Divergence>>; 2],
        /// The first tick from there on whose whole state both files have, if there is one.
        numbers_tick: Option<u32>,
        /// The numbers that differ there.
        numbers: Vec<Difference>,
    },
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same { ticks } => write!(f, "the same for all of {ticks} ticks"),
            Self::Setup => f.write_str("they do not begin alike: fighters, rules or seed differ"),
            Self::Length { ticks: [first, second] } => {
                write!(f, "the same as far as both go: {first} and {second} ticks")
            }
            Self::Orders { tick, slots, parting } => {
                write!(f, "tick {tick}: fighters {slots:?} were given other orders")?;
                parting.iter().try_for_each(|parting| write!(f, "\n{parting}"))
            }
            Self::State { tick, parted, numbers_tick, numbers } => {
                write!(f, "tick {tick}: the same orders led to another state")?;
                for (which, parted) in ["first", "second"].into_iter().zip(parted) {
                    match parted {
                        None => write!(f, "\n  this build leads to the {which}")?,
                        Some(parted) => write!(f, "\n  the {which}: {parted}")?,
                    }
                }
                let at = numbers_tick.unwrap_or(*tick);
                numbers.iter().try_for_each(|number| write!(f, "\n  tick {at}, {number}"))
            }
        }
    }
}

/// Compares what two replays hold. Where they part, the tick is run again, system by system.
///
/// # Errors
/// [`ReplayError`] if the battles cannot be run again up to there.
pub fn diff(modes: Modes, first: &Replay, second: &Replay) -> Result<Diff, ReplayError> {
    if first.header.setup != second.header.setup {
        return Ok(Diff::Setup);
    }
    for (tick, (one, other)) in (1..).zip(first.ticks.iter().zip(&second.ticks)) {
        let pairs = one.orders.iter().zip(&other.orders).enumerate();
        let slots: Vec<usize> =
            pairs.filter(|(_, (one, other))| one != other).map(|(slot, _)| slot).collect();
        if !slots.is_empty() {
            let mut sims = [seek(modes, first, tick - 1)?, seek(modes, second, tick - 1)?];
            let [before, after] = &mut sims;
            let parting =
                compare::part((before.as_mut(), &one.orders), (after.as_mut(), &other.orders));
            return Ok(Diff::Orders { tick, slots, parting });
        }
        if one.hash != other.hash {
            return other_state(modes, [first, second], tick);
        }
    }
    let ticks = [first.ticks_read(), second.ticks_read()];
    if ticks[0] != ticks[1] {
        return Ok(Diff::Length { ticks });
    }
    Ok(Diff::Same { ticks: ticks[0] })
}

fn other_state(modes: Modes, both: [&Replay; 2], tick: u32) -> Result<Diff, ReplayError> {
    let [first, second] = both;
    let mut sim = seek(modes, first, tick - 1)?;
    let orders = first.record(tick).map_or(&[][..], |record| &record.orders);
    let computed = guarded_step(sim.as_mut(), orders, tick)?;
    let parted = both.map(|replay| {
        let differs = replay.record(tick).is_some_and(|record| record.hash != computed);
        differs.then(|| Box::new(locate(modes, replay, tick, computed)))
    });
    let in_both = |at: &&u32| second.keyframes.contains_key(at);
    let numbers_tick = first.keyframes.range(tick..).map(|(at, _)| at).find(in_both).copied();
    let numbers = match numbers_tick {
        None => Vec::new(),
        Some(at) => differences(&numbers_at(modes, first, at)?, &numbers_at(modes, second, at)?),
    };
    Ok(Diff::State { tick, parted, numbers_tick, numbers })
}
