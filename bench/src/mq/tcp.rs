//! The node MQ over TCP, beside bare sockets and beside NATS.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use shared::ids::ClusterId;
use shared::mq::tcp::{TcpMq, TcpMqConfig};
use shared::runtime::Doorbell;

use super::ends::{End, Pair, addresses};
use super::raw_nats::RawNats;
use super::{OF_NAIVE_USE, ROUND_TRIPS, sockets};
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Goal, Unit};
use crate::harness::Harness;
use crate::servers::Server;

const MESSAGES: usize = 2_000_000;
/// A write each is much slower.
const RAW_MESSAGES: usize = 500_000;
/// One way, a multiple of what NATS core does with one publisher and one subscriber.
const OF_NATS_CORE: f64 = 4.0;
/// There and back, a multiple of the time of a bare socket.
const OF_RAW_ROUND_TRIP: f64 = 1.5;

/// Measures it.
pub(super) fn measure(harness: &mut Harness<'_>, dir: &Path) -> Result<Vec<Figure>> {
    let server = Server::nats(dir)?;
    let nats = RawNats::new(&server.url());
    let mut pair = pair()?;
    let mut figures = one_way(harness, &mut pair, &nats)?;
    let trips = harness.count(ROUND_TRIPS);
    let mut ours = |_| pair.round_trips(trips);
    let mut raw = |_| sockets::round_trips(trips);
    let [[ours_p50, ours_p99], [raw_p50, raw_p99]] =
        harness.alternate("tcp, round trip", [&mut ours, &mut raw])?;
    let name = |percentile| format!("mq_tcp_round_trip_{percentile}_beside_socket");
    let median = Figure::new(name("p50"), Unit::Micros, &ours_p50, &raw_p50);
    figures.push(median.with_goal(Goal::AtMost(OF_RAW_ROUND_TRIP)));
    figures.push(Figure::new(name("p99"), Unit::Micros, &ours_p99, &raw_p99));
    Ok(figures)
}

fn one_way(harness: &mut Harness<'_>, pair: &mut Pair, nats: &RawNats) -> Result<Vec<Figure>> {
    let (count, raw_count) = (harness.count(MESSAGES), harness.count(RAW_MESSAGES));
    let mut ours = |_| pair.one_way(count).map(|rate| [rate]);
    let mut nats = |_| nats.publish_each(raw_count).map(|rate| [rate]);
    let mut each = |_| sockets::write_each(raw_count).map(|rate| [rate]);
    let mut buffered = |_| sockets::write_buffered(count).map(|rate| [rate]);
    let sides = [&mut ours as _, &mut nats as _, &mut each as _, &mut buffered as _];
    let [[ours], [nats], [each], [buffered]] = harness.alternate("tcp, one way", sides)?;
    let figure = |beside, raw| {
        let name = format!("mq_tcp_one_way_beside_{beside}");
        Figure::new(name, Unit::PerSecond, &ours, raw)
    };
    Ok(vec![
        figure("nats_core", &nats).with_goal(Goal::AtLeast(OF_NATS_CORE)),
        figure("write_each", &each).with_goal(Goal::AtLeast(OF_NAIVE_USE)),
        figure("double_buffer", &buffered),
    ])
}

fn pair() -> Result<Pair> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let addresses = addresses();
    let start = |me| {
        let config = TcpMqConfig::new(me, listen, ClusterId(1), [7; 32]);
        TcpMq::start(config).map_err(|error| BenchError::product("node MQ over TCP", &error))
    };
    let nodes = [start(addresses[0].node)?, start(addresses[1].node)?];
    let [one, two] = &nodes;
    one.peer(addresses[1].node, two.local_addr());
    two.peer(addresses[0].node, one.local_addr());
    let end = |node: &TcpMq, me| {
        let doorbell = Doorbell::new();
        End { mq: Box::new(node.bind(me, doorbell.clone())), doorbell, me }
    };
    let (here, there) = (end(one, addresses[0]), end(two, addresses[1]));
    Ok(Pair { here, there, _nodes: Box::new(nodes) })
}
