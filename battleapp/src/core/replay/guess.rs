//! Finds the numbers that a recorded state had from its hashes: if few numbers differ from those
//! of a new run, and not by much, trying them all tells which.

use xxhash_rust::xxh3::xxh3_64;

use super::super::compare::Difference;
use super::super::registry::{FieldRow, LaneRows, combined};
use super::super::sim::{BattleSim, LaneHash};
use super::reader::TickRecord;

/// How far a number is looked for on either side.
const ALONE_MAX: i64 = 4_096;
/// How far two neighbouring numbers of a row are looked for when both differ.
const TOGETHER_MAX: i64 = 40;
/// Lanes that may differ at once.
const LANES_MAX: usize = 2;
/// Numbers of a lane that are tried, so that a report does not take seconds.
const NUMBERS_MAX: usize = 512;

/// A lane as it may have been.
struct Candidate {
    hash: LaneHash,
    differences: Vec<Difference>,
}

/// The numbers of `sim`, which has just simulated the recorded tick, that would have to be
/// different for the recorded hash: recorded, and now. Empty if none fit.
pub(super) fn guess(sim: &mut dyn BattleSim, record: &TickRecord) -> Vec<Difference> {
    let state = sim.state();
    let lanes = state.lanes.rows(state.world, state.entities);
    let mut hashes: Vec<LaneHash> = lanes.iter().map(LaneRows::hash).collect();
    let mut open: Vec<(usize, Vec<Candidate>)> = Vec::new();
    for (at, (hash, mark)) in hashes.iter().zip(&record.lanes).enumerate() {
        if hash.mark() != *mark {
            if open.len() == LANES_MAX {
                return Vec::new();
            }
            open.push((at, candidates(&lanes[at], *mark)));
        }
    }
    fitting(&mut hashes, &open, record.hash).unwrap_or_default()
}

/// One candidate of each lane, so that all together give `wanted`.
fn fitting(
    hashes: &mut [LaneHash],
    open: &[(usize, Vec<Candidate>)],
    wanted: u64,
) -> Option<Vec<Difference>> {
    let Some(((at, candidates), rest)) = open.split_first() else {
        return (combined(hashes) == wanted).then(Vec::new);
    };
    candidates.iter().find_map(|candidate| {
        hashes[*at] = candidate.hash;
        let others = fitting(hashes, rest, wanted)?;
        Some(candidate.differences.iter().copied().chain(others).collect())
    })
}

/// Every lane with the recorded mark that differs in one number, or in two neighbours of a row.
fn candidates(lane: &LaneRows, mark: u16) -> Vec<Candidate> {
    let mut tried = Tried { bytes: lane.bytes.clone(), lane: lane.info.id, mark, fits: Vec::new() };
    for (at, row) in lane.fields.iter().take(NUMBERS_MAX) {
        for by in -ALONE_MAX..=ALONE_MAX {
            tried.attempt(&[(*at, *row, by)]);
        }
    }
    for pair in lane.fields.windows(2).take(NUMBERS_MAX) {
        let [(at, row), (next_at, next)] = pair else { continue };
        if row.entity != next.entity {
            continue;
        }
        for by in -TOGETHER_MAX..=TOGETHER_MAX {
            for next_by in -TOGETHER_MAX..=TOGETHER_MAX {
                tried.attempt(&[(*at, *row, by), (*next_at, *next, next_by)]);
            }
        }
    }
    tried.fits
}

struct Tried {
    bytes: Vec<u8>,
    lane: u16,
    mark: u16,
    fits: Vec<Candidate>,
}

impl Tried {
    fn attempt(&mut self, changes: &[(usize, FieldRow, i64)]) {
        if changes.iter().any(|(.., by)| *by == 0) {
            return;
        }
        for (at, row, by) in changes {
            self.put(*at, row, row.value.saturating_add(*by));
        }
        let hash = LaneHash { lane: self.lane, hash: xxh3_64(&self.bytes) };
        if hash.mark() == self.mark {
            let differences = changes.iter().map(|(_, row, by)| Difference {
                component: row.component,
                entity: row.entity,
                field: row.field,
                first: Some(row.value.saturating_add(*by)),
                second: Some(row.value),
            });
            self.fits.push(Candidate { hash, differences: differences.collect() });
        }
        for (at, row, _) in changes {
            self.put(*at, row, row.value);
        }
    }

    fn put(&mut self, at: usize, row: &FieldRow, value: i64) {
        if let Some(bytes) = self.bytes.get_mut(at..at + row.size) {
            bytes.copy_from_slice(&value.to_le_bytes()[..row.size]);
        }
    }
}
