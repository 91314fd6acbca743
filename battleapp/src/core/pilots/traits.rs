//! What a pilot of each strength is able to.

use shared::content::Strength;

/// The abilities of a strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    /// Time between two looks at the battle.
    pub(super) look_ms: u32,
    /// Time from a look to what follows from it.
    pub(super) reaction_ms: u32,
    /// How far beside the target it may aim, in thousandths of the distance.
    pub(super) aim_error_permille: i32,
    /// How much of the target's movement it aims ahead of, in thousandths.
    pub(super) lead_permille: i64,
    /// Backs off with less than this of its hit points; zero for never.
    pub(super) careful_permille: u16,
    /// How long it remembers where an enemy was.
    pub(super) memory_ms: u32,
    /// In how many of a thousand looks it uses a skill that is ready.
    pub(super) eager_permille: u64,
    /// Keeps the distance that suits its skills, and does not stand still in a fight, nor where
    /// the ground harms it.
    pub(super) has_footwork: bool,
    /// Steps out of the way of projectiles.
    pub(super) dodges: bool,
    /// Prefers weak enemies to near ones.
    pub(super) picks_the_weak: bool,
}

const NOVICE: Traits = Traits {
    look_ms: 600,
    reaction_ms: 350,
    aim_error_permille: 200,
    lead_permille: 0,
    careful_permille: 0,
    memory_ms: 0,
    eager_permille: 600,
    has_footwork: false,
    dodges: false,
    picks_the_weak: false,
};

const REGULAR: Traits = Traits {
    look_ms: 300,
    reaction_ms: 200,
    aim_error_permille: 80,
    lead_permille: 600,
    careful_permille: 200,
    memory_ms: 2_000,
    eager_permille: 900,
    has_footwork: true,
    dodges: false,
    picks_the_weak: false,
};

const VETERAN: Traits = Traits {
    look_ms: 150,
    reaction_ms: 100,
    aim_error_permille: 25,
    lead_permille: 1_000,
    careful_permille: 300,
    memory_ms: 5_000,
    eager_permille: 1_000,
    has_footwork: true,
    dodges: true,
    picks_the_weak: true,
};

impl Traits {
    pub(super) const fn of(strength: Strength) -> Self {
        match strength {
            Strength::Novice => NOVICE,
            Strength::Regular => REGULAR,
            Strength::Veteran => VETERAN,
        }
    }
}
