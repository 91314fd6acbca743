//! The reading half of a connection: bytes in, whole and checked chunks out.

use std::io::{self, Read};

use super::chunk::{BadChunk, HEAD_BYTES, Head};

/// Bytes of a buffer at first.
const BUFFER_BYTES_MIN: usize = 16 << 10;
/// A buffer that is filled by one read grows up to this. Only a longer chunk makes it grow more.
const BUFFER_BYTES_BUSY: usize = 256 << 10;

/// Bytes that were read and not yet taken.
#[derive(Debug)]
pub(super) struct Receiving {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    seed: u64,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes.
    Bytes {
        count: usize,
        /// There was nothing behind them.
        drained: bool,
    },
    /// Nothing now.
    Nothing,
    /// Nothing ever again.
    End,
}

impl Receiving {
    pub(super) fn new(seed: u64) -> Self {
        Self { buffer: vec![0; BUFFER_BYTES_MIN], start: 0, end: 0, seed }
    }

    /// Reads once.
    pub(super) fn read(&mut self, source: &mut impl Read) -> io::Result<Got> {
        self.make_room();
        let room = &mut self.buffer[self.end..];
        match source.read(room) {
            Ok(0) => Ok(Got::End),
            Ok(count) => {
                let drained = count < room.len();
                self.end += count;
                if !drained && self.buffer.len() < BUFFER_BYTES_BUSY {
                    self.buffer.resize(2 * self.buffer.len(), 0);
                }
                Ok(Got::Bytes { count, drained })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Got::Nothing),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Ok(Got::Bytes { count: 0, drained: false })
            }
            Err(error) => Err(error),
        }
    }

    /// The next chunk, if all of it is there.
    pub(super) fn chunk(&mut self) -> Result<Option<(Head, &[u8])>, BadChunk> {
        let there = &self.buffer[self.start..self.end];
        let Some((head_bytes, rest)) = there.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let head = Head::read(head_bytes)?;
        let Some(body) = rest.get(..head.body_len()) else { return Ok(None) };
        Head::check(head_bytes, body, self.seed)?;
        let from = self.start + HEAD_BYTES;
        self.start = from + body.len();
        Ok(Some((head, &self.buffer[from..self.start])))
    }

    /// Room behind `end`: for half of a buffer at least. A chunk that does not fit makes the buffer
    /// grow, but never beyond twice of what has come.
    fn make_room(&mut self) {
        let kept = self.end - self.start;
        let needed = self.buffer[self.start..self.end]
            .first_chunk()
            .and_then(|head| Head::read(head).ok())
            .map_or(HEAD_BYTES, |head| HEAD_BYTES + head.body_len());
        if kept == 0 {
            (self.start, self.end) = (0, 0);
        } else if self.start + needed > self.buffer.len() || self.end > self.buffer.len() / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, kept);
        }
        // The head may lie about the rest, so the buffer grows with what has come.
        let len = self.buffer.len();
        if needed > len && self.end > len / 2 {
            self.buffer.resize(needed.min(2 * len), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most so many bytes with each read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(room.len()).min(self.0.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn wire(bodies: &[Vec<u8>]) -> Vec<u8> {
        let chunk = |body: &Vec<u8>| {
            let body_bytes = u32::try_from(body.len()).unwrap();
            let head = Head { body_bytes, frames: 1, first: 1, delivered: 0 };
            [&head.seal(body, 9)[..], body].concat()
        };
        bodies.iter().flat_map(chunk).collect()
    }

    #[test]
    fn chunks_come_whole_however_the_bytes_come() {
        let lengths = [0, 1, 300, 70_000, 5, 1_000_000, 40_000, 2];
        let bodies: Vec<_> = lengths.iter().map(|&length| vec![7u8; length]).collect();
        let bytes = wire(&bodies);
        for step in [1_021, 16_384, 100_000, usize::MAX] {
            let (mut source, mut receiving) = (Trickle(&bytes, step), Receiving::new(9));
            let mut got = Vec::new();
            while got.len() < bodies.len() {
                let read = receiving.read(&mut source).unwrap();
                assert!(matches!(read, Got::Bytes { .. }), "ended after {} chunks", got.len());
                while let Some((head, body)) = receiving.chunk().unwrap() {
                    assert_eq!(head.body_len(), body.len());
                    got.push(body.to_vec());
                }
            }
            assert_eq!(got, bodies, "step {step}");
            assert_eq!(receiving.read(&mut source).unwrap(), Got::End);
        }
    }

    #[test]
    fn bytes_that_are_no_chunk_are_refused() {
        let mut receiving = Receiving::new(9);
        let noise = [0x5A; HEAD_BYTES];
        receiving.read(&mut &noise[..]).unwrap();
        assert!(receiving.chunk().is_err());
        let mut receiving = Receiving::new(8);
        receiving.read(&mut &wire(&[vec![1, 2]])[..]).unwrap();
        assert_eq!(receiving.chunk(), Err(BadChunk::Checksum));
    }

    #[test]
    fn a_head_alone_takes_no_memory_for_the_body_that_it_announces() {
        let bytes = wire(&[vec![7; 1_000_000]]);
        let mut receiving = Receiving::new(9);
        receiving.read(&mut &bytes[..HEAD_BYTES]).unwrap();
        assert_eq!(receiving.chunk(), Ok(None));
        receiving.make_room();
        assert_eq!(receiving.buffer.len(), BUFFER_BYTES_MIN);
    }
}
