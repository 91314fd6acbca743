//! The node MQ over Redis and over NATS, beside their raw clients at the same servers.

use std::any::Any;
use std::path::Path;

use shared::ids::{Address, NodeId};
use shared::mq::nats::{NatsMq, NatsMqConfig};
use shared::mq::redis::{RedisMq, RedisMqConfig};
use shared::mq::remote::{RemoteMq, StartError};
use shared::runtime::Doorbell;

use super::ends::{End, Pair, addresses};
use super::raw_nats::RawNats;
use super::raw_redis::RawRedis;
use super::{OF_NAIVE_USE, OF_RAW_CLIENT, ROUND_TRIPS};
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Goal, Unit};
use crate::harness::Harness;
use crate::servers::{AppendOnly, Server};

const MESSAGES: usize = 1_000_000;
const PREFIX: &str = "bench";

/// A client without a node MQ.
pub(super) trait Raw {
    /// Messages that are carried one by one in a round.
    const ONE_BY_ONE_MESSAGES: usize;

    /// Messages a second from one thread to another: values of 64 KiB that hold as many messages
    /// as go in, some on the way at a time. The sender writes every message into its value and
    /// the receiver walks over them, but nothing is checked, numbered, acknowledged or decoded.
    fn one_way(&self, messages: usize) -> Result<f64>;
    /// Messages a second of the naive use: each is a value.
    fn one_by_one(&self, messages: usize) -> Result<f64>;
    /// Percentiles of the time there and back between threads that wait at their sockets.
    fn round_trips(&self, count: usize) -> Result<[f64; 2]>;
    /// The same between threads that hand messages to a client's thread and take them from it.
    fn round_trips_from_threads(&self, count: usize) -> Result<[f64; 2]>;
}

/// Measures the node MQ over Redis. Nothing is kept by the server: it only carries.
pub(super) fn measure_redis(harness: &mut Harness<'_>, dir: &Path) -> Result<Vec<Figure>> {
    let server = Server::redis(dir, AppendOnly::Off)?;
    let start = |me| {
        let (url, prefix) = (server.url(), String::from(PREFIX));
        RedisMq::start(RedisMqConfig { me, url, prefix })
    };
    let pair = pair(start, "node MQ over Redis")?;
    measure(harness, "redis", pair, &RawRedis::new(&server.url())?)
}

/// Measures the node MQ over NATS, without JetStream.
pub(super) fn measure_nats(harness: &mut Harness<'_>, dir: &Path) -> Result<Vec<Figure>> {
    let server = Server::nats(dir)?;
    let start = |me| {
        let (url, prefix) = (server.url(), String::from(PREFIX));
        let messages_received_max = NatsMqConfig::MESSAGES_RECEIVED_MAX;
        NatsMq::start(NatsMqConfig { me, url, prefix, messages_received_max })
    };
    let pair = pair(start, "node MQ over NATS")?;
    measure(harness, "nats", pair, &RawNats::new(&server.url()))
}

fn measure<R: Raw>(
    harness: &mut Harness<'_>,
    name: &str,
    mut pair: Pair,
    raw: &R,
) -> Result<Vec<Figure>> {
    let mut figures = one_way(harness, name, &mut pair, raw)?;
    let trips = harness.count(ROUND_TRIPS);
    let mut ours = |_| pair.round_trips(trips);
    let mut at_sockets = |_| raw.round_trips(trips);
    let mut from_threads = |_| raw.round_trips_from_threads(trips);
    let sides = [&mut ours as _, &mut at_sockets as _, &mut from_threads as _];
    let [ours, at_sockets, from_threads] =
        harness.alternate(&format!("{name}, round trip"), sides)?;
    let yardsticks = [("client_at_socket", at_sockets), ("client_in_thread", from_threads)];
    for (beside, raw) in yardsticks {
        let figure = |percentile, at: usize| {
            let name = format!("mq_{name}_round_trip_{percentile}_beside_{beside}");
            Figure::new(name, Unit::Micros, &ours[at], &raw[at])
        };
        // As much as the raw client reaches, times 0.8: as long as it takes, through 0.8.
        figures.push(figure("p50", 0).with_goal(Goal::AtMost(1.0 / OF_RAW_CLIENT)));
        figures.push(figure("p99", 1));
    }
    Ok(figures)
}

fn one_way<R: Raw>(
    harness: &mut Harness<'_>,
    name: &str,
    pair: &mut Pair,
    raw: &R,
) -> Result<Vec<Figure>> {
    let count = harness.count(MESSAGES);
    let few = harness.count(R::ONE_BY_ONE_MESSAGES);
    let mut ours = |_| pair.one_way(count).map(|rate| [rate]);
    let mut batched = |_| raw.one_way(count).map(|rate| [rate]);
    let mut naive = |_| raw.one_by_one(few).map(|rate| [rate]);
    let sides = [&mut ours as _, &mut batched as _, &mut naive as _];
    let [[ours], [batched], [naive]] = harness.alternate(&format!("{name}, one way"), sides)?;
    let figure = |beside, raw, goal| {
        let name = format!("mq_{name}_one_way_beside_{beside}");
        Figure::new(name, Unit::PerSecond, &ours, raw).with_goal(Goal::AtLeast(goal))
    };
    Ok(vec![
        figure("client_batched", &batched, OF_RAW_CLIENT),
        figure("client_one_by_one", &naive, OF_NAIVE_USE),
    ])
}

fn pair<M>(
    start: impl Fn(NodeId) -> std::result::Result<M, StartError>,
    part: &'static str,
) -> Result<Pair>
where
    M: std::ops::Deref<Target = RemoteMq> + Any,
{
    let failed = |error: StartError| BenchError::product(part, &error);
    let addresses = addresses();
    let nodes =
        [start(addresses[0].node).map_err(failed)?, start(addresses[1].node).map_err(failed)?];
    let [one, two] = &nodes;
    one.peer(addresses[1].node);
    two.peer(addresses[0].node);
    let end = |node: &M, me: Address| {
        let doorbell = Doorbell::new();
        End { mq: Box::new(node.bind(me, doorbell.clone())), doorbell, me }
    };
    let (here, there) = (end(one, addresses[0]), end(two, addresses[1]));
    Ok(Pair { here, there, _nodes: Box::new(nodes) })
}
