//! A role's access to a remote node MQ.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
    peers: BTreeMap<NodeId, Found>,
    /// Nodes that were sent something since the last flush, each once.
    unflushed: Vec<NodeId>,
}

/// A node as an endpoint knows it.
#[derive(Debug)]
struct Found {
    peer: Arc<Peer>,
    /// It was sent something since the last flush.
    unflushed: bool,
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
        let (peers, unflushed) = (BTreeMap::new(), Vec::new());
        Self { hub, local, address, inbox, peers, unflushed }
    }

    /// Forgets all nodes if there are too many to remember `node` as well.
    fn make_room_for(&mut self, node: NodeId) {
        if self.peers.len() >= PEERS_REMEMBERED_MAX && !self.peers.contains_key(&node) {
            self.flush();
            self.peers.clear();
        }
    }
}

/// The node among `peers`, asked for at the hub if it is new; none if it is gone.
fn find<'a>(
    hub: &Hub,
    peers: &'a mut BTreeMap<NodeId, Found>,
    node: NodeId,
) -> Option<&'a mut Found> {
    Some(match peers.entry(node) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => place.insert(Found { peer: hub.asked(node)?, unflushed: false }),
    })
}

impl Mq for RemoteMqEndpoint {
    fn send(&mut self, to: Address, body: Body) -> Result<(), SendError> {
        if to.node == self.hub.me() {
            return self.local.send(to, body);
        }
        self.make_room_for(to.node);
        let Self { hub, address, peers, unflushed, .. } = self;
        let roles = (address.role, to.role);
        // A link that was closed may have been opened again meanwhile, so it is looked up twice.
        for _ in 0..2 {
            let Some(found) = find(hub, peers, to.node) else { break };
            let write = |batch: &mut Vec<u8>| wire::encode_onto(&body, batch);
            let mut outbound = found.peer.outbound();
            let accepted = outbound.accept(roles, false, write);
            let must_go = outbound.has_whole_batch();
            drop(outbound);
            match accepted {
                Ok(()) => {
                    if must_go {
                        hub.enqueue(&found.peer);
                    }
                    if !std::mem::replace(&mut found.unflushed, true) {
                        unflushed.push(to.node);
                    }
                    return Ok(());
                }
                Err(Refused::Full) => return Err(SendError::Full(body)),
                Err(Refused::TooLong) => {
                    tracing::error!(%to, max = FRAME_BYTES_MAX, "frame is too long, not sent");
                    return Err(SendError::Full(body));
                }
                Err(Refused::Closed) => {
                    peers.remove(&to.node);
                }
            }
        }
        Err(SendError::Gone(body))
    }

    fn flush(&mut self) {
        let Self { hub, peers, unflushed, .. } = self;
        for node in unflushed.drain(..) {
            // A link that is closed is forgotten, and has nothing left.
            let Some(found) = peers.get_mut(&node) else { continue };
            found.unflushed = false;
            hub.enqueue(&found.peer);
        }
    }

    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>) {
        let before = events.len();
        // Half of the room is for other nodes, as far as they have something.
        let for_remote = self.inbox.waiting().min(limit / 2);
        self.local.poll(limit - for_remote, events);
        let left = limit.saturating_sub(events.len() - before);
        if self.inbox.drain(left, events) {
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
