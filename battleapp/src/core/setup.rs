//! What a battle begins with: everything that decides it besides the inputs. It is stored at the
//! head of the replay, so that a replay needs no content files.

mod bots;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::content::{
    ArenaRules, Content, Delivery, Effect, HERO_SKILLS, Hero, Map, PetSpecies, Reward,
    SKILL_EFFECTS_MAX, SiegeRules, Skill, Strength, Terrain,
};
use shared::ids::{BattleId, PlayerId};
use shared::limits::NAME_BYTES_MAX;
use shared::msg::client::{BattleStart, FighterLine, Outcome};
use shared::msg::matchmaker_battle::{BotSeat, Seat};
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
/// Hit points and damage, with all bonuses, at most.
pub const HP_MAX: i32 = 1_000_000;
/// Seats of a battle at most; modes take fewer.
pub const SEATS_MAX: usize = 4_096;
/// Fighters that a client is told of at the start. In a battle of more it is told of its own.
pub const LINE_UP_MAX: usize = 64;
/// Energy at most, and what comes back of it in a second.
pub const ENERGY_MAX: i32 = 1_000;
/// Haste at most: cooldowns get no shorter than to a fifth.
pub const HASTE_PERMILLE_MAX: i32 = 4_000;
/// A pet's level at most.
pub const LEVEL_MAX: u16 = 1_000;
/// What a kill or a second of holding a point scores at most.
pub const SCORE_STEP_MAX: u32 = 1_000;
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
    /// The species of pets that take part, ordered by id.
    pub pets: Vec<PetSpecies>,
    /// Who fights, ordered by slot.
    pub seats: Vec<SeatSetup>,
}

/// The rules of a battle, by what a mode plays by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModeRules {
    /// Those of the arena; the duel borrows its map, time and rewards.
    Arena(ArenaSetup),
    /// Those of the siege.
    Siege(SiegeRules),
}

/// The arena's rules with the map that was drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArenaSetup {
    /// The rules.
    pub rules: ArenaRules,
    /// The map.
    pub map: Terrain,
}

/// Who decides for a fighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Occupant {
    /// A player.
    Player(PlayerId),
    /// A pilot of this strength.
    Bot(Strength),
}

/// One fighter's beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatSetup {
    /// 0 or 1.
    pub side: u8,
    /// Who decides what it does.
    pub occupant: Occupant,
    /// The fighter's name: the player's, or one that says that it is a bot.
    pub name: String,
    /// The hero's id.
    pub hero: u16,
    /// Added to the hero's hit points.
    pub bonus_hp: i32,
    /// Added to the hero's damage.
    pub bonus_damage: i32,
    /// Added to the hero's armour.
    pub bonus_armour: i32,
    /// Cooldowns take 1000 of `1000 + haste` of their time.
    pub haste_permille: i32,
    /// Species and level of the pet that fights along.
    pub pet: Option<(u16, u16)>,
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
        Self::with_bots(mode, content, (battle, seed), seats, &[])
    }

    /// Like [`Setup::new`], with bots in the slots after those of the players. The bots of both
    /// sides have the same heroes, drawn by the seed, and wear what the players wear on average.
    ///
    /// # Errors
    /// A refusal that names what does not fit.
    pub fn with_bots(
        mode: &dyn Mode,
        content: &Content,
        (battle, seed): (BattleId, u64),
        seats: &[Seat],
        bots: &[BotSeat],
    ) -> Result<Self, Refusal> {
        let mut seats: Vec<_> = seats.iter().map(|seat| seat_of(content, seat)).collect();
        bots::seat(content, seed, bots, &mut seats);
        let (mut heroes, mut pets) = (BTreeMap::new(), BTreeMap::new());
        for seat in &seats {
            let hero = content.heroes.get(&seat.hero).ok_or_else(|| {
                let text = format!("there is no hero {}", seat.hero);
                Refusal::new(RefusalCode::NotFound, text)
            })?;
            heroes.insert(hero.id, hero.clone());
            if let Some(species) = seat.pet.and_then(|(species, _)| content.pets.get(&species)) {
                pets.insert(species.id, species.clone());
            }
        }
        let setup = Self {
            battle,
            mode: mode.name().to_owned(),
            seed,
            hz: BATTLE_HZ,
            rules: mode.rules(content, seed)?,
            heroes: heroes.into_values().collect(),
            seats,
            pets: pets.into_values().collect(),
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
        let mut players: Vec<_> = self.seats.iter().filter_map(SeatSetup::player).collect();
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
        if !self.heroes.iter().all(is_hero_sound) || !self.pets.iter().all(is_pet_sound) {
            return bad("the numbers of a hero or pet are out of range");
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

    /// Hash of rules, heroes and pets: equal hashes play by equal rules.
    #[must_use]
    pub fn ruleset_hash(&self) -> u64 {
        xxh3_64(&wire::encode(&(&self.rules, &self.heroes, &self.pets)))
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
            map: Box::new(Map::clone(&self.rules.terrain())),
            ticks_max: self.ticks_max(),
        }
    }

    fn is_seat_sound(&self, seat: &SeatSetup) -> bool {
        let bonus = -HP_MAX..=HP_MAX;
        seat.name.len() <= NAME_BYTES_MAX
            && self.hero(seat.hero).is_some()
            && bonus.contains(&seat.bonus_hp)
            && bonus.contains(&seat.bonus_damage)
            && bonus.contains(&seat.bonus_armour)
            && (0..=HASTE_PERMILLE_MAX).contains(&seat.haste_permille)
            && seat.pet.is_none_or(|(_, level)| (1..=LEVEL_MAX).contains(&level))
    }
}

impl SeatSetup {
    /// The player, if it is one.
    #[must_use]
    pub const fn player(&self) -> Option<PlayerId> {
        match self.occupant {
            Occupant::Player(player) => Some(player),
            Occupant::Bot(_) => None,
        }
    }

    /// The strength of the bot, if it is one.
    #[must_use]
    pub const fn bot(&self) -> Option<Strength> {
        match self.occupant {
            Occupant::Player(_) => None,
            Occupant::Bot(strength) => Some(strength),
        }
    }
}

fn seat_of(content: &Content, seat: &Seat) -> SeatSetup {
    let pet = seat.card.pet.filter(|pet| content.pets.contains_key(&pet.species));
    SeatSetup {
        side: seat.side,
        occupant: Occupant::Player(seat.player),
        name: seat.card.name.clone(),
        hero: seat.card.hero,
        bonus_hp: seat.card.bonus_hp.clamp(-HP_MAX, HP_MAX),
        bonus_damage: seat.card.bonus_damage.clamp(-HP_MAX, HP_MAX),
        bonus_armour: seat.card.bonus_armour.clamp(-HP_MAX, HP_MAX),
        haste_permille: seat.card.haste_permille.clamp(0, HASTE_PERMILLE_MAX),
        pet: pet.map(|pet| (pet.species, pet.level.clamp(1, LEVEL_MAX))),
    }
}

impl ModeRules {
    /// The map; one without obstacles if the mode has none.
    #[must_use]
    pub fn terrain(&self) -> Terrain {
        match self {
            Self::Arena(arena) => arena.map.clone(),
            Self::Siege(rules) => Terrain::from(Map {
                half_width_mm: rules.half_width_mm,
                half_height_mm: rules.half_height_mm,
                ..Map::default()
            }),
        }
    }

    /// Half the width and half the height of the map.
    #[must_use]
    pub fn half_size_mm(&self) -> (i32, i32) {
        match self {
            Self::Arena(arena) => arena.map.half_mm(),
            Self::Siege(rules) => (rules.half_width_mm, rules.half_height_mm),
        }
    }

    /// How long a battle lasts at most.
    #[must_use]
    pub const fn duration_s(&self) -> u32 {
        match self {
            Self::Arena(arena) => arena.rules.duration_s,
            Self::Siege(rules) => rules.duration_s,
        }
    }

    /// What a battle pays to whom it ended for like this.
    #[must_use]
    pub const fn reward(&self, outcome: Outcome) -> &Reward {
        match (self, outcome) {
            (Self::Arena(arena), Outcome::Won) => &arena.rules.won,
            (Self::Arena(arena), Outcome::Lost) => &arena.rules.lost,
            (Self::Arena(arena), Outcome::Drawn) => &arena.rules.drawn,
            (Self::Siege(rules), Outcome::Won) => &rules.won,
            (Self::Siege(rules), Outcome::Lost | Outcome::Drawn) => &rules.lost,
        }
    }

    fn is_sound(&self) -> bool {
        match self {
            Self::Arena(arena) => is_arena_sound(arena),
            Self::Siege(rules) => siege::is_sound(rules),
        }
    }
}

fn is_arena_sound(ArenaSetup { rules, map }: &ArenaSetup) -> bool {
    map.is_in_range()
        && map.entries.iter().all(|entries| !entries.is_empty())
        && (1..=DURATION_S_MAX).contains(&rules.duration_s)
        && rules.score_to_win > 0
        && rules.kill_score <= SCORE_STEP_MAX
        && rules.hold_score <= SCORE_STEP_MAX
        && (0..=2 * HALF_SIZE_MM_MAX).contains(&rules.sight_mm)
        && [rules.capture_ms, rules.assist_ms, rules.respawn_ms].iter().all(|ms| *ms <= WAIT_MS_MAX)
}

fn is_hero_sound(hero: &Hero) -> bool {
    (1..=HP_MAX).contains(&hero.hp)
        && (0..=HP_MAX).contains(&hero.armour)
        && (0..=SPEED_MM_S_MAX).contains(&hero.speed_mm_s)
        && (1..=1_000).contains(&hero.radius_mm)
        && (0..=ENERGY_MAX).contains(&hero.energy)
        && (0..=ENERGY_MAX).contains(&hero.energy_per_s)
        && hero.skills.len() == HERO_SKILLS
        && hero.skills.iter().all(is_skill_sound)
}

fn is_pet_sound(pet: &PetSpecies) -> bool {
    let amount = 0..=HP_MAX;
    [pet.hp, pet.level_hp, pet.damage, pet.level_damage].iter().all(|it| amount.contains(it))
        && (0..=SPEED_MM_S_MAX).contains(&pet.speed_mm_s)
        && (1..=1_000).contains(&pet.radius_mm)
        && (0..=RADIUS_MM_MAX).contains(&pet.reach_mm)
        && pet.cooldown_ms <= WAIT_MS_MAX
}

fn is_skill_sound(skill: &Skill) -> bool {
    let range = |mm: i32| (0..=2 * HALF_SIZE_MM_MAX).contains(&mm);
    let radius = |mm: i32| (0..=RADIUS_MM_MAX).contains(&mm);
    let speed = |mm_s: i32| (1..=SPEED_MM_S_MAX).contains(&mm_s);
    let delivered = match skill.delivery {
        Delivery::Own => true,
        Delivery::Melee { reach_mm } => radius(reach_mm),
        Delivery::Ally { range_mm } => range(range_mm),
        Delivery::Projectile { speed_mm_s, range_mm, radius_mm, burst_mm } => {
            speed(speed_mm_s) && range(range_mm) && radius(radius_mm) && radius(burst_mm)
        }
        Delivery::Area { range_mm, radius_mm, delay_ms, pulses: _, every_ms } => {
            range(range_mm) && radius(radius_mm) && delay_ms.max(every_ms) <= WAIT_MS_MAX
        }
        Delivery::Dash { range_mm, speed_mm_s, radius_mm } => {
            speed(speed_mm_s) && range(range_mm) && radius(radius_mm)
        }
    };
    delivered
        && (0..=ENERGY_MAX).contains(&skill.cost)
        && skill.cooldown_ms.max(skill.cast_ms) <= WAIT_MS_MAX
        && skill.effects.len() <= SKILL_EFFECTS_MAX
        && skill.effects.iter().all(is_effect_sound)
}

fn is_effect_sound(effect: &Effect) -> bool {
    let (amount, most, ms) = match *effect {
        Effect::Damage { amount } | Effect::Heal { amount } => (amount, HP_MAX, 0),
        Effect::Shield { amount, duration_ms } | Effect::Burn { amount, duration_ms } => {
            (amount, HP_MAX, duration_ms)
        }
        Effect::Slow { permille, duration_ms } => (permille, 1_000, duration_ms),
        Effect::Stun { duration_ms } => (0, 0, duration_ms),
    };
    (0..=most).contains(&amount) && ms <= WAIT_MS_MAX
}
