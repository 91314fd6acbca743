//! Two nodes in one process, with roles and threads that serve their links or do not.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;
use crate::ids::{Key, PlayerId, Role};

const PATIENCE: Duration = Duration::from_secs(20);

fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

fn body(number: u64) -> Body {
    Body::MailWaiting(Key::Player(PlayerId(number)))
}

/// Two nodes that know each other, and no thread of their links.
fn nodes() -> [(TcpMq, Poll); 2] {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let node = |node| {
        let me = NodeId { node, incarnation: 1 };
        TcpMq::prepare(TcpMqConfig::new(me, listen, ClusterId(1), [7; 32])).unwrap()
    };
    let nodes = [node(1), node(2)];
    nodes[0].0.peer(nodes[1].0.hub.me, nodes[1].0.local_addr);
    nodes[1].0.peer(nodes[0].0.hub.me, nodes[0].0.local_addr);
    nodes
}

/// Takes frames until it has taken `count`, as a role does.
fn take(mq: &mut TcpEndpoint, doorbell: &Doorbell, count: usize) -> Vec<MqEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        mq.poll(count - events.len(), &mut events);
        assert!(events.len() == count || doorbell.wait(PATIENCE), "{} came", events.len());
    }
    events
}

#[test]
fn roles_that_wait_serve_the_links_without_a_thread_for_it() {
    let [(one, _watch), (two, _other_watch)] = nodes();
    let (here, there) = (address(1, Role::Social), address(2, Role::Gateway));
    let answers = std::thread::spawn(move || {
        let doorbell = Doorbell::new();
        let mut mq = two.bind(there, doorbell.clone());
        for _ in 0..1_000 {
            let MqEvent::Frame { from, body } = take(&mut mq, &doorbell, 1).remove(0) else {
                panic!("something came back");
            };
            mq.send(from, body).unwrap();
            mq.flush();
        }
        (mq, two)
    });
    let doorbell = Doorbell::new();
    let mut mq = one.bind(here, doorbell.clone());
    for number in 0..1_000 {
        mq.send(there, body(number)).unwrap();
        mq.flush();
        let expected = MqEvent::Frame { from: there, body: body(number) };
        assert_eq!(take(&mut mq, &doorbell, 1), [expected]);
    }
    drop(answers.join().unwrap());
}

#[test]
fn a_role_that_never_waits_is_served_by_the_thread_alone() {
    let [(one, watch), (two, other_watch)] = nodes();
    let (here, there) = (address(1, Role::Baseapp), address(2, Role::Battleapp));
    std::thread::scope(|scope| {
        let helms = [(&one.helm, watch), (&two.helm, other_watch)];
        let threads = helms.map(|(helm, watch)| scope.spawn(move || helm.run(watch)));
        let mut sender = one.bind(here, Doorbell::silent());
        let mut receiver = two.bind(there, Doorbell::silent());
        for number in 0..1_000 {
            sender.send(there, body(number)).unwrap();
        }
        sender.flush();
        let mut events = Vec::new();
        while events.len() < 1_000 && !threads.iter().any(|thread| thread.is_finished()) {
            receiver.poll(1_000, &mut events);
            std::thread::yield_now();
        }
        assert_eq!(events.len(), 1_000);
        one.hub.peers.stop();
        two.hub.peers.stop();
    });
}
