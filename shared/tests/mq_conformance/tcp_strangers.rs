//! Who has no business at a node's link port, or cannot prove that it has.

use std::io::{Read, Write};
use std::net::TcpStream;

use shared::ids::ClusterId;
use shared::mq::tcp::{LinkRefusal, TcpMq, TcpMqConfig};
use shared::rng::Draws;

use super::node::{CLUSTER, config, link, start, until};
use super::*;

const ONE: NodeId = NodeId { node: 1, incarnation: 1 };
const TWO: NodeId = NodeId { node: 2, incarnation: 1 };
/// Bytes of a whole first message.
const HELLO_BYTES: usize = 62;

/// Starts node 1 as usual and node 2 with another configuration; why they get no link.
fn refusal_between(change: impl FnOnce(TcpMqConfig) -> TcpMqConfig) -> LinkRefusal {
    let one = start(ONE);
    let two = TcpMq::start(change(config(TWO))).expect("it starts");
    one.peer(TWO, two.local_addr());
    until(|| link(&one).refusal.is_some());
    assert!(!link(&one).connected);
    assert!(two.links().is_empty(), "the other side has made a link");
    link(&one).refusal.expect("it is there")
}

#[test]
fn nodes_that_do_not_belong_together_get_no_link_and_a_reason() {
    let other_key = |config| TcpMqConfig { key: [1; 32], ..config };
    assert_eq!(refusal_between(other_key), LinkRefusal::Key);
    let other_cluster = |config| TcpMqConfig { cluster: ClusterId(1), ..config };
    assert_eq!(refusal_between(other_cluster), LinkRefusal::Cluster);
    let other_node = |config| TcpMqConfig { me: NodeId { node: 3, incarnation: 1 }, ..config };
    assert_eq!(refusal_between(other_node), LinkRefusal::Node);
}

/// A first message as a node of this version would write it.
fn hello(version: u8) -> Vec<u8> {
    let mut bytes = Vec::from(*b"\x89cohort\n");
    bytes.extend([version, 0]);
    bytes.extend(CLUSTER.0.to_le_bytes());
    bytes.extend([7, 0, 1, 0, 0, 0]);
    bytes.extend([1, 0, 1, 0, 0, 0]);
    bytes.extend([0x5A; 32]);
    assert_eq!(bytes.len(), HELLO_BYTES);
    bytes
}

fn connect(node: &TcpMq) -> TcpStream {
    let stream = TcpStream::connect(node.local_addr()).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("sets");
    stream
}

/// All that comes until the connection ends.
fn rest(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        // The node has closed it while something was still on the way.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("it is not closed: {error}"),
    }
    bytes
}

#[test]
fn another_version_is_told_so_and_gets_nothing_else() {
    let node = start(ONE);
    let mut stream = connect(&node);
    stream.write_all(&hello(2)).expect("writes");
    let answer = rest(&stream);
    assert_eq!((answer.len(), answer[0]), (71, 1), "an answer with the code for the version");
}

#[test]
fn a_proof_that_proves_nothing_is_refused() {
    let node = start(ONE);
    let mut stream = connect(&node);
    stream.write_all(&hello(1)).expect("writes");
    let mut answer = [0; 71];
    stream.read_exact(&mut answer).expect("the node answers");
    assert_eq!(answer[0], 0, "so far everything fits");
    stream.write_all(&[9; 40]).expect("writes");
    let ready = rest(&stream);
    assert_eq!((ready.len(), ready[0]), (41, 3), "the code for the key, and then nothing");
    assert!(node.links().is_empty());
}

#[test]
fn garbage_gets_no_answer_and_does_no_harm() {
    let node = start(ONE);
    let mut draws = Draws::new(2_026, 1);
    for length in [1, 2, 7, 8, 61, 62, 63, 500, 100_000] {
        let mut stream = connect(&node);
        let byte = |_| u8::try_from(draws.below(256)).expect("below 256");
        let mut garbage: Vec<_> = (0..length).map(byte).collect();
        garbage[0] = b'G';
        // The node may close before everything is written.
        let _broken_pipe = stream.write_all(&garbage);
        assert!(rest(&stream).is_empty(), "{length} bytes");
    }
    assert_works(&node);
}

#[test]
fn who_says_nothing_is_shown_the_door() {
    let node = TcpMq::start(TcpMqConfig { handshake_ms: 50, ..config(ONE) }).expect("it starts");
    let silent = connect(&node);
    let mut half = connect(&node);
    half.write_all(&hello(1)[..30]).expect("writes");
    assert_eq!((rest(&silent).len(), rest(&half).len()), (0, 0));
    assert_works(&node);
}

#[test]
fn many_strangers_do_not_keep_a_peer_out() {
    let patient = TcpMqConfig { handshake_ms: 60_000, ..config(ONE) };
    let node = TcpMq::start(patient).expect("it starts");
    let strangers: Vec<_> = (0..200).map(|_| connect(&node)).collect();
    assert_works(&node);
    // The oldest had to go, long before their time.
    assert!(rest(&strangers[0]).is_empty());
}

/// A peer of `node` gets a link, and frames go both ways.
fn assert_works(node: &TcpMq) {
    let (here, there) =
        (Address { node: ONE, role: Role::Social }, Address { node: TWO, role: Role::Baseapp });
    let peer = start(TWO);
    peer.peer(ONE, node.local_addr());
    node.peer(TWO, peer.local_addr());
    let (ring_here, ring_there) = (Doorbell::new(), Doorbell::new());
    let mut one = Bound { mq: node.bind(here, ring_here.clone()), doorbell: ring_here };
    let mut two = Bound { mq: peer.bind(there, ring_there.clone()), doorbell: ring_there };
    one.send(there, numbered(1));
    two.send(here, numbered(2));
    assert_eq!(two.await_events(1), [MqEvent::Frame { from: here, body: numbered(1) }]);
    assert_eq!(one.await_events(1), [MqEvent::Frame { from: there, body: numbered(2) }]);
    node.gone(TWO);
}
