//! What happened: always as one hash, and in words where somebody wants to read it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::Serialize;
use shared::wire;
use xxhash_rust::xxh3::Xxh3;

/// Lines that are kept in words; older ones are forgotten.
const LINES_MAX: usize = 200_000;

/// The history of a run.
pub(super) struct History {
    hash: Xxh3,
    /// The bytes of the value that is entered.
    bytes: Vec<u8>,
    /// `None` if nobody wants to read it.
    lines: Option<VecDeque<String>>,
    /// How often what occurred.
    counts: BTreeMap<String, u64>,
    statics: BTreeMap<&'static str, u64>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("hash", &self.hash.digest()).finish_non_exhaustive()
    }
}

impl History {
    /// A history that is empty; with `told` it is kept in words, too.
    pub(super) fn new(told: bool) -> Self {
        Self {
            hash: Xxh3::new(),
            bytes: Vec::new(),
            lines: told.then(VecDeque::new),
            counts: BTreeMap::new(),
            statics: BTreeMap::new(),
        }
    }

    /// Enters numbers.
    pub(super) fn mark(&mut self, words: &[u64]) {
        for word in words {
            self.hash.update(&word.to_le_bytes());
        }
    }

    /// Enters a value by its bytes.
    pub(super) fn value<T: Serialize>(&mut self, value: &T) {
        self.bytes.clear();
        wire::encode_onto(value, &mut self.bytes);
        self.hash.update(&self.bytes);
    }

    /// Tells something in words, which are only made if somebody wants to read them.
    pub(super) fn tell(&mut self, at_us: u64, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            if lines.len() == LINES_MAX {
                lines.pop_front();
            }
            let (s, us) = (at_us / 1_000_000, at_us % 1_000_000);
            lines.push_back(format!("{s:>4}.{us:06} {}", words()));
        }
    }

    /// Counts an occurrence.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.statics.entry(what).or_default() += 1;
    }

    /// Counts an occurrence whose name is made.
    pub(super) fn count_named(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// The hash of everything, the lines, and the counts.
    pub(super) fn end(self) -> (u64, Vec<String>, BTreeMap<String, u64>) {
        let mut counts = self.counts;
        for (what, count) in self.statics {
            *counts.entry(String::from(what)).or_default() += count;
        }
        (self.hash.digest(), self.lines.unwrap_or_default().into(), counts)
    }
}
