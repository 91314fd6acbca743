//! The node MQ over Redis and NATS when the server dies, stands still or loses messages: between
//! two living nodes everything arrives once and in order all the same.

#[path = "mq_remote/cluster.rs"]
mod cluster;
#[path = "mq_remote/faults.rs"]
mod faults;
#[path = "mq_remote/server.rs"]
mod server;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use shared::ids::{BattleId, NodeId, Role, SessionId};
use shared::mq::nats::{NatsMq, NatsMqConfig};
use shared::mq::remote::{FRAME_BYTES_MAX, StartError};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleOutput, Encoded};

use cluster::{AnyMq, Cluster, at, id, numbered, wait_until};
use server::{Kind, Server};

macro_rules! for_both {
    ($($name:ident => $body:ident;)*) => {
        mod redis {
            $(#[test] fn $name() { super::$body(super::Kind::Redis); })*
        }
        mod nats {
            $(#[test] fn $name() { super::$body(super::Kind::Nats); })*
        }
    };
}

for_both! {
    a_killed_server_loses_nothing_between_living_nodes => server_killed;
    a_server_that_stands_still_loses_nothing_between_living_nodes => server_stopped;
    large_frames_arrive_and_too_large_ones_are_handed_back => large_frames;
    what_a_dead_node_did_not_take_comes_back_in_order => node_gone;
    the_end_of_a_node_gives_back_what_it_could_not_send => node_ends;
    a_flush_waits_until_all_is_with_the_receiver => flush;
    a_server_that_is_not_there_is_reported_at_the_start => no_server;
    messages_of_strangers_are_counted_and_change_nothing => garbage;
}

/// Sends frames from node 1 to node 2 while `disturb` is told how many have come.
fn send_through(cluster: &mut Cluster, frames: u64, mut disturb: impl FnMut(&mut Cluster, u64)) {
    const STEP: u64 = 1_000;
    let (from, to) = (at(1, Role::Gateway), at(2, Role::Baseapp));
    let mut sender = cluster.bind(1, from.role);
    let mut receiver = cluster.bind(2, to.role);
    thread::scope(|scope| {
        let sending = scope.spawn(move || {
            (0..frames).for_each(|n| sender.send(to, numbered(n)));
            sender
        });
        for first in (0..frames).step_by(STEP.try_into().expect("fits")) {
            disturb(cluster, first);
            receiver.await_numbers(from, first, STEP);
        }
        let mut sender = sending.join().expect("all were accepted");
        assert!(sender.is_empty(), "nothing came back");
        assert!(receiver.is_empty(), "nothing came twice");
    });
}

fn server_killed(kind: Kind) {
    let mut cluster = Cluster::start(kind, 2);
    send_through(&mut cluster, 200_000, |cluster, received| {
        if received % 50_000 == 25_000 {
            faults::kill(&mut cluster.server);
            faults::start_again(&mut cluster.server);
        }
    });
    for node in [1, 2] {
        let connections = cluster.nodes[&node].stats().connections;
        assert!(connections >= 4, "node {node} connected {connections} times");
    }
}

fn server_stopped(kind: Kind) {
    let mut cluster = Cluster::start(kind, 2);
    send_through(&mut cluster, 100_000, |cluster, received| {
        if received % 50_000 == 25_000 {
            let sender = &cluster.nodes[&1];
            let before = sender.stats().resends;
            faults::freeze(&cluster.server);
            wait_until("the sender notices", || sender.stats().resends > before);
            faults::thaw(&cluster.server);
        }
    });
}

fn large_frames(kind: Kind) {
    let cluster = Cluster::start(kind, 2);
    let (from, to) = (at(1, Role::Battleapp), at(2, Role::Gateway));
    let (mut sender, mut receiver) = (cluster.bind(1, from.role), cluster.bind(2, to.role));
    let large = |len: usize, view: u8| {
        let bytes = (0..len).map(|n| u8::try_from(n % 251).expect("small")).collect();
        let sessions = vec![SessionId(view.into())];
        let encoded = vec![Encoded { by_stream: false, sessions, bytes }];
        Body::BattleOutput(BattleOutput::Snapshots { battle: BattleId(7), encoded })
    };
    let bodies: Vec<_> = (0..60u8)
        .map(|n| match n % 3 {
            0 => large(FRAME_BYTES_MAX - 64, n),
            1 => numbered(u64::from(n)),
            _ => large(usize::from(n) * 1_000, n),
        })
        .collect();
    thread::scope(|scope| {
        scope.spawn(|| bodies.iter().for_each(|body| sender.send(to, body.clone())));
        for body in &bodies {
            let expected = MqEvent::Frame { from, body: body.clone() };
            assert!(receiver.await_events(1) == [expected], "another frame came");
        }
    });
    let too_large = large(FRAME_BYTES_MAX, 0);
    assert!(sender.mq.send(to, too_large.clone()) == Err(SendError::Full(too_large)));
    sender.send(to, numbered(1));
    receiver.await_numbers(from, 1, 1);
}

fn node_gone(kind: Kind) {
    let cluster = Cluster::start(kind, 1);
    let mut sender = cluster.bind(1, Role::Gateway);
    let to = at(2, Role::Baseapp);
    let node = &cluster.nodes[&1];
    node.peer(to.node);
    (0..500).for_each(|n| sender.send(to, numbered(n)));
    wait_until("something goes out", || node.stats().batches_sent > 0);
    node.peer(NodeId { node: 2, incarnation: 2 });
    for (n, event) in (0..).zip(sender.await_events(500)) {
        assert_eq!(event, MqEvent::Unsent { to, body: numbered(n) });
    }
    assert_eq!(sender.mq.send(to, numbered(500)), Err(SendError::Gone(numbered(500))));
    let next = shared::ids::Address { node: NodeId { node: 2, incarnation: 2 }, ..to };
    sender.send(next, numbered(501));
    node.gone(next.node);
    let back = MqEvent::Unsent { to: next, body: numbered(501) };
    assert_eq!(sender.await_events(1), [back]);
}

fn node_ends(kind: Kind) {
    let mut cluster = Cluster::start(kind, 2);
    let (from, to) = (at(1, Role::Gateway), at(2, Role::Baseapp));
    let (mut sender, mut receiver) = (cluster.bind(1, from.role), cluster.bind(2, to.role));
    (0..10).for_each(|n| sender.send(to, numbered(n)));
    receiver.await_numbers(from, 0, 10);
    // What node 2 has taken it acknowledges with its last words.
    let second = cluster.nodes.remove(&2);
    drop(second);
    assert!(cluster.nodes[&1].flush(cluster::PATIENCE));
    assert_eq!(receiver.mq.send(from, numbered(0)), Err(SendError::Gone(numbered(0))));
    (10..20).for_each(|n| sender.send(to, numbered(n)));
    cluster.nodes.clear();
    for (n, event) in (10..).zip(sender.await_events(10)) {
        assert_eq!(event, MqEvent::Unsent { to, body: numbered(n) });
    }
}

fn flush(kind: Kind) {
    let cluster = Cluster::start(kind, 2);
    let (from, to) = (at(1, Role::Gateway), at(2, Role::Baseapp));
    let (mut sender, mut receiver) = (cluster.bind(1, from.role), cluster.bind(2, to.role));
    (0..20_000).for_each(|n| sender.send(to, numbered(n)));
    assert!(cluster.nodes[&1].flush(cluster::PATIENCE));
    let mut events = Vec::new();
    receiver.mq.poll(usize::MAX, &mut events);
    assert_eq!(events.len(), 20_000);
    let nobody = at(9, Role::Baseapp);
    cluster.nodes[&1].peer(nobody.node);
    sender.send(nobody, numbered(0));
    assert!(!cluster.nodes[&1].flush(std::time::Duration::from_millis(50)));
    assert_eq!(events.last(), Some(&MqEvent::Frame { from, body: numbered(19_999) }));
}

fn no_server(kind: Kind) {
    let mut server = Server::start(kind);
    let url = server.url();
    faults::kill(&mut server);
    let error = AnyMq::start(kind, &url, id(1)).err().expect("nobody is there");
    assert!(matches!(error, StartError::Server(_)), "{error}");
    let error = AnyMq::start(kind, "not an address", id(1)).err().expect("no address");
    assert!(matches!(error, StartError::Address(_) | StartError::Server(_)), "{error}");
}

fn garbage(kind: Kind) {
    let cluster = Cluster::start(kind, 2);
    let (from, to) = (at(1, Role::Gateway), at(2, Role::Baseapp));
    let (mut sender, mut receiver) = (cluster.bind(1, from.role), cluster.bind(2, to.role));
    let messages: Vec<Vec<u8>> = vec![Vec::new(), vec![1; 55], vec![1; 56], vec![0xFF; 100_000]];
    match kind {
        Kind::Redis => {
            let mut raw = raw_redis(&cluster.server);
            redis_cmd(&mut raw, "RPUSH", "test:mq:2#1", &messages);
        }
        Kind::Nats => publish(&cluster.server, "test.mq.2.1", &messages),
    }
    let node = &cluster.nodes[&2];
    wait_until("all were looked at", || node.stats().malformed == 4);
    (0..100).for_each(|n| sender.send(to, numbered(n)));
    receiver.await_numbers(from, 0, 100);
    assert!(receiver.is_empty());
}

#[test]
fn batches_that_somebody_else_pops_are_sent_again() {
    const STOLEN: usize = 20;
    let mut cluster = Cluster::start(Kind::Redis, 2);
    let mut raw = raw_redis(&cluster.server);
    let (stolen, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while stolen.load(Ordering::Relaxed) < STOLEN && !done.load(Ordering::Relaxed) {
                let mut command = ::redis::cmd("BLPOP");
                command.arg("test:mq:2#1").arg(0.05);
                let popped: Option<(String, Vec<u8>)> = command.query(&mut raw).expect("pops");
                stolen.fetch_add(popped.map_or(0, |_| 1), Ordering::Relaxed);
            }
        });
        send_through(&mut cluster, 300_000, |_, _| ());
        done.store(true, Ordering::Relaxed);
    });
    let stolen = stolen.load(Ordering::Relaxed);
    let (sender, receiver) = (cluster.nodes[&1].stats(), cluster.nodes[&2].stats());
    assert!(stolen > 0 && receiver.gaps > 0 && sender.resends > 0, "{stolen} stolen, {receiver:?}");
}

#[test]
fn connections_that_redis_closes_lose_nothing() {
    let mut cluster = Cluster::start(Kind::Redis, 2);
    let mut raw = raw_redis(&cluster.server);
    send_through(&mut cluster, 200_000, |_, received| {
        if received % 20_000 == 10_000 {
            let mut command = ::redis::cmd("CLIENT");
            command.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
            let killed: usize = command.query(&mut raw).expect("kills");
            assert!(killed > 0);
        }
    });
    assert!(cluster.nodes[&1].stats().connections >= 5);
}

#[test]
fn a_long_list_stops_its_senders_and_expires() {
    const JUNK: usize = 1_500;
    let mut cluster = Cluster::start(Kind::Redis, 1);
    let mut raw = raw_redis(&cluster.server);
    redis_cmd(&mut raw, "RPUSH", "test:mq:2#1", &vec![vec![0]; JUNK]);
    let (from, to) = (at(1, Role::Gateway), at(2, Role::Baseapp));
    let mut sender = cluster.bind(1, from.role);
    cluster.nodes[&1].peer(to.node);
    let refused = (0..1_000_000).find(|n| sender.mq.send(to, numbered(*n)).is_err());
    let accepted = refused.expect("the link is full some time");
    sender.mq.flush();
    let node = &cluster.nodes[&1];
    let before = node.stats().batches_sent;
    wait_until("it tries again", || node.stats().batches_sent > before + 100);
    let mut read = |name: &str| -> usize {
        ::redis::cmd(name).arg("test:mq:2#1").query(&mut raw).expect("an answer")
    };
    let length = read("LLEN");
    assert!((JUNK + 1..JUNK + 10).contains(&length), "{length} in the list");
    assert!((1..=60_000).contains(&read("PTTL")), "the list does not expire");
    let second = AnyMq::start(Kind::Redis, &cluster.server.url(), id(2)).expect("it starts");
    cluster.add(2, second);
    cluster.bind(2, to.role).await_numbers(from, 0, accepted);
}

#[test]
fn what_overruns_a_slow_consumer_of_nats_is_sent_again() {
    let mut cluster = Cluster::start(Kind::Nats, 1);
    let (url, prefix) = (cluster.server.url(), String::from("test"));
    let config = NatsMqConfig { me: id(2), url, prefix, messages_received_max: 1 };
    cluster.add(2, AnyMq::Nats(NatsMq::start(config).expect("it starts")));
    send_through(&mut cluster, 100_000, |_, _| ());
    let (sender, receiver) = (cluster.nodes[&1].stats(), cluster.nodes[&2].stats());
    assert!(receiver.gaps > 0 && sender.resends > 0, "{sender:?} {receiver:?}");
}

fn raw_redis(server: &Server) -> ::redis::Connection {
    assert_eq!(server.kind, Kind::Redis);
    let client = ::redis::Client::open(server.url()).expect("an address");
    client.get_connection().expect("it runs")
}

fn redis_cmd(raw: &mut ::redis::Connection, name: &str, key: &str, values: &[Vec<u8>]) {
    let mut command = ::redis::cmd(name);
    command.arg(key);
    values.iter().for_each(|value| {
        command.arg(&value[..]);
    });
    command.query::<usize>(raw).expect("it is done");
}

fn publish(server: &Server, subject: &'static str, messages: &[Vec<u8>]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = async_nats::connect(server.url()).await.expect("it runs");
        for message in messages {
            client.publish(subject, message.clone().into()).await.expect("it goes");
        }
        client.flush().await.expect("it went");
    });
}
