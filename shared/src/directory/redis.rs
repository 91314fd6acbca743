//! The directory in Redis: every node holds a lease there, renews it, and reads what the others
//! have changed. It stands beside the store, in one slot, and trusts the server's clock alone.
//!
//! A node that cannot renew its lease for two thirds of its length is suspended, so it gives up
//! what it owns before anybody takes its place, and goes on if it is still in the directory when
//! it can be reached again. If the server itself was away, nobody is declared gone by it before
//! there was time to come back. `docs/redis.md` has the times.

mod beat;
mod board;

use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never};
use thiserror::Error;

use self::beat::{Beats, Lease};
use self::board::Board;
use super::builds::{TooFarApart, may_run_beside};
use super::{Directory, DirectoryEvent, NodeCard};
use crate::ids::NodeId;
use crate::store::redis::RedisStore;
use crate::store::redis::clock::now;
use crate::store::redis::router::{Router, Routes};

/// Nodes that hold a lease at once. A further one is refused; a node number has 12 bits.
pub const NODES_MAX: u64 = 4_096;
/// Bytes of a card. A longer one is not announced.
pub const CARD_BYTES_MAX: usize = 4 << 10;

/// How long leases are and how often the directory is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Length of a lease. Renewed at a third of it; after two thirds without success the node
    /// is suspended.
    pub lease: Duration,
    /// How long a node stays suspended. Then it is told that it is gone, whatever others think:
    /// it may be cut off alone, and its clients would wait for nothing.
    pub ride_out: Duration,
    /// Between two looks at what others have changed.
    pub look: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(3),
            ride_out: Duration::from_secs(60),
            look: Duration::from_millis(200),
        }
    }
}

/// The directory of a cluster. One per process; nodes join through it.
#[derive(Clone)]
pub struct RedisDirectory {
    routes: Routes,
    times: LeaseTimes,
}

impl fmt::Debug for RedisDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisDirectory").field("times", &self.times).finish_non_exhaustive()
    }
}

/// Why a node may not join.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JoinError {
    /// Somebody holds a lease for this number.
    #[error(
        "node number {} is taken by incarnation {holder}: give this node another number, or stop \
         the other one", .node.node
    )]
    NumberTaken {
        /// Who wanted to join.
        node: NodeId,
        /// The incarnation that holds the number.
        holder: u64,
    },
    /// This or a later incarnation was there before.
    #[error("{node} was in the directory before: an incarnation does not return")]
    IncarnationSpent {
        /// Who wanted to join.
        node: NodeId,
    },
    /// There are too many nodes.
    #[error("the directory holds {NODES_MAX} nodes and takes no more")]
    Full,
    /// A node with a build that is too old or too new is there.
    #[error(transparent)]
    Build(#[from] TooFarApart),
    /// The directory cannot be asked.
    #[error("the directory cannot be asked: {0}")]
    Unreachable(String),
}

impl RedisDirectory {
    /// The directory that stands beside a store.
    #[must_use]
    pub fn beside(store: &RedisStore, times: LeaseTimes) -> Self {
        // A call must fail in time for another one before the lease is over.
        Self { routes: store.routes().hasty(times.lease / 6), times }
    }

    /// Takes the number of `node` and starts to hold its lease. The node can be seen from its
    /// first announcement on. Blocks: if a lease for that number is still running, as after a
    /// crash, it waits for its end, at most one and a half times the length of a lease.
    ///
    /// # Errors
    /// [`JoinError`] says who or what stands in the way.
    pub fn join(&self, node: NodeId, build: &str) -> Result<RedisDirectoryHandle, JoinError> {
        let router = Router::new(self.routes.clone(), never());
        let mut lease = Lease::new(router, node, self.times);
        lease.take()?;
        let board = Arc::new(Board::new(self.times));
        let (nudge, nudged) = bounded(1);
        let mut beats = Beats::new(lease, Arc::clone(&board), nudged);
        beats.round().map_err(JoinError::Unreachable)?;
        for card in board.cards() {
            if let Err(error) = may_run_beside(build, &card.build) {
                beats.leave();
                return Err(error.into());
            }
        }
        let thread = Builder::new().name(String::from("directory")).spawn(move || beats.run());
        let thread = thread.map_err(|error| JoinError::Unreachable(error.to_string()))?;
        let (seen, thread) = (board::Seen::default(), Some(thread));
        Ok(RedisDirectoryHandle { node, board, seen, nudge: Some(nudge), thread })
    }
}

/// A node's handle. Dropping it leaves the directory.
pub struct RedisDirectoryHandle {
    node: NodeId,
    board: Arc<Board>,
    seen: board::Seen,
    nudge: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for RedisDirectoryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisDirectoryHandle").field("node", &self.node).finish_non_exhaustive()
    }
}

impl RedisDirectoryHandle {
    /// Whether this node has lost its lease, or was suspended for too long. It never gets it back:
    /// the process has to end or to join anew with a new incarnation.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.board.is_lost(now())
    }

    /// Asks the thread to leave and to end, without waiting for it.
    fn close(&mut self) {
        self.board.close();
        self.nudge = None;
    }
}

impl Directory for RedisDirectoryHandle {
    fn announce(&mut self, card: &NodeCard) {
        if card.id != self.node {
            return;
        }
        let is_urgent = self.board.announce(card);
        if let Some(nudge) = self.nudge.as_ref().filter(|_| is_urgent) {
            let _already = nudge.try_send(());
        }
    }

    fn leave(&mut self) {
        self.close();
    }

    fn poll(&mut self, events: &mut Vec<DirectoryEvent>) {
        self.board.news(self.node, now(), &mut self.seen, events);
    }
}

impl Drop for RedisDirectoryHandle {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            // A panic was reported by the thread itself, and its lease runs out.
            let _panicked = thread.join();
        }
    }
}

/// Ends a pause early.
type Nudged = Receiver<()>;
