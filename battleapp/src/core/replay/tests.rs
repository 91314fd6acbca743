//! What has to hold for replays.

use proptest::prelude::*;
use shared::msg::client::Act;
use xxhash_rust::xxh3::xxh3_64;

use super::super::compare::Difference;
use super::super::fixture;
use super::super::modes::Modes;
use super::super::sim::{Order, Verdict};
use super::format::CHUNK_HEAD_BYTES;
use super::*;

/// The replay of a brawl of `ticks` ticks.
fn recorded(ticks: u32) -> Vec<u8> {
    let setup = fixture::setup(4, ticks / 20, 100);
    let mut sim = Modes::BUILTIN.create(&setup).expect("the arena is there");
    let mut recorder = Recorder::new(Modes::BUILTIN, &setup, "test", sim.as_mut());
    for tick in 0..ticks {
        let orders = fixture::brawl(7, tick, 4);
        sim.step(&orders);
        recorder.tick(&orders, sim.as_mut());
    }
    recorder.finish(sim.verdict().expect("time is up"), false)
}

fn checked(bytes: &[u8]) -> Result<VerifyReport, ReplayError> {
    verify(Modes::BUILTIN, bytes, &mut |_, _| {})
}

/// Changes the walk of the first fighter in a chunk's first tick and mends the checksum, as
/// somebody would who wants to cheat. `chunk` counts the chunks from the header.
fn with_flipped_input(mut bytes: Vec<u8>, chunk: usize) -> Vec<u8> {
    let header = usize::try_from(u32::from_le_bytes(bytes[10..14].try_into().expect("four")));
    let mut at = 22 + header.expect("fits");
    for _ in 0..chunk {
        let len = u32::from_le_bytes(bytes[at + 1..at + 5].try_into().expect("four"));
        at += CHUNK_HEAD_BYTES + usize::try_from(len).expect("fits");
    }
    let len = u32::from_le_bytes(bytes[at + 1..at + 5].try_into().expect("four"));
    let payload = at + CHUNK_HEAD_BYTES;
    let end = payload + usize::try_from(len).expect("fits");
    // First tick, number of ticks and of lanes, mask; then the walk.
    bytes[payload + 9] = bytes[payload + 9].wrapping_add(90);
    let hash = xxh3_64(&bytes[payload..end]).to_le_bytes();
    bytes[at + 5..at + 13].copy_from_slice(&hash);
    bytes
}

#[test]
fn a_replay_verifies_and_tells_its_progress() {
    let bytes = recorded(500);
    let mut seen = Vec::new();
    let report = verify(Modes::BUILTIN, &bytes, &mut |done, total| seen.push((done, total)))
        .expect("it is ours");
    assert_eq!((report.ticks, report.complete, report.fault), (500, true, None));
    assert!(report.outcome.is_some());
    assert_eq!(seen.last(), Some(&(500, 500)));
    assert_eq!(seen.len(), 25);
}

#[test]
fn a_flipped_input_is_found_at_its_tick_with_the_state_that_differs() {
    // The chunks are 200 ticks in ten, a keyframe, and so on: the twelfth begins with tick 201.
    let error = checked(&with_flipped_input(recorded(500), 11)).expect_err("it was changed");
    let ReplayError::Diverged(found) = error else { panic!("{error}") };
    assert_eq!((found.tick, found.numbers_tick), (201, 400));
    assert!(found.lanes.contains(&"Place") && !found.lanes.contains(&"Clock"), "{found:?}");
    assert_eq!(found.system(), Some("arena::travel"));
    assert_eq!(found.unsteady, None);
    assert_ne!(found.recorded, found.computed);
    let moved = |it: &&Difference| it.component == "Place" && it.entity == Some(0);
    assert!(found.numbers.iter().any(|it| moved(&it)), "who walked elsewhere stands elsewhere");
    let first = found.numbers[0];
    let told = found.to_string();
    assert!(told.contains(&format!("tick 400, {first}")), "{told}");
    assert!(told.contains("tick 201, first after arena::travel"), "{told}");
}

#[test]
fn two_replays_are_compared_down_to_orders_and_numbers() {
    let read = |bytes: &[u8]| Replay::read(bytes).expect("it is ours");
    let one = read(&recorded(500));
    assert_eq!(diff(Modes::BUILTIN, &one, &one), Ok(Diff::Same { ticks: 500 }));
    assert_eq!(
        diff(Modes::BUILTIN, &one, &read(&recorded(300))),
        Ok(Diff::Setup),
        "another length of battle"
    );
    let flipped = read(&with_flipped_input(recorded(500), 11));
    let Ok(Diff::Orders { tick, slots, parting }) = diff(Modes::BUILTIN, &one, &flipped) else {
        panic!("they differ")
    };
    assert_eq!((tick, slots), (201, vec![0]));
    let parting = parting.expect("who walks elsewhere is elsewhere");
    assert_eq!((parting.tick, parting.system.as_str()), (201, "arena::travel"));
    assert!(parting.differences.iter().all(|it| it.entity == Some(0)), "{parting}");

    // The same orders, and another state, as of a build that simulates differently.
    let mut other = read(&recorded(500));
    other.ticks[250].hash ^= 1;
    let mut sim = seek(Modes::BUILTIN, &one, 200).expect("it is there");
    let mut state = Vec::new();
    sim.encode(&mut state);
    other.keyframes.insert(400, state);
    let Ok(Diff::State { tick, parted, numbers_tick, numbers }) =
        diff(Modes::BUILTIN, &one, &other)
    else {
        panic!("they differ")
    };
    assert_eq!((tick, numbers_tick), (251, Some(400)));
    assert!(parted[0].is_none() && parted[1].is_some(), "this build leads to the first");
    assert!(numbers.iter().any(|it| it.component == "Clock" && it.second == Some(200)));
}

#[test]
fn a_replay_of_other_rules_is_refused_by_name_and_still_shown() {
    let mut replay = Replay::read(&recorded(100)).expect("it is ours");
    replay.header.rules += 1;
    let refused = seek(Modes::BUILTIN, &replay, 50).err().expect("other rules");
    let told = refused.to_string();
    assert!(matches!(refused, ReplayError::OtherRules { .. }), "{told}");
    assert!(
        told.contains("build test with rules 2 of the arena; this build has rules 1"),
        "{told}"
    );
    replay.header.rules -= 1;
    replay.header.schema ^= 1;
    assert!(matches!(seek(Modes::BUILTIN, &replay, 50), Err(ReplayError::OtherRules { .. })));
}

#[test]
fn a_replay_that_was_cut_off_reads_up_to_the_cut_and_says_so() {
    let bytes = recorded(300);
    let whole = Replay::read(&bytes).expect("it is ours");
    assert!(whole.complete);
    let header = Replay::read(&bytes[..bytes.len() / 2]).expect("the half is readable");
    assert!(!header.complete);
    let mut last = 0;
    let cuts = (bytes.len() / 3..bytes.len()).step_by(97);
    for cut in cuts.chain([bytes.len() - 1]) {
        let report = checked(&bytes[..cut]).expect("what is there agrees");
        assert!(!report.complete && report.ticks >= last, "cut at {cut}");
        last = report.ticks;
    }
    assert_eq!(last, 300);
    assert!(matches!(checked(&bytes[..30]), Err(ReplayError::Header(_))));
    assert_eq!(checked(b"GIF89a"), Err(ReplayError::NoReplay));
}

#[test]
fn seeking_gives_the_same_state_as_running_from_the_start() {
    let bytes = recorded(500);
    let replay = Replay::read(&bytes).expect("it is ours");
    assert_eq!(replay.keyframes.keys().copied().collect::<Vec<_>>(), [200, 400]);
    for tick in [0, 1, 199, 200, 201, 399, 450, 500] {
        let mut there = seek(Modes::BUILTIN, &replay, tick).expect("it is in the replay");
        assert_eq!(there.tick(), tick);
        let before = usize::try_from(tick).expect("small").checked_sub(1);
        if let Some(before) = before {
            assert_eq!(replay.ticks[before].hash, there.hash());
        }
    }
    assert_eq!(seek(Modes::BUILTIN, &replay, 501).err(), Some(ReplayError::NoTick { tick: 501 }));
}

#[test]
fn a_wrong_end_is_found() {
    let setup = fixture::setup(2, 1, 100);
    let mut sim = Modes::BUILTIN.create(&setup).expect("the arena is there");
    let mut recorder = Recorder::new(Modes::BUILTIN, &setup, "test", sim.as_mut());
    for _ in 0..20 {
        let orders = [Order { walk: (1, 0), act: Act::None }, Order::STILL];
        sim.step(&orders);
        recorder.tick(&orders, sim.as_mut());
    }
    assert_eq!(sim.verdict(), Some(Verdict::Drawn));
    let bytes = recorder.finish(Verdict::Won(1), false);
    assert_eq!(checked(&bytes), Err(ReplayError::End));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_replays_never_panic(
        at in any::<usize>(),
        byte in any::<u8>(),
        cut in any::<usize>(),
    ) {
        let mut bytes = recorded(60);
        let len = bytes.len();
        bytes[at % len] = byte;
        let _ = checked(&bytes);
        let _ = checked(&bytes[..cut % len]);
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Replay::read(&bytes);
        bytes.splice(0..0, *b"COHORTRP\x01\x00");
        let _ = Replay::read(&bytes);
    }
}
