//! The sending half of a link: numbers frames, puts them together to chunks, keeps chunks until
//! they are acknowledged, and says what is to be written next. Knows no socket.
//!
//! Senders fill one buffer while chunks that were taken from it before are being written.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::{BadChunk, CHUNK_BYTES_FULL, CHUNK_FRAMES_MAX};
use crate::limits::MQ_FRAMES_WAITING_MAX;

/// Empty buffers kept for the next chunks; more are given back to the allocator.
const SPARE_BUFFERS_MAX: usize = 64;

/// Frames on their way, and the place in the sequence of a link.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The peer is dead: nothing is taken any more.
    closed: bool,
    /// Being filled.
    open: Vec<u8>,
    open_frames: u32,
    /// Numbered and not acknowledged, oldest first.
    kept: VecDeque<Chunk>,
    /// How many of `kept` were handed out on the present connection.
    handed_out: usize,
    /// The number of the next frame; the first one is 1.
    next: u64,
    /// All frames up to this number have been delivered.
    acknowledged: u64,
    /// Bytes of all frames that are not acknowledged.
    bytes: usize,
    bytes_max: usize,
    spare: Vec<Vec<u8>>,
    /// Somebody is writing, or was asked to, and will find what is appended.
    flush_asked: bool,
}

/// Frames that are written together.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) first: u64,
    pub(super) frames: u32,
    pub(super) body: Arc<Vec<u8>>,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// As much is under way as may be.
    Full,
    /// The peer is dead.
    Closed,
}

/// What whoever appended frames has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// Nothing: it is being written, or there is time.
    Covered,
    /// See to it that somebody writes.
    Must,
}

impl Outgoing {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            closed: false,
            open: Vec::new(),
            open_frames: 0,
            kept: VecDeque::new(),
            handed_out: 0,
            next: 1,
            acknowledged: 0,
            bytes: 0,
            bytes_max,
            spare: Vec::new(),
            flush_asked: false,
        }
    }

    /// Takes a frame, unless `bytes_max` or `MQ_FRAMES_WAITING_MAX` are under way. It has to be
    /// flushed now only if it makes a chunk full.
    pub(super) fn append(&mut self, frame: &[u8]) -> Result<Flush, NotTaken> {
        self.append_within(frame, self.bytes_max, MQ_FRAMES_WAITING_MAX)?;
        Ok(if self.open_frames == 0 { self.ask_flush() } else { Flush::Covered })
    }

    /// Takes a frame that goes back to its sender. Twice as much may be under way for it, because
    /// nobody can be told that there is no room.
    pub(super) fn append_returned(&mut self, frame: &[u8]) -> Result<Flush, NotTaken> {
        self.append_within(frame, 2 * self.bytes_max, 2 * MQ_FRAMES_WAITING_MAX)?;
        Ok(self.ask_flush())
    }

    /// All that waits is to be written now.
    pub(super) fn ask_flush(&mut self) -> Flush {
        let waits = self.handed_out < self.kept.len() || self.open_frames > 0;
        if waits && !std::mem::replace(&mut self.flush_asked, true) {
            Flush::Must
        } else {
            Flush::Covered
        }
    }

    fn append_within(
        &mut self,
        frame: &[u8],
        bytes_max: usize,
        frames_max: usize,
    ) -> Result<(), NotTaken> {
        if self.closed {
            return Err(NotTaken::Closed);
        }
        if self.bytes + frame.len() > bytes_max || self.frames() >= frames_max {
            return Err(NotTaken::Full);
        }
        self.open.extend_from_slice(frame);
        self.open_frames += 1;
        self.next += 1;
        self.bytes += frame.len();
        if self.open.len() >= CHUNK_BYTES_FULL || self.open_frames >= CHUNK_FRAMES_MAX {
            self.seal();
        }
        Ok(())
    }

    /// How many frames are not acknowledged.
    pub(super) fn frames(&self) -> usize {
        usize::try_from(self.next - 1 - self.acknowledged).unwrap_or(usize::MAX)
    }

    /// Bytes of the frames that are not acknowledged.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number that the next chunk without frames carries.
    pub(super) fn next_to_hand_out(&self) -> u64 {
        let open_first = self.next - u64::from(self.open_frames);
        self.kept.get(self.handed_out).map_or(open_first, |chunk| chunk.first)
    }

    /// The next chunk to be written. When there is none, the next frame must be flushed again.
    pub(super) fn hand_out(&mut self) -> Option<Chunk> {
        if self.handed_out == self.kept.len() && !self.open.is_empty() {
            self.seal();
        }
        let chunk = self.kept.get(self.handed_out).cloned();
        match chunk {
            Some(_) => self.handed_out += 1,
            None => self.flush_asked = false,
        }
        chunk
    }

    /// The peer has delivered everything up to `number`.
    pub(super) fn acknowledge(&mut self, number: u64) -> Result<(), BadChunk> {
        if number < self.acknowledged {
            return Ok(());
        }
        if self.place_after(number).is_none_or(|at| at > self.handed_out) {
            return Err(BadChunk::Acknowledged(number));
        }
        self.acknowledged = number;
        while self.kept.front().is_some_and(|chunk| chunk.end() <= number + 1) {
            let Some(chunk) = self.kept.pop_front() else { return Ok(()) };
            self.handed_out -= 1;
            self.bytes -= chunk.body.len();
            self.recycle(chunk.body);
        }
        Ok(())
    }

    /// A new connection to the peer, which has received everything up to `received`: the rest is
    /// handed out again. False if that cannot be, because the peer has lost its place.
    pub(super) fn resume(&mut self, received: u64) -> bool {
        let Some(at) = self.place_after(received) else { return false };
        self.handed_out = at;
        // Whoever calls this writes next, and clears it when everything has been written.
        self.flush_asked = true;
        true
    }

    /// Which of `kept` comes after frame `received`, if that is the end of a chunk that is here.
    pub(super) fn place_after(&self, received: u64) -> Option<usize> {
        let from = received.saturating_add(1);
        let at = self.kept.iter().take_while(|chunk| chunk.end() <= from).count();
        let open_first = self.next - u64::from(self.open_frames);
        let next = self.kept.get(at).map_or(open_first, |chunk| chunk.first);
        let is_here = !self.closed && received >= self.acknowledged && next == from;
        is_here.then_some(at)
    }

    /// Takes no more frames, and gives the chunks that were not acknowledged.
    pub(super) fn close(&mut self) -> Vec<Chunk> {
        self.closed = true;
        self.seal();
        self.handed_out = 0;
        self.bytes = 0;
        self.acknowledged = self.next - 1;
        self.spare.clear();
        self.kept.drain(..).collect()
    }

    fn seal(&mut self) {
        if self.open_frames == 0 {
            return;
        }
        let empty = self.spare.pop().unwrap_or_default();
        let body = Arc::new(std::mem::replace(&mut self.open, empty));
        let frames = std::mem::take(&mut self.open_frames);
        self.kept.push_back(Chunk { first: self.next - u64::from(frames), frames, body });
    }

    fn recycle(&mut self, body: Arc<Vec<u8>>) {
        if self.spare.len() >= SPARE_BUFFERS_MAX || body.capacity() > 2 * CHUNK_BYTES_FULL {
            return;
        }
        if let Ok(mut buffer) = Arc::try_unwrap(body) {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

impl Chunk {
    /// The number after its last frame.
    fn end(&self) -> u64 {
        self.first + u64::from(self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(frames: usize) -> Outgoing {
        let mut outgoing = Outgoing::new(1_000);
        for _ in 0..frames {
            outgoing.append(&[0; 10]).unwrap();
        }
        outgoing
    }

    fn handed_out(outgoing: &mut Outgoing) -> Vec<(u64, u32)> {
        let chunks = std::iter::from_fn(|| outgoing.hand_out());
        chunks.map(|chunk| (chunk.first, chunk.frames)).collect()
    }

    #[test]
    fn frames_wait_for_others_until_somebody_flushes_and_one_flush_is_enough() {
        let mut outgoing = Outgoing::new(1_000);
        assert_eq!(outgoing.ask_flush(), Flush::Covered, "there is nothing");
        assert_eq!(outgoing.append(&[0; 10]), Ok(Flush::Covered));
        assert_eq!(outgoing.append(&[0; 10]), Ok(Flush::Covered));
        assert_eq!(outgoing.ask_flush(), Flush::Must);
        assert_eq!(outgoing.append(&[0; 10]), Ok(Flush::Covered));
        assert_eq!(outgoing.ask_flush(), Flush::Covered);
        assert_eq!(handed_out(&mut outgoing), [(1, 3)]);
        assert_eq!(outgoing.append(&[0; 10]), Ok(Flush::Covered));
        assert_eq!(outgoing.ask_flush(), Flush::Must);
        assert_eq!(handed_out(&mut outgoing), [(4, 1)]);
    }

    #[test]
    fn a_full_chunk_waits_for_nobody() {
        let mut outgoing = Outgoing::new(usize::MAX / 2);
        let half = vec![0; CHUNK_BYTES_FULL / 2];
        assert_eq!(outgoing.append(&half), Ok(Flush::Covered));
        assert_eq!(outgoing.append(&half), Ok(Flush::Must));
        assert_eq!(outgoing.append(&half), Ok(Flush::Covered));
        assert_eq!(handed_out(&mut outgoing), [(1, 2), (3, 1)]);
    }

    #[test]
    fn what_is_not_acknowledged_counts_against_the_limit() {
        let mut outgoing = outgoing(100);
        assert_eq!(outgoing.append(&[0; 1]), Err(NotTaken::Full));
        assert_eq!(handed_out(&mut outgoing), [(1, 100)]);
        assert_eq!(outgoing.append(&[0; 1]), Err(NotTaken::Full));
        assert_eq!(outgoing.append_returned(&[0; 1]), Ok(Flush::Must));
        assert_eq!(outgoing.acknowledge(100), Ok(()));
        assert_eq!(outgoing.bytes(), 1);
        assert_eq!(outgoing.append(&[0; 999]), Ok(Flush::Covered));
        assert_eq!(outgoing.append(&[0; 1]), Err(NotTaken::Full));
    }

    #[test]
    fn frames_are_counted_as_well_as_bytes() {
        let mut outgoing = Outgoing::new(usize::MAX / 2);
        for _ in 0..MQ_FRAMES_WAITING_MAX {
            outgoing.append(&[0; 1]).unwrap();
        }
        assert_eq!(outgoing.append(&[0; 1]), Err(NotTaken::Full));
        let chunks = handed_out(&mut outgoing);
        assert!(chunks.iter().all(|(_, frames)| *frames <= CHUNK_FRAMES_MAX), "{chunks:?}");
    }

    #[test]
    fn a_new_connection_goes_on_after_what_the_peer_has_received() {
        let mut outgoing = outgoing(0);
        for _ in 0..4 {
            (0..3).for_each(|_| assert!(outgoing.append(&[0; 10]).is_ok()));
            assert_eq!(handed_out(&mut outgoing).len(), 1);
        }
        outgoing.append(&[0; 10]).unwrap();
        assert_eq!(outgoing.acknowledge(3), Ok(()));
        assert!(outgoing.resume(6));
        assert_eq!(handed_out(&mut outgoing), [(7, 3), (10, 3), (13, 1)]);
        assert!(outgoing.resume(13));
        assert_eq!(handed_out(&mut outgoing), []);
        assert!(outgoing.resume(12));
        assert_eq!(handed_out(&mut outgoing), [(13, 1)]);
    }

    #[test]
    fn a_peer_that_has_lost_its_place_is_not_resumed() {
        let mut outgoing = outgoing(10);
        assert_eq!(handed_out(&mut outgoing), [(1, 10)]);
        assert!(!outgoing.resume(5), "not the end of a chunk");
        assert!(!outgoing.resume(11), "more than was sent");
        assert!(!outgoing.resume(u64::MAX));
        assert_eq!(outgoing.acknowledge(10), Ok(()));
        assert!(!outgoing.resume(0), "what it has not is not here any more");
        assert!(outgoing.resume(10));
    }

    #[test]
    fn an_acknowledgement_of_what_was_not_sent_is_refused() {
        let mut outgoing = outgoing(3);
        assert_eq!(outgoing.acknowledge(1), Err(BadChunk::Acknowledged(1)));
        assert_eq!(handed_out(&mut outgoing), [(1, 3)]);
        assert_eq!(outgoing.acknowledge(4), Err(BadChunk::Acknowledged(4)));
        assert_eq!(outgoing.acknowledge(2), Err(BadChunk::Acknowledged(2)), "half a chunk");
        assert_eq!(outgoing.acknowledge(3), Ok(()));
        assert_eq!(outgoing.acknowledge(2), Ok(()), "an old one changes nothing");
        assert_eq!(outgoing.frames(), 0);
    }

    #[test]
    fn closing_gives_back_what_was_not_acknowledged_and_takes_nothing_more() {
        let mut outgoing = outgoing(3);
        assert_eq!(handed_out(&mut outgoing), [(1, 3)]);
        outgoing.append(&[0; 10]).unwrap();
        let closed = outgoing.close();
        let back: Vec<_> = closed.iter().map(|chunk| (chunk.first, chunk.frames)).collect();
        assert_eq!(back, [(1, 3), (4, 1)]);
        assert_eq!(outgoing.append(&[0; 1]), Err(NotTaken::Closed));
        assert_eq!((outgoing.frames(), outgoing.bytes()), (0, 0));
        assert!(outgoing.hand_out().is_none());
    }
}
