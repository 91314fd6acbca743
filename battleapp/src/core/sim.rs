//! What a battle mode has to provide, and the modes there are.
//!
//! A simulation is a pure function of its setup and the orders of each tick. It holds integers
//! only, and nothing in it depends on the order in which a World happens to store its entities.

use serde::{Deserialize, Serialize};
use shared::msg::client::{Act, Outcome};
use shared::msg::snapshot::Snapshot;
use thiserror::Error;

use super::arena::Arena;
use super::registry::{FieldRow, combined};
use super::setup::Setup;

/// What one fighter does in one tick, after validation and the rule for missing commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Direction to walk, each -127..=127.
    pub walk: (i8, i8),
    /// What to do besides.
    pub act: Act,
}

impl Order {
    /// Stand still and do nothing.
    pub const STILL: Self = Self { walk: (0, 0), act: Act::None };
}

/// How a battle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// This side has won.
    Won(u8),
    /// Neither side has won.
    Drawn,
}

impl Verdict {
    /// What the verdict means for a side.
    #[must_use]
    pub const fn outcome(self, side: u8) -> Outcome {
        match self {
            Self::Won(winner) if winner == side => Outcome::Won,
            Self::Won(_) => Outcome::Lost,
            Self::Drawn => Outcome::Drawn,
        }
    }
}

/// The hash of one kind of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneHash {
    /// Stable number of the lane.
    pub lane: u16,
    /// xxh3 over its rows in the order of their stable ids.
    pub hash: u64,
}

/// Why the bytes of a state were not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the state does not fit in lane {lane}")]
pub struct StateError {
    /// The lane that cannot be read; zero if it is not even clear which one.
    pub lane: u16,
}

/// One battle's simulation.
pub trait BattleSim: Send {
    /// Advances one tick. `orders` holds one order per fighter, by slot.
    fn step(&mut self, orders: &[Order]);
    /// How many ticks have been simulated.
    fn tick(&self) -> u32;
    /// How it ended, once it has.
    fn verdict(&self) -> Option<Verdict>;
    /// How it would end if it ended now.
    fn standing(&self) -> Verdict;
    /// Appends the complete state.
    fn encode(&mut self, out: &mut Vec<u8>);
    /// Replaces the state by one that a simulation of the same setup encoded.
    ///
    /// # Errors
    /// [`StateError`]; the simulation must be thrown away then.
    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError>;
    /// Appends the hash of each lane, in the order of the lanes' numbers.
    fn lanes(&mut self, out: &mut Vec<LaneHash>);
    /// One hash over all lanes.
    fn hash(&mut self) -> u64 {
        let mut lanes = Vec::new();
        self.lanes(&mut lanes);
        combined(&lanes)
    }
    /// Appends every number of the state, for people to compare.
    fn fields(&mut self, out: &mut Vec<FieldRow>);
    /// The name of a lane, for reports.
    fn lane_name(&self, lane: u16) -> &'static str;
    /// What a client may see. The battle fills in what it knows about the seats.
    fn view(&mut self) -> Snapshot;
}

/// A new simulation of the setup's mode; `None` if there is no such mode.
#[must_use]
pub fn create(setup: &Setup) -> Option<Box<dyn BattleSim>> {
    match setup.mode.as_str() {
        "arena" => Some(Box::new(Arena::new(setup))),
        _ => None,
    }
}
