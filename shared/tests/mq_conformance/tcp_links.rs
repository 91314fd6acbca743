//! Links between nodes over TCP: what they survive, and what ends them.

use std::collections::BTreeMap;

use shared::directory::local::LocalDirectory;
use shared::directory::{Directory, DirectoryEvent, NodeCard, NodeState};
use shared::ids::BattleId;
use shared::limits::MQ_FRAME_BYTES_MAX;
use shared::mq::tcp::{LinkRefusal, TcpEndpoint, TcpMq, TcpMqConfig};
use shared::msg::battle_gateway::{BattleOutput, Encoded};
use shared::rng::Draws;

use super::node::{config, link, start, until};
use super::proxy::Proxy;
use super::*;

const ONE: Address = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Battleapp };
const TWO: Address = Address { node: NodeId { node: 2, incarnation: 1 }, role: Role::Gateway };

/// Two nodes that reach each other only through a proxy.
struct Pair {
    one: Bound<TcpEndpoint>,
    two: Bound<TcpEndpoint>,
    nodes: (TcpMq, TcpMq),
    /// What the lower node dials.
    proxy: Proxy,
    /// What the higher node dials when the lower one does not.
    back: Proxy,
}

impl Pair {
    fn new(cut_after: impl Fn(u64) -> u64 + Send + Copy + 'static) -> Self {
        let nodes = (start(ONE.node), start(TWO.node));
        let proxy = Proxy::cutting(nodes.1.local_addr(), Box::new(cut_after));
        let back = Proxy::cutting(nodes.0.local_addr(), Box::new(cut_after));
        nodes.0.peer(TWO.node, proxy.address());
        nodes.1.peer(ONE.node, back.address());
        let (one, two) = (bound(&nodes.0, ONE), bound(&nodes.1, TWO));
        Self { one, two, nodes, proxy, back }
    }

    fn steady() -> Self {
        Self::new(|_| u64::MAX)
    }

    /// Exchanges some frames, until both sides know that the other one has them.
    fn exchange_few(&mut self) {
        Traffic::FEW.exchange(&mut self.one, &mut self.two);
        until(|| link(&self.nodes.0).frames + link(&self.nodes.1).frames == 0);
    }

    fn connections(&self) -> usize {
        self.proxy.connections() + self.back.connections()
    }
}

fn bound(node: &TcpMq, address: Address) -> Bound<TcpEndpoint> {
    let doorbell = Doorbell::new();
    Bound { mq: node.bind(address, doorbell.clone()), doorbell }
}

fn sized(n: u64, bytes: usize) -> Body {
    let bytes = vec![n.to_le_bytes()[0]; bytes];
    let encoded = vec![Encoded { by_stream: false, sessions: Vec::new(), bytes }];
    Body::BattleOutput(BattleOutput::Snapshots { battle: BattleId(n), encoded })
}

/// Frames of many lengths: most are short, some fill a chunk of their own.
fn mixed(n: u64) -> Body {
    match n % 1_000 {
        7 => sized(n, 100_000),
        n if n % 50 == 1 => sized(n, 3_000),
        _ => sized(n, usize::try_from(n % 40).expect("is small")),
    }
}

/// Frames to be sent both ways at once.
#[derive(Clone, Copy)]
struct Traffic {
    count: u64,
    ahead_max: u64,
    body: fn(u64) -> Body,
}

impl Traffic {
    const FEW: Self = Self { count: 10, ahead_max: 10, body: numbered };

    /// Sends, and checks all that comes.
    fn exchange(self, one: &mut Bound<TcpEndpoint>, two: &mut Bound<TcpEndpoint>) {
        thread::scope(|scope| {
            scope.spawn(|| send_and_check(one, ONE, TWO, self));
            scope.spawn(|| send_and_check(two, TWO, ONE, self));
        });
        assert!(one.is_empty() && two.is_empty(), "more came than was sent");
    }
}

fn send_and_check(here: &mut Bound<TcpEndpoint>, me: Address, peer: Address, traffic: Traffic) {
    let Traffic { count, ahead_max, body } = traffic;
    let (mut sent, mut expected) = (0, 0);
    let mut events = Vec::new();
    while expected < count || sent < count {
        while sent < count && sent < expected + ahead_max {
            match here.mq.send(peer, body(sent)) {
                Ok(()) => sent += 1,
                Err(SendError::Full(_)) => break,
                Err(SendError::Gone(_)) => panic!("{peer} is not gone"),
            }
        }
        here.mq.flush();
        here.mq.poll(1_000, &mut events);
        if events.is_empty() && expected < count {
            assert!(here.doorbell.wait(PATIENCE), "{me} got {expected} of {count}");
        }
        for event in events.drain(..) {
            assert_eq!(event, MqEvent::Frame { from: peer, body: body(expected) }, "at {me}");
            expected += 1;
        }
    }
}

#[test]
fn short_frames_cross_connections_that_are_cut_anywhere_in_order_and_once() {
    let mut pair = Pair::new(|n| 200 + Draws::new(1, n).below(10_000));
    let traffic = Traffic { count: 20_000, ahead_max: 100, body: numbered };
    traffic.exchange(&mut pair.one, &mut pair.two);
    assert!(pair.connections() > 50, "only {} connections", pair.connections());
}

#[test]
fn frames_of_all_lengths_cross_connections_that_are_cut_anywhere_in_order_and_once() {
    for seed in 2..5 {
        let mut pair = Pair::new(move |n| 200 + Draws::new(seed, n).below(500_000));
        let traffic = Traffic { count: 20_000, ahead_max: 2_000, body: mixed };
        traffic.exchange(&mut pair.one, &mut pair.two);
        // More than four megabytes go each way.
        assert!(pair.connections() > 15, "seed {seed}: {} connections", pair.connections());
    }
}

#[test]
fn frames_cross_links_that_are_cut_in_the_handshake_again_and_again() {
    // A handshake has 214 bytes; the first connections end within it.
    let mut pair = Pair::new(|n| if n < 12 { 20 * n } else { u64::MAX });
    Traffic::FEW.exchange(&mut pair.one, &mut pair.two);
    assert!(pair.connections() >= 12);
}

#[test]
fn a_cut_in_the_middle_of_a_large_frame_loses_nothing() {
    let mut pair = Pair::new(|n| if n < 3 { 500_000 } else { u64::MAX });
    pair.one.send(TWO, sized(1, 900_000));
    pair.one.send(TWO, sized(2, 10));
    let from = |body| MqEvent::Frame { from: ONE, body };
    assert_eq!(pair.two.await_events(2), [from(sized(1, 900_000)), from(sized(2, 10))]);
    assert!(pair.connections() >= 4);
}

#[test]
fn a_frame_of_the_largest_size_passes_and_a_larger_one_is_handed_back() {
    let mut pair = Pair::steady();
    let overhead = 6 + shared::wire::encode(&sized(1, 1 << 20)).len() - (1 << 20);
    let largest = sized(1, MQ_FRAME_BYTES_MAX - overhead);
    let larger = sized(1, MQ_FRAME_BYTES_MAX - overhead + 1);
    assert_eq!(pair.one.mq.send(TWO, larger.clone()), Err(SendError::Full(larger)));
    pair.one.send(TWO, largest.clone());
    assert_eq!(pair.two.await_events(1), [MqEvent::Frame { from: ONE, body: largest }]);
}

#[test]
fn a_slow_receiver_bounds_the_sender_by_bytes() {
    const FRAME: usize = 100_000;
    let mut pair = Pair::steady();
    let sent = (0..).find_map(|n| Some((n, pair.one.mq.send(TWO, sized(n, FRAME)).err()?)));
    let (first_full, error) = sent.expect("it is full some time");
    assert_eq!(error, SendError::Full(sized(first_full, FRAME)));
    // More fits as long as the receiving role has room; then no more without a poll.
    let mut accepted = first_full;
    until(|| {
        let before = accepted;
        while pair.one.mq.send(TWO, sized(accepted, FRAME)).is_ok() {
            accepted += 1;
        }
        pair.one.mq.flush();
        let status = link(&pair.nodes.0);
        before == accepted && status.bytes > 7 << 20 && pair.two.mq.waiting() * FRAME >= 32 << 20
    });
    assert!(accepted < 600, "{accepted} frames of {FRAME} bytes are under way");
    let count = usize::try_from(accepted).expect("is small");
    for (n, event) in (0..).zip(pair.two.await_events(count)) {
        assert_eq!(event, MqEvent::Frame { from: ONE, body: sized(n, FRAME) });
    }
}

#[test]
fn a_half_open_connection_is_noticed_and_replaced() {
    let mut pair = Pair::steady();
    pair.exchange_few();
    pair.proxy.freeze();
    pair.back.freeze();
    let before = pair.connections();
    pair.one.send(TWO, numbered(1));
    assert_eq!(pair.two.await_events(1), [MqEvent::Frame { from: ONE, body: numbered(1) }]);
    assert!(pair.connections() > before);
}

#[test]
fn an_idle_link_stays_connected() {
    let mut pair = Pair::steady();
    pair.exchange_few();
    let before = pair.connections();
    // Nothing to wait for but time: some heartbeats.
    assert!(!pair.one.doorbell.wait(Duration::from_millis(2_000)));
    assert!(link(&pair.nodes.0).connected && link(&pair.nodes.1).connected);
    assert_eq!(pair.connections(), before);
}

#[test]
fn a_node_that_the_directory_calls_gone_gets_nothing_and_senders_get_all_back() {
    let mut pair = Pair::steady();
    pair.exchange_few();
    pair.proxy.freeze();
    pair.back.freeze();
    (0..100).for_each(|n| pair.one.send(TWO, numbered(n)));
    pair.nodes.0.gone(TWO.node);
    for (n, event) in (0..).zip(pair.one.await_events(100)) {
        assert_eq!(event, MqEvent::Unsent { to: TWO, body: numbered(n) });
    }
    let refused = pair.one.mq.send(TWO, numbered(100));
    assert_eq!(refused, Err(SendError::Gone(numbered(100))));
    // It does not come back, whoever names it.
    pair.nodes.0.peer(TWO.node, pair.proxy.address());
    let refused = pair.one.mq.send(TWO, numbered(100));
    assert_eq!(refused, Err(SendError::Gone(numbered(100))));
    until(|| link(&pair.nodes.1).refusal == Some(LinkRefusal::Gone));
}

#[test]
fn a_node_restarted_under_its_old_number_is_another_one() {
    let mut pair = Pair::steady();
    pair.exchange_few();
    pair.proxy.freeze();
    pair.back.freeze();
    (0..100).for_each(|n| pair.one.send(TWO, numbered(n)));
    drop((pair.two, pair.nodes.1));
    let again = Address { node: NodeId { incarnation: 2, ..TWO.node }, ..TWO };
    let node = start(again.node);
    let mut two = bound(&node, again);
    pair.proxy.redirect(node.local_addr());
    pair.proxy.cut();
    for (n, event) in (0..).zip(pair.one.await_events(100)) {
        assert_eq!(event, MqEvent::Unsent { to: TWO, body: numbered(n) });
    }
    let refused = pair.one.mq.send(TWO, numbered(100));
    assert_eq!(refused, Err(SendError::Gone(numbered(100))));
    pair.nodes.0.peer(again.node, pair.proxy.address());
    pair.one.send(again, numbered(101));
    assert_eq!(two.await_events(1), [MqEvent::Frame { from: ONE, body: numbered(101) }]);
    assert!(two.is_empty(), "nothing of the old one reached the new one");
}

#[test]
fn links_follow_the_directory() {
    let hub = LocalDirectory::new();
    let nodes = BTreeMap::from([ONE, TWO].map(|end| (end, start(end.node))));
    let directories = nodes.iter().map(|(end, node)| {
        let mut directory = node.follow(hub.join(end.node), node.local_addr());
        let roles = vec![(end.role, 0)];
        let (state, build) = (NodeState::Ready, String::new());
        directory.announce(&NodeCard { id: end.node, state, build, roles, link: None, page: None });
        directory
    });
    let mut directories: Vec<_> = directories.collect();
    let (mut one, mut two) = (bound(&nodes[&ONE], ONE), bound(&nodes[&TWO], TWO));
    assert_eq!(one.mq.send(TWO, numbered(0)), Err(SendError::Gone(numbered(0))));
    let mut events = Vec::new();
    directories.iter_mut().for_each(|directory| directory.poll(&mut events));
    let links = events.iter().map(|event| match event {
        DirectoryEvent::Changed(card) => card.link,
        DirectoryEvent::Gone(node) => panic!("{node} is gone"),
        DirectoryEvent::Suspended | DirectoryEvent::Resumed => panic!("nobody has a lease"),
    });
    assert!(links.clone().count() == 4 && links.clone().all(|link| link.is_some()));
    Traffic::FEW.exchange(&mut one, &mut two);
    directories[1].leave();
    events.clear();
    directories[0].poll(&mut events);
    assert_eq!(events, [DirectoryEvent::Gone(TWO.node)]);
    assert_eq!(one.mq.send(TWO, numbered(1)), Err(SendError::Gone(numbered(1))));
}

#[test]
fn a_node_that_ends_has_its_last_frames_arrive() {
    let mut pair = Pair::steady();
    (0..1_000).for_each(|n| pair.one.send(TWO, numbered(n)));
    // There is a link before it ends, or it would have nowhere to send them.
    until(|| link(&pair.nodes.0).connected);
    drop((pair.one, pair.nodes.0));
    for (n, event) in (0..).zip(pair.two.await_events(1_000)) {
        assert_eq!(event, MqEvent::Frame { from: ONE, body: numbered(n) });
    }
}

#[test]
fn what_cannot_be_is_refused_at_the_start() {
    let usual = config(ONE.node);
    let refused = [
        TcpMqConfig { heartbeat_ms: 0, ..usual.clone() },
        TcpMqConfig { handshake_ms: 0, ..usual.clone() },
        TcpMqConfig { window_bytes_max: MQ_FRAME_BYTES_MAX, ..usual },
    ];
    for config in refused {
        assert!(TcpMq::start(config).is_err());
    }
    let taken = start(ONE.node);
    let listen = taken.local_addr();
    let error = TcpMq::start(TcpMqConfig { listen, ..usual }).expect_err("the port is taken");
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}
