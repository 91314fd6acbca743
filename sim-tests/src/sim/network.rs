//! Links between nodes, as the node MQ promises them: in order, no duplicates; lost only when a
//! node dies, and then the sender learns it. A link that is cut, or whose receiver is full, keeps
//! what it has and goes on.

use std::collections::VecDeque;

use shared::ids::{Address, NodeId};
use shared::limits::MQ_FRAMES_WAITING_MAX;
use shared::mq::SendError;
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
    /// How many frames were sent and have not arrived.
    under_way: usize,
    /// When the last frame arrives.
    last_us: u64,
}

/// Why a frame does not go out, in words, and the error with the frame.
pub(super) type NotSent = (&'static str, SendError);

impl World<'_> {
    /// A core sends a frame.
    pub(super) fn send(&mut self, from: Address, to: Address, body: Body) {
        self.history.count(names::of_body(&body));
        let now_us = self.now_us;
        self.history.tell(now_us, || format!("{from} -> {to}  {}", names::words(&body)));
        if let Err((why, SendError::Full(body) | SendError::Gone(body))) =
            self.hand_over(from, to, body)
        {
            self.give_back(from, to, body, why);
        }
    }

    /// Hands a frame over, as `shared::mq::Mq::send` does.
    #[expect(clippy::result_large_err, reason = "what was not sent comes back as it was")]
    pub(super) fn hand_over(
        &mut self,
        from: Address,
        to: Address,
        body: Body,
    ) -> Result<(), NotSent> {
        if from.node == to.node {
            return self.deliver(from, to, body);
        }
        let knows = self.node(from.node).is_some_and(|node| node.known.is_alive(to.node));
        if !knows {
            return Err(("mq: receiver not there", SendError::Gone(body)));
        }
        let link = (from.node, to.node);
        let (is_cut, now_us) = (self.is_cut(link), self.now_us);
        let slow = if now_us < self.links_slow_until_us { 10 } else { 1 };
        let way_us = slow * self.within(self.plan.link_us);
        let state = self.links.entry(link).or_default();
        if state.under_way + state.held.len() >= MQ_FRAMES_WAITING_MAX {
            return Err(("mq: link full", SendError::Full(body)));
        }
        if is_cut {
            self.history.count("mq: frame waited on a cut link");
            state.held.push_back((from, to, body));
            return Ok(());
        }
        state.under_way += 1;
        state.last_us = state.last_us.max(now_us + way_us);
        let at_us = state.last_us;
        self.agenda.put(at_us, Event::Frame { link, from, to, body: Box::new(body) });
        Ok(())
    }

    pub(super) fn frame_arrives(&mut self, link: LinkId, from: Address, to: Address, body: Body) {
        let state = self.links.get_mut(&link);
        let older_wait = state.is_some_and(|state| {
            state.under_way = state.under_way.saturating_sub(1);
            !state.held.is_empty()
        });
        if older_wait || !self.can_go_on(link, to) {
            self.hold(link, from, to, body);
        } else {
            self.deliver_or_give_back(from, to, body);
        }
    }

    /// What waited on a link goes on, as far as it can.
    pub(super) fn flush(&mut self, link: LinkId) {
        loop {
            let held = self.links.get(&link).and_then(|state| state.held.front());
            let Some((_, to, _)) = held else { return };
            let to = *to;
            if !self.can_go_on(link, to) {
                return;
            }
            let next = self.links.get_mut(&link).and_then(|state| state.held.pop_front());
            let Some((from, to, body)) = next else { return };
            self.deliver_or_give_back(from, to, body);
        }
    }

    /// Links that waited because a receiver was full go on.
    pub(super) fn relieve(&mut self, node: NodeId) {
        if !self.links_stalled {
            return;
        }
        let stalled = |(link, state): (&LinkId, &Link)| (!state.held.is_empty()).then_some(*link);
        let links: Vec<LinkId> = self.links.iter().filter_map(stalled).collect();
        self.links_stalled = links.iter().any(|(_, to)| *to != node);
        links.into_iter().filter(|(_, to)| *to == node).for_each(|link| self.flush(link));
    }

    /// What waits at the roles of a node that leaves returns to its senders.
    pub(super) fn return_unread(&mut self, node: NodeId) {
        let Some(roles) = self.node(node).map(|node| node.roles.iter_mut()) else { return };
        let unread = roles.flat_map(|slot| {
            let address = slot.address;
            slot.inbox.drain(..).map(move |(from, body)| (from, address, body))
        });
        for (from, to, body) in unread.collect::<Vec<_>>() {
            self.give_back(from, to, body, "mq: receiver left");
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

    /// Whether the next frame of a link finds its way free.
    fn can_go_on(&mut self, link: LinkId, to: Address) -> bool {
        if self.is_cut(link) {
            return false;
        }
        let Some(node) = self.node(to.node) else { return false };
        let full = node.roles.iter().find(|slot| slot.address == to);
        let full = full.is_some_and(|slot| slot.inbox.len() >= MQ_FRAMES_WAITING_MAX);
        self.links_stalled |= full;
        !full
    }

    fn hold(&mut self, link: LinkId, from: Address, to: Address, body: Body) {
        let sender_knows = self.node(from.node).map(|node| node.known.is_alive(to.node));
        match sender_knows {
            None => {}
            Some(false) => self.give_back(from, to, body, "mq: receiver gone"),
            Some(true) => {
                self.history.count("mq: frame waited on a cut link");
                self.links.entry(link).or_default().held.push_back((from, to, body));
            }
        }
    }

    fn deliver_or_give_back(&mut self, from: Address, to: Address, body: Body) {
        let delivered = self.deliver(from, to, body);
        if let Err((why, SendError::Full(body) | SendError::Gone(body))) = delivered {
            self.give_back(from, to, body, why);
        }
    }

    /// Puts a frame before a role.
    #[expect(clippy::result_large_err, reason = "what was not sent comes back as it was")]
    fn deliver(&mut self, from: Address, to: Address, body: Body) -> Result<(), NotSent> {
        let now_us = self.now_us;
        let full = self.full_until_us.get(place(to.node)).is_some_and(|until| *until > now_us);
        if full && from.node != to.node {
            return Err(("mq: receiver full", SendError::Full(body)));
        }
        let ghosts_heard = self.plan.ghosts_heard;
        let Some(node) = self.node(to.node) else {
            return Err(("mq: receiver not there", SendError::Gone(body)));
        };
        let is_ghost = node.has_buried(from.node);
        if is_ghost && !ghosts_heard {
            return Err(("mq: sender declared gone", SendError::Gone(body)));
        }
        let Some(slot) = node.roles.iter_mut().find(|slot| slot.address == to) else {
            return Err(("mq: no such role", SendError::Gone(body)));
        };
        if slot.inbox.len() >= MQ_FRAMES_WAITING_MAX {
            return Err(("mq: receiver full", SendError::Full(body)));
        }
        slot.inbox.push_back((from, body));
        if is_ghost {
            self.history.count("mq: frame of a node declared gone");
        }
        self.wake_by_input(to);
        Ok(())
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
