//! The clients of a big battle: what each is told in a tick, chosen from everything that there is.
//!
//! Every client has a class and snapshots of its own. One that has acknowledged none of those that
//! are still kept is told anew what is in sight, within the same budget: its snapshots grow from
//! what is nearest.

use shared::msg::snapshot::{
    EntityRow, FighterView, Kind, MonsterView, ROWS_MAX, SPECTATOR, Snapshot, View,
};

use super::super::grid::Grid;
use super::{Change, Choice, Eye, Interest, Scene, Watcher};

/// Cells of the grid in which things in sight are looked for.
const CELL_MM: i32 = 5_000;
/// Places of a row's position among its fields, whatever its kind.
const POSITION: (usize, usize) = (0, 1);
/// An entry's id and what it is take so many bytes at most, a kind one more.
const ENTRY_BYTES_MAX: usize = 3;
const KIND_BYTES: usize = 1;

/// What a new row differs from.
static NOTHING: EntityRow = EntityRow::new(0, Kind::Fighter);

/// All clients of one battle.
#[derive(Debug)]
pub struct Audience {
    rules: Interest,
    /// Everything in this tick, ordered by id.
    all: Snapshot,
    /// The same rows as those may know them whose own they are not.
    open: Vec<EntityRow>,
    grid: Grid,
    places: Vec<(i32, i32)>,
    ids: Vec<u16>,
    beacons: Vec<u32>,
    /// By slot.
    watchers: Vec<Watcher>,
    choice: Choice,
    baseline_ids: Vec<u16>,
}

impl Audience {
    /// The clients of a battle with so many seats on a map of this half size.
    #[must_use]
    pub fn new(rules: Interest, half_mm: (i32, i32), seats: usize) -> Self {
        Self {
            rules,
            all: Snapshot::default(),
            open: Vec::new(),
            grid: Grid::new(half_mm, CELL_MM),
            places: Vec::new(),
            ids: Vec::new(),
            beacons: Vec::new(),
            watchers: vec![Watcher::default(); seats],
            choice: Choice::default(),
            baseline_ids: Vec::new(),
        }
    }

    /// Begins a tick: `fill` puts every row into an empty snapshot, ordered by id.
    pub fn begin(&mut self, fill: impl FnOnce(&mut Snapshot)) {
        self.all.clear();
        fill(&mut self.all);
        self.ids.clear();
        self.places.clear();
        self.beacons.clear();
        self.open.clear();
        self.open.extend(&self.all.rows);
        self.open.iter_mut().for_each(EntityRow::hide_own);
        for (index, row) in (0..).zip(&self.all.rows) {
            self.ids.push(row.id);
            self.places.push(place(row, self.all.unit_mm));
            let is_beacon = row.kind() == Kind::Monster
                && self.rules.beacon == Some(MonsterView::of_row(row, 1).species);
            if is_beacon {
                self.beacons.push(index);
            }
        }
        self.grid.fill(&self.places);
    }

    /// Fills in what the client of class `class`, its slot, is told, beside what it has
    /// acknowledged. Spectators are told everything.
    pub fn tell(&mut self, class: u16, baseline: Option<&Snapshot>, view: &mut Snapshot) {
        let Self { rules, all, open, grid, places, ids, beacons, watchers, choice, .. } = self;
        let rows = std::mem::take(&mut view.rows);
        *view = Snapshot { rows, ..head_of(all) };
        let Some(watcher) = watchers.get_mut(usize::from(class)).filter(|_| class != SPECTATOR)
        else {
            view.rows.extend(all.rows.iter().take(ROWS_MAX).map(|row| watched(*row)));
            return;
        };
        let before = baseline.map_or(&[][..], |baseline| &baseline.rows);
        self.baseline_ids.clear();
        self.baseline_ids.extend(before.iter().map(|row| row.id));
        let own = ids.binary_search(&class).ok();
        let at = own.and_then(|own| places.get(own)).copied().unwrap_or_default();
        let scene = Scene { grid, places, ids, beacons };
        let eye = Eye { rules, at, own: Some(class), baseline: &self.baseline_ids };
        let row_of = |index: usize| match own {
            Some(own) if own == index && all.rows[index].kind() == Kind::Fighter => {
                &all.rows[index]
            }
            _ => &open[index],
        };
        let mut cost = |change| match change {
            Change::New(index) => new_bytes(row_of(index)),
            Change::Updated(index, at) => changed_bytes(&before[at], row_of(index)),
            Change::Gone(_) => ENTRY_BYTES_MAX,
        };
        watcher.look(&scene, &eye, &mut cost, choice);
        let mut kept = choice.kept.iter().map(|at| &before[*at]).peekable();
        for fresh in choice.fresh.iter().map(|index| row_of(*index)) {
            while let Some(kept) = kept.next_if(|kept| kept.id < fresh.id) {
                view.rows.push(*kept);
            }
            view.rows.push(*fresh);
        }
        view.rows.extend(kept);
    }
}

/// A snapshot without its rows.
const fn head_of(all: &Snapshot) -> Snapshot {
    let Snapshot { tick, ticks_left, unit_mm, score, .. } = *all;
    Snapshot { tick, ticks_left, unit_mm, score, rows: Vec::new() }
}

/// A row as those may know it who watch: all but whose commands were applied.
fn watched(mut row: EntityRow) -> EntityRow {
    match row.kind() {
        Kind::Fighter => row.set(FighterView::SEQUENCE, 0),
        Kind::Projectile | Kind::Pet | Kind::Area | Kind::Point | Kind::Monster => row.hide_own(),
    }
    row
}

fn place(row: &EntityRow, unit_mm: u8) -> (i32, i32) {
    let mm = |field| row.get(field).saturating_mul(i32::from(unit_mm.max(1)));
    (mm(POSITION.0), mm(POSITION.1))
}

/// The bytes of an entry for a row that is new, at most.
fn new_bytes(row: &EntityRow) -> usize {
    ENTRY_BYTES_MAX + KIND_BYTES + mask_and_numbers(row.differing(&NOTHING), &NOTHING, row)
}

/// The bytes of an entry for a row that is changed, at most; zero if nothing differs.
fn changed_bytes(before: &EntityRow, now: &EntityRow) -> usize {
    match now.differing(before) {
        0 => 0,
        mask => ENTRY_BYTES_MAX + mask_and_numbers(mask, before, now),
    }
}

/// The bytes of a row's mask, which is there even if it is zero, and of its numbers.
fn mask_and_numbers(mask: u32, before: &EntityRow, now: &EntityRow) -> usize {
    let (mut rest, mut bytes) = (mask, varint(mask.into()));
    while rest != 0 {
        let field = usize::try_from(rest.trailing_zeros()).unwrap_or(0);
        rest &= rest - 1;
        let difference = i64::from(now.get(field)) - i64::from(before.get(field));
        bytes += varint(difference.unsigned_abs().saturating_mul(2));
    }
    bytes
}

/// Bytes of a number at seven bits each.
fn varint(value: u64) -> usize {
    let bits = usize::try_from(u64::BITS - value.leading_zeros()).unwrap_or(64);
    bits.div_ceil(7).max(1)
}

#[cfg(test)]
mod tests {
    use shared::msg::snapshot::encode;

    use super::*;

    /// The bytes of a keyframe with these rows.
    fn encoded(rows: &[EntityRow]) -> usize {
        let mut bytes = Vec::new();
        encode(1, &Snapshot { rows: rows.to_vec(), ..Snapshot::default() }, None, &mut bytes);
        bytes.len()
    }

    #[test]
    fn an_entry_takes_no_more_than_is_reckoned_even_if_all_its_numbers_are_zero() {
        for kind in Kind::ALL {
            let mut row = EntityRow::new(u16::MAX, kind);
            for field in 0..=kind.fields().len() {
                assert!(encoded(&[row]) - encoded(&[]) <= new_bytes(&row), "{row:?}");
                row.set(field, i32::MAX);
            }
        }
    }
}
