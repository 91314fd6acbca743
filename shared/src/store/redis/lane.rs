//! The thread that serves one handle: takes what is queued, carries it out, answers in order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender, select};

use super::worker::{Kind, Worker, kind};
use crate::store::embedded::Wake;
use crate::store::{StoreReply, StoreRequest};

/// Requests that are carried out together at most.
const REQUESTS_MAX: usize = 1_024;

/// One handle's side of the thread.
pub(super) struct Lane {
    pub(super) requests: Receiver<StoreRequest>,
    /// Has room for an answer to everything that the handle may have waiting.
    pub(super) answers: Sender<StoreReply>,
    pub(super) wake: Wake,
    /// Closed when the store is closed.
    pub(super) stop: Receiver<()>,
}

impl Lane {
    /// Serves until the handle is gone or the store is closed; what is queued then is still
    /// carried out. A panic is caught, and the handle finds the store closed.
    pub(super) fn run(self, mut worker: Worker) {
        let served = catch_unwind(AssertUnwindSafe(|| self.serve(&mut worker)));
        if served.is_err() {
            tracing::error!("a store thread panicked");
        }
        let Self { requests, answers, wake, stop } = self;
        drop((requests, answers, stop));
        wake();
    }

    fn serve(&self, worker: &mut Worker) {
        let mut held = None;
        loop {
            let first = held.take().or_else(|| {
                select! {
                    recv(self.requests) -> request => request.ok(),
                    recv(self.stop) -> _closed => self.requests.try_recv().ok(),
                }
            });
            let Some(first) = first else { return };
            let (kind, batch) = self.gather(first, &mut held);
            let replies = worker.carry_out(kind, &batch);
            metrics::counter!("store_requests_total").increment(batch.len() as u64);
            metrics::counter!("store_redis_batches_total").increment(1);
            for reply in replies {
                // There is room by construction, so only a handle that is gone gets no answer.
                let _gone = self.answers.try_send(reply);
            }
            (self.wake)();
        }
    }

    /// Takes what can be carried out together with `first`. What cannot is held.
    fn gather(
        &self,
        first: StoreRequest,
        held: &mut Option<StoreRequest>,
    ) -> (Kind, Vec<StoreRequest>) {
        let kind_of_all = kind(&first);
        let mut batch = vec![first];
        while batch.len() < REQUESTS_MAX && kind_of_all != Kind::List {
            let Ok(next) = self.requests.try_recv() else { break };
            let repeated = kind_of_all == Kind::Relay && batch.contains(&next);
            if kind(&next) != kind_of_all || repeated {
                *held = Some(next);
                break;
            }
            batch.push(next);
        }
        (kind_of_all, batch)
    }
}
