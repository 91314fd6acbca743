//! A uniform grid over points: who is near a place, without looking at everybody.
//!
//! Filling it takes time in proportion to points and cells, a question in proportion to the points
//! in the cells that it touches. Answers depend on the points and their order alone.

/// Points of a map, by cell.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    half_mm: (i32, i32),
    cell_mm: i32,
    /// Cells across and along.
    size: (i32, i32),
    /// Where each cell's entries begin; one more than there are cells.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// A point in a cell.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    index: u32,
    at: (i32, i32),
}

impl Grid {
    /// An empty grid over a map of this half size, in cells of `cell_mm`.
    #[must_use]
    pub fn new(half_mm: (i32, i32), cell_mm: i32) -> Self {
        let cell_mm = cell_mm.max(1);
        let cells = |half: i32| (2 * half.max(1) - 1) / cell_mm + 1;
        let size = (cells(half_mm.0), cells(half_mm.1));
        let mut grid = Self { half_mm, cell_mm, size, ..Self::default() };
        grid.fill(&[]);
        grid
    }

    /// Replaces the points. One outside of the map is kept in the nearest cell.
    pub fn fill(&mut self, points: &[(i32, i32)]) {
        let cells = usize::try_from(self.size.0 * self.size.1).unwrap_or(0);
        self.starts.clear();
        self.starts.resize(cells + 1, 0);
        for at in points {
            let cell = self.index(self.cell(*at));
            self.starts[cell + 1] += 1;
        }
        for cell in 0..cells {
            self.starts[cell + 1] += self.starts[cell];
        }
        self.entries.clear();
        self.entries.resize(points.len(), Entry::default());
        // Each start moves on to its cell's end, which is the start of the next.
        for (index, at) in (0..).zip(points) {
            let cell = self.index(self.cell(*at));
            let place = usize::try_from(self.starts[cell]).unwrap_or(0);
            self.entries[place] = Entry { index, at: *at };
            self.starts[cell] += 1;
        }
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    /// Calls `each` for all points at most `radius_mm` from `at`: its index, and the square of
    /// the distance. Their order is that of cells, and within a cell that of the points.
    pub fn within(&self, at: (i32, i32), radius_mm: i32, mut each: impl FnMut(u32, i64)) {
        let reach = i64::from(radius_mm).pow(2);
        self.boxed(at, (radius_mm, radius_mm), |entry| {
            let square = square_between(at, entry.at);
            if square <= reach {
                each(entry.index, square);
            }
        });
    }

    /// The indices of all points in the cells that a box around `at` touches: those in the box,
    /// and some around it.
    pub fn around(&self, at: (i32, i32), half_mm: (i32, i32), mut each: impl FnMut(u32)) {
        self.boxed(at, half_mm, |entry| each(entry.index));
    }

    /// Calls `each` for the indices of up to `count_max` points in the cells around `at`, nearer
    /// cells first, as far as cells lie within `radius_mm`. Some points may be further away.
    pub fn nearby(
        &self,
        at: (i32, i32),
        radius_mm: i32,
        count_max: usize,
        mut each: impl FnMut(u32),
    ) {
        let centre = self.cell(at);
        let mut left = count_max;
        for ring in 0..=radius_mm / self.cell_mm + 1 {
            self.ring(centre, ring, |entry| {
                if left > 0 {
                    left -= 1;
                    each(entry.index);
                }
            });
            if left == 0 {
                break;
            }
        }
    }

    /// The point nearest to `at` among those at most `radius_mm` away: the square of the distance,
    /// and its index. Of equally near ones, the lower index.
    #[must_use]
    pub fn nearest(&self, at: (i32, i32), radius_mm: i32) -> Option<(i64, u32)> {
        let reach = i64::from(radius_mm).pow(2);
        let centre = self.cell(at);
        let rings = radius_mm / self.cell_mm + 1;
        let mut best: Option<(i64, u32)> = None;
        for ring in 0..=rings {
            self.ring(centre, ring, |entry| {
                let square = square_between(at, entry.at);
                if square <= reach && best.is_none_or(|best| (square, entry.index) < best) {
                    best = Some((square, entry.index));
                }
            });
            // Whatever lies further out is further away than this ring is wide.
            let seen = i64::from(ring) * i64::from(self.cell_mm);
            if best.is_some_and(|(square, _)| square < seen * seen) {
                break;
            }
        }
        best
    }

    /// How many points lie in the cell of `at`.
    #[must_use]
    pub fn crowd(&self, at: (i32, i32)) -> usize {
        self.entries_of(self.cell(at)).len()
    }

    fn boxed(&self, at: (i32, i32), half: (i32, i32), mut each: impl FnMut(&Entry)) {
        let corner = |sign: i32| {
            let along = |at: i32, half: i32| at.saturating_add(half.saturating_mul(sign));
            self.cell((along(at.0, half.0), along(at.1, half.1)))
        };
        let (low, high) = (corner(-1), corner(1));
        for y in low.1..=high.1 {
            for x in low.0..=high.0 {
                self.entries_of((x, y)).iter().for_each(&mut each);
            }
        }
    }

    /// The cells at `ring` steps from `centre`, as far as they are on the map.
    fn ring(&self, centre: (i32, i32), ring: i32, mut each: impl FnMut(&Entry)) {
        let on_map = |cell: (i32, i32)| {
            (0..self.size.0).contains(&cell.0) && (0..self.size.1).contains(&cell.1)
        };
        for y in centre.1 - ring..=centre.1 + ring {
            let edge = (y - centre.1).abs() == ring;
            let step = if edge { 1 } else { 2 * ring };
            let mut x = centre.0 - ring;
            while x <= centre.0 + ring {
                if on_map((x, y)) {
                    self.entries_of((x, y)).iter().for_each(&mut each);
                }
                x += step.max(1);
            }
        }
    }

    fn entries_of(&self, cell: (i32, i32)) -> &[Entry] {
        let index = self.index(cell);
        let bound = |index: usize| usize::try_from(self.starts[index]).unwrap_or(0);
        &self.entries[bound(index)..bound(index + 1)]
    }

    fn cell(&self, at: (i32, i32)) -> (i32, i32) {
        let along = |at: i32, half: i32, size: i32| {
            (at.saturating_add(half).div_euclid(self.cell_mm)).clamp(0, size - 1)
        };
        (along(at.0, self.half_mm.0, self.size.0), along(at.1, self.half_mm.1, self.size.1))
    }

    fn index(&self, cell: (i32, i32)) -> usize {
        usize::try_from(cell.1 * self.size.0 + cell.0).unwrap_or(0)
    }
}

/// The square of the distance between two points.
#[must_use]
pub fn square_between(from: (i32, i32), to: (i32, i32)) -> i64 {
    let along = |from: i32, to: i32| (i64::from(to) - i64::from(from)).pow(2);
    along(from.0, to.0) + along(from.1, to.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HALF: (i32, i32) = (10_000, 6_000);

    fn points() -> impl Strategy<Value = Vec<(i32, i32)>> {
        proptest::collection::vec((-10_500..10_500, -6_500..6_500), 0..80)
    }

    proptest! {
        #[test]
        fn a_grid_finds_what_looking_at_everybody_finds(
            points in points(),
            at in (-11_000..11_000, -7_000..7_000),
            radius in 0..9_000,
            cell in 300..5_000,
        ) {
            let mut grid = Grid::new(HALF, cell);
            grid.fill(&points);
            let near = |(index, point): (u32, &(i32, i32))| {
                let square = square_between(at, *point);
                (square <= i64::from(radius).pow(2)).then_some((square, index))
            };
            let mut expected: Vec<_> = (0..).zip(&points).filter_map(near).collect();
            expected.sort_unstable();
            let mut found = Vec::new();
            grid.within(at, radius, |index, square| found.push((square, index)));
            found.sort_unstable();
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(grid.nearest(at, radius), expected.first().copied());
            let mut all = Vec::new();
            grid.around((0, 0), (20_000, 20_000), |index| all.push(index));
            prop_assert_eq!(all.len(), points.len());
            let mut nearby = Vec::new();
            grid.nearby(at, radius, 10, |index| nearby.push(index));
            prop_assert!(nearby.len() <= 10);
            let seen = |(_, index): &(i64, u32)| nearby.contains(index);
            prop_assert!(nearby.len() == 10 || expected.iter().all(seen));
        }
    }

    #[test]
    fn a_grid_that_is_filled_again_has_forgotten_everything() {
        let mut grid = Grid::new(HALF, 1_000);
        grid.fill(&[(0, 0), (10, 10), (9_999, -6_000)]);
        assert_eq!((grid.crowd((500, 500)), grid.crowd((9_500, -5_500))), (2, 1));
        grid.fill(&[(-10_000, 5_999)]);
        assert_eq!(
            (grid.crowd((500, 500)), grid.nearest((-9_000, 5_999), 1_000)),
            (0, Some((1_000_000, 0)),)
        );
    }
}
