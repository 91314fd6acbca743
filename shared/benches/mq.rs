//! Rates and round trips of the node MQ over TCP, beside what a bare socket does.
//!
//! Prints one line per measurement: name, value, unit, yardstick, ratio. The yardsticks are taken
//! in the same run, on the same loopback and with the same two threads at the ends, and the rounds
//! alternate so that a busy machine slows both.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use shared::ids::{Address, BattleId, ClusterId, NodeId, Role};
use shared::mq::local::LocalMq;
use shared::mq::tcp::{TcpMq, TcpMqConfig};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::msg::battle_gateway::BattleOutput;
use shared::runtime::Doorbell;

const PAYLOAD_BYTES: usize = 128;
const MESSAGES: usize = 3_000_000;
const RAW_MESSAGES: usize = 500_000;
const ROUND_TRIPS: usize = 10_000;
const ROUNDS: usize = 5;
const POLL_MAX: usize = 4_096;
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| part.contains(only));
    if wanted("one_way") {
        one_way();
    }
    if wanted("round_trip") {
        round_trip();
    }
    // For a profiler: nothing but this MQ, with `-- ours`.
    if only.as_deref() == Some("ours") {
        let rate = rate(4 * MESSAGES, |count| through(pair(), count));
        println!("mq_tcp_one_way {rate:.0} per_s none -");
    }
}

fn one_way() {
    let (mut ours, mut local, mut raw, mut buffered) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        ours = f64::max(ours, rate(MESSAGES, |count| through(pair(), count)));
        local = f64::max(local, rate(MESSAGES, |count| through(local_pair(), count)));
        raw = f64::max(raw, rate(RAW_MESSAGES, write_each));
        buffered = f64::max(buffered, rate(MESSAGES, write_buffered));
    }
    report("mq_tcp_one_way_beside_a_write_each", ours, "per_s", raw);
    report("mq_tcp_one_way_beside_a_double_buffer", ours, "per_s", buffered);
    report("mq_local_one_way_beside_a_double_buffer", local, "per_s", buffered);
}

fn round_trip() {
    let mut best = [(f64::MAX, f64::MAX); 2];
    for _ in 0..ROUNDS {
        for (best, took) in best.iter_mut().zip([ping_pong(pair()), raw_ping_pong()]) {
            *best = (best.0.min(took.0), best.1.min(took.1));
        }
    }
    let [ours, raw] = best;
    report("mq_tcp_round_trip_p50", ours.0, "us", raw.0);
    report("mq_tcp_round_trip_p99", ours.1, "us", raw.1);
}

fn report(name: &str, value: f64, unit: &str, yardstick: f64) {
    println!("{name} {value:.1} {unit} {yardstick:.1} {:.2}", value / yardstick);
}

/// Messages per second; `run` gives the time that `count` messages took.
fn rate(count: usize, run: impl FnOnce(usize) -> Duration) -> f64 {
    count as f64 / run(count).as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// An endpoint, its doorbell and its address.
type End = (Box<dyn Mq>, Doorbell, Address);

/// Two ends, and what has to live as long as they do.
struct Pair(End, End, Vec<TcpMq>);

fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

fn pair() -> Pair {
    let [one, two] = [address(1, Role::Battleapp), address(2, Role::Gateway)];
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let nodes = [one, two].map(|end| {
        TcpMq::start(TcpMqConfig::new(end.node, listen, ClusterId(1), [7; 32])).expect("starts")
    });
    let ends = [one, two].map(|end| (end, Doorbell::new()));
    let [first, second] = [0, 1].map(|n| {
        let (end, doorbell) = &ends[n];
        nodes[n].peer(ends[1 - n].0.node, nodes[1 - n].local_addr());
        let mq: Box<dyn Mq> = Box::new(nodes[n].bind(*end, doorbell.clone()));
        (mq, doorbell.clone(), *end)
    });
    Pair(first, second, Vec::from(nodes))
}

fn local_pair() -> Pair {
    let hub = LocalMq::new();
    let end = |address| {
        let doorbell = Doorbell::new();
        let mq: Box<dyn Mq> = Box::new(hub.bind(address, doorbell.clone()));
        (mq, doorbell, address)
    };
    Pair(end(address(1, Role::Battleapp)), end(address(2, Role::Gateway)), Vec::new())
}

fn message() -> Body {
    let bytes = vec![7; PAYLOAD_BYTES];
    Body::BattleOutput(BattleOutput::Snapshot { battle: BattleId(1), view: 0, bytes })
}

fn send(mq: &mut dyn Mq, to: Address, mut body: Body) {
    while let Err(SendError::Full(back) | SendError::Gone(back)) = mq.send(to, body) {
        body = back;
        thread::yield_now();
    }
}

/// Waits until something has come, and says how much.
fn receive((mq, doorbell, _): &mut End, events: &mut Vec<MqEvent>) -> usize {
    loop {
        events.clear();
        mq.poll(POLL_MAX, events);
        if !events.is_empty() {
            return events.len();
        }
        assert!(doorbell.wait(PATIENCE), "nothing came");
    }
}

/// One thread sends, one receives.
fn through(Pair(mut from, mut to, _nodes): Pair, count: usize) -> Duration {
    let target = to.2;
    let mut events = Vec::new();
    // The first message makes the connection.
    send(from.0.as_mut(), target, message());
    receive(&mut to, &mut events);
    let start = now();
    thread::scope(|scope| {
        scope.spawn(|| (0..count).for_each(|_| send(from.0.as_mut(), target, message())));
        let mut received = 0;
        while received < count {
            received += receive(&mut to, &mut events);
        }
    });
    start.elapsed()
}

fn ping_pong(Pair(mut here, mut there, _nodes): Pair) -> (f64, f64) {
    let (one, two) = (here.2, there.2);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut events = Vec::new();
            for _ in 0..=ROUND_TRIPS {
                assert_eq!(receive(&mut there, &mut events), 1);
                let Some(MqEvent::Frame { body, .. }) = events.pop() else { return };
                send(there.0.as_mut(), one, body);
            }
        });
        let mut events = Vec::new();
        percentiles(|| {
            send(here.0.as_mut(), two, message());
            receive(&mut here, &mut events);
        })
    })
}

/// Median and 99th percentile of the time that `trip` takes, in microseconds.
fn percentiles(mut trip: impl FnMut()) -> (f64, f64) {
    trip();
    let mut took: Vec<_> = (0..ROUND_TRIPS)
        .map(|_| {
            let start = now();
            trip();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    (took[ROUND_TRIPS / 2], took[ROUND_TRIPS * 99 / 100])
}

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("binds");
    let one = TcpStream::connect(listener.local_addr().expect("is bound")).expect("connects");
    let (two, _) = listener.accept().expect("accepts");
    one.set_nodelay(true).expect("sets");
    two.set_nodelay(true).expect("sets");
    (one, two)
}

fn raw_ping_pong() -> (f64, f64) {
    let (mut here, mut there) = sockets();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = [0; PAYLOAD_BYTES];
            for _ in 0..=ROUND_TRIPS {
                there.read_exact(&mut bytes).expect("reads");
                there.write_all(&bytes).expect("writes");
            }
        });
        let mut bytes = [0; PAYLOAD_BYTES];
        percentiles(|| {
            here.write_all(&bytes).expect("writes");
            here.read_exact(&mut bytes).expect("reads");
        })
    })
}

/// Reads so many messages on this thread while `write` runs on another.
fn read_while(count: usize, write: impl FnOnce(TcpStream) + Send) -> Duration {
    let (one, mut two) = sockets();
    let (ready, mut buffer) = (Barrier::new(2), vec![0; 256 << 10]);
    thread::scope(|scope| {
        scope.spawn(|| {
            ready.wait();
            write(one);
        });
        ready.wait();
        let start = now();
        let mut left = count * PAYLOAD_BYTES;
        while left > 0 {
            left -= two.read(&mut buffer).expect("reads");
        }
        start.elapsed()
    })
}

fn write_each(count: usize) -> Duration {
    read_while(count, |mut stream| {
        let bytes = [7; PAYLOAD_BYTES];
        (0..count).for_each(|_| stream.write_all(&bytes).expect("writes"));
    })
}

/// Messages are copied into one buffer while the other one is written.
fn write_buffered(count: usize) -> Duration {
    const BUFFER_BYTES_MAX: usize = 1 << 20;
    read_while(count, |mut stream| {
        let filled = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut writing = Vec::new();
                loop {
                    {
                        let ends = ended.load(Ordering::Acquire);
                        let mut filled_now = filled.0.lock().expect("nobody panics");
                        if filled_now.is_empty() && ends {
                            return;
                        }
                        if filled_now.is_empty() {
                            let wait = Duration::from_millis(1);
                            let waited = filled.1.wait_timeout(filled_now, wait);
                            filled_now = waited.expect("nobody panics").0;
                        }
                        std::mem::swap(&mut *filled_now, &mut writing);
                    }
                    stream.write_all(&writing).expect("writes");
                    writing.clear();
                }
            });
            let bytes = [7u8; PAYLOAD_BYTES];
            for _ in 0..count {
                loop {
                    let mut filling = filled.0.lock().expect("nobody panics");
                    if filling.len() < BUFFER_BYTES_MAX {
                        let was_empty = filling.is_empty();
                        filling.extend_from_slice(&bytes);
                        drop(filling);
                        if was_empty {
                            filled.1.notify_one();
                        }
                        break;
                    }
                    drop(filling);
                    thread::yield_now();
                }
            }
            ended.store(true, Ordering::Release);
        });
    })
}
