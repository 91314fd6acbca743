//! Sieges of 500 to 4,000 players: a tick with everything up to what each client is told, and the
//! bytes of that.

use super::fight::Fight;
use super::{HZ, beside_allowed};
use crate::clock;
use crate::error::Result;
use crate::figure::{Figure, Goal, Series, Unit};
use crate::harness::Harness;

const MODE: &str = "siege";
const SEED: u64 = 3;
const PLAYERS: [u16; 4] = [500, 1_000, 2_000, 4_000];
/// The size that is to fit into the time of a tick, and whose bytes are counted.
const FULL: u16 = 2_000;
/// Ticks before anything is measured: two waves are there, and the first has reached the keep.
const WARM_TICKS: usize = 760;
/// Ticks of a round.
const TICKS: usize = 40;
/// The time of a tick may grow by so much more than the players.
const OF_LINE: f64 = 1.5;
/// Bytes that a client may get a second.
const CLIENT_BYTES_S: f64 = 20_480.0;

pub(super) fn measure(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let ticks = harness.count(TICKS);
    let mut fights = Vec::new();
    for players in PLAYERS {
        let mut fight = Fight::new(MODE, SEED, players, 1)?;
        for _ in 0..harness.count(WARM_TICKS) {
            fight.step()?;
        }
        fights.push(fight);
    }
    let sides: [_; PLAYERS.len()] = std::array::from_fn(|n| {
        let mut fight = fights.remove(0);
        move |_: u32| -> Result<[f64; 2]> {
            let (start, mut bytes) = (clock::now(), 0);
            for _ in 0..ticks {
                bytes += fight.step()?;
            }
            let tick_us = clock::micros_since(start) / ticks as f64;
            let each = bytes as f64 / ticks as f64 / f64::from(PLAYERS[n]) * HZ;
            Ok([tick_us, each])
        }
    });
    let [mut small, mut half, mut full, mut double] = sides;
    let told = harness.alternate("sieges", [&mut small, &mut half, &mut full, &mut double])?;
    Ok(figures(&told))
}

fn figures(told: &[[Series; 2]; PLAYERS.len()]) -> Vec<Figure> {
    let mut figures = Vec::new();
    let [smallest, _] = &told[0];
    for (players, [tick_us, bytes]) in PLAYERS.into_iter().zip(told) {
        if players == FULL {
            let name = "battle_siege_2000_tick_of_50_ms";
            figures.push(beside_allowed(name, Unit::Micros, tick_us, 1e6 / HZ));
            let name = "battle_siege_2000_client_bytes_of_20_KiB";
            figures.push(beside_allowed(name, Unit::BytesPerSecond, bytes, CLIENT_BYTES_S));
        }
        let times = f64::from(players) / f64::from(PLAYERS[0]);
        if times > 1.0 {
            let name = format!("battle_siege_{players}_tick_beside_{times}_times_500");
            let line = smallest.each(|tick_us| tick_us * times);
            let figure = Figure::new(name, Unit::Micros, tick_us, &line);
            figures.push(figure.with_goal(Goal::AtMost(OF_LINE)));
        }
    }
    figures
}
