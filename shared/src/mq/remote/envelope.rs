//! The bytes between two nodes: a batch is a header and then frames, one after the other.
//!
//! All numbers are little-endian. Header, `HEADER_BYTES` long:
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 1 | version of this layout |
//! | 1 | 1 | flags: 1 = something is missing, send again what is not acknowledged |
//! | 2 | 2 + 4 | sender: node, incarnation |
//! | 8 | 2 + 4 | receiver: node, incarnation |
//! | 14 | 2 | zero |
//! | 16 | 8 | number of the first frame; numbers start with 1 |
//! | 24 | 4 | how many frames follow; zero in a mere acknowledgement |
//! | 28 | 4 | zero |
//! | 32 | 8 | the sender of this has all of the receiver's frames up to this number |
//! | 40 | 8 | and its roles have them up to this number |
//! | 48 | 8 | XXH3 of all bytes after this, with XXH3 of all bytes before this as its seed |
//!
//! A frame: 4 bytes of length of its body, 1 byte of roles (sender's in the high half), 1 byte of
//! flags (1 = comes back to its sender; 2 = 24 bytes of trace context follow), body.

use std::ops::Range;

use thiserror::Error;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::ids::{NodeId, Role};

/// Bytes before the first frame.
pub(crate) const HEADER_BYTES: usize = 56;
/// The layout that this build writes and reads.
const VERSION: u8 = 1;
const CHECKSUM: Range<usize> = 48..56;
const FLAG_RESEND: u8 = 1;

const FRAME_HEAD_BYTES: usize = 6;
const FLAG_RETURNED: u8 = 1;
const FLAG_TRACE: u8 = 2;
const TRACE_BYTES: usize = 24;

/// Why bytes are not a batch for this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Malformed {
    #[error("shorter than its parts")]
    Short,
    #[error("of layout version {0}")]
    Version(u8),
    #[error("the checksum differs")]
    Checksum,
    #[error("a role of number {0}")]
    Role(u8),
}

/// What stands before the frames of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    /// The number of the first frame.
    pub(crate) first: u64,
    /// How many frames follow.
    pub(crate) frames: u32,
    pub(crate) acknowledged: Acknowledged,
}

/// How far the sender of a batch is with what the receiver sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// It has all frames up to this number.
    pub(crate) received: u64,
    /// Its roles have them up to this number, or they are on their way back.
    pub(crate) settled: u64,
    /// Later frames came without those after `received`.
    pub(crate) resend: bool,
}

/// W3C trace context: trace id and span id.
pub(crate) type Trace = [u8; TRACE_BYTES];

/// One frame in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// The role that sent it; of one that comes back, the role that it was for.
    pub(crate) from: Role,
    /// The role that gets it.
    pub(crate) to: Role,
    /// It did not arrive and comes back.
    pub(crate) returned: bool,
    pub(crate) trace: Option<Trace>,
    /// What the codec made of it.
    pub(crate) body: &'a [u8],
}

impl Header {
    /// Reads the header of `bytes` and compares the checksum of all of them.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let head = bytes.first_chunk::<HEADER_BYTES>().ok_or(Malformed::Short)?;
        if head[0] != VERSION {
            return Err(Malformed::Version(head[0]));
        }
        if long(head, CHECKSUM.start) != checksum(head, &bytes[HEADER_BYTES..]) {
            return Err(Malformed::Checksum);
        }
        let node = |at| NodeId { node: short(head, at), incarnation: int(head, at + 2) };
        let resend = head[1] & FLAG_RESEND != 0;
        let (received, settled) = (long(head, 32), long(head, 40));
        Ok(Self {
            from: node(2),
            to: node(8),
            first: long(head, 16),
            frames: int(head, 24),
            acknowledged: Acknowledged { received, settled, resend },
        })
    }

    /// Writes itself over the first bytes of `batch`, whose frames are complete.
    pub(crate) fn write(&self, batch: &mut [u8]) {
        let (head, frames) = batch.split_at_mut(HEADER_BYTES);
        head.fill(0);
        head[0] = VERSION;
        head[1] = if self.acknowledged.resend { FLAG_RESEND } else { 0 };
        for (at, node) in [(2, self.from), (8, self.to)] {
            head[at..at + 2].copy_from_slice(&node.node.to_le_bytes());
            head[at + 2..at + 6].copy_from_slice(&node.incarnation.to_le_bytes());
        }
        head[16..24].copy_from_slice(&self.first.to_le_bytes());
        head[24..28].copy_from_slice(&self.frames.to_le_bytes());
        head[32..40].copy_from_slice(&self.acknowledged.received.to_le_bytes());
        head[40..48].copy_from_slice(&self.acknowledged.settled.to_le_bytes());
        let sum = checksum(head, frames);
        head[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    }
}

impl<'a> Frame<'a> {
    /// Appends a frame whose body `write` appends, and says how long the body is.
    pub(crate) fn append(
        batch: &mut Vec<u8>,
        (from, to): (Role, Role),
        returned: bool,
        trace: Option<&Trace>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let start = batch.len();
        let flags = if returned { FLAG_RETURNED } else { 0 };
        let flags = flags | if trace.is_some() { FLAG_TRACE } else { 0 };
        let roles = (number(from) << 4) | number(to);
        batch.extend_from_slice(&[0, 0, 0, 0, roles, flags]);
        batch.extend_from_slice(trace.map_or(&[][..], |trace| trace));
        let body_start = batch.len();
        write(batch);
        let len = batch.len() - body_start;
        // One that is too long for its length to fit is too long to be sent, and taken back.
        let told = u32::try_from(len).unwrap_or(u32::MAX);
        batch[start..start + 4].copy_from_slice(&told.to_le_bytes());
        len
    }

    /// Reads the frame with which `bytes` begin, and how many bytes it takes.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<(Self, usize), Malformed> {
        let head = bytes.first_chunk::<FRAME_HEAD_BYTES>().ok_or(Malformed::Short)?;
        let len = usize::try_from(int(head, 0)).map_err(|_| Malformed::Short)?;
        let (from, to) = (role(head[4] >> 4)?, role(head[4] & 15)?);
        let rest = &bytes[FRAME_HEAD_BYTES..];
        let (trace, rest) = match head[5] & FLAG_TRACE {
            0 => (None, rest),
            _ => {
                let (trace, rest) = rest.split_first_chunk().ok_or(Malformed::Short)?;
                (Some(*trace), rest)
            }
        };
        let body = rest.get(..len).ok_or(Malformed::Short)?;
        let frame = Self { from, to, returned: head[5] & FLAG_RETURNED != 0, trace, body };
        Ok((frame, bytes.len() - rest.len() + len))
    }
}

/// Makes version and checksum of a batch right, for fuzzing what stands behind them.
pub(super) fn mend(batch: &mut [u8]) {
    if let Some((head, frames)) = batch.split_at_mut_checked(HEADER_BYTES) {
        head[0] = VERSION;
        let sum = checksum(head, frames);
        head[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    }
}

fn checksum(head: &[u8], frames: &[u8]) -> u64 {
    xxh3_64_with_seed(frames, xxh3_64(&head[..CHECKSUM.start]))
}

const fn number(role: Role) -> u8 {
    match role {
        Role::Gateway => 0,
        Role::Baseapp => 1,
        Role::Battleapp => 2,
        Role::Social => 3,
        Role::Matchmaker => 4,
    }
}

fn role(wanted: u8) -> Result<Role, Malformed> {
    let found = Role::ALL.into_iter().find(|role| number(*role) == wanted);
    found.ok_or(Malformed::Role(wanted))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn int(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(int(bytes, at)) | (u64::from(int(bytes, at + 4)) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> (Header, Vec<u8>) {
        let header = Header {
            from: NodeId { node: 1, incarnation: 2 },
            to: NodeId { node: 3, incarnation: 4 },
            first: 5,
            frames: 2,
            acknowledged: Acknowledged { received: 7, settled: 6, resend: true },
        };
        let mut bytes = vec![0; HEADER_BYTES];
        let roles = (Role::Gateway, Role::Baseapp);
        Frame::append(&mut bytes, roles, false, None, |body| body.extend([1, 2, 3]));
        let roles = (Role::Battleapp, Role::Matchmaker);
        Frame::append(&mut bytes, roles, true, Some(&[9; 24]), |_| ());
        header.write(&mut bytes);
        (header, bytes)
    }

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let (header, bytes) = batch();
        assert_eq!(Header::read(&bytes), Ok(header));
        let (first, len) = Frame::read(&bytes[HEADER_BYTES..]).unwrap();
        let (from, to) = (Role::Gateway, Role::Baseapp);
        let expected = Frame { from, to, returned: false, trace: None, body: &[1, 2, 3] };
        assert_eq!((first, len), (expected, 9));
        let (second, len) = Frame::read(&bytes[HEADER_BYTES + len..]).unwrap();
        let (from, to) = (Role::Battleapp, Role::Matchmaker);
        let expected = Frame { from, to, returned: true, trace: Some([9; 24]), body: &[] };
        assert_eq!((second, HEADER_BYTES + 9 + len), (expected, bytes.len()));
    }

    #[test]
    fn bytes_are_frozen() {
        let (_, bytes) = batch();
        let head = [
            1, 1, 1, 0, 2, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0,
            0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(bytes[..CHECKSUM.start], head);
        assert_eq!(
            bytes[HEADER_BYTES..HEADER_BYTES + 15],
            [3, 0, 0, 0, 1, 0, 1, 2, 3, 0, 0, 0, 0, 0x24, 3]
        );
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let (_, bytes) = batch();
        for cut in 0..bytes.len() {
            assert!(Header::read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::read(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_that_claims_more_than_there_is_or_a_strange_role_is_refused() {
        let (_, bytes) = batch();
        let frames = &bytes[HEADER_BYTES..];
        for cut in 0..9 {
            assert_eq!(Frame::read(&frames[..cut]), Err(Malformed::Short), "cut at {cut}");
        }
        for cut in 9..frames.len() {
            assert_eq!(Frame::read(&frames[9..cut]), Err(Malformed::Short), "cut at {cut}");
        }
        let strange = [[0, 0, 0, 0, 0x50, 0], [0, 0, 0, 0, 0x0F, 0]];
        let read = strange.map(|bytes| Frame::read(&bytes).unwrap_err());
        assert_eq!(read, [Malformed::Role(5), Malformed::Role(15)]);
    }
}
