//! How late something is that another node sent, without a clock that both share.
//!
//! A sender writes its own time onto what it sends. Arrival less sending is the way plus the
//! difference of the two clocks; the smallest such value of the last minutes is that of something
//! that did not have to wait. What is above it was waiting: on a cut link, in a queue, in a paused
//! process (the measure of one-way delay variation, RFC 3393). Clocks that drift apart by one in a
//! thousand move the estimate by a quarter of a second within its window.

use std::collections::BTreeMap;

use crate::ids::NodeId;
use crate::msg::head::Head;

/// How long a smallest value counts: for one to two windows, in ms.
const WINDOW_MS: u64 = 120_000;
/// Senders that are judged; the directory has no more nodes. What others send is never late.
const PEERS_MAX: usize = 4_096;

/// Judges what other nodes send.
#[derive(Clone, Debug, Default)]
pub struct Lateness {
    peers: BTreeMap<NodeId, Peer>,
}

/// Of one sender the smallest difference in this window and in the one before.
#[derive(Clone, Copy, Debug)]
struct Peer {
    now: i128,
    before: i128,
    ends_ms: u64,
}

impl Lateness {
    /// How many ms something has waited that `from` sent at its own time `sent_ms` and that is
    /// here at the own time `now_ms`. The first of a sender counts as on time.
    pub fn of(&mut self, from: NodeId, sent_ms: u64, now_ms: u64) -> u64 {
        let difference = i128::from(now_ms) - i128::from(sent_ms);
        let room = self.peers.len() < PEERS_MAX;
        if !room && !self.peers.contains_key(&from) {
            return 0;
        }
        let ends_ms = now_ms.saturating_add(WINDOW_MS);
        let new = Peer { now: difference, before: difference, ends_ms };
        let peer = self.peers.entry(from).or_insert(new);
        if now_ms >= peer.ends_ms {
            *peer = Peer { now: difference, before: peer.now, ends_ms };
        }
        peer.now = peer.now.min(difference);
        u64::try_from(difference - peer.now.min(peer.before)).unwrap_or(0)
    }

    /// Whether nobody waits for the answer to a request of `from` any more.
    pub fn is_over(&mut self, from: NodeId, head: &Head, now_ms: u64) -> bool {
        self.of(from, head.sent_ms, now_ms) > head.budget_ms.into()
    }

    /// A node is gone for good.
    pub fn node_gone(&mut self, node: NodeId) {
        self.peers.remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = NodeId { node: 1, incarnation: 1 };

    #[test]
    fn what_waited_longer_than_others_is_late_whatever_the_clocks_say() {
        let mut lateness = Lateness::default();
        // The sender's clock is an hour ahead, or the receiver's is; the way takes 5 ms.
        for (sender, receiver) in [(3_600_000, 0), (0, 3_600_000)] {
            lateness.node_gone(PEER);
            let mut at = |sent: u64, waited: u64| {
                lateness.of(PEER, sender + sent, receiver + sent + 5 + waited)
            };
            assert_eq!(at(0, 20), 0, "nothing to compare it with");
            assert_eq!(at(100, 0), 0);
            assert_eq!(at(200, 20), 20);
            assert_eq!(at(300, 12_000), 12_000);
        }
    }

    #[test]
    fn clocks_that_drift_apart_are_followed() {
        let mut lateness = Lateness::default();
        for second in 0..3_600_u64 {
            let late = lateness.of(PEER, second * 1_000, second * 1_001);
            assert!(late <= 2 * WINDOW_MS / 1_000, "after {second} s: {late} ms");
        }
    }

    #[test]
    fn the_number_of_senders_is_bounded() {
        let mut lateness = Lateness::default();
        for n in 0..=PEERS_MAX {
            let incarnation = u32::try_from(n).expect("small");
            lateness.of(NodeId { node: 1, incarnation }, 0, 0);
        }
        assert_eq!(lateness.peers.len(), PEERS_MAX);
    }
}
