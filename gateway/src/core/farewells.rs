//! Ends of sessions, told to the nodes that hold something for them.
//!
//! They have to arrive as long as the receiver lives, or it would keep a player for nobody. A full
//! queue hands them back; then they wait here and are sent again.

use std::collections::VecDeque;

use shared::core::Output;
use shared::directory::Nodes;
use shared::ids::Address;
use shared::msg::Body;
use shared::tick::Tick;

use super::limits::FAREWELLS_MAX;

/// Farewells that came back, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Farewells {
    waiting: VecDeque<(Tick, Address, Body)>,
}

impl Farewells {
    /// Keeps what came back until `due`. Returns false if there is no room.
    pub(super) fn keep(&mut self, due: Tick, to: Address, body: Body) -> bool {
        let room = self.waiting.len() < FAREWELLS_MAX;
        if room {
            self.waiting.push_back((due, to, body));
        }
        room
    }

    /// Sends again what is due, to nodes that are still alive.
    pub(super) fn resend(&mut self, now: Tick, nodes: &Nodes, outputs: &mut Vec<Output>) {
        while let Some((_, to, body)) = self.waiting.pop_front_if(|(due, _, _)| *due <= now) {
            say(to, body, nodes, outputs);
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Tells a node, if it is still alive, that something has ended.
pub(super) fn say(to: Address, body: Body, nodes: &Nodes, outputs: &mut Vec<Output>) {
    if nodes.is_alive(to.node) {
        outputs.push(Output::Send { to, body });
    }
}
