//! What a fighter's skills are good for, as a pilot reckons: taken from the hero's content, which
//! every player may read.

use shared::content::{BrokenBy, Delivery, Effect, Hero, Skill as HeroSkill};

/// Burns take effect this often.
const BURN_MS: i64 = 500;
/// What is as good as so many hit points of damage.
const STUN_MS_PER_HP: i64 = 15;
const SLOW_PERMILLE_MS_PER_HP: i64 = 25_000;

/// What a skill is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Hits who is near.
    Strike,
    /// Flies straight at an enemy and ends at what is in its way.
    Shot {
        /// How fast it flies.
        speed_mm_s: i64,
        /// Radius of what flies.
        radius_mm: i32,
    },
    /// Harms all enemies around a place, some time after.
    Blast {
        /// How large the place is.
        radius_mm: i64,
        /// Until it harms first.
        delay_ms: i64,
    },
    /// Leaps at an enemy.
    Charge,
    /// Leaps away from enemies.
    Escape,
    /// Helps a hurt one of the own side.
    Mend,
    /// Helps the fighter itself, and who is around, when enemies are near.
    Guard,
}

/// A skill as a pilot sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skill {
    /// Its number.
    pub(super) number: u8,
    /// What it is used for.
    pub(super) purpose: Purpose,
    /// How far it goes: from edge to edge for a strike, else from centre to centre.
    pub(super) range_mm: i64,
    /// How much good one use does, in hit points.
    pub(super) worth: i64,
    /// Time from its beginning to its effect.
    pub(super) cast_ms: i64,
    /// Walking ends it before its effect.
    pub(super) stands_still: bool,
}

/// A fighter's skills and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kit {
    pub(super) radius_mm: i32,
    pub(super) skills: Vec<Skill>,
}

impl Kit {
    pub(super) fn of(hero: &Hero) -> Self {
        let skills = (0..).zip(hero.skills.iter()).map(|(number, skill)| Skill::of(number, skill));
        Self { radius_mm: hero.radius_mm, skills: skills.collect() }
    }

    /// The distances, from centre to centre, between which the fighter does what it mostly does.
    pub(super) fn reach_mm(&self) -> (i64, i64) {
        match self.skills.first().map(|skill| (skill.purpose, skill.range_mm)) {
            Some((Purpose::Shot { .. } | Purpose::Blast { .. }, range_mm)) => {
                (range_mm * 45 / 100, range_mm * 80 / 100)
            }
            Some((_, range_mm)) => (0, i64::from(self.radius_mm) * 2 + range_mm * 70 / 100),
            None => (0, 0),
        }
    }

    /// The radius of what the fighter mostly shoots; `None` if it does not.
    pub(super) fn shot_radius_mm(&self) -> Option<i32> {
        match self.skills.first()?.purpose {
            Purpose::Shot { radius_mm, .. } => Some(radius_mm),
            Purpose::Strike
            | Purpose::Blast { .. }
            | Purpose::Charge
            | Purpose::Escape
            | Purpose::Mend
            | Purpose::Guard => None,
        }
    }

    pub(super) fn skill(&self, number: u8) -> Option<&Skill> {
        self.skills.get(usize::from(number))
    }
}

impl Skill {
    fn of(number: u8, skill: &HeroSkill) -> Self {
        let harm: i64 = skill.effects.iter().filter(|it| !it.helps()).map(worth).sum();
        let help: i64 = skill.effects.iter().filter(|it| it.helps()).map(worth).sum();
        let purpose = match skill.delivery {
            Delivery::Own => Purpose::Guard,
            Delivery::Melee { .. } => Purpose::Strike,
            Delivery::Ally { .. } => Purpose::Mend,
            Delivery::Projectile { speed_mm_s, radius_mm, .. } => {
                Purpose::Shot { speed_mm_s: speed_mm_s.into(), radius_mm }
            }
            Delivery::Area { radius_mm, delay_ms, .. } if harm > 0 => {
                Purpose::Blast { radius_mm: radius_mm.into(), delay_ms: delay_ms.into() }
            }
            Delivery::Area { range_mm, .. } if range_mm > 0 => Purpose::Mend,
            Delivery::Area { .. } => Purpose::Guard,
            Delivery::Dash { .. } if harm > 0 => Purpose::Charge,
            Delivery::Dash { .. } => Purpose::Escape,
        };
        let pulses = match skill.delivery {
            Delivery::Area { pulses, .. } => i64::from(pulses.clamp(1, 3)),
            Delivery::Own
            | Delivery::Melee { .. }
            | Delivery::Ally { .. }
            | Delivery::Projectile { .. }
            | Delivery::Dash { .. } => 1,
        };
        Self {
            number,
            purpose,
            range_mm: skill.delivery.range_mm().into(),
            worth: (harm + help) * pulses,
            cast_ms: skill.cast_ms.into(),
            stands_still: skill.broken_by == BrokenBy::Walking && skill.cast_ms > 0,
        }
    }
}

/// What an effect is worth in hit points.
fn worth(effect: &Effect) -> i64 {
    match *effect {
        Effect::Damage { amount } | Effect::Heal { amount } | Effect::Shield { amount, .. } => {
            amount.into()
        }
        Effect::Slow { permille, duration_ms } => {
            i64::from(permille) * i64::from(duration_ms) / SLOW_PERMILLE_MS_PER_HP
        }
        Effect::Stun { duration_ms } => i64::from(duration_ms) / STUN_MS_PER_HP,
        Effect::Burn { amount, duration_ms } => {
            i64::from(amount) * i64::from(duration_ms) / BURN_MS
        }
    }
}
