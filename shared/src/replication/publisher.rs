//! The owner's side: entities with their published components, and who has subscribed to them.

mod entities;
mod subscriptions;

use std::collections::VecDeque;

use thiserror::Error;

use crate::core::Output;
use crate::ids::{Address, Epoch, Key, NodeId, Version};
use crate::msg::Body;
use crate::msg::replication::{
    COMPONENT_BYTES_MAX, COMPONENTS_MAX, Component, ComponentId, EndReason, Stamp, ToPublisher,
    ToSubscriber,
};
use crate::tick::{Tick, TickRate};

use super::{
    ENTITIES_PER_TICK_MAX, LEASE_MS, RESENT_PER_TICK_MAX, RETRY_MS, SUBSCRIPTIONS_MAX,
    SUBSCRIPTIONS_PER_SUBSCRIBER_MAX,
};
use entities::Entities;
use subscriptions::{Name, Subscription, Subscriptions};

/// Publishes components of the entities that a core owns.
///
/// What is stored may be published when it is durable, and not before: a subscriber must never see
/// what a crash takes back.
#[derive(Debug)]
pub struct Publisher {
    /// Whether an entity to which nobody subscribes is forgotten.
    on_demand: bool,
    lease_ticks: u64,
    retry_ticks: u64,
    entities: Entities,
    subscriptions: Subscriptions,
    /// Entities with changes that were not told yet, each once, oldest first.
    changed: VecDeque<Key>,
    level: Level,
}

/// What a publisher counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Entities that publish something.
    pub entities: usize,
    /// Subscriptions now.
    pub subscriptions: usize,
    /// Snapshots sent since it began.
    pub snapshots: u64,
    /// Frames with changes sent since it began.
    pub changes: u64,
    /// Subscriptions refused since it began.
    pub refused: u64,
    /// Subscriptions that were not renewed in time, since it began.
    pub expired: u64,
}

/// Why a component is not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// It is larger than `COMPONENT_BYTES_MAX`.
    #[error("a component of {len} bytes is too large to be published")]
    TooLarge {
        /// Its bytes.
        len: usize,
    },
    /// The entity publishes `COMPONENTS_MAX` others already.
    #[error("the entity publishes as many components as it can")]
    TooMany,
}

impl Publisher {
    /// A publisher without entities, for a core that ticks at `rate`.
    #[must_use]
    pub fn new(rate: TickRate) -> Self {
        Self {
            on_demand: false,
            lease_ticks: rate.ticks_of_ms(LEASE_MS),
            retry_ticks: rate.ticks_of_ms(RETRY_MS),
            entities: Entities::default(),
            subscriptions: Subscriptions::default(),
            changed: VecDeque::new(),
            level: Level::default(),
        }
    }

    /// As [`Publisher::new`], for an owner of far more entities than anybody asks for: it publishes
    /// an entity when it hears a `Subscribe`, and the entity is forgotten with its last
    /// subscription. So there are never more entities than subscriptions.
    #[must_use]
    pub fn on_demand(rate: TickRate) -> Self {
        Self { on_demand: true, ..Self::new(rate) }
    }

    /// Publishes a component of the entity `key` as it is durable in the commit `version` of the
    /// owner's `epoch`. The first one makes the entity known; one of an older commit than the
    /// last is ignored. Told to subscribers by the next [`Publisher::tick`].
    ///
    /// # Errors
    /// [`PublishError`]; what was published before stays.
    pub fn publish(
        &mut self,
        key: Key,
        epoch: Epoch,
        version: Version,
        component: Component,
    ) -> Result<(), PublishError> {
        let len = component.bytes.len();
        if len > COMPONENT_BYTES_MAX {
            return Err(PublishError::TooLarge { len });
        }
        let known = self.entities.epoch_of(key);
        if known.is_some_and(|known| known < epoch) {
            // Subscribers are told all anew, under the new epoch.
            for name in self.entities.begin_epoch(key, epoch) {
                self.subscriptions.make_stale(name, Tick(0));
            }
        }
        if self.entities.put(key, epoch, version, component)? {
            self.changed.push_back(key);
        }
        Ok(())
    }

    /// What is published of the entity, if it has that component.
    #[must_use]
    pub fn published(&self, key: Key, id: ComponentId) -> Option<&Component> {
        self.entities.component(key, id)
    }

    /// The entities that publish something.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.entities.keys()
    }

    /// The entity is not owned here any more: its subscriptions end.
    pub fn disown(&mut self, key: Key, outputs: &mut Vec<Output>) {
        for name in self.entities.remove(key) {
            if self.subscriptions.remove(name).is_some() {
                end(name, EndReason::Lost, outputs);
            }
        }
    }

    /// A subscriber says something.
    pub fn heard(
        &mut self,
        now: Tick,
        from: Address,
        said: ToPublisher,
        outputs: &mut Vec<Output>,
    ) {
        match said {
            ToPublisher::Subscribe { subscription, key, components } => {
                self.subscribe(now, Name { from, subscription }, key, components, outputs);
            }
            ToPublisher::Unsubscribe { subscription } => {
                self.drop_subscription(Name { from, subscription });
            }
            ToPublisher::Resnapshot { subscription, have } => {
                self.renew(now, Name { from, subscription }, have, outputs);
            }
        }
    }

    /// A frame to a subscriber did not arrive: a snapshot makes up for it, after a pause.
    pub fn unsent(&mut self, now: Tick, to: Address, said: &ToSubscriber) {
        match said {
            ToSubscriber::Snapshot { subscription, .. }
            | ToSubscriber::Changes { subscription, .. } => {
                let name = Name { from: to, subscription: *subscription };
                self.subscriptions.make_stale(name, now.after(self.retry_ticks));
            }
            // The subscriber's next question is answered in the same way.
            ToSubscriber::Ended { .. } => {}
        }
    }

    /// A node is gone, and its subscriptions with it.
    pub fn node_gone(&mut self, node: NodeId) {
        for name in self.subscriptions.of_node(node) {
            self.drop_subscription(name);
        }
    }

    /// Tells what has changed since the last tick, sends snapshots that are due, and forgets
    /// subscriptions that were not renewed.
    pub fn tick(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        while let Some(name) = self.subscriptions.next_expired(now) {
            self.level.expired += 1;
            self.drop_subscription(name);
        }
        for _ in 0..ENTITIES_PER_TICK_MAX {
            let Some(key) = self.changed.pop_front() else { break };
            self.tell_changes(key, outputs);
        }
        for _ in 0..RESENT_PER_TICK_MAX {
            let Some(name) = self.subscriptions.next_stale(now) else { break };
            self.send_snapshot(name, outputs);
        }
    }

    /// What the publisher counts.
    #[must_use]
    pub fn level(&self) -> Level {
        let (entities, subscriptions) = (self.entities.len(), self.subscriptions.len());
        Level { entities, subscriptions, ..self.level }
    }

    fn subscribe(
        &mut self,
        now: Tick,
        name: Name,
        key: Key,
        mut wanted: Vec<ComponentId>,
        outputs: &mut Vec<Output>,
    ) {
        let known = self.subscriptions.get(name).map(|subscription| subscription.key);
        if known == Some(key) {
            self.renew(now, name, None, outputs);
            return;
        }
        self.drop_subscription(name);
        if self.entities.epoch_of(key).is_none() {
            end(name, EndReason::NotOwned, outputs);
            return;
        }
        let full = self.subscriptions.len() >= SUBSCRIPTIONS_MAX
            || self.subscriptions.count_of(name.from) >= SUBSCRIPTIONS_PER_SUBSCRIBER_MAX;
        if full || wanted.len() > COMPONENTS_MAX {
            self.level.refused += 1;
            self.forget_unwanted(key);
            end(name, EndReason::Refused, outputs);
            return;
        }
        // What has changed belongs into the snapshot, not after it.
        self.tell_changes(key, outputs);
        wanted.sort_unstable();
        wanted.dedup();
        let until = now.after(self.lease_ticks);
        self.subscriptions.insert(name, Subscription::new(key, wanted, until));
        self.entities.add_subscriber(key, name);
        self.send_snapshot(name, outputs);
    }

    fn renew(&mut self, now: Tick, name: Name, have: Option<Stamp>, outputs: &mut Vec<Output>) {
        let Some(subscription) = self.subscriptions.renew(name, now.after(self.lease_ticks)) else {
            end(name, EndReason::Unknown, outputs);
            return;
        };
        let (key, version, stale) =
            (subscription.key, subscription.version, subscription.is_stale());
        let Some(epoch) = self.entities.epoch_of(key) else { return };
        let stamp = Stamp { epoch, version };
        if stale || have != Some(stamp) {
            self.send_snapshot(name, outputs);
            return;
        }
        let subscription = name.subscription;
        send(name, ToSubscriber::Changes { subscription, stamp, components: Vec::new() }, outputs);
    }

    fn drop_subscription(&mut self, name: Name) {
        if let Some(subscription) = self.subscriptions.remove(name) {
            self.entities.remove_subscriber(subscription.key, name);
            self.forget_unwanted(subscription.key);
        }
    }

    fn forget_unwanted(&mut self, key: Key) {
        if self.on_demand && !self.entities.has_subscribers(key) {
            self.entities.remove(key);
        }
    }

    /// Tells all subscribers of an entity what has changed; those who wait for a snapshot get it
    /// in there.
    fn tell_changes(&mut self, key: Key, outputs: &mut Vec<Output>) {
        let Some((epoch, changes)) = self.entities.take_changes(key) else { return };
        for name in changes.subscribers {
            let Some(subscription) = self.subscriptions.get_mut(*name) else { continue };
            if subscription.is_stale() {
                continue;
            }
            let wanted = changes
                .components
                .iter()
                .filter(|component| subscription.wanted.binary_search(&component.id).is_ok());
            let components: Vec<Component> = wanted.cloned().collect();
            if components.is_empty() {
                continue;
            }
            subscription.version += 1;
            self.level.changes += 1;
            let stamp = Stamp { epoch, version: subscription.version };
            let subscription = name.subscription;
            send(*name, ToSubscriber::Changes { subscription, stamp, components }, outputs);
        }
    }

    /// A snapshot has a version of its own: one that is lost must not look like the state before.
    fn send_snapshot(&mut self, name: Name, outputs: &mut Vec<Output>) {
        let Some(subscription) = self.subscriptions.made_current(name) else { return };
        let Some(epoch) = self.entities.epoch_of(subscription.key) else { return };
        let has = |id: &ComponentId| self.entities.component(subscription.key, *id).cloned();
        let components = subscription.wanted.iter().filter_map(has).collect();
        let stamp = Stamp { epoch, version: subscription.version };
        let id = name.subscription;
        self.level.snapshots += 1;
        let said = ToSubscriber::Snapshot { subscription: id, stamp, components };
        send(name, said, outputs);
    }
}

fn end(name: Name, reason: EndReason, outputs: &mut Vec<Output>) {
    send(name, ToSubscriber::Ended { subscription: name.subscription, reason }, outputs);
}

fn send(name: Name, said: ToSubscriber, outputs: &mut Vec<Output>) {
    outputs.push(Output::Send { to: name.from, body: Body::ToSubscriber(said) });
}
