//! What has to hold for the arena as a whole.

use bevy_ecs::component::ComponentId;
use proptest::prelude::*;
use shared::content::ArenaRules;
use shared::msg::client::{Act, SKILLS};

use super::combat::{Hits, SHOTS_MAX, Volley};
use super::walking::Field;
use super::*;
use crate::core::conformance::unregistered;
use crate::core::fixture;
use crate::core::registry::Lane as _;

const STILL: Order = Order::STILL;
const STRIKE: Act = Act::Skill { skill: 0, aim_mm: (0, 0) };

fn fought(setup: &Setup, ticks: u32) -> Arena {
    let mut arena = Arena::new(setup);
    fight(&mut arena, setup, ticks);
    arena
}

fn fight(arena: &mut Arena, setup: &Setup, ticks: u32) {
    let fighters = u8::try_from(setup.seats.len()).expect("few");
    for _ in 0..ticks {
        let orders = fixture::brawl(setup.seed, arena.tick(), fighters);
        arena.step(&orders);
    }
}

/// A duel on an empty map with the fighters `apart` millimetres from each other.
fn duel(apart: i32) -> Arena {
    let mut setup = fixture::setup(2, 60, 3);
    let ModeRules::Arena(rules) = &mut setup.rules else { panic!("an arena's setup") };
    rules.pillars.clear();
    let mut arena = Arena::new(&setup);
    place(&mut arena, 0, (0, 0));
    place(&mut arena, 1, (apart, 0));
    arena
}

fn place(arena: &mut Arena, slot: usize, at: (i32, i32)) {
    let entity = arena.fighters[slot].1;
    *arena.world.get_mut::<Place>(entity).expect("a fighter") = Place { x_mm: at.0, y_mm: at.1 };
}

fn hp(arena: &Arena, slot: usize) -> i32 {
    arena.world.get::<Hp>(arena.fighters[slot].1).expect("a fighter").0
}

fn fighter(arena: &mut Arena, slot: u16) -> FighterView {
    arena.view(0).get(slot).expect("everybody sees everybody")
}

fn projectiles(arena: &mut Arena) -> usize {
    arena.view(0).all::<ProjectileView>().count()
}

#[test]
fn a_golden_battle_gives_the_frozen_hash() {
    let setup = fixture::setup(10, 60, 100);
    let mut arena = fought(&setup, 600);
    let [first, second] = arena.world.resource::<Score>().0;
    assert!(first > 0 && second > 0, "both sides have killed: {first}, {second}");
    assert_eq!(arena.hash(), GOLDEN_HASH, "{:#x}", arena.hash());
}

/// Changes only with the rules of the arena or the fixture; then old replays no longer verify.
const GOLDEN_HASH: u64 = 0xa6f4_1eab_9572_5d11;

#[test]
fn spawn_order_and_strangers_in_the_world_change_nothing() {
    let setup = fixture::setup(10, 60, 100);
    let mut plain = Arena::new(&setup);
    let backwards: Vec<usize> = (0..10).rev().collect();
    let mut other = Arena::spawned(&setup, &backwards, 3);
    for _ in 0..400 {
        fight(&mut plain, &setup, 1);
        fight(&mut other, &setup, 1);
        assert_eq!(plain.hash(), other.hash(), "tick {}", plain.tick());
    }
}

#[test]
fn a_restored_battle_goes_on_like_the_original_from_every_tick() {
    let setup = fixture::setup(6, 60, 100);
    let mut arena = Arena::new(&setup);
    for _ in 0..300 {
        let mut state = Vec::new();
        arena.encode(&mut state);
        let mut restored = Arena::new(&setup);
        restored.decode(&state).expect("just encoded");
        assert_eq!(restored.hash(), arena.hash());
        fight(&mut arena, &setup, 1);
        fight(&mut restored, &setup, 1);
        assert_eq!(restored.hash(), arena.hash(), "after tick {}", arena.tick());
        assert_eq!(restored.view(0), arena.view(0));
    }
}

#[test]
fn every_component_is_registered_or_derived() {
    let setup = fixture::setup(4, 60, 100);
    let mut arena = fought(&setup, 100);
    arena.replace_shots(&[300]);
    assert_eq!(unregistered(&mut arena, DERIVED), [""; 0]);
    arena.world.spawn(Undeclared);
    assert_eq!(unregistered(&mut arena, DERIVED).len(), 1, "what nobody declared is found");
}

#[derive(Component)]
struct Undeclared;

const DERIVED: &[fn(&World) -> Option<ComponentId>] = &[
    |world| world.component_id::<StableId>(),
    |world| world.component_id::<Side>(),
    |world| world.component_id::<Kit>(),
    |world| world.component_id::<Rules>(),
    |world| world.component_id::<Orders>(),
    |world| world.component_id::<Field>(),
    |world| world.component_id::<Hits>(),
    |world| world.component_id::<Volley>(),
    |world| world.component_id::<Only>(),
];

#[test]
fn each_lane_sees_a_change_of_its_own_component_alone() {
    let mut arena = duel(3_000);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    arena.lanes(&mut before);
    arena.world.get_mut::<Hp>(arena.fighters[1].1).expect("a fighter").0 -= 1;
    arena.lanes(&mut after);
    let differing: Vec<_> =
        before.iter().zip(&after).filter(|(b, a)| b != a).map(|(b, _)| b.lane).collect();
    assert_eq!(differing, [Hp::ID]);
    assert_eq!(arena.lane_name(Hp::ID), "Hp");
}

#[test]
fn melee_hits_within_reach_only_and_recharges() {
    // Radii 360 and 450, reach 900.
    let strike = [Order { walk: (0, 0), act: STRIKE }, STILL];
    let mut near = duel(1_709);
    let full = hp(&near, 1);
    near.step(&strike);
    assert_eq!(full - hp(&near, 1), 62);
    near.step(&strike);
    assert_eq!(full - hp(&near, 1), 62, "it recharges");
    (0..5).for_each(|_| near.step(&strike));
    assert_eq!(full - hp(&near, 1), 124, "after 300 ms it can be used again");
    let mut far = duel(1_711);
    far.step(&strike);
    assert_eq!(hp(&far, 1), full);
}

#[test]
fn a_shot_flies_hits_once_and_is_stopped_by_pillars() {
    let shoot = [Order { walk: (0, 0), act: Act::Skill { skill: 1, aim_mm: (1, 0) } }, STILL];
    let mut open = duel(4_000);
    let full = hp(&open, 1);
    open.step(&shoot);
    assert_eq!(projectiles(&mut open), 1);
    (0..20).for_each(|_| open.step(&[STILL, STILL]));
    assert_eq!(full - hp(&open, 1), 42);
    assert_eq!(projectiles(&mut open), 0);

    let mut blocked = duel(4_000);
    let pillar = Pillar { x_mm: 2_000, y_mm: 0, radius_mm: 500 };
    blocked.world.resource_mut::<Rules>().pillars.push(pillar);
    blocked.step(&shoot);
    (0..20).for_each(|_| blocked.step(&[STILL, STILL]));
    assert_eq!(hp(&blocked, 1), full);
    assert_eq!(projectiles(&mut blocked), 0);
}

#[test]
fn the_killed_wait_and_return_and_kills_win() {
    let mut arena = duel(1_000);
    let strike = [Order { walk: (0, 0), act: STRIKE }, STILL];
    for kills in 1..=3 {
        while arena.world.resource::<Score>().0[0] < kills {
            place(&mut arena, 1, (1_000, 0));
            arena.step(&strike);
        }
        assert!(fighter(&mut arena, 1).is_dead());
        assert_eq!(hp(&arena, 1), 0);
        assert_eq!(arena.verdict(), (kills == 3).then_some(Verdict::Won(0)));
        (0..20).for_each(|_| arena.step(&[STILL, STILL]));
        assert!(!fighter(&mut arena, 1).is_dead(), "20 ticks are a second");
        assert_eq!(fighter(&mut arena, 1).hp_permille, 1_000);
    }
}

#[test]
fn equal_kills_when_time_is_up_are_a_draw() {
    let setup = fixture::setup(2, 1, 5);
    let mut arena = Arena::new(&setup);
    (0..19).for_each(|_| arena.step(&[STILL, STILL]));
    assert_eq!(arena.verdict(), None);
    arena.step(&[STILL, STILL]);
    assert_eq!(arena.verdict(), Some(Verdict::Drawn));
}

#[test]
fn shots_beyond_the_limit_are_not_fired() {
    let mut arena = duel(4_000);
    let ids: Vec<u32> = (0..SHOTS_MAX).map(|n| 256 + u32::try_from(n).expect("few")).collect();
    arena.replace_shots(&ids);
    arena.list_entities();
    for (_, entity) in arena.entities.split_off(2) {
        arena.world.get_mut::<Shot>(entity).expect("a projectile").ticks_left = 2;
    }
    let towards = Act::Skill { skill: 1, aim_mm: (0, 127) };
    let orders = [Order { walk: (0, 0), act: towards }, STILL];
    arena.step(&orders);
    assert_eq!(projectiles(&mut arena), SHOTS_MAX);
    let next = arena.tick() + 1;
    assert!(fighter(&mut arena, 0).is_ready(1, next), "it was not fired");
    arena.step(&orders);
    assert_eq!(projectiles(&mut arena), 1, "the others have landed");
    assert!(!fighter(&mut arena, 0).is_ready(1, next + 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_orders_keep_fighters_on_the_map_and_restore_exactly(
        orders in proptest::collection::vec(any_orders(4), 1..120),
        cut in 0usize..120,
    ) {
        let setup = fixture::setup(4, 60, 100);
        let mut arena = Arena::new(&setup);
        let mut twin = Arena::new(&setup);
        for (n, orders) in orders.iter().enumerate() {
            if n == cut {
                let mut state = Vec::new();
                arena.encode(&mut state);
                twin = Arena::new(&setup);
                twin.decode(&state).expect("just encoded");
            }
            arena.step(orders);
            twin.step(orders);
            prop_assert_eq!(arena.hash(), twin.hash());
            for (_, entity) in arena.fighters.clone() {
                let place = arena.world.get::<Place>(entity).expect("a fighter");
                let at = (place.x_mm, place.y_mm);
                prop_assert!(at.0.abs() < 6_000 && at.1.abs() < 5_000);
                let ModeRules::Arena(ArenaRules { pillars, .. }) = &setup.rules else {
                    panic!("an arena's setup");
                };
                for pillar in pillars {
                    prop_assert!(!geometry::overlaps(at, 360, pillar));
                }
            }
        }
    }

    #[test]
    fn damaged_states_are_refused_or_run(at in 0usize..600, byte in any::<u8>()) {
        let setup = fixture::setup(2, 60, 100);
        let mut state = Vec::new();
        fought(&setup, 40).encode(&mut state);
        let at = at % state.len();
        state[at] = byte;
        let mut arena = Arena::new(&setup);
        if arena.decode(&state).is_ok() {
            fight(&mut arena, &setup, 3);
        }
        prop_assert!(Arena::new(&setup).decode(&state[..at]).is_err());
    }
}

fn any_orders(fighters: usize) -> impl Strategy<Value = Vec<Order>> {
    let walk = (-127..=127i8, -127..=127i8);
    let aim = (-32_767..=32_767i16, -32_767..=32_767i16);
    let skill = (0..SKILLS, aim).prop_map(|(skill, aim_mm)| Act::Skill { skill, aim_mm });
    let act = prop_oneof![1 => Just(Act::None), 3 => skill];
    let order = (walk, act).prop_map(|(walk, act)| Order { walk, act });
    proptest::collection::vec(order, fighters)
}
