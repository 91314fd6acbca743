//! `cohort bench record`: what a flight recording costs the threads that tick.
//!
//! Each core is given what it was given in a simulated cluster of ten nodes and 200 players, as
//! fast as it goes, once with a recording and once without. The time is that of the thread that
//! ticks; the recording's own thread writes beside it.

use std::path::Path;
use std::sync::Arc;

use cohort_bench::figure::{Figure, Goal, Series, Unit};
use cohort_bench::{BenchError, Harness};
use shared::content::Content;
use shared::runtime::{FlightCall, FlightHeader, perform};
use sim_tests::sim::plan::Plan;
use sim_tests::sim::{self, Call, Tape};

use crate::clock;

/// How much longer the ticks of a node may take that is recorded.
const OF_UNRECORDED: f64 = 1.05;
/// Simulated time that is performed, in ms, before the end in which everything settles.
const PLAYED_MS: usize = 20_000;

/// Measures each role, and all roles together as one node.
///
/// # Errors
/// [`BenchError`] says what stands in the way.
pub(super) fn measure(harness: &mut Harness<'_>, dir: &Path) -> Result<Vec<Figure>, BenchError> {
    let content = sim::content();
    let played_ms = u64::try_from(harness.count(PLAYED_MS)).unwrap_or(0);
    // As in the game: who plays fights now and then.
    let plan = Plan { fights: true, ..Plan::of_ten_nodes(1, played_ms) };
    let tapes = sim::tapes(&plan, &content);
    let folder = tempfile::tempdir_in(dir)
        .map_err(|source| BenchError::Dir { dir: dir.to_owned(), source })?;
    let mut figures = Vec::new();
    let mut node = [Vec::new(), Vec::new()];
    for tape in &tapes {
        let name = tape.address.role.name();
        let mut recorded = |_| time(tape, &content, Some(folder.path()));
        let mut bare = |_| time(tape, &content, None);
        let what = format!("recording of a {name}");
        let sides = harness.alternate(&what, [&mut recorded, &mut bare])?;
        let [[recorded], [bare]] = sides;
        figures.push(Figure::new(format!("record_{name}"), Unit::Micros, &recorded, &bare));
        node[0].push(recorded);
        node[1].push(bare);
    }
    let [recorded, bare] = node.map(|sides| Series::sum(&sides));
    let figure = Figure::new(String::from("record_node"), Unit::Micros, &recorded, &bare);
    figures.push(figure.with_goal(Goal::AtMost(OF_UNRECORDED)));
    Ok(figures)
}

/// How long all calls of a tape take, in µs.
fn time(
    tape: &Tape,
    content: &Arc<Content>,
    record: Option<&Path>,
) -> Result<[f64; 1], BenchError> {
    let mut core = tape.core(content);
    let calls = tape.calls.iter().cloned().map(|call| match call {
        Call::Tick(tick, inputs) => FlightCall::Tick { tick, inputs },
        Call::Stored(now, op, reply) => FlightCall::Stored { now, op, reply },
    });
    let calls = calls.collect();
    let header = FlightHeader { address: tape.address, rate: tape.rate };
    let begun = clock::now();
    let performed = perform(core.as_mut(), calls, record.map(|folder| (folder, header)));
    let took = begun.elapsed();
    let broken = |what| BenchError::Product { part: "recording", what };
    let (writer, waited) = performed.map_err(|error| broken(error.to_string()))?;
    let took_us = took.saturating_sub(waited).as_secs_f64() * 1e6;
    match writer.map(|writer| writer.join().is_ok()) {
        Some(false) => Err(broken(String::from("its writer panicked"))),
        Some(true) | None => Ok([took_us]),
    }
}
