//! Links between nodes, as the node MQ promises them: in order, no duplicates; lost only when a
//! node dies, and then the sender learns it. A link that is cut keeps what it has and goes on.

use std::collections::VecDeque;

use shared::ids::{Address, NodeId};
use shared::limits::MQ_FRAMES_WAITING_MAX;
use shared::msg::Body;

use super::checks::Broken;
use super::names;
use super::world::{Event, World, place};

/// From one life of a node to one life of another.
pub(super) type LinkId = (NodeId, NodeId);

/// What is on a link.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Frames that cannot go on, oldest first.
    held: VecDeque<(Address, Address, Body)>,
    /// When the last frame arrives.
    last_us: u64,
}

impl World<'_> {
    /// A core sends a frame.
    pub(super) fn send(&mut self, from: Address, to: Address, body: Body) {
        self.history.count(names::of_body(&body));
        let now_us = self.now_us;
        self.history.tell(now_us, || format!("{from} -> {to}  {}", names::words(&body)));
        if from.node == to.node {
            self.deliver(from, to, body);
            return;
        }
        let knows = self.node(from.node).is_some_and(|node| node.known.is_alive(to.node));
        if !knows {
            self.give_back(from, to, body, "mq: receiver not there");
            return;
        }
        let link = (from.node, to.node);
        if self.is_cut(link) {
            self.hold(link, from, to, body);
            return;
        }
        let slow = if now_us < self.links_slow_until_us { 10 } else { 1 };
        let at_us = now_us + slow * self.within(self.plan.link_us);
        let last_us = &mut self.links.entry(link).or_default().last_us;
        *last_us = at_us.max(*last_us);
        let at_us = *last_us;
        self.agenda.put(at_us, Event::Frame { link, from, to, body: Box::new(body) });
    }

    pub(super) fn frame_arrives(&mut self, link: LinkId, from: Address, to: Address, body: Body) {
        let older_wait = self.links.get(&link).is_some_and(|link| !link.held.is_empty());
        if older_wait || self.is_cut(link) || self.node(to.node).is_none() {
            self.hold(link, from, to, body);
        } else {
            self.deliver(from, to, body);
        }
    }

    /// What waited on a link goes on, if it can.
    pub(super) fn flush(&mut self, link: LinkId) {
        if self.is_cut(link) || self.node(link.1).is_none() {
            return;
        }
        let held = self.links.get_mut(&link).map(|link| std::mem::take(&mut link.held));
        for (from, to, body) in held.unwrap_or_default() {
            self.deliver(from, to, body);
        }
    }

    /// All links that can go on do.
    pub(super) fn flush_soon(&mut self) {
        let held = self.links.iter().filter(|(_, link)| !link.held.is_empty());
        let links: Vec<LinkId> = held.map(|(link, _)| *link).collect();
        for link in links {
            let at_us = self.now_us + self.within(self.plan.link_us);
            self.agenda.put(at_us, Event::Flush { link });
        }
    }

    /// `node` has heard that `gone` is no more: what it still had for it comes back.
    pub(super) fn link_is_lost(&mut self, node: NodeId, gone: NodeId) {
        if let Some(link) = self.links.remove(&(node, gone)) {
            for (from, to, body) in link.held {
                self.give_back(from, to, body, "mq: receiver gone");
            }
        }
    }

    /// A node has died: what it had sent and is not under way is lost.
    pub(super) fn links_die_with(&mut self, node: NodeId) {
        self.links.retain(|(from, _), _| *from != node);
    }

    fn is_cut(&self, (from, to): LinkId) -> bool {
        let cut = self.cuts_us.get(place(from)).and_then(|row| row.get(place(to)));
        cut.is_some_and(|until_us| *until_us > self.now_us)
    }

    fn hold(&mut self, link: LinkId, from: Address, to: Address, body: Body) {
        let sender_knows = self.node(from.node).map(|node| node.known.is_alive(to.node));
        match sender_knows {
            None => {}
            Some(false) => self.give_back(from, to, body, "mq: receiver gone"),
            Some(true) => {
                self.history.count("mq: frame waited on a cut link");
                let held = &mut self.links.entry(link).or_default().held;
                if held.len() < MQ_FRAMES_WAITING_MAX {
                    held.push_back((from, to, body));
                } else {
                    self.give_back(from, to, body, "mq: link full");
                }
            }
        }
    }

    /// Puts a frame before a role.
    fn deliver(&mut self, from: Address, to: Address, body: Body) {
        let now_us = self.now_us;
        let full = self.full_until_us.get(place(to.node)).is_some_and(|until| *until > now_us);
        if full && from.node != to.node {
            self.give_back(from, to, body, "mq: receiver full");
            return;
        }
        let ghosts_heard = self.plan.ghosts_heard;
        let Some(node) = self.node(to.node) else { return };
        if node.has_buried(from.node) {
            if !ghosts_heard {
                self.give_back(from, to, body, "mq: sender declared gone");
                return;
            }
            self.history.count("mq: frame of a node declared gone");
        }
        let Some(node) = self.node(to.node) else { return };
        let Some(slot) = node.roles.iter_mut().find(|slot| slot.address == to) else {
            self.give_back(from, to, body, "mq: no such role");
            return;
        };
        if slot.inbox.len() >= MQ_FRAMES_WAITING_MAX {
            self.give_back(from, to, body, "mq: receiver full");
            return;
        }
        slot.inbox.push_back((from, body));
        self.wake_by_input(to);
    }

    /// Gives a frame that did not arrive back to its sender.
    fn give_back(&mut self, from: Address, to: Address, body: Body, why: &'static str) {
        self.history.count(why);
        let Some(node) = self.node(from.node) else { return };
        let Some(slot) = node.roles.iter_mut().find(|slot| slot.address == from) else { return };
        slot.unsent.push_back((to, body));
        if slot.unsent.len() > MQ_FRAMES_WAITING_MAX {
            let what = format!("{from} has {} frames that did not arrive", slot.unsent.len());
            self.expect(Err(Broken::new("queues stay bounded", what)));
        }
        self.wake_by_input(from);
    }
}
