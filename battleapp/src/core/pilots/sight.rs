//! What a pilot sees: the snapshot that clients of its side get, and nothing else.

use shared::content::Point;
use shared::msg::snapshot::{
    AreaView, FighterView, Kind, MonsterView, PetView, PointView, ProjectileView, Snapshot, View,
};

/// What is on the field, as far as a side knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) tick: u32,
    pub(super) fighters: Vec<FighterView>,
    pub(super) pets: Vec<PetView>,
    pub(super) monsters: Vec<MonsterView>,
    pub(super) shots: Vec<ProjectileView>,
    pub(super) areas: Vec<AreaView>,
    pub(super) points: Vec<PointView>,
}

impl Sight {
    /// Reads a snapshot, keeping the memory.
    pub(super) fn read(&mut self, seen: &Snapshot) {
        self.tick = seen.tick;
        self.fighters.clear();
        self.pets.clear();
        self.monsters.clear();
        self.shots.clear();
        self.areas.clear();
        self.points.clear();
        for row in &seen.rows {
            match row.kind() {
                Kind::Fighter => self.fighters.push(FighterView::of_row(row, seen.unit_mm)),
                Kind::Projectile => self.shots.push(ProjectileView::of_row(row, seen.unit_mm)),
                Kind::Point => self.points.push(PointView::of_row(row, seen.unit_mm)),
                Kind::Monster => self.monsters.push(MonsterView::of_row(row, seen.unit_mm)),
                Kind::Pet => self.pets.push(PetView::of_row(row, seen.unit_mm)),
                Kind::Area => self.areas.push(AreaView::of_row(row, seen.unit_mm)),
            }
        }
    }

    /// A living fighter.
    pub(super) fn fighter(&self, slot: u16) -> Option<&FighterView> {
        self.fighters.iter().find(|fighter| fighter.slot == slot && !fighter.is_dead())
    }
}

/// Where a fighter is.
pub(super) const fn place(fighter: &FighterView) -> Point {
    (fighter.x_mm, fighter.y_mm)
}
