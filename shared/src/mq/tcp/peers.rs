//! The peers that a node knows, and how its other threads reach the thread of its links.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mio::Waker;

use super::chunk::{Frames, write_frame};
use super::link::{Link, lock};
use super::outgoing::Chunk;
use crate::ids::{Address, NodeId, Role};
use crate::limits::MQ_FRAME_BYTES_MAX;
use crate::mq::local::{Away, LocalMq};
use crate::msg::Body;
use crate::runtime::clock::Clock;
use crate::wire;

/// Peers with a link. A further one is refused until another one is gone.
const PEERS_MAX: usize = 4_096;
/// Peers that are remembered as gone. Beyond it the oldest is forgotten.
const GONE_MAX: usize = 4_096;

/// The peers of one node.
#[derive(Debug)]
pub(super) struct Peers {
    me: NodeId,
    bytes_max: usize,
    clock: Clock,
    table: Mutex<Table>,
    orders: Mutex<Orders>,
    waker: Waker,
    stalled: AtomicBool,
    stopping: AtomicBool,
}

/// What other threads want of the thread of the links.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Links with something to write.
    pub(super) flush: BTreeSet<NodeId>,
    /// The newest word about each peer.
    pub(super) news: BTreeMap<NodeId, News>,
}

/// What the directory says of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It can be reached there.
    At(SocketAddr),
    /// It is gone for good.
    Gone,
}

#[derive(Debug, Default)]
struct Table {
    links: BTreeMap<NodeId, Arc<Link>>,
    gone: VecDeque<NodeId>,
    /// No link is added any more.
    closed: bool,
}

impl Peers {
    pub(super) fn new(me: NodeId, bytes_max: usize, clock: Clock, waker: Waker) -> Self {
        Self {
            me,
            bytes_max,
            clock,
            table: Mutex::default(),
            orders: Mutex::default(),
            waker,
            stalled: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        }
    }

    /// The link to a peer that is known and not gone.
    pub(super) fn find(&self, peer: NodeId) -> Option<Arc<Link>> {
        lock(&self.table).links.get(&peer).cloned()
    }

    /// The link to a peer, made if it is new. None if the peer is gone or there are too many.
    pub(super) fn meet(&self, peer: NodeId) -> Option<Arc<Link>> {
        let mut table = lock(&self.table);
        if let Some(link) = table.links.get(&peer) {
            return Some(Arc::clone(link));
        }
        if peer.node == self.me.node || table.closed || table.gone.contains(&peer) {
            return None;
        }
        if table.links.len() >= PEERS_MAX {
            tracing::warn!(%peer, peers = PEERS_MAX, "too many peers, one is not linked");
            return None;
        }
        let link = Arc::new(Link::new(peer, self.bytes_max));
        table.links.insert(peer, Arc::clone(&link));
        Some(link)
    }

    /// All links.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.table).links.values().cloned().collect()
    }

    /// Ends the link to a peer that is gone for good, and gives the frames that it has not
    /// acknowledged back to the roles that sent them.
    pub(super) fn bury(&self, peer: NodeId, local: &LocalMq) {
        let link = {
            let mut table = lock(&self.table);
            if !table.gone.contains(&peer) {
                if table.gone.len() >= GONE_MAX {
                    table.gone.pop_front();
                }
                table.gone.push_back(peer);
            }
            table.links.remove(&peer)
        };
        let Some(link) = link else { return };
        let mut lost = 0u64;
        for chunk in link.close() {
            lost += self.give_back(peer, &chunk, local);
        }
        if lost > 0 {
            tracing::warn!(%peer, lost, "frames for a dead node could not be returned");
        }
    }

    /// Takes no more frames for any peer: the node ends.
    pub(super) fn close(&self) {
        let links = {
            let mut table = lock(&self.table);
            table.closed = true;
            std::mem::take(&mut table.links)
        };
        links.values().for_each(|link| drop(link.close()));
    }

    /// Returns how many frames were lost.
    fn give_back(&self, peer: NodeId, chunk: &Chunk, local: &LocalMq) -> u64 {
        let mut lost = 0;
        for frame in Frames::of(&chunk.body).flatten() {
            if frame.returned {
                // Its sender has died.
                continue;
            }
            let (from, to) = (self.mine(frame.from), Address { node: peer, role: frame.to });
            let body = wire::decode(frame.body, MQ_FRAME_BYTES_MAX);
            lost += u64::from(!body.is_ok_and(|body| local.take_back(from, to, body)));
        }
        lost
    }

    /// Has the peer's word that it did not arrive travel back. False if it is lost.
    pub(super) fn send_bytes_back(&self, link: &Link, roles: (Role, Role), body: &[u8]) -> bool {
        let mut frame = Vec::new();
        write_frame(&mut frame, roles, true, |bytes| bytes.extend_from_slice(body));
        match link.send_returned(&frame, self.clock) {
            Ok(left_to_thread) => {
                if left_to_thread {
                    self.order_flush(link.peer());
                }
                true
            }
            Err(_) => false,
        }
    }

    pub(super) const fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) const fn mine(&self, role: Role) -> Address {
        Address { node: self.me, role }
    }

    pub(super) fn order_flush(&self, peer: NodeId) {
        lock(&self.orders).flush.insert(peer);
        self.wake();
    }

    /// Newer word replaces older, but nobody comes back from the dead.
    pub(super) fn order(&self, peer: NodeId, news: News) {
        let mut orders = lock(&self.orders);
        if orders.news.get(&peer) != Some(&News::Gone) {
            orders.news.insert(peer, news);
        }
        drop(orders);
        self.wake();
    }

    pub(super) fn take_orders(&self) -> Orders {
        std::mem::take(&mut *lock(&self.orders))
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// A role had no room: the thread waits until one has polled.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst)
    }

    /// A role has polled.
    pub(super) fn made_room(&self) {
        if self.stalled.load(Ordering::Relaxed) && self.stalled.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Whoever works on the links looks what there is to do.
    pub(super) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            report_wake(&error);
        }
    }
}

impl Away for Peers {
    fn send_back(&self, sender: Address, to: Address, body: Body) -> bool {
        let Some(link) = self.find(sender.node) else {
            // Its sender has died.
            return true;
        };
        self.send_bytes_back(&link, (sender.role, to.role), &wire::encode(&body))
    }
}

fn report_wake(error: &io::Error) {
    tracing::error!(%error, "the thread of the links cannot be woken");
}
