//! What each delivery reaches and what each effect does.

use shared::content::{BrokenBy, Delivery, Effect};

use super::*;
use crate::core::fixture::skill;

const DAMAGE: Effect = Effect::Damage { amount: 50 };
const MELEE: Delivery = Delivery::Melee { reach_mm: 900 };
const SHOT: Delivery =
    Delivery::Projectile { speed_mm_s: 10_000, range_mm: 6_000, radius_mm: 150, burst_mm: 0 };
const AREA: Delivery =
    Delivery::Area { range_mm: 4_000, radius_mm: 1_000, delay_ms: 100, pulses: 2, every_ms: 200 };
const DASH: Delivery = Delivery::Dash { range_mm: 3_000, speed_mm_s: 20_000, radius_mm: 500 };

#[test]
fn melee_hits_the_nearest_in_reach_and_recharges() {
    let strike = skill(300, MELEE, &[DAMAGE]);
    // Radii 360 and 450, reach 900.
    let mut near = line_with(4, 1_709, &strike);
    act(&mut near, using(0, (0, 0)), 0);
    assert_eq!((lost(&near, 1), lost(&near, 3)), (50, 0));
    let orders = [using(0, (0, 0)), STILL, STILL, STILL];
    (0..5).for_each(|_| near.step(&orders));
    assert_eq!(lost(&near, 1), 50, "it recharges");
    near.step(&orders);
    assert_eq!(lost(&near, 1), 100, "after 300 ms it can be used again");
    let mut far = line_with(2, 1_711, &strike);
    act(&mut far, using(0, (0, 0)), 0);
    assert_eq!(lost(&far, 1), 0);
}

#[test]
fn a_shot_flies_hits_once_and_is_stopped_by_obstacles() {
    let shoot = skill(1_000, SHOT, &[DAMAGE]);
    let mut open = line_with(4, 2_000, &shoot);
    act(&mut open, using(0, (100, 0)), 0);
    assert_eq!(spawned(&mut open), 1);
    act(&mut open, STILL, 20);
    assert_eq!((lost(&open, 1), lost(&open, 2), lost(&open, 3)), (50, 0, 0));
    assert_eq!(spawned(&mut open), 0);
    let mut blocked = line_with(2, 4_000, &shoot);
    put(&mut blocked, 0, (-2_000, 0));
    put(&mut blocked, 1, (2_000, 0));
    act(&mut blocked, using(0, (100, 0)), 20);
    assert_eq!((lost(&blocked, 1), spawned(&mut blocked)), (0, 0), "the pillar stops it");
    act(&mut blocked, using(0, (0, 0)), 0);
    assert_eq!(spawned(&mut blocked), 0, "without a direction nothing is shot");
}

#[test]
fn a_burst_harms_all_around_but_not_behind_a_wall() {
    let shot = Delivery::Projectile {
        speed_mm_s: 10_000,
        range_mm: 6_000,
        radius_mm: 150,
        burst_mm: 1_500,
    };
    let mut arena = line_with(6, 2_000, &skill(1_000, shot, &[DAMAGE]));
    put(&mut arena, 3, (0, -3_000));
    put(&mut arena, 5, (-1_000, 4_000));
    act(&mut arena, using(0, (100, 0)), 20);
    assert_eq!([1, 2, 3, 5].map(|slot| lost(&arena, slot)), [50, 0, 50, 0]);
    // Behind the wall whose face is at x = -2300.
    put(&mut arena, 0, (-4_500, 2_500));
    put(&mut arena, 1, (-1_700, 2_500));
    let before = lost(&arena, 1);
    act(&mut arena, using(0, (100, 0)), 40);
    assert_eq!(lost(&arena, 1), before, "the wall is in between");
}

#[test]
fn an_area_takes_effect_again_and_again_on_its_place() {
    let mut arena = line_with(4, 2_000, &skill(9_000, AREA, &[DAMAGE]));
    act(&mut arena, using(0, (2_000, 0)), 1);
    assert_eq!(lost(&arena, 1), 0, "it takes a while");
    act(&mut arena, STILL, 0);
    assert_eq!(lost(&arena, 1), 50);
    act(&mut arena, STILL, 20);
    assert_eq!((lost(&arena, 1), lost(&arena, 3)), (100, 0), "two pulses, nobody else");
    assert_eq!(spawned(&mut arena), 0);
}

#[test]
fn a_leap_lands_where_it_was_aimed_and_strikes_there() {
    let effects = [DAMAGE, Effect::Shield { amount: 30, duration_ms: 1_000 }];
    let mut arena = line_with(2, 3_000, &skill(9_000, DASH, &effects));
    act(&mut arena, using(0, (2_000, 0)), 3);
    assert_eq!(get::<Place>(&arena, 0).at(), (0, -2_000));
    assert_eq!((lost(&arena, 1), get::<Vitals>(&arena, 0).shield), (50, 30));
    let mut blocked = line_with(2, 4_000, &skill(9_000, DASH, &effects));
    put(&mut blocked, 0, (-2_000, 0));
    act(&mut blocked, using(0, (3_000, 0)), 5);
    assert!(get::<Place>(&blocked, 0).x_mm <= -1_260, "the pillar is not leapt over");
}

#[test]
fn a_cast_takes_its_time_and_breaks_as_the_skill_says() {
    let broken = |broken_by, walk, stunned| {
        let mut cast = skill(9_000, MELEE, &[DAMAGE]);
        (cast.cast_ms, cast.broken_by) = (200, broken_by);
        let mut arena = line_with(2, 1_500, &cast);
        arena.step(&[using(0, (0, 0)), STILL]);
        assert_eq!((get::<Skills>(&arena, 0).casting, lost(&arena, 1)), (1, 0));
        get_mut::<Afflictions>(&mut arena, 0).stun_until = if stunned { 3 } else { 0 };
        (0..4).for_each(|_| arena.step(&[Order { walk, ..STILL }, STILL]));
        lost(&arena, 1) == 0
    };
    let cases = [
        (BrokenBy::Nothing, false, false),
        (BrokenBy::Stun, false, true),
        (BrokenBy::Walking, true, true),
    ];
    for (by, walking, stun) in cases {
        assert!(!broken(by, (0, 0), false), "{by:?}: nothing happens");
        assert_eq!(broken(by, (0, 1), false), walking, "{by:?}: walking");
        assert_eq!(broken(by, (0, 0), true), stun, "{by:?}: a stun");
    }
}

#[test]
fn energy_is_paid_and_comes_back_and_who_has_too_little_does_not_begin() {
    let mut dear = skill(50, MELEE, &[DAMAGE]);
    dear.cost = 60;
    let mut arena = line_with(2, 1_500, &dear);
    act(&mut arena, using(0, (0, 0)), 0);
    assert_eq!(get::<Vitals>(&arena, 0).energy, 40_000);
    let orders = [using(0, (0, 0)), STILL];
    // 20 a second: 20 are missing.
    (0..19).for_each(|_| arena.step(&orders));
    assert_eq!((lost(&arena, 1), get::<Vitals>(&arena, 0).energy), (50, 59_000));
    arena.step(&orders);
    assert_eq!((lost(&arena, 1), get::<Vitals>(&arena, 0).energy), (100, 0));
}

#[test]
fn a_shield_takes_damage_first_and_ends() {
    let guard = skill(9_000, Delivery::Own, &[Effect::Shield { amount: 70, duration_ms: 500 }]);
    let mut arena = line_with(2, 1_500, &guard);
    give_skill(&mut arena, 1, skill(50, MELEE, &[DAMAGE]));
    act(&mut arena, using(0, (0, 0)), 0);
    arena.step(&[STILL, using(1, (0, 0))]);
    assert_eq!((lost(&arena, 0), get::<Vitals>(&arena, 0).shield), (0, 20));
    (0..10).for_each(|_| arena.step(&[STILL, STILL]));
    arena.step(&[STILL, using(1, (0, 0))]);
    assert_eq!(lost(&arena, 0), 50, "it is over");
}

#[test]
fn the_slowed_walk_slower_and_the_stunned_do_nothing() {
    let way = |effect| {
        let mut arena = line_with(2, 1_500, &skill(9_000, MELEE, &[effect]));
        act(&mut arena, using(0, (0, 0)), 0);
        let from = get::<Place>(&arena, 1).x_mm;
        let away = Order { walk: (127, 0), ..using(1, (100, 0)) };
        (0..10).for_each(|_| arena.step(&[STILL, away]));
        (get::<Place>(&arena, 1).x_mm - from, spawned(&mut arena))
    };
    assert_eq!(way(Effect::Damage { amount: 1 }), (1_800, 1));
    assert_eq!(way(Effect::Slow { permille: 500, duration_ms: 10_000 }), (900, 1));
    assert_eq!(way(Effect::Slow { permille: 500, duration_ms: 250 }), (1_350, 1));
    assert_eq!(way(Effect::Stun { duration_ms: 10_000 }), (0, 0));
}

#[test]
fn fire_takes_hit_points_every_half_second() {
    let burn = Effect::Burn { amount: 5, duration_ms: 2_000 };
    let mut arena = line_with(2, 1_500, &skill(9_000, MELEE, &[burn]));
    act(&mut arena, using(0, (0, 0)), 60);
    assert_eq!(lost(&arena, 1), 20);
    assert_eq!(arena.results()[0].damage, 20, "who lit it is credited");
}

#[test]
fn healing_reaches_the_ally_at_the_aim_and_never_more_than_all() {
    let mend = skill(50, Delivery::Ally { range_mm: 5_000 }, &[Effect::Heal { amount: 30 }]);
    let mut arena = line_with(4, 1_500, &mend);
    get_mut::<Vitals>(&mut arena, 2).hp = 150;
    get_mut::<Vitals>(&mut arena, 1).hp = 150;
    act(&mut arena, using(0, (3_000, 0)), 0);
    assert_eq!((hp(&arena, 1), hp(&arena, 2)), (150, 180), "enemies are not healed");
    act(&mut arena, using(0, (3_000, 0)), 0);
    assert_eq!((hp(&arena, 2), arena.results()[0].healing), (200, 50));
}

#[test]
fn armour_and_haste_and_bonus_damage_count() {
    let mut arena = line_with(2, 1_500, &skill(1_000, MELEE, &[DAMAGE]));
    get_mut::<Kit>(&mut arena, 0).damage = 10;
    get_mut::<Kit>(&mut arena, 0).haste_permille = 1_000;
    get_mut::<Kit>(&mut arena, 1).armour = 50;
    act(&mut arena, using(0, (0, 0)), 0);
    assert_eq!(lost(&arena, 1), 40, "60 against an armour of 50");
    assert_eq!(get::<Skills>(&arena, 0).ready[0], arena.tick() + 10, "half of 20 ticks");
}

#[test]
fn spawns_beyond_the_limit_come_to_nothing() {
    let mut arena = line_with(2, 4_000, &skill(50, SHOT, &[DAMAGE]));
    let ids: Vec<u32> = (0..SPAWNS_MAX).map(|n| 256 + u32::try_from(n).expect("few")).collect();
    arena.replace_spawned(&[], &ids);
    for (_, entity) in arena.entities.split_off(arena.lasting.len()) {
        *arena.world.get_mut::<Area>(entity).expect("an area") =
            Area { next: 3, ..Area::default() };
    }
    arena.step(&[using(0, (0, 100)), STILL]);
    assert_eq!(spawned(&mut arena), SPAWNS_MAX);
    (0..2).for_each(|_| arena.step(&[STILL, STILL]));
    arena.step(&[using(0, (0, 100)), STILL]);
    assert_eq!(spawned(&mut arena), 1, "the others are gone");
}
