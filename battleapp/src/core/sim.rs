//! What the simulation of a battle has to provide.
//!
//! A simulation is a pure function of its setup and the orders of each tick. It holds integers
//! only, and nothing in it depends on the order in which a World happens to store its entities.

use bevy_ecs::prelude::{Schedule, World};
use serde::{Deserialize, Serialize};
use shared::msg::client::{Act, FighterResult, Outcome};
use shared::msg::snapshot::Snapshot;
use thiserror::Error;

use super::interest::Interest;
use super::registry::{FieldRow, State, combined};

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

impl LaneHash {
    /// The first two bytes of the hash: enough to say in every tick of a replay which lanes
    /// differ, next to the combined hash that says whether any does.
    #[must_use]
    pub const fn mark(self) -> u16 {
        let [first, second, ..] = self.hash.to_le_bytes();
        u16::from_le_bytes([first, second])
    }
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
    /// The score of each side; zeros if the mode does not count.
    fn score(&self) -> [u32; 2] {
        [0; 2]
    }
    /// How it would end if it ended now: the higher score wins.
    fn standing(&self) -> Verdict {
        let [first, second] = self.score();
        match first.cmp(&second) {
            std::cmp::Ordering::Less => Verdict::Won(1),
            std::cmp::Ordering::Equal => Verdict::Drawn,
            std::cmp::Ordering::Greater => Verdict::Won(0),
        }
    }
    /// What each fighter has done so far, ordered by slot; nothing if the mode does not count.
    fn results(&self) -> Vec<FighterResult> {
        Vec::new()
    }
    /// The World, its lanes and the entities that have them.
    fn state(&mut self) -> State<'_>;
    /// Replaces the state by one that a simulation of the same setup encoded. A mode whose
    /// entities come and go makes those of the state first.
    ///
    /// # Errors
    /// [`StateError`]; the simulation must be thrown away then.
    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let State { lanes, world, entities } = self.state();
        lanes.parts(bytes)?.take(world, entities)
    }
    /// The visibility class of a seat: all seats of a class see the same. Never
    /// [`SPECTATOR`](shared::msg::snapshot::SPECTATOR). A mode in which everybody sees everything
    /// still has a class for each party, because cooldowns are told to the own class alone; here
    /// each seat is one.
    fn class_of(&self, slot: u16) -> u16 {
        slot
    }
    /// What a class sees: rows ordered by id, and none of what it cannot see. The class
    /// [`SPECTATOR`](shared::msg::snapshot::SPECTATOR) sees everything. The battle fills in what
    /// it knows about the seats and takes out what is for a fighter's own class alone.
    fn view(&mut self, class: u16) -> Snapshot;
    /// Like [`BattleSim::view`], into a snapshot whose memory can be used again.
    fn view_into(&mut self, class: u16, snapshot: &mut Snapshot) {
        *snapshot = self.view(class);
    }
    /// How much each client is told, in a mode in which not everybody is told everything. Every
    /// seat has a class of its own then.
    fn interest(&self) -> Option<Interest> {
        None
    }
    /// The schedule that a tick runs and its World, if the mode has one: for tests that shuffle
    /// it and for [`super::trace::by_system`].
    fn schedule(&mut self) -> Option<(&mut Schedule, &mut World)> {
        None
    }
    /// Like [`BattleSim::step`], and tells every number of the state after each system of the
    /// tick, see [`super::trace::by_system`]. A mode without systems tells the tick as one.
    fn step_traced(&mut self, orders: &[Order], after: &mut dyn FnMut(&str, &[FieldRow])) {
        self.step(orders);
        let mut rows = Vec::new();
        self.fields(&mut rows);
        after("the tick", &rows);
    }
    /// Appends the complete state.
    fn encode(&mut self, out: &mut Vec<u8>) {
        let State { lanes, world, entities } = self.state();
        lanes.encode(world, entities, out);
    }
    /// Appends the hash of each lane, in the order of the lanes' numbers.
    fn lanes(&mut self, out: &mut Vec<LaneHash>) {
        let State { lanes, world, entities } = self.state();
        lanes.hashes(world, entities, out);
    }
    /// One hash over all lanes.
    fn hash(&mut self) -> u64 {
        let mut lanes = Vec::new();
        self.lanes(&mut lanes);
        combined(&lanes)
    }
    /// Appends every number of the state, for people to compare.
    fn fields(&mut self, out: &mut Vec<FieldRow>) {
        let State { lanes, world, entities } = self.state();
        lanes.fields(world, entities, out);
    }
    /// The name of a lane, for reports.
    fn lane_name(&mut self, lane: u16) -> &'static str {
        self.state().lanes.name(lane)
    }
}
