//! What stands on the wire of a link: chunks with a head and a checksum, and in them frames.
//!
//! ```text
//! chunk  checksum u64 | body bytes u32 | frames u32 | number of the first frame u64
//!        | number of the last frame of the other direction that was delivered u64 | body
//! frame  bytes that follow u32 | from role << 4, to role u8 | flags u8 | trace [16] | body
//! ```
//! All little-endian. A chunk without frames acknowledges, or says that the sender is alive.

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ids::Role;
use crate::limits::MQ_FRAME_BYTES_MAX;

/// Bytes of a chunk's head.
pub(super) const HEAD_BYTES: usize = 32;
/// Frames are put together until a chunk has so many bytes.
pub(super) const CHUNK_BYTES_FULL: usize = 64 << 10;
/// Bytes of a chunk's body. A longer one ends the connection.
pub(super) const CHUNK_BYTES_MAX: usize = CHUNK_BYTES_FULL + MQ_FRAME_BYTES_MAX;
/// Frames of a chunk. More end the connection.
pub(super) const CHUNK_FRAMES_MAX: u32 = 8_192;
/// Bytes of an envelope without a trace.
pub(super) const ENVELOPE_BYTES: usize = 6;

const LENGTH_BYTES: usize = 4;
const TRACE_BYTES: usize = 16;
/// The envelope has the 16 bytes of a trace context. This version reads over them.
const FLAG_TRACED: u8 = 1;
/// The frame did not arrive and comes back; the roles are those of its way there.
const FLAG_RETURNED: u8 = 2;

const _: () = assert!(ENVELOPE_BYTES + TRACE_BYTES < MQ_FRAME_BYTES_MAX);

/// Bytes that are no chunk of ours. The connection ends, and a new one goes on after the last
/// good chunk.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum BadChunk {
    #[error("a chunk of {0} bytes")]
    TooLong(u32),
    #[error("a chunk of {0} frames")]
    TooMany(u32),
    #[error("the checksum does not fit")]
    Checksum,
    #[error("frame {got} came where {expected} was to come")]
    Gap { expected: u64, got: u64 },
    #[error("an acknowledgement of frame {0}, which was not sent")]
    Acknowledged(u64),
    #[error("frames do not fit into their chunk")]
    Frames,
}

/// A chunk's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) body_bytes: u32,
    pub(super) frames: u32,
    pub(super) first: u64,
    pub(super) delivered: u64,
}

impl Head {
    /// The bytes of the head, with the checksum of head and `body`. Each direction of each
    /// connection has a seed of its own, so that bytes of another one do not pass.
    pub(super) fn seal(&self, body: &[u8], seed: u64) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[8..12].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.frames.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..].copy_from_slice(&self.delivered.to_le_bytes());
        let sum = checksum(&bytes, body, seed);
        bytes[..8].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a head; whether it is right is known only with the body.
    pub(super) fn read(bytes: &[u8; HEAD_BYTES]) -> Result<Self, BadChunk> {
        let head = Self {
            body_bytes: u32_at(bytes, 8),
            frames: u32_at(bytes, 12),
            first: u64_at(bytes, 16),
            delivered: u64_at(bytes, 24),
        };
        if head.body_len() > CHUNK_BYTES_MAX {
            return Err(BadChunk::TooLong(head.body_bytes));
        }
        if head.frames > CHUNK_FRAMES_MAX {
            return Err(BadChunk::TooMany(head.frames));
        }
        Ok(head)
    }

    pub(super) fn body_len(&self) -> usize {
        usize::try_from(self.body_bytes).unwrap_or(usize::MAX)
    }

    /// Whether the checksum in `bytes` is that of head and `body`.
    pub(super) fn check(bytes: &[u8; HEAD_BYTES], body: &[u8], seed: u64) -> Result<(), BadChunk> {
        let fits = u64_at(bytes, 0) == checksum(bytes, body, seed);
        if fits { Ok(()) } else { Err(BadChunk::Checksum) }
    }
}

fn checksum(head: &[u8; HEAD_BYTES], body: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(body, xxh3_64_with_seed(&head[8..], seed))
}

/// A frame in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameBytes<'a> {
    pub(super) from: Role,
    pub(super) to: Role,
    /// It did not arrive and comes back.
    pub(super) returned: bool,
    pub(super) body: &'a [u8],
}

/// Replaces `frame` by a frame whose body `write` appends.
pub(super) fn write_frame(
    frame: &mut Vec<u8>,
    (from, to): (Role, Role),
    returned: bool,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let flags = if returned { FLAG_RETURNED } else { 0 };
    frame.clear();
    frame.extend_from_slice(&[0, 0, 0, 0, code(from) << 4 | code(to), flags]);
    write(frame);
    // Whoever sends it refuses one that is longer than MQ_FRAME_BYTES_MAX.
    let rest = u32::try_from(frame.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
    frame[..LENGTH_BYTES].copy_from_slice(&rest.to_le_bytes());
}

/// The frames of a chunk's body, in order. After an error there is nothing more.
#[derive(Clone, Debug)]
pub(super) struct Frames<'a>(&'a [u8]);

impl<'a> Frames<'a> {
    pub(super) const fn of(body: &'a [u8]) -> Self {
        Self(body)
    }

    fn read(&mut self) -> Option<FrameBytes<'a>> {
        let (length, rest) = self.0.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (frame, rest) = rest.split_at_checked(length)?;
        let (&[roles, flags], body) = frame.split_first_chunk::<2>()?;
        if flags & !(FLAG_TRACED | FLAG_RETURNED) != 0 {
            return None;
        }
        let skipped = if flags & FLAG_TRACED == 0 { 0 } else { TRACE_BYTES };
        let (_trace, body) = body.split_at_checked(skipped)?;
        self.0 = rest;
        let (from, to) = (role(roles >> 4)?, role(roles & 15)?);
        Some(FrameBytes { from, to, returned: flags & FLAG_RETURNED != 0, body })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<FrameBytes<'a>, BadChunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let frame = self.read();
        if frame.is_none() {
            self.0 = &[];
        }
        Some(frame.ok_or(BadChunk::Frames))
    }
}

const fn code(role: Role) -> u8 {
    match role {
        Role::Gateway => 0,
        Role::Baseapp => 1,
        Role::Battleapp => 2,
        Role::Social => 3,
        Role::Matchmaker => 4,
    }
}

const fn role(code: u8) -> Option<Role> {
    Some(match code {
        0 => Role::Gateway,
        1 => Role::Baseapp,
        2 => Role::Battleapp,
        3 => Role::Social,
        4 => Role::Matchmaker,
        _ => return None,
    })
}

fn u32_at(bytes: &[u8; HEAD_BYTES], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

fn u64_at(bytes: &[u8; HEAD_BYTES], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(from: Role, to: Role, returned: bool, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, (from, to), returned, |onto| onto.extend_from_slice(body));
        bytes
    }

    fn head(body: &[u8], frames: u32) -> Head {
        let body_bytes = u32::try_from(body.len()).unwrap();
        Head { body_bytes, frames, first: 7, delivered: 9 }
    }

    #[test]
    fn the_bytes_of_a_chunk_are_frozen() {
        let body = frame(Role::Social, Role::Baseapp, false, &[5, 6]);
        assert_eq!(body, [4, 0, 0, 0, 0x31, 0, 5, 6]);
        let bytes = head(&body, 1).seal(&body, 3);
        assert_eq!(
            bytes[8..],
            [8, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(bytes[..8], [63, 30, 238, 162, 221, 135, 51, 127]);
    }

    #[test]
    fn every_role_and_flag_comes_back() {
        for from in Role::ALL {
            for to in Role::ALL {
                for returned in [false, true] {
                    let bytes = frame(from, to, returned, b"body");
                    let read: Vec<_> = Frames::of(&bytes).collect();
                    assert_eq!(read, [Ok(FrameBytes { from, to, returned, body: b"body" })]);
                }
            }
        }
    }

    #[test]
    fn a_trace_context_is_read_over() {
        let mut bytes = vec![19, 0, 0, 0, 0, FLAG_TRACED];
        bytes.extend([1; TRACE_BYTES]);
        bytes.push(42);
        let read = Frames::of(&bytes).next().unwrap().unwrap();
        assert_eq!(read.body, [42]);
        bytes.truncate(10);
        bytes[0] = 6;
        assert_eq!(Frames::of(&bytes).next(), Some(Err(BadChunk::Frames)));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found() {
        let mut body = frame(Role::Social, Role::Baseapp, false, &[5; 300]);
        let mut bytes = head(&body, 1).seal(&body, 3);
        assert_eq!(Head::check(&bytes, &body, 3), Ok(()));
        assert_eq!(Head::check(&bytes, &body, 4), Err(BadChunk::Checksum));
        for bit in 0..8 * HEAD_BYTES {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::check(&bytes, &body, 3), Err(BadChunk::Checksum), "head {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for bit in 0..8 * body.len() {
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::check(&bytes, &body, 3), Err(BadChunk::Checksum), "body {bit}");
            body[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn sizes_that_lie_are_refused_before_memory_is_taken() {
        let mut bytes = head(&[], 0).seal(&[], 0);
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Head::read(&bytes), Err(BadChunk::TooLong(u32::MAX)));
        let bytes = head(&[], CHUNK_FRAMES_MAX + 1).seal(&[], 0);
        assert_eq!(Head::read(&bytes), Err(BadChunk::TooMany(CHUNK_FRAMES_MAX + 1)));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let frames = Frames::of(&bytes).count();
            prop_assert!(frames <= bytes.len());
            if let Some(head) = bytes.first_chunk() {
                prop_assert!(Head::read(head).is_err() || bytes.len() >= HEAD_BYTES);
            }
        }
    }
}
