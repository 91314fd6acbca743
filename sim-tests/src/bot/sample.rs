//! Small content for the tests of bots, so that they do not change with the real one.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::content::{
    ArenaRules, BrokenBy, Content, Delivery, Effect, Hero, HeroRole, Item, ItemUse, Meeting,
    PlayerRules, QueueRules, Reward, SideRules, Skill,
};
use shared::msg::client::Slot;

pub(crate) const SWORD: u16 = 1;
pub(crate) const AXE: u16 = 2;
pub(crate) const PURSE: u16 = 20;
pub(crate) const MEAT: u16 = 40;

pub(crate) fn content() -> Arc<Content> {
    let weapon = |bonus_damage| ItemUse::Equipment {
        slot: Slot::Weapon,
        bonus_hp: 0,
        bonus_damage,
        bonus_armour: 0,
        haste_permille: 0,
    };
    let items = [
        item(SWORD, weapon(1)),
        item(AXE, weapon(2)),
        item(PURSE, ItemUse::Consumable { xp: 0, gold: 100 }),
        item(MEAT, ItemUse::Food { pet_xp: 10 }),
    ];
    let reward = Reward { gold: 10, xp: 1, items: Vec::new() };
    Arc::new(Content {
        heroes: BTreeMap::from([(1, hero())]),
        items: BTreeMap::from(items),
        pets: BTreeMap::new(),
        player: player_rules(),
        arena: ArenaRules {
            maps: vec![String::from("yard")],
            duration_s: 60,
            score_to_win: 10,
            kill_score: 1,
            hold_score: 0,
            capture_ms: 1_000,
            assist_ms: 1_000,
            respawn_ms: 3_000,
            sight_mm: 20_000,
            won: reward.clone(),
            lost: reward.clone(),
            drawn: reward,
        },
        siege: Content::builtin().siege,
        queues: BTreeMap::from([(String::from("arena"), queue_rules())]),
        maps: BTreeMap::new(),
    })
}

fn item(id: u16, purpose: ItemUse) -> (u16, Item) {
    (id, Item { id, name: format!("item {id}"), purpose })
}

fn hero() -> Hero {
    let skill = |delivery, damage| Skill {
        name: String::from("Skill"),
        cooldown_ms: 500,
        cost: 0,
        cast_ms: 0,
        broken_by: BrokenBy::Nothing,
        delivery,
        effects: vec![Effect::Damage { amount: damage }],
    };
    let strike = skill(Delivery::Melee { reach_mm: 1_000 }, 10);
    let shot = skill(
        Delivery::Projectile { speed_mm_s: 10_000, range_mm: 8_000, radius_mm: 100, burst_mm: 0 },
        5,
    );
    Hero {
        id: 1,
        name: String::from("Hero"),
        hp: 100,
        speed_mm_s: 4_000,
        radius_mm: 400,
        role: HeroRole::Marksman,
        armour: 0,
        energy: 100,
        energy_per_s: 10,
        skills: vec![strike, shot.clone(), Skill { cost: 200, ..shot.clone() }, shot].into(),
    }
}

fn player_rules() -> PlayerRules {
    PlayerRules {
        start_gold: 500,
        start_items: Vec::new(),
        start_pets: Vec::new(),
        start_hero: 1,
        start_rating: 1500,
        level_max: 60,
        level_xp: 100,
        level_bonus_hp: 1,
    }
}

fn queue_rules() -> QueueRules {
    QueueRules {
        name: String::from("arena"),
        mode: String::from("arena"),
        meeting: Meeting::Sides(SideRules {
            side_fighters: 5,
            rating_window: 200,
            rating_window_growth_per_s: 10,
            rating_window_max: 1_000,
            rating_k: 32,
            bots: None,
        }),
    }
}
