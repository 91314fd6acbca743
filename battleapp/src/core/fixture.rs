//! Rules, seats and orders that the tests of this crate fight with. Frozen: golden hashes depend
//! on them, so they do not follow the content files.

use std::collections::BTreeMap;

use shared::content::{
    ArenaRules, Block, Boss, BrokenBy, CapturePoint, Content, Delivery, Effect, Hero, HeroRole,
    ItemGrant, Keep, Map, Monster, PetSpecies, Pillar, PlayerRules, Reward, SiegeRules, Skill,
    Spot, Wave,
};
use shared::ids::{BattleId, NodeId, PlayerId, SessionId, SessionRef};
use shared::msg::client::Act;
use shared::msg::matchmaker_baseapp::{PetCard, PlayerCard};
use shared::msg::matchmaker_battle::{Seat, Stakes};
use shared::msg::snapshot::Snapshot;
use shared::rng::Draws;

use super::arena::Arena;
use super::modes::Modes;
use super::registry::State;
use super::setup::Setup;
use super::sim::{BattleSim, Order, StateError, Verdict};

pub(crate) fn content(duration_s: u32, score_to_win: u32) -> Content {
    let reward = |gold, xp| Reward { gold, xp, items: vec![ItemGrant { item: 7, count: 2 }] };
    let heroes = [hero(1, 3_600, 450, rough_skills()), hero(2, 4_777, 360, subtle_skills())];
    Content {
        heroes: BTreeMap::from(heroes.map(|hero| (hero.id, hero))),
        items: BTreeMap::new(),
        pets: BTreeMap::from([(3, pet())]),
        player: PlayerRules {
            start_gold: 0,
            start_items: Vec::new(),
            start_pets: Vec::new(),
            start_hero: 1,
            start_rating: 1500,
            level_max: 1,
            level_xp: 1,
            level_bonus_hp: 0,
        },
        arena: ArenaRules {
            maps: vec![String::from("yard")],
            duration_s,
            score_to_win,
            kill_score: 1,
            hold_score: 1,
            capture_ms: 1_000,
            assist_ms: 2_000,
            respawn_ms: 1_000,
            sight_mm: 20_000,
            won: reward(60, 90),
            lost: reward(20, 40),
            drawn: reward(35, 60),
        },
        siege: siege_rules(duration_s),
        queues: BTreeMap::new(),
        maps: BTreeMap::from([(String::from("yard"), map().into())]),
    }
}

fn hero(id: u16, speed_mm_s: i32, radius_mm: i32, skills: Vec<Skill>) -> Hero {
    Hero {
        id,
        name: format!("Hero {id}"),
        role: HeroRole::Tank,
        hp: 200,
        armour: 0,
        speed_mm_s,
        radius_mm,
        energy: 100,
        energy_per_s: 20,
        skills: skills.into(),
    }
}

/// A skill without cost or cast.
pub(crate) fn skill(cooldown_ms: u32, delivery: Delivery, effects: &[Effect]) -> Skill {
    let (name, effects) = (String::from("Skill"), effects.to_vec());
    let broken_by = BrokenBy::Stun;
    Skill { name, cooldown_ms, cost: 0, cast_ms: 0, broken_by, delivery, effects }
}

fn rough_skills() -> Vec<Skill> {
    let stun = Effect::Stun { duration_ms: 400 };
    let shot =
        Delivery::Projectile { speed_mm_s: 12_345, range_mm: 9_000, radius_mm: 150, burst_mm: 0 };
    let dash = Delivery::Dash { range_mm: 3_000, speed_mm_s: 15_000, radius_mm: 600 };
    let area = Delivery::Area {
        range_mm: 4_000,
        radius_mm: 1_500,
        delay_ms: 100,
        pulses: 3,
        every_ms: 200,
    };
    let slow = Effect::Slow { permille: 400, duration_ms: 500 };
    let shield = Effect::Shield { amount: 30, duration_ms: 2_000 };
    vec![
        skill(700, Delivery::Melee { reach_mm: 900 }, &[Effect::Damage { amount: 60 }]),
        skill(1_400, shot, &[Effect::Damage { amount: 40 }]),
        Skill { cost: 30, ..skill(2_000, dash, &[Effect::Damage { amount: 20 }, stun, shield]) },
        Skill {
            cost: 40,
            cast_ms: 300,
            ..skill(2_500, area, &[Effect::Damage { amount: 12 }, slow])
        },
    ]
}

fn subtle_skills() -> Vec<Skill> {
    let burn = Effect::Burn { amount: 9, duration_ms: 2_000 };
    let shot = Delivery::Projectile {
        speed_mm_s: 9_999,
        range_mm: 8_000,
        radius_mm: 200,
        burst_mm: 1_200,
    };
    let around =
        Delivery::Area { range_mm: 0, radius_mm: 2_000, delay_ms: 0, pulses: 2, every_ms: 500 };
    let heal = Effect::Heal { amount: 25 };
    vec![
        skill(300, Delivery::Melee { reach_mm: 900 }, &[Effect::Damage { amount: 30 }, burn]),
        Skill {
            cast_ms: 200,
            broken_by: BrokenBy::Walking,
            ..skill(900, shot, &[Effect::Damage { amount: 35 }])
        },
        Skill { cost: 25, ..skill(1_500, Delivery::Ally { range_mm: 6_000 }, &[heal]) },
        Skill { cost: 50, ..skill(3_000, around, &[heal, Effect::Damage { amount: 15 }]) },
    ]
}

fn pet() -> PetSpecies {
    PetSpecies {
        id: 3,
        name: String::from("Pet"),
        level_max: 9,
        level_xp: 1,
        level_bonus_hp: 0,
        hp: 60,
        level_hp: 10,
        damage: 7,
        level_damage: 1,
        speed_mm_s: 5_000,
        radius_mm: 250,
        reach_mm: 700,
        cooldown_ms: 600,
    }
}

fn map() -> Map {
    let entries = |x_mm: i32| (-2..=2).map(|n| Spot { x_mm, y_mm: n * 1_600 }).collect();
    Map {
        name: String::from("Yard"),
        half_width_mm: 6_000,
        half_height_mm: 5_000,
        walls: vec![Block { x_mm: -2_500, y_mm: 2_500, half_width_mm: 200, half_height_mm: 900 }],
        pillars: vec![
            Pillar { x_mm: 0, y_mm: 0, radius_mm: 900 },
            Pillar { x_mm: 2_500, y_mm: 2_500, radius_mm: 600 },
        ],
        cover: Vec::new(),
        entries: [entries(-4_500), entries(4_500)],
        points: vec![
            CapturePoint { x_mm: 0, y_mm: 3_400, radius_mm: 900 },
            CapturePoint { x_mm: 0, y_mm: -3_400, radius_mm: 900 },
        ],
    }
}

/// A siege on a small map: a wave at once, another soon, then the boss.
fn siege_rules(duration_s: u32) -> SiegeRules {
    let monster = |id: u16, hp, reach_mm| Monster {
        id,
        name: format!("Monster {id}"),
        hp,
        speed_mm_s: 5_100,
        radius_mm: 400,
        damage: 25,
        reach_mm,
        cooldown_ms: 600,
        sight_mm: 9_000,
    };
    let wave = |at_s, monster, per_100_players| Wave { at_s, monster, per_100_players };
    let reward = |gold| Reward { gold, xp: 10, items: Vec::new() };
    SiegeRules {
        half_width_mm: 14_000,
        half_height_mm: 12_000,
        duration_s,
        respawn_ms: 1_000,
        camp_mm: 6_000,
        keep: Keep { radius_mm: 1_000, hp: 900, hp_per_player: 20 },
        monsters: vec![monster(1, 90, 700), monster(2, 60, 4_000)],
        waves: vec![wave(0, 1, 100), wave(1, 2, 50)],
        boss: Boss {
            at_s: 2,
            monster: Monster { speed_mm_s: 9_000, ..monster(0, 300, 1_500) },
            hp_per_player: 40,
            area_damage: 30,
            area_radius_mm: 4_000,
            area_cooldown_ms: 1_500,
        },
        won: reward(5),
        lost: reward(1),
    }
}

/// A siege with so many players, all on one side.
pub(crate) fn siege(count: u16, duration_s: u32) -> (Setup, Vec<Seat>) {
    let seat = |slot: u16| {
        let [low, high] = slot.to_le_bytes();
        let mut seat = seats(1).remove(0);
        seat.player = PlayerId(100 + u64::from(slot));
        seat.session.session = SessionId(1_000 + u64::from(slot));
        seat.card.hero = 1 + u16::from(low % 2);
        seat.card.bonus_hp = i32::from(high);
        seat
    };
    let seats: Vec<_> = (0..count).map(seat).collect();
    let mode = Modes::BUILTIN.named("siege").expect("there is a mode siege");
    let setup = Setup::new(mode, &content(duration_s, 1), BattleId(6), 42, &seats);
    (setup.expect("it is sound"), seats)
}

/// `count` seats, sides and heroes alternating, spread over two gateways.
pub(crate) fn seats(count: u8) -> Vec<Seat> {
    let seat = |slot: u8| Seat {
        side: slot % 2,
        player: PlayerId(100 + u64::from(slot)),
        session: session(slot),
        card: PlayerCard {
            name: format!("player {slot}"),
            level: 1,
            rating: 1500,
            hero: 1 + u16::from(slot.is_multiple_of(3)),
            bonus_hp: i32::from(slot) * 3,
            bonus_damage: 2,
            bonus_armour: i32::from(slot % 4) * 5,
            haste_permille: i32::from(slot) * 20,
            pet: (slot % 4 == 1).then_some(PetCard { species: 3, level: 2 }),
        },
        stakes: Stakes { won: 16, lost: -15, drawn: 1 },
    };
    (0..count).map(seat).collect()
}

pub(crate) fn session(slot: u8) -> SessionRef {
    let gateway = NodeId { node: 10 + u16::from(slot % 2), incarnation: 1 };
    SessionRef { gateway, session: SessionId(1_000 + u64::from(slot)) }
}

pub(crate) fn setup(count: u8, duration_s: u32, kills_to_win: u32) -> Setup {
    let content = content(duration_s, kills_to_win);
    let arena = Modes::BUILTIN.named("arena").expect("there is a mode arena");
    Setup::new(arena, &content, BattleId(5), 42, &seats(count)).expect("it is sound")
}

/// Orders that make fighters meet, miss, hit and die: each walks towards somewhere for a while.
pub(crate) fn brawl(seed: u64, tick: u32, fighters: u8) -> Vec<Order> {
    let order = |slot: u8| {
        let mut aim = Draws::new(seed ^ u64::from(tick / 8), u64::from(slot));
        let mut draw = || i8::try_from(aim.below(255)).unwrap_or(-50);
        let walk = (draw(), draw());
        let mut acts = Draws::new(seed ^ (u64::from(tick) << 20), u64::from(slot));
        let drawn = acts.below(9);
        let mut skill = |skill| {
            let mut aim = || i16::try_from(acts.below(10_000)).unwrap_or(0) - 5_000;
            Act::Skill { skill, aim_mm: (aim(), aim()) }
        };
        let act = match drawn {
            0 | 1 => Act::None,
            2..=4 => skill(0),
            5 | 6 => skill(1),
            7 => skill(2),
            _ => skill(3),
        };
        Order { walk, act }
    };
    (0..fighters).map(order).collect()
}

/// An arena that panics in one tick.
pub(crate) struct Faulty(Arena, u32);

impl Faulty {
    pub(crate) fn new(setup: &Setup, tick: u32) -> Self {
        Self(Arena::new(setup), tick)
    }
}

impl BattleSim for Faulty {
    fn step(&mut self, orders: &[Order]) {
        assert!(self.tick() + 1 != self.1, "injected fault");
        self.0.step(orders);
    }
    fn tick(&self) -> u32 {
        self.0.tick()
    }
    fn verdict(&self) -> Option<Verdict> {
        self.0.verdict()
    }
    fn standing(&self) -> Verdict {
        self.0.standing()
    }
    fn state(&mut self) -> State<'_> {
        self.0.state()
    }
    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.0.decode(bytes)
    }
    fn class_of(&self, slot: u16) -> u16 {
        self.0.class_of(slot)
    }
    fn view(&mut self, class: u16) -> Snapshot {
        self.0.view(class)
    }
}
