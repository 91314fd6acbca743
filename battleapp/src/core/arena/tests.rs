//! What has to hold for the arena as a whole; what each rule does stands in the modules.

mod balance;
mod rules;
mod skills;
mod twins;

use std::sync::Arc;

use bevy_ecs::component::ComponentId;
use proptest::prelude::*;
use shared::content::{Content, HERO_SKILLS, Skill};
use shared::msg::client::{Act, SKILLS};
use shared::msg::matchmaker_baseapp::{PetCard, PlayerCard};
use shared::msg::snapshot::{FighterView, SPECTATOR};

use super::*;
use crate::core::conformance::unregistered;
use crate::core::fixture;
use crate::core::modes::Modes;
use crate::core::registry::Lane as _;

const STILL: Order = Order::STILL;

/// Uses a skill, aimed at a place seen from the fighter.
const fn using(skill: u8, aim_mm: (i16, i16)) -> Order {
    Order { walk: (0, 0), act: Act::Skill { skill, aim_mm } }
}

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

/// Fighters without pets, one after the other along the line y = -2000, where nothing stands in
/// the way, `apart` millimetres from each other, sides alternating. The first has hero 2 with a
/// radius of 360, the second and third hero 1 with 450.
fn line(count: u8, apart: i32) -> Arena {
    let mut setup = fixture::setup(count, 60, 100);
    setup.seats.iter_mut().for_each(|seat| {
        (seat.pet, seat.bonus_hp, seat.bonus_damage) = (None, 0, 0);
        (seat.bonus_armour, seat.haste_permille) = (0, 0);
    });
    let mut arena = Arena::new(&setup);
    for slot in 0..count {
        put(&mut arena, slot.into(), (-2_000 + apart * i32::from(slot), -2_000));
    }
    arena
}

/// The line with a skill that everybody has as number 0.
fn line_with(count: u8, apart: i32, skill: &Skill) -> Arena {
    let mut arena = line(count, apart);
    give_skill(&mut arena, 0, skill.clone());
    give_skill(&mut arena, 4, skill.clone());
    arena
}

/// Puts a skill in the place of the one with this index among those of all heroes.
fn give_skill(arena: &mut Arena, index: usize, skill: Skill) {
    let mut rules = arena.world.resource_mut::<Rules>();
    let skills = &mut rules.skills[index / HERO_SKILLS];
    Arc::make_mut(skills)[index % HERO_SKILLS] = skill;
}

/// Lets the first fighter act and the others stand, then all stand for `ticks`.
fn act(arena: &mut Arena, order: Order, ticks: u32) {
    let mut orders = vec![STILL; arena.fighters];
    orders[0] = order;
    arena.step(&orders);
    orders[0] = STILL;
    (0..ticks).for_each(|_| arena.step(&orders));
}

fn put(arena: &mut Arena, at: usize, place: (i32, i32)) {
    *get_mut::<Place>(arena, at) = place.into();
}

fn get<T: Component + Copy>(arena: &Arena, at: usize) -> T {
    *arena.world.get::<T>(arena.lasting[at].1).expect("it has one")
}

fn get_mut<T: Component<Mutability = bevy_ecs::component::Mutable>>(
    arena: &mut Arena,
    at: usize,
) -> Mut<'_, T> {
    arena.world.get_mut::<T>(arena.lasting[at].1).expect("it has one")
}

fn hp(arena: &Arena, slot: usize) -> i32 {
    get::<Vitals>(arena, slot).hp
}

/// What a fighter has lost of its 200 hit points.
fn lost(arena: &Arena, slot: usize) -> i32 {
    200 - hp(arena, slot)
}

fn spawned(arena: &mut Arena) -> usize {
    arena.list_entities();
    arena.entities.len() - arena.lasting.len()
}

/// Five against five of all heroes with pets, on the map that the seed draws.
fn grand_setup(seed: u64) -> Setup {
    let mut content = Content::builtin();
    content.arena.score_to_win = 100_000;
    let mut seats = fixture::seats(10);
    for (slot, seat) in (0u16..).zip(&mut seats) {
        let pet = Some(PetCard { species: 1 + slot % 3, level: 1 + slot });
        let hero = 1 + (slot / 2 + slot % 2 * 3) % 6;
        seat.card = PlayerCard { hero, pet, haste_permille: 50, ..seat.card.clone() };
    }
    let mode = Modes::BUILTIN.named("arena").expect("it is there");
    Setup::new(mode, &content, shared::ids::BattleId(9), seed, &seats).expect("it is sound")
}

#[test]
fn a_golden_battle_gives_the_frozen_hash() {
    let setup = fixture::setup(10, 60, 100);
    let mut arena = fought(&setup, 600);
    let [first, second] = arena.score();
    assert!(first > 0 && second > 0, "both sides have scored: {first}, {second}");
    assert_eq!(arena.hash(), GOLDEN_HASH, "{:#x}", arena.hash());
}

/// Changes only with the rules of the arena or the fixture; then old replays no longer verify.
const GOLDEN_HASH: u64 = 0x4ab4_bc2d_6894_8870;

#[test]
fn spawn_order_and_strangers_in_the_world_change_nothing() {
    let setup = fixture::setup(10, 60, 100);
    let mut plain = Arena::new(&setup);
    let mut other = Arena::spawned(&setup, true, 3);
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
    for _ in 0..200 {
        let mut state = Vec::new();
        arena.encode(&mut state);
        let mut restored = Arena::new(&setup);
        restored.decode(&state).expect("just encoded");
        assert_eq!(restored.hash(), arena.hash());
        fight(&mut arena, &setup, 1);
        fight(&mut restored, &setup, 1);
        assert_eq!(restored.hash(), arena.hash(), "after tick {}", arena.tick());
        for class in [0, 1, SPECTATOR] {
            assert_eq!(restored.view(class), arena.view(class));
        }
    }
}

#[test]
fn every_component_is_registered_or_derived() {
    let setup = fixture::setup(4, 60, 100);
    let mut arena = fought(&setup, 100);
    arena.replace_spawned(&[300], &[301]);
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
    |world| world.component_id::<Species>(),
    |world| world.component_id::<Rules>(),
    |world| world.component_id::<Scratch>(),
];

#[test]
fn each_lane_sees_a_change_of_its_own_component_alone() {
    let mut arena = line(2, 3_000);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    arena.lanes(&mut before);
    get_mut::<Vitals>(&mut arena, 1).hp -= 1;
    arena.lanes(&mut after);
    let differing: Vec<_> =
        before.iter().zip(&after).filter(|(b, a)| b != a).map(|(b, _)| b.lane).collect();
    assert_eq!(differing, [Vitals::ID]);
    assert_eq!(arena.lane_name(Vitals::ID), "Vitals");
}

#[test]
fn a_side_is_not_told_what_it_cannot_see() {
    let mut arena = line(2, 3_000);
    let seen = |arena: &mut Arena, class| arena.view(class).get::<FighterView>(1).is_some();
    assert!(seen(&mut arena, 0) && seen(&mut arena, 1) && seen(&mut arena, SPECTATOR));
    // The pillar in the middle stands between them.
    put(&mut arena, 0, (-2_000, 0));
    put(&mut arena, 1, (2_000, 0));
    assert!(!seen(&mut arena, 0) && seen(&mut arena, 1) && seen(&mut arena, SPECTATOR));
    arena.world.resource_mut::<Rules>().sight_mm = 8_000;
    put(&mut arena, 0, (-4_500, -2_000));
    put(&mut arena, 1, (4_500, -2_000));
    assert!(!seen(&mut arena, 0), "9 m are beyond the sight of 8 m");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_orders_on_any_map_keep_bodies_out_of_walls_and_restore_exactly(
        seed in any::<u64>(),
        orders in proptest::collection::vec(any_orders(10), 1..100),
        cut in 0usize..100,
    ) {
        let setup = grand_setup(seed);
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
            let rules = arena.world.resource::<Rules>();
            for (_, entity) in arena.lasting.iter().take(arena.fighters) {
                let place = arena.world.get::<Place>(*entity).expect("a fighter").at();
                let radius = arena.world.get::<Kit>(*entity).expect("a fighter").radius_mm;
                prop_assert!(rules.ground.is_free(place, radius), "{:?}", place);
            }
        }
    }

    #[test]
    fn damaged_states_are_refused_or_run(at in 0usize..4_000, byte in any::<u8>()) {
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
    let aim = (-12_000..=12_000i16, -12_000..=12_000i16);
    let skill = (0..SKILLS, aim).prop_map(|(skill, aim_mm)| Act::Skill { skill, aim_mm });
    let act = prop_oneof![1 => Just(Act::None), 3 => skill];
    let order = (walk, act).prop_map(|(walk, act)| Order { walk, act });
    proptest::collection::vec(order, fighters)
}
