//! A role's access to the thread that serves it.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};

use crate::limits::STORE_OPS_WAITING_MAX;
use crate::store::{OpId, Store, StoreFailure, StoreFull, StoreReply, StoreRequest};

/// One role's handle of a store in Redis. Every request that was taken is answered exactly once,
/// in order: with `Failed(Closed)` if the store was closed before it was answered.
#[derive(Debug)]
pub struct RedisHandle {
    requests: Sender<StoreRequest>,
    answers: Receiver<StoreReply>,
    /// Taken and not yet answered, oldest first. Both channels have room for all of them, so
    /// neither side ever waits for the other.
    waiting: VecDeque<OpId>,
}

impl RedisHandle {
    pub(super) fn new(requests: Sender<StoreRequest>, answers: Receiver<StoreReply>) -> Self {
        Self { requests, answers, waiting: VecDeque::new() }
    }
}

impl Store for RedisHandle {
    fn submit(&mut self, op: OpId, request: StoreRequest) -> Result<(), StoreFull> {
        if self.waiting.len() >= STORE_OPS_WAITING_MAX {
            return Err(StoreFull(request));
        }
        match self.requests.try_send(request) {
            Ok(()) => {}
            Err(TrySendError::Full(request)) => return Err(StoreFull(request)),
            // The next poll finds the answers disconnected as well and says so.
            Err(TrySendError::Disconnected(_)) => {}
        }
        self.waiting.push_back(op);
        Ok(())
    }

    fn poll(&mut self, replies: &mut Vec<(OpId, StoreReply)>) {
        while let Some(op) = self.waiting.front().copied() {
            let reply = match self.answers.try_recv() {
                Ok(reply) => reply,
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => StoreReply::Failed(StoreFailure::Closed),
            };
            self.waiting.pop_front();
            replies.push((op, reply));
        }
    }
}
