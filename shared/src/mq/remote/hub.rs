//! What a back-end's thread and the roles of a node share: links, inboxes, and who has something
//! to send. A back-end moves bytes: it takes batches from [`Hub::next`] and hands what comes to
//! [`Hub::received`].

mod delivery;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::RemoteStats;
use super::envelope::Header;
use super::inbox::Inbox;
use super::outbound::Due;
use super::peer::{Heard, Peer, Peers, next_message};
use crate::ids::{Address, NodeId, Role};
use crate::mq::MqEvent;
use crate::runtime::Doorbell;

/// How often links are looked after while something is on the way.
const HOUSEKEEPING: Duration = Duration::from_millis(10);

/// Gives the place of a node at the broker its name.
pub(crate) type PlaceOf = Box<dyn Fn(NodeId) -> String + Send + Sync>;

/// The shared part of a remote node MQ.
pub(crate) struct Hub {
    me: NodeId,
    place_of: PlaceOf,
    origin: Instant,
    peers: Mutex<Peers>,
    inboxes: Mutex<[Option<Arc<Inbox>>; Role::ALL.len()]>,
    /// Nodes that may have something to send, each once.
    ready: Mutex<VecDeque<Arc<Peer>>>,
    /// Frames between two locks, kept for its memory.
    run: Mutex<Vec<MqEvent>>,
    parked_bytes: AtomicUsize,
    work: Notify,
    house: Notify,
    /// Housekeeping goes on by itself.
    house_kept: AtomicBool,
    stopping: AtomicBool,
    stop: Notify,
    settled: Doorbell,
    pub(crate) counters: Counters,
}

/// What [`RemoteStats`] is read from.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    batches_sent: AtomicU64,
    resends: AtomicU64,
    duplicates: AtomicU64,
    gaps: AtomicU64,
    malformed: AtomicU64,
    pub(crate) connections: AtomicU64,
}

impl Hub {
    pub(crate) fn new(me: NodeId, place_of: PlaceOf) -> Self {
        Self {
            me,
            place_of,
            origin: Instant::now(),
            peers: Mutex::default(),
            inboxes: Mutex::default(),
            ready: Mutex::default(),
            run: Mutex::default(),
            parked_bytes: AtomicUsize::new(0),
            work: Notify::new(),
            house: Notify::new(),
            house_kept: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            settled: Doorbell::new(),
            counters: Counters::default(),
        }
    }

    /// Milliseconds since it was made.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    // What the back-end's thread does.

    /// The next batch to hand to the broker, and for whom. Nodes take turns.
    pub(crate) fn next(&self) -> Option<(Arc<Peer>, Bytes)> {
        let now_ms = self.now_ms();
        loop {
            let peer = lock(&self.ready).pop_front()?;
            peer.queued.store(false, Ordering::Release);
            // Whatever becomes of this batch, or of what may not leave yet: nothing may ever come
            // back that would wake the housekeeping.
            self.keep_house_awake();
            let mut inbound = peer.inbound();
            let message =
                next_message(self.me, peer.node, now_ms, &mut inbound, &mut peer.outbound());
            drop(inbound);
            if let Some(bytes) = message {
                self.queue(&peer);
                self.counters.batches_sent.fetch_add(1, Ordering::Relaxed);
                return Some((peer, bytes));
            }
        }
    }

    /// Waits until [`Self::next`] may give something.
    pub(crate) async fn work(&self) {
        self.work.notified().await;
    }

    /// Takes a message from the broker.
    pub(crate) fn received(&self, bytes: Bytes) {
        let header = match Header::read(&bytes) {
            Ok(header) if header.to == self.me && header.from != self.me => header,
            Ok(header) => return self.malformed(&format!("{} to {}", header.from, header.to)),
            Err(error) => return self.malformed(&error.to_string()),
        };
        let now_ms = self.now_ms();
        // A node that is gone is not listened to, and neither is one too many.
        let Some(peer) = self.known(header.from, Heard::Of) else { return };
        let mut outbound = peer.outbound();
        outbound.confirm();
        outbound.acknowledge(now_ms, header.acknowledged);
        let sends = outbound.may_send(now_ms);
        let is_settled = outbound.is_settled();
        self.count_resends(&mut outbound.resends);
        drop(outbound);
        if is_settled {
            self.settled.ring();
        }
        let owes = header.frames > 0 && self.arrive(&peer, now_ms, &header, bytes);
        if sends || owes {
            self.enqueue(&peer);
        }
        self.keep_house_awake();
    }

    /// A connection to the broker was lost and is there again: all that is on the way may be lost.
    pub(crate) fn reconnected(&self) {
        for peer in lock(&self.peers).all() {
            let mut outbound = peer.outbound();
            outbound.lose_connection();
            self.count_resends(&mut outbound.resends);
            drop(outbound);
            self.enqueue(&peer);
        }
    }

    /// The broker did not take what was for `peer`, or takes no more of it for a while.
    pub(crate) fn hold(&self, peer: &Peer, wait: Duration, refused: bool) {
        let mut outbound = peer.outbound();
        if refused {
            outbound.rewind();
        }
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        outbound.hold(self.now_ms().saturating_add(wait_ms));
    }

    /// Looks after the links for ever.
    pub(crate) async fn keep_house(&self) {
        loop {
            self.house_kept.store(false, Ordering::Release);
            if self.look_after_links() {
                self.house_kept.store(true, Ordering::Release);
                // Either it is time or somebody wants it now.
                let _timed_out = tokio::time::timeout(HOUSEKEEPING, self.house.notified()).await;
            } else {
                self.house.notified().await;
            }
        }
    }

    /// Waits until the node MQ is to end.
    pub(crate) async fn stopped(&self) {
        while !self.stopping.load(Ordering::Acquire) {
            self.stop.notified().await;
        }
    }

    /// Everything that is to be acknowledged is so now: the last word before the end.
    pub(crate) fn acknowledge_all(&self) {
        for peer in lock(&self.peers).all() {
            let mut inbound = peer.inbound();
            if inbound.owes(None) {
                inbound.owe_now();
                drop(inbound);
                self.enqueue(&peer);
            }
        }
    }

    // What roles and the directory do.

    pub(super) fn me(&self) -> NodeId {
        self.me
    }

    /// The node, to send something to it; none if it is gone.
    pub(super) fn asked(&self, node: NodeId) -> Option<Arc<Peer>> {
        let peer = self.known(node, Heard::Asked);
        self.keep_house_awake();
        peer
    }

    /// `peer` has something to send.
    pub(super) fn enqueue(&self, peer: &Arc<Peer>) {
        if self.queue(peer) {
            self.work.notify_one();
        }
    }

    /// Somebody made room for what waits.
    pub(super) fn unpark(&self) {
        self.house.notify_one();
    }

    pub(super) fn set_inbox(&self, role: Role, inbox: Arc<Inbox>) -> Option<Arc<Inbox>> {
        lock(&self.inboxes)[index(role)].replace(inbox)
    }

    /// Closes `inbox`; what waits in it goes back to where it came from.
    pub(super) fn close_inbox(&self, address: Address, inbox: &Arc<Inbox>) {
        let mut lost = 0u64;
        inbox.close(|event| match event {
            MqEvent::Frame { from, body } => {
                lost += u64::from(!self.give_back(from, address.role, &body));
            }
            MqEvent::Unsent { .. } => {}
        });
        warn_of_lost(address, lost);
        let mut inboxes = lock(&self.inboxes);
        let slot = &mut inboxes[index(address.role)];
        if slot.as_ref().is_some_and(|bound| Arc::ptr_eq(bound, inbox)) {
            *slot = None;
        }
        drop(inboxes);
        self.unpark();
    }

    pub(super) fn peer(&self, node: NodeId) {
        if node == self.me {
            return;
        }
        if let Some(before) = node.incarnation.checked_sub(1) {
            self.gone(NodeId { node: node.node, incarnation: before });
        }
        let Some(peer) = self.known(node, Heard::Of) else { return };
        if peer.outbound().confirm() {
            self.enqueue(&peer);
        }
    }

    pub(super) fn gone(&self, node: NodeId) {
        if node.node == self.me.node && node.incarnation >= self.me.incarnation {
            tracing::error!(%node, "the directory says that this node itself is gone");
            return;
        }
        let removed = lock(&self.peers).remove_up_to(node);
        removed.iter().for_each(|peer| self.close(peer));
    }

    pub(super) fn flush(&self, limit: Duration) -> bool {
        let end_ms = self.now_ms().saturating_add(u64::try_from(limit.as_millis()).unwrap_or(0));
        loop {
            if lock(&self.peers).all().iter().all(|peer| peer.outbound().is_settled()) {
                return true;
            }
            let left_ms = end_ms.saturating_sub(self.now_ms());
            if left_ms == 0 {
                return false;
            }
            self.settled.wait(Duration::from_millis(left_ms));
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.notify_one();
    }

    /// The thread of the back-end has ended, however: gives back whatever is still kept.
    fn end(&self) {
        self.stop();
        let all = lock(&self.peers).end();
        all.iter().for_each(|peer| self.close(peer));
    }

    // Private, in the order of calls.

    fn known(&self, node: NodeId, heard: Heard) -> Option<Arc<Peer>> {
        lock(&self.peers).get(node, heard, &self.place_of)
    }

    fn queue(&self, peer: &Arc<Peer>) -> bool {
        let is_new = !peer.queued.swap(true, Ordering::AcqRel);
        if is_new {
            lock(&self.ready).push_back(Arc::clone(peer));
        }
        is_new
    }

    /// Closes the link to a node that is gone and gives back what it did not get.
    fn close(&self, peer: &Peer) {
        let unsettled = peer.outbound().close();
        self.settled.ring();
        let mut lost = 0u64;
        for (from, to, body) in unsettled {
            let unsent = MqEvent::Unsent { to: Address { node: peer.node, role: to }, body };
            let inbox = lock(&self.inboxes)[index(from)].clone();
            lost += u64::from(inbox.is_some_and(|inbox| !inbox.take_back(unsent)));
        }
        warn_of_lost(Address { node: self.me, role: Role::Gateway }, lost);
    }

    /// Says whether it is to be done again soon.
    fn look_after_links(&self) -> bool {
        let now_ms = self.now_ms();
        let all = lock(&self.peers).all();
        let mut parked_bytes = 0;
        let mut again = false;
        for peer in &all {
            let mut inbound = peer.inbound();
            if inbound.parked_bytes() > 0 {
                self.deliver(peer, &mut inbound);
                inbound.owe(now_ms);
                parked_bytes += inbound.parked_bytes();
            }
            let (owes, owes_now) = (inbound.owes(None), inbound.owes(Some(now_ms)));
            drop(inbound);
            let mut outbound = peer.outbound();
            let due = outbound.look(now_ms);
            self.count_resends(&mut outbound.resends);
            drop(outbound);
            if due == Due::GiveUp {
                lock(&self.peers).forget(peer.node);
                self.close(peer);
            }
            if due == Due::Send || owes_now {
                self.enqueue(peer);
            }
            again |= owes || matches!(due, Due::Later | Due::Send);
        }
        self.parked_bytes.store(parked_bytes, Ordering::Relaxed);
        again
    }

    fn keep_house_awake(&self) {
        if !self.house_kept.swap(true, Ordering::AcqRel) {
            self.house.notify_one();
        }
    }

    fn count_resends(&self, resends: &mut u64) {
        let new = std::mem::take(resends);
        if new > 0 {
            self.counters.resends.fetch_add(new, Ordering::Relaxed);
            metrics::counter!("cohort_mq_resends_total").increment(new);
        }
    }

    fn malformed(&self, what: &str) {
        count(&self.counters.malformed);
        metrics::counter!("cohort_mq_malformed_total").increment(1);
        tracing::debug!(what, "malformed message of the node MQ");
    }
}

/// Held by the thread of a back-end; however that ends, roles learn of it.
pub(crate) struct Running(pub(crate) Arc<Hub>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("me", &self.me).finish_non_exhaustive()
    }
}

impl Counters {
    pub(super) fn stats(&self) -> RemoteStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RemoteStats {
            batches_sent: read(&self.batches_sent),
            resends: read(&self.resends),
            duplicates: read(&self.duplicates),
            gaps: read(&self.gaps),
            malformed: read(&self.malformed),
            connections: read(&self.connections),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn index(role: Role) -> usize {
    Role::ALL.iter().position(|other| *other == role).unwrap_or(0)
}

fn warn_of_lost(at: Address, lost: u64) {
    if lost > 0 {
        tracing::warn!(%at, lost, "frames could not be returned to their senders");
    }
}

/// Nothing panics while one of these locks is held, so a poisoned one holds no broken state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
