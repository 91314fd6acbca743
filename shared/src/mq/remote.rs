//! What the node MQ needs in order to run over a broker (Redis, NATS) that may lose, repeat or
//! delay messages: the layout of a batch, a window of unacknowledged frames per pair of node
//! incarnations, the inboxes of this node's roles, and the endpoint that roles hold.
//!
//! A frame for a role of this node is moved, not encoded: it goes through a [`LocalMq`]. Frames
//! for another node are encoded by the sending thread into that node's open batch. The back-end's
//! thread takes batches as fast as its broker does, so that they grow by themselves under load.
//! Frames are numbered per (sender incarnation, receiver incarnation). The receiver acknowledges
//! up to which number it has them and up to which its roles have them; what is missing is sent
//! again, what comes twice is dropped. So two living nodes lose nothing, whatever the broker
//! does. A frame whose receiver dies comes back as [`super::MqEvent::Unsent`] if no
//! acknowledgement had come: it may have been handled, but most likely was not.

mod endpoint;
pub(super) mod envelope;
pub(crate) mod fuzzing;
pub(super) mod hub;
mod inbound;
mod inbox;
mod outbound;
pub(super) mod peer;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;

pub use self::endpoint::RemoteMqEndpoint;
use self::hub::Hub;
use super::local::LocalMq;
use crate::directory::followed::{FollowedDirectory, Links};
use crate::directory::{Directory, NodeCard};
use crate::ids::{Address, NodeId};
use crate::limits::{MQ_FRAMES_WAITING_MAX, PART_BYTES_MAX};
use crate::runtime::Doorbell;

/// Bytes of one encoded frame. A longer one is handed back as `Full`, with an error in the log.
pub const FRAME_BYTES_MAX: usize = 512 << 10;
/// Bytes of a batch from which on it takes no further frame.
pub const BATCH_BYTES: usize = 64 << 10;
/// Bytes of a batch at most: one that was a little below [`BATCH_BYTES`] when the longest frame
/// came. A broker must take messages of this size.
pub const BATCH_BYTES_MAX: usize = BATCH_BYTES + FRAME_BYTES_MAX + 64;
/// Bytes held for one other node: waiting, on the way, or waiting there for a role. At the limit
/// `send` says `Full`.
pub const LINK_BYTES_MAX: usize = 8 << 20;
/// Frames held for one other node, with the same behaviour.
pub const LINK_FRAMES_MAX: usize = MQ_FRAMES_WAITING_MAX;
/// Bytes held for all other nodes together. At the limit a node for which a batch waits already
/// gets `Full`.
pub const HELD_BYTES_MAX: usize = 512 << 20;
/// Other nodes known at a time. Frames to and from a further one are refused.
pub const PEERS_MAX: usize = 4_096;

const _: () = assert!(PART_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MAX < 1 << 20, "the default limit of a NATS message");
const _: () = assert!(2 * BATCH_BYTES_MAX < LINK_BYTES_MAX);
const _: () = assert!(LINK_BYTES_MAX < HELD_BYTES_MAX);

/// Why a back-end did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The prefix would not be one word of a key or subject.
    #[error("prefix {0:?}: use 1 to 64 letters, digits, `-` or `_`")]
    Prefix(String),
    /// The address of the server cannot be read. It may hold a password, so it is not shown.
    #[error("the server's address is not valid: {0}")]
    Address(String),
    /// The server does not answer, or not as expected.
    #[error("the server cannot be used: {0}")]
    Server(String),
    /// The operating system gives no thread.
    #[error("no thread for the node MQ: {0}")]
    Thread(#[from] std::io::Error),
}

/// What happened on the links of a node since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteStats {
    /// Batches handed to the broker, those that were sent again included.
    pub batches_sent: u64,
    /// How often a link went back to what was not acknowledged.
    pub resends: u64,
    /// Batches that were there already.
    pub duplicates: u64,
    /// Batches that came before others which are missing.
    pub gaps: u64,
    /// Messages or frames that were not understood.
    pub malformed: u64,
    /// Connections to the broker that were made.
    pub connections: u64,
}

/// A node's side of a node MQ over a broker. Dropping it ends it: what was not acknowledged comes
/// back to the roles as unsent, and later sends say `Gone`.
#[derive(Debug)]
pub struct RemoteMq {
    hub: Arc<Hub>,
    local: LocalMq,
    thread: Option<JoinHandle<()>>,
}

impl RemoteMq {
    pub(super) fn new(hub: Arc<Hub>, thread: JoinHandle<()>) -> Self {
        Self { hub, local: LocalMq::new(), thread: Some(thread) }
    }

    /// Binds `address`, which must be of this node; whoever was bound to it before gets nothing
    /// more. `wake` is rung when something arrives while nothing waits.
    ///
    /// # Panics
    /// If `address` is of another node.
    #[must_use]
    pub fn bind(&self, address: Address, wake: Doorbell) -> RemoteMqEndpoint {
        assert_eq!(address.node, self.hub.me(), "a node binds its own roles only");
        let local = self.local.bind(address, wake.clone());
        RemoteMqEndpoint::new(Arc::clone(&self.hub), local, address, wake)
    }

    /// The directory shows this node: frames for it may leave. Frames for a node that was never
    /// shown and never heard of wait `UNKNOWN_NODE_MS`, then they come back.
    pub fn peer(&self, node: NodeId) {
        self.hub.peer(node);
    }

    /// The directory says that this incarnation is gone for good: what it did not acknowledge
    /// comes back as unsent, sends to it say `Gone`, and nothing of it is taken any more.
    pub fn gone(&self, node: NodeId) {
        self.hub.gone(node);
    }

    /// Puts `directory` in charge of who is there: whoever polls it has the links follow.
    pub fn follow<D: Directory>(&self, directory: D) -> FollowedDirectory<D, impl Links + use<D>> {
        FollowedDirectory::new(directory, Arc::clone(&self.hub), self.hub.me(), None)
    }

    /// Waits until everything that was sent to other nodes is with their roles, at most for
    /// `limit`. Says whether it is. One thread may wait; a draining node does before it stops.
    #[must_use]
    pub fn flush(&self, limit: Duration) -> bool {
        self.hub.flush(limit)
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> RemoteStats {
        self.hub.counters.stats()
    }
}

impl Drop for RemoteMq {
    fn drop(&mut self) {
        self.hub.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the node MQ panicked");
        }
    }
}

impl Links for Arc<Hub> {
    fn seen(&self, card: &NodeCard) {
        Hub::peer(self, card.id);
    }

    fn lost(&self, node: NodeId) {
        Hub::gone(self, node);
    }
}

/// Refuses a prefix that would change the meaning of a key or subject.
pub(super) fn checked_prefix(prefix: &str) -> Result<(), StartError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match (1..=64).contains(&prefix.len()) && prefix.chars().all(fits) {
        true => Ok(()),
        false => Err(StartError::Prefix(String::from(prefix))),
    }
}
