//! Carries out what a core puts out, in order, without ever blocking its thread.

use std::collections::VecDeque;

use super::replays::Replays;
use super::status::RoleStatus;
use crate::core::{EdgeOutput, Input, Output};
use crate::ids::Address;
use crate::limits::STORE_OPS_WAITING_MAX;
use crate::mq::{Mq, SendError};
use crate::msg::Body;
use crate::msg::battle_gateway::BattleOutput;
use crate::store::{OpId, Store, StoreReply, StoreRequest};

/// Unsent frames that wait for the next tick. A further one is lost for the core and counted: a
/// core that answers each of them with two new ones must not grow without bound.
const UNSENT_WAITING_MAX: usize = 65_536;
/// From so many unsent frames on, unsent snapshots are dropped and counted; the next one of the
/// same battle replaces them anyway.
const UNSENT_BEFORE_SNAPSHOTS_DROP: usize = 1_024;
/// Requests that wait because the store takes no more. At the limit no tick runs until it does.
const STORE_REQUESTS_WAITING_MAX: usize = STORE_OPS_WAITING_MAX;

const _: () = assert!(UNSENT_BEFORE_SNAPSHOTS_DROP < UNSENT_WAITING_MAX);

/// A role's ways out.
pub(super) struct Carrier {
    mq: Box<dyn Mq>,
    store: Box<dyn Store>,
    edge: Option<Box<dyn FnMut(EdgeOutput) + Send>>,
    replays: Replays,
    unsent: VecDeque<Input>,
    requests: VecDeque<(OpId, StoreRequest)>,
}

impl Carrier {
    pub(super) fn new(
        mq: Box<dyn Mq>,
        store: Box<dyn Store>,
        edge: Option<Box<dyn FnMut(EdgeOutput) + Send>>,
        replays: Replays,
    ) -> Self {
        Self { mq, store, edge, replays, unsent: VecDeque::new(), requests: VecDeque::new() }
    }

    /// The node MQ, to be polled.
    pub(super) fn mq(&mut self) -> &mut dyn Mq {
        self.mq.as_mut()
    }

    /// How many inputs wait here and in the node MQ.
    pub(super) fn inputs_waiting(&self) -> usize {
        self.unsent.len() + self.mq.waiting()
    }

    /// How many requests the store has not taken yet.
    pub(super) fn requests_waiting(&self) -> usize {
        self.requests.len()
    }

    /// So many requests wait that no tick may make more.
    pub(super) fn must_wait_for_store(&self) -> bool {
        self.requests.len() >= STORE_REQUESTS_WAITING_MAX
    }

    /// Everything has gone out.
    pub(super) fn is_empty(&self) -> bool {
        self.unsent.is_empty() && self.requests.is_empty()
    }

    /// Moves up to `limit` unsent frames into `inputs`, oldest first.
    pub(super) fn take_unsent(&mut self, limit: usize, inputs: &mut Vec<Input>) {
        let count = self.unsent.len().min(limit);
        inputs.extend(self.unsent.drain(..count));
    }

    /// Offers the store what it did not take, then moves its answers into `replies`.
    pub(super) fn poll_store(&mut self, replies: &mut Vec<(OpId, StoreReply)>) {
        while let Some((op, request)) = self.requests.pop_front() {
            if let Err(full) = self.store.submit(op, request) {
                self.requests.push_front((op, full.0));
                break;
            }
        }
        self.store.poll(replies);
    }

    /// Has everything that was sent leave now.
    pub(super) fn flush(&mut self) {
        self.mq.flush();
    }

    /// Carries out `outputs` and leaves it empty. What is sent may wait for a flush.
    pub(super) fn carry(&mut self, outputs: &mut Vec<Output>, status: &mut RoleStatus) {
        for output in outputs.drain(..) {
            match output {
                Output::Send { to, body } => self.send(to, body, status),
                Output::Store { op, request } => self.ask(op, request),
                Output::Edge(output) => match &mut self.edge {
                    Some(edge) => edge(output),
                    None => tracing::error!(role = %status.role, "role has no client edge"),
                },
                Output::SaveReplay { battle, bytes } => {
                    if !self.replays.keep(battle, bytes) {
                        status.replays_dropped += 1;
                        tracing::warn!(%battle, "replay dropped, its writer does not keep up");
                    }
                }
            }
        }
    }

    fn send(&mut self, to: Address, body: Body, status: &mut RoleStatus) {
        let body = match self.mq.send(to, body) {
            Ok(()) => return,
            Err(SendError::Full(body) | SendError::Gone(body)) => body,
        };
        let waiting = self.unsent.len();
        if waiting >= UNSENT_BEFORE_SNAPSHOTS_DROP && is_snapshot(&body) {
            status.snapshots_dropped += 1;
        } else if waiting >= UNSENT_WAITING_MAX {
            status.unsent_lost += 1;
        } else {
            status.unsent += 1;
            self.unsent.push_back(Input::Unsent { to, body });
        }
    }

    fn ask(&mut self, op: OpId, request: StoreRequest) {
        if !self.requests.is_empty() {
            self.requests.push_back((op, request));
        } else if let Err(full) = self.store.submit(op, request) {
            self.requests.push_back((op, full.0));
        }
    }
}

const fn is_snapshot(body: &Body) -> bool {
    matches!(body, Body::BattleOutput(BattleOutput::Snapshots { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BattleId, Key, NodeId, PlayerId, Role};
    use crate::mq::MqEvent;
    use crate::store::{Ownership, StoreFull};

    struct AlwaysFull;

    impl Mq for AlwaysFull {
        fn send(&mut self, _to: Address, body: Body) -> Result<(), SendError> {
            Err(SendError::Full(body))
        }

        fn flush(&mut self) {}

        fn poll(&mut self, _limit: usize, _events: &mut Vec<MqEvent>) {}
    }

    /// Takes as many requests as it has places and answers none.
    struct Places(usize, Vec<OpId>);

    impl Store for Places {
        fn submit(&mut self, op: OpId, request: StoreRequest) -> Result<(), StoreFull> {
            if self.0 == 0 {
                return Err(StoreFull(request));
            }
            self.0 -= 1;
            self.1.push(op);
            Ok(())
        }

        fn poll(&mut self, replies: &mut Vec<(OpId, StoreReply)>) {
            self.0 = 2;
            let owner = || StoreReply::Owner(Ownership::default());
            replies.extend(self.1.drain(..).map(|op| (op, owner())));
        }
    }

    const TO: Address = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Gateway };

    fn carrier() -> (Carrier, RoleStatus) {
        let (replays, _thread) = Replays::start(TO.node, Box::new(|_, _| {})).unwrap();
        let store = Box::new(Places(0, Vec::new()));
        (Carrier::new(Box::new(AlwaysFull), store, None, replays), RoleStatus::new(TO.role))
    }

    fn asks(ops: std::ops::Range<u64>) -> Vec<Output> {
        let request = |n| StoreRequest::ReadOwner { key: Key::Player(PlayerId(n)) };
        ops.map(|n| Output::Store { op: OpId(n), request: request(n) }).collect()
    }

    #[test]
    fn what_cannot_be_sent_waits_within_limits_and_snapshots_give_way_first() {
        let (mut carrier, mut status) = carrier();
        let mut send = |carrier: &mut Carrier, body: &Body, times: usize| {
            let output = Output::Send { to: TO, body: body.clone() };
            let mut outputs = vec![output; times];
            carrier.carry(&mut outputs, &mut status);
            (carrier.inputs_waiting(), status.snapshots_dropped, status.unsent_lost)
        };
        let (battle, encoded) = (BattleId(1), Vec::new());
        let snapshot = Body::BattleOutput(BattleOutput::Snapshots { battle, encoded });
        let other = Body::MailWaiting(Key::Player(PlayerId(1)));
        let before = UNSENT_BEFORE_SNAPSHOTS_DROP;
        assert_eq!(send(&mut carrier, &snapshot, before + 7), (before, 7, 0));
        let rest = UNSENT_WAITING_MAX - before;
        assert_eq!(send(&mut carrier, &other, rest + 5), (UNSENT_WAITING_MAX, 7, 5));
        let mut inputs = Vec::new();
        carrier.take_unsent(2, &mut inputs);
        assert_eq!(inputs, vec![Input::Unsent { to: TO, body: snapshot }; 2]);
        assert_eq!(carrier.inputs_waiting(), UNSENT_WAITING_MAX - 2);
    }

    #[test]
    fn what_the_store_does_not_take_is_offered_again_in_order_and_holds_up_the_tick_at_last() {
        let (mut carrier, mut status) = carrier();
        carrier.carry(&mut asks(0..5), &mut status);
        assert_eq!(carrier.requests_waiting(), 5);
        let (mut replies, mut answered) = (Vec::new(), Vec::new());
        for round in 0..4 {
            carrier.poll_store(&mut replies);
            answered.extend(replies.drain(..).map(|(op, _)| op.0));
            carrier.carry(&mut asks(5 + round..6 + round), &mut status);
        }
        while carrier.requests_waiting() > 0 || answered.len() < 9 {
            carrier.poll_store(&mut replies);
            answered.extend(replies.drain(..).map(|(op, _)| op.0));
        }
        assert_eq!(answered, (0..9).collect::<Vec<_>>());
        let most = u64::try_from(STORE_REQUESTS_WAITING_MAX).unwrap();
        carrier.carry(&mut asks(0..most + 2), &mut status);
        assert!(carrier.must_wait_for_store());
        carrier.poll_store(&mut replies);
        carrier.poll_store(&mut replies);
        assert!(!carrier.must_wait_for_store());
    }
}
