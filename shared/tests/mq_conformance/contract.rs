//! The behaviours that every back-end of the node MQ keeps. They know no back-end and no clock:
//! whoever mounts this file brings a `Doorbell` and the `PATIENCE` to wait for it.

use std::thread;

use shared::ids::{Address, BattleId, Key, NodeId, PlayerId, Role, SessionRef};
use shared::limits::{MQ_FRAMES_WAITING_MAX, PART_BYTES_MAX};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleInput, BattleOutput, Encoded};
use shared::msg::client::ClientDatagram;

use super::{Doorbell, PATIENCE};

/// A back-end with everything it needs, for one test.
pub(crate) trait Fabric: Sync {
    type Endpoint: Mq + 'static;

    fn bind(&self, address: Address, wake: Doorbell) -> Self::Endpoint;
}

/// Checks all behaviours against a back-end.
macro_rules! conformance {
    ($backend:ident, $fabric:expr) => {
        mod $backend {
            use super::*;

            #[test]
            fn what_one_sender_sends_arrives_in_order_and_once() {
                order_per_sender(&$fabric);
            }

            #[test]
            fn values_arrive_as_they_were() {
                values_intact(&$fabric);
            }

            #[test]
            fn a_full_receiver_hands_the_frame_back_and_keeps_what_it_took() {
                full_hands_back(&$fabric);
            }

            #[test]
            fn a_sender_learns_that_nobody_is_there() {
                nobody_there(&$fabric);
            }

            #[test]
            fn a_sender_learns_that_the_receiver_has_gone() {
                receiver_gone(&$fabric);
            }

            #[test]
            fn a_new_incarnation_gets_nothing_that_was_meant_for_the_old_one() {
                incarnations(&$fabric);
            }

            #[test]
            fn a_poll_moves_no_more_than_its_limit() {
                poll_limit(&$fabric);
            }
        }
    };
}

pub(crate) fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

pub(crate) fn numbered(n: u64) -> Body {
    Body::MailWaiting(Key::Player(PlayerId(n)))
}

pub(crate) fn number(body: &Body) -> u64 {
    let Body::MailWaiting(Key::Player(PlayerId(n))) = body else {
        panic!("not a numbered frame: {body:?}");
    };
    *n
}

/// An endpoint with its doorbell.
pub(crate) struct Bound<M> {
    pub(crate) mq: M,
    pub(crate) doorbell: Doorbell,
}

impl<M: Mq> Bound<M> {
    pub(crate) fn new<F: Fabric<Endpoint = M>>(fabric: &F, address: Address) -> Self {
        let doorbell = Doorbell::new();
        Self { mq: fabric.bind(address, doorbell.clone()), doorbell }
    }

    /// Sends, again and again as long as the receiver is full, and has it leave.
    pub(crate) fn send(&mut self, to: Address, body: Body) {
        self.add(to, body);
        self.mq.flush();
    }

    /// Sends what may leave later.
    pub(crate) fn add(&mut self, to: Address, mut body: Body) {
        while let Err(error) = self.mq.send(to, body) {
            match error {
                SendError::Full(back) => body = back,
                SendError::Gone(back) => panic!("gone: {back:?}"),
            }
            self.mq.flush();
            thread::yield_now();
        }
    }

    /// Waits until there are `count` events.
    pub(crate) fn await_events(&mut self, count: usize) -> Vec<MqEvent> {
        let mut events = Vec::new();
        loop {
            self.mq.poll(count - events.len(), &mut events);
            if events.len() == count {
                return events;
            }
            assert!(self.doorbell.wait(PATIENCE), "only {} of {count} came", events.len());
        }
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        let mut events = Vec::new();
        self.mq.poll(usize::MAX, &mut events);
        events.is_empty()
    }
}

pub(crate) fn order_per_sender<F: Fabric>(fabric: &F) {
    const SENDERS: u16 = 4;
    const FRAMES: u32 = 5_000;
    let to = address(100, Role::Social);
    let mut receiver = Bound::new(fabric, to);
    let events = thread::scope(|scope| {
        for node in 1..=SENDERS {
            scope.spawn(move || {
                let mut sender = Bound::new(fabric, address(node, Role::Gateway));
                (0..FRAMES).for_each(|n| sender.add(to, numbered(u64::from(n))));
                sender.mq.flush();
                sender
            });
        }
        receiver.await_events(usize::from(SENDERS) * FRAMES as usize)
    });
    let mut next = [0; SENDERS as usize];
    for event in events {
        let MqEvent::Frame { from, body } = event else { panic!("came back: {event:?}") };
        let expected = &mut next[usize::from(from.node.node) - 1];
        assert_eq!(number(&body), *expected, "from {from}");
        *expected += 1;
    }
    assert_eq!(next, [u64::from(FRAMES); SENDERS as usize]);
    assert!(receiver.is_empty());
}

pub(crate) fn values_intact<F: Fabric>(fabric: &F) {
    let (here, there) = (address(1, Role::Battleapp), address(2, Role::Gateway));
    let (mut one, mut two) = (Bound::new(fabric, here), Bound::new(fabric, there));
    let bytes = |len: usize| (0..=u8::MAX).cycle().take(len).collect::<Vec<u8>>();
    let battle = BattleId(u64::MAX);
    let datagram = ClientDatagram { battle, seen_tick: 7, commands: Vec::new() };
    let session = SessionRef { gateway: here.node, session: Default::default() };
    let encoded = |bytes| Encoded { by_stream: true, sessions: vec![session.session], bytes };
    let snapshots = |all: Vec<Vec<u8>>| {
        let encoded = all.into_iter().map(encoded).collect();
        Body::BattleOutput(BattleOutput::Snapshots { battle, encoded })
    };
    let bodies = [
        snapshots(vec![]),
        snapshots(vec![bytes(0), bytes(1_200)]),
        snapshots(vec![bytes(PART_BYTES_MAX)]),
        Body::BattleInput(BattleInput::Commands { player: PlayerId(7), session, datagram }),
        numbered(u64::MAX),
    ];
    bodies.iter().for_each(|body| one.send(there, body.clone()));
    let sent = bodies.map(|body| MqEvent::Frame { from: here, body });
    assert_eq!(two.await_events(sent.len()), sent);
    two.send(here, numbered(1));
    assert_eq!(one.await_events(1), [MqEvent::Frame { from: there, body: numbered(1) }]);
    one.send(here, numbered(2));
    assert_eq!(one.await_events(1), [MqEvent::Frame { from: here, body: numbered(2) }]);
}

pub(crate) fn full_hands_back<F: Fabric>(fabric: &F) {
    let (from, to) = (address(1, Role::Gateway), address(2, Role::Baseapp));
    let (mut sender, mut receiver) = (Bound::new(fabric, from), Bound::new(fabric, to));
    // A link may hold some more on the way, but not without end.
    let frames_max = 4 * MQ_FRAMES_WAITING_MAX as u64;
    let refused = (0..frames_max).find_map(|n| Some((n, sender.mq.send(to, numbered(n)).err()?)));
    let (accepted, error) = refused.expect("the receiver is full some time");
    assert_eq!(error, SendError::Full(numbered(accepted)));
    sender.mq.flush();
    assert!(accepted >= 1_000, "only {accepted} frames fitted");
    let count = usize::try_from(accepted).expect("fits in memory");
    let events = receiver.await_events(count);
    for (n, event) in (0..).zip(events) {
        assert_eq!(event, MqEvent::Frame { from, body: numbered(n) });
    }
    sender.send(to, numbered(accepted));
    let last = MqEvent::Frame { from, body: numbered(accepted) };
    assert_eq!(receiver.await_events(1), [last]);
}

/// Sends a frame that cannot arrive and returns it as it comes back.
pub(crate) fn bounced<M: Mq>(sender: &mut Bound<M>, to: Address, body: Body) -> Body {
    let sent = sender.mq.send(to, body);
    sender.mq.flush();
    match sent {
        Err(SendError::Gone(body)) => body,
        Err(SendError::Full(body)) => panic!("full: {body:?}"),
        Ok(()) => match sender.await_events(1).remove(0) {
            MqEvent::Unsent { to: was_for, body } if was_for == to => body,
            event @ (MqEvent::Frame { .. } | MqEvent::Unsent { .. }) => {
                panic!("expected it back, got {event:?}")
            }
        },
    }
}

pub(crate) fn nobody_there<F: Fabric>(fabric: &F) {
    let mut sender = Bound::new(fabric, address(1, Role::Gateway));
    let mut other = Bound::new(fabric, address(2, Role::Social));
    assert_eq!(bounced(&mut sender, address(9, Role::Social), numbered(1)), numbered(1));
    let other_role = address(2, Role::Baseapp);
    assert_eq!(bounced(&mut sender, other_role, numbered(2)), numbered(2));
    assert!(other.is_empty());
}

pub(crate) fn receiver_gone<F: Fabric>(fabric: &F) {
    let (from, to) = (address(1, Role::Gateway), address(2, Role::Baseapp));
    let (mut sender, mut receiver) = (Bound::new(fabric, from), Bound::new(fabric, to));
    (0..10).for_each(|n| sender.send(to, numbered(n)));
    assert_eq!(receiver.await_events(4).len(), 4);
    drop(receiver);
    // What was accepted and not polled comes back, in order.
    let back = sender.await_events(6);
    for (n, event) in (4..).zip(back) {
        assert_eq!(event, MqEvent::Unsent { to, body: numbered(n) });
    }
    assert_eq!(bounced(&mut sender, to, numbered(10)), numbered(10));
}

pub(crate) fn incarnations<F: Fabric>(fabric: &F) {
    let (from, old) = (address(1, Role::Gateway), address(2, Role::Baseapp));
    let new = Address { node: NodeId { node: 2, incarnation: 2 }, role: old.role };
    let (mut sender, first) = (Bound::new(fabric, from), Bound::new(fabric, old));
    sender.send(old, numbered(0));
    drop(first);
    let mut second = Bound::new(fabric, new);
    assert_eq!(sender.await_events(1), [MqEvent::Unsent { to: old, body: numbered(0) }]);
    assert_eq!(bounced(&mut sender, old, numbered(1)), numbered(1));
    sender.send(new, numbered(2));
    assert_eq!(second.await_events(1), [MqEvent::Frame { from, body: numbered(2) }]);
}

pub(crate) fn poll_limit<F: Fabric>(fabric: &F) {
    let (from, to) = (address(1, Role::Gateway), address(2, Role::Baseapp));
    let (mut sender, mut receiver) = (Bound::new(fabric, from), Bound::new(fabric, to));
    (0..1_000).for_each(|n| sender.send(to, numbered(n)));
    let first = receiver.await_events(1);
    let mut events = Vec::new();
    receiver.mq.poll(0, &mut events);
    assert_eq!((first.len(), events.len()), (1, 0));
    let rest = receiver.await_events(999);
    assert_eq!(rest.last(), Some(&MqEvent::Frame { from, body: numbered(999) }));
}
