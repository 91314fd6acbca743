//! A client's side of snapshots: what it has, so that what comes can continue it.

use std::collections::VecDeque;

use super::delta::{decode, header_of};
use super::{Snapshot, SnapshotError};

/// Snapshots of one stream that both sides keep. A client that has acknowledged nothing newer
/// gets a keyframe.
pub const BASELINES_MAX: usize = 32;

/// The newest snapshots of the battle that a client sees.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    stream: u16,
    /// Ordered by tick, at most [`BASELINES_MAX`].
    kept: VecDeque<Snapshot>,
    /// What came could not be read, and a keyframe has to come.
    lost: bool,
}

impl Baselines {
    /// Reads a snapshot and keeps it. Snapshots may come late, twice, or not at all.
    ///
    /// # Errors
    /// [`SnapshotError`]. If the newest snapshot of the own stream cannot be read because
    /// its baseline is missing, [`Baselines::seen_tick`] asks for a keyframe from then on. Whatever
    /// else cannot be read is no more than ignored.
    pub fn take(&mut self, bytes: &[u8]) -> Result<&Snapshot, SnapshotError> {
        let header = header_of(bytes)?;
        let is_own = header.stream == self.stream && !self.kept.is_empty();
        if is_own && let Ok(at) = self.place(header.tick) {
            return self.kept.get(at).ok_or(SnapshotError::Length);
        }
        let baseline = header.baseline.filter(|_| is_own);
        let baseline = baseline.and_then(|tick| self.kept.get(self.place(tick).ok()?));
        let snapshot = decode(bytes, baseline).inspect_err(|error| {
            let misses = matches!(error, SnapshotError::Baseline { .. });
            let is_newest = self.newest().is_some_and(|newest| newest.tick < header.tick);
            self.lost |= misses && is_own && is_newest;
        })?;
        if header.baseline.is_none() {
            self.lost = false;
            if !is_own {
                self.kept.clear();
                self.stream = header.stream;
            }
        }
        self.keep(snapshot)
    }

    /// What goes into `ClientDatagram::seen_tick`: the newest tick that is here, or zero, which
    /// asks for a keyframe.
    #[must_use]
    pub fn seen_tick(&self) -> u32 {
        self.kept.back().filter(|_| !self.lost).map_or(0, |newest| newest.tick)
    }

    /// The newest snapshot.
    #[must_use]
    pub fn newest(&self) -> Option<&Snapshot> {
        self.kept.back()
    }

    /// Forgets everything: another battle begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn place(&self, tick: u32) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&tick, |snapshot| snapshot.tick)
    }

    /// Keeps a snapshot whose tick is not here, and drops the oldest if there are too many.
    fn keep(&mut self, snapshot: Snapshot) -> Result<&Snapshot, SnapshotError> {
        let mut at = self.place(snapshot.tick).unwrap_or_else(|at| at);
        if self.kept.len() == BASELINES_MAX {
            if at == 0 {
                return Err(SnapshotError::Late);
            }
            self.kept.pop_front();
            at -= 1;
        }
        self.kept.insert(at, snapshot);
        self.kept.get(at).ok_or(SnapshotError::Late)
    }
}

#[cfg(test)]
mod tests;
