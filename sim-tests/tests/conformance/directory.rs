//! The simulated directory.

#[macro_use]
#[path = "../../../shared/tests/directory_conformance/contract.rs"]
mod contract;

use shared::directory::{Directory, DirectoryEvent, NodeCard};
use shared::ids::NodeId;
use sim_tests::sim::Seen;

use super::World;
use contract::Fabric;

pub(crate) struct Handle {
    world: World,
    node: NodeId,
    seen: Seen,
    card: Option<NodeCard>,
    events: Vec<DirectoryEvent>,
}

impl Handle {
    fn beat(&mut self) {
        let news = self.world.get().beat(self.node, self.card.as_ref(), &mut self.seen);
        self.events.extend(news);
    }
}

impl Fabric for World {
    type Handle = Handle;

    fn join(&self, node: NodeId) -> Handle {
        assert!(self.get().join(node), "the number is free");
        Handle { world: self.clone(), node, seen: Seen::default(), card: None, events: vec![] }
    }
}

impl Directory for Handle {
    fn announce(&mut self, card: &NodeCard) {
        if card.id == self.node {
            self.card = Some(card.clone());
            self.beat();
        }
    }

    fn leave(&mut self) {
        self.world.get().leave(self.node);
    }

    fn poll(&mut self, events: &mut Vec<DirectoryEvent>) {
        self.beat();
        events.append(&mut self.events);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.leave();
    }
}

conformance!(simulated, crate::World::new());
