//! The store: commits of one part of 300 bytes, beside the raw store that writes the same rows
//! with the same durability and as many of them together.

mod embedded;
mod memory;
mod product;
mod redis;

use std::path::Path;
use std::time::Instant;

use shared::rng;

use crate::clock;
use crate::error::Result;
use crate::figure::{Figure, Goal, Unit};
use crate::harness::{self, Harness, percentiles};
use crate::servers::{AppendOnly, RedisCluster, Server};

/// Players whose records are written again and again.
const PLAYERS: usize = 10_000;
/// Bytes of the part that a commit writes.
const PART_BYTES: usize = 300;
/// Bytes of the checksum that the store adds to a stored value.
const SEAL_BYTES: usize = 8;
/// Keys of a batch.
const BATCH_KEYS: usize = 100;
/// Requests that wait at a time.
const WAITING: usize = 64;
const SEED: u64 = 2_026;
/// What a commit path reaches of the raw store.
const OF_RAW_STORE: f64 = 0.7;
/// How much longer than the raw store's a durable reply may take, the tick left out.
const OF_RAW_REPLY: f64 = 1.3;

/// Where records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// In the process's memory, beside a map.
    Memory,
    /// In a file, beside bare redb.
    Embedded,
    /// In a Redis server, once with and once without an append-only file.
    Redis,
    /// In three Redis servers that are a cluster, with an append-only file each.
    RedisCluster,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Embedded, Self::Redis, Self::RedisCluster];

    /// What it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Embedded => "embedded",
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
        }
    }
}

/// Measures a back-end. Files of stores and servers are below `dir`, whose disk is measured.
///
/// # Errors
/// [`crate::BenchError`] says what stands in the way.
pub fn measure(backend: Backend, harness: &mut Harness<'_>, dir: &Path) -> Result<Vec<Figure>> {
    let players = harness.count(PLAYERS).max(2 * BATCH_KEYS);
    match backend {
        Backend::Memory => {
            let ours = product::memory(players)?;
            compare(harness, "memory", ours, memory::Raw::default(), false)
        }
        Backend::Embedded => {
            let (ours, _store, _dir) = product::embedded(dir, players)?;
            let raw = embedded::Raw::open(dir, players)?;
            compare(harness, "embedded", ours, raw, true)
        }
        Backend::Redis => {
            let mut figures = Vec::new();
            let kinds = [("aof_off", AppendOnly::Off), ("aof_always", AppendOnly::Always)];
            for (name, keeps) in kinds {
                let server = Server::redis(dir, keeps)?;
                let (ours, _store) = product::in_redis(vec![server.url()], false, players)?;
                let raw = redis::Raw::connect(&[server.url()], players)?;
                figures.extend(compare(harness, &format!("redis_{name}"), ours, raw, true)?);
            }
            Ok(figures)
        }
        Backend::RedisCluster => {
            let cluster = RedisCluster::start(dir, AppendOnly::Always)?;
            let (ours, _store) = product::in_redis(cluster.urls(), true, players)?;
            let raw = redis::Raw::connect(&cluster.urls(), players)?;
            compare(harness, "redis_cluster_aof_always", ours, raw, true)
        }
    }
}

/// Something that writes and reads the records of players: the product, or a raw store.
trait Subject {
    /// Writes one part of each player, all together, and waits until all are there.
    fn write(&mut self, players: &[usize]) -> Result<()>;
    /// Writes one part of a player as a request of its own. Waits only while [`WAITING`] earlier
    /// ones wait; how long those that are done have taken, in microseconds, goes to `times`.
    fn write_waiting(&mut self, player: usize, times: &mut Vec<f64>) -> Result<()>;
    /// Waits for all that waits.
    fn settle(&mut self, times: &mut Vec<f64>) -> Result<()>;
    /// Reads the small row of each player that says who owns it, and waits for all.
    fn read(&mut self, players: &[usize]) -> Result<()>;
}

fn compare(
    harness: &mut Harness<'_>,
    name: &str,
    mut ours: impl Subject,
    mut raw: impl Subject,
    has_goals: bool,
) -> Result<Vec<Figure>> {
    let players = harness.count(PLAYERS).max(2 * BATCH_KEYS);
    let draw = Draw { players, time: harness.round_time() };
    let mut figures = Vec::new();
    let mut add = |what: &str, unit: Unit, sides: [&crate::figure::Series; 2], goal| {
        let figure = Figure::new(format!("store_{name}_{what}"), unit, sides[0], sides[1]);
        let goal = if has_goals { goal } else { None };
        figures.push(match goal {
            Some(goal) => figure.with_goal(goal),
            None => figure,
        });
    };
    let rate_goal = Some(Goal::AtLeast(OF_RAW_STORE));
    let reply_goal = Some(Goal::AtMost(OF_RAW_REPLY));

    let told = harness.alternate(
        &format!("store {name}, one commit at a time"),
        [&mut |round| draw.one_by_one(round, &mut ours), &mut |round| {
            draw.one_by_one(round, &mut raw)
        }],
    )?;
    let [ours_told, raw_told] = &told;
    let sides = |at: usize| [&ours_told[at], &raw_told[at]];
    add("commits_one_by_one", Unit::PerSecond, sides(0), rate_goal);
    add("reply_p50_one_by_one", Unit::Micros, sides(1), None);
    add("reply_p99_one_by_one", Unit::Micros, sides(2), reply_goal);
    let told = harness.alternate(
        &format!("store {name}, batches"),
        [&mut |round| draw.in_batches(round, |keys| ours.write(keys)), &mut |round| {
            draw.in_batches(round, |keys| raw.write(keys))
        }],
    )?;
    let [[ours_told], [raw_told]] = &told;
    add("commits_in_batches_of_100", Unit::PerSecond, [ours_told, raw_told], rate_goal);
    let told = harness.alternate(
        &format!("store {name}, many waiting"),
        [&mut |round| draw.waiting(round, &mut ours), &mut |round| draw.waiting(round, &mut raw)],
    )?;
    let [ours_told, raw_told] = &told;
    let sides = |at: usize| [&ours_told[at], &raw_told[at]];
    add("commits_64_waiting", Unit::PerSecond, sides(0), rate_goal);
    add("reply_p50_64_waiting", Unit::Micros, sides(1), None);
    add("reply_p99_64_waiting", Unit::Micros, sides(2), reply_goal);
    let told = harness.alternate(
        &format!("store {name}, reads"),
        [&mut |round| draw.in_batches(round, |keys| ours.read(keys)), &mut |round| {
            draw.in_batches(round, |keys| raw.read(keys))
        }],
    )?;
    let [[ours_told], [raw_told]] = &told;
    add("owner_reads_in_batches_of_100", Unit::PerSecond, [ours_told, raw_told], None);
    Ok(figures)
}

/// Which players are next. They come from a fixed seed, spread over all of the records, and those
/// of one batch are different.
#[derive(Clone, Copy)]
struct Draw {
    players: usize,
    time: std::time::Duration,
}

impl Draw {
    fn first(self, round: u32, draw: u64) -> usize {
        let drawn = rng::mix(SEED, &[u64::from(round), draw]) % (self.players as u64);
        usize::try_from(drawn).unwrap_or_default()
    }

    /// Until the time of a round is over.
    fn each(
        self,
        round: u32,
        start: Instant,
        mut step: impl FnMut(usize) -> Result<()>,
    ) -> Result<usize> {
        let mut count = 0;
        while start.elapsed() < self.time {
            step(self.first(round, count))?;
            count += 1;
        }
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Rate, median and 99th percentile.
    fn one_by_one(self, round: u32, subject: &mut impl Subject) -> Result<[f64; 3]> {
        let (start, mut times) = (clock::now(), Vec::new());
        let count = self.each(round, start, |player| {
            let start = clock::now();
            subject.write(&[player])?;
            times.push(clock::micros_since(start));
            Ok(())
        })?;
        let rate = harness::per_second(count, start);
        let [p50, p99] = percentiles(&mut times);
        Ok([rate, p50, p99])
    }

    /// Keys a second.
    fn in_batches(
        self,
        round: u32,
        mut step: impl FnMut(&[usize]) -> Result<()>,
    ) -> Result<[f64; 1]> {
        let start = clock::now();
        let count = self.each(round, start, |first| {
            let keys: Vec<_> = (0..BATCH_KEYS).map(|n| (first + n * 7) % self.players).collect();
            step(&keys)
        })?;
        Ok([harness::per_second(count * BATCH_KEYS, start)])
    }

    /// Rate, median and 99th percentile.
    fn waiting(self, round: u32, subject: &mut impl Subject) -> Result<[f64; 3]> {
        let (start, mut times) = (clock::now(), Vec::new());
        let count = self.each(round, start, |first| {
            (0..WAITING)
                .try_for_each(|n| subject.write_waiting((first + n * 7) % self.players, &mut times))
        })?;
        subject.settle(&mut times)?;
        let rate = harness::per_second(count * WAITING, start);
        let [p50, p99] = percentiles(&mut times);
        Ok([rate, p50, p99])
    }
}
