//! What has come from one other node: which frames are here, which wait until a role has room,
//! and what the sender is to be told. No IO and no clock.

use std::collections::VecDeque;

use bytes::Bytes;

use super::envelope::{Acknowledged, Frame, HEADER_BYTES, Header, Malformed};
use super::{LINK_BYTES_MAX, LINK_FRAMES_MAX};

/// What has come is acknowledged after so long at the latest.
const ACKNOWLEDGE_MS: u64 = 20;
/// After so many bytes it is acknowledged at once, so that the sender never waits for it.
const ACKNOWLEDGE_BYTES: usize = LINK_BYTES_MAX / 8;
/// The same in frames.
const ACKNOWLEDGE_FRAMES: u64 = LINK_FRAMES_MAX as u64 / 8;
/// Bytes that wait here for roles. A sender that keeps its own limits never exceeds it; what is
/// beyond is dropped, as if it had not come.
const PARKED_BYTES_MAX: usize = 4 * LINK_BYTES_MAX;

/// What a batch turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// New and next in order.
    Taken,
    /// Here already.
    Duplicate,
    /// Some before it are missing.
    Gap,
    /// There is no room.
    Dropped,
    /// Its numbers make no sense.
    Nonsense,
}

#[derive(Debug, Default)]
pub(super) struct Inbound {
    acknowledged: Acknowledged,
    parked: VecDeque<Parked>,
    parked_bytes: usize,
    /// Something is to be acknowledged, at the latest then.
    acknowledge_at_ms: Option<u64>,
    bytes_since: usize,
    told_settled: u64,
}

#[derive(Debug)]
struct Parked {
    bytes: Bytes,
    /// Where the next frame begins.
    at: usize,
    frames_left: u32,
}

impl Inbound {
    /// Takes a batch that has frames. `room` is false if all links together hold too much.
    pub(super) fn arrive(
        &mut self,
        now_ms: u64,
        header: &Header,
        bytes: Bytes,
        room: bool,
    ) -> Arrival {
        let next = self.acknowledged.received + 1;
        let Some(end) = header.first.checked_add(u64::from(header.frames)) else {
            return Arrival::Nonsense;
        };
        if header.first == 0 || header.frames == 0 {
            return Arrival::Nonsense;
        }
        if end <= next {
            self.acknowledge_at_ms = Some(now_ms);
            return Arrival::Duplicate;
        }
        if header.first > next {
            self.acknowledged.resend = true;
            self.acknowledge_at_ms = Some(now_ms);
            return Arrival::Gap;
        }
        if !room || self.parked_bytes + bytes.len() > PARKED_BYTES_MAX {
            return Arrival::Dropped;
        }
        let Some(at) = skip(&bytes, next - header.first) else { return Arrival::Nonsense };
        self.acknowledged.received = end - 1;
        self.acknowledged.resend = false;
        self.bytes_since += bytes.len();
        self.parked_bytes += bytes.len();
        let frames_left = u32::try_from(end - next).unwrap_or(header.frames);
        self.parked.push_back(Parked { bytes, at, frames_left });
        self.owe(now_ms);
        Arrival::Taken
    }

    /// The next frame that no role has yet.
    pub(super) fn peek(&self) -> Option<Result<(Frame<'_>, usize), Malformed>> {
        let front = self.parked.front()?;
        Some(Frame::read(&front.bytes[front.at..]))
    }

    /// A role has the next frame, which took `len` bytes, or it is on its way back.
    pub(super) fn settle(&mut self, len: usize) {
        self.acknowledged.settled += 1;
        if let Some(front) = self.parked.front_mut() {
            front.at += len;
            front.frames_left -= 1;
            if front.frames_left == 0 {
                self.drop_front();
            }
        }
    }

    /// The rest of the next batch cannot be read; it counts as settled. Says how many frames.
    pub(super) fn give_up_batch(&mut self) -> u64 {
        let lost = self.parked.front().map_or(0, |front| u64::from(front.frames_left));
        self.acknowledged.settled += lost;
        self.drop_front();
        lost
    }

    /// After frames were settled: the sender is to learn it.
    pub(super) fn owe(&mut self, now_ms: u64) {
        let frames_since = self.acknowledged.settled - self.told_settled;
        let at_once = self.bytes_since >= ACKNOWLEDGE_BYTES || frames_since >= ACKNOWLEDGE_FRAMES;
        let at_ms = if at_once { now_ms } else { now_ms + ACKNOWLEDGE_MS };
        let before = self.acknowledge_at_ms.unwrap_or(u64::MAX);
        self.acknowledge_at_ms = Some(before.min(at_ms));
    }

    /// The sender is to learn now how far this is.
    pub(super) fn owe_now(&mut self) {
        self.acknowledge_at_ms = Some(0);
    }

    /// What to tell the sender.
    pub(super) const fn acknowledged(&self) -> Acknowledged {
        self.acknowledged
    }

    /// Something is owed at all; or has to be told now.
    pub(super) fn owes(&self, now_ms: Option<u64>) -> bool {
        self.acknowledge_at_ms.is_some_and(|at_ms| now_ms.is_none_or(|now_ms| now_ms >= at_ms))
    }

    /// The sender is being told, with a frame or, if `resend` matters, without.
    pub(super) fn told(&mut self) {
        self.acknowledge_at_ms = None;
        self.acknowledged.resend = false;
        self.bytes_since = 0;
        self.told_settled = self.acknowledged.settled;
    }

    /// Bytes that wait for roles.
    pub(super) const fn parked_bytes(&self) -> usize {
        self.parked_bytes
    }

    fn drop_front(&mut self) {
        if let Some(front) = self.parked.pop_front() {
            self.parked_bytes -= front.bytes.len();
        }
    }
}

/// Where the frames begin after the first `count` of them.
fn skip(bytes: &[u8], count: u64) -> Option<usize> {
    let mut at = HEADER_BYTES;
    for _ in 0..count {
        let (_, len) = Frame::read(&bytes[at..]).ok()?;
        at += len;
    }
    Some(at)
}
