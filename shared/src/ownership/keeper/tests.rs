//! The keeper against a store in memory whose answers come when the test lets them.

use std::collections::VecDeque;

use super::*;
use crate::directory::Nodes;
use crate::ids::{BattleId, NodeId, PlayerId, Role};
use crate::store::memory::MemoryStore;
use crate::store::{CommitVerdict, PartId, StoreReply};

const KEY: Key = Key::Player(PlayerId(1));
const OTHER: Key = Key::Player(PlayerId(2));

fn address(node: u16) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role: Role::Baseapp }
}

/// A reply that can be told apart by `n`.
fn reply(n: u64) -> Output {
    Output::SaveReplay { battle: BattleId(n), bytes: Vec::new() }
}

struct Bench {
    keeper: Keeper,
    store: MemoryStore,
    nodes: Nodes,
    asked: VecDeque<(OpId, StoreRequest)>,
    /// What left the keeper for somebody else than the store.
    said: Vec<Output>,
    events: Vec<KeeperEvent>,
}

impl Bench {
    fn new() -> Self {
        Self {
            keeper: Keeper::new(address(1)),
            store: MemoryStore::default(),
            nodes: Nodes::default(),
            asked: VecDeque::new(),
            said: Vec::new(),
            events: Vec::new(),
        }
    }

    fn owning(key: Key) -> Self {
        let mut bench = Self::new();
        bench.act(|keeper, outputs| keeper.open(key, outputs));
        bench.answer_all();
        assert!(matches!(bench.events.remove(0), KeeperEvent::Opened { .. }));
        bench
    }

    fn act(&mut self, act: impl FnOnce(&mut Keeper, &mut Vec<Output>)) {
        let mut outputs = Vec::new();
        act(&mut self.keeper, &mut outputs);
        self.sort(outputs);
    }

    fn sort(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            if let Output::Store { op, request } = output {
                self.asked.push_back((op, request));
            } else {
                self.said.push(output);
            }
        }
    }

    fn answer_one(&mut self, change: impl FnOnce(StoreReply) -> StoreReply) {
        let (op, request) = self.asked.pop_front().expect("something was asked");
        let reply = change(self.store.apply(&request));
        let mut outputs = Vec::new();
        let mine = self.keeper.stored(op, reply, &self.nodes, &mut outputs, &mut self.events);
        assert!(mine);
        self.sort(outputs);
    }

    fn answer_all(&mut self) {
        while !self.asked.is_empty() {
            self.answer_one(|reply| reply);
        }
    }

    /// A tick that writes `byte` and answers with `reply(n)`, or `reply(n + 100)` if it fails.
    fn write(&mut self, byte: u8, n: u64) {
        self.act(|keeper, outputs| {
            let parts = vec![(PartId(1), vec![byte])];
            keeper.stage(KEY, Change { parts, posts: Vec::new() });
            keeper.hold(KEY, reply(n), Some(reply(n + 100)), outputs);
            keeper.seal(outputs);
        });
    }

    fn post(&mut self, mail: u8) {
        self.act(|keeper, outputs| {
            let posts = vec![Post { target: OTHER, mail: vec![mail] }];
            keeper.stage(KEY, Change { posts, ..Change::default() });
            keeper.seal(outputs);
        });
    }
}

#[test]
fn replies_leave_in_order_each_with_its_own_commit() {
    let mut bench = Bench::owning(KEY);
    bench.write(1, 1);
    bench.write(2, 2);
    assert_eq!(bench.said, [], "two commits are in flight");
    bench.answer_one(|reply| reply);
    assert_eq!(bench.said, [reply(1)]);
    bench.answer_one(|reply| reply);
    assert_eq!(bench.said, [reply(1), reply(2)]);
    bench.act(|keeper, outputs| keeper.hold(KEY, reply(3), None, outputs));
    assert_eq!(bench.said.last(), Some(&reply(3)), "nothing is undurable any more");
}

#[test]
fn a_fenced_commit_loses_the_key_and_everything_behind_it() {
    let mut bench = Bench::owning(KEY);
    let seen = Epoch(1);
    bench.store.apply(&StoreRequest::Claim { key: KEY, by: address(2), seen });
    bench.write(1, 1);
    bench.write(2, 2);
    bench.answer_all();
    assert_eq!(bench.said, [reply(101), reply(102)]);
    assert_eq!(bench.events, [KeeperEvent::Lost { key: KEY, reason: LostReason::Fenced }]);
    assert!(!bench.keeper.owns(KEY));
}

#[test]
fn a_late_answer_of_an_older_epoch_moves_nothing() {
    let mut bench = Bench::owning(KEY);
    bench.write(1, 1);
    bench.write(2, 2);
    let failed = StoreReply::Failed(crate::store::StoreFailure::Closed);
    bench.answer_one(|_| failed);
    bench.act(|keeper, outputs| keeper.open(KEY, outputs));
    bench.answer_all();
    let (lost, opened) = (&bench.events[0], &bench.events[1]);
    assert_eq!(*lost, KeeperEvent::Lost { key: KEY, reason: LostReason::Unknown });
    let KeeperEvent::Opened { record, .. } = opened else { panic!("opened again") };
    assert_eq!((record.epoch, record.version), (Epoch(2), Version(2)));
    assert_eq!(bench.said, [reply(101), reply(102)], "both outcomes count as unknown");
    bench.write(3, 3);
    bench.answer_all();
    assert_eq!(bench.said.last(), Some(&reply(3)));
}

#[test]
fn a_key_of_a_living_node_is_left_to_it_and_one_of_a_dead_node_is_taken() {
    let mut bench = Bench::new();
    bench.store.apply(&StoreRequest::Claim { key: KEY, by: address(2), seen: Epoch(0) });
    let card = crate::directory::NodeCard {
        id: address(2).node,
        state: crate::directory::NodeState::Ready,
        build: String::new(),
        roles: Vec::new(),
        link: None,
        page: None,
    };
    bench.nodes.apply(&crate::directory::DirectoryEvent::Changed(card));
    bench.act(|keeper, outputs| keeper.open(KEY, outputs));
    bench.answer_all();
    assert_eq!(bench.events, [KeeperEvent::Elsewhere { key: KEY, owner: address(2) }]);
    bench.nodes.apply(&crate::directory::DirectoryEvent::Gone(address(2).node));
    bench.act(|keeper, outputs| keeper.open(KEY, outputs));
    bench.answer_all();
    assert!(matches!(bench.events[1], KeeperEvent::Opened { .. }));
}

#[test]
fn mail_is_handed_over_once_even_if_the_bell_rings_in_between() {
    let mut bench = Bench::owning(KEY);
    bench.act(|keeper, outputs| keeper.open(OTHER, outputs));
    bench.answer_all();
    bench.events.clear();
    bench.post(7);
    bench.answer_all();
    let [KeeperEvent::Mail { key: OTHER, entries }] = &bench.events[..] else {
        panic!("one mail: {:?}", bench.events)
    };
    let position = entries[0].position;
    bench.act(|keeper, outputs| assert!(keeper.look_for_mail(OTHER, outputs)));
    bench.answer_all();
    assert_eq!(bench.events.len(), 1, "the core has not said what it took");
    bench.act(|keeper, outputs| {
        keeper.mail_done(OTHER, Some(position), outputs);
        keeper.seal(outputs);
    });
    bench.answer_all();
    assert_eq!(bench.events.len(), 1, "the bell that rang finds an empty mailbox");
    bench.post(8);
    bench.answer_all();
    assert_eq!(bench.events.len(), 2);
}

#[test]
fn the_outbox_counts_what_is_on_its_way_and_empties_by_relay() {
    let mut bench = Bench::owning(KEY);
    bench.post(1);
    assert_eq!(bench.keeper.outbox_room(KEY), OUTBOX_ENTRIES_MAX - 1);
    bench.answer_all();
    assert_eq!(bench.keeper.outbox_room(KEY), OUTBOX_ENTRIES_MAX);
}

#[test]
fn the_sweep_moves_what_a_dead_owner_left() {
    let mut bench = Bench::owning(KEY);
    bench.post(1);
    bench.answer_one(|reply| reply);
    bench.asked.clear();
    bench.keeper = Keeper::new(address(1));
    bench.act(|keeper, outputs| keeper.sweep(outputs));
    bench.answer_all();
    let peek = StoreRequest::PeekMail { key: OTHER, after: 0 };
    let StoreReply::Mail(entries) = bench.store.apply(&peek) else { panic!("mail is read") };
    assert_eq!(entries.len(), 1);
}

#[test]
fn a_released_key_goes_after_its_last_commit_and_can_come_back() {
    let mut bench = Bench::owning(KEY);
    bench.write(1, 1);
    bench.act(|keeper, outputs| keeper.release(KEY, outputs));
    assert!(!bench.keeper.owns(KEY));
    bench.answer_one(|reply| reply);
    assert_eq!(bench.said, [reply(1)], "the reply is not lost");
    bench.act(|keeper, outputs| keeper.open(KEY, outputs));
    bench.answer_all();
    let [KeeperEvent::Opened { record, .. }] = &bench.events[..] else {
        panic!("opened again: {:?}", bench.events)
    };
    assert_eq!(record.epoch, Epoch(2));
    assert!(bench.keeper.is_idle());
}

#[test]
fn a_change_that_is_too_large_loses_the_key_instead_of_the_truth() {
    let mut bench = Bench::owning(KEY);
    bench.write(1, 1);
    bench.answer_one(|_| StoreReply::Committed(vec![CommitVerdict::TooLarge]));
    assert_eq!(bench.said, [reply(101)]);
    assert_eq!(bench.events, [KeeperEvent::Lost { key: KEY, reason: LostReason::TooLarge }]);
}

#[test]
fn a_mark_is_reached_when_its_commit_is_durable_and_unknown_once_the_key_is_lost() {
    let mut bench = Bench::owning(KEY);
    let empty = bench.keeper.mark(KEY).expect("owned");
    assert_eq!(bench.keeper.reached(KEY, empty), Reached::Durable, "nothing was staged");
    let parts = vec![(PartId(1), vec![1])];
    bench.keeper.stage(KEY, Change { parts, posts: Vec::new() });
    let first = bench.keeper.mark(KEY).expect("owned");
    bench.act(Keeper::seal);
    bench.write(2, 2);
    let second = bench.keeper.mark(KEY).expect("owned");
    assert!(empty < first && first < second);
    assert_eq!(bench.keeper.reached(KEY, first), Reached::NotYet);
    bench.answer_one(|reply| reply);
    assert_eq!(bench.keeper.reached(KEY, first), Reached::Durable);
    assert_eq!(bench.keeper.reached(KEY, second), Reached::NotYet);
    bench.answer_one(|_| StoreReply::Committed(vec![CommitVerdict::Fenced]));
    assert_eq!(bench.keeper.reached(KEY, second), Reached::Unknown);
    assert_eq!(bench.keeper.mark(KEY), None);
}

#[test]
fn a_suspended_keeper_owns_nothing_and_goes_on_in_the_next_epoch() {
    let mut bench = Bench::owning(KEY);
    bench.write(1, 1);
    let mut events = Vec::new();
    bench.act(|keeper, outputs| {
        keeper.suspend(outputs, &mut events);
        keeper.open(OTHER, outputs);
    });
    let reason = LostReason::Suspended;
    assert_eq!(events, [KeeperEvent::Lost { key: KEY, reason }]);
    assert_eq!(bench.said, [reply(101)], "the held reply is not given");
    bench.answer_all();
    assert_eq!(bench.said, [reply(101)], "nor is it when the store answers late");
    assert_eq!(bench.events, [KeeperEvent::Lost { key: OTHER, reason }], "nothing is acquired");
    assert!(!bench.keeper.owns(KEY) && !bench.keeper.can_commit() && bench.keeper.is_idle());
    bench.events.clear();
    bench.keeper.resume();
    bench.act(|keeper, outputs| keeper.open(KEY, outputs));
    bench.answer_all();
    let [KeeperEvent::Opened { record, .. }] = &bench.events[..] else {
        panic!("opened again: {:?}", bench.events)
    };
    assert_eq!((record.epoch, record.version), (Epoch(2), Version(1)), "what was written is there");
    assert!(bench.keeper.can_commit());
}

#[test]
fn whether_writing_makes_sense_follows_from_the_last_answer() {
    let mut bench = Bench::owning(KEY);
    assert!(bench.keeper.can_commit());
    bench.write(1, 1);
    let failure = crate::store::StoreFailure::Backend(String::from("nobody there"));
    bench.answer_one(|_| StoreReply::Failed(failure));
    assert!(!bench.keeper.can_commit());
    bench.act(Keeper::sweep);
    bench.answer_one(|reply| reply);
    assert!(bench.keeper.can_commit());
}
