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
use crate::figure::{Figure, Goal, Series, Unit};
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
    let players = players(harness);
    match backend {
        Backend::Memory => compare_memory(harness, players),
        Backend::Embedded => {
            let (ours, _store, _dir) = product::embedded(dir, players)?;
            let raw = embedded::Raw::open(dir, players)?;
            compare(harness, "embedded", ours, raw)
        }
        Backend::Redis => {
            let mut figures = Vec::new();
            let kinds = [("aof_off", AppendOnly::Off), ("aof_always", AppendOnly::Always)];
            for (name, keeps) in kinds {
                let server = Server::redis(dir, keeps)?;
                let (ours, _store) = product::in_redis(vec![server.url()], false, players)?;
                let raw = redis::Raw::connect(&[server.url()], players)?;
                figures.extend(compare(harness, &format!("redis_{name}"), ours, raw)?);
            }
            Ok(figures)
        }
        Backend::RedisCluster => {
            let cluster = RedisCluster::start(dir, AppendOnly::Always)?;
            let (ours, _store) = product::in_redis(cluster.urls(), true, players)?;
            let raw = redis::Raw::connect(&cluster.urls(), players)?;
            compare(harness, "redis_cluster_aof_always", ours, raw)
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

/// Measures what makes sense for the back-end and adds a figure for each.
struct Comparison<'a, 'h, O, R> {
    harness: &'a mut Harness<'h>,
    name: &'a str,
    ours: O,
    raw: R,
    draw: Draw,
    figures: Vec<Figure>,
}

/// A store on the same machine that is durable, or at least another process.
fn compare(
    harness: &mut Harness<'_>,
    name: &str,
    ours: impl Subject,
    raw: impl Subject,
) -> Result<Vec<Figure>> {
    let mut comparison = Comparison::new(harness, name, ours, raw);
    let rate = Some(Goal::AtLeast(OF_RAW_STORE));
    let reply = Some(Goal::AtMost(OF_RAW_REPLY));
    comparison.one_by_one([rate, None, reply])?;
    comparison.in_batches(rate)?;
    comparison.waiting([rate, None, reply])?;
    comparison.reads()?;
    Ok(comparison.figures)
}

/// Memory is there at once: nothing waits, and the project has no goal.
fn compare_memory(harness: &mut Harness<'_>, players: usize) -> Result<Vec<Figure>> {
    let ours = product::memory(players)?;
    let mut comparison = Comparison::new(harness, "memory", ours, memory::Raw::default());
    comparison.one_by_one([None; 3])?;
    comparison.in_batches(None)?;
    comparison.reads()?;
    Ok(comparison.figures)
}

impl<'a, 'h, O: Subject, R: Subject> Comparison<'a, 'h, O, R> {
    fn new(harness: &'a mut Harness<'h>, name: &'a str, ours: O, raw: R) -> Self {
        let draw = Draw { players: players(harness), time: harness.round_time() };
        Self { harness, name, ours, raw, draw, figures: Vec::new() }
    }

    fn one_by_one(&mut self, goals: [Option<Goal>; 3]) -> Result<()> {
        let Self { ours, raw, draw, .. } = self;
        let what = format!("store {}, one commit at a time", self.name);
        let mut ours = |round| draw.one_by_one(round, ours);
        let mut raw = |round| draw.one_by_one(round, raw);
        let told = self.harness.alternate(&what, [&mut ours, &mut raw])?;
        self.add_rate_and_replies("one_by_one", &told, goals);
        Ok(())
    }

    fn waiting(&mut self, goals: [Option<Goal>; 3]) -> Result<()> {
        let Self { ours, raw, draw, .. } = self;
        let what = format!("store {}, many requests waiting", self.name);
        let mut ours = |round| draw.waiting(round, ours);
        let mut raw = |round| draw.waiting(round, raw);
        let told = self.harness.alternate(&what, [&mut ours, &mut raw])?;
        self.add_rate_and_replies("64_waiting", &told, goals);
        Ok(())
    }

    fn in_batches(&mut self, goal: Option<Goal>) -> Result<()> {
        let Self { ours, raw, draw, .. } = self;
        let what = format!("store {}, batches", self.name);
        let mut ours = |round| draw.in_batches(round, |keys| ours.write(keys));
        let mut raw = |round| draw.in_batches(round, |keys| raw.write(keys));
        let [[ours], [raw]] = self.harness.alternate(&what, [&mut ours, &mut raw])?;
        self.add("commits_in_batches_of_100", Unit::PerSecond, [&ours, &raw], goal);
        Ok(())
    }

    fn reads(&mut self) -> Result<()> {
        let Self { ours, raw, draw, .. } = self;
        let what = format!("store {}, reads", self.name);
        let mut ours = |round| draw.in_batches(round, |keys| ours.read(keys));
        let mut raw = |round| draw.in_batches(round, |keys| raw.read(keys));
        let [[ours], [raw]] = self.harness.alternate(&what, [&mut ours, &mut raw])?;
        self.add("owner_reads_in_batches_of_100", Unit::PerSecond, [&ours, &raw], None);
        Ok(())
    }

    fn add_rate_and_replies(
        &mut self,
        how: &str,
        told: &[[Series; 3]; 2],
        goals: [Option<Goal>; 3],
    ) {
        let [ours, raw] = told;
        let kinds = [
            ("commits", Unit::PerSecond),
            ("reply_p50", Unit::Micros),
            ("reply_p99", Unit::Micros),
        ];
        for (at, ((what, unit), goal)) in kinds.into_iter().zip(goals).enumerate() {
            self.add(&format!("{what}_{how}"), unit, [&ours[at], &raw[at]], goal);
        }
    }

    fn add(&mut self, what: &str, unit: Unit, sides: [&Series; 2], goal: Option<Goal>) {
        let name = format!("store_{}_{what}", self.name);
        let figure = Figure::new(name, unit, sides[0], sides[1]);
        self.figures.push(match goal {
            Some(goal) => figure.with_goal(goal),
            None => figure,
        });
    }
}

fn players(harness: &Harness<'_>) -> usize {
    harness.count(PLAYERS).max(2 * BATCH_KEYS)
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
