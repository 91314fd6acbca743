//! Content: heroes, items, pets, rewards, modes and queues, as designers write them in TOML.
//!
//! The built-in set is the folder `content/` of the repository, compiled in. Everything is
//! validated before a node starts; an error names file, line and what is allowed.

#[cfg(feature = "shell")]
mod files;
mod heroes;
mod load;
mod maps;
mod problem;
mod siege;
mod table;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(feature = "shell")]
pub use files::ContentLoadError;
pub use heroes::{
    BrokenBy, Delivery, Effect, HERO_SKILLS, Hero, HeroRole, SKILL_EFFECTS_MAX, Skill,
};
pub use load::{BUILTIN_FILES, CONTENT_FILES};
pub use maps::{
    Block, CapturePoint, Clearance, Cover, MAP_HALF_MM_MAX, Map, Obstacles, Passage, Pillar, Point,
    Shape, Spot, Terrain,
};
pub use problem::{ContentError, ContentErrors, ContentProblem, Suggestion};
pub use siege::{Boss, Keep, MONSTERS_MAX, Monster, SiegeRules, WAVES_MAX, Wave};
pub use validate::MODES;

use crate::limits::TEAM_MEMBERS_MAX;
use crate::msg::client::Slot;

/// Everything that designers decide. Tables are keyed by the id that is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// `heroes.toml`
    pub heroes: BTreeMap<u16, Hero>,
    /// `items.toml`
    pub items: BTreeMap<u16, Item>,
    /// `pets.toml`
    pub pets: BTreeMap<u16, PetSpecies>,
    /// `player.toml`
    pub player: PlayerRules,
    /// `arena.toml`
    pub arena: ArenaRules,
    /// `siege.toml`
    pub siege: SiegeRules,
    /// `queues.toml`, keyed by name
    pub queues: BTreeMap<String, QueueRules>,
    /// `maps/NAME.toml`, keyed by NAME
    pub maps: BTreeMap<String, Terrain>,
}

/// Something that fits into a bag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Stored and sent; never reused.
    pub id: u16,
    /// Shown.
    pub name: String,
    /// What it is good for.
    pub purpose: ItemUse,
}

/// What an item is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemUse {
    /// Worn in a slot.
    Equipment {
        /// Where.
        slot: Slot,
        /// Hit points added in battles.
        bonus_hp: i32,
        /// Damage added to each hit.
        bonus_damage: i32,
        /// Armour added, see [`Hero::armour`].
        bonus_armour: i32,
        /// Cooldowns take 1000 of `1000 + haste` of their time.
        haste_permille: i32,
    },
    /// Used up for an effect on the player.
    Consumable {
        /// Experience gained.
        xp: u32,
        /// Gold gained.
        gold: u64,
    },
    /// Fed to a pet.
    Food {
        /// Experience the pet gains.
        pet_xp: u32,
    },
}

/// A kind of pet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PetSpecies {
    /// Stored and sent; never reused.
    pub id: u16,
    /// Shown.
    pub name: String,
    /// Highest level.
    pub level_max: u16,
    /// Experience for one level.
    pub level_xp: u32,
    /// Hit points added in battles per level, while it is the player's first pet.
    pub level_bonus_hp: i32,
    /// Its own hit points in battles at level 1.
    pub hp: i32,
    /// Hit points it gains with each further level.
    pub level_hp: i32,
    /// What a bite takes at level 1.
    pub damage: i32,
    /// Damage it gains with each further level.
    pub level_damage: i32,
    /// How fast it runs.
    pub speed_mm_s: i32,
    /// Radius of its body.
    pub radius_mm: i32,
    /// How far it bites, from body edge to body edge.
    pub reach_mm: i32,
    /// Time between two bites.
    pub cooldown_ms: u32,
}

/// What a new player starts with, and how players grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerRules {
    /// Gold of a new player.
    pub start_gold: u64,
    /// Items of a new player.
    pub start_items: Vec<ItemGrant>,
    /// Pets of a new player, by species.
    pub start_pets: Vec<u16>,
    /// Hero of a new player.
    pub start_hero: u16,
    /// Rating of a new player.
    pub start_rating: i32,
    /// Highest level.
    pub level_max: u16,
    /// Experience for one level.
    pub level_xp: u32,
    /// Hit points added in battles per level above the first.
    pub level_bonus_hp: i32,
}

/// Items given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemGrant {
    /// The item.
    pub item: u16,
    /// How many.
    pub count: u32,
}

/// Rules of the arena.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArenaRules {
    /// Names of the maps; each battle is fought on one of them, as its seed decides.
    pub maps: Vec<String>,
    /// How long a battle lasts at most.
    pub duration_s: u32,
    /// A side with this score has won.
    pub score_to_win: u32,
    /// What a kill scores.
    pub kill_score: u32,
    /// What a point scores in each second in which it is held.
    pub hold_score: u32,
    /// Time in which one fighter alone takes a neutral point.
    pub capture_ms: u32,
    /// Who has harmed a fighter this long before its end has assisted.
    pub assist_ms: u32,
    /// Time a killed fighter waits.
    pub respawn_ms: u32,
    /// How far fighters and pets see.
    pub sight_mm: i32,
    /// What a winner gets.
    pub won: Reward,
    /// What a loser gets.
    pub lost: Reward,
    /// What each gets after a draw.
    pub drawn: Reward,
}

/// What a battle pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reward {
    /// Gold.
    pub gold: u64,
    /// Experience.
    pub xp: u32,
    /// Items.
    pub items: Vec<ItemGrant>,
}

/// How a queue makes matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRules {
    /// What players ask for.
    pub name: String,
    /// The mode that is fought.
    pub mode: String,
    /// Who meets whom.
    pub meeting: Meeting,
}

impl QueueRules {
    /// Players who may queue together at most.
    #[must_use]
    pub const fn party_max(&self) -> usize {
        match &self.meeting {
            Meeting::Sides(rules) => rules.side_fighters as usize,
            Meeting::Crowd(_) => TEAM_MEMBERS_MAX,
        }
    }
}

/// How the players of a queue come together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meeting {
    /// Two equal sides of players with like ratings.
    Sides(SideRules),
    /// All who come within some time, on one side, whatever their ratings are.
    Crowd(CrowdRules),
}

/// How many players meet on one side, and how long is waited for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdRules {
    /// Fewer do not begin.
    pub players_min: u16,
    /// So many begin at once; further ones meet in the next battle.
    pub players_max: u16,
    /// With fewer, the battle begins when the first has waited this long.
    pub wait_s: u32,
}

/// Who may meet on two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideRules {
    /// Fighters on each of the two sides.
    pub side_fighters: u8,
    /// Players this far apart in rating may meet at once, either way.
    pub rating_window: i32,
    /// The window grows by this per second of waiting.
    pub rating_window_growth_per_s: i32,
    /// It grows no further than this.
    pub rating_window_max: i32,
    /// Largest rating change of one battle.
    pub rating_k: i32,
    /// What fills seats that stay empty; `None` for players only.
    pub bots: Option<BotRules>,
}

/// How a queue fills empty seats with bots. Nobody's rating changes by a battle with bots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotRules {
    /// A ticket that has waited this long fights with and against bots.
    pub after_s: u32,
    /// How well they fight.
    pub strength: Strength,
}

/// How well a bot fights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Strength {
    /// Slow, aims badly, knows no tactics.
    Novice,
    /// Like somebody who has played for a while.
    Regular,
    /// Fast, exact, with tactics.
    Veteran,
}

impl Strength {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Novice, Self::Regular, Self::Veteran];
    /// What content calls them, in the same order.
    pub const NAMES: [&'static str; 3] = ["novice", "regular", "veteran"];

    /// What content calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}
