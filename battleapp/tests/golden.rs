//! One recorded battle of each mode stays in the repository: whoever changes its rules learns it
//! here, and what to do then.

use std::path::PathBuf;

use battleapp::core::conformance::{any_orders, any_setup};
use battleapp::core::modes::{Mode, Modes};
use battleapp::core::replay::{Recorder, verify};

/// Ten seconds of battle.
const TICKS: u32 = 200;
const SEED: u64 = 20;
/// What renews the replays.
const RENEW: &str = "COHORT_GOLDEN=renew cargo test -p battleapp --test golden";

fn file(mode: &dyn Mode) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    dir.join(format!("{}.replay", mode.name()))
}

/// The battle as this build fights it.
fn recorded(mode: &dyn Mode) -> Vec<u8> {
    let setup = any_setup(Modes::BUILTIN, mode.name(), SEED).expect("it takes battles of a size");
    let mut sim = Modes::BUILTIN.create(&setup).expect("the setup was checked");
    let build = concat!(env!("CARGO_PKG_VERSION"), " golden");
    let mut recorder = Recorder::new(Modes::BUILTIN, &setup, build, sim.as_mut());
    for tick in 0..TICKS {
        let orders = any_orders(SEED, tick, setup.seats.len());
        sim.step(&orders);
        recorder.tick(&orders, sim.as_mut());
    }
    let verdict = sim.verdict();
    recorder.finish(verdict.unwrap_or_else(|| sim.standing()), verdict.is_none())
}

#[test]
fn the_golden_replay_of_every_mode_leads_to_the_same_hashes() {
    let renew = std::env::var("COHORT_GOLDEN").is_ok_and(|wish| wish == "renew");
    let mut verified = 0;
    for mode in Modes::BUILTIN.0.iter().copied() {
        if renew {
            std::fs::write(file(mode), recorded(mode)).expect("it can be written");
        }
        if !file(mode).exists() {
            println!("the {} has no golden replay yet: {RENEW}", mode.name());
            continue;
        }
        verified += 1;
        let bytes = std::fs::read(file(mode)).unwrap_or_default();
        let report = verify(Modes::BUILTIN, &bytes, &mut |_, _| {}).unwrap_or_else(|error| {
            panic!(
                "the golden replay of the {name} does not lead to the same end:\n  {error}\n\n\
                 If its rules were changed on purpose, raise its `Mode::version`, so that \
                 replays of before are refused by name, and renew the golden ones:\n  {RENEW}\n\
                 If they were not, this is a bug: the report above says where.\n",
                name = mode.name()
            )
        });
        assert_eq!((report.ticks, report.complete), (TICKS, true), "renew it: {RENEW}");
    }
    assert!(verified >= 2, "the arena and the duel have theirs");
}
