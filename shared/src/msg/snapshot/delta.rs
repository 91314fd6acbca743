//! The bytes of a snapshot: what differs from a baseline, or from nothing in a keyframe.

use super::row::{EntityRow, FIELDS_MAX, Kind};
use super::varint::{put, put_difference, take, take_byte, take_difference};
use super::{ROWS_MAX, Snapshot, SnapshotError};

/// The value of the first byte.
pub const LAYOUT: u8 = 2;

/// Bytes before the first number of variable length.
const HEADER_BYTES: usize = 11;
/// Where the number of entries stands.
const ENTRIES_AT: usize = 8;

const TICKS_LEFT: u8 = 1;
const UNIT: u8 = 2;
const SCORES: [u8; 2] = [4, 8];

const CHANGED: u32 = 0;
const NEW: u32 = 1;
const REMOVED: u32 = 2;

static NOTHING: Snapshot =
    Snapshot { tick: 0, ticks_left: 0, unit_mm: 0, score: [0; 2], rows: Vec::new() };

/// What the first bytes of a snapshot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Names the battle and the visibility class: ticks of one stream belong together.
    pub stream: u16,
    /// The battle tick.
    pub tick: u32,
    /// The tick of the baseline; `None` in a keyframe.
    pub baseline: Option<u32>,
    entries: u16,
    changes: u8,
}

/// Appends the bytes of a snapshot whose rows are in order. A baseline that is not older, or older
/// by more than 255 ticks, is not used: the bytes are a keyframe then.
pub fn encode(stream: u16, snapshot: &Snapshot, baseline: Option<&Snapshot>, out: &mut Vec<u8>) {
    let age_of = |base: &&Snapshot| {
        let age = snapshot.tick.checked_sub(base.tick)?;
        u8::try_from(age).ok().filter(|age| *age > 0)
    };
    let (base, age) =
        baseline.and_then(|base| Some((base, age_of(&base)?))).unwrap_or((&NOTHING, 0));
    let start = out.len();
    out.push(LAYOUT);
    out.extend(stream.to_le_bytes());
    out.extend(snapshot.tick.to_le_bytes());
    out.push(age);
    out.extend([0; HEADER_BYTES - ENTRIES_AT]);
    let changes = encode_head(snapshot, base, age, out);
    let entries = encode_rows(&snapshot.rows, &base.rows, out).to_le_bytes();
    if let Some(place) = out.get_mut(start + ENTRIES_AT..start + HEADER_BYTES) {
        place.copy_from_slice(&[entries[0], entries[1], changes]);
    }
}

/// Appends the numbers of the head that differ; which ones those are.
fn encode_head(snapshot: &Snapshot, base: &Snapshot, age: u8, out: &mut Vec<u8>) -> u8 {
    let mut changes = 0;
    let expected = base.ticks_left.saturating_sub(age.into());
    if snapshot.ticks_left != expected {
        changes |= TICKS_LEFT;
        put_difference(out, snapshot.ticks_left.wrapping_sub(expected).cast_signed());
    }
    let unit_mm = snapshot.unit_mm.max(1);
    if unit_mm != base.unit_mm {
        changes |= UNIT;
        out.push(unit_mm);
    }
    for ((bit, score), before) in SCORES.into_iter().zip(snapshot.score).zip(base.score) {
        if score != before {
            changes |= bit;
            put_difference(out, score.wrapping_sub(before).cast_signed());
        }
    }
    changes
}

/// Appends an entry for every row that is new, changed or gone; how many there are.
fn encode_rows(rows: &[EntityRow], base: &[EntityRow], out: &mut Vec<u8>) -> u16 {
    let mut entries = Entries { out, count: 0, next_id: 0 };
    let mut before = base.iter().peekable();
    for row in rows {
        while let Some(gone) = before.next_if(|old| old.id < row.id) {
            entries.begin(gone.id, REMOVED);
        }
        match before.next_if(|old| old.id == row.id) {
            Some(old) if old.kind() == row.kind() => {
                let mask = row.differing(old);
                if mask != 0 {
                    entries.begin(row.id, CHANGED);
                    entries.numbers(mask, row.fields(), old.fields());
                }
            }
            Some(_) | None => {
                entries.begin(row.id, NEW);
                entries.out.push(row.kind().number());
                let zero = EntityRow::new(row.id, row.kind());
                entries.numbers(row.differing(&zero), row.fields(), zero.fields());
            }
        }
    }
    for gone in before {
        entries.begin(gone.id, REMOVED);
    }
    entries.count
}

struct Entries<'a> {
    out: &'a mut Vec<u8>,
    count: u16,
    next_id: u16,
}

impl Entries<'_> {
    fn begin(&mut self, id: u16, what: u32) {
        let gap = u32::from(id.wrapping_sub(self.next_id));
        put(self.out, (gap << 2) | what);
        self.next_id = id.wrapping_add(1);
        self.count = self.count.saturating_add(1);
    }

    fn numbers(&mut self, mask: u32, now: &[i32; FIELDS_MAX], before: &[i32; FIELDS_MAX]) {
        put(self.out, mask);
        let mut rest = mask;
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if let (Some(now), Some(before)) = (now.get(at), before.get(at)) {
                put_difference(self.out, now.wrapping_sub(*before));
            }
        }
    }
}

/// Reads the first bytes, so that the baseline can be found.
///
/// # Errors
/// [`SnapshotError`]; no bytes can make this panic.
pub fn header_of(bytes: &[u8]) -> Result<Header, SnapshotError> {
    let &layout = bytes.first().ok_or(SnapshotError::Length)?;
    if layout != LAYOUT {
        return Err(SnapshotError::Layout(layout));
    }
    let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(SnapshotError::Length)?;
    let [_, s0, s1, t0, t1, t2, t3, age, e0, e1, changes] = *header;
    let tick = u32::from_le_bytes([t0, t1, t2, t3]);
    let before = tick.checked_sub(age.into()).ok_or(SnapshotError::Range)?;
    let baseline = (age > 0).then_some(before);
    let stream = u16::from_le_bytes([s0, s1]);
    Ok(Header { stream, tick, baseline, entries: u16::from_le_bytes([e0, e1]), changes })
}

/// Reads what [`encode`] wrote, with the same baseline.
///
/// # Errors
/// [`SnapshotError`]; no bytes can make this panic. [`SnapshotError::Baseline`] if the bytes
/// continue another snapshot than `baseline`.
pub fn decode(bytes: &[u8], baseline: Option<&Snapshot>) -> Result<Snapshot, SnapshotError> {
    let header = header_of(bytes)?;
    let base = match header.baseline {
        None => &NOTHING,
        Some(tick) => baseline
            .filter(|base| base.tick == tick)
            .ok_or(SnapshotError::Baseline { stream: header.stream, tick })?,
    };
    let mut rest = bytes.get(HEADER_BYTES..).ok_or(SnapshotError::Length)?;
    let mut snapshot = decode_head(&header, base, &mut rest)?;
    snapshot.rows = decode_rows(header.entries, &base.rows, &mut rest)?;
    if rest.is_empty() { Ok(snapshot) } else { Err(SnapshotError::Length) }
}

fn decode_head(
    header: &Header,
    base: &Snapshot,
    rest: &mut &[u8],
) -> Result<Snapshot, SnapshotError> {
    let all = TICKS_LEFT | UNIT | SCORES[0] | SCORES[1];
    if header.changes & !all != 0 {
        return Err(SnapshotError::Range);
    }
    let age = header.baseline.map_or(0, |tick| header.tick - tick);
    let mut ticks_left = base.ticks_left.saturating_sub(age);
    if header.changes & TICKS_LEFT != 0 {
        ticks_left = ticks_left.wrapping_add_signed(take_difference(rest)?);
    }
    let unit_mm = if header.changes & UNIT != 0 { take_byte(rest)? } else { base.unit_mm };
    if unit_mm == 0 {
        return Err(SnapshotError::Range);
    }
    let mut score = base.score;
    for (bit, score) in SCORES.into_iter().zip(&mut score) {
        if header.changes & bit != 0 {
            *score = score.wrapping_add_signed(take_difference(rest)?);
        }
    }
    Ok(Snapshot { tick: header.tick, ticks_left, unit_mm, score, rows: Vec::new() })
}

fn decode_rows(
    entries: u16,
    base: &[EntityRow],
    rest: &mut &[u8],
) -> Result<Vec<EntityRow>, SnapshotError> {
    // An entry takes at least a byte: what is announced beyond that is not believed.
    let mut rows = Vec::with_capacity(base.len() + usize::from(entries).min(rest.len()));
    let mut before = base.iter().copied().peekable();
    let mut next_id = 0;
    for _ in 0..entries {
        let (gap, what) = split(take(rest)?);
        let id = u16::try_from(next_id + gap).map_err(|_| SnapshotError::Range)?;
        next_id = u32::from(id) + 1;
        while let Some(same) = before.next_if(|old| old.id < id) {
            rows.push(same);
        }
        let old = before.next_if(|old| old.id == id);
        match (what, old) {
            (CHANGED, Some(old)) => {
                let mask = take(rest)?;
                let changed = if mask == 0 { None } else { Some(shifted(old, mask, rest)?) };
                rows.push(changed.ok_or(SnapshotError::Range)?);
            }
            (NEW, old) => {
                let kind = Kind::of(take_byte(rest)?).ok_or(SnapshotError::Range)?;
                if old.is_some_and(|old| old.kind() == kind) {
                    return Err(SnapshotError::Range);
                }
                let mask = take(rest)?;
                rows.push(shifted(EntityRow::new(id, kind), mask, rest)?);
            }
            (REMOVED, Some(_)) => {}
            (_, _) => return Err(SnapshotError::Range),
        }
    }
    rows.extend(before);
    if rows.len() > ROWS_MAX { Err(SnapshotError::Length) } else { Ok(rows) }
}

const fn split(entry: u32) -> (u32, u32) {
    (entry >> 2, entry & 3)
}

/// The row with the numbers of `mask` changed by what is read.
fn shifted(mut row: EntityRow, mask: u32, rest: &mut &[u8]) -> Result<EntityRow, SnapshotError> {
    let mut left = mask;
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        left &= left - 1;
        let difference = take_difference(rest)?;
        if difference == 0 || !row.shift(at, difference) {
            return Err(SnapshotError::Range);
        }
    }
    Ok(row)
}

#[cfg(test)]
pub(super) mod tests;
