//! Two nodes and a channel between them that loses, repeats and reorders messages as a random
//! script says: what is sent arrives once and in order all the same.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::envelope::Header;
use super::super::inbound::{Arrival, Inbound};
use super::super::outbound::{Outbound, Refused};
use super::super::peer::next_message;
use super::super::{FRAME_BYTES_MAX, LINK_BYTES_MAX};
use super::{ONE, ROLES, TWO, body, number};
use crate::wire;

/// Messages in the channel; a further one is lost.
const CHANNEL_MESSAGES_MAX: usize = 64;

#[derive(Clone, Debug)]
enum Step {
    /// A role sends so many frames.
    Send(usize, u64),
    /// A node hands its next message to the channel.
    Carry(usize),
    /// The channel delivers one of its messages,
    Deliver(usize),
    /// or loses it,
    Lose(usize),
    /// or delivers it and keeps it.
    Repeat(usize),
    /// A role takes so many of the frames that came.
    Take(usize, usize),
    /// So many milliseconds pass.
    Wait(u64),
    /// A node's connection to its broker was broken.
    Reconnect(usize),
}

struct Node {
    outbound: Outbound,
    inbound: Inbound,
    sent: u64,
    taken: Vec<u64>,
}

#[derive(Default)]
struct Seen {
    lost: usize,
    duplicates: usize,
    gaps: usize,
}

struct Pair {
    nodes: [Node; 2],
    /// For whom, and what.
    channel: Vec<(usize, Bytes)>,
    now_ms: u64,
    seen: Seen,
}

impl Pair {
    fn new() -> Self {
        let node = || Node {
            outbound: Outbound::new(true, Arc::default()),
            inbound: Inbound::default(),
            sent: 0,
            taken: Vec::new(),
        };
        let (channel, seen) = (Vec::new(), Seen::default());
        Self { nodes: [node(), node()], channel, now_ms: 0, seen }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Send(node, frames) => self.send(node, frames),
            Step::Carry(node) => _ = self.carry(node),
            Step::Deliver(at) => self.deliver(at, true),
            Step::Repeat(at) => self.deliver(at, false),
            Step::Lose(at) => {
                if !self.channel.is_empty() {
                    self.channel.remove(at % self.channel.len());
                    self.seen.lost += 1;
                }
            }
            Step::Take(node, frames) => self.take(node, frames),
            Step::Wait(ms) => self.wait(ms),
            Step::Reconnect(node) => self.nodes[node].outbound.lose_connection(),
        }
    }

    fn send(&mut self, node: usize, frames: u64) {
        let node = &mut self.nodes[node];
        for _ in 0..frames {
            let n = node.sent;
            let write = |batch: &mut Vec<u8>| wire::encode_onto(&body(n), batch);
            match node.outbound.accept(ROLES, false, write) {
                Ok(()) => node.sent += 1,
                Err(Refused::Full) => return,
                Err(error @ (Refused::TooLong | Refused::Closed)) => panic!("{error:?}"),
            }
        }
    }

    fn carry(&mut self, from: usize) -> bool {
        let ids = [ONE, TWO];
        let Node { outbound, inbound, .. } = &mut self.nodes[from];
        let message = next_message(ids[from], ids[1 - from], self.now_ms, inbound, outbound);
        let Some(message) = message else { return false };
        if self.channel.len() < CHANNEL_MESSAGES_MAX {
            self.channel.push((1 - from, message));
        }
        true
    }

    fn deliver(&mut self, at: usize, remove: bool) {
        if self.channel.is_empty() {
            return;
        }
        let at = at % self.channel.len();
        let (to, bytes) = self.channel[at].clone();
        if remove {
            self.channel.remove(at);
        }
        let header = Header::read(&bytes).expect("the channel flips no bits");
        let node = &mut self.nodes[to];
        node.outbound.acknowledge(self.now_ms, header.acknowledged);
        if header.frames == 0 {
            return;
        }
        match node.inbound.arrive(self.now_ms, &header, bytes, true) {
            Arrival::Taken => {}
            Arrival::Duplicate => self.seen.duplicates += 1,
            Arrival::Gap => self.seen.gaps += 1,
            other @ (Arrival::Dropped | Arrival::Nonsense) => panic!("{other:?}"),
        }
        assert!(node.inbound.parked_bytes() <= 2 * LINK_BYTES_MAX);
    }

    fn take(&mut self, node: usize, frames: usize) {
        let node = &mut self.nodes[node];
        for _ in 0..frames {
            let Some(next) = node.inbound.peek() else { break };
            let (frame, len) = next.expect("frames are whole");
            let body = wire::decode(frame.body, FRAME_BYTES_MAX).expect("and can be read");
            node.taken.push(number(&body));
            node.inbound.settle(len);
        }
        node.inbound.owe(self.now_ms);
    }

    fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        for node in &mut self.nodes {
            node.outbound.look(self.now_ms);
        }
    }

    /// From now on the channel is perfect. Says how long it took until everything was settled.
    fn settle(&mut self) -> u64 {
        let start_ms = self.now_ms;
        while !self.nodes.iter().all(|node| node.outbound.is_settled()) {
            assert!(self.now_ms - start_ms < 60_000, "it never ends");
            for node in 0..2 {
                while self.channel.len() < CHANNEL_MESSAGES_MAX && self.carry(node) {}
            }
            while !self.channel.is_empty() {
                self.deliver(0, true);
            }
            (0..2).for_each(|node| self.take(node, usize::MAX));
            self.wait(10);
        }
        self.now_ms - start_ms
    }
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..2usize;
    let any_at = || 0..CHANNEL_MESSAGES_MAX;
    prop_oneof![
        3 => (node(), 1..200u64).prop_map(|(node, frames)| Step::Send(node, frames)),
        1 => (node(), 2_500..3_500u64).prop_map(|(node, frames)| Step::Send(node, frames)),
        6 => node().prop_map(Step::Carry),
        5 => any_at().prop_map(Step::Deliver),
        2 => any_at().prop_map(Step::Lose),
        1 => any_at().prop_map(Step::Repeat),
        3 => (node(), 0..2_000usize).prop_map(|(node, frames)| Step::Take(node, frames)),
        2 => (0..400u64).prop_map(Step::Wait),
        1 => node().prop_map(Step::Reconnect),
    ]
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn everything_arrives_once_and_in_order_whatever_the_channel_did(script in script()) {
        let mut pair = Pair::new();
        script.iter().for_each(|step| pair.run(step));
        pair.settle();
        for (sender, receiver) in [(0, 1), (1, 0)] {
            let sent: Vec<_> = (0..pair.nodes[sender].sent).collect();
            prop_assert_eq!(&pair.nodes[receiver].taken, &sent);
        }
    }

    #[test]
    fn whenever_a_node_dies_what_it_did_not_take_comes_back(script in script()) {
        let mut pair = Pair::new();
        script.iter().for_each(|step| pair.run(step));
        let [sender, dead] = &mut pair.nodes;
        let back: Vec<_> = sender.outbound.close().iter().map(|(_, _, b)| number(b)).collect();
        let first_back = sender.sent - u64::try_from(back.len()).expect("fits");
        prop_assert_eq!(&back, &(first_back..sender.sent).collect::<Vec<_>>());
        let taken = u64::try_from(dead.taken.len()).expect("fits");
        prop_assert_eq!(&dead.taken, &(0..taken).collect::<Vec<_>>());
        prop_assert!(first_back <= taken, "frame {first_back} is neither here nor there");
    }
}

#[test]
fn the_scripts_do_lose_repeat_and_reorder() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut total = Seen::default();
    for _ in 0..50 {
        let mut pair = Pair::new();
        let script = script().new_tree(&mut runner).expect("a script").current();
        script.iter().for_each(|step| pair.run(step));
        total.lost += pair.seen.lost;
        total.duplicates += pair.seen.duplicates;
        total.gaps += pair.seen.gaps;
    }
    let Seen { lost, duplicates, gaps } = total;
    assert!(lost > 100 && duplicates > 50 && gaps > 20, "{lost} {duplicates} {gaps}");
}

#[test]
fn one_lost_batch_is_asked_for_at_once_and_not_after_a_silence() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.send(0, 10);
        pair.carry(0);
    }
    pair.channel.remove(0);
    assert!(pair.settle() < 100, "that is less than the silence after which it would be anyway");
    assert_eq!(pair.nodes[1].taken, (0..30).collect::<Vec<_>>());
}
