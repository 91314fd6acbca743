//! One other node, and which of them there are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::PEERS_MAX;
use super::envelope::{HEADER_BYTES, Header};
use super::inbound::Inbound;
use super::outbound::Outbound;
use crate::ids::NodeId;

/// One incarnation of another node.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) node: NodeId,
    /// What the broker calls the place where its messages go.
    pub(crate) place: String,
    /// The broker said that it keeps too much for this node already.
    pub(crate) crowded: AtomicBool,
    /// It is in the hub's list of those that have something to send.
    pub(super) queued: AtomicBool,
    outbound: Mutex<Outbound>,
    inbound: Mutex<Inbound>,
}

impl Peer {
    /// Locked for short: nobody waits for anything else meanwhile.
    pub(super) fn outbound(&self) -> MutexGuard<'_, Outbound> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May be held while an inbox or `outbound` is locked, not the other way round.
    pub(super) fn inbound(&self) -> MutexGuard<'_, Inbound> {
        self.inbound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a node is learned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The directory shows it, or it has sent something.
    Of,
    /// A role wants to send to it.
    Asked,
}

/// All other nodes.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: BTreeMap<NodeId, Arc<Peer>>,
    /// Incarnations up to this one are gone, by node.
    gone: BTreeMap<u16, u32>,
    held: Arc<AtomicUsize>,
    /// The node MQ has ended: nobody is known any more.
    ended: bool,
}

impl Peers {
    /// The node, unless it is gone or too many are known. `place` names it for the broker.
    pub(super) fn get(
        &mut self,
        node: NodeId,
        heard: Heard,
        place: impl FnOnce(NodeId) -> String,
    ) -> Option<Arc<Peer>> {
        if let Some(peer) = self.known.get(&node) {
            return Some(Arc::clone(peer));
        }
        let gone = self.gone.get(&node.node).is_some_and(|gone| node.incarnation <= *gone);
        if gone || self.ended || self.known.len() >= PEERS_MAX {
            return None;
        }
        let outbound = Outbound::new(heard == Heard::Of, Arc::clone(&self.held));
        let peer = Arc::new(Peer {
            node,
            place: place(node),
            crowded: AtomicBool::new(false),
            queued: AtomicBool::new(false),
            outbound: Mutex::new(outbound),
            inbound: Mutex::default(),
        });
        self.known.insert(node, Arc::clone(&peer));
        Some(peer)
    }

    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.known.values().cloned().collect()
    }

    /// This incarnation and those before it are gone for good. Gives what was known of them.
    pub(super) fn remove_up_to(&mut self, node: NodeId) -> Vec<Arc<Peer>> {
        let gone = self.gone.entry(node.node).or_insert(node.incarnation);
        *gone = node.incarnation.max(*gone);
        let first = NodeId { node: node.node, incarnation: 0 };
        let ids: Vec<_> = self.known.range(first..=node).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.known.remove(id)).collect()
    }

    /// Knows nobody from now on. Gives all that were known.
    pub(super) fn end(&mut self) -> Vec<Arc<Peer>> {
        self.ended = true;
        std::mem::take(&mut self.known).into_values().collect()
    }

    /// Forgets a node that never showed up. It may still come.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.known.remove(&node);
    }
}

/// What `me` sends to `to` next: a batch with a word about what came from there, or that alone.
pub(super) fn next_message(
    me: NodeId,
    to: NodeId,
    now_ms: u64,
    inbound: &mut Inbound,
    outbound: &mut Outbound,
) -> Option<Bytes> {
    let mut acknowledged = inbound.acknowledged();
    let mere = Header { from: me, to, first: 0, frames: 0, acknowledged };
    let tells_now = inbound.owes(Some(now_ms));
    let tells_alone = tells_now && (acknowledged.resend || outbound.next_is_repeated());
    if !tells_alone {
        // A batch may go out again when a word about what is missing is long out of date.
        acknowledged.resend = false;
        if let Some((bytes, fresh)) = outbound.take(now_ms, Header { acknowledged, ..mere }) {
            if fresh && !inbound.acknowledged().resend {
                inbound.told();
            }
            return Some(bytes);
        }
    }
    if !tells_now || outbound.is_closed() {
        return None;
    }
    inbound.told();
    let mut bytes = vec![0; HEADER_BYTES];
    mere.write(&mut bytes);
    Some(Bytes::from(bytes))
}
