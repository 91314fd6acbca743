//! The snapshots of one visibility class: the one that is shown, and earlier ones that some client
//! may have as its baseline.

use std::collections::VecDeque;

use shared::msg::snapshot::{BASELINES_MAX, Snapshot};

/// The snapshots of a class, one for each tick, the oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    class: u16,
    stream: u16,
    /// How many ticks the shown one is behind the newest.
    delay: usize,
    kept: VecDeque<Snapshot>,
    /// The oldest tick that some client may refer to, as far as was said in this tick.
    keep_from: u32,
    /// What the client that was heard last has acknowledged.
    pub(super) acknowledged: Option<u32>,
    /// Somebody is told what is shown in this tick.
    pub(super) is_told: bool,
}

impl Ring {
    /// A ring without snapshots.
    pub(super) fn new(class: u16, stream: u16, delay_ticks: u32) -> Self {
        let delay = usize::try_from(delay_ticks).unwrap_or(usize::MAX);
        let (kept, keep_from) = (VecDeque::new(), u32::MAX);
        Self { class, stream, delay, kept, keep_from, acknowledged: None, is_told: false }
    }

    pub(super) const fn class(&self) -> u16 {
        self.class
    }

    /// Names this ring in the headers of its snapshots.
    pub(super) const fn stream(&self) -> u16 {
        self.stream
    }

    /// How many snapshots it has.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds the snapshot of the next tick.
    pub(super) fn push(&mut self, snapshot: Snapshot) {
        self.kept.push_back(snapshot);
    }

    /// The snapshot that clients get now; none while all are too new.
    pub(super) fn shown(&self) -> Option<&Snapshot> {
        self.kept.get(self.kept.len().checked_sub(self.delay)?.checked_sub(1)?)
    }

    /// The snapshot of a tick, if it is a baseline for what is shown.
    pub(super) fn baseline(&self, tick: u32) -> Option<&Snapshot> {
        self.baseline_for(tick, self.shown()?.tick)
    }

    /// What was acknowledged last, if it is a baseline for the snapshot that comes next.
    pub(super) fn next_baseline(&self) -> Option<&Snapshot> {
        let next = self.kept.back()?.tick.saturating_add(1);
        self.baseline_for(self.acknowledged?, next)
    }

    fn baseline_for(&self, tick: u32, shown: u32) -> Option<&Snapshot> {
        let age = shown.checked_sub(tick)?;
        let limit = u32::try_from(BASELINES_MAX).unwrap_or(u32::MAX);
        let at = self.kept.binary_search_by_key(&tick, |snapshot| snapshot.tick).ok()?;
        self.kept.get(at).filter(|_| (1..limit).contains(&age))
    }

    /// Some client may still refer to `tick` and what follows.
    pub(super) fn keep_from(&mut self, tick: u32) {
        self.keep_from = self.keep_from.min(tick);
    }

    /// Gives back the snapshots that nobody can refer to any more, or that nobody was told.
    pub(super) fn forget(&mut self, spare: &mut Vec<Snapshot>) {
        if !std::mem::take(&mut self.is_told) && self.delay == 0 {
            spare.extend(self.kept.pop_back());
        }
        let keep_from = std::mem::replace(&mut self.keep_from, u32::MAX);
        let Some(shown) = self.shown().map(|shown| shown.tick) else { return };
        let limit = u32::try_from(BASELINES_MAX).unwrap_or(u32::MAX);
        let oldest = keep_from.clamp(shown.saturating_sub(limit - 1), shown);
        while self.kept.front().is_some_and(|snapshot| snapshot.tick < oldest) {
            spare.extend(self.kept.pop_front());
        }
    }

    /// All that it has.
    pub(super) fn into_snapshots(self) -> impl Iterator<Item = Snapshot> {
        self.kept.into_iter()
    }
}
