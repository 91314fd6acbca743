//! How far each part of a map is from what is in the way of walking.
//!
//! The map is cut into square cells. A cell knows the distance from its centre to the nearest
//! obstacle or edge. A body *fits* into a cell if so much room is around the centre that the
//! straight way to the centre of any neighbour it also fits into is free: that makes a graph
//! whose edges need no further check.

use std::collections::VecDeque;

use super::{Map, Passage, Point};

/// Side of a cell at least. Passages are found if they are about this much wider than a body.
const CELL_MM_MIN: i32 = 400;
/// Cells along the longer side of a map at most; larger maps have larger cells.
const CELLS_ALONG_MAX: i32 = 256;

/// The cells of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearance {
    half: Point,
    cell_mm: i32,
    columns: u32,
    rows: u32,
    /// Row by row, in millimetres, cut at `u16::MAX`.
    room: Vec<u16>,
}

impl Clearance {
    /// Measures a map whose numbers are in range.
    #[must_use]
    pub fn of(map: &Map) -> Self {
        let half = map.half_mm();
        let longest = 2 * half.0.max(half.1);
        let cell_mm = CELL_MM_MIN.max(ceil_div(longest, CELLS_ALONG_MAX));
        let count = |half: i32| u32::try_from(ceil_div(2 * half, cell_mm)).unwrap_or(1).max(1);
        let (columns, rows) = (count(half.0), count(half.1));
        let mut cells = Self { half, cell_mm, columns, rows, room: Vec::new() };
        let shapes = map.shapes(Passage::Walking);
        let room = |cell: u32| {
            let at = cells.centre(cell);
            let edge = (half.0 - at.0.abs()).min(half.1 - at.1.abs()).max(0);
            let nearest = shapes.iter().fold(edge, |room, shape| shape.nearer_mm(at, room));
            u16::try_from(nearest).unwrap_or(u16::MAX)
        };
        cells.room = (0..columns * rows).map(room).collect();
        cells
    }

    /// How many cells there are; they are numbered from 0.
    #[must_use]
    pub const fn cells(&self) -> u32 {
        self.columns * self.rows
    }

    /// Side of a cell.
    #[must_use]
    pub const fn cell_mm(&self) -> i32 {
        self.cell_mm
    }

    /// Column and row of a cell.
    #[must_use]
    pub const fn place(&self, cell: u32) -> (u32, u32) {
        (cell % self.columns, cell / self.columns)
    }

    /// The middle of a cell.
    #[must_use]
    pub fn centre(&self, cell: u32) -> Point {
        self.middle(self.place(cell))
    }

    fn middle(&self, (column, row): (u32, u32)) -> Point {
        let along = |index: u32, count: u32| {
            // The grid may be a little larger than the map, evenly on both ends.
            (2 * i32::try_from(index).unwrap_or(0) + 1 - i32::try_from(count).unwrap_or(0))
                * self.cell_mm
                / 2
        };
        (along(column, self.columns), along(row, self.rows))
    }

    /// The cell that a point lies in; for points outside the map, the nearest.
    #[must_use]
    pub fn cell_at(&self, at: Point) -> u32 {
        let (column, row) = self.place_at(at);
        row * self.columns + column
    }

    fn place_at(&self, at: Point) -> (u32, u32) {
        let index = |at: i32, count: u32| {
            let size = i64::from(self.cell_mm) * i64::from(count);
            let index = (2 * i64::from(at) + size).div_euclid(2 * i64::from(self.cell_mm));
            u32::try_from(index.max(0)).unwrap_or(0).min(count - 1)
        };
        (index(at.0, self.columns), index(at.1, self.rows))
    }

    /// Around `at` there is at least so much room, in millimetres; it may be more.
    #[must_use]
    pub fn room_mm(&self, at: Point) -> i32 {
        let (column, row) = self.place_at(at);
        let centre = self.middle((column, row));
        let off = (at.0 - centre.0).abs() + (at.1 - centre.1).abs();
        self.room_of(row * self.columns + column) - off
    }

    /// Whether a body fits into a cell: the ways to its neighbours are then free too.
    #[must_use]
    pub fn fits(&self, cell: u32, radius_mm: i32) -> bool {
        i64::from(self.room_of(cell)) >= self.needed_mm(radius_mm)
    }

    /// The cells around a cell, straight ones first.
    pub fn neighbours(&self, cell: u32) -> impl Iterator<Item = (u32, bool)> {
        const AROUND: [(i32, i32); 8] =
            [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)];
        let (column, row) = self.place(cell);
        let (columns, rows) = (self.columns, self.rows);
        AROUND.into_iter().filter_map(move |(x, y)| {
            let column = column.checked_add_signed(x).filter(|column| *column < columns)?;
            let row = row.checked_add_signed(y).filter(|row| *row < rows)?;
            Some((row * columns + column, x != 0 && y != 0))
        })
    }

    /// Which cells a body can walk to from those around `from`.
    #[must_use]
    pub fn reached(&self, from: Point, radius_mm: i32) -> Vec<bool> {
        let mut reached = vec![false; self.room.len()];
        let mut waiting: VecDeque<u32> = self.nearby(from, radius_mm).collect();
        while let Some(cell) = waiting.pop_front() {
            let seen = reached.get_mut(cell as usize);
            if seen.is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            let next = self.neighbours(cell).map(|(next, _)| next);
            waiting.extend(next.filter(|next| self.fits(*next, radius_mm)));
        }
        reached
    }

    /// The cell of a point and those around it, if a body fits into them.
    pub fn nearby(&self, at: Point, radius_mm: i32) -> impl Iterator<Item = u32> {
        let cell = self.cell_at(at);
        let around = self.neighbours(cell).map(|(next, _)| next);
        std::iter::once(cell).chain(around).filter(move |cell| self.fits(*cell, radius_mm))
    }

    /// The way to a neighbour is at most a diagonal long, and its middle is the furthest from
    /// both centres.
    fn needed_mm(&self, radius_mm: i32) -> i64 {
        let (radius, cell) = (i64::from(radius_mm), i64::from(self.cell_mm));
        (radius * radius + cell * cell / 2).isqrt() + 1
    }

    fn room_of(&self, cell: u32) -> i32 {
        self.room.get(cell as usize).copied().map_or(0, i32::from)
    }
}

/// For positive numbers.
const fn ceil_div(number: i32, by: i32) -> i32 {
    (number + by - 1) / by
}
