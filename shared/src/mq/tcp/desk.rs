//! What the work on the links of a node needs, whoever does it.

use std::sync::Arc;

use super::handshake::Identity;
use super::line::Post;
use super::peers::Peers;
use crate::mq::local::LocalMq;
use crate::rng::Draws;

/// Durations and sizes of the links.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) heartbeat_ns: u64,
    pub(super) handshake_ns: u64,
    pub(super) untold_bytes_max: usize,
}

/// What does not change while a node runs.
pub(super) struct Desk {
    pub(super) identity: Identity,
    pub(super) terms: Terms,
    pub(super) peers: Arc<Peers>,
    pub(super) local: LocalMq,
    pub(super) jitter: Draws,
}

impl Desk {
    /// What a line gets of it, at the time `now_ns`.
    pub(super) fn post(&self, now_ns: u64) -> Post<'_> {
        let Self { peers, local, terms, .. } = self;
        let (heartbeat_ns, untold_bytes_max) = (terms.heartbeat_ns, terms.untold_bytes_max);
        Post { peers, local, now_ns, heartbeat_ns, untold_bytes_max }
    }
}
