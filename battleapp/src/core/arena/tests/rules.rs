//! Pets, points, kills, returns and the end.

use shared::content::{Delivery, Effect};

use super::*;
use crate::core::fixture::skill;

fn deadly() -> Skill {
    skill(50, Delivery::Melee { reach_mm: 900 }, &[Effect::Damage { amount: 500 }])
}

#[test]
fn pets_follow_their_owner_bite_its_enemies_fall_and_come_back() {
    // Slot 1 has a pet of 70 hit points that bites for 8.
    let mut arena = Arena::new(&fixture::setup(2, 60, 100));
    let pet = arena.fighters;
    assert_eq!(arena.lasting[pet].0, FIRST_PET_ID + 1);
    put(&mut arena, 0, (-4_500, -2_000));
    put(&mut arena, 1, (4_500, -2_000));
    put(&mut arena, pet, (0, -2_000));
    (0..20).for_each(|_| arena.step(&[STILL, STILL]));
    assert!(get::<Place>(&arena, pet).x_mm > 2_900, "it comes to heel");
    put(&mut arena, 0, (1_000, -2_000));
    (0..40).for_each(|_| arena.step(&[STILL, STILL]));
    assert_eq!(hp(&arena, 0), 200 - 8 * 4, "it bites every 600 ms");
    assert_eq!(arena.results()[1].damage, 32, "what it takes is its owner's merit");

    give_skill(&mut arena, 4, deadly());
    arena.step(&[using(0, (0, 0)), STILL]);
    assert_ne!(get::<Life>(&arena, pet), Life::Alive);
    assert_eq!(arena.results()[0].kills, 0, "pets are no kills");
    put(&mut arena, 0, (-4_500, -2_000));
    (0..21).for_each(|_| arena.step(&[STILL, STILL]));
    assert_eq!((get::<Life>(&arena, pet), hp(&arena, pet)), (Life::Alive, 70));
    assert_eq!(get::<Place>(&arena, pet), get::<Place>(&arena, 1));
}

#[test]
fn a_point_goes_to_the_side_that_stands_on_it_alone_and_scores_while_it_is_held() {
    let mut arena = line(4, 1_000);
    let point = arena.lasting.len() - 2;
    let on_it = (0, 3_400);
    put(&mut arena, 0, on_it);
    let wait = |arena: &mut Arena, ticks| (0..ticks).for_each(|_| arena.step(&[STILL; 4]));
    wait(&mut arena, 19);
    assert_eq!(get::<Point>(&arena, point), Point { progress: -19, holder: 0 });
    wait(&mut arena, 1);
    assert_eq!(get::<Point>(&arena, point), Point { progress: -20, holder: 1 });
    wait(&mut arena, 40);
    assert_eq!(arena.score(), [3, 0], "one a second, the first at once");
    put(&mut arena, 1, on_it);
    wait(&mut arena, 20);
    assert_eq!(get::<Point>(&arena, point).progress, -20, "both are there");
    put(&mut arena, 0, (4_000, 0));
    wait(&mut arena, 20);
    assert_eq!(get::<Point>(&arena, point), Point { progress: 0, holder: 0 });
    put(&mut arena, 3, on_it);
    wait(&mut arena, 10);
    assert_eq!(get::<Point>(&arena, point), Point { progress: 20, holder: 2 }, "two are faster");
    assert_eq!(arena.results().iter().map(|it| it.capture_s).collect::<Vec<_>>(), [1, 1, 0, 0]);
}

#[test]
fn kills_deaths_and_assists_are_counted() {
    let mut arena = line_with(4, 1_300, &deadly());
    // Slots 0 and 2 are on one side; 2 scratches 1, 0 kills it.
    let scratch = skill(50, Delivery::Melee { reach_mm: 900 }, &[Effect::Damage { amount: 1 }]);
    give_skill(&mut arena, 1, scratch);
    put(&mut arena, 3, (4_000, 3_000));
    arena.step(&[STILL, STILL, using(1, (0, 0)), STILL]);
    arena.step(&[using(0, (0, 0)), STILL, STILL, STILL]);
    let told: Vec<_> = arena.results().iter().map(|it| (it.kills, it.deaths, it.assists)).collect();
    assert_eq!(told, [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]);
    assert_eq!(arena.score(), [1, 0]);
    assert_eq!(arena.results().iter().map(|it| it.damage).collect::<Vec<_>>(), [500, 0, 1, 0]);
}

#[test]
fn two_fighters_can_kill_each_other_in_one_tick() {
    let mut arena = line_with(2, 1_300, &deadly());
    arena.step(&[using(0, (0, 0)), using(0, (0, 0))]);
    assert_eq!((hp(&arena, 0), hp(&arena, 1), arena.score()), (0, 0, [1, 1]));
}

#[test]
fn the_killed_wait_and_return_and_a_score_wins() {
    let mut arena = line_with(2, 1_300, &deadly());
    arena.world.resource_mut::<Rules>().score_to_win = 3;
    for kills in 1..=3 {
        put(&mut arena, 1, (-700, -2_000));
        arena.step(&[using(0, (0, 0)), STILL]);
        assert!(arena.view(0).get::<FighterView>(1).is_some_and(|it| it.is_dead()));
        assert_eq!(arena.verdict(), (kills == 3).then_some(Verdict::Won(0)));
        (0..19).for_each(|_| arena.step(&[STILL, STILL]));
        assert_eq!(hp(&arena, 1), 0);
        arena.step(&[STILL, STILL]);
        assert_eq!(hp(&arena, 1), 200, "20 ticks are a second");
        assert_eq!(get::<Place>(&arena, 1).x_mm, 4_500, "at an entry of its side");
    }
}

#[test]
fn equal_scores_when_time_is_up_are_a_draw() {
    let setup = fixture::setup(2, 1, 5);
    let mut arena = Arena::new(&setup);
    (0..19).for_each(|_| arena.step(&[STILL, STILL]));
    assert_eq!(arena.verdict(), None);
    arena.step(&[STILL, STILL]);
    assert_eq!(arena.verdict(), Some(Verdict::Drawn));
}
