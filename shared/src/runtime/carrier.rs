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

    /// Carries out `outputs` and leaves it empty.
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
    matches!(body, Body::BattleOutput(BattleOutput::Snapshot { .. }))
}
