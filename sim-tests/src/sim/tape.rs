//! What the cores of a simulated cluster are called with: real work for measuring a core by itself.

use std::sync::Arc;

use shared::content::Content;
use shared::core::Core;
use shared::ids::Address;
use shared::schedule::Pace;
use shared::tick::TickRate;

use super::node::{Call, core};
use super::plan::Plan;
use super::world::World;

/// All calls of one core, from its first tick on.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Whose they are.
    pub address: Address,
    /// The rate of its ticks.
    pub rate: TickRate,
    /// The calls, in order.
    pub calls: Vec<Call>,
}

impl Tape {
    /// A fresh core of that kind.
    #[must_use]
    pub fn core(&self, content: &Arc<Content>) -> Box<dyn Core> {
        core(self.address, Pace::of(self.address.role), content)
    }
}

/// Runs a plan without faults and keeps the calls of the first core of each role.
#[must_use]
pub fn tapes(plan: &Plan, content: &Arc<Content>) -> Vec<Tape> {
    let mut world = World::new(plan, content, false);
    world.is_taped = true;
    world.run();
    let slots = world.nodes.into_iter().flatten().flat_map(|node| node.roles);
    let tapes = slots.filter_map(|mut slot| {
        let calls = slot.tape.take()?;
        Some(Tape { address: slot.address, rate: slot.rate(), calls })
    });
    tapes.collect()
}
