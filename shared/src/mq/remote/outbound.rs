//! What is on its way to one other node: a window of frames that are kept until that node has
//! acknowledged them. No IO and no clock: the caller says what time it is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::envelope::{Acknowledged, Frame, HEADER_BYTES, Header};
use super::{BATCH_BYTES, FRAME_BYTES_MAX, HELD_BYTES_MAX, LINK_BYTES_MAX, LINK_FRAMES_MAX};
use crate::ids::Role;
use crate::msg::Body;
use crate::wire;

/// Without an acknowledgement for so long, what is on the way is sent again.
const RESEND_MS: u64 = 250;
/// That wait doubles with every repetition, up to this.
const RESEND_MS_MAX: u64 = 4_000;
/// Bytes on the way at most after many losses in a row. A loss halves the bound, an
/// acknowledgement raises it again by what it covers, up to `LINK_BYTES_MAX`.
const FLIGHT_BYTES_MIN: usize = 256 << 10;
/// Batches on the way at most. A loss halves what is on the way; each time so many have arrived
/// again, the bound grows by one. So a receiver that takes one at a time is sent one at a time.
const FLIGHT_BATCHES_MAX: usize = 4_096;
const FLIGHT_BATCHES_PASSED: usize = 8;
/// Frames for a node that nobody has shown or heard of come back after so long.
pub(super) const UNKNOWN_NODE_MS: u64 = 5_000;
/// Frames that come back to their sender may use so many times the room of a link, so that they
/// are not lost because the link is full. Beyond it they are.
const RETURN_FACTOR: usize = 2;
/// Bytes reserved for a batch at least.
const BATCH_BYTES_RESERVED_MIN: usize = 512;

/// Why a frame was not accepted. Nothing of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A limit is reached.
    Full,
    /// It is longer than `FRAME_BYTES_MAX`.
    TooLong,
    /// The node is gone.
    Closed,
}

/// What a look at the time shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing is kept.
    Nothing,
    /// Something is kept, but nothing is to be done.
    Later,
    /// Something is to be sent.
    Send,
    /// The node never showed up.
    GiveUp,
}

/// A frame that was accepted and not acknowledged: roles from and to, and what it says.
pub(super) type Unsettled = (Role, Role, Body);

#[derive(Debug)]
pub(super) struct Outbound {
    state: State,
    /// Oldest first. The first `received_batches` are with the receiver already.
    batches: VecDeque<Batch>,
    received_batches: usize,
    /// The first batch to be sent, or to be sent again.
    next: usize,
    /// Number of the last frame that was accepted, and of the last one that was ever sent.
    last: u64,
    sent: u64,
    acknowledged: Acknowledged,
    /// Bytes of all batches, and their part that counts in `held`.
    bytes: usize,
    held: Arc<AtomicUsize>,
    flight_bytes: usize,
    flight_bytes_max: usize,
    flight_batches_max: usize,
    batches_passed: usize,
    resend_at_ms: Option<u64>,
    resend_ms: u64,
    /// What came up to this number is sent again already; a further gap before is no news.
    recovering: u64,
    hold_until_ms: u64,
    reserve_bytes: usize,
    pub(super) resends: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has shown the node; nothing leaves.
    Unknown {
        give_up_at_ms: Option<u64>,
    },
    Open,
    Closed,
}

#[derive(Debug)]
struct Batch {
    /// Number of the first frame.
    first: u64,
    frames: u32,
    bytes: BatchBytes,
    /// What it counts in `held`.
    counted: usize,
}

#[derive(Debug)]
enum BatchBytes {
    /// With room for the header; the last batch takes further frames.
    Open(Vec<u8>),
    /// As it goes to the broker.
    Sealed(Bytes),
}

impl Outbound {
    /// A link to a node. `held` counts the bytes of all links.
    pub(super) fn new(known: bool, held: Arc<AtomicUsize>) -> Self {
        let state = if known { State::Open } else { State::Unknown { give_up_at_ms: None } };
        Self {
            state,
            batches: VecDeque::new(),
            received_batches: 0,
            next: 0,
            last: 0,
            sent: 0,
            acknowledged: Acknowledged::default(),
            bytes: 0,
            held,
            flight_bytes: 0,
            flight_bytes_max: LINK_BYTES_MAX,
            flight_batches_max: FLIGHT_BATCHES_MAX,
            batches_passed: 0,
            resend_at_ms: None,
            resend_ms: RESEND_MS,
            recovering: 0,
            hold_until_ms: 0,
            reserve_bytes: 0,
            resends: 0,
        }
    }

    /// Accepts a frame whose body `write` appends.
    pub(super) fn accept(
        &mut self,
        roles: (Role, Role),
        returned: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Refused> {
        if self.state == State::Closed {
            return Err(Refused::Closed);
        }
        let factor = if returned { RETURN_FACTOR } else { 1 };
        if self.bytes >= LINK_BYTES_MAX * factor || self.frames_kept() >= LINK_FRAMES_MAX * factor {
            return Err(Refused::Full);
        }
        let takes_more = self.batches.back().is_some_and(Batch::takes_more);
        if !takes_more {
            self.open_batch(factor)?;
        }
        let Some(Batch { bytes: BatchBytes::Open(bytes), frames, .. }) = self.batches.back_mut()
        else {
            return Err(Refused::Full);
        };
        let start = bytes.len();
        // Roles hand no trace context down yet; the layout has room for it.
        let body_bytes = Frame::append(bytes, roles, returned, None, write);
        if body_bytes > FRAME_BYTES_MAX {
            bytes.truncate(start);
            if *frames == 0 {
                self.batches.pop_back();
            }
            return Err(Refused::TooLong);
        }
        *frames += 1;
        self.bytes += bytes.len() - start;
        self.last += 1;
        Ok(())
    }

    /// The next batch to go out, and whether it goes for the first time: then it carries the
    /// acknowledgement of `stamp`.
    pub(super) fn take(&mut self, now_ms: u64, stamp: Header) -> Option<(Bytes, bool)> {
        if !self.may_send(now_ms) {
            return None;
        }
        let batch = &mut self.batches[self.next];
        let fresh = matches!(batch.bytes, BatchBytes::Open(_));
        let bytes = batch.seal(stamp);
        if fresh {
            batch.count(&self.held);
            self.reserve_bytes = bytes.len();
        }
        self.sent = self.sent.max(batch.last());
        self.flight_bytes += bytes.len();
        self.next += 1;
        self.resend_at_ms.get_or_insert(now_ms + self.resend_ms);
        Some((bytes, fresh))
    }

    /// A batch waits that takes no more frames.
    pub(super) fn has_whole_batch(&self) -> bool {
        self.next < self.batches.len() && {
            self.next + 1 < self.batches.len() || !self.batches[self.next].takes_more()
        }
    }

    /// The next batch to go out was out before.
    pub(super) fn next_is_repeated(&self) -> bool {
        self.batches.get(self.next).is_some_and(|b| matches!(b.bytes, BatchBytes::Sealed(_)))
    }

    /// The receiver says how far it is. An older word than known, or one about frames that were
    /// never sent, changes nothing.
    pub(super) fn acknowledge(&mut self, now_ms: u64, acknowledged: Acknowledged) {
        let Acknowledged { received, settled, resend } = acknowledged;
        if received > self.sent || settled > received {
            return;
        }
        if received > self.acknowledged.received {
            self.acknowledged.received = received;
            self.pass_received();
            self.resend_ms = RESEND_MS;
            let waits = self.next > self.received_batches;
            self.resend_at_ms = waits.then_some(now_ms + self.resend_ms);
        }
        self.acknowledged.settled = self.acknowledged.settled.max(settled);
        while self.batches.front().is_some_and(|b| b.last() <= self.acknowledged.settled) {
            self.drop_first();
        }
        let is_news = received == self.acknowledged.received && received >= self.recovering;
        if resend && is_news && self.next > self.received_batches {
            self.lose();
        }
    }

    /// Looks at the time.
    pub(super) fn look(&mut self, now_ms: u64) -> Due {
        match &mut self.state {
            State::Closed => return Due::Nothing,
            State::Unknown { give_up_at_ms } => {
                let at_ms = *give_up_at_ms.get_or_insert(now_ms + UNKNOWN_NODE_MS);
                return if now_ms >= at_ms { Due::GiveUp } else { Due::Later };
            }
            State::Open => {}
        }
        if self.resend_at_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.resend_ms = (self.resend_ms * 2).min(RESEND_MS_MAX);
            self.lose();
        }
        match (self.may_send(now_ms), self.batches.is_empty()) {
            (true, _) => Due::Send,
            (false, false) => Due::Later,
            (false, true) => Due::Nothing,
        }
    }

    /// Something would go out now.
    pub(super) fn may_send(&self, now_ms: u64) -> bool {
        let Some(batch) = self.batches.get(self.next) else { return false };
        let fits = self.flight_bytes + batch.len() <= self.flight_bytes_max
            && self.flight_batches() < self.flight_batches_max;
        self.state == State::Open
            && now_ms >= self.hold_until_ms
            && (fits || self.flight_bytes == 0)
    }

    /// All that was accepted is with the receiver's roles.
    pub(super) fn is_settled(&self) -> bool {
        self.batches.is_empty()
    }

    /// The node is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// The node is there. Says whether that is news.
    pub(super) fn confirm(&mut self) -> bool {
        let is_news = matches!(self.state, State::Unknown { .. });
        if is_news {
            self.state = State::Open;
        }
        is_news
    }

    /// Nothing goes out for a while: the broker takes no more for this node.
    pub(super) fn hold(&mut self, until_ms: u64) {
        self.hold_until_ms = until_ms;
    }

    /// All that is not with the receiver goes out again: the broker did not take it,
    pub(super) fn rewind(&mut self) {
        self.next = self.received_batches;
        self.flight_bytes = 0;
        self.resend_at_ms = None;
    }

    /// or may have lost it with the connection.
    pub(super) fn lose_connection(&mut self) {
        self.resends += u64::from(self.next > self.received_batches);
        self.rewind();
    }

    /// Accepts nothing more, and gives back what was not acknowledged by the receiver's roles, in
    /// order. Frames that came back from here are left out: their sender is gone.
    pub(super) fn close(&mut self) -> Vec<Unsettled> {
        self.state = State::Closed;
        let mut unsettled = Vec::new();
        while let Some(batch) = self.batches.front() {
            batch.collect_after(self.acknowledged.settled, &mut unsettled);
            self.drop_first();
        }
        unsettled
    }

    fn frames_kept(&self) -> usize {
        usize::try_from(self.last - self.acknowledged.settled).unwrap_or(usize::MAX)
    }

    const fn flight_batches(&self) -> usize {
        self.next.saturating_sub(self.received_batches)
    }

    fn open_batch(&mut self, factor: usize) -> Result<(), Refused> {
        if let Some(before) = self.batches.back_mut() {
            before.count(&self.held);
            if self.held.load(Ordering::Relaxed) >= HELD_BYTES_MAX * factor {
                return Err(Refused::Full);
            }
            self.reserve_bytes = before.len();
        }
        let reserve = self.reserve_bytes.clamp(BATCH_BYTES_RESERVED_MIN, BATCH_BYTES);
        let mut bytes = Vec::with_capacity(reserve + reserve / 8);
        bytes.resize(HEADER_BYTES, 0);
        let (first, bytes) = (self.last + 1, BatchBytes::Open(bytes));
        self.batches.push_back(Batch { first, frames: 0, bytes, counted: 0 });
        Ok(())
    }

    fn pass_received(&mut self) {
        while let Some(batch) = self.batches.get(self.received_batches) {
            if batch.last() > self.acknowledged.received {
                break;
            }
            let bytes = batch.len();
            self.flight_bytes_max = (self.flight_bytes_max + bytes).min(LINK_BYTES_MAX);
            if self.received_batches < self.next {
                self.flight_bytes = self.flight_bytes.saturating_sub(bytes);
            }
            self.received_batches += 1;
            self.batches_passed += 1;
        }
        let more = self.batches_passed / FLIGHT_BATCHES_PASSED;
        self.batches_passed %= FLIGHT_BATCHES_PASSED;
        self.flight_batches_max = (self.flight_batches_max + more).min(FLIGHT_BATCHES_MAX);
        // What was to be sent again is there after all.
        self.next = self.next.max(self.received_batches);
    }

    fn lose(&mut self) {
        self.resends += 1;
        self.recovering = self.sent;
        self.flight_bytes_max = (self.flight_bytes_max / 2).max(FLIGHT_BYTES_MIN);
        self.flight_batches_max = (self.flight_batches() / 2).max(1);
        self.batches_passed = 0;
        self.rewind();
    }

    fn drop_first(&mut self) {
        let Some(batch) = self.batches.pop_front() else { return };
        self.bytes -= batch.len() - HEADER_BYTES;
        self.held.fetch_sub(batch.counted, Ordering::Relaxed);
        self.received_batches = self.received_batches.saturating_sub(1);
        self.next = self.next.saturating_sub(1);
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        let counted: usize = self.batches.iter().map(|batch| batch.counted).sum();
        self.held.fetch_sub(counted, Ordering::Relaxed);
    }
}

impl Batch {
    fn last(&self) -> u64 {
        self.first + u64::from(self.frames) - 1
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.bytes {
            BatchBytes::Open(bytes) => bytes,
            BatchBytes::Sealed(bytes) => bytes,
        }
    }

    fn len(&self) -> usize {
        self.as_bytes().len()
    }

    fn takes_more(&self) -> bool {
        matches!(&self.bytes, BatchBytes::Open(bytes) if bytes.len() < BATCH_BYTES)
    }

    fn count(&mut self, held: &AtomicUsize) {
        let len = self.len();
        held.fetch_add(len - self.counted, Ordering::Relaxed);
        self.counted = len;
    }

    /// Its bytes; it gets its header and takes no more frames if it did so far.
    fn seal(&mut self, stamp: Header) -> Bytes {
        if let BatchBytes::Open(bytes) = &mut self.bytes {
            let mut bytes = std::mem::take(bytes);
            Header { first: self.first, frames: self.frames, ..stamp }.write(&mut bytes);
            self.bytes = BatchBytes::Sealed(Bytes::from(bytes));
        }
        match &self.bytes {
            BatchBytes::Sealed(bytes) => bytes.clone(),
            BatchBytes::Open(bytes) => Bytes::copy_from_slice(bytes),
        }
    }

    fn collect_after(&self, settled: u64, unsettled: &mut Vec<Unsettled>) {
        let mut rest = &self.as_bytes()[HEADER_BYTES..];
        let mut number = self.first;
        while let Ok((frame, len)) = Frame::read(rest) {
            if number > settled && !frame.returned {
                match wire::decode(frame.body, FRAME_BYTES_MAX) {
                    Ok(body) => unsettled.push((frame.from, frame.to, body)),
                    Err(error) => tracing::error!(%error, "own frame cannot be read back"),
                }
            }
            number += 1;
            rest = &rest[len..];
        }
    }
}
