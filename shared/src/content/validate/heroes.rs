//! What `heroes.toml` may hold.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::super::problem::ContentProblem;
use super::super::table::{Lines, Table};
use super::super::{
    BrokenBy, Delivery, Effect, HERO_SKILLS, Hero, HeroRole, SKILL_EFFECTS_MAX, Skill,
};
use super::ENTRIES;

const HIT_POINTS: RangeInclusive<i64> = 1..=100_000;
const AMOUNT: RangeInclusive<i64> = 1..=10_000;
const ARMOUR: RangeInclusive<i64> = 0..=1_000;
const COOLDOWN_MS: RangeInclusive<i64> = 50..=60_000;
const CAST_MS: RangeInclusive<i64> = 0..=5_000;
const LASTS_MS: RangeInclusive<i64> = 50..=20_000;
const DELAY_MS: RangeInclusive<i64> = 0..=5_000;
const PULSES: RangeInclusive<i64> = 1..=20;
const ENERGY: RangeInclusive<i64> = 1..=1_000;
const ENERGY_PER_S: RangeInclusive<i64> = 0..=1_000;
const COST: RangeInclusive<i64> = 0..=1_000;
const SLOW: RangeInclusive<i64> = 1..=900;
const WALK_MM_S: RangeInclusive<i64> = 100..=20_000;
const BODY_RADIUS_MM: RangeInclusive<i64> = 50..=1_000;
const REACH_MM: RangeInclusive<i64> = 1..=10_000;
const SHOT_MM_S: RangeInclusive<i64> = 100..=60_000;
/// An aim of 16 bits reaches this far.
const RANGE_MM: RangeInclusive<i64> = 100..=30_000;
const PLACE_MM: RangeInclusive<i64> = 0..=30_000;
const SHOT_RADIUS_MM: RangeInclusive<i64> = 10..=2_000;
const AREA_RADIUS_MM: RangeInclusive<i64> = 100..=10_000;
const BURST_MM: RangeInclusive<i64> = 0..=10_000;

const ROLES: [(&str, HeroRole); 6] = [
    ("tank", HeroRole::Tank),
    ("marksman", HeroRole::Marksman),
    ("assassin", HeroRole::Assassin),
    ("mage", HeroRole::Mage),
    ("support", HeroRole::Support),
    ("controller", HeroRole::Controller),
];
const BREAKS: [(&str, BrokenBy); 3] =
    [("nothing", BrokenBy::Nothing), ("stun", BrokenBy::Stun), ("walking", BrokenBy::Walking)];

/// Reads `heroes.toml`.
pub(in super::super) fn heroes(mut file: Table<'_>, seen: &mut Lines<u16>) -> BTreeMap<u16, Hero> {
    let mut heroes = BTreeMap::new();
    for mut table in file.tables("heroes", ENTRIES) {
        let hero = Hero {
            id: table.id("id", seen),
            name: table.name("name"),
            role: ROLES[table.choice("role", &ROLES.map(|(word, _)| word))].1,
            hp: table.int("hp", &HIT_POINTS),
            armour: table.int("armour", &ARMOUR),
            speed_mm_s: table.int("speed_mm_s", &WALK_MM_S),
            radius_mm: table.int("radius_mm", &BODY_RADIUS_MM),
            energy: table.int("energy", &ENERGY),
            energy_per_s: table.int("energy_per_s", &ENERGY_PER_S),
            skills: table
                .tables("skills", HERO_SKILLS..=HERO_SKILLS)
                .into_iter()
                .filter_map(skill)
                .collect(),
        };
        let dear = hero.skills.iter().find(|skill| skill.cost > hero.energy);
        if let Some(skill) = dear.filter(|_| hero.energy > 0) {
            let (skill, energy) = (skill.name.clone(), hero.energy);
            table.report(ContentProblem::TooDear { skill, energy });
        }
        table.end();
        heroes.insert(hero.id, hero);
    }
    file.end();
    heroes
}

fn skill(mut table: Table<'_>) -> Option<Skill> {
    let (name, cooldown_ms) = (table.name("name"), table.int("cooldown_ms", &COOLDOWN_MS));
    let (cost, cast_ms) = (table.int("cost", &COST), table.int("cast_ms", &CAST_MS));
    let broken_by = BREAKS[table.choice("broken_by", &BREAKS.map(|(word, _)| word))].1;
    let delivery = table.table("delivery").map(delivery);
    let effects: Vec<Effect> =
        table.tables("effects", 1..=SKILL_EFFECTS_MAX).into_iter().map(effect).collect();
    if let Some(delivery) = delivery
        && let Some(effect) = effects.iter().find(|effect| !reaches(delivery, effect.helps()))
    {
        table.report(ContentProblem::EffectLost { helps: effect.helps() });
    }
    table.end();
    Some(Skill { name, cooldown_ms, cost, cast_ms, broken_by, delivery: delivery?, effects })
}

/// Whether a delivery ever reaches the own side, or enemies.
const fn reaches(delivery: Delivery, own_side: bool) -> bool {
    match delivery {
        Delivery::Own | Delivery::Ally { .. } => own_side,
        Delivery::Projectile { .. } => !own_side,
        Delivery::Melee { .. } | Delivery::Area { .. } | Delivery::Dash { .. } => true,
    }
}

fn delivery(mut table: Table<'_>) -> Delivery {
    let kinds = ["own", "melee", "ally", "projectile", "area", "dash"];
    let delivery = match table.choice("kind", &kinds) {
        0 => Delivery::Own,
        1 => Delivery::Melee { reach_mm: table.int("reach_mm", &REACH_MM) },
        2 => Delivery::Ally { range_mm: table.int("range_mm", &RANGE_MM) },
        3 => Delivery::Projectile {
            speed_mm_s: table.int("speed_mm_s", &SHOT_MM_S),
            range_mm: table.int("range_mm", &RANGE_MM),
            radius_mm: table.int("radius_mm", &SHOT_RADIUS_MM),
            burst_mm: table.int("burst_mm", &BURST_MM),
        },
        4 => Delivery::Area {
            range_mm: table.int("range_mm", &PLACE_MM),
            radius_mm: table.int("radius_mm", &AREA_RADIUS_MM),
            delay_ms: table.int("delay_ms", &DELAY_MS),
            pulses: table.int("pulses", &PULSES),
            every_ms: table.int("every_ms", &LASTS_MS),
        },
        _ => Delivery::Dash {
            range_mm: table.int("range_mm", &RANGE_MM),
            speed_mm_s: table.int("speed_mm_s", &SHOT_MM_S),
            radius_mm: table.int("radius_mm", &BURST_MM),
        },
    };
    table.end();
    delivery
}

fn effect(mut table: Table<'_>) -> Effect {
    let kinds = ["damage", "heal", "shield", "slow", "stun", "burn"];
    let effect = match table.choice("kind", &kinds) {
        0 => Effect::Damage { amount: table.int("amount", &AMOUNT) },
        1 => Effect::Heal { amount: table.int("amount", &AMOUNT) },
        2 => Effect::Shield {
            amount: table.int("amount", &AMOUNT),
            duration_ms: table.int("duration_ms", &LASTS_MS),
        },
        3 => Effect::Slow {
            permille: table.int("permille", &SLOW),
            duration_ms: table.int("duration_ms", &LASTS_MS),
        },
        4 => Effect::Stun { duration_ms: table.int("duration_ms", &LASTS_MS) },
        _ => Effect::Burn {
            amount: table.int("amount", &AMOUNT),
            duration_ms: table.int("duration_ms", &LASTS_MS),
        },
    };
    table.end();
    effect
}
