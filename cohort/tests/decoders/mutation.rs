//! Mutations of inputs: the same ones in every run.

use shared::rng::{self, Draws};

const SEED: u64 = 2_026;
/// Changes that are made to one input, at most.
const CHANGES_MAX: u64 = 4;
/// Bytes that an input grows to, at most.
const BYTES_MAX: usize = 8 << 10;
/// Numbers that lengths and counters like to be compared with.
const EDGES: [u64; 8] = [0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, u64::MAX];

/// An endless sequence of mutated inputs.
pub(crate) struct Mutations<'a> {
    inputs: &'a [&'a [u8]],
    draws: Draws,
}

impl<'a> Mutations<'a> {
    /// Those of a target; `inputs` is what they are made of.
    pub(crate) fn of(target: &str, inputs: &'a [&'a [u8]]) -> Self {
        let purpose = target.bytes().fold(SEED, |sum, byte| rng::mix(sum, &[u64::from(byte)]));
        assert!(!inputs.is_empty(), "{target} has something to begin with");
        Self { inputs, draws: Draws::new(SEED, purpose) }
    }

    /// A place in `0..bound`.
    fn place(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.draws.below(bound)).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.draws.bits().to_le_bytes()[0]
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        match self.draws.below(7) {
            0 => self.flip(bytes),
            1 => self.cut(bytes),
            2 => self.splice(bytes),
            3 => self.grow_a_length(bytes),
            4 => self.repeat(bytes),
            5 => {
                let at = self.place(bytes.len() + 1);
                let byte = self.byte();
                bytes.insert(at, byte);
            }
            _ => {
                let (at, byte) = (self.place(bytes.len()), self.byte());
                bytes.iter_mut().skip(at).take(1).for_each(|it| *it = byte);
            }
        }
        bytes.truncate(BYTES_MAX);
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        let (at, bit) = (self.place(bytes.len()), self.draws.below(8));
        bytes.iter_mut().skip(at).take(1).for_each(|it| *it ^= 1 << bit);
    }

    /// Off the end, or out of the middle.
    fn cut(&mut self, bytes: &mut Vec<u8>) {
        let from = self.place(bytes.len() + 1);
        let to = if self.draws.below(2) == 0 {
            bytes.len()
        } else {
            from + self.place(bytes.len() - from + 1).min(8)
        };
        bytes.drain(from..to);
    }

    /// The beginning of one input and the end of another.
    fn splice(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(self.inputs.len());
        let other = self.inputs[at];
        bytes.truncate(self.place(bytes.len() + 1));
        bytes.extend_from_slice(&other[self.place(other.len() + 1)..]);
    }

    /// A number in one of the ways in which numbers are written, over what stands there.
    fn grow_a_length(&mut self, bytes: &mut Vec<u8>) {
        let edge = EDGES[self.place(EDGES.len())].to_le_bytes();
        let number = match self.draws.below(6) {
            0 => edge[..2].to_vec(),
            1 => edge[..4].to_vec(),
            2 => edge.to_vec(),
            // The codec's own: a byte that says how wide the number is, and the number.
            3 => [&[251], &edge[..2]].concat(),
            4 => [&[252], &edge[..4]].concat(),
            _ => [&[253], &edge[..]].concat(),
        };
        let at = self.place(bytes.len() + 1);
        let end = bytes.len().min(at + if self.draws.below(2) == 0 { number.len() } else { 1 });
        bytes.splice(at..end, number);
    }

    /// A piece once more.
    fn repeat(&mut self, bytes: &mut Vec<u8>) {
        let from = self.place(bytes.len() + 1);
        let piece = bytes[from..bytes.len().min(from + 1 + self.place(64))].to_vec();
        for _ in 0..=self.draws.below(3) {
            bytes.extend_from_slice(&piece);
        }
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let at = self.place(self.inputs.len());
        let mut bytes = self.inputs[at].to_vec();
        for _ in 0..=self.draws.below(CHANGES_MAX) {
            self.change(&mut bytes);
        }
        Some(bytes)
    }
}

#[test]
fn mutations_are_the_same_in_every_run_and_most_differ_from_what_they_come_from() {
    let inputs = [&b"one input"[..], b"another", b""];
    let some = || Mutations::of("it", &inputs).take(1_000).collect::<Vec<_>>();
    assert_eq!(some(), some());
    let unchanged = some().iter().filter(|bytes| inputs.contains(&bytes.as_slice())).count();
    assert!(unchanged < 250, "{unchanged} of 1000 are as they were");
    assert!(some().iter().all(|bytes| bytes.len() <= BYTES_MAX));
}
