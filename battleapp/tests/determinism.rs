//! Determinism as a gate: every mode keeps the rules, every mistake that breaks a replay is found,
//! and a replay of other rules is located to the system that changed.

#[path = "determinism/planted.rs"]
mod planted;

use battleapp::core::conformance::{any_orders, any_setup, check, unregistered};
use battleapp::core::modes::Modes;
use battleapp::core::replay::{Divergence, Recorder, ReplayError, verify};
use battleapp::core::setup::{Occupant, Setup};
use battleapp::core::sim::{Order, Verdict};
use planted::{DERIVED, HARD_FROM, HARD_ON, Mistake, Plot};
use proptest::prelude::*;
use shared::ids::PlayerId;

const TICKS: u32 = 240;

fn brawl(seed: u64, ticks: u32, setup: &Setup) -> Vec<Vec<Order>> {
    (0..ticks).map(|tick| any_orders(seed, tick, setup.seats.len())).collect()
}

/// A battle of the planted mode.
fn setup() -> Setup {
    let setup = any_setup(Modes::BUILTIN, "duel", 7).expect("there is a duel");
    let mut seats = setup.seats.clone();
    for (id, seat) in (200..).zip(&mut seats) {
        seat.occupant = Occupant::Player(PlayerId(id));
    }
    let seats = [setup.seats.clone(), seats].concat();
    Setup { mode: String::from("planted"), seats, ..setup }
}

fn checked(mistake: Mistake) -> Result<(), String> {
    let setup = setup();
    check(&|| Box::new(Plot::new(mistake, &setup)), &brawl(3, 120, &setup))
}

/// What comes of running a replay of the sound mode again with a mistake.
fn run_again(mistake: Mistake) -> Result<(), ReplayError> {
    let setup = setup();
    let modes = planted::modes(Mistake::None);
    let mut sim = modes.create(&setup).expect("there is such a mode");
    let mut recorder = Recorder::new(modes, &setup, "test", sim.as_mut());
    for orders in brawl(3, TICKS, &setup) {
        sim.step(&orders);
        recorder.tick(&orders, sim.as_mut());
    }
    let bytes = recorder.finish(Verdict::Drawn, true);
    verify(planted::modes(mistake), &bytes, &mut |_, _| {}).map(|_| ())
}

fn diverged(mistake: Mistake) -> Box<Divergence> {
    match run_again(mistake) {
        Err(ReplayError::Diverged(found)) => found,
        other => panic!("{mistake:?} is not found: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn every_mode_keeps_the_rules_whatever_the_orders(seed: u64) {
        for mode in Modes::BUILTIN.0 {
            let setup = any_setup(Modes::BUILTIN, mode.name(), seed).expect("it takes some size");
            let create = || Modes::BUILTIN.create(&setup).expect("it was checked");
            let held = check(&create, &brawl(seed, 60, &setup));
            prop_assert_eq!(held, Ok(()), "{}", mode.name());
        }
    }
}

#[test]
fn a_sound_mode_passes_and_each_mistake_is_found() {
    assert_eq!(checked(Mistake::None), Ok(()));
    assert_eq!(run_again(Mistake::None), Ok(()));
    for (mistake, told) in [
        (Mistake::Unsorted, "after planted::mend, "),
        (Mistake::Hashed, "Hp.points"),
        (Mistake::Hidden, "Hp.points"),
        (Mistake::Unlisted, "Place.x_mm"),
    ] {
        let error = checked(mistake).expect_err("a mistake is found");
        assert!(error.contains(told), "{mistake:?}: {error}");
    }
}

#[test]
fn what_is_in_no_lane_is_named() {
    let mut plot = Plot::new(Mistake::Unlisted, &setup());
    let unknown = unregistered(&mut plot, DERIVED);
    assert!(!unknown.is_empty() && unknown.iter().all(|it| it.ends_with("Fatigue")), "{unknown:?}");
}

#[test]
fn a_change_in_one_system_is_found_with_its_name_tick_entity_and_both_numbers() {
    let found = diverged(Mistake::HardBlow);
    assert_eq!((found.tick, found.lanes.as_slice()), (HARD_FROM, ["Hp"].as_slice()));
    assert_eq!(found.system(), Some("planted::blow"));
    assert_eq!(found.unsteady, None, "it is other rules, not an unsteady build");
    let [number] = found.found.as_slice() else { panic!("{found}") };
    assert_eq!((number.component, number.entity, number.field), ("Hp", Some(HARD_ON), "points"));
    assert_eq!(number.first.zip(number.second).map(|(first, second)| first - second), Some(1));
    let told = found.to_string();
    println!("{told}");
    assert!(told.contains("tick 59, first after planted::blow"), "{told}");
    assert_eq!(found.numbers_tick, 200, "and the next keyframe shows what became of it");
    assert!(found.numbers.iter().any(|it| it.entity == Some(HARD_ON)), "{told}");
}

#[test]
fn a_build_that_does_not_agree_with_itself_is_told_from_other_rules() {
    let found = diverged(Mistake::Hidden);
    assert!(found.unsteady.is_some(), "{found}");
    let found = diverged(Mistake::Hashed);
    assert!(found.unsteady.is_some(), "{found}");
    let told = found.to_string();
    println!("{told}");
    assert!(told.contains("two runs of this build do not agree"), "{told}");
}
