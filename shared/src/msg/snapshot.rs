//! What a client sees of a battle at the end of one tick, and its bytes.
//!
//! A [`Snapshot`] is a list of rows, the same for every mode: a row is a thing with an id, a
//! [`Kind`] and numbers, and each kind's table says what its numbers mean. Modes and clients
//! handle rows through typed views such as [`FighterView`]. A snapshot travels as the difference
//! to an earlier one that the client has, its baseline, or to nothing: a keyframe. The layout is
//! in `docs/snapshots.md`, byte by byte.

mod baselines;
mod delta;
mod row;
mod varint;
mod views;

use thiserror::Error;

pub use baselines::{BASELINES_MAX, Baselines};
pub use delta::{Header, LAYOUT, decode, encode, header_of};
pub use row::{EntityRow, FIELDS_MAX, Field, Kind, POSITION_MAX};
pub use views::{AreaView, FighterView, MonsterView, PetView, PointView, ProjectileView, View};

/// The visibility class of whoever takes no part and may see everything.
pub const SPECTATOR: u16 = u16::MAX;
/// Rows in one snapshot. A snapshot with more is refused; modes show fewer.
pub const ROWS_MAX: usize = 4_096;
/// Precision of positions that modes use unless they need another: a centimetre is less than
/// anybody sees, and a fighter's step then takes one byte.
pub const UNIT_MM: u8 = 10;

/// A battle at the end of one tick, as one visibility class sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The battle tick.
    pub tick: u32,
    /// Ticks until time is up.
    pub ticks_left: u32,
    /// Millimetres per step of a position; at least 1.
    pub unit_mm: u8,
    /// What each side has reached, in the mode's own measure.
    pub score: [u32; 2],
    /// Everything the class sees, ordered by id; no id twice.
    pub rows: Vec<EntityRow>,
}

impl Snapshot {
    /// Adds what a view says. [`Snapshot::sort`] has to follow unless ids ascend anyway.
    pub fn put<V: View>(&mut self, view: &V) {
        self.rows.push(view.to_row(self.unit_mm));
    }

    /// Orders the rows by id. Of several with one id the first stays, and of more than
    /// [`ROWS_MAX`] those with the highest ids are left out.
    pub fn sort(&mut self) {
        self.rows.sort_by_key(|row| row.id);
        self.rows.dedup_by_key(|row| row.id);
        self.rows.truncate(ROWS_MAX);
    }

    /// All rows of a view's kind, ordered by id.
    pub fn all<V: View>(&self) -> impl Iterator<Item = V> + '_ {
        let of_kind = self.rows.iter().filter(|row| row.kind() == V::KIND);
        of_kind.map(|row| V::of_row(row, self.unit_mm))
    }

    /// The row of an id, if it is of the view's kind.
    #[must_use]
    pub fn get<V: View>(&self, id: u16) -> Option<V> {
        let row = self.row(id).filter(|row| row.kind() == V::KIND)?;
        Some(V::of_row(row, self.unit_mm))
    }

    /// The row of an id.
    #[must_use]
    pub fn row(&self, id: u16) -> Option<&EntityRow> {
        let at = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        self.rows.get(at)
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        *self = Self { rows, ..Self::default() };
    }
}

/// Why bytes are no snapshot for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// The first byte names a layout that this build does not know.
    #[error("snapshot layout {0} is unknown")]
    Layout(u8),
    /// Fewer or more bytes than announced, or more rows than there may be.
    #[error("the snapshot's length does not fit what it announces")]
    Length,
    /// A number is out of its range, or rows are not in order.
    #[error("the snapshot holds a number out of range")]
    Range,
    /// It continues a snapshot that this client does not have; it has to ask for a keyframe.
    #[error("the snapshot continues tick {tick} of stream {stream:04x}, which is not here")]
    Baseline {
        /// The stream it belongs to.
        stream: u16,
        /// The tick of its baseline.
        tick: u32,
    },
    /// It is older than everything that is kept.
    #[error("the snapshot came too late")]
    Late,
}
