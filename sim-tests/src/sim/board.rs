//! The simulated directory: leases at the store, by the store's clock. It follows the rules of
//! the directory in Redis (`shared/src/directory/redis.rs`).

use std::collections::BTreeMap;

use shared::directory::{DirectoryEvent, NodeCard};
use shared::ids::NodeId;

use super::plan::LEASE_MS;

/// Length of a lease in µs.
pub(super) const LEASE_US: u64 = LEASE_MS * 1_000;
/// A node that could not renew for so long is suspended: two thirds of the lease.
pub(super) const GIVE_UP_US: u64 = LEASE_US * 2 / 3;
/// A node that is suspended for so long ends, as by `cluster.ride_out`.
pub(super) const RIDE_OUT_US: u64 = 60_000_000;

/// Everybody's card, as the store has it.
#[derive(Debug, Default)]
pub(super) struct Board {
    entries: BTreeMap<NodeId, Entry>,
    version: u64,
}

#[derive(Debug)]
struct Entry {
    lease_until_us: u64,
    state: State,
    version: u64,
    /// The version of the board when it joined: it is not told who had gone before.
    joined: u64,
}

#[derive(Debug, PartialEq)]
enum State {
    /// The number is taken; nobody sees it yet.
    Joined,
    /// All see it.
    There(NodeCard),
    Gone,
}

/// What a beat brings back.
#[derive(Debug)]
pub(super) struct News {
    /// What has changed since the version that was asked for.
    pub(super) events: Vec<DirectoryEvent>,
    /// The version now.
    pub(super) version: u64,
    /// This node holds no lease any more.
    pub(super) lost: bool,
}

impl Board {
    /// Takes the number of a node, unless somebody's lease for it is running. Returns whether it
    /// was taken. The others see it from its first beat on.
    pub(super) fn join(&mut self, now_us: u64, node: NodeId) -> bool {
        self.expire(now_us);
        let held = |(id, entry): (&NodeId, &Entry)| {
            id.node == node.node && entry.state != State::Gone || *id == node
        };
        let taken = self.entries.iter().any(held);
        if !taken {
            let lease_until_us = now_us + LEASE_US;
            let entry =
                Entry { lease_until_us, state: State::Joined, version: 0, joined: self.version };
            self.entries.insert(node, entry);
        }
        !taken
    }

    /// Renews a lease, takes the card if there is one, and tells what is new since `seen`.
    pub(super) fn beat(
        &mut self,
        now_us: u64,
        node: NodeId,
        card: Option<NodeCard>,
        seen: u64,
    ) -> News {
        let lost = !self.renew(now_us, node, card);
        let joined = self.entries.get(&node).map_or(0, |entry| entry.joined);
        let mut new: Vec<_> =
            self.entries.iter().filter(|(_, entry)| entry.version > seen).collect();
        new.sort_unstable_by_key(|(_, entry)| entry.version);
        let events = new.into_iter().filter_map(|(id, entry)| match &entry.state {
            State::Joined => None,
            State::There(card) => Some(DirectoryEvent::Changed(card.clone())),
            State::Gone => (entry.version > joined).then_some(DirectoryEvent::Gone(*id)),
        });
        News { events: events.collect(), version: self.version, lost }
    }

    /// A node leaves.
    pub(super) fn leave(&mut self, node: NodeId) {
        if self.entries.get(&node).is_some_and(|entry| entry.state != State::Gone) {
            self.set(node, State::Gone);
        }
    }

    /// The store was away: nobody's lease ends before there was time to come back.
    pub(super) fn forgive(&mut self, now_us: u64) {
        for entry in self.entries.values_mut() {
            entry.lease_until_us = entry.lease_until_us.max(now_us + LEASE_US);
        }
    }

    /// Whether the node still has a lease to renew.
    fn renew(&mut self, now_us: u64, node: NodeId, card: Option<NodeCard>) -> bool {
        self.expire(now_us);
        let Some(entry) = self.entries.get_mut(&node) else { return false };
        if entry.state == State::Gone {
            return false;
        }
        entry.lease_until_us = now_us + LEASE_US;
        if let Some(card) = card {
            let state = State::There(card);
            if entry.state != state {
                self.set(node, state);
            }
        }
        true
    }

    fn expire(&mut self, now_us: u64) {
        let over = |(id, entry): (&NodeId, &Entry)| {
            (entry.state != State::Gone && entry.lease_until_us < now_us).then_some(*id)
        };
        let gone: Vec<NodeId> = self.entries.iter().filter_map(over).collect();
        gone.into_iter().for_each(|node| self.set(node, State::Gone));
    }

    fn set(&mut self, node: NodeId, state: State) {
        let Some(entry) = self.entries.get_mut(&node) else { return };
        self.version += 1;
        entry.version = self.version;
        entry.state = state;
    }
}
