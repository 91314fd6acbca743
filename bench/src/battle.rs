//! Battles: what a tick costs and what it sends, beside the same work without what Cohort adds to
//! it, or beside the time and the bytes that there are.
//!
//! Where a goal is absolute, the yardstick is what is allowed, and the figure says so in its name:
//! the ratio is the part of it that is used.

mod arena;
mod fight;
mod replay;
mod siege;
mod snapshots;
mod state;

use crate::error::Result;
use crate::figure::{Figure, Goal, Series, Unit};
use crate::harness::Harness;

/// Fighters of an arena.
const FIGHTERS: u16 = 10;
/// Ticks of a battle a second.
const HZ: f64 = battleapp::core::BATTLE_HZ as f64;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Ticks of arenas, and what they send.
    Arena,
    /// The state of an arena: written, read, hashed.
    State,
    /// What clients are told: written and read.
    Snapshots,
    /// Replays: run again, and sought in.
    Replay,
    /// Battles of thousands.
    Siege,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Arena, Self::State, Self::Snapshots, Self::Replay, Self::Siege];

    /// What it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arena => "arena",
            Self::State => "state",
            Self::Snapshots => "snapshots",
            Self::Replay => "replay",
            Self::Siege => "siege",
        }
    }
}

/// Measures a part.
///
/// # Errors
/// [`crate::BenchError`] says what stands in the way.
pub fn measure(part: Part, harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    match part {
        Part::Arena => arena::measure(harness),
        Part::State => state::measure(harness),
        Part::Snapshots => snapshots::measure(harness),
        Part::Replay => replay::measure(harness),
        Part::Siege => siege::measure(harness),
    }
}

/// A figure beside what is allowed, of which at most all is to be used.
fn beside_allowed(name: &str, unit: Unit, value: &Series, allowed: f64) -> Figure {
    let yardstick = value.each(|_| allowed);
    Figure::new(String::from(name), unit, value, &yardstick).with_goal(Goal::AtMost(1.0))
}
