//! A role's access to a remote node MQ.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::FRAME_BYTES_MAX;
use super::hub::Hub;
use super::inbox::Inbox;
use super::outbound::Refused;
use super::peer::Peer;
use crate::ids::{Address, NodeId};
use crate::mq::local::LocalMqEndpoint;
use crate::mq::{Mq, MqEvent, SendError};
use crate::msg::Body;
use crate::runtime::Doorbell;
use crate::wire;

/// Nodes that an endpoint remembers. Beyond it all are forgotten and looked up again.
const PEERS_REMEMBERED_MAX: usize = 4_096;

/// A role's access to a [`super::RemoteMq`]. Dropping it unbinds the address; what waits there
/// goes back.
#[derive(Debug)]
pub struct RemoteMqEndpoint {
    hub: Arc<Hub>,
    local: LocalMqEndpoint,
    address: Address,
    inbox: Arc<Inbox>,
    /// Nodes found so far, so that a send takes no lock but the link's.
    peers: BTreeMap<NodeId, Arc<Peer>>,
    /// Nodes that were sent something since the last flush.
    unflushed: BTreeSet<NodeId>,
    /// Empty; takes the place of the inbox's events when all of them are taken.
    taken: VecDeque<MqEvent>,
}

impl RemoteMqEndpoint {
    pub(super) fn new(
        hub: Arc<Hub>,
        local: LocalMqEndpoint,
        address: Address,
        wake: Doorbell,
    ) -> Self {
        let inbox = Arc::new(Inbox::new(wake));
        if let Some(before) = hub.set_inbox(address.role, Arc::clone(&inbox)) {
            hub.close_inbox(address, &before);
        }
        let (peers, taken) = (BTreeMap::new(), VecDeque::new());
        Self { hub, local, address, inbox, peers, unflushed: BTreeSet::new(), taken }
    }

    fn find(&mut self, node: NodeId) -> Option<Arc<Peer>> {
        if let Some(peer) = self.peers.get(&node) {
            return Some(Arc::clone(peer));
        }
        let peer = self.hub.asked(node)?;
        if self.peers.len() >= PEERS_REMEMBERED_MAX {
            self.flush();
            self.peers.clear();
        }
        self.peers.insert(node, Arc::clone(&peer));
        Some(peer)
    }
}

impl Mq for RemoteMqEndpoint {
    fn send(&mut self, to: Address, body: Body) -> Result<(), SendError> {
        if to.node == self.hub.me() {
            return self.local.send(to, body);
        }
        let roles = (self.address.role, to.role);
        // A link that was closed may have been opened again meanwhile, so it is looked up twice.
        for _ in 0..2 {
            let Some(peer) = self.find(to.node) else { break };
            let write = |batch: &mut Vec<u8>| wire::encode_onto(&body, batch);
            let mut outbound = peer.outbound();
            let accepted = outbound.accept(roles, false, write);
            let must_go = outbound.has_whole_batch();
            drop(outbound);
            match accepted {
                Ok(()) => {
                    if must_go {
                        self.hub.enqueue(&peer);
                    }
                    self.unflushed.insert(to.node);
                    return Ok(());
                }
                Err(Refused::Full) => return Err(SendError::Full(body)),
                Err(Refused::TooLong) => {
                    tracing::error!(%to, max = FRAME_BYTES_MAX, "frame is too long, not sent");
                    return Err(SendError::Full(body));
                }
                Err(Refused::Closed) => {
                    self.peers.remove(&to.node);
                }
            }
        }
        Err(SendError::Gone(body))
    }

    fn flush(&mut self) {
        while let Some(node) = self.unflushed.pop_first() {
            // A link that is closed is forgotten, and has nothing left.
            let Some(peer) = self.peers.get(&node) else { continue };
            self.hub.enqueue(peer);
        }
    }

    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>) {
        let before = events.len();
        // Half of the room is for other nodes, as far as they have something.
        let for_remote = self.inbox.waiting().min(limit / 2);
        self.local.poll(limit - for_remote, events);
        let left = limit.saturating_sub(events.len() - before);
        if self.inbox.drain(left, &mut self.taken, events) {
            self.hub.unpark();
        }
    }

    fn waiting(&self) -> usize {
        self.local.waiting() + self.inbox.waiting()
    }
}

impl Drop for RemoteMqEndpoint {
    fn drop(&mut self) {
        self.flush();
        self.hub.close_inbox(self.address, &self.inbox);
    }
}
