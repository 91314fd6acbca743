//! Rates of the node MQ over Redis and NATS, each beside its raw client in the same run.
//!
//! Prints one line per measurement: name, value, unit, yardstick, ratio. One way: messages with
//! 128 bytes of payload from one thread to another. The raw client gets values of 64 KiB that hold
//! as many of them, four on the way at a time; its sender writes every message into the value and
//! its receiver walks over them, but nothing is checked, numbered, acknowledged or decoded. Round
//! trip: one message at a time, there and back. The raw client is measured twice: once by two
//! threads that wait at their sockets and do nothing else, and once the way a role must use it,
//! from two threads that wait for more than a socket and talk to a client's thread each. Rounds of
//! all sides alternate, the best of each counts.

#[path = "mq_remote/raw.rs"]
mod raw;
#[path = "../tests/mq_remote/server.rs"]
mod server;

use std::ops::Deref;
use std::thread;
use std::time::{Duration, Instant};

use shared::ids::{Address, BattleId, NodeId, Role};
use shared::mq::nats::{NatsMq, NatsMqConfig};
use shared::mq::redis::{RedisMq, RedisMqConfig};
use shared::mq::remote::{RemoteMq, RemoteMqEndpoint};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::msg::battle_gateway::BattleOutput;
use shared::runtime::Doorbell;

use raw::{RawNats, RawRedis};
use server::{Kind, Server};

const PAYLOAD_BYTES: usize = 128;
const MESSAGES: usize = 2_000_000;
const ROUND_TRIPS: usize = 5_000;
const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);
/// Events that the receiver takes at a time, as a role's tick does.
const POLL_EVENTS: usize = 16_384;

fn main() {
    let server = Server::start(Kind::Redis);
    let raw = RawRedis::new(&server.url());
    measure("redis", &raw, |node| {
        let (url, prefix) = (server.url(), String::from("bench"));
        RedisMq::start(RedisMqConfig { me: id(node), url, prefix }).expect("it starts")
    });
    let server = Server::start(Kind::Nats);
    let raw = RawNats::new(&server.url());
    measure("nats", &raw, |node| {
        let (url, prefix) = (server.url(), String::from("bench"));
        let messages_received_max = NatsMqConfig::MESSAGES_RECEIVED_MAX;
        let config = NatsMqConfig { me: id(node), url, prefix, messages_received_max };
        NatsMq::start(config).expect("it starts")
    });
}

/// A client without a node MQ.
trait Raw {
    /// Carries so many messages from one thread to another.
    fn one_way(&self, messages: usize);
    /// Carries one message there and back so many times.
    fn round_trips(&self, count: usize, each: &mut dyn FnMut());
    /// The same from threads that hand messages to a client's thread and take them from it.
    fn round_trips_from_threads(&self, count: usize, each: &mut dyn FnMut());
}

fn measure<M: Deref<Target = RemoteMq>>(name: &str, raw: &dyn Raw, start: impl Fn(u16) -> M) {
    let (one, two) = (start(1), start(2));
    one.peer(id(2));
    two.peer(id(1));
    let mut ours = Ours { ends: [End::new(&one, 1), End::new(&two, 2)] };
    let (mut best_raw, mut best_ours) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        best_raw = f64::max(best_raw, rate(MESSAGES, || raw.one_way(MESSAGES)));
        best_ours = f64::max(best_ours, rate(MESSAGES, || ours.one_way(MESSAGES)));
    }
    let ratio = best_ours / best_raw;
    println!("mq_{name}_one_way {best_ours:.0} per_s {best_raw:.0} {ratio:.2}");
    // At the sockets, from threads, ours.
    let mut best = [[f64::MAX; 2]; 3];
    for _ in 0..ROUNDS {
        let times = [
            percentiles(|each| raw.round_trips(ROUND_TRIPS, each)),
            percentiles(|each| raw.round_trips_from_threads(ROUND_TRIPS, each)),
            percentiles(|each| ours.round_trips(ROUND_TRIPS, each)),
        ];
        for (best, times) in best.iter_mut().zip(times) {
            *best = [f64::min(best[0], times[0]), f64::min(best[1], times[1])];
        }
    }
    for (at, percentile) in ["p50", "p99"].into_iter().enumerate() {
        let [at_socket, from_threads, ours] = best.map(|best| best[at]);
        let line = |yardstick: &str, raw: f64| {
            let ratio = raw / ours;
            println!(
                "mq_{name}_round_trip_{percentile}_{yardstick} {ours:.1} us {raw:.1} {ratio:.2}"
            );
        };
        line("at_sockets", at_socket);
        line("from_threads", from_threads);
    }
    let stats = one.stats();
    assert_eq!(stats.malformed, 0, "{stats:?}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn rate(messages: usize, carry: impl FnOnce()) -> f64 {
    let start = Instant::now();
    carry();
    messages as f64 / start.elapsed().as_secs_f64()
}

/// Microseconds between calls, p50 and p99.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn percentiles(run: impl FnOnce(&mut dyn FnMut())) -> [f64; 2] {
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    let mut before = Instant::now();
    run(&mut || {
        let now = Instant::now();
        times.push((now - before).as_secs_f64() * 1e6);
        before = now;
    });
    times.sort_unstable_by(f64::total_cmp);
    [times[times.len() / 2], times[times.len() * 99 / 100]]
}

struct Ours {
    ends: [End; 2],
}

struct End {
    mq: RemoteMqEndpoint,
    doorbell: Doorbell,
    other: Address,
}

impl End {
    fn new(mq: &RemoteMq, node: u16) -> Self {
        let doorbell = Doorbell::new();
        let address = |node| Address { node: id(node), role: Role::Gateway };
        let mq = mq.bind(address(node), doorbell.clone());
        Self { mq, doorbell, other: address(3 - node) }
    }

    fn send(&mut self, mut body: Body) {
        while let Err(SendError::Full(back) | SendError::Gone(back)) =
            self.mq.send(self.other, body)
        {
            body = back;
            thread::yield_now();
        }
    }

    fn take(&mut self, mut messages: usize, mut each: impl FnMut(&Body)) {
        let mut events = Vec::new();
        while messages > 0 {
            self.mq.poll(POLL_EVENTS, &mut events);
            if events.is_empty() {
                assert!(self.doorbell.wait(PATIENCE), "{messages} messages are missing");
            }
            messages -= events.len();
            for event in events.drain(..) {
                let MqEvent::Frame { body, .. } = event else { panic!("{event:?}") };
                each(&body);
            }
        }
    }
}

impl Ours {
    fn one_way(&mut self, messages: usize) {
        let [one, two] = &mut self.ends;
        thread::scope(|scope| {
            scope.spawn(|| (0..messages).for_each(|_| one.send(message())));
            let mut bytes = 0;
            two.take(messages, |body| bytes += payload(body).len());
            assert_eq!(bytes, messages * PAYLOAD_BYTES);
        });
    }

    fn round_trips(&mut self, count: usize, each: &mut dyn FnMut()) {
        let [one, two] = &mut self.ends;
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..count {
                    two.take(1, |_| ());
                    two.send(message());
                }
            });
            for _ in 0..count {
                one.send(message());
                one.take(1, |_| ());
                each();
            }
        });
    }
}

fn id(node: u16) -> NodeId {
    NodeId { node, incarnation: 1 }
}

fn message() -> Body {
    let bytes = vec![7; PAYLOAD_BYTES];
    Body::BattleOutput(BattleOutput::Snapshot { battle: BattleId(1), view: 0, bytes })
}

fn payload(body: &Body) -> &[u8] {
    match body {
        Body::BattleOutput(BattleOutput::Snapshot { bytes, .. }) => bytes,
        other => panic!("{other:?}"),
    }
}
