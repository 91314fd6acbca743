//! Rows as modes write them and clients read them: with names, units and types.

use super::row::{EntityRow, Kind, POSITION_MAX};

// Every kind begins with a position.
const X: usize = 0;
const Y: usize = 1;

/// A kind of row with names and types.
pub trait View: Sized {
    /// The kind of its rows.
    const KIND: Kind;
    /// The row, with positions in steps of `unit_mm`. What is out of range is cut.
    fn to_row(&self, unit_mm: u8) -> EntityRow;
    /// What a row of the kind says.
    fn of_row(row: &EntityRow, unit_mm: u8) -> Self;
}

/// A fighter. The battle fills in `sequence` and `away`; modes leave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FighterView {
    /// Its number in the battle.
    pub slot: u16,
    /// Position from the centre of the map.
    pub x_mm: i32,
    /// Position from the centre of the map.
    pub y_mm: i32,
    /// Sequence of the last command that was applied. Only its own class is told.
    pub sequence: u32,
    /// Hit points in 1/1000 of the most, rounded up, so that only the dead have none.
    pub hp_permille: u16,
    /// What protects the hit points, in 1/1000 of the most of them.
    pub shield_permille: u16,
    /// The mode's effects, a bit each; 31 at most.
    pub effects: u32,
    /// The skill that is being cast.
    pub casting: Option<u8>,
    /// The first tick in which each skill can be used. Only its own class is told.
    pub ready: [u32; 4],
    /// The player has lost the connection.
    pub away: bool,
}

/// Something that flies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectileView {
    /// Stays the same while it flies.
    pub id: u16,
    /// Position from the centre of the map.
    pub x_mm: i32,
    /// Position from the centre of the map.
    pub y_mm: i32,
    /// Where it flies, as it was aimed.
    pub towards: (i8, i8),
    /// The slot of who shot it.
    pub owner: u16,
    /// How it looks; the mode's own number.
    pub look: u16,
}

/// Who fights along with a fighter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PetView {
    /// Stays the same while it lives.
    pub id: u16,
    /// Position from the centre of the map.
    pub x_mm: i32,
    /// Position from the centre of the map.
    pub y_mm: i32,
    /// Hit points in 1/1000 of the most, rounded up.
    pub hp_permille: u16,
    /// The slot of its owner.
    pub owner: u16,
    /// The species' id in the content files.
    pub species: u16,
}

/// A stretch of ground with an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreaView {
    /// Stays the same while it lasts.
    pub id: u16,
    /// Position of its centre from the centre of the map.
    pub x_mm: i32,
    /// Position of its centre from the centre of the map.
    pub y_mm: i32,
    /// Its radius.
    pub radius_mm: i32,
    /// How it looks; the mode's own number.
    pub look: u16,
    /// The slot of who made it.
    pub owner: u16,
}

/// Something to capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointView {
    /// Stays the same for the whole battle.
    pub id: u16,
    /// Position of its centre from the centre of the map.
    pub x_mm: i32,
    /// Position of its centre from the centre of the map.
    pub y_mm: i32,
    /// How far it is captured, in 1/1000: below zero by side 0, above by side 1.
    pub progress_permille: i16,
    /// The side that holds it.
    pub holder: Option<u8>,
    /// Its radius.
    pub radius_mm: i32,
}

/// Who fights for nobody's seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonsterView {
    /// Stays the same while it lives.
    pub id: u16,
    /// Position from the centre of the map.
    pub x_mm: i32,
    /// Position from the centre of the map.
    pub y_mm: i32,
    /// Hit points in 1/1000 of the most, rounded up.
    pub hp_permille: u16,
    /// The mode's effects, a bit each; 31 at most.
    pub effects: u32,
    /// The skill that is being cast.
    pub casting: Option<u8>,
    /// What it is; the mode's own number.
    pub species: u16,
}

impl FighterView {
    /// Place of the field `sequence` in the table.
    pub const SEQUENCE: usize = 2;
    /// Place of the field `away` in the table.
    pub const AWAY: usize = 11;
    const READY: [usize; 4] = [7, 8, 9, 10];

    /// Has no hit points and waits for its return.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.hp_permille == 0
    }

    /// Whether a skill could be used by a command that is applied in `tick`, as far as is told.
    #[must_use]
    pub fn is_ready(&self, skill: usize, tick: u32) -> bool {
        self.ready.get(skill).is_some_and(|ready| *ready <= tick)
    }
}

impl View for FighterView {
    const KIND: Kind = Kind::Fighter;

    fn to_row(&self, unit_mm: u8) -> EntityRow {
        let mut row = placed(self.slot, Self::KIND, (self.x_mm, self.y_mm), unit_mm);
        row.set(Self::SEQUENCE, cut(self.sequence));
        row.set(3, self.hp_permille.into());
        row.set(4, self.shield_permille.into());
        row.set(5, (self.effects & !(1 << 31)).cast_signed());
        row.set(6, skill_number(self.casting));
        for (place, ready) in Self::READY.into_iter().zip(self.ready) {
            row.set(place, cut(ready));
        }
        row.set(Self::AWAY, self.away.into());
        row
    }

    fn of_row(row: &EntityRow, unit_mm: u8) -> Self {
        Self {
            slot: row.id,
            x_mm: mm(row, X, unit_mm),
            y_mm: mm(row, Y, unit_mm),
            sequence: natural(row.get(Self::SEQUENCE)),
            hp_permille: number(row.get(3)),
            shield_permille: number(row.get(4)),
            effects: natural(row.get(5)),
            casting: skill(row.get(6)),
            ready: Self::READY.map(|place| natural(row.get(place))),
            away: row.get(Self::AWAY) != 0,
        }
    }
}

impl View for ProjectileView {
    const KIND: Kind = Kind::Projectile;

    fn to_row(&self, unit_mm: u8) -> EntityRow {
        let mut row = placed(self.id, Self::KIND, (self.x_mm, self.y_mm), unit_mm);
        row.set(2, self.towards.0.into());
        row.set(3, self.towards.1.into());
        row.set(4, self.owner.into());
        row.set(5, self.look.into());
        row
    }

    fn of_row(row: &EntityRow, unit_mm: u8) -> Self {
        let direction = |place| i8::try_from(row.get(place)).unwrap_or(0);
        Self {
            id: row.id,
            x_mm: mm(row, X, unit_mm),
            y_mm: mm(row, Y, unit_mm),
            towards: (direction(2), direction(3)),
            owner: number(row.get(4)),
            look: number(row.get(5)),
        }
    }
}

impl View for PetView {
    const KIND: Kind = Kind::Pet;

    fn to_row(&self, unit_mm: u8) -> EntityRow {
        let mut row = placed(self.id, Self::KIND, (self.x_mm, self.y_mm), unit_mm);
        row.set(2, self.hp_permille.into());
        row.set(3, self.owner.into());
        row.set(4, self.species.into());
        row
    }

    fn of_row(row: &EntityRow, unit_mm: u8) -> Self {
        Self {
            id: row.id,
            x_mm: mm(row, X, unit_mm),
            y_mm: mm(row, Y, unit_mm),
            hp_permille: number(row.get(2)),
            owner: number(row.get(3)),
            species: number(row.get(4)),
        }
    }
}

impl View for AreaView {
    const KIND: Kind = Kind::Area;

    fn to_row(&self, unit_mm: u8) -> EntityRow {
        let mut row = placed(self.id, Self::KIND, (self.x_mm, self.y_mm), unit_mm);
        row.set(2, steps(self.radius_mm, unit_mm));
        row.set(3, self.look.into());
        row.set(4, self.owner.into());
        row
    }

    fn of_row(row: &EntityRow, unit_mm: u8) -> Self {
        Self {
            id: row.id,
            x_mm: mm(row, X, unit_mm),
            y_mm: mm(row, Y, unit_mm),
            radius_mm: mm(row, 2, unit_mm),
            look: number(row.get(3)),
            owner: number(row.get(4)),
        }
    }
}

impl View for PointView {
    const KIND: Kind = Kind::Point;

    fn to_row(&self, unit_mm: u8) -> EntityRow {
        let mut row = placed(self.id, Self::KIND, (self.x_mm, self.y_mm), unit_mm);
        row.set(2, self.progress_permille.into());
        row.set(3, skill_number(self.holder));
        row.set(4, steps(self.radius_mm, unit_mm));
        row
    }

    fn of_row(row: &EntityRow, unit_mm: u8) -> Self {
        Self {
            id: row.id,
            x_mm: mm(row, X, unit_mm),
            y_mm: mm(row, Y, unit_mm),
            progress_permille: i16::try_from(row.get(2)).unwrap_or(0),
            holder: skill(row.get(3)),
            radius_mm: mm(row, 4, unit_mm),
        }
    }
}

impl View for MonsterView {
    const KIND: Kind = Kind::Monster;

    fn to_row(&self, unit_mm: u8) -> EntityRow {
        let mut row = placed(self.id, Self::KIND, (self.x_mm, self.y_mm), unit_mm);
        row.set(2, self.hp_permille.into());
        row.set(3, (self.effects & !(1 << 31)).cast_signed());
        row.set(4, skill_number(self.casting));
        row.set(5, self.species.into());
        row
    }

    fn of_row(row: &EntityRow, unit_mm: u8) -> Self {
        Self {
            id: row.id,
            x_mm: mm(row, X, unit_mm),
            y_mm: mm(row, Y, unit_mm),
            hp_permille: number(row.get(2)),
            effects: natural(row.get(3)),
            casting: skill(row.get(4)),
            species: number(row.get(5)),
        }
    }
}

/// A row of a kind that begins with a position.
fn placed(id: u16, kind: Kind, (x_mm, y_mm): (i32, i32), unit_mm: u8) -> EntityRow {
    let mut row = EntityRow::new(id, kind);
    row.set(X, steps(x_mm, unit_mm));
    row.set(Y, steps(y_mm, unit_mm));
    row
}

/// A length in whole units, rounded to the nearest.
fn steps(mm: i32, unit_mm: u8) -> i32 {
    let unit = i32::from(unit_mm.max(1));
    mm.saturating_add(unit / 2).div_euclid(unit)
}

/// A length in millimetres.
fn mm(row: &EntityRow, place: usize, unit_mm: u8) -> i32 {
    const _: () = assert!(POSITION_MAX < i32::MAX / 255);
    row.get(place) * i32::from(unit_mm.max(1))
}

fn cut(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn natural(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

fn number(value: i32) -> u16 {
    u16::try_from(value).unwrap_or(0)
}

fn skill_number(skill: Option<u8>) -> i32 {
    skill.map_or(0, |skill| i32::from(skill) + 1)
}

fn skill(number: i32) -> Option<u8> {
    u8::try_from(number.checked_sub(1)?).ok()
}
