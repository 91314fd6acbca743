//! The state of an arena in the middle of a fight: hashed as in every tick, written as for a
//! keyframe, read as in a seek.

use xxhash_rust::xxh3::xxh3_64;

use super::FIGHTERS;
use super::fight::{orders, seats, setup, sim};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Unit};
use crate::harness::Harness;

const SEED: u64 = 9;
/// Ticks after which the fight is at its height.
const TICKS: u32 = 200;
/// Times that something is done in one go, so that the clock costs nothing.
const TIMES: usize = 2_000;

/// There is no goal: what hashing and copying the bare bytes costs is the least there can be.
pub(super) fn measure(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let times = harness.count(TIMES);
    let seats = seats(FIGHTERS, 2);
    let setup = setup("arena", SEED, &seats)?;
    let mut fought = sim(&setup)?;
    for tick in 0..TICKS {
        fought.step(&orders(SEED, tick, seats.len()));
    }
    let mut bytes = Vec::new();
    fought.encode(&mut bytes);
    let each = |start, times: usize| [clock::micros_since(start) / times as f64];

    let mut sum = 0;
    let mut hash = |_| {
        let start = clock::now();
        for _ in 0..times {
            sum ^= std::hint::black_box(fought.hash());
        }
        Ok(each(start, times))
    };
    let mut bare_hash = |_| {
        let start = clock::now();
        for _ in 0..times {
            std::hint::black_box(xxh3_64(std::hint::black_box(&bytes)));
        }
        Ok(each(start, times))
    };
    let told = harness.alternate("state, hashed", [&mut hash, &mut bare_hash])?;
    let mut figures = vec![figure("hash_beside_bytes_alone", &told)];

    let mut out = Vec::new();
    let mut encode = |_| {
        let start = clock::now();
        for _ in 0..times {
            out.clear();
            fought.encode(std::hint::black_box(&mut out));
        }
        Ok(each(start, times))
    };
    let mut copy = |_| {
        let start = clock::now();
        let mut out = Vec::new();
        for _ in 0..times {
            out.clear();
            out.extend_from_slice(std::hint::black_box(&bytes));
            std::hint::black_box(&mut out);
        }
        Ok(each(start, times))
    };
    let told = harness.alternate("state, written", [&mut encode, &mut copy])?;
    figures.push(figure("encode_beside_copy", &told));

    let mut restored = sim(&setup)?;
    let mut decode = |_| {
        let start = clock::now();
        for _ in 0..times {
            let read = restored.decode(&bytes);
            read.map_err(|error| BenchError::product("battle", &error))?;
        }
        Ok(each(start, times))
    };
    let mut create = |_| {
        let start = clock::now();
        for _ in 0..times {
            std::hint::black_box(sim(&setup)?);
        }
        Ok(each(start, times))
    };
    let told = harness.alternate("state, read", [&mut decode, &mut create])?;
    figures.push(figure("decode_beside_new_battle", &told));
    Ok(figures)
}

fn figure(what: &str, [[ours], [raw]]: &[[crate::figure::Series; 1]; 2]) -> Figure {
    Figure::new(format!("battle_state_{what}"), Unit::Micros, ours, raw)
}
