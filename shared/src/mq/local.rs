//! The node MQ inside one process: frames are moved, not encoded.
//!
//! Every bound address has a queue of at most `limits::MQ_FRAMES_WAITING_MAX` frames. A queue is
//! a list behind a lock that is held for single pushes and short drains: it takes memory only for
//! what waits, where a bounded channel would reserve all of its places at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Mq, MqEvent, SendError};
use crate::ids::{Address, NodeId, Role};
use crate::limits::MQ_FRAMES_WAITING_MAX;
use crate::msg::Body;
use crate::runtime::Doorbell;

/// Events moved out under one lock, so that senders do not wait for a long drain.
const DRAIN_EVENTS_MAX: usize = 256;
/// Events waiting at one receiver when frames that did not arrive come back to it. Above it they
/// are lost with a warning; `send` stops at half of it already.
const RETURNED_WAITING_MAX: usize = 2 * MQ_FRAMES_WAITING_MAX;
/// Bytes of frames from other nodes that wait at one receiver. At the limit its links wait.
const AWAY_BYTES_WAITING_MAX: usize = 32 << 20;
/// Receivers that an endpoint remembers. Beyond it all are forgotten and looked up again.
const PEERS_KNOWN_MAX: usize = 4_096;

/// The MQ that the roles of a process share.
#[derive(Clone, Debug, Default)]
pub struct LocalMq {
    bound: Arc<Mutex<BTreeMap<Address, Arc<Inbox>>>>,
    away: Option<Arc<dyn Away>>,
}

/// The way to senders that are not in this process.
pub(super) trait Away: fmt::Debug + Send + Sync {
    /// Sends `body`, which `sender` sent to `to` and which did not arrive, back. False if it is
    /// lost.
    fn send_back(&self, sender: Address, to: Address, body: Body) -> bool;
}

/// Something that came from another node, and the role of this one that it is for.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) to: Role,
    /// How many bytes it had on its way.
    pub(super) bytes: usize,
    pub(super) event: MqEvent,
}

/// What became of events that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The first ones were taken, up to one for another role.
    Taken,
    /// The role has no room for the first one.
    Full,
    /// The role of the first one is not here.
    Nobody,
}

impl LocalMq {
    /// An MQ to which nobody is bound.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds `address`; whoever was bound to it before gets nothing more. `wake` is rung when
    /// something arrives while nothing waits.
    #[must_use]
    pub fn bind(&self, address: Address, wake: Doorbell) -> LocalMqEndpoint {
        let inbox = Arc::new(Inbox { queue: Mutex::new(Queue::default()), wake });
        let before = lock(&self.bound).insert(address, Arc::clone(&inbox));
        if let Some(before) = before {
            self.close(address, &before);
        }
        LocalMqEndpoint { hub: self.clone(), address, inbox, peers: BTreeMap::new() }
    }

    /// As [`LocalMq::new`], with a way to senders elsewhere.
    pub(super) fn with_away(away: Arc<dyn Away>) -> Self {
        Self { bound: Arc::default(), away: Some(away) }
    }

    /// Moves events that are for one role of `node` from the front of `arrived` to it, as many as
    /// it has room for.
    pub(super) fn deliver(&self, node: NodeId, arrived: &mut VecDeque<Arrived>) -> Delivery {
        let Some(role) = arrived.front().map(|first| first.to) else { return Delivery::Taken };
        match self.find(Address { node, role }) {
            Some(inbox) => inbox.take_arrived(role, arrived),
            None => Delivery::Nobody,
        }
    }

    /// Gives a frame that did not arrive back to `sender`. False if it is lost.
    pub(super) fn take_back(&self, sender: Address, to: Address, body: Body) -> bool {
        match self.find(sender) {
            Some(inbox) => inbox.take_back(MqEvent::Unsent { to, body }),
            None => self.away.as_ref().is_some_and(|away| away.send_back(sender, to, body)),
        }
    }

    fn find(&self, address: Address) -> Option<Arc<Inbox>> {
        lock(&self.bound).get(&address).cloned()
    }

    /// Takes nothing more into `inbox` and sends what waits there back to where it came from.
    fn close(&self, address: Address, inbox: &Inbox) {
        let waiting = {
            let mut queue = lock(&inbox.queue);
            queue.closed = true;
            queue.away_bytes = 0;
            std::mem::take(&mut queue.events)
        };
        let mut lost = 0u64;
        for waiting in waiting {
            let MqEvent::Frame { from, body } = waiting.event else { continue };
            lost += u64::from(!self.take_back(from, address, body));
        }
        if lost > 0 {
            tracing::warn!(%address, lost, "frames could not be returned to their senders");
        }
    }
}

/// A role's access to a [`LocalMq`]. Dropping it unbinds the address; what waits there goes back.
#[derive(Debug)]
pub struct LocalMqEndpoint {
    hub: LocalMq,
    address: Address,
    inbox: Arc<Inbox>,
    /// Receivers found so far, so that a send takes no lock but the receiver's.
    peers: BTreeMap<Address, Arc<Inbox>>,
}

impl Mq for LocalMqEndpoint {
    fn send(&mut self, to: Address, body: Body) -> Result<(), SendError> {
        let body = match self.peers.get(&to) {
            None => body,
            Some(peer) => match peer.take(self.address, body) {
                // Somebody else may be bound to the address by now.
                Err(SendError::Gone(body)) => body,
                other => return other,
            },
        };
        let Some(peer) = self.hub.find(to) else {
            self.peers.remove(&to);
            return Err(SendError::Gone(body));
        };
        let sent = peer.take(self.address, body);
        if self.peers.len() >= PEERS_KNOWN_MAX {
            self.peers.clear();
        }
        self.peers.insert(to, peer);
        sent
    }

    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>) {
        let mut left = limit;
        while left > 0 {
            let mut queue = lock(&self.inbox.queue);
            let count = queue.events.len().min(left).min(DRAIN_EVENTS_MAX);
            events.extend(queue.take(count));
            left -= count;
            if queue.events.is_empty() {
                return;
            }
        }
    }

    fn waiting(&self) -> usize {
        lock(&self.inbox.queue).events.len()
    }
}

impl Drop for LocalMqEndpoint {
    fn drop(&mut self) {
        {
            let mut bound = lock(&self.hub.bound);
            if bound.get(&self.address).is_some_and(|inbox| Arc::ptr_eq(inbox, &self.inbox)) {
                bound.remove(&self.address);
            }
        }
        self.hub.close(self.address, &self.inbox);
    }
}

#[derive(Debug)]
struct Inbox {
    queue: Mutex<Queue>,
    wake: Doorbell,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Waiting>,
    /// Sum of the bytes of all events.
    away_bytes: usize,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    event: MqEvent,
    /// Zero if it came from this process.
    away_bytes: usize,
}

impl Queue {
    fn push(&mut self, event: MqEvent, away_bytes: usize) {
        self.away_bytes += away_bytes;
        self.events.push_back(Waiting { event, away_bytes });
    }

    /// The first `count` events, of at least as many.
    fn take(&mut self, count: usize) -> impl Iterator<Item = MqEvent> {
        let Self { events, away_bytes, .. } = self;
        events.drain(..count).map(|waiting| {
            *away_bytes -= waiting.away_bytes;
            waiting.event
        })
    }
}

impl Inbox {
    fn take(&self, from: Address, body: Body) -> Result<(), SendError> {
        let queue = lock(&self.queue);
        if queue.closed {
            return Err(SendError::Gone(body));
        }
        if queue.events.len() >= MQ_FRAMES_WAITING_MAX {
            return Err(SendError::Full(body));
        }
        self.push(queue, MqEvent::Frame { from, body });
        Ok(())
    }

    /// Takes events for `role` from the front of `arrived`, as many as there is room for.
    fn take_arrived(&self, role: Role, arrived: &mut VecDeque<Arrived>) -> Delivery {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Delivery::Nobody;
        }
        let was_empty = queue.events.is_empty();
        let mut delivery = Delivery::Taken;
        while let Some(first) = arrived.pop_front_if(|first| first.to == role) {
            let waiting_max = match first.event {
                MqEvent::Frame { .. } => MQ_FRAMES_WAITING_MAX,
                MqEvent::Unsent { .. } => RETURNED_WAITING_MAX,
            };
            let fits =
                queue.events.len() < waiting_max && queue.away_bytes < AWAY_BYTES_WAITING_MAX;
            if !fits {
                arrived.push_front(first);
                delivery = Delivery::Full;
                break;
            }
            queue.push(first.event, first.bytes);
        }
        let rings = was_empty && !queue.events.is_empty();
        drop(queue);
        if rings {
            self.wake.ring();
        }
        delivery
    }

    /// Takes back a frame that did not arrive. False if it is lost.
    fn take_back(&self, unsent: MqEvent) -> bool {
        let queue = lock(&self.queue);
        if queue.closed {
            return true;
        }
        if queue.events.len() >= RETURNED_WAITING_MAX {
            return false;
        }
        self.push(queue, unsent);
        true
    }

    fn push(&self, mut queue: MutexGuard<'_, Queue>, event: MqEvent) {
        let was_empty = queue.events.is_empty();
        queue.push(event, 0);
        drop(queue);
        if was_empty {
            self.wake.ring();
        }
    }
}

/// Nothing panics while one of these locks is held, so a poisoned one holds no broken state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
