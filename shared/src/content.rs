//! Content: heroes, items, pets, rewards, modes and queues, as designers write them in TOML.
//!
//! The built-in set is the folder `content/` of the repository, compiled in. Everything is
//! validated before a node starts; an error names file, line and what is allowed.

#[cfg(feature = "shell")]
mod files;
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
pub use load::{BUILTIN_FILES, CONTENT_FILES};
pub use maps::{
    Block, CapturePoint, Clearance, Cover, MAP_HALF_MM_MAX, Map, Passage, Pillar, Point, Shape,
    Spot,
};
pub use problem::{ContentError, ContentErrors, ContentProblem, Suggestion};
pub use siege::{Boss, Keep, MONSTERS_MAX, Monster, SiegeRules, WAVES_MAX, Wave};
pub use validate::MODES;

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
    pub maps: BTreeMap<String, Map>,
}

/// A playable hero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hero {
    /// Stored and sent; never reused.
    pub id: u16,
    /// Shown.
    pub name: String,
    /// Hit points at level 1 without equipment.
    pub hp: i32,
    /// Walking speed.
    pub speed_mm_s: i32,
    /// Radius of the body.
    pub radius_mm: i32,
    /// The melee skill.
    pub melee: MeleeSkill,
    /// The ranged skill.
    pub ranged: RangedSkill,
}

/// Hits one enemy within reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeleeSkill {
    /// Hit points taken.
    pub damage: i32,
    /// From body edge to body edge.
    pub reach_mm: i32,
    /// Time until it can be used again.
    pub cooldown_ms: u32,
}

/// Shoots a projectile that hits the first enemy in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangedSkill {
    /// Hit points taken.
    pub damage: i32,
    /// Speed of the projectile.
    pub speed_mm_s: i32,
    /// How far it flies.
    pub range_mm: i32,
    /// Radius of the projectile.
    pub radius_mm: i32,
    /// Time until it can be used again.
    pub cooldown_ms: u32,
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
    /// Half the width of the map; the centre is (0, 0).
    pub half_width_mm: i32,
    /// Half the height of the map.
    pub half_height_mm: i32,
    /// How long a battle lasts at most.
    pub duration_s: u32,
    /// A side that has killed this often has won.
    pub kills_to_win: u32,
    /// Time a killed fighter waits.
    pub respawn_ms: u32,
    /// Pillars that block walking and projectiles.
    pub pillars: Vec<Pillar>,
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
}
