//! Where two replays of one battle part.

use std::fmt;

use super::super::compare::{Difference, differences};
use super::verify::numbers_at;
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
    },
    /// The same orders led to another state.
    State {
        /// The first tick with another hash.
        tick: u32,
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
            Self::Orders { tick, slots } => {
                write!(f, "tick {tick}: fighters {slots:?} were given other orders")
            }
            Self::State { tick, numbers_tick, numbers } => {
                write!(f, "tick {tick}: the same orders led to another state")?;
                let at = numbers_tick.unwrap_or(*tick);
                numbers.iter().try_for_each(|number| write!(f, "\n  tick {at}, {number}"))
            }
        }
    }
}

/// Compares what two replays hold, without running them.
///
/// # Errors
/// [`ReplayError`] if a keyframe cannot be used.
pub fn diff(first: &Replay, second: &Replay) -> Result<Diff, ReplayError> {
    if first.header.setup != second.header.setup {
        return Ok(Diff::Setup);
    }
    for (tick, (one, other)) in (1..).zip(first.ticks.iter().zip(&second.ticks)) {
        let pairs = one.orders.iter().zip(&other.orders).enumerate();
        let slots: Vec<usize> =
            pairs.filter(|(_, (one, other))| one != other).map(|(slot, _)| slot).collect();
        if !slots.is_empty() {
            return Ok(Diff::Orders { tick, slots });
        }
        if one.hash != other.hash {
            let both = |at: &&u32| second.keyframes.contains_key(at);
            let numbers_tick = first.keyframes.range(tick..).map(|(at, _)| at).find(both).copied();
            let numbers = match numbers_tick {
                None => Vec::new(),
                Some(at) => differences(&numbers_at(first, at)?, &numbers_at(second, at)?),
            };
            return Ok(Diff::State { tick, numbers_tick, numbers });
        }
    }
    let ticks = [first.ticks_read(), second.ticks_read()];
    if ticks[0] != ticks[1] {
        return Ok(Diff::Length { ticks });
    }
    Ok(Diff::Same { ticks: ticks[0] })
}
