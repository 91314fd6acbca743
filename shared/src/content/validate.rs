//! What each content file may hold: its keys, their ranges, and what they refer to.

mod heroes;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::table::{Known, Lines, Table};
use super::{
    ArenaRules, BotRules, CrowdRules, Item, ItemGrant, ItemUse, Meeting, PetSpecies, PlayerRules,
    QueueRules, Reward, SideRules, Strength,
};
use crate::limits::{
    ARENA_SIDE_FIGHTERS, BAG_STACKS_MAX, GOLD_MAX, PETS_MAX, SIEGE_PLAYERS_MAX, STACK_COUNT_MAX,
};
use crate::msg::client::{ATTACHED_STACKS_MAX, Slot};

pub(super) use heroes::heroes;

/// The modes that the battleapp has. A queue names one of them.
pub const MODES: [&str; 3] = ["arena", "duel", "siege"];

/// Entries of one table of ids.
const ENTRIES: RangeInclusive<usize> = 1..=1_000;
const QUEUES: RangeInclusive<usize> = 1..=16;

const HIT_POINTS: RangeInclusive<i64> = 1..=100_000;
const BONUS: RangeInclusive<i64> = 0..=10_000;
const DAMAGE: RangeInclusive<i64> = 1..=10_000;
const COOLDOWN_MS: RangeInclusive<i64> = 50..=60_000;
const WALK_MM_S: RangeInclusive<i64> = 100..=20_000;
const BODY_RADIUS_MM: RangeInclusive<i64> = 50..=1_000;
const REACH_MM: RangeInclusive<i64> = 1..=10_000;
const DURATION_S: RangeInclusive<i64> = 5..=3_600;
const ARENA_MAPS_MAX: usize = 16;
const SCORE: RangeInclusive<i64> = 1..=100_000;
const SCORE_STEP: RangeInclusive<i64> = 0..=1_000;
const CAPTURE_MS: RangeInclusive<i64> = 100..=60_000;
const ASSIST_MS: RangeInclusive<i64> = 0..=60_000;
const SIGHT_MM: RangeInclusive<i64> = 1_000..=60_000;
const ARMOUR: RangeInclusive<i64> = 0..=1_000;
const HASTE: RangeInclusive<i64> = 0..=1_000;
pub(super) const RESPAWN_MS: RangeInclusive<i64> = 0..=60_000;
const LEVELS: RangeInclusive<i64> = 1..=1_000;
const LEVEL_XP: RangeInclusive<i64> = 1..=1_000_000;
const LEVEL_BONUS: RangeInclusive<i64> = 0..=1_000;
const XP: RangeInclusive<i64> = 0..=1_000_000;
const GOLD: RangeInclusive<i64> = 0..=1_000_000_000;
const COUNT: RangeInclusive<i64> = 1..=9_999;
const RATING: RangeInclusive<i64> = 0..=10_000;
const RATING_K: RangeInclusive<i64> = 1..=256;
const BOTS_AFTER_S: RangeInclusive<i64> = 1..=3_600;
const SIDE: RangeInclusive<i64> = 1..=5;
const ONE: RangeInclusive<i64> = 1..=1;
const CROWD: RangeInclusive<i64> = 1..=SIEGE_PLAYERS_MAX as i64;
const CROWD_WAIT_S: RangeInclusive<i64> = 1..=3_600;

const _: () = assert!(*COUNT.end() == STACK_COUNT_MAX as i64);
const _: () = assert!(*SIDE.end() == ARENA_SIDE_FIGHTERS as i64);
const _: () = assert!((*GOLD.end()).cast_unsigned() <= GOLD_MAX);

/// Reads `items.toml`.
pub(super) fn items(mut file: Table<'_>, seen: &mut Lines<u16>) -> BTreeMap<u16, Item> {
    let mut items = BTreeMap::new();
    for mut table in file.tables("items", ENTRIES) {
        let id = table.id("id", seen);
        let name = table.name("name");
        if let Some(purpose) = table.table("use").map(item_use) {
            items.insert(id, Item { id, name, purpose });
        }
        table.end();
    }
    file.end();
    items
}

fn item_use(mut table: Table<'_>) -> ItemUse {
    let purpose = match table.choice("kind", &["equipment", "consumable", "food"]) {
        0 => ItemUse::Equipment {
            slot: Slot::ALL[table.choice("slot", &["weapon", "armour", "trinket"])],
            bonus_hp: table.int("bonus_hp", &BONUS),
            bonus_damage: table.int("bonus_damage", &BONUS),
            bonus_armour: table.int("bonus_armour", &ARMOUR),
            haste_permille: table.int("haste_permille", &HASTE),
        },
        1 => ItemUse::Consumable { xp: table.int("xp", &XP), gold: table.int("gold", &GOLD) },
        _ => ItemUse::Food { pet_xp: table.int("pet_xp", &XP) },
    };
    table.end();
    purpose
}

/// Reads `pets.toml`.
pub(super) fn pets(mut file: Table<'_>, seen: &mut Lines<u16>) -> BTreeMap<u16, PetSpecies> {
    let mut pets = BTreeMap::new();
    for mut table in file.tables("pets", ENTRIES) {
        let species = PetSpecies {
            id: table.id("id", seen),
            name: table.name("name"),
            level_max: table.int("level_max", &LEVELS),
            level_xp: table.int("level_xp", &LEVEL_XP),
            level_bonus_hp: table.int("level_bonus_hp", &LEVEL_BONUS),
            hp: table.int("hp", &HIT_POINTS),
            level_hp: table.int("level_hp", &LEVEL_BONUS),
            damage: table.int("damage", &DAMAGE),
            level_damage: table.int("level_damage", &LEVEL_BONUS),
            speed_mm_s: table.int("speed_mm_s", &WALK_MM_S),
            radius_mm: table.int("radius_mm", &BODY_RADIUS_MM),
            reach_mm: table.int("reach_mm", &REACH_MM),
            cooldown_ms: table.int("cooldown_ms", &COOLDOWN_MS),
        };
        table.end();
        pets.insert(species.id, species);
    }
    file.end();
    pets
}

/// Reads `player.toml`.
pub(super) fn player(
    mut file: Table<'_>,
    heroes: &Known<'_>,
    items: &Known<'_>,
    pets: &Known<'_>,
) -> PlayerRules {
    let rules = PlayerRules {
        start_gold: file.int("start_gold", &GOLD),
        start_items: grants(&mut file, "start_items", BAG_STACKS_MAX, items),
        start_pets: file.references("start_pets", 0..=PETS_MAX, pets),
        start_hero: file.reference("start_hero", heroes),
        start_rating: file.int("start_rating", &RATING),
        level_max: file.int("level_max", &LEVELS),
        level_xp: file.int("level_xp", &LEVEL_XP),
        level_bonus_hp: file.int("level_bonus_hp", &LEVEL_BONUS),
    };
    file.end();
    rules
}

fn grants(
    table: &mut Table<'_>,
    key: &'static str,
    entries_max: usize,
    items: &Known<'_>,
) -> Vec<ItemGrant> {
    let mut seen = Lines::new();
    let mut grants = Vec::new();
    for mut grant in table.tables(key, 0..=entries_max) {
        let item = grant.reference("item", items);
        grant.unique("item", item, &mut seen);
        grants.push(ItemGrant { item, count: grant.int("count", &COUNT) });
        grant.end();
    }
    grants
}

/// Reads `arena.toml`; `maps` are the names of all maps.
pub(super) fn arena(mut file: Table<'_>, items: &Known<'_>, maps: &[&str]) -> ArenaRules {
    let drawn = file.choices("maps", ARENA_MAPS_MAX, maps);
    let rules = ArenaRules {
        maps: drawn.into_iter().map(String::from).collect(),
        duration_s: file.int("duration_s", &DURATION_S),
        score_to_win: file.int("score_to_win", &SCORE),
        kill_score: file.int("kill_score", &SCORE_STEP),
        hold_score: file.int("hold_score", &SCORE_STEP),
        capture_ms: file.int("capture_ms", &CAPTURE_MS),
        assist_ms: file.int("assist_ms", &ASSIST_MS),
        respawn_ms: file.int("respawn_ms", &RESPAWN_MS),
        sight_mm: file.int("sight_mm", &SIGHT_MM),
        won: reward(file.table("won"), items),
        lost: reward(file.table("lost"), items),
        drawn: reward(file.table("drawn"), items),
    };
    file.end();
    rules
}

pub(super) fn reward(table: Option<Table<'_>>, items: &Known<'_>) -> Reward {
    let Some(mut table) = table else {
        return Reward { gold: 0, xp: 0, items: Vec::new() };
    };
    let reward = Reward {
        gold: table.int("gold", &GOLD),
        xp: table.int("xp", &XP),
        items: grants(&mut table, "items", ATTACHED_STACKS_MAX, items),
    };
    table.end();
    reward
}

fn bots(mut table: Table<'_>) -> BotRules {
    let rules = BotRules {
        after_s: table.int("after_s", &BOTS_AFTER_S),
        strength: Strength::ALL[table.choice("strength", &Strength::NAMES)],
    };
    table.end();
    rules
}

/// Reads `queues.toml`.
pub(super) fn queues(mut file: Table<'_>) -> BTreeMap<String, QueueRules> {
    let mut seen = Lines::new();
    let mut queues = BTreeMap::new();
    for mut table in file.tables("queues", QUEUES) {
        let name = table.name("name");
        table.unique("name", name.clone(), &mut seen);
        let (mode, meeting) = if table.has("own_mode") {
            (table.name("own_mode"), any_meeting(&mut table))
        } else {
            let mode = MODES[table.choice("mode", &MODES)];
            let meeting = match mode {
                "siege" => Meeting::Crowd(crowd(&mut table)),
                "duel" => Meeting::Sides(sides(&mut table, &ONE)),
                _ => Meeting::Sides(sides(&mut table, &SIDE)),
            };
            (String::from(mode), meeting)
        };
        table.end();
        queues.insert(name.clone(), QueueRules { name, mode, meeting });
    }
    file.end();
    queues
}

/// What a mode of one's own plays by is not known here.
fn any_meeting(table: &mut Table<'_>) -> Meeting {
    if table.has("players_max") {
        Meeting::Crowd(crowd(table))
    } else {
        Meeting::Sides(sides(table, &SIDE))
    }
}

fn sides(table: &mut Table<'_>, fighters: &RangeInclusive<i64>) -> SideRules {
    let side_fighters = table.int("side_fighters", fighters);
    let rating_window: i32 = table.int("rating_window", &RATING);
    let widest = i64::from(rating_window)..=*RATING.end();
    SideRules {
        side_fighters,
        rating_window,
        rating_window_growth_per_s: table.int("rating_window_growth_per_s", &RATING),
        rating_window_max: table.int("rating_window_max", &widest),
        rating_k: table.int("rating_k", &RATING_K),
        bots: table.optional_table("bots").map(bots),
    }
}

fn crowd(table: &mut Table<'_>) -> CrowdRules {
    let players_max: u16 = table.int("players_max", &CROWD);
    CrowdRules {
        players_min: table.int("players_min", &(1..=i64::from(players_max))),
        players_max,
        wait_s: table.int("wait_s", &CROWD_WAIT_S),
    }
}
