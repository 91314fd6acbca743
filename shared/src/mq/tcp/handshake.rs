//! The handshake of a connection: both sides prove that they have the cluster's key, and say how
//! far they have come. Knows no socket.
//!
//! ```text
//! dialer                                            acceptor
//!   hello   magic, version, cluster, both ids, nonce  ->
//!     <-  answer  code, id, nonce, proof over hello and answer
//!   proof   received, proof over all of it            ->
//!     <-  ready   code, received, proof over all of it
//! ```
//! A proof is a keyed BLAKE3 hash with a label of its own. The nonces are fresh on both sides, so
//! nothing of an earlier handshake passes, and the seeds of the checksums differ each time.

use blake3::{Hash, Hasher};
use thiserror::Error;

use crate::ids::{ClusterId, NodeId};

pub(super) const HELLO_BYTES: usize = MAGIC.len() + 2 + 8 + 2 * ID_BYTES + NONCE_BYTES;
pub(super) const ANSWER_BYTES: usize = 1 + ID_BYTES + NONCE_BYTES + PROOF_BYTES;
pub(super) const PROVE_BYTES: usize = 8 + PROOF_BYTES;
pub(super) const READY_BYTES: usize = 1 + 8 + PROOF_BYTES;
pub(super) const NONCE_BYTES: usize = 32;

/// What a link of ours begins with.
pub(super) const MAGIC: [u8; 8] = *b"\x89cohort\n";
/// Version of everything that follows. Only the same one is understood.
const VERSION: u16 = 1;
const ID_BYTES: usize = 6;
const PROOF_BYTES: usize = 32;
const CODE_FINE: u8 = 0;

/// Why a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LinkRefusal {
    /// The peer speaks another version of the protocol.
    #[error("the peer speaks another version of the link protocol")]
    Version,
    /// The peer belongs to another cluster.
    #[error("the peer belongs to another cluster")]
    Cluster,
    /// The peer has another cluster key.
    #[error("the peer has another cluster key")]
    Key,
    /// Another node listens there.
    #[error("another node listens at this address")]
    Node,
    /// The node has been restarted: this incarnation is dead.
    #[error("the node is in another incarnation")]
    Incarnation,
    /// The peer has been told that this node is gone.
    #[error("the peer takes this node for dead")]
    Gone,
    /// The peer no longer knows how far it had come, or we do not.
    #[error("the place in the sequence of frames is lost")]
    Place,
    /// Both sides have dialled; the other connection stays.
    #[error("the other side's connection is used")]
    Crossing,
}

impl LinkRefusal {
    const ALL: [Self; 8] = [
        Self::Version,
        Self::Cluster,
        Self::Key,
        Self::Node,
        Self::Incarnation,
        Self::Gone,
        Self::Place,
        Self::Crossing,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Version => 1,
            Self::Cluster => 2,
            Self::Key => 3,
            Self::Node => 4,
            Self::Incarnation => 5,
            Self::Gone => 6,
            Self::Place => 7,
            Self::Crossing => 8,
        }
    }

    /// A code that this version does not know is that of another version.
    fn of(code: u8) -> Self {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code).unwrap_or(Self::Version)
    }
}

/// Who we are, for all handshakes.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) me: NodeId,
    pub(super) cluster: ClusterId,
    pub(super) key: [u8; 32],
}

/// What both sides agree on at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The peer has received all of our frames up to this number.
    pub(super) peer_received: u64,
    /// Seed of the checksums that we write.
    pub(super) seed_out: u64,
    /// Seed of the checksums that we read.
    pub(super) seed_in: u64,
}

/// The dialling side.
#[derive(Debug)]
pub(super) struct Dialer {
    hasher: Hasher,
    peer: NodeId,
}

impl Dialer {
    /// The first message to `peer`.
    pub(super) fn hello(
        identity: &Identity,
        peer: NodeId,
        nonce: &[u8; NONCE_BYTES],
    ) -> (Self, [u8; HELLO_BYTES]) {
        let hello = hello_bytes(VERSION, identity, peer, nonce);
        let mut hasher = Hasher::new_keyed(&identity.key);
        hasher.update(&hello);
        (Self { hasher, peer }, hello)
    }

    /// Takes the answer. `received` is the number of the last frame that came from the peer.
    pub(super) fn prove(
        &mut self,
        answer: &[u8; ANSWER_BYTES],
        received: u64,
    ) -> Result<[u8; PROVE_BYTES], LinkRefusal> {
        let (said, proof) = split::<{ ANSWER_BYTES - PROOF_BYTES }, PROOF_BYTES>(answer);
        self.hasher.update(&said);
        let is_proved = proves(&self.hasher, "answer", proof);
        if said[0] != CODE_FINE {
            let refusal = LinkRefusal::of(said[0]);
            // Such an answer ends a link, so whoever gives it has to prove who it is.
            let is_forged = refusal == LinkRefusal::Incarnation && !is_proved;
            return Err(if is_forged { LinkRefusal::Key } else { refusal });
        }
        if !is_proved {
            return Err(LinkRefusal::Key);
        }
        if said[1..][..ID_BYTES] != id_bytes(self.peer) {
            return Err(LinkRefusal::Node);
        }
        let mut message = [0; PROVE_BYTES];
        message[..8].copy_from_slice(&received.to_le_bytes());
        self.hasher.update(&message[..8]);
        message[8..].copy_from_slice(proof_of(&self.hasher, "proof").as_bytes());
        Ok(message)
    }

    /// Takes the last message.
    pub(super) fn agree(mut self, ready: &[u8; READY_BYTES]) -> Result<Agreed, LinkRefusal> {
        let (said, proof) = split::<{ READY_BYTES - PROOF_BYTES }, PROOF_BYTES>(ready);
        self.hasher.update(&said);
        if !proves(&self.hasher, "ready", proof) {
            return Err(LinkRefusal::Key);
        }
        if said[0] != CODE_FINE {
            return Err(LinkRefusal::of(said[0]));
        }
        let peer_received = said[1..].first_chunk().map_or(0, |n| u64::from_le_bytes(*n));
        let (seed_out, seed_in) = seeds(&self.hasher);
        Ok(Agreed { peer_received, seed_out, seed_in })
    }
}

/// The accepting side.
#[derive(Debug)]
pub(super) struct Acceptor {
    hasher: Hasher,
    peer: NodeId,
}

impl Acceptor {
    /// Takes the first message. The answer goes out in any case; with a refusal the connection
    /// ends then.
    pub(super) fn answer(
        identity: &Identity,
        hello: &[u8; HELLO_BYTES],
        nonce: &[u8; NONCE_BYTES],
    ) -> ([u8; ANSWER_BYTES], Result<Self, LinkRefusal>) {
        let mut hasher = Hasher::new_keyed(&identity.key);
        hasher.update(hello);
        let peer = greeted(identity, hello);
        let mut answer = [0; ANSWER_BYTES];
        answer[0] = peer.err().map_or(CODE_FINE, LinkRefusal::code);
        answer[1..][..ID_BYTES].copy_from_slice(&id_bytes(identity.me));
        answer[1 + ID_BYTES..][..NONCE_BYTES].copy_from_slice(nonce);
        hasher.update(&answer[..ANSWER_BYTES - PROOF_BYTES]);
        let proof = proof_of(&hasher, "answer");
        answer[ANSWER_BYTES - PROOF_BYTES..].copy_from_slice(proof.as_bytes());
        (answer, peer.map(|peer| Self { hasher, peer }))
    }

    /// Takes the dialler's proof; who it is, and how much it has received.
    pub(super) fn check(
        &mut self,
        message: &[u8; PROVE_BYTES],
    ) -> Result<(NodeId, u64), LinkRefusal> {
        let (said, proof) = split::<8, PROOF_BYTES>(message);
        self.hasher.update(&said);
        if !proves(&self.hasher, "proof", proof) {
            return Err(LinkRefusal::Key);
        }
        Ok((self.peer, u64::from_le_bytes(said)))
    }

    /// The last message. `received` is the number of the last frame that came from the peer.
    pub(super) fn ready(
        mut self,
        received: u64,
        peer_received: u64,
    ) -> ([u8; READY_BYTES], Agreed) {
        let ready = self.last(CODE_FINE, received);
        let (seed_in, seed_out) = seeds(&self.hasher);
        (ready, Agreed { peer_received, seed_out, seed_in })
    }

    /// The last message when there is no link.
    pub(super) fn refuse(mut self, refusal: LinkRefusal) -> [u8; READY_BYTES] {
        self.last(refusal.code(), 0)
    }

    fn last(&mut self, code: u8, received: u64) -> [u8; READY_BYTES] {
        let mut message = [0; READY_BYTES];
        message[0] = code;
        message[1..9].copy_from_slice(&received.to_le_bytes());
        self.hasher.update(&message[..9]);
        message[9..].copy_from_slice(proof_of(&self.hasher, "ready").as_bytes());
        message
    }
}

/// Who greets, and whether it wants to us.
fn greeted(identity: &Identity, hello: &[u8; HELLO_BYTES]) -> Result<NodeId, LinkRefusal> {
    let (_magic, rest) = hello.split_at(MAGIC.len());
    let (version, rest) = rest.split_at(2);
    let (cluster, rest) = rest.split_at(8);
    let (from, rest) = rest.split_at(ID_BYTES);
    let to = &rest[..ID_BYTES];
    if version != VERSION.to_le_bytes() {
        return Err(LinkRefusal::Version);
    }
    if cluster != identity.cluster.0.to_le_bytes() {
        return Err(LinkRefusal::Cluster);
    }
    let (from, to) = (id_of(from), id_of(to));
    if to.node != identity.me.node || from.node == identity.me.node {
        return Err(LinkRefusal::Node);
    }
    if to.incarnation != identity.me.incarnation {
        return Err(LinkRefusal::Incarnation);
    }
    Ok(from)
}

fn hello_bytes(
    version: u16,
    identity: &Identity,
    peer: NodeId,
    nonce: &[u8; NONCE_BYTES],
) -> [u8; HELLO_BYTES] {
    let cluster = identity.cluster.0.to_le_bytes();
    let (me, peer) = (id_bytes(identity.me), id_bytes(peer));
    let parts: [&[u8]; 6] = [&MAGIC, &version.to_le_bytes(), &cluster, &me, &peer, nonce];
    let mut bytes = [0; HELLO_BYTES];
    let mut rest = &mut bytes[..];
    for part in parts {
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
    }
    bytes
}

fn id_bytes(id: NodeId) -> [u8; ID_BYTES] {
    let (node, life) = (id.node.to_le_bytes(), id.incarnation.to_le_bytes());
    [node[0], node[1], life[0], life[1], life[2], life[3]]
}

fn id_of(bytes: &[u8]) -> NodeId {
    let node = bytes.first_chunk().map_or(0, |two| u16::from_le_bytes(*two));
    let incarnation = bytes.last_chunk().map_or(0, |four| u32::from_le_bytes(*four));
    NodeId { node, incarnation }
}

fn proof_of(hasher: &Hasher, label: &str) -> Hash {
    hasher.clone().update(label.as_bytes()).finalize()
}

/// Takes the same time whatever is wrong: hashes are compared so.
fn proves(hasher: &Hasher, label: &str, proof: [u8; PROOF_BYTES]) -> bool {
    proof_of(hasher, label) == Hash::from_bytes(proof)
}

/// The seeds of what the dialler and what the acceptor writes.
fn seeds(hasher: &Hasher) -> (u64, u64) {
    let seed = |label| {
        let hash = proof_of(hasher, label);
        hash.as_bytes().first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
    };
    (seed("dialer's checksums"), seed("acceptor's checksums"))
}

fn split<const A: usize, const B: usize>(bytes: &[u8]) -> ([u8; A], [u8; B]) {
    let (mut head, mut tail) = ([0; A], [0; B]);
    head.copy_from_slice(&bytes[..A]);
    tail.copy_from_slice(&bytes[A..]);
    (head, tail)
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
