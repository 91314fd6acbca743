//! Replays of an arena: run again with every hash compared, and sought in.

use battleapp::core::modes::Modes;
use battleapp::core::replay::{Recorder, Replay, seek, verify};

use super::fight::{orders, seats, setup, sim};
use super::{FIGHTERS, HZ, beside_allowed};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Goal, Unit};
use crate::harness::{Harness, per_second};

const SEED: u64 = 11;
/// Ticks of the battle, if it is not over before.
const TICKS: u32 = 1_200;
/// How much faster than it was fought a battle is run again.
const OF_REAL_TIME: f64 = 2_000.0;
/// What a seek may take.
const SEEK_US: f64 = 5_000.0;
/// Seeks of a round.
const SEEKS: usize = 200;

pub(super) fn measure(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let wrong = |error| BenchError::product("replay", &error);
    let bytes = recorded()?;
    let time = harness.round_time();
    let mut again = |_| {
        let (start, mut ticks) = (clock::now(), 0);
        while start.elapsed() < time {
            let report = verify(Modes::BUILTIN, &bytes, &mut |_, _| {}).map_err(wrong)?;
            ticks += usize::try_from(report.ticks).unwrap_or(0);
        }
        Ok([per_second(ticks, start)])
    };
    let [[again]] = harness.alternate("replay, run again", [&mut again])?;
    let name = String::from("battle_replay_ticks_beside_real_time");
    let figure = Figure::new(name, Unit::PerSecond, &again, &again.each(|_| HZ));
    let mut figures = vec![figure.with_goal(Goal::AtLeast(OF_REAL_TIME))];

    let replay = Replay::read(&bytes).map_err(wrong)?;
    let (ticks, seeks) = (replay.ticks_read(), harness.count(SEEKS));
    let mut sought = |round: u32| {
        let start = clock::now();
        for n in 0..u32::try_from(seeks).unwrap_or(1) {
            // Any tick as often as any other: 7919 is a prime.
            let tick = (round * 31 + n).wrapping_mul(7_919) % (ticks + 1);
            std::hint::black_box(seek(Modes::BUILTIN, &replay, tick).map_err(wrong)?);
        }
        Ok([clock::micros_since(start) / seeks as f64])
    };
    let [[sought]] = harness.alternate("replay, sought in", [&mut sought])?;
    figures.push(beside_allowed("battle_seek_of_5_ms", Unit::Micros, &sought, SEEK_US));
    Ok(figures)
}

/// The replay of an arena of ten.
fn recorded() -> Result<Vec<u8>> {
    let seats = seats(FIGHTERS, 2);
    let setup = setup("arena", SEED, &seats)?;
    let mut sim = sim(&setup)?;
    let mut recorder = Recorder::new(Modes::BUILTIN, &setup, "bench", sim.as_mut());
    for tick in 0..TICKS {
        let orders = orders(SEED, tick, seats.len());
        sim.step(&orders);
        recorder.tick(&orders, sim.as_mut());
        if sim.verdict().is_some() {
            break;
        }
    }
    let deserted = sim.verdict().is_none();
    Ok(recorder.finish(sim.standing(), deserted))
}
