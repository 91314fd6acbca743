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
    /// `None` once it is gone.
    card: Option<NodeCard>,
    version: u64,
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
    /// was taken.
    pub(super) fn join(&mut self, now_us: u64, node: NodeId, card: NodeCard) -> bool {
        self.expire(now_us);
        let taken = self.entries.iter().any(|(id, it)| id.node == node.node && it.card.is_some());
        if !taken {
            self.set(node, now_us + LEASE_US, Some(card));
        }
        !taken
    }

    /// Renews a lease, takes the card, and tells what is new since `seen`.
    pub(super) fn beat(&mut self, now_us: u64, card: NodeCard, seen: u64) -> News {
        self.expire(now_us);
        let me = card.id;
        let lost = match self.entries.get_mut(&me) {
            Some(entry) if entry.card.is_some() => {
                entry.lease_until_us = now_us + LEASE_US;
                if entry.card.as_ref() != Some(&card) {
                    self.set(me, now_us + LEASE_US, Some(card));
                }
                false
            }
            Some(_) | None => true,
        };
        let new = self.entries.iter().filter(|(_, entry)| entry.version > seen);
        let events = new.map(|(id, entry)| match &entry.card {
            Some(card) => DirectoryEvent::Changed(card.clone()),
            None => DirectoryEvent::Gone(*id),
        });
        News { events: events.collect(), version: self.version, lost }
    }

    /// A node leaves.
    pub(super) fn leave(&mut self, node: NodeId) {
        if self.entries.get(&node).is_some_and(|entry| entry.card.is_some()) {
            self.set(node, 0, None);
        }
    }

    /// The store was away: nobody's lease ends before there was time to come back.
    pub(super) fn forgive(&mut self, now_us: u64) {
        for entry in self.entries.values_mut() {
            entry.lease_until_us = entry.lease_until_us.max(now_us + LEASE_US);
        }
    }

    fn expire(&mut self, now_us: u64) {
        let over = |(id, entry): (&NodeId, &Entry)| {
            (entry.card.is_some() && entry.lease_until_us < now_us).then_some(*id)
        };
        let gone: Vec<NodeId> = self.entries.iter().filter_map(over).collect();
        gone.into_iter().for_each(|node| self.set(node, 0, None));
    }

    fn set(&mut self, node: NodeId, lease_until_us: u64, card: Option<NodeCard>) {
        self.version += 1;
        self.entries.insert(node, Entry { lease_until_us, card, version: self.version });
    }
}
