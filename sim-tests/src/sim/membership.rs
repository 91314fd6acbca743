//! How nodes join, hold their lease, leave and die.

use shared::core::Input;
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{Address, NodeId};

use super::board::{GIVE_UP_US, News, RIDE_OUT_US};
use super::node::Node;
use super::world::{Event, World, place};

/// Between two looks at the directory, in µs.
const LOOK_US: u64 = 200_000;
/// Between two tries to join, in µs.
const TRY_AGAIN_US: u64 = 300_000;
/// Between a death and the next life, in µs: at least, at most.
const RESTART_US: (u64, u64) = (200_000, 2_000_000);
/// A node that drains longer than this is ended all the same, in µs.
const DRAIN_US: u64 = 20_000_000;
/// Between two looks at a node that drains, in µs.
const DRAIN_LOOK_US: u64 = 50_000;

impl World<'_> {
    /// A node tries to begin a life.
    pub(super) fn join(&mut self, node: usize) {
        let Some(planned) = self.plan.nodes.get(node) else { return };
        let number = u16::try_from(node + 1).unwrap_or(u16::MAX);
        let id = NodeId { node: number, incarnation: self.lives[node] + 1 };
        let now_us = self.now_us;
        let mut fresh = Node::new(id, &planned.roles, planned.drift_ppm, now_us, &self.content);
        let reaches = self.store.is_there(now_us) && self.store_cuts_us[node] <= now_us;
        if !reaches || !self.store.board.join(now_us, id) {
            self.agenda.put(now_us + TRY_AGAIN_US, Event::Join { node });
            return;
        }
        self.lives[node] = id.incarnation;
        self.history.count("node: joined");
        self.history.tell(now_us, || format!("node {id} joins with {:?}", planned.roles));
        if self.is_taped {
            let kept = |role| self.nodes.iter().flatten().any(|node| node.hosts(role));
            for slot in fresh.roles.iter_mut().filter(|slot| !kept(slot.address.role)) {
                slot.tape = Some(Vec::new());
            }
        }
        let roles = fresh.roles.len();
        self.nodes[node] = Some(fresh);
        self.agenda.put(now_us, Event::Beat { node: id });
        (0..roles).for_each(|role| self.wake_at(id, role, now_us));
    }

    /// A round of a node: it renews its lease, or sees that it could not for too long.
    pub(super) fn beat(&mut self, id: NodeId) {
        let now_us = self.now_us;
        let Some(node) = self.node(id) else { return };
        if node.paused_until_us > now_us {
            // Its roles may act before it sees how late it is.
            let until_us = node.paused_until_us + self.draws.below(LOOK_US);
            self.agenda.put(until_us, Event::Beat { node: id });
            return;
        }
        let local_us = node.local_us(now_us);
        let silent_us = local_us.saturating_sub(node.renewed_us);
        if silent_us >= GIVE_UP_US + RIDE_OUT_US {
            self.die(id, "node: ended because it was suspended for too long");
            return;
        }
        if silent_us >= GIVE_UP_US && !node.known.is_suspended() {
            node.hear(&DirectoryEvent::Suspended);
            self.history.count("node: suspended");
            self.history.tell(now_us, || format!("node {id} is suspended"));
            self.wake_all(id);
        }
        let Some(node) = self.node(id) else { return };
        let (card, seen) = (Box::new(node.card()), node.seen);
        let at_us = now_us + self.store_way();
        self.agenda.put(at_us, Event::Beaten { card, seen, asked_us: local_us });
        self.agenda.put(now_us + LOOK_US, Event::Beat { node: id });
    }

    /// A node's question arrives at the store.
    pub(super) fn beaten(&mut self, card: NodeCard, seen: u64, asked_us: u64) {
        let node = card.id;
        let now_us = self.now_us;
        if !self.store.is_there(now_us) || self.store_cuts_us[place(node)] > now_us {
            self.history.count("directory: renewal lost");
            return;
        }
        let news = Box::new(self.store.board.beat(now_us, node, Some(card), seen));
        let at_us = now_us + self.store_way();
        self.agenda.put(at_us, Event::News { node, seen, asked_us, news });
    }

    /// The answer arrives at the node.
    pub(super) fn news(&mut self, id: NodeId, seen: u64, asked_us: u64, news: Box<News>) {
        let now_us = self.now_us;
        if self.store_cuts_us[place(id)] > now_us {
            return;
        }
        let Some(node) = self.node(id) else { return };
        if node.paused_until_us > now_us {
            let until_us = node.paused_until_us;
            self.agenda.put(until_us, Event::News { node: id, seen, asked_us, news });
            return;
        }
        if news.lost {
            self.die(id, "node: ended because it was declared gone");
            return;
        }
        node.renewed_us = node.renewed_us.max(asked_us);
        if node.state == NodeState::Starting {
            node.state = NodeState::Ready;
        }
        // An answer to an older question would bring the dead back.
        if node.seen != seen {
            return;
        }
        node.seen = news.version;
        for event in news.events {
            let Some(node) = self.node(id) else { return };
            match &event {
                DirectoryEvent::Gone(gone) => {
                    if node.has_buried(*gone) {
                        continue;
                    }
                    node.bury(*gone);
                    node.hear(&event);
                    self.link_is_lost(id, *gone);
                }
                DirectoryEvent::Changed(_)
                | DirectoryEvent::Suspended
                | DirectoryEvent::Resumed => node.hear(&event),
            }
        }
        self.resume(id);
        self.wake_all(id);
    }

    /// A node that was suspended goes on, if its lease was renewed lately.
    fn resume(&mut self, id: NodeId) {
        let now_us = self.now_us;
        let Some(node) = self.node(id).filter(|node| node.known.is_suspended()) else { return };
        if node.local_us(now_us).saturating_sub(node.renewed_us) < GIVE_UP_US {
            node.hear(&DirectoryEvent::Resumed);
            self.history.count("node: resumed");
            self.history.tell(now_us, || format!("node {id} resumes"));
        }
    }

    /// Wakes the roles that what comes wakes.
    fn wake_all(&mut self, id: NodeId) {
        let addresses: Vec<Address> = self
            .node(id)
            .map(|node| node.roles.iter().map(|slot| slot.address).collect())
            .unwrap_or_default();
        addresses.into_iter().for_each(|address| self.wake_by_input(address));
    }

    /// A node's process ends at once, with all that it had not committed, and is started again.
    pub(super) fn die(&mut self, id: NodeId, why: &'static str) {
        let now_us = self.now_us;
        if self.node(id).is_none() {
            return;
        }
        self.history.count(why);
        self.history.tell(now_us, || format!("node {id} dies: {why}"));
        self.nodes[place(id)] = None;
        self.links_die_with(id);
        self.gateway_is_lost(id);
        let restart_us = now_us + self.within(RESTART_US);
        self.agenda.put(restart_us, Event::Join { node: place(id) });
    }

    /// A node is told to drain.
    pub(super) fn drain(&mut self, id: NodeId) {
        let now_us = self.now_us;
        let Some(node) = self.node(id).filter(|node| node.draining_since_us.is_none()) else {
            return;
        };
        node.draining_since_us = Some(now_us);
        node.state = NodeState::Draining;
        for slot in &mut node.roles {
            slot.control.push(Input::Drain);
        }
        let roles = node.roles.len();
        (0..roles).for_each(|role| self.wake_at(id, role, now_us));
        self.agenda.put(now_us + DRAIN_LOOK_US, Event::Drained { node: id });
    }

    /// A node that has nothing left leaves; a new life takes its place.
    pub(super) fn leave_if_drained(&mut self, id: NodeId) {
        let now_us = self.now_us;
        let Some(node) = self.node(id) else { return };
        let since_us = node.draining_since_us.unwrap_or(now_us);
        let is_drained = node.is_drained();
        if !is_drained && now_us < since_us + DRAIN_US {
            self.agenda.put(now_us + DRAIN_LOOK_US, Event::Drained { node: id });
            return;
        }
        self.store.board.leave(id);
        self.return_unread(id);
        let why =
            if is_drained { "node: left drained" } else { "node: left before it was drained" };
        self.die(id, why);
    }
}
