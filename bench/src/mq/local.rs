//! The node MQ inside one process, beside a bare channel that carries the same messages.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use shared::limits::MQ_FRAMES_WAITING_MAX;
use shared::mq::local::LocalMq;
use shared::msg::Body;
use shared::runtime::Doorbell;

use super::ROUND_TRIPS;
use super::ends::{End, Pair, addresses, message};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::figure::{Figure, Unit};
use crate::harness::{self, Harness};
use crate::threads::{PATIENCE, beside};

const MESSAGES: usize = 2_000_000;

/// Measures it. There is no goal: a channel that says nothing of who sent is no node MQ.
pub(super) fn measure(harness: &mut Harness<'_>) -> Result<Vec<Figure>> {
    let (count, trips) = (harness.count(MESSAGES), harness.count(ROUND_TRIPS));
    let mut pair = pair();
    let mut ours = |_| pair.one_way(count).map(|rate| [rate]);
    let mut channel = |_| one_way(count).map(|rate| [rate]);
    let [[ours], [channel]] = harness.alternate("local, one way", [&mut ours, &mut channel])?;
    let name = String::from("mq_local_one_way_beside_channel");
    let mut figures = vec![Figure::new(name, Unit::PerSecond, &ours, &channel)];
    let mut ours = |_| pair.round_trips(trips);
    let mut channel = |_| round_trips(trips);
    let [ours, channel] = harness.alternate("local, round trip", [&mut ours, &mut channel])?;
    for (percentile, (ours, channel)) in ["p50", "p99"].iter().zip(ours.iter().zip(&channel)) {
        let name = format!("mq_local_round_trip_{percentile}_beside_channel");
        figures.push(Figure::new(name, Unit::Micros, ours, channel));
    }
    Ok(figures)
}

fn pair() -> Pair {
    let hub = LocalMq::new();
    let [here, there] = addresses().map(|me| {
        let doorbell = Doorbell::new();
        End { mq: Box::new(hub.bind(me, doorbell.clone())), doorbell, me }
    });
    Pair { here, there, _nodes: Box::new(hub) }
}

fn channel() -> (Sender<Body>, Receiver<Body>) {
    bounded(MQ_FRAMES_WAITING_MAX)
}

fn one_way(count: usize) -> Result<f64> {
    let (sender, receiver) = channel();
    let start = clock::now();
    let send = || (0..count).try_for_each(|_| send(&sender, message()));
    beside(send, || (0..count).try_for_each(|_| take(&receiver).map(drop)))?;
    Ok(harness::per_second(count, start))
}

fn round_trips(count: usize) -> Result<[f64; 2]> {
    let ((there, to_answer), (back, answers)) = (channel(), channel());
    let answer = || (0..count).try_for_each(|_| send(&back, take(&to_answer)?));
    let play = || {
        harness::time_each(count, || {
            send(&there, message())?;
            take(&answers).map(drop)
        })
    };
    Ok(beside(answer, play)?.1)
}

/// As a role sends: it never blocks, and tries again.
fn send(sender: &Sender<Body>, mut body: Body) -> Result<()> {
    loop {
        match sender.try_send(body) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(back)) => body = back,
            Err(TrySendError::Disconnected(_)) => return Err(silent()),
        }
        clock::wait_for_room();
    }
}

fn take(receiver: &Receiver<Body>) -> Result<Body> {
    receiver.recv_timeout(PATIENCE).map_err(|_| silent())
}

const fn silent() -> BenchError {
    BenchError::Silent { what: "the other end of a channel" }
}
