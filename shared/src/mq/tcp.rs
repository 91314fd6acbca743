//! The node MQ over TCP: one link to each other node, and the roles of this node among themselves
//! without one.
//!
//! A link belongs to two incarnations and outlives its connections: frames are numbered, kept
//! until they are acknowledged, and sent again on the next connection from where the peer has come
//! to. So a cut connection loses, doubles and reorders nothing. A link ends when the directory says
//! that the peer is gone, or when another incarnation answers in its place; what was not
//! acknowledged then comes back as [`MqEvent::Unsent`] (it may have arrived all the same).
//!
//! The files are: `chunk` (bytes), `handshake` and `greeting` (who is there), `outgoing` and `link`
//! (the sending half), `receiving` and `line` (the reading half), `redial`, `peers` (what threads
//! share), `desk` and `driver` (the work on the links) and `helm` (which thread does it).

mod chunk;
mod desk;
mod driver;
pub(crate) mod fuzzing;
mod greeting;
mod handshake;
mod helm;
mod line;
mod link;
mod outgoing;
mod peers;
mod receiving;
mod redial;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use mio::net::TcpListener;
use mio::{Interest, Poll, Waker};
use thiserror::Error;

use self::chunk::write_frame;
use self::desk::{Desk, Terms};
use self::driver::{Driver, LISTENER, WAKER};
use self::handshake::Identity;
use self::helm::Helm;
use self::link::Link;
use self::outgoing::NotTaken;
use self::peers::{News, Peers};
use super::local::{LocalMq, LocalMqEndpoint};
use super::{Mq, MqEvent, SendError};
use crate::directory::followed::{FollowedDirectory, Links};
use crate::directory::{Directory, NodeCard};
use crate::ids::{Address, ClusterId, NodeId};
use crate::limits::MQ_FRAME_BYTES_MAX;
use crate::msg::Body;
use crate::rng::Draws;
use crate::runtime::clock::Clock;
use crate::runtime::{Doorbell, Vigil};
use crate::wire;

pub use handshake::LinkRefusal;

/// The smallest window: the largest frame must go through it.
const WINDOW_BYTES_MIN: usize = 2 * MQ_FRAME_BYTES_MAX;
/// The longest and the shortest heartbeat.
const HEARTBEAT_MS: std::ops::RangeInclusive<u64> = 10..=60_000;
/// A peer is told what has been delivered after so much of a window.
const WORDS_PER_WINDOW: usize = 16;

/// What a node's links are made with.
#[derive(Clone)]
pub struct TcpMqConfig {
    /// The node.
    pub me: NodeId,
    /// Where other nodes reach it; port 0 is chosen by the operating system.
    pub listen: SocketAddr,
    /// The cluster; nodes of another one are refused.
    pub cluster: ClusterId,
    /// The secret of the cluster; nodes with another one are refused.
    pub key: [u8; 32],
    /// Milliseconds between signs of life on a silent link. After two of them without one, the
    /// connection is cut and dialled again.
    pub heartbeat_ms: u64,
    /// Milliseconds that a handshake may take.
    pub handshake_ms: u64,
    /// Bytes that may be under way to one peer, what it has not acknowledged included. At the
    /// limit `send` says `Full`.
    pub window_bytes_max: usize,
}

impl TcpMqConfig {
    /// A configuration with the usual durations and sizes.
    #[must_use]
    pub const fn new(me: NodeId, listen: SocketAddr, cluster: ClusterId, key: [u8; 32]) -> Self {
        let (heartbeat_ms, handshake_ms, window_bytes_max) = (500, 3_000, 8 << 20);
        Self { me, listen, cluster, key, heartbeat_ms, handshake_ms, window_bytes_max }
    }
}

/// Why a node has no links.
#[derive(Debug, Error)]
pub enum TcpMqError {
    /// A value of the configuration cannot be.
    #[error("{0}")]
    Config(&'static str),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system refuses something else that is needed.
    #[error("cannot prepare the links of the node")]
    System(#[from] io::Error),
}

/// The links of a node. Dropping it gives peers half a second to acknowledge what is under way,
/// then ends them.
#[derive(Debug)]
pub struct TcpMq {
    hub: Arc<Hub>,
    helm: Arc<Helm>,
    local_addr: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// The other node.
    pub peer: NodeId,
    /// There is a connection now.
    pub connected: bool,
    /// Connections that there have been.
    pub connections: u64,
    /// Frames that the peer has not acknowledged.
    pub frames: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Why the last attempt to connect failed, if one side refused.
    pub refusal: Option<LinkRefusal>,
}

impl TcpMq {
    /// Listens, and starts the thread of the links.
    ///
    /// # Errors
    /// [`TcpMqError`] says what the configuration or the operating system does not allow.
    pub fn start(config: TcpMqConfig) -> Result<Self, TcpMqError> {
        let (mut mq, watch) = Self::prepare(config)?;
        let (helm, name) = (Arc::clone(&mq.helm), format!("links-{}", mq.hub.me.node));
        mq.thread = Some(Builder::new().name(name).spawn(move || helm.run(watch))?);
        Ok(mq)
    }

    /// All but the thread, and what that watches.
    fn prepare(config: TcpMqConfig) -> Result<(Self, Poll), TcpMqError> {
        check(&config)?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (listener, local_addr) = listen(&poll, config.listen)
            .map_err(|source| TcpMqError::Listen { address: config.listen, source })?;
        let (me, window) = (config.me, config.window_bytes_max);
        let peers = Arc::new(Peers::new(me, window, Clock::started(0), waker));
        let local = LocalMq::with_away(Arc::clone(&peers) as _);
        let desk = Desk {
            identity: Identity { me, cluster: config.cluster, key: config.key },
            terms: Terms {
                heartbeat_ns: config.heartbeat_ms * 1_000_000,
                handshake_ns: config.handshake_ms * 1_000_000,
                untold_bytes_max: window / WORDS_PER_WINDOW,
            },
            peers: Arc::clone(&peers),
            local: local.clone(),
            jitter: Draws::new(seed()?, u64::from(me.node)),
        };
        let driver = Driver::new(poll, listener, desk);
        let (helm, watch) = Helm::new(Arc::clone(&peers), driver)?;
        let hub = Arc::new(Hub { me, peers, local });
        Ok((Self { hub, helm: Arc::new(helm), local_addr, thread: None }, watch))
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Binds a role of this node; whoever was bound to it before gets nothing more. `wake` is rung
    /// when something arrives while nothing waits; who waits for it works on the links meanwhile.
    #[must_use]
    pub fn bind(&self, address: Address, wake: Doorbell) -> TcpEndpoint {
        let helm: Arc<dyn Vigil> = Arc::clone(&self.helm) as _;
        wake.keep_vigil(Arc::downgrade(&helm));
        let local = self.hub.local.bind(address, wake);
        let hub = Arc::clone(&self.hub);
        let (links, unflushed) = (BTreeMap::new(), Vec::new());
        TcpEndpoint { hub, address, local, links, unflushed, frame: Vec::new() }
    }

    /// There is a node, and its links are reached at `link`. One that was gone stays gone.
    pub fn peer(&self, node: NodeId, link: SocketAddr) {
        self.hub.peer(node, link);
    }

    /// A node is gone for good: what it has not acknowledged comes back to the roles that sent
    /// it, and it can be sent nothing more.
    pub fn gone(&self, node: NodeId) {
        self.hub.gone(node);
    }

    /// Puts `directory` in charge of the peers: whoever polls it has the links follow, and the
    /// cards that are announced through it say that this node is reached at `advertised`.
    #[must_use]
    pub fn follow<D: Directory>(
        &self,
        directory: D,
        advertised: SocketAddr,
    ) -> FollowedDirectory<D, impl Links + use<D>> {
        let links = Arc::clone(&self.hub);
        FollowedDirectory::new(directory, links, self.hub.me, Some(advertised))
    }

    /// All links, ordered by peer.
    #[must_use]
    pub fn links(&self) -> Vec<LinkStatus> {
        self.hub.peers.links().iter().map(|link| status(link)).collect()
    }

    /// Its thread runs. If not, nothing can be sent to other nodes any more.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for TcpMq {
    fn drop(&mut self) {
        self.hub.peers.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(node = %self.hub.me, "the thread of the links had panicked");
        }
    }
}

/// A role's access to a [`TcpMq`]. Dropping it unbinds the role; what waits there goes back.
#[derive(Debug)]
pub struct TcpEndpoint {
    hub: Arc<Hub>,
    address: Address,
    local: LocalMqEndpoint,
    /// Links found so far, so that a send takes no lock but the link's.
    links: BTreeMap<NodeId, Found>,
    /// Nodes that were sent something since the last flush, each once.
    unflushed: Vec<NodeId>,
    /// The frame that is being sent; kept for its memory.
    frame: Vec<u8>,
}

/// A link as an endpoint knows it.
#[derive(Debug)]
struct Found {
    link: Arc<Link>,
    /// It was sent something since the last flush.
    unflushed: bool,
}

impl Mq for TcpEndpoint {
    fn send(&mut self, to: Address, body: Body) -> Result<(), SendError> {
        if to.node == self.hub.me {
            return self.local.send(to, body);
        }
        let Self { hub, address, links, unflushed, frame, .. } = self;
        let found = match links.entry(to.node) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => match hub.peers.find(to.node) {
                Some(link) => place.insert(Found { link, unflushed: false }),
                None => return Err(SendError::Gone(body)),
            },
        };
        write_frame(frame, (address.role, to.role), false, |b| wire::encode_onto(&body, b));
        if frame.len() > MQ_FRAME_BYTES_MAX {
            tracing::error!(%to, bytes = frame.len(), "a frame is too long to be sent");
            return Err(SendError::Full(body));
        }
        match found.link.send(frame, hub.peers.clock()) {
            Ok(left_to_thread) => {
                if left_to_thread {
                    hub.peers.order_flush(to.node);
                }
                if !std::mem::replace(&mut found.unflushed, true) {
                    unflushed.push(to.node);
                }
                Ok(())
            }
            Err(NotTaken::Full) => Err(SendError::Full(body)),
            Err(NotTaken::Closed) => {
                links.remove(&to.node);
                Err(SendError::Gone(body))
            }
        }
    }

    fn flush(&mut self) {
        let Self { hub, links, unflushed, .. } = self;
        for node in unflushed.drain(..) {
            // A link that is closed is forgotten, and has nothing left.
            let Some(found) = links.get_mut(&node) else { continue };
            found.unflushed = false;
            if found.link.flush_sent(hub.peers.clock()) {
                hub.peers.order_flush(node);
            }
        }
    }

    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>) {
        self.local.poll(limit, events);
        self.hub.peers.made_room();
    }

    fn waiting(&self) -> usize {
        self.local.waiting()
    }
}

impl Drop for TcpEndpoint {
    fn drop(&mut self) {
        self.flush();
    }
}

/// What the parts of a node's MQ share.
#[derive(Debug)]
struct Hub {
    me: NodeId,
    peers: Arc<Peers>,
    local: LocalMq,
}

impl Hub {
    fn peer(&self, node: NodeId, link: SocketAddr) {
        if self.peers.meet(node).is_some() {
            self.peers.order(node, News::At(link));
        }
    }

    fn gone(&self, node: NodeId) {
        self.peers.bury(node, &self.local);
        self.peers.order(node, News::Gone);
    }
}

impl Links for Arc<Hub> {
    fn seen(&self, card: &NodeCard) {
        if let Some(link) = card.link {
            Hub::peer(self, card.id, link);
        }
    }

    fn lost(&self, node: NodeId) {
        Hub::gone(self, node);
    }
}

fn check(config: &TcpMqConfig) -> Result<(), TcpMqError> {
    if !HEARTBEAT_MS.contains(&config.heartbeat_ms) {
        return Err(TcpMqError::Config("heartbeat_ms is not in 10..=60000"));
    }
    if !HEARTBEAT_MS.contains(&config.handshake_ms) {
        return Err(TcpMqError::Config("handshake_ms is not in 10..=60000"));
    }
    if config.window_bytes_max < WINDOW_BYTES_MIN {
        return Err(TcpMqError::Config("window_bytes_max is below two of the largest frames"));
    }
    Ok(())
}

fn listen(poll: &Poll, address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let local_addr = listener.local_addr()?;
    Ok((listener, local_addr))
}

fn seed() -> io::Result<u64> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(seed))
}

fn status(link: &Link) -> LinkStatus {
    let (connected, connections, refusal) =
        (link.is_connected(), link.connections(), link.refusal());
    let out = link.out();
    let (frames, bytes) = (out.frames(), out.bytes());
    LinkStatus { peer: link.peer(), connected, connections, frames, bytes, refusal }
}
