//! The subscriber's side: copies of other owners' components, kept current or known to be old.

mod state;

use std::collections::{BTreeMap, BTreeSet};

use crate::core::Output;
use crate::directory::Nodes;
use crate::ids::{Address, Epoch, Key, NodeId};
use crate::msg::Body;
use crate::msg::replication::{
    COMPONENT_BYTES_MAX, Component, ComponentId, Replicated, Stamp, SubscriptionId, ToPublisher,
    ToSubscriber,
};
use crate::tick::{Tick, TickRate};

use super::{ANSWER_MS, CHECK_MS, RETRY_MS};
use state::{Act, Happening, Link, Means, State};

/// Follows components of entities that others own.
#[derive(Debug)]
pub struct Replica {
    followed_max: usize,
    answer_ticks: u64,
    check_ticks: u64,
    retry_ticks: u64,
    followed: BTreeMap<Key, Followed>,
    /// Whom a frame concerns; one entry per replica that listens to somebody.
    by_subscription: BTreeMap<SubscriptionId, Key>,
    /// One entry per replica that waits for something.
    timers: BTreeSet<(Tick, Key)>,
    subscriptions: u64,
    events: Vec<ReplicaEvent>,
    level: ReplicaLevel,
}

/// What the core has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaEvent {
    /// Something of the entity is different from what was known.
    Changed(Key),
    /// The entity is not followed any more; what was known of it stays. [`Replica::follow`]
    /// begins anew, [`Replica::forget`] frees it.
    Ended(Key, WhyEnded),
}

/// Why an entity is not followed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyEnded {
    /// Who was asked does not own it, and the directory names nobody else.
    NotOwned,
    /// The publisher takes no more subscriptions.
    Refused,
    /// The publisher's node is gone, and the directory names nobody else.
    Gone,
    /// No answer came, however often it was asked.
    Silent,
}

/// What a replica counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaLevel {
    /// Entities followed now, ended ones included.
    pub followed: usize,
    /// Losses found by their version since it began.
    pub gaps: u64,
    /// Frames that belong to no subscription, since it began.
    pub strays: u64,
    /// Components that were not asked for or too large, since it began.
    pub refused: u64,
}

#[derive(Debug)]
struct Followed {
    wanted: &'static [ComponentId],
    state: State,
    /// The tick of its entry in the timers.
    due: Option<Tick>,
    /// The highest epoch that was seen: who speaks for a lower one is not the owner any more.
    epoch: Epoch,
    /// At most as many as are wanted, ordered by kind.
    components: Vec<Component>,
}

impl Replica {
    /// Follows nothing yet, and at most `followed_max` entities; for a core that ticks at `rate`.
    #[must_use]
    pub fn new(rate: TickRate, followed_max: usize) -> Self {
        Self {
            followed_max,
            answer_ticks: rate.ticks_of_ms(ANSWER_MS),
            check_ticks: rate.ticks_of_ms(CHECK_MS),
            retry_ticks: rate.ticks_of_ms(RETRY_MS),
            followed: BTreeMap::new(),
            by_subscription: BTreeMap::new(),
            timers: BTreeSet::new(),
            subscriptions: 0,
            events: Vec::new(),
            level: ReplicaLevel::default(),
        }
    }

    /// Follows components of an entity whose owner is at `at`. For an entity that is followed
    /// already: goes on there, and keeps what is known until the new owner speaks; nothing happens
    /// if it is followed there. Returns false if there is no room.
    pub fn follow(
        &mut self,
        now: Tick,
        key: Key,
        at: Address,
        wanted: &'static [ComponentId],
        outputs: &mut Vec<Output>,
    ) -> bool {
        let known = self.followed.get(&key).map(|followed| followed.state);
        if known.is_none() && self.followed.len() >= self.followed_max {
            return false;
        }
        let link = known.and_then(State::link);
        if let Some(link) = link {
            if link.at == at {
                return true;
            }
            unsubscribe(link, outputs);
        }
        self.followed.entry(key).or_insert_with(|| Followed {
            wanted,
            state: State::Ended,
            due: None,
            epoch: Epoch(0),
            components: Vec::new(),
        });
        let link = Link { at, subscription: self.fresh() };
        self.subscriptions += 1;
        self.enter(now, key, State::Asked { link, tries: 1 });
        self.act(key, Act::Subscribe, outputs);
        true
    }

    /// Follows the entity no more, and forgets what is known of it.
    pub fn forget(&mut self, key: Key, outputs: &mut Vec<Output>) {
        let Some(followed) = self.followed.remove(&key) else { return };
        if let Some(due) = followed.due {
            self.timers.remove(&(due, key));
        }
        if let Some(link) = followed.state.link() {
            self.by_subscription.remove(&link.subscription);
            unsubscribe(link, outputs);
        }
    }

    /// The component as last told, however old; `None` if it never came or cannot be read.
    #[must_use]
    pub fn get<C: Replicated>(&self, key: Key) -> Option<C> {
        C::of_component(self.component(key, C::ID)?)
    }

    /// Whether the entity is followed, news of it or not.
    #[must_use]
    pub fn is_followed(&self, key: Key) -> bool {
        self.followed.contains_key(&key)
    }

    /// The bytes of [`Replica::get`].
    #[must_use]
    pub fn component(&self, key: Key, id: ComponentId) -> Option<&Component> {
        self.followed.get(&key)?.components.iter().find(|component| component.id == id)
    }

    /// Where the replica stands with its owner, if it has all that was told up to there as far as
    /// it can know; `None` if something is missing.
    #[must_use]
    pub fn live(&self, key: Key) -> Option<(Address, SubscriptionId, Stamp)> {
        match self.followed.get(&key)?.state {
            State::Live { link, stamp, .. } => Some((link.at, link.subscription, stamp)),
            State::Asked { .. } | State::Gap { .. } | State::Seeking { .. } | State::Ended => None,
        }
    }

    /// What has happened since the last call.
    pub fn take_events(&mut self) -> Vec<ReplicaEvent> {
        std::mem::take(&mut self.events)
    }

    /// What the replica counts.
    #[must_use]
    pub fn level(&self) -> ReplicaLevel {
        ReplicaLevel { followed: self.followed.len(), ..self.level }
    }

    /// A publisher says something. What belongs to no subscription is answered by `Unsubscribe`.
    pub fn heard(
        &mut self,
        now: Tick,
        from: Address,
        said: ToSubscriber,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
    ) {
        let (subscription, stamp) = match &said {
            ToSubscriber::Snapshot { subscription, stamp, .. }
            | ToSubscriber::Changes { subscription, stamp, .. } => (*subscription, Some(*stamp)),
            ToSubscriber::Ended { subscription, .. } => (*subscription, None),
        };
        let Some(key) = self.key_of(Link { at: from, subscription }) else {
            self.level.strays += 1;
            if stamp.is_some() {
                unsubscribe(Link { at: from, subscription }, outputs);
            }
            return;
        };
        let seen = self.followed.get(&key).map_or(Epoch(0), |followed| followed.epoch);
        let (happening, whole, components) = match said {
            ToSubscriber::Snapshot { stamp, .. } if stamp.epoch < seen => {
                (Happening::Outdated, false, Vec::new())
            }
            ToSubscriber::Snapshot { stamp, components, .. } => {
                (Happening::Snapshot(stamp), true, components)
            }
            ToSubscriber::Changes { stamp, components, .. } if components.is_empty() => {
                (Happening::Unchanged(stamp), false, components)
            }
            ToSubscriber::Changes { stamp, components, .. } => {
                (Happening::Changes(stamp), false, components)
            }
            ToSubscriber::Ended { reason, .. } => (Happening::Ended(reason), false, Vec::new()),
        };
        let act = self.happen(now, key, happening, nodes, outputs);
        if act == Act::Apply {
            self.apply(key, stamp, whole, components);
        }
    }

    /// A frame to a publisher did not arrive.
    pub fn unsent(
        &mut self,
        now: Tick,
        to: Address,
        said: &ToPublisher,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
    ) {
        let subscription = match said {
            ToPublisher::Subscribe { subscription, .. }
            | ToPublisher::Resnapshot { subscription, .. } => *subscription,
            // The publisher will ask again by its next change, or forget by itself.
            ToPublisher::Unsubscribe { .. } => return,
        };
        let Some(key) = self.key_of(Link { at: to, subscription }) else { return };
        let alive = nodes.is_alive(to.node);
        let happening = if alive { Happening::Unsent } else { Happening::Gone };
        self.happen(now, key, happening, nodes, outputs);
    }

    /// A node is gone. `nodes` know that already.
    pub fn node_gone(&mut self, now: Tick, node: NodeId, nodes: &Nodes, outputs: &mut Vec<Output>) {
        let there = |followed: &Followed| followed.state.at().is_some_and(|at| at.node == node);
        let followed = self.followed.iter().filter(|(_, followed)| there(followed));
        let keys: Vec<Key> = followed.map(|(key, _)| *key).collect();
        for key in keys {
            self.happen(now, key, Happening::Gone, nodes, outputs);
        }
    }

    /// Asks again what is due.
    pub fn tick(&mut self, now: Tick, nodes: &Nodes, outputs: &mut Vec<Output>) {
        while let Some(&(_, key)) = self.timers.first().filter(|(due, _)| *due <= now) {
            self.happen(now, key, Happening::Due, nodes, outputs);
        }
    }

    fn happen(
        &mut self,
        now: Tick,
        key: Key,
        happening: Happening,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
    ) -> Act {
        let Some(state) = self.followed.get(&key).map(|followed| followed.state) else {
            return Act::Nothing;
        };
        let means = Means { home: nodes.home_of_key(key), fresh: self.fresh() };
        let (next, act) = state.step(happening, means);
        if next.link().is_some_and(|link| link.subscription == means.fresh) {
            self.subscriptions += 1;
        }
        let is_gap = |state: State| matches!(state, State::Gap { .. });
        self.level.gaps += u64::from(is_gap(next) && !is_gap(state));
        // A frame that changes nothing must not push a deadline away.
        if next != state || act != Act::Nothing || happening == Happening::Due {
            self.enter(now, key, next);
        }
        if act == Act::Tell(WhyEnded::Silent)
            && let Some(link) = state.link()
        {
            // It may only be slow; then it should not go on telling nobody.
            unsubscribe(link, outputs);
        }
        self.act(key, act, outputs);
        act
    }

    /// Sets a state, and with it the subscription and the timer of the entity.
    fn enter(&mut self, now: Tick, key: Key, next: State) {
        let wait = match next {
            State::Live { checks: 0, .. } => Some(self.check_ticks),
            State::Asked { .. } | State::Live { .. } | State::Gap { .. } => Some(self.answer_ticks),
            State::Seeking { .. } => Some(self.retry_ticks),
            State::Ended => None,
        };
        let Some(followed) = self.followed.get_mut(&key) else { return };
        if let Some(link) = followed.state.link() {
            self.by_subscription.remove(&link.subscription);
        }
        // News are no question: what changes all the time has to be renewed all the same.
        let is_current = |state| matches!(state, State::Live { checks: 0, .. });
        let keeps_time = is_current(followed.state) && is_current(next);
        followed.state = next;
        if !keeps_time && let Some(due) = followed.due.take() {
            self.timers.remove(&(due, key));
        }
        if let Some(link) = next.link() {
            self.by_subscription.insert(link.subscription, key);
        }
        if let Some(wait) = wait.filter(|_| !keeps_time) {
            let due = now.after(wait);
            followed.due = Some(due);
            self.timers.insert((due, key));
        }
    }

    fn act(&mut self, key: Key, act: Act, outputs: &mut Vec<Output>) {
        let Some(followed) = self.followed.get(&key) else { return };
        match act {
            Act::Nothing | Act::Apply => {}
            Act::Subscribe => {
                let Some(Link { at, subscription }) = followed.state.link() else { return };
                let components = followed.wanted.to_vec();
                send(at, ToPublisher::Subscribe { subscription, key, components }, outputs);
            }
            Act::Ask(have) => {
                let Some(Link { at, subscription }) = followed.state.link() else { return };
                send(at, ToPublisher::Resnapshot { subscription, have }, outputs);
            }
            Act::Leave(link) => unsubscribe(link, outputs),
            Act::Tell(why) => self.events.push(ReplicaEvent::Ended(key, why)),
        }
    }

    /// Takes components over; a snapshot (`whole`) replaces all that was known.
    fn apply(&mut self, key: Key, stamp: Option<Stamp>, whole: bool, told: Vec<Component>) {
        let Some(followed) = self.followed.get_mut(&key) else { return };
        if let Some(stamp) = stamp {
            followed.epoch = followed.epoch.max(stamp.epoch);
        }
        let before = followed.components.clone();
        if whole {
            followed.components.clear();
        }
        for component in told {
            let wanted = followed.wanted.contains(&component.id);
            if !wanted || component.bytes.len() > COMPONENT_BYTES_MAX {
                self.level.refused += 1;
                continue;
            }
            match followed.components.binary_search_by_key(&component.id, |known| known.id) {
                Ok(at) => followed.components[at] = component,
                Err(at) => followed.components.insert(at, component),
            }
        }
        if followed.components != before {
            self.events.push(ReplicaEvent::Changed(key));
        }
    }

    /// The entity of a subscription, if it is one with that publisher.
    fn key_of(&self, link: Link) -> Option<Key> {
        let key = *self.by_subscription.get(&link.subscription)?;
        let state = self.followed.get(&key)?.state;
        (state.link() == Some(link)).then_some(key)
    }

    const fn fresh(&self) -> SubscriptionId {
        SubscriptionId(self.subscriptions + 1)
    }
}

fn unsubscribe(link: Link, outputs: &mut Vec<Output>) {
    send(link.at, ToPublisher::Unsubscribe { subscription: link.subscription }, outputs);
}

fn send(to: Address, said: ToPublisher, outputs: &mut Vec<Output>) {
    outputs.push(Output::Send { to, body: Body::ToPublisher(said) });
}
