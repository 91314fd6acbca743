//! Subscriptions: who has one, how far it was told, and until when it holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Address, Key, NodeId, Role};
use crate::msg::replication::{ComponentId, SubscriptionId};
use crate::tick::Tick;

/// What a subscription is called at the publisher: subscribers number theirs on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) from: Address,
    pub(super) subscription: SubscriptionId,
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) key: Key,
    /// Ordered, each once.
    pub(super) wanted: Vec<ComponentId>,
    /// Number of the last frame with content.
    pub(super) version: u64,
    /// When it ends unless it is renewed.
    until: Tick,
    /// Set while something did not arrive: when a snapshot makes up for it.
    snapshot_at: Option<Tick>,
}

/// All subscriptions. The sets mirror what stands in the subscriptions.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_name: BTreeMap<Name, Subscription>,
    by_until: BTreeSet<(Tick, Name)>,
    by_snapshot_at: BTreeSet<(Tick, Name)>,
    counts: BTreeMap<Address, usize>,
}

impl Subscription {
    pub(super) const fn new(key: Key, wanted: Vec<ComponentId>, until: Tick) -> Self {
        Self { key, wanted, version: 0, until, snapshot_at: None }
    }

    /// Whether the subscriber misses something and changes alone would not help.
    pub(super) const fn is_stale(&self) -> bool {
        self.snapshot_at.is_some()
    }
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn count_of(&self, subscriber: Address) -> usize {
        self.counts.get(&subscriber).copied().unwrap_or(0)
    }

    pub(super) fn get(&self, name: Name) -> Option<&Subscription> {
        self.by_name.get(&name)
    }

    pub(super) fn get_mut(&mut self, name: Name) -> Option<&mut Subscription> {
        self.by_name.get_mut(&name)
    }

    pub(super) fn of_node(&self, node: NodeId) -> Vec<Name> {
        let roles = Role::ALL.map(|role| Address { node, role });
        let names = roles.into_iter().flat_map(|from| {
            let (first, last) = (SubscriptionId(0), SubscriptionId(u64::MAX));
            let range = Name { from, subscription: first }..=Name { from, subscription: last };
            self.by_name.range(range).map(|(name, _)| *name)
        });
        names.collect()
    }

    pub(super) fn insert(&mut self, name: Name, subscription: Subscription) {
        self.remove(name);
        self.by_until.insert((subscription.until, name));
        *self.counts.entry(name.from).or_insert(0) += 1;
        self.by_name.insert(name, subscription);
    }

    pub(super) fn remove(&mut self, name: Name) -> Option<Subscription> {
        let subscription = self.by_name.remove(&name)?;
        self.by_until.remove(&(subscription.until, name));
        if let Some(at) = subscription.snapshot_at {
            self.by_snapshot_at.remove(&(at, name));
        }
        let left = self.count_of(name.from).saturating_sub(1);
        if left == 0 {
            self.counts.remove(&name.from);
        } else {
            self.counts.insert(name.from, left);
        }
        Some(subscription)
    }

    /// The subscriber was heard: its subscription holds until then.
    pub(super) fn renew(&mut self, name: Name, until: Tick) -> Option<&Subscription> {
        let subscription = self.by_name.get_mut(&name)?;
        self.by_until.remove(&(subscription.until, name));
        self.by_until.insert((until, name));
        subscription.until = until;
        Some(subscription)
    }

    /// Something did not arrive: a snapshot is due then. An earlier date stays.
    pub(super) fn make_stale(&mut self, name: Name, at: Tick) {
        let Some(subscription) = self.by_name.get_mut(&name) else { return };
        if subscription.snapshot_at.is_none_or(|before| at < before) {
            if let Some(before) = subscription.snapshot_at.replace(at) {
                self.by_snapshot_at.remove(&(before, name));
            }
            self.by_snapshot_at.insert((at, name));
        }
    }

    /// The next subscription whose snapshot is due; it stays due until it is made current.
    pub(super) fn next_stale(&self, now: Tick) -> Option<Name> {
        let (_, name) = *self.by_snapshot_at.first().filter(|(at, _)| *at <= now)?;
        Some(name)
    }

    /// A snapshot goes out: nothing is missed after it.
    pub(super) fn made_current(&mut self, name: Name) -> Option<&Subscription> {
        let subscription = self.by_name.get_mut(&name)?;
        if let Some(at) = subscription.snapshot_at.take() {
            self.by_snapshot_at.remove(&(at, name));
        }
        subscription.version += 1;
        Some(subscription)
    }

    /// A subscription whose time is over; the caller removes it.
    pub(super) fn next_expired(&self, now: Tick) -> Option<Name> {
        self.by_until.first().filter(|(until, _)| *until <= now).map(|(_, name)| *name)
    }
}
