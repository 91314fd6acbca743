//! Ticks of arenas of ten: one that is hot in the cache, beside a twin over vectors and with its
//! whole path, and a thousand one after the other.

use battleapp::core::arena::Twin;
use battleapp::core::sim::Order;

use super::fight::{Fight, orders, seats, setup, sim};
use super::{FIGHTERS, HZ, beside_allowed};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Goal, Unit};
use crate::harness::{Harness, per_second};

const MODE: &str = "arena";
/// Arenas that take turns.
const ARENAS: usize = 1_000;
/// What they may use of a core, simulated alone.
const OF_CORE: f64 = 0.25;
/// The time of a tick may be so many times that of the twin.
const OF_TWIN: f64 = 2.5;
/// Ticks of a fight beside its twin: two and a half minutes of battle.
const TWIN_TICKS: usize = 3_000;
/// Bytes that a client may get a second.
const CLIENT_BYTES_S: f64 = 4_096.0;
const SEED: u64 = 5;
/// Ticks whose orders are made before the clock starts; they are given again and again.
const SCRIPT_TICKS: u32 = 400;

pub(super) fn measure(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let mut figures = vec![beside_twin(harness)?];
    figures.extend(whole_path(harness)?);
    figures.push(many(harness)?);
    Ok(figures)
}

/// A tick of the simulation beside the same rules over vectors of structs. Both fight the same
/// battle and must come to the same states.
fn beside_twin(harness: &mut Harness<'_>) -> Result<Figure> {
    let ticks = harness.count(TWIN_TICKS);
    let script = script();
    let setup = setup(MODE, SEED, &seats(FIGHTERS, 2))?;
    let orders = || (0..ticks).map(|tick| &script[tick % script.len()]);
    let (mut fought, mut twin) = (sim(&setup)?, Twin::new(&setup));
    for orders in orders() {
        fought.step(orders);
        twin.step(orders);
    }
    if fought.hash() != twin.hash() {
        return Err(BenchError::product("battle", &"the arena and its twin part"));
    }
    let mut ours = |_| {
        let mut fought = sim(&setup)?;
        let start = clock::now();
        orders().for_each(|orders| fought.step(orders));
        std::hint::black_box(fought.tick());
        Ok([clock::micros_since(start) / ticks as f64])
    };
    let mut raw = |_| {
        let mut twin = Twin::new(&setup);
        let start = clock::now();
        orders().for_each(|orders| twin.step(orders));
        std::hint::black_box(twin.hash());
        Ok([clock::micros_since(start) / ticks as f64])
    };
    let [[ours], [raw]] = harness.alternate("arena and twin", [&mut ours, &mut raw])?;
    let name = String::from("battle_arena_tick_beside_twin");
    Ok(Figure::new(name, Unit::Micros, &ours, &raw).with_goal(Goal::AtMost(OF_TWIN)))
}

/// Battles that a core carries with everything up to the encoded snapshots, beside how many it
/// would if it only simulated them; and the bytes of the snapshots.
fn whole_path(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let time = harness.round_time();
    let mut fight = Fight::new(MODE, SEED, FIGHTERS, 2)?;
    let script = script();
    let setup = setup(MODE, SEED, &seats(FIGHTERS, 2))?;
    let mut ours = |_| {
        let (start, mut ticks, mut bytes) = (clock::now(), 0, 0);
        while start.elapsed() < time {
            bytes += fight.step()?;
            ticks += 1;
        }
        let each = bytes as f64 / ticks as f64 / f64::from(FIGHTERS) * HZ;
        Ok([per_second(ticks, start) / HZ, each])
    };
    let mut alone = sim(&setup)?;
    let mut raw = |_| {
        let (start, mut ticks) = (clock::now(), 0);
        while start.elapsed() < time {
            alone.step(&script[ticks % script.len()]);
            ticks += 1;
            if alone.verdict().is_some() {
                alone = sim(&setup)?;
            }
        }
        Ok([per_second(ticks, start) / HZ, CLIENT_BYTES_S])
    };
    let what = "arena, up to the encoded snapshot";
    let [[ours, bytes], [raw, _]] = harness.alternate(what, [&mut ours, &mut raw])?;
    let name = String::from("battle_arenas_per_core_beside_simulation_alone");
    let name_of_bytes = "battle_arena_client_bytes_of_4_KiB";
    Ok(vec![
        Figure::new(name, Unit::Battles, &ours, &raw),
        beside_allowed(name_of_bytes, Unit::BytesPerSecond, &bytes, CLIENT_BYTES_S),
    ])
}

/// A tick of a thousand arenas, simulated one after the other, beside the time of a tick.
fn many(harness: &mut Harness<'_>) -> Result<Figure> {
    let count = harness.count(ARENAS);
    let script = script();
    let seats = seats(FIGHTERS, 2);
    let setups = (0..count).map(|n| setup(MODE, SEED + n as u64, &seats));
    let setups = setups.collect::<Result<Vec<_>>>()?;
    let mut sims = setups.iter().map(sim).collect::<Result<Vec<_>>>()?;
    // The first tick builds a battle's schedule: what is measured are battles that run.
    sims.iter_mut().for_each(|sim| sim.step(&script[0]));
    let (time, mut at) = (harness.round_time(), 1);
    let mut ours = |_| {
        let (start, mut rounds) = (clock::now(), 0);
        while start.elapsed() < time {
            for (sim, setup) in sims.iter_mut().zip(&setups) {
                sim.step(&script[at % script.len()]);
                if sim.verdict().is_some() {
                    *sim = super::fight::sim(setup)?;
                }
            }
            at += 1;
            rounds += 1;
        }
        Ok([clock::micros_since(start) / f64::from(rounds)])
    };
    let [[ours]] = harness.alternate("a thousand arenas", [&mut ours])?;
    let tick_us = 1e6 / HZ * count as f64 / ARENAS as f64;
    Ok(beside_allowed("battle_1000_arenas_of_a_core", Unit::Micros, &ours, tick_us)
        .with_goal(Goal::AtMost(OF_CORE)))
}

fn script() -> Vec<Vec<Order>> {
    (0..SCRIPT_TICKS).map(|tick| orders(SEED, tick, usize::from(FIGHTERS))).collect()
}
