//! Three owners and two subscribers on a node MQ that delays and loses.

#[path = "mq.rs"]
mod mq;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use shared::directory::{DirectoryEvent, NodeCard, NodeState, Nodes};
use shared::ids::{Address, Epoch, GuildId, Key, NodeId, PlayerId, Role, Version};
use shared::msg::Body;
use shared::msg::replication::{Component, ComponentId, SubscriptionId};
use shared::replication::{Publisher, Replica, ReplicaEvent};
use shared::rng::Draws;
use shared::tick::{Tick, TickRate};

pub(crate) const OWNERS: usize = 3;
pub(crate) const SUBSCRIBERS: usize = 2;
/// Two whose owner follows from the directory, and three whose owner does not.
pub(crate) const KEYS: [Key; 5] = [
    Key::Guild(GuildId(1)),
    Key::Guild(GuildId(2)),
    Key::Player(PlayerId(1)),
    Key::Player(PlayerId(2)),
    Key::Player(PlayerId(3)),
];
/// What is followed; one more is published and not asked for.
pub(crate) const WANTED: &[ComponentId] = &[ComponentId(1), ComponentId(2)];
/// Components that each entity publishes.
pub(crate) const COMPONENTS: u16 = 3;
const RATE: TickRate = TickRate::new(20);
/// After how many ticks a subscriber follows again what has ended.
const AGAIN_TICKS: u64 = 10;

/// Bytes of components.
type Values = BTreeMap<ComponentId, Vec<u8>>;

/// How the MQ behaves, in percent of the frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Frames that come back to their sender.
    pub(crate) unsent: u64,
    /// Frames that vanish; more than the MQ's contract allows.
    pub(crate) silent: u64,
    /// Frames that stay on their way for another tick.
    pub(crate) late: u64,
    /// Subscribers are made to believe that every change follows the one before.
    pub(crate) blind: bool,
}

struct Owner {
    incarnation: u32,
    publisher: Publisher,
    /// Keys that it owns or believes to own.
    owned: BTreeSet<Key>,
}

struct Subscriber {
    incarnation: u32,
    replica: Replica,
    nodes: Nodes,
    wanted: BTreeSet<Key>,
    /// What has ended, and when it is followed again.
    again: Vec<(Tick, Key)>,
}

/// What a subscription amounts to at each epoch and version.
type Told = BTreeMap<(Epoch, u64), Values>;

/// What is true of a key.
struct Truth {
    owner: usize,
    epoch: Epoch,
    version: Version,
    values: Values,
}

pub(crate) struct World {
    pub(crate) faults: Faults,
    now: Tick,
    draws: Draws,
    owners: Vec<Owner>,
    subscribers: Vec<Subscriber>,
    truths: BTreeMap<Key, Truth>,
    links: BTreeMap<(Address, Address), VecDeque<Body>>,
    /// News of nodes that a subscriber does not know yet.
    news: Vec<VecDeque<DirectoryEvent>>,
    /// What each subscription amounts to at each version, had nothing been lost. A question that
    /// is repeated under a later epoch begins to count anew.
    told: BTreeMap<(Address, Address, SubscriptionId), Told>,
    /// Frames that were sent.
    pub(crate) frames: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let owner =
            |_| Owner { incarnation: 1, publisher: Publisher::new(RATE), owned: BTreeSet::new() };
        let mut world = Self {
            faults: Faults::default(),
            now: Tick(0),
            draws: Draws::new(seed, 1),
            owners: (0..OWNERS).map(owner).collect(),
            subscribers: (0..SUBSCRIBERS).map(|_| Subscriber::new(1)).collect(),
            truths: BTreeMap::new(),
            links: BTreeMap::new(),
            news: vec![VecDeque::new(); SUBSCRIBERS],
            told: BTreeMap::new(),
            frames: 0,
        };
        for owner in 0..OWNERS {
            let card = card(world.owner_address(owner));
            world.tell_all(&DirectoryEvent::Changed(card));
        }
        for (index, key) in KEYS.into_iter().enumerate() {
            let values = (1..=COMPONENTS).map(|id| (ComponentId(id), vec![0])).collect();
            let owner = index % OWNERS;
            let truth = Truth { owner, epoch: Epoch(0), version: Version(0), values };
            world.truths.insert(key, truth);
            world.own(key, owner);
        }
        world
    }

    pub(crate) fn run(&mut self, ticks: u64) {
        for _ in 0..ticks {
            self.tick();
        }
    }

    /// The owner changes a component, durably.
    pub(crate) fn publish(&mut self, key: Key, id: ComponentId, value: u8) {
        let truth = self.truths.get_mut(&key).expect("all keys are owned");
        truth.version.0 += 1;
        truth.values.insert(id, vec![value]);
        let (epoch, version) = (truth.epoch, truth.version);
        let publisher = &mut self.owners[truth.owner].publisher;
        publisher.publish(key, epoch, version, component(id, &[value])).expect("small");
    }

    /// Another owner takes over. The former one gives the key back, or does not know (`fenced`).
    pub(crate) fn move_key(&mut self, key: Key, to: usize, fenced: bool) {
        let from = self.truths[&key].owner;
        if !fenced || from == to {
            self.disown(key, from);
        }
        self.own(key, to);
    }

    /// Owners that were replaced find out.
    pub(crate) fn fenced_owners_learn(&mut self) {
        for owner in 0..OWNERS {
            let owned = self.owners[owner].owned.iter().copied();
            let lost: Vec<Key> = owned.filter(|key| self.truths[key].owner != owner).collect();
            lost.into_iter().for_each(|key| self.disown(key, owner));
        }
    }

    /// An owner's process dies and starts anew; others take its keys over.
    pub(crate) fn crash_owner(&mut self, owner: usize) {
        let died = self.owner_address(owner);
        let crashed = &mut self.owners[owner];
        crashed.incarnation += 1;
        crashed.publisher = Publisher::new(RATE);
        crashed.owned.clear();
        self.lose_frames_to(died);
        self.tell_all(&DirectoryEvent::Gone(died.node));
        let card = card(self.owner_address(owner));
        self.tell_all(&DirectoryEvent::Changed(card));
        for key in KEYS {
            if self.truths[&key].owner == owner {
                self.own(key, (owner + 1) % OWNERS);
            }
        }
    }

    /// A subscriber's process dies and starts anew with the same wishes.
    pub(crate) fn restart_subscriber(&mut self, index: usize) {
        let died = self.subscriber_address(index);
        self.lose_frames_to(died);
        let wanted = self.subscribers[index].wanted.clone();
        self.subscribers[index] = Subscriber::new(self.subscribers[index].incarnation + 1);
        let cards = (0..OWNERS).map(|owner| card(self.owner_address(owner)));
        self.news[index] = cards.map(DirectoryEvent::Changed).collect();
        for owner in &mut self.owners {
            owner.publisher.node_gone(died.node);
        }
        wanted.into_iter().for_each(|key| self.follow(index, key, self.truths[&key].owner));
    }

    /// A subscriber wants to follow a key, or not any more.
    pub(crate) fn toggle(&mut self, index: usize, key: Key) {
        if self.subscribers[index].wanted.contains(&key) {
            let mut outputs = Vec::new();
            let subscriber = &mut self.subscribers[index];
            subscriber.wanted.remove(&key);
            subscriber.again.retain(|(_, again)| *again != key);
            subscriber.replica.forget(key, &mut outputs);
            self.send(self.subscriber_address(index), outputs);
        } else {
            self.follow(index, key, self.truths[&key].owner);
        }
    }

    /// A subscriber believes that `owner` has the key, rightly or not.
    pub(crate) fn follow(&mut self, index: usize, key: Key, owner: usize) {
        let (mut outputs, at) = (Vec::new(), self.owner_address(owner));
        let subscriber = &mut self.subscribers[index];
        subscriber.wanted.insert(key);
        let room = subscriber.replica.follow(self.now, key, at, WANTED, &mut outputs);
        assert!(room, "there is room for all keys");
        self.send(self.subscriber_address(index), outputs);
    }

    /// What a subscriber knows of a version is what it was told up to there: if anything was lost
    /// in between, it must know that.
    pub(crate) fn check_live(&self) -> Result<(), String> {
        for (index, subscriber) in self.subscribers.iter().enumerate() {
            let me = self.subscriber_address(index);
            for key in KEYS {
                let Some((at, subscription, stamp)) = subscriber.replica.live(key) else {
                    continue;
                };
                let told = &self.told[&(at, me, subscription)][&(stamp.epoch, stamp.version)];
                let known = subscriber.values(key);
                if known != *told {
                    return Err(format!("{key} at {stamp:?}: {known:?} instead of {told:?}"));
                }
            }
        }
        Ok(())
    }

    /// Everybody who wants to follow does, and knows what is true; nobody else is told anything.
    pub(crate) fn check_settled(&self) -> Result<(), String> {
        let mut followed = 0;
        for subscriber in &self.subscribers {
            for key in &subscriber.wanted {
                let truth = &self.truths[key];
                let at = subscriber.replica.live(*key).map(|(at, _, _)| at);
                if at != Some(self.owner_address(truth.owner)) {
                    return Err(format!("{key} is followed at {at:?}, not at its owner"));
                }
                let wanted = truth.values.iter().filter(|(id, _)| WANTED.contains(id));
                let wanted: Values = wanted.map(|(id, v)| (*id, v.clone())).collect();
                if subscriber.values(*key) != wanted {
                    return Err(format!("{key}: {:?}, not {wanted:?}", subscriber.values(*key)));
                }
            }
            let level = subscriber.replica.level();
            if level.followed != subscriber.wanted.len() {
                return Err(format!("{level:?} for {:?}", subscriber.wanted));
            }
            followed += level.followed;
        }
        let owners = self.owners.iter().map(|owner| owner.publisher.level());
        let subscriptions: usize = owners.clone().map(|level| level.subscriptions).sum();
        if subscriptions != followed || owners.map(|level| level.entities).sum::<usize>() != 5 {
            return Err(format!("{subscriptions} subscriptions for {followed} followed keys"));
        }
        Ok(())
    }

    fn own(&mut self, key: Key, owner: usize) {
        let truth = self.truths.get_mut(&key).expect("all keys are known");
        truth.owner = owner;
        truth.epoch.0 += 1;
        let at = &mut self.owners[owner];
        at.owned.insert(key);
        for (id, bytes) in &truth.values {
            let component = component(*id, bytes);
            let published = at.publisher.publish(key, truth.epoch, truth.version, component);
            published.expect("small");
        }
    }

    fn disown(&mut self, key: Key, owner: usize) {
        let mut outputs = Vec::new();
        self.owners[owner].owned.remove(&key);
        self.owners[owner].publisher.disown(key, &mut outputs);
        self.send(self.owner_address(owner), outputs);
    }

    fn tick(&mut self) {
        self.now = self.now.next();
        self.deliver();
        for index in 0..SUBSCRIBERS {
            self.tick_subscriber(index);
        }
        for owner in 0..OWNERS {
            let mut outputs = Vec::new();
            self.owners[owner].publisher.tick(self.now, &mut outputs);
            let subscriptions = self.owners[owner].publisher.level().subscriptions;
            assert!(subscriptions <= 4 * SUBSCRIBERS * KEYS.len(), "{subscriptions} are held");
            self.send(self.owner_address(owner), outputs);
        }
    }

    fn tick_subscriber(&mut self, index: usize) {
        let mut outputs = Vec::new();
        let subscriber = &mut self.subscribers[index];
        let Subscriber { replica, nodes, again, .. } = subscriber;
        if self.draws.below(3) == 0
            && let Some(event) = self.news[index].pop_front()
        {
            nodes.apply(&event);
            if let DirectoryEvent::Gone(node) = event {
                replica.node_gone(self.now, node, nodes, &mut outputs);
            }
        }
        replica.tick(self.now, nodes, &mut outputs);
        for event in replica.take_events() {
            match event {
                ReplicaEvent::Changed(_) => {}
                ReplicaEvent::Ended(key, _) => again.push((self.now.after(AGAIN_TICKS), key)),
            }
        }
        let due = again.iter().filter(|(at, _)| *at <= self.now).map(|(_, key)| *key);
        let due: Vec<Key> = due.collect();
        again.retain(|(at, _)| *at > self.now);
        self.send(self.subscriber_address(index), outputs);
        for key in due {
            if self.subscribers[index].wanted.contains(&key) {
                self.follow(index, key, self.truths[&key].owner);
            }
        }
    }

    fn tell_all(&mut self, event: &DirectoryEvent) {
        self.news.iter_mut().for_each(|news| news.push_back(event.clone()));
    }

    fn is_alive(&self, address: Address) -> bool {
        self.owner_at(address).is_some() || self.subscriber_at(address).is_some()
    }

    fn owner_at(&self, address: Address) -> Option<usize> {
        (0..OWNERS).find(|owner| self.owner_address(*owner) == address)
    }

    fn subscriber_at(&self, address: Address) -> Option<usize> {
        (0..SUBSCRIBERS).find(|index| self.subscriber_address(*index) == address)
    }

    fn owner_address(&self, owner: usize) -> Address {
        address(owner, self.owners[owner].incarnation, Role::Social)
    }

    fn subscriber_address(&self, index: usize) -> Address {
        address(index + 100, self.subscribers[index].incarnation, Role::Matchmaker)
    }
}

impl Subscriber {
    fn new(incarnation: u32) -> Self {
        Self {
            incarnation,
            replica: Replica::new(RATE, KEYS.len()),
            nodes: Nodes::default(),
            wanted: BTreeSet::new(),
            again: Vec::new(),
        }
    }

    fn values(&self, key: Key) -> Values {
        let known = WANTED.iter().filter_map(|id| self.replica.component(key, *id));
        known.map(|component| (component.id, component.bytes.clone())).collect()
    }
}

fn address(node: usize, incarnation: u32, role: Role) -> Address {
    let node = u16::try_from(node).expect("few nodes");
    Address { node: NodeId { node, incarnation }, role }
}

fn card(address: Address) -> NodeCard {
    let (id, roles) = (address.node, vec![(address.role, 0)]);
    NodeCard { id, state: NodeState::Ready, build: String::new(), roles, link: None, page: None }
}

fn component(id: ComponentId, bytes: &[u8]) -> Component {
    Component { id, schema: 1, bytes: bytes.to_vec() }
}
