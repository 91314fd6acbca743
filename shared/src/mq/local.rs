//! The node MQ inside one process: frames are moved, not encoded.
//!
//! Every bound address has a queue of at most `limits::MQ_FRAMES_WAITING_MAX` frames. A queue is
//! a list behind a lock that is held for single pushes and short drains: it takes memory only for
//! what waits, where a bounded channel would reserve all of its places at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Mq, MqEvent, SendError};
use crate::ids::Address;
use crate::limits::MQ_FRAMES_WAITING_MAX;
use crate::msg::Body;
use crate::runtime::Doorbell;

/// Events moved out one by one under a lock, so that senders do not wait for a long drain.
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

/// Events from another node that are for one role of this one.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    pub(super) events: VecDeque<MqEvent>,
    /// How many bytes they had on their way.
    pub(super) bytes: usize,
}

/// What became of events that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// All were taken.
    Taken,
    /// The role has no room for the rest.
    Full,
    /// The role is not here.
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

    /// Moves what has arrived for `address` to it, as much as it has room for.
    pub(super) fn deliver(&self, address: Address, arrived: &mut Arrived) -> Delivery {
        match self.find(address) {
            Some(inbox) => inbox.take_arrived(arrived),
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
            std::mem::take(&mut queue.events)
        };
        let mut lost = 0u64;
        for event in waiting {
            let MqEvent::Frame { from, body } = event else { continue };
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

    /// Nothing waits: a frame is with its receiver at once.
    fn flush(&mut self) {}

    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>) {
        let mut left = limit;
        loop {
            let mut queue = lock(&self.inbox.queue);
            let count = take_some(&mut queue.events, left, events);
            queue.away.taken(count);
            left -= count;
            if left == 0 || queue.events.is_empty() {
                break;
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
    events: VecDeque<MqEvent>,
    away: AwayBytes,
    closed: bool,
}

/// The bytes of frames from other nodes, as they were delivered.
#[derive(Debug, Default)]
struct AwayBytes {
    /// Events that were pushed and that were taken, ever.
    pushed: u64,
    taken: u64,
    /// For each delivery: `pushed` after it, and its bytes.
    deliveries: VecDeque<(u64, usize)>,
    sum: usize,
}

impl Queue {
    /// Whether `event`, which came from another node, may be pushed.
    fn has_room(&self, event: &MqEvent) -> bool {
        let waiting_max = match event {
            MqEvent::Frame { .. } => MQ_FRAMES_WAITING_MAX,
            MqEvent::Unsent { .. } => RETURNED_WAITING_MAX,
        };
        self.events.len() < waiting_max
    }
}

impl AwayBytes {
    fn pushed(&mut self, events: usize, bytes: usize) {
        self.pushed += u64::try_from(events).unwrap_or(0);
        if bytes > 0 {
            self.sum += bytes;
            self.deliveries.push_back((self.pushed, bytes));
        }
    }

    fn taken(&mut self, events: usize) {
        self.taken += u64::try_from(events).unwrap_or(0);
        let taken = self.taken;
        while let Some((_, bytes)) = self.deliveries.pop_front_if(|(end, _)| *end <= taken) {
            self.sum -= bytes;
        }
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

    /// Takes what has arrived, as much as there is room for.
    fn take_arrived(&self, arrived: &mut Arrived) -> Delivery {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Delivery::Nobody;
        }
        let before = queue.events.len();
        if queue.away.sum < AWAY_BYTES_WAITING_MAX {
            if before == 0 && arrived.events.len() <= MQ_FRAMES_WAITING_MAX {
                std::mem::swap(&mut queue.events, &mut arrived.events);
            } else if before + arrived.events.len() <= MQ_FRAMES_WAITING_MAX {
                queue.events.append(&mut arrived.events);
            }
            while let Some(event) = arrived.events.pop_front_if(|event| queue.has_room(event)) {
                queue.events.push_back(event);
            }
        }
        let taken = queue.events.len() - before;
        // A delivery in parts is charged to the first one.
        let bytes = if taken > 0 { std::mem::take(&mut arrived.bytes) } else { 0 };
        queue.away.pushed(taken, bytes);
        drop(queue);
        if before == 0 && taken > 0 {
            self.wake.ring();
        }
        if arrived.events.is_empty() { Delivery::Taken } else { Delivery::Full }
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
        queue.events.push_back(event);
        queue.away.pushed(1, 0);
        drop(queue);
        if was_empty {
            self.wake.ring();
        }
    }
}

/// Moves at most `limit` events of a locked queue to the end of `events`, and says how many: all of
/// them if `events` is empty, because then the two trade their memory, and otherwise only a few, so
/// that senders do not wait for the lock.
pub(super) fn take_some(
    queue: &mut VecDeque<MqEvent>,
    limit: usize,
    events: &mut Vec<MqEvent>,
) -> usize {
    if events.is_empty() && queue.len() <= limit {
        let room = VecDeque::from(std::mem::take(events));
        *events = Vec::from(std::mem::replace(queue, room));
        return events.len();
    }
    let count = queue.len().min(limit).min(DRAIN_EVENTS_MAX);
    events.extend(queue.drain(..count));
    count
}

/// Nothing panics while one of these locks is held, so a poisoned one holds no broken state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
