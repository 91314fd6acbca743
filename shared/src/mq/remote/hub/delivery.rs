//! The way of what has come: from a batch into the inboxes of roles, or back to its sender.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::super::FRAME_BYTES_MAX;
use super::super::envelope::{Frame, Header};
use super::super::inbound::{Arrival, Inbound};
use super::super::inbox::{Inbox, Room};
use super::super::outbound::Refused;
use super::super::peer::{Heard, Peer};
use super::{Hub, count, index, lock, warn_of_lost};
use crate::ids::{Address, Role};
use crate::mq::MqEvent;
use crate::msg::Body;
use crate::wire;

/// Frames handed to a role under one lock.
const RUN_FRAMES_MAX: usize = 512;
/// Bytes that wait for roles, of all links together. Beyond it batches are dropped as if they had
/// not come, so their senders try again later.
const PARKED_BYTES_MAX: usize = 128 << 20;

impl Hub {
    /// Takes the frames of a batch. Says whether the sender is to be told something at once.
    pub(super) fn arrive(
        &self,
        peer: &Arc<Peer>,
        now_ms: u64,
        header: &Header,
        bytes: Bytes,
    ) -> bool {
        let room = self.parked_bytes.load(Ordering::Relaxed) < PARKED_BYTES_MAX;
        let mut inbound = peer.inbound();
        let before = inbound.parked_bytes();
        match inbound.arrive(now_ms, header, bytes, room) {
            Arrival::Taken => self.deliver(peer, &mut inbound),
            Arrival::Duplicate => count(&self.counters.duplicates),
            Arrival::Gap => {
                count(&self.counters.gaps);
                metrics::counter!("cohort_mq_gaps_total").increment(1);
            }
            Arrival::Dropped => {
                metrics::counter!("cohort_mq_batches_without_room_total").increment(1);
            }
            Arrival::Nonsense => self.malformed(&format!("numbers from {}", peer.node)),
        }
        // The next look after the links counts it anew.
        let more = inbound.parked_bytes().saturating_sub(before);
        self.parked_bytes.fetch_add(more, Ordering::Relaxed);
        inbound.owe(now_ms);
        inbound.owes(Some(now_ms))
    }

    /// Hands over what waits, as far as there is room.
    pub(super) fn deliver(&self, peer: &Arc<Peer>, inbound: &mut Inbound) {
        let mut run = lock(&self.run);
        while let Some(next) = inbound.peek() {
            let to = match next {
                Ok((frame, _)) => frame.to,
                Err(error) => {
                    let lost = inbound.give_up_batch();
                    tracing::error!(from = %peer.node, %error, lost, "frames cannot be read");
                    self.malformed("a frame");
                    continue;
                }
            };
            let inbox = lock(&self.inboxes)[index(to)].clone();
            let room = match inbox.as_ref().map_or(Room::Closed, |inbox: &Arc<Inbox>| inbox.room())
            {
                Room::For(room) => room.min(RUN_FRAMES_MAX),
                Room::Closed => RUN_FRAMES_MAX,
                Room::Full => return,
            };
            while run.len() < room
                && let Some(Ok((frame, len))) = inbound.peek()
                && frame.to == to
            {
                run.extend(self.event(peer, &frame));
                inbound.settle(len);
            }
            if let Some(inbox) = inbox {
                inbox.extend(&mut run);
            }
            // What is left met a closed inbox.
            let mut lost = 0;
            for event in run.drain(..) {
                let MqEvent::Frame { from, body } = event else { continue };
                lost += u64::from(!self.give_back(from, to, &body));
            }
            warn_of_lost(Address { node: self.me, role: to }, lost);
        }
    }

    /// The event of a frame. One that cannot be read goes back as it is.
    fn event(&self, peer: &Arc<Peer>, frame: &Frame<'_>) -> Option<MqEvent> {
        let from = Address { node: peer.node, role: frame.from };
        match wire::decode(frame.body, FRAME_BYTES_MAX) {
            Ok(body) if frame.returned => Some(MqEvent::Unsent { to: from, body }),
            Ok(body) => Some(MqEvent::Frame { from, body }),
            Err(error) => {
                self.malformed(&format!("a frame of {from}: {error}"));
                if !frame.returned {
                    let bytes = frame.body;
                    let write = |batch: &mut Vec<u8>| batch.extend_from_slice(bytes);
                    let back = peer.outbound().accept((frame.to, frame.from), true, write);
                    warn_of_lost(from, u64::from(back.is_err()));
                    self.enqueue(peer);
                }
                None
            }
        }
    }

    /// Sends a frame back that the role here did not take. False if it is lost.
    pub(super) fn give_back(&self, sender: Address, role: Role, body: &Body) -> bool {
        // Nobody is left to be told if the sender is gone.
        let Some(peer) = self.known(sender.node, Heard::Of) else { return true };
        let write = |batch: &mut Vec<u8>| wire::encode_onto(body, batch);
        let back = peer.outbound().accept((role, sender.role), true, write);
        self.enqueue(&peer);
        matches!(back, Ok(()) | Err(Refused::Closed))
    }
}
