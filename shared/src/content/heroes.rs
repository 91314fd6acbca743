//! Heroes and what their skills are made of.
//!
//! A skill has a *delivery*, which says whom it reaches, and *effects*, which say what happens to
//! them. What harms lands on enemies, what helps on the fighter's own side.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::msg::client::SKILLS;

/// Skills of a hero.
pub const HERO_SKILLS: usize = SKILLS as usize;
/// Effects of a skill at most.
pub const SKILL_EFFECTS_MAX: usize = 4;

/// A playable hero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hero {
    /// Stored and sent; never reused.
    pub id: u16,
    /// Shown.
    pub name: String,
    /// What it is best at.
    pub role: HeroRole,
    /// Hit points at level 1 without equipment.
    pub hp: i32,
    /// Of `100 + armour` hit points of damage, 100 are taken.
    pub armour: i32,
    /// Walking speed.
    pub speed_mm_s: i32,
    /// Radius of the body.
    pub radius_mm: i32,
    /// Energy when it is full.
    pub energy: i32,
    /// Energy that comes back in a second.
    pub energy_per_s: i32,
    /// The skills, by number: [`HERO_SKILLS`] of them. The first is what a fighter mostly does.
    /// All battles that are made of one content share them.
    pub skills: Arc<[Skill]>,
}

/// What a hero is best at. Decides nothing in battle; bots and players choose by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeroRole {
    /// Stands in front and endures.
    Tank,
    /// Wounds from afar.
    Marksman,
    /// Finds one enemy and kills it.
    Assassin,
    /// Wounds many at once.
    Mage,
    /// Keeps others alive.
    Support,
    /// Holds enemies in place.
    Controller,
}

/// One skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    /// Shown.
    pub name: String,
    /// Time until it can be used again.
    pub cooldown_ms: u32,
    /// Energy it takes.
    pub cost: i32,
    /// Time between its beginning and its effect; energy and cooldown are paid at the beginning.
    pub cast_ms: u32,
    /// What ends a cast before its effect.
    pub broken_by: BrokenBy,
    /// Whom it reaches.
    pub delivery: Delivery,
    /// What happens to them, 1 to [`SKILL_EFFECTS_MAX`].
    pub effects: Vec<Effect>,
}

/// What ends a cast before its effect, besides death.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrokenBy {
    /// Nothing.
    Nothing,
    /// A stun.
    Stun,
    /// A stun, and walking.
    Walking,
}

/// Whom a skill reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// The fighter alone.
    Own,
    /// The nearest enemy in reach, from body edge to body edge; what helps, the fighter.
    Melee {
        /// The reach.
        reach_mm: i32,
    },
    /// The member of the own side nearest to the aim, the fighter included.
    Ally {
        /// From the fighter's centre.
        range_mm: i32,
    },
    /// A projectile: the first enemy in its way, and with a burst all enemies around where it
    /// hits something.
    Projectile {
        /// Its speed.
        speed_mm_s: i32,
        /// How far it flies.
        range_mm: i32,
        /// Its radius.
        radius_mm: i32,
        /// Radius of the burst, zero for none.
        burst_mm: i32,
    },
    /// A place: everybody within the radius, once or again and again.
    Area {
        /// How far from the fighter its centre may be; zero is around the fighter.
        range_mm: i32,
        /// Its radius.
        radius_mm: i32,
        /// Time from the cast to the first pulse.
        delay_ms: u32,
        /// How many times it takes effect.
        pulses: u32,
        /// Time between two pulses.
        every_ms: u32,
    },
    /// A leap in the direction of the aim; at its end what harms lands on all enemies within the
    /// radius, what helps on the fighter.
    Dash {
        /// How far at most.
        range_mm: i32,
        /// How fast.
        speed_mm_s: i32,
        /// From the fighter's edge.
        radius_mm: i32,
    },
}

/// What happens to whom a skill reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Takes hit points, fewer from armour.
    Damage {
        /// How many.
        amount: i32,
    },
    /// Gives hit points back.
    Heal {
        /// How many.
        amount: i32,
    },
    /// Takes damage in place of hit points. Of two, the stronger counts.
    Shield {
        /// How much.
        amount: i32,
        /// How long at most.
        duration_ms: u32,
    },
    /// Walks slower. Of two, the stronger counts.
    Slow {
        /// By how much.
        permille: i32,
        /// How long.
        duration_ms: u32,
    },
    /// Neither walks nor uses skills. Of two, the longer counts.
    Stun {
        /// How long.
        duration_ms: u32,
    },
    /// Takes hit points every half second, fewer from armour. Of two, the stronger counts.
    Burn {
        /// How many each time.
        amount: i32,
        /// How long.
        duration_ms: u32,
    },
}

impl Skill {
    /// The damage of its effects.
    #[must_use]
    pub fn damage(&self) -> i32 {
        let damage = |effect: &Effect| match *effect {
            Effect::Damage { amount } => amount,
            Effect::Heal { .. }
            | Effect::Shield { .. }
            | Effect::Slow { .. }
            | Effect::Stun { .. }
            | Effect::Burn { .. } => 0,
        };
        self.effects.iter().map(damage).fold(0, i32::saturating_add)
    }
}

impl Effect {
    /// Whether it lands on the own side.
    #[must_use]
    pub const fn helps(self) -> bool {
        match self {
            Self::Heal { .. } | Self::Shield { .. } => true,
            Self::Damage { .. } | Self::Slow { .. } | Self::Stun { .. } | Self::Burn { .. } => {
                false
            }
        }
    }
}

impl Delivery {
    /// Radius of what is delivered; zero for what meets one target alone.
    #[must_use]
    pub const fn radius_mm(self) -> i32 {
        match self {
            Self::Own | Self::Melee { .. } | Self::Ally { .. } => 0,
            Self::Projectile { radius_mm, .. }
            | Self::Area { radius_mm, .. }
            | Self::Dash { radius_mm, .. } => radius_mm,
        }
    }

    /// How far from the fighter's centre it reaches; zero for what needs no aim.
    #[must_use]
    pub const fn range_mm(self) -> i32 {
        match self {
            Self::Own => 0,
            Self::Melee { reach_mm } => reach_mm,
            Self::Ally { range_mm }
            | Self::Projectile { range_mm, .. }
            | Self::Area { range_mm, .. }
            | Self::Dash { range_mm, .. } => range_mm,
        }
    }
}
