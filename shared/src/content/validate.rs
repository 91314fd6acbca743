//! What each content file may hold: its keys, their ranges, and what they refer to.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::problem::ContentProblem;
use super::table::{Known, Lines, Table};
use super::{
    ArenaRules, Hero, Item, ItemGrant, ItemUse, MeleeSkill, PetSpecies, Pillar, PlayerRules,
    QueueRules, RangedSkill, Reward,
};
use crate::limits::{ARENA_SIDE_FIGHTERS, BAG_STACKS_MAX, GOLD_MAX, PETS_MAX, STACK_COUNT_MAX};
use crate::msg::client::{ATTACHED_STACKS_MAX, Slot};

/// The modes that the battleapp has. A queue names one of them.
pub const MODES: [&str; 1] = ["arena"];

/// Entries of one table of ids.
const ENTRIES: RangeInclusive<usize> = 1..=1_000;
const QUEUES: RangeInclusive<usize> = 1..=16;
const PILLARS_MAX: usize = 64;

const HIT_POINTS: RangeInclusive<i64> = 1..=100_000;
const BONUS: RangeInclusive<i64> = 0..=10_000;
const DAMAGE: RangeInclusive<i64> = 1..=10_000;
const COOLDOWN_MS: RangeInclusive<i64> = 50..=60_000;
const WALK_MM_S: RangeInclusive<i64> = 100..=20_000;
const BODY_RADIUS_MM: RangeInclusive<i64> = 50..=2_000;
const REACH_MM: RangeInclusive<i64> = 1..=10_000;
const SHOT_MM_S: RangeInclusive<i64> = 100..=60_000;
const SHOT_RANGE_MM: RangeInclusive<i64> = 100..=60_000;
const SHOT_RADIUS_MM: RangeInclusive<i64> = 10..=2_000;
/// The whole map fits into 16-bit coordinates.
const HALF_MAP_MM: RangeInclusive<i64> = 4_000..=32_000;
const COORDINATE_MM: RangeInclusive<i64> = -32_000..=32_000;
const PILLAR_RADIUS_MM: RangeInclusive<i64> = 50..=8_000;
const DURATION_S: RangeInclusive<i64> = 5..=3_600;
const KILLS: RangeInclusive<i64> = 1..=1_000;
pub(super) const RESPAWN_MS: RangeInclusive<i64> = 0..=60_000;
const LEVELS: RangeInclusive<i64> = 1..=1_000;
const LEVEL_XP: RangeInclusive<i64> = 1..=1_000_000;
const LEVEL_BONUS: RangeInclusive<i64> = 0..=1_000;
const XP: RangeInclusive<i64> = 0..=1_000_000;
const GOLD: RangeInclusive<i64> = 0..=1_000_000_000;
const COUNT: RangeInclusive<i64> = 1..=9_999;
const RATING: RangeInclusive<i64> = 0..=10_000;
const RATING_K: RangeInclusive<i64> = 1..=256;
const SIDE: RangeInclusive<i64> = 1..=5;

const _: () = assert!(*COUNT.end() == STACK_COUNT_MAX as i64);
const _: () = assert!(*SIDE.end() == ARENA_SIDE_FIGHTERS as i64);
const _: () = assert!((*GOLD.end()).cast_unsigned() <= GOLD_MAX);

/// Reads `heroes.toml`.
pub(super) fn heroes(mut file: Table<'_>, seen: &mut Lines<u16>) -> BTreeMap<u16, Hero> {
    let mut heroes = BTreeMap::new();
    for mut table in file.tables("heroes", ENTRIES) {
        let hero = Hero {
            id: table.id("id", seen),
            name: table.name("name"),
            hp: table.int("hp", &HIT_POINTS),
            speed_mm_s: table.int("speed_mm_s", &WALK_MM_S),
            radius_mm: table.int("radius_mm", &BODY_RADIUS_MM),
            melee: melee(table.table("melee")),
            ranged: ranged(table.table("ranged")),
        };
        table.end();
        heroes.insert(hero.id, hero);
    }
    file.end();
    heroes
}

fn melee(table: Option<Table<'_>>) -> MeleeSkill {
    let Some(mut table) = table else {
        return MeleeSkill { damage: 0, reach_mm: 0, cooldown_ms: 0 };
    };
    let skill = MeleeSkill {
        damage: table.int("damage", &DAMAGE),
        reach_mm: table.int("reach_mm", &REACH_MM),
        cooldown_ms: table.int("cooldown_ms", &COOLDOWN_MS),
    };
    table.end();
    skill
}

fn ranged(table: Option<Table<'_>>) -> RangedSkill {
    let Some(mut table) = table else {
        return RangedSkill { damage: 0, speed_mm_s: 0, range_mm: 0, radius_mm: 0, cooldown_ms: 0 };
    };
    let skill = RangedSkill {
        damage: table.int("damage", &DAMAGE),
        speed_mm_s: table.int("speed_mm_s", &SHOT_MM_S),
        range_mm: table.int("range_mm", &SHOT_RANGE_MM),
        radius_mm: table.int("radius_mm", &SHOT_RADIUS_MM),
        cooldown_ms: table.int("cooldown_ms", &COOLDOWN_MS),
    };
    table.end();
    skill
}

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

/// Reads `arena.toml`.
pub(super) fn arena(mut file: Table<'_>, items: &Known<'_>) -> ArenaRules {
    let half_width_mm = file.int("half_width_mm", &HALF_MAP_MM);
    let half_height_mm = file.int("half_height_mm", &HALF_MAP_MM);
    let rules = ArenaRules {
        half_width_mm,
        half_height_mm,
        duration_s: file.int("duration_s", &DURATION_S),
        kills_to_win: file.int("kills_to_win", &KILLS),
        respawn_ms: file.int("respawn_ms", &RESPAWN_MS),
        pillars: pillars(&mut file, half_width_mm, half_height_mm),
        won: reward(file.table("won"), items),
        lost: reward(file.table("lost"), items),
        drawn: reward(file.table("drawn"), items),
    };
    file.end();
    rules
}

fn pillars(file: &mut Table<'_>, half_width_mm: i32, half_height_mm: i32) -> Vec<Pillar> {
    let mut pillars = Vec::new();
    for mut table in file.tables("pillars", 0..=PILLARS_MAX) {
        let pillar = Pillar {
            x_mm: table.int("x_mm", &COORDINATE_MM),
            y_mm: table.int("y_mm", &COORDINATE_MM),
            radius_mm: table.int("radius_mm", &PILLAR_RADIUS_MM),
        };
        let fits = |centre: i32, half: i32| half == 0 || centre.abs() + pillar.radius_mm <= half;
        if !fits(pillar.x_mm, half_width_mm) || !fits(pillar.y_mm, half_height_mm) {
            table.report(ContentProblem::OutsideMap {
                what: "pillar",
                half_width_mm,
                half_height_mm,
            });
        }
        table.end();
        pillars.push(pillar);
    }
    pillars
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

/// Reads `queues.toml`.
pub(super) fn queues(mut file: Table<'_>) -> BTreeMap<String, QueueRules> {
    let mut seen = Lines::new();
    let mut queues = BTreeMap::new();
    for mut table in file.tables("queues", QUEUES) {
        let name = table.name("name");
        table.unique("name", name.clone(), &mut seen);
        let mode = String::from(MODES[table.choice("mode", &MODES)]);
        let side_fighters = table.int("side_fighters", &SIDE);
        let rating_window: i32 = table.int("rating_window", &RATING);
        let widest = i64::from(rating_window)..=*RATING.end();
        let queue = QueueRules {
            name: name.clone(),
            mode,
            side_fighters,
            rating_window,
            rating_window_growth_per_s: table.int("rating_window_growth_per_s", &RATING),
            rating_window_max: table.int("rating_window_max", &widest),
            rating_k: table.int("rating_k", &RATING_K),
        };
        table.end();
        queues.insert(name, queue);
    }
    file.end();
    queues
}
