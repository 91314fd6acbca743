//! What a battle begins with: everything that decides it besides the inputs. It is stored at the
//! head of the replay, so that a replay needs no content files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::content::{ArenaRules, Content, Hero, Pillar, Reward, SiegeRules};
use shared::ids::{BattleId, PlayerId};
use shared::limits::NAME_BYTES_MAX;
use shared::msg::client::{BattleStart, FighterLine, Outcome};
use shared::msg::matchmaker_battle::Seat;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::wire;
use xxhash_rust::xxh3::xxh3_64;

use super::BATTLE_HZ;
use super::modes::Mode;
use super::siege;

/// Half of a map's longer side at most. Together with the limits below it keeps every square and
/// product of the simulation within 64 bits.
pub const HALF_SIZE_MM_MAX: i32 = 200_000;
/// Speed of anything at most.
pub const SPEED_MM_S_MAX: i32 = 100_000;
/// Radius, reach of anything at most.
pub const RADIUS_MM_MAX: i32 = 20_000;
/// Duration of a battle at most.
pub const DURATION_S_MAX: u32 = 3_600;
/// Pillars on a map at most.
pub const PILLARS_MAX: usize = 256;
/// Hit points and damage, with all bonuses, at most.
pub const HP_MAX: i32 = 1_000_000;
/// Seats of a battle at most; modes take fewer.
pub const SEATS_MAX: usize = 4_096;
/// Fighters that a client is told of at the start. In a battle of more it is told of its own.
pub const LINE_UP_MAX: usize = 64;
/// Cooldowns and respawn times at most.
pub const WAIT_MS_MAX: u32 = 600_000;

/// The beginning of a battle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The battle.
    pub battle: BattleId,
    /// The mode's name.
    pub mode: String,
    /// Decides all randomness.
    pub seed: u64,
    /// Ticks per second.
    pub hz: u32,
    /// The mode's rules.
    pub rules: ModeRules,
    /// The heroes that take part, ordered by id.
    pub heroes: Vec<Hero>,
    /// Who fights, ordered by slot.
    pub seats: Vec<SeatSetup>,
}

/// The rules of a battle, by what a mode plays by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModeRules {
    /// Those of the arena; the duel borrows its map, time and rewards.
    Arena(ArenaRules),
    /// Those of the siege.
    Siege(SiegeRules),
}

/// One fighter's beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatSetup {
    /// 0 or 1.
    pub side: u8,
    /// The player.
    pub player: PlayerId,
    /// The player's name.
    pub name: String,
    /// The hero's id.
    pub hero: u16,
    /// Added to the hero's hit points.
    pub bonus_hp: i32,
    /// Added to the hero's damage.
    pub bonus_damage: i32,
}

impl Setup {
    /// The setup of a battle that the matchmaker asks for.
    ///
    /// # Errors
    /// A refusal that names what does not fit.
    pub fn new(
        mode: &dyn Mode,
        content: &Content,
        battle: BattleId,
        seed: u64,
        seats: &[Seat],
    ) -> Result<Self, Refusal> {
        let mut heroes = BTreeMap::new();
        for seat in seats {
            let hero = content.heroes.get(&seat.card.hero).ok_or_else(|| {
                let text = format!("there is no hero {}", seat.card.hero);
                Refusal::new(RefusalCode::NotFound, text)
            })?;
            heroes.insert(hero.id, hero.clone());
        }
        let seats = seats.iter().map(|seat| SeatSetup {
            side: seat.side,
            player: seat.player,
            name: seat.card.name.clone(),
            hero: seat.card.hero,
            bonus_hp: seat.card.bonus_hp.clamp(-HP_MAX, HP_MAX),
            bonus_damage: seat.card.bonus_damage.clamp(-HP_MAX, HP_MAX),
        });
        let setup = Self {
            battle,
            mode: mode.name().to_owned(),
            seed,
            hz: BATTLE_HZ,
            rules: mode.rules(content),
            heroes: heroes.into_values().collect(),
            seats: seats.collect(),
        };
        setup.check()?;
        mode.check(&setup)?;
        Ok(setup)
    }

    /// Whether all sizes are in range. What else a mode needs, it checks itself.
    ///
    /// # Errors
    /// A refusal that names what does not fit.
    pub fn check(&self) -> Result<(), Refusal> {
        let bad = |text: &str| Err(Refusal::new(RefusalCode::BadAmount, text));
        if !(1..=SEATS_MAX).contains(&self.seats.len()) {
            return bad("a battle has no seats, or too many");
        }
        if self.seats.iter().any(|seat| seat.side > 1) {
            return bad("there are two sides, 0 and 1");
        }
        let mut players: Vec<_> = self.seats.iter().map(|seat| seat.player).collect();
        players.sort_unstable();
        if players.windows(2).any(|pair| pair.first() == pair.last()) {
            return bad("a player has two seats");
        }
        if !self.seats.iter().all(|seat| self.is_seat_sound(seat)) {
            return bad("a seat's name, hero or bonus is out of range");
        }
        if self.hz == 0 || self.hz > 1_000 || !self.rules.is_sound() {
            return bad("the mode's rules are out of range");
        }
        if !self.heroes.iter().all(is_hero_sound) {
            return bad("a hero's numbers are out of range");
        }
        Ok(())
    }

    /// Fighters on a side.
    #[must_use]
    pub fn fighters_of(&self, side: u8) -> usize {
        self.seats.iter().filter(|seat| seat.side == side).count()
    }

    /// The hero of an id, if it takes part.
    #[must_use]
    pub fn hero(&self, id: u16) -> Option<&Hero> {
        self.heroes.iter().find(|hero| hero.id == id)
    }

    /// How many ticks the battle lasts at most.
    #[must_use]
    pub const fn ticks_max(&self) -> u32 {
        self.rules.duration_s().saturating_mul(self.hz)
    }

    /// How many ticks last at least `ms`.
    #[must_use]
    pub const fn ticks_of_ms(&self, ms: u32) -> u32 {
        let ticks = ms.saturating_mul(self.hz).div_ceil(1_000);
        if ticks == 0 { 1 } else { ticks }
    }

    /// Hash of rules and heroes: equal hashes play by equal rules.
    #[must_use]
    pub fn ruleset_hash(&self) -> u64 {
        xxh3_64(&wire::encode(&(&self.rules, &self.heroes)))
    }

    /// What the player in `slot` is told at the start.
    #[must_use]
    pub fn start_for(&self, slot: u16) -> BattleStart {
        let is_told = |of: &u16| self.seats.len() <= LINE_UP_MAX || *of == slot;
        let seats = (0..).zip(&self.seats).filter(|(of, _)| is_told(of));
        let fighters = seats.map(|(slot, seat)| FighterLine {
            slot,
            side: seat.side,
            hero: seat.hero,
            name: seat.name.clone(),
        });
        BattleStart {
            battle: self.battle,
            slot,
            fighters: fighters.collect(),
            half_size_mm: self.rules.half_size_mm(),
            ticks_max: self.ticks_max(),
        }
    }

    fn is_seat_sound(&self, seat: &SeatSetup) -> bool {
        let bonus = -HP_MAX..=HP_MAX;
        seat.name.len() <= NAME_BYTES_MAX
            && self.hero(seat.hero).is_some()
            && bonus.contains(&seat.bonus_hp)
            && bonus.contains(&seat.bonus_damage)
    }
}

impl ModeRules {
    /// Half the width and half the height of the map.
    #[must_use]
    pub const fn half_size_mm(&self) -> (i32, i32) {
        match self {
            Self::Arena(rules) => (rules.half_width_mm, rules.half_height_mm),
            Self::Siege(rules) => (rules.half_width_mm, rules.half_height_mm),
        }
    }

    /// How long a battle lasts at most.
    #[must_use]
    pub const fn duration_s(&self) -> u32 {
        match self {
            Self::Arena(rules) => rules.duration_s,
            Self::Siege(rules) => rules.duration_s,
        }
    }

    /// What a battle pays to whom it ended for like this.
    #[must_use]
    pub const fn reward(&self, outcome: Outcome) -> &Reward {
        match (self, outcome) {
            (Self::Arena(rules), Outcome::Won) => &rules.won,
            (Self::Arena(rules), Outcome::Lost) => &rules.lost,
            (Self::Arena(rules), Outcome::Drawn) => &rules.drawn,
            (Self::Siege(rules), Outcome::Won) => &rules.won,
            (Self::Siege(rules), Outcome::Lost | Outcome::Drawn) => &rules.lost,
        }
    }

    fn is_sound(&self) -> bool {
        match self {
            Self::Arena(rules) => is_map_sound(rules),
            Self::Siege(rules) => siege::is_sound(rules),
        }
    }
}

fn is_map_sound(rules: &ArenaRules) -> bool {
    let half = 1_000..=HALF_SIZE_MM_MAX;
    let sound = |pillar: &Pillar| {
        (1..=RADIUS_MM_MAX).contains(&pillar.radius_mm)
            && (-HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX).contains(&pillar.x_mm)
            && (-HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX).contains(&pillar.y_mm)
    };
    half.contains(&rules.half_width_mm)
        && half.contains(&rules.half_height_mm)
        && (1..=DURATION_S_MAX).contains(&rules.duration_s)
        && rules.respawn_ms <= WAIT_MS_MAX
        && rules.kills_to_win > 0
        && rules.pillars.len() <= PILLARS_MAX
        && rules.pillars.iter().all(sound)
}

fn is_hero_sound(hero: &Hero) -> bool {
    let (melee, ranged) = (hero.melee, hero.ranged);
    (1..=HP_MAX).contains(&hero.hp)
        && (0..=SPEED_MM_S_MAX).contains(&hero.speed_mm_s)
        && (1..=1_000).contains(&hero.radius_mm)
        && (0..=HP_MAX).contains(&melee.damage)
        && (0..=RADIUS_MM_MAX).contains(&melee.reach_mm)
        && melee.cooldown_ms <= WAIT_MS_MAX
        && (0..=HP_MAX).contains(&ranged.damage)
        && (1..=SPEED_MM_S_MAX).contains(&ranged.speed_mm_s)
        && (1..=2 * HALF_SIZE_MM_MAX).contains(&ranged.range_mm)
        && (1..=RADIUS_MM_MAX).contains(&ranged.radius_mm)
        && ranged.cooldown_ms <= WAIT_MS_MAX
}
