//! Rows: what there is in a snapshot, and a table for each kind that says what its numbers mean.
//!
//! A new kind or field is appended: to [`Kind`], to its table, to its view and to the tables in
//! `docs/snapshots.md`, which a test compares with these.

/// Numbers in one row at most. A big battle keeps a million rows, so this is what is needed.
pub const FIELDS_MAX: usize = 12;
/// Numbers that a mask has room for.
const MASK_BITS: usize = 16;
/// Steps of a position from the centre of the map at most, in either direction.
pub const POSITION_MAX: i32 = 200_000;

/// What a row is about. The number is the kind on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Who has a seat; the row's id is the slot.
    #[default]
    Fighter = 0,
    /// Something that flies.
    Projectile = 1,
    /// Who fights along with a fighter.
    Pet = 2,
    /// A stretch of ground with an effect.
    Area = 3,
    /// Something to capture.
    Point = 4,
    /// Who fights for nobody's seat.
    Monster = 5,
}

/// What one number of a kind means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its unit, for people.
    pub unit: &'static str,
    /// The least it can be.
    pub min: i32,
    /// The most it can be.
    pub max: i32,
    /// Told to the class of the fighter that the row belongs to and to spectators; zero for others.
    pub own: bool,
}

/// A field that everybody who sees the row may know.
const fn open(name: &'static str, unit: &'static str, min: i32, max: i32) -> Field {
    Field { name, unit, min, max, own: false }
}

/// A field for the row's own class.
const fn own(name: &'static str, unit: &'static str, min: i32, max: i32) -> Field {
    Field { name, unit, min, max, own: true }
}

const X: Field = open("x", "units", -POSITION_MAX, POSITION_MAX);
const Y: Field = open("y", "units", -POSITION_MAX, POSITION_MAX);
const HP: Field = open("hp", "1/1000 of the most", 0, 1_000);
const SLOT_MAX: i32 = 0xFFFF;

// What changes most stands first: a mask below 128 takes one byte.
const FIGHTER: &[Field] = &[
    X,
    Y,
    own("sequence", "number of the last command applied", 0, i32::MAX),
    HP,
    open("shield", "1/1000 of the most hp", 0, 1_000),
    open("effects", "bits", 0, i32::MAX),
    open("casting", "1 + skill, 0 for none", 0, 255),
    own("ready_0", "first tick in which skill 0 is ready", 0, i32::MAX),
    own("ready_1", "first tick in which skill 1 is ready", 0, i32::MAX),
    own("ready_2", "first tick in which skill 2 is ready", 0, i32::MAX),
    own("ready_3", "first tick in which skill 3 is ready", 0, i32::MAX),
    open("away", "1 if the player is not there", 0, 1),
];
const PROJECTILE: &[Field] = &[
    X,
    Y,
    open("towards_x", "direction", -127, 127),
    open("towards_y", "direction", -127, 127),
    open("owner", "slot", 0, SLOT_MAX),
    open("look", "mode's number", 0, 0xFFFF),
];
const PET: &[Field] =
    &[X, Y, HP, open("owner", "slot", 0, SLOT_MAX), open("species", "content id", 0, 0xFFFF)];
const AREA: &[Field] = &[
    X,
    Y,
    open("radius", "units", 0, POSITION_MAX),
    open("look", "mode's number", 0, 0xFFFF),
    open("owner", "slot", 0, SLOT_MAX),
];
const POINT: &[Field] = &[
    X,
    Y,
    open("progress", "1/1000, of side 0 below zero", -1_000, 1_000),
    open("holder", "1 + side, 0 for none", 0, 2),
    open("radius", "units", 0, POSITION_MAX),
];
const MONSTER: &[Field] = &[
    X,
    Y,
    HP,
    open("effects", "bits", 0, i32::MAX),
    open("casting", "1 + skill, 0 for none", 0, 255),
    open("species", "mode's number", 0, 0xFFFF),
];

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Fighter, Self::Projectile, Self::Pet, Self::Area, Self::Point, Self::Monster];

    /// What its numbers mean, at most [`FIELDS_MAX`].
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Fighter => FIGHTER,
            Self::Projectile => PROJECTILE,
            Self::Pet => PET,
            Self::Area => AREA,
            Self::Point => POINT,
            Self::Monster => MONSTER,
        }
    }

    /// Its name, as documents have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fighter => "fighter",
            Self::Projectile => "projectile",
            Self::Pet => "pet",
            Self::Area => "area",
            Self::Point => "point",
            Self::Monster => "monster",
        }
    }

    /// The kind of a number on the wire.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

const _: () = {
    assert!(FIELDS_MAX <= MASK_BITS, "rows are compared in two halves of eight");
    let mut n = 0;
    while n < Kind::ALL.len() {
        assert!(Kind::ALL[n] as usize == n && Kind::ALL[n].fields().len() <= FIELDS_MAX);
        n += 1;
    }
};

/// A thing in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntityRow {
    /// Names it in the battle: the same from snapshot to snapshot. A fighter's is its slot.
    pub id: u16,
    kind: Kind,
    fields: [i32; FIELDS_MAX],
}

impl EntityRow {
    /// A row whose numbers are zero.
    #[must_use]
    pub const fn new(id: u16, kind: Kind) -> Self {
        Self { id, kind, fields: [0; FIELDS_MAX] }
    }

    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its numbers, in the order of the kind's table; the others are zero.
    #[must_use]
    pub const fn fields(&self) -> &[i32; FIELDS_MAX] {
        &self.fields
    }

    /// The number at a place of the kind's table; zero beyond it.
    #[must_use]
    pub fn get(&self, field: usize) -> i32 {
        self.fields.get(field).copied().unwrap_or(0)
    }

    /// Sets the number at a place of the kind's table, cut to its range. Beyond it nothing happens.
    pub fn set(&mut self, field: usize, value: i32) {
        if let (Some(number), Some(meaning)) =
            (self.fields.get_mut(field), self.kind.fields().get(field))
        {
            *number = value.clamp(meaning.min, meaning.max);
        }
    }

    /// A bit for each place at which its number differs from that of `before`, whatever that is
    /// about.
    #[inline]
    #[must_use]
    pub fn differing(&self, before: &Self) -> u32 {
        // All at once, a byte for each; the product gathers the lowest bits of eight bytes in one.
        let mut differ = [0u8; MASK_BITS];
        for ((differ, now), before) in differ.iter_mut().zip(&self.fields).zip(&before.fields) {
            *differ = u8::from(now != before);
        }
        let [low, high] = [0, 8].map(|from| {
            let eight = u64::from_le_bytes(std::array::from_fn(|at| differ[from + at]));
            let [.., bits] = eight.wrapping_mul(0x0102_0408_1020_4080).to_le_bytes();
            u32::from(bits)
        });
        low | (high << 8)
    }

    /// Forgets what only the own class may know.
    pub fn hide_own(&mut self) {
        for (number, meaning) in self.fields.iter_mut().zip(self.kind.fields()) {
            if meaning.own {
                *number = 0;
            }
        }
    }

    /// Adds a difference to a number; false if that is out of the field's range.
    pub(super) fn shift(&mut self, field: usize, difference: i32) -> bool {
        let Some(meaning) = self.kind.fields().get(field) else { return false };
        let Some(number) = self.fields.get_mut(field) else { return false };
        *number = number.wrapping_add(difference);
        (meaning.min..=meaning.max).contains(number)
    }
}
