//! The simulated node MQ, store and directory by themselves: nodes whose cores never run.
//!
//! The contracts of the real ones are stated as suites in `shared/tests`; through here the
//! simulated ones are held to the same suites (`sim-tests/tests/conformance.rs`), so that what is
//! simulated is what is deployed.

use std::sync::Arc;

use shared::content::Content;
use shared::directory::{DirectoryEvent, NodeCard};
use shared::ids::{Address, NodeId};
use shared::mq::{MqEvent, SendError};
use shared::msg::Body;
use shared::store::{OpId, StoreReply, StoreRequest};

use super::node::Node;
use super::plan::{NodePlan, Plan, Weather};
use super::world::{Event, World, place};

/// Nodes that there may be; their numbers are from one to this.
const NODES_MAX: usize = 128;
/// How long an endpoint that finds nothing waits for something to come, in µs.
const LISTEN_US: u64 = 500_000;
/// Between two looks of a node at the directory, in µs.
const LOOK_US: u64 = 200_000;

/// A world of nodes without players, faults and running cores.
pub struct Backends<'a> {
    world: World<'a>,
}

/// What a node has seen of the directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    version: u64,
}

/// The plan of such a world.
#[must_use]
pub fn bare_plan(seed: u64) -> Plan {
    let node = NodePlan { roles: Vec::new(), drift_ppm: 0, joins_ms: 0 };
    Plan { nodes: vec![node; NODES_MAX], clients: 0, ..Plan::of_seed(seed, Weather::Calm) }
}

impl<'a> Backends<'a> {
    /// A world in which nobody is yet.
    #[must_use]
    pub fn new(plan: &'a Plan, content: &Arc<Content>) -> Self {
        Self { world: World::new(plan, content, false) }
    }

    /// A node joins that hosts one role, and all nodes learn of it.
    ///
    /// # Panics
    /// If another life of the node is still there.
    pub fn bind(&mut self, address: Address) {
        let (world, id) = (&mut self.world, address.node);
        assert!(world.store.board.join(world.now_us, id), "{id} is there already");
        let node = Node::new(id, &[address.role], 0, world.now_us, &world.content);
        world.nodes[place(id)] = Some(node);
        world.agenda.put(world.now_us, Event::Beat { node: id });
        while !self.all_know_each_other() {
            self.step(u64::MAX);
        }
    }

    /// The node of `address` leaves.
    pub fn close(&mut self, address: Address) {
        self.world.store.board.leave(address.node);
        self.world.return_unread(address.node);
        self.world.die(address.node, "node: left drained");
    }

    /// As `shared::mq::Mq::send`.
    ///
    /// # Errors
    /// [`SendError`] gives the frame back.
    pub fn send(&mut self, from: Address, to: Address, body: Body) -> Result<(), SendError> {
        self.world.hand_over(from, to, body).map_err(|(_, error)| error)
    }

    /// As `shared::mq::Mq::poll`; if nothing is there, half a second goes by at most.
    pub fn poll(&mut self, address: Address, limit: usize, events: &mut Vec<MqEvent>) {
        let (before, until_us) = (events.len(), self.world.now_us + LISTEN_US);
        self.take_events(address, limit, events);
        while limit > 0 && events.len() == before && self.step(until_us) {
            self.take_events(address, limit, events);
        }
    }

    /// Asks the store on behalf of a role that is bound.
    pub fn ask(&mut self, by: Address, op: OpId, request: StoreRequest) {
        self.world.ask(by, op, request);
    }

    /// Waits for `count` answers of the store.
    pub fn answers(&mut self, by: Address, count: usize) -> Vec<(OpId, StoreReply)> {
        let mut answers = Vec::new();
        while answers.len() < count {
            self.step(u64::MAX);
            let node = self.world.node(by.node);
            let slot = node.and_then(|node| node.roles.iter_mut().find(|it| it.address == by));
            answers.extend(
                slot.into_iter().flat_map(|slot| std::iter::from_fn(|| slot.handle.next())),
            );
        }
        answers
    }

    /// A node that is only in the directory takes its number.
    pub fn join(&mut self, node: NodeId) -> bool {
        self.world.store.board.join(self.world.now_us, node)
    }

    /// Its round: its lease is renewed and its card announced, if it has one; what is new to it
    /// comes back.
    pub fn beat(
        &mut self,
        node: NodeId,
        card: Option<&NodeCard>,
        seen: &mut Seen,
    ) -> Vec<DirectoryEvent> {
        self.world.now_us += LOOK_US;
        let (now_us, card) = (self.world.now_us, card.cloned());
        let news = self.world.store.board.beat(now_us, node, card, seen.version);
        seen.version = news.version;
        news.events
    }

    /// It leaves.
    pub fn leave(&mut self, node: NodeId) {
        self.world.store.board.leave(node);
    }

    /// What the simulator's own checks object to, if anything.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        self.world.broken.as_ref().map(ToString::to_string)
    }

    /// The next thing that happens until `end_us` does; false if there is none.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else happens as in the world")]
    fn step(&mut self, end_us: u64) -> bool {
        let world = &mut self.world;
        let Some((at_us, event)) = world.agenda.next_until(end_us) else { return false };
        world.now_us = at_us;
        match event {
            // No core runs, and whoever was closed does not return by itself.
            Event::Wake { .. } | Event::Join { .. } => {}
            Event::Answer { by, op, reply, .. } => {
                let node = world.node(by.node);
                let slot = node.and_then(|node| node.roles.iter_mut().find(|it| it.address == by));
                if let Some(slot) = slot {
                    slot.handle.answer(op, *reply);
                }
            }
            other => world.happen(other),
        }
        true
    }

    fn all_know_each_other(&self) -> bool {
        let nodes = || self.world.nodes.iter().flatten();
        nodes().all(|one| nodes().all(|other| one.known.is_alive(other.id)))
    }

    /// What did not arrive first, as the runtime has it.
    fn take_events(&mut self, address: Address, limit: usize, events: &mut Vec<MqEvent>) {
        let Some(node) = self.world.node(address.node) else { return };
        let Some(slot) = node.roles.iter_mut().find(|it| it.address == address) else { return };
        let count = slot.unsent.len().min(limit);
        events.extend(slot.unsent.drain(..count).map(|(to, body)| MqEvent::Unsent { to, body }));
        let count = slot.inbox.len().min(limit - count);
        events.extend(slot.inbox.drain(..count).map(|(from, body)| MqEvent::Frame { from, body }));
        self.world.relieve(address.node);
    }
}
