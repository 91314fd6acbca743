//! Who stands where in a tick, and what is done to them. Derived: rebuilt in every tick.

use super::super::grid::Grid;
use super::rules::Rules;

/// Cells as wide as most reaches: few are touched, and few stand in each.
const CELL_MM: i32 = 4_000;

/// The field of one tick.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The living players' slots, ascending, and their places.
    pub(super) living: Vec<u32>,
    pub(super) living_at: Vec<(i32, i32)>,
    pub(super) fighter_grid: Grid,
    /// All monsters as they stood when the tick began, by id.
    pub(super) beasts: Vec<Standing>,
    pub(super) beasts_at: Vec<(i32, i32)>,
    pub(super) beast_grid: Grid,
    /// Where every player stands; `None` for the dead.
    pub(super) places: Vec<Option<(i32, i32)>>,
    /// Hit points that this tick takes: of players by slot, of monsters by their place in `beasts`.
    pub(super) fighters_hurt: Vec<i32>,
    pub(super) beasts_hurt: Vec<i32>,
    pub(super) keep_hurt: i32,
}

/// A monster on the field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) id: u32,
    pub(super) radius_mm: i32,
    pub(super) at: (i32, i32),
}

impl Field {
    pub(super) fn new(rules: &Rules) -> Self {
        let grid = Grid::new(rules.half, CELL_MM);
        Self {
            living: Vec::new(),
            living_at: Vec::new(),
            fighter_grid: grid.clone(),
            beasts: Vec::new(),
            beasts_at: Vec::new(),
            beast_grid: grid,
            places: Vec::new(),
            fighters_hurt: Vec::new(),
            beasts_hurt: Vec::new(),
            keep_hurt: 0,
        }
    }

    /// Takes the monsters, in whatever order they come.
    pub(super) fn set_beasts(&mut self, beasts: impl Iterator<Item = Standing>) {
        self.beasts.clear();
        self.beasts.extend(beasts);
        self.beasts.sort_unstable_by_key(|beast| beast.id);
        self.beasts_at.clear();
        self.beasts_at.extend(self.beasts.iter().map(|beast| beast.at));
        self.beast_grid.fill(&self.beasts_at);
        self.beasts_hurt.clear();
        self.beasts_hurt.resize(self.beasts.len(), 0);
    }

    /// Takes the players from `places`, which are there by slot.
    pub(super) fn list_living(&mut self) {
        self.living.clear();
        self.living_at.clear();
        for (slot, place) in (0..).zip(&self.places) {
            if let Some(at) = place {
                self.living.push(slot);
                self.living_at.push(*at);
            }
        }
        self.fighter_grid.fill(&self.living_at);
        self.fighters_hurt.clear();
        self.fighters_hurt.resize(self.places.len(), 0);
        self.keep_hurt = 0;
    }

    /// Takes hit points of the monster at `place` in `beasts`.
    pub(super) fn hurt_beast(&mut self, place: u32, damage: i32) {
        if let Some(hurt) = self.beasts_hurt.get_mut(index(place)) {
            *hurt = hurt.saturating_add(damage);
        }
    }

    /// Takes hit points of the player in `slot`.
    pub(super) fn hurt_fighter(&mut self, slot: u32, damage: i32) {
        if let Some(hurt) = self.fighters_hurt.get_mut(index(slot)) {
            *hurt = hurt.saturating_add(damage);
        }
    }
}

/// Ids and slots as indices.
pub(super) fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}
