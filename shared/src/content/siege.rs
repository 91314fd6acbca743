//! Rules of the mode `siege`, as `siege.toml` says them.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Reward;
use super::table::{Known, Lines, Table};
use super::validate::{self, reward};

/// Kinds of monsters, besides the boss.
pub const MONSTERS_MAX: usize = 64;
/// Waves of a siege.
pub const WAVES_MAX: usize = 64;

const HALF_MAP_MM: RangeInclusive<i64> = 20_000..=200_000;
const DURATION_S: RangeInclusive<i64> = 10..=1_800;
const CAMP_MM: RangeInclusive<i64> = 2_000..=100_000;
const KEEP_RADIUS_MM: RangeInclusive<i64> = 500..=20_000;
const HIT_POINTS: RangeInclusive<i64> = 1..=100_000;
const HIT_POINTS_PER_PLAYER: RangeInclusive<i64> = 0..=10_000;
const SPEED_MM_S: RangeInclusive<i64> = 100..=20_000;
const RADIUS_MM: RangeInclusive<i64> = 50..=5_000;
const REACH_MM: RangeInclusive<i64> = 1..=20_000;
const SIGHT_MM: RangeInclusive<i64> = 100..=60_000;
const COOLDOWN_MS: RangeInclusive<i64> = 50..=60_000;
const PER_100_PLAYERS: RangeInclusive<i64> = 1..=1_000;

/// Rules of the siege.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiegeRules {
    /// Half the width of the map; the keep stands in its centre (0, 0).
    pub half_width_mm: i32,
    /// Half the height of the map.
    pub half_height_mm: i32,
    /// Players who have not killed the boss after this time have lost.
    pub duration_s: u32,
    /// Time a killed player waits.
    pub respawn_ms: u32,
    /// Players enter between the keep and this distance from the centre.
    pub camp_mm: i32,
    /// What they hold.
    pub keep: Keep,
    /// Kinds of monsters.
    pub monsters: Vec<Monster>,
    /// When monsters come.
    pub waves: Vec<Wave>,
    /// Who comes last.
    pub boss: Boss,
    /// What a player gets when the boss is dead.
    pub won: Reward,
    /// What a player gets otherwise.
    pub lost: Reward,
}

/// What the players hold. Players and monsters walk through it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Radius around the centre; monsters strike it from its edge.
    pub radius_mm: i32,
    /// Hit points.
    pub hp: i32,
    /// More of them for each player.
    pub hp_per_player: i32,
}

/// A kind of monster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monster {
    /// Sent; never reused.
    pub id: u16,
    /// Shown.
    pub name: String,
    /// Hit points.
    pub hp: i32,
    /// Walking speed.
    pub speed_mm_s: i32,
    /// Radius of the body.
    pub radius_mm: i32,
    /// Hit points that a strike takes.
    pub damage: i32,
    /// From body edge to body edge.
    pub reach_mm: i32,
    /// Time between two strikes.
    pub cooldown_ms: u32,
    /// How far away it notices players.
    pub sight_mm: i32,
}

/// Monsters of one kind that come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Seconds after the beginning.
    pub at_s: u32,
    /// The kind's id.
    pub monster: u16,
    /// How many come for a hundred players; at least one comes.
    pub per_100_players: u32,
}

/// The last monster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boss {
    /// Seconds after the beginning.
    pub at_s: u32,
    /// What it is besides. Its id is zero, which no other monster has.
    pub monster: Monster,
    /// More hit points for each player.
    pub hp_per_player: i32,
    /// Hit points that it takes of every player around it.
    pub area_damage: i32,
    /// How far around it.
    pub area_radius_mm: i32,
    /// Time between two such blows.
    pub area_cooldown_ms: u32,
}

/// Reads `siege.toml`.
pub(super) fn siege(mut file: Table<'_>, items: &Known<'_>) -> SiegeRules {
    let mut ids = Lines::new();
    let (half_width_mm, half_height_mm) =
        (file.int("half_width_mm", &HALF_MAP_MM), file.int("half_height_mm", &HALF_MAP_MM));
    let duration_s = file.int("duration_s", &DURATION_S);
    let in_time = 0..=i64::from(duration_s);
    let monsters = monsters(&mut file, &mut ids);
    let known = Known { file: "siege.toml", ids: Some(&ids) };
    let rules = SiegeRules {
        half_width_mm,
        half_height_mm,
        duration_s,
        respawn_ms: file.int("respawn_ms", &validate::RESPAWN_MS),
        camp_mm: file.int("camp_mm", &CAMP_MM),
        keep: keep(file.table("keep")),
        monsters,
        waves: waves(&mut file, &known, &in_time),
        boss: boss(file.table("boss"), &in_time),
        won: reward(file.table("won"), items),
        lost: reward(file.table("lost"), items),
    };
    file.end();
    rules
}

fn keep(table: Option<Table<'_>>) -> Keep {
    let Some(mut table) = table else { return Keep::default() };
    let keep = Keep {
        radius_mm: table.int("radius_mm", &KEEP_RADIUS_MM),
        hp: table.int("hp", &HIT_POINTS),
        hp_per_player: table.int("hp_per_player", &HIT_POINTS_PER_PLAYER),
    };
    table.end();
    keep
}

fn monsters(file: &mut Table<'_>, ids: &mut Lines<u16>) -> Vec<Monster> {
    let mut monsters = Vec::new();
    for mut table in file.tables("monsters", 1..=MONSTERS_MAX) {
        let id = table.id("id", ids);
        monsters.push(monster(&mut table, id));
        table.end();
    }
    monsters
}

fn monster(table: &mut Table<'_>, id: u16) -> Monster {
    Monster {
        id,
        name: table.name("name"),
        hp: table.int("hp", &HIT_POINTS),
        speed_mm_s: table.int("speed_mm_s", &SPEED_MM_S),
        radius_mm: table.int("radius_mm", &RADIUS_MM),
        damage: table.int("damage", &HIT_POINTS),
        reach_mm: table.int("reach_mm", &REACH_MM),
        cooldown_ms: table.int("cooldown_ms", &COOLDOWN_MS),
        sight_mm: table.int("sight_mm", &SIGHT_MM),
    }
}

fn waves(file: &mut Table<'_>, known: &Known<'_>, at_s: &RangeInclusive<i64>) -> Vec<Wave> {
    let mut waves = Vec::new();
    for mut table in file.tables("waves", 1..=WAVES_MAX) {
        waves.push(Wave {
            at_s: table.int("at_s", at_s),
            monster: table.reference("monster", known),
            per_100_players: table.int("per_100_players", &PER_100_PLAYERS),
        });
        table.end();
    }
    waves
}

fn boss(table: Option<Table<'_>>, at_s: &RangeInclusive<i64>) -> Boss {
    let Some(mut table) = table else { return Boss::default() };
    let boss = Boss {
        at_s: table.int("at_s", at_s),
        monster: monster(&mut table, 0),
        hp_per_player: table.int("hp_per_player", &HIT_POINTS_PER_PLAYER),
        area_damage: table.int("area_damage", &HIT_POINTS),
        area_radius_mm: table.int("area_radius_mm", &SIGHT_MM),
        area_cooldown_ms: table.int("area_cooldown_ms", &COOLDOWN_MS),
    };
    table.end();
    boss
}
