//! Small content for the tests of bots, so that they do not change with the real one.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::content::{
    ArenaRules, Content, Hero, Item, ItemUse, MeleeSkill, PlayerRules, QueueRules, RangedSkill,
    Reward,
};
use shared::msg::client::Slot;

pub(crate) const SWORD: u16 = 1;
pub(crate) const AXE: u16 = 2;
pub(crate) const PURSE: u16 = 20;
pub(crate) const MEAT: u16 = 40;

pub(crate) fn content() -> Arc<Content> {
    let weapon =
        |bonus_damage| ItemUse::Equipment { slot: Slot::Weapon, bonus_hp: 0, bonus_damage };
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
            half_width_mm: 12_000,
            half_height_mm: 8_000,
            duration_s: 60,
            kills_to_win: 10,
            respawn_ms: 3_000,
            pillars: Vec::new(),
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
    Hero {
        id: 1,
        name: String::from("Hero"),
        hp: 100,
        speed_mm_s: 4_000,
        radius_mm: 400,
        melee: MeleeSkill { damage: 10, reach_mm: 1_000, cooldown_ms: 500 },
        ranged: RangedSkill {
            damage: 5,
            speed_mm_s: 10_000,
            range_mm: 8_000,
            radius_mm: 100,
            cooldown_ms: 1_000,
        },
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
        side_fighters: 5,
        rating_window: 200,
        rating_window_growth_per_s: 10,
        rating_window_max: 1_000,
        rating_k: 32,
    }
}
