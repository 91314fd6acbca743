//! Ways around obstacles: A* over the cells of the clearance, then straightened.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use shared::content::{Clearance, Point};

use super::Ground;

/// Cells looked at for one path at most. The way then leads to the nearest of them.
const CELLS_MAX: u32 = 16_384;
/// Cost of a step to a neighbour; five to seven is about one to the root of two.
const STRAIGHT: u32 = 5;
const DIAGONAL: u32 = 7;

/// Memory for finding paths, kept from one to the next. What was found before makes no
/// difference.
#[derive(Clone, Debug, Default)]
pub struct PathScratch {
    /// Counts the paths: what cells hold of earlier ones is void.
    search: u32,
    cells: Vec<Cell>,
    /// Estimated cost of the whole way, then of the rest, then the cell: a total order.
    open: BinaryHeap<Reverse<(u32, u32, u32)>>,
    /// The way from cell to cell, backwards.
    trail: Vec<Point>,
    way: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    search: u32,
    cost: u32,
    from: u32,
    done: bool,
}

/// See [`Ground::path`].
pub(super) fn find<'a>(
    ground: &Ground,
    (from, to): (Point, Point),
    radius_mm: i32,
    scratch: &'a mut PathScratch,
) -> &'a [Point] {
    scratch.way.clear();
    if from == to {
        return &scratch.way;
    }
    if ground.is_open(from, to, radius_mm) {
        scratch.way.push(to);
        return &scratch.way;
    }
    let cells = &ground.obstacles.clearance;
    scratch.begin(cells.cells());
    for cell in cells.nearby(from, radius_mm) {
        let centre = cells.centre(cell);
        if ground.is_open(from, centre, radius_mm) {
            let cost = STRAIGHT * distance_mm(from, centre) / cells.cell_mm().unsigned_abs();
            scratch.reach(cell, cell, cost, rest(cells, cell, to));
        }
    }
    let ends_at_goal = |cell: u32| {
        let centre = cells.centre(cell);
        let near = 2 * cells.cell_mm();
        (centre.0 - to.0).abs() < near
            && (centre.1 - to.1).abs() < near
            && ground.is_open(centre, to, radius_mm)
    };
    if let Some((last, is_goal)) = scratch.search(cells, to, radius_mm, ends_at_goal) {
        scratch.trace(cells, last);
        if is_goal {
            scratch.trail.insert(0, to);
        }
        scratch.straighten(ground, from, radius_mm);
    }
    &scratch.way
}

impl PathScratch {
    fn begin(&mut self, cells: u32) {
        self.open.clear();
        self.trail.clear();
        self.search = self.search.wrapping_add(1);
        let count = usize::try_from(cells).unwrap_or(0);
        if self.cells.len() != count || self.search == 0 {
            self.cells.clear();
            self.cells.resize(count, Cell::default());
            self.search = 1;
        }
    }

    /// Notes a way to `cell` if it is the cheapest so far.
    fn reach(&mut self, cell: u32, from: u32, cost: u32, rest: u32) {
        let search = self.search;
        let Some(known) = self.cells.get_mut(cell as usize) else { return };
        if known.search == search && (known.done || known.cost <= cost) {
            return;
        }
        *known = Cell { search, cost, from, done: false };
        self.open.push(Reverse((cost + rest, rest, cell)));
    }

    /// The last cell of the way and whether the goal is in reach from it.
    fn search(
        &mut self,
        cells: &Clearance,
        to: Point,
        radius_mm: i32,
        ends_at_goal: impl Fn(u32) -> bool,
    ) -> Option<(u32, bool)> {
        let mut nearest: Option<(u32, u32)> = None;
        let mut looked_at = 0;
        while let Some(Reverse((_, left, cell))) = self.open.pop() {
            let Some(known) = self.cells.get_mut(cell as usize) else { continue };
            if std::mem::replace(&mut known.done, true) {
                continue;
            }
            let cost = known.cost;
            if ends_at_goal(cell) {
                return Some((cell, true));
            }
            nearest = Some(nearest.map_or((left, cell), |best| best.min((left, cell))));
            looked_at += 1;
            if looked_at == CELLS_MAX {
                break;
            }
            for (next, is_diagonal) in cells.neighbours(cell) {
                if cells.fits(next, radius_mm) {
                    let step = if is_diagonal { DIAGONAL } else { STRAIGHT };
                    self.reach(next, cell, cost + step, rest(cells, next, to));
                }
            }
        }
        nearest.map(|(_, cell)| (cell, false))
    }

    /// Lists the centres of the cells from `last` back to the first.
    fn trace(&mut self, cells: &Clearance, last: u32) {
        let mut cell = last;
        loop {
            self.trail.push(cells.centre(cell));
            match self.cells.get(cell as usize) {
                Some(known) if known.from != cell => cell = known.from,
                Some(_) | None => break,
            }
        }
    }

    /// Leaves out the points that one can walk past. How far ahead is tried doubles while it
    /// works, so that long straight ways take few looks.
    fn straighten(&mut self, ground: &Ground, from: Point, radius_mm: i32) {
        let mut at = from;
        let mut left = self.trail.len();
        while left > 0 {
            // The next point of the trail is always in reach.
            let (mut reached, mut stride) = (left - 1, 1);
            while reached > 0 && stride > 0 {
                let ahead = reached.saturating_sub(stride);
                let is_open =
                    self.trail.get(ahead).is_some_and(|to| ground.is_open(at, *to, radius_mm));
                if is_open {
                    reached = ahead;
                    stride *= 2;
                } else {
                    stride /= 2;
                }
            }
            at = self.trail.get(reached).copied().unwrap_or(at);
            self.way.push(at);
            left = reached;
        }
    }
}

/// The cost of the way from a cell to a point if nothing were in between; never more than the
/// real one.
fn rest(cells: &Clearance, cell: u32, to: Point) -> u32 {
    let (here, there) = (cells.place(cell), cells.place(cells.cell_at(to)));
    let (x, y) = (here.0.abs_diff(there.0), here.1.abs_diff(there.1));
    let (long, short) = (x.max(y), x.min(y));
    STRAIGHT * (long - short) + DIAGONAL * short
}

fn distance_mm(from: Point, to: Point) -> u32 {
    let (x, y) = (u64::from(from.0.abs_diff(to.0)), u64::from(from.1.abs_diff(to.1)));
    u32::try_from((x * x + y * y).isqrt()).unwrap_or(u32::MAX)
}
