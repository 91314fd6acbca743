//! Who is alive: the nodes of the cluster, their roles, loads and states.
//!
//! Who *owns* a key is not here: that stands in the key's record in the store, where the epoch
//! fences it. The directory only says which owners can still be talked to.

pub mod builds;
#[cfg(feature = "shell")]
pub mod followed;
#[cfg(feature = "shell")]
pub mod local;
#[cfg(feature = "shell")]
pub mod redis;

use std::collections::BTreeMap;
// Plain data; it is `core`, because nothing here opens a socket.
use ::core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::ids::{Address, Key, NodeId, Role};
use crate::rng;

/// What a node can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// Not yet ready for work.
    Starting,
    /// Takes work.
    Ready,
    /// Finishes what it has and takes nothing new.
    Draining,
}

/// What a node tells all others about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCard {
    /// The node.
    pub id: NodeId,
    /// Its state.
    pub state: NodeState,
    /// Version of its build.
    pub build: String,
    /// Its roles with their loads, as [`crate::core::CoreStatus::load`] counts them.
    pub roles: Vec<(Role, u32)>,
    /// Where other nodes reach its node MQ over TCP, if it has such links.
    pub link: Option<SocketAddr>,
    /// Where its status page is served, if it has one.
    pub page: Option<SocketAddr>,
}

/// A change in the set of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DirectoryEvent {
    /// A node is there, or its card has changed.
    Changed(NodeCard),
    /// A node is gone for good: its lease ended or it left. This incarnation never returns. A node
    /// that is told so of itself must stop its cores: others may be taking its place.
    Gone(NodeId),
    /// The node that is told so cannot renew its lease: it must acknowledge nothing and give up
    /// what it owns before the lease ends. Connections, links and battles stay. Nothing is heard of
    /// other nodes until it has resumed or is gone.
    Suspended,
    /// The node holds its lease again and nobody has declared it gone: it may acquire keys anew.
    Resumed,
}

/// The shell's access to the directory. One per node; never blocks.
pub trait Directory: Send {
    /// Announces this node or its changed card, and renews its lease.
    fn announce(&mut self, card: &NodeCard);
    /// Leaves the directory.
    fn leave(&mut self);
    /// Moves what has changed since the last call into `events`, this node included.
    fn poll(&mut self, events: &mut Vec<DirectoryEvent>);
}

/// A core's picture of the nodes, kept current by [`DirectoryEvent`]s; answers where to send.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    cards: BTreeMap<NodeId, NodeCard>,
    suspended: bool,
}

impl Nodes {
    /// Takes a change.
    pub fn apply(&mut self, event: &DirectoryEvent) {
        match event {
            DirectoryEvent::Changed(card) => {
                self.cards.insert(card.id, card.clone());
            }
            DirectoryEvent::Gone(node) => {
                self.cards.remove(node);
            }
            DirectoryEvent::Suspended => self.suspended = true,
            DirectoryEvent::Resumed => self.suspended = false,
        }
    }

    /// Whether the own node is suspended: see [`DirectoryEvent::Suspended`].
    #[must_use]
    pub const fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether this incarnation is in the directory.
    #[must_use]
    pub fn is_alive(&self, node: NodeId) -> bool {
        self.cards.contains_key(&node)
    }

    /// All nodes.
    pub fn cards(&self) -> impl Iterator<Item = &NodeCard> {
        self.cards.values()
    }

    /// The ready nodes of a role with their loads, ordered by id.
    pub fn ready(&self, role: Role) -> impl Iterator<Item = (Address, u32)> {
        self.cards.values().filter(|card| card.state == NodeState::Ready).flat_map(move |card| {
            let has = card.roles.iter().filter(move |(hosted, _)| *hosted == role);
            has.map(move |(_, load)| (Address { node: card.id, role }, *load))
        })
    }

    /// Where to place something new: the less loaded of two ready nodes drawn by `draw`
    /// (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
    #[must_use]
    pub fn place(&self, role: Role, draw: u64) -> Option<Address> {
        let ready: Vec<_> = self.ready(role).collect();
        let count = u64::try_from(ready.len()).unwrap_or(u64::MAX);
        let pick = |purpose| {
            let index = usize::try_from(rng::below(count, draw, &[purpose])).unwrap_or(0);
            ready.get(index).copied()
        };
        let (first, second) = (pick(1)?, pick(2)?);
        Some(if second.1 < first.1 { second.0 } else { first.0 })
    }

    /// The node of a role that is responsible for `name` as long as the set of ready nodes stays
    /// the same: rendezvous hashing (Thaler and Ravishankar, 1998).
    #[must_use]
    pub fn home(&self, role: Role, name: u64) -> Option<Address> {
        let weight = |address: &Address| {
            let node = (u64::from(address.node.node) << 32) | u64::from(address.node.incarnation);
            rng::mix(name, &[node])
        };
        self.ready(role).map(|(address, _)| address).max_by_key(weight)
    }

    /// The social node that has all players' presence, teams and tickets: one of them at a time, so
    /// that any two players can meet. Another one follows when it is gone.
    #[must_use]
    pub fn lobby(&self) -> Option<Address> {
        self.home(Role::Social, LOBBY)
    }

    /// The node that should own `key` if nobody does, where that follows from the key alone.
    #[must_use]
    pub fn home_of_key(&self, key: Key) -> Option<Address> {
        match key {
            Key::Guild(guild) => self.home(Role::Social, guild.0),
            // A player is owned where the session was placed, a battle where it was started.
            Key::Player(_) | Key::Battle(_) => None,
        }
    }
}

/// The `name` under which [`Nodes::home`] finds the lobby.
const LOBBY: u64 = 0;

/// The `name` under which [`Nodes::home`] finds the matchmaker of a queue (XXH3). Whoever asks for
/// a queue's home uses this, or two nodes would each think that the other is responsible.
#[must_use]
pub fn queue_name_hash(queue: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(queue.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: u16, state: NodeState, load: u32) -> DirectoryEvent {
        DirectoryEvent::Changed(NodeCard {
            id: NodeId { node: n, incarnation: 1 },
            state,
            build: String::from("test"),
            roles: vec![(Role::Social, load)],
            link: None,
            page: None,
        })
    }

    fn nodes(events: &[DirectoryEvent]) -> Nodes {
        let mut nodes = Nodes::default();
        events.iter().for_each(|event| nodes.apply(event));
        nodes
    }

    #[test]
    fn only_ready_nodes_of_the_role_are_placed_on() {
        let nodes = nodes(&[
            node(1, NodeState::Draining, 0),
            node(2, NodeState::Ready, 5),
            node(3, NodeState::Starting, 0),
        ]);
        for draw in 0..20 {
            let placed = nodes.place(Role::Social, draw).expect("node 2 is ready");
            assert_eq!(placed.node.node, 2);
        }
        assert_eq!(nodes.place(Role::Baseapp, 1), None);
    }

    #[test]
    fn the_less_loaded_of_two_is_taken() {
        let nodes = nodes(&[node(1, NodeState::Ready, 100), node(2, NodeState::Ready, 1)]);
        let light = (0..100)
            .filter(|&draw| nodes.place(Role::Social, draw).expect("two are ready").node.node == 2);
        assert!(light.count() > 60, "three of four draws see the light node");
    }

    #[test]
    fn a_home_moves_only_when_its_node_goes() {
        let all: Vec<_> = (1..=4).map(|n| node(n, NodeState::Ready, 0)).collect();
        let before = nodes(&all);
        let mut after = before.clone();
        after.apply(&DirectoryEvent::Gone(NodeId { node: 4, incarnation: 1 }));
        for name in 0..200 {
            let home = before.home(Role::Social, name).expect("four are ready");
            let moved = after.home(Role::Social, name).expect("three are ready");
            assert!(home == moved || home.node.node == 4);
        }
    }
}
