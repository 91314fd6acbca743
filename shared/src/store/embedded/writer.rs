//! The store thread: gathers what is queued, applies it in one transaction, makes it durable,
//! and answers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use redb::{Database, DatabaseError, Durability, StorageError};

use super::Wake;
use super::rows::TxnRows;
use crate::store::rules::{self, RowsError};
use crate::store::{StoreFailure, StoreReply, StoreRequest};

/// Steps (requests, or commits of a batch) in one transaction; the rest waits for the next one.
/// A single batch of `limits::COMMIT_BATCH_KEYS_MAX` commits may exceed it once.
pub(super) const TRANSACTION_STEPS_MAX: usize = 4_096;

/// What connects the thread with one handle.
pub(super) struct Lane {
    pub(super) requests: Receiver<StoreRequest>,
    /// Has room for an answer to everything that the handle may have waiting.
    pub(super) answers: Sender<StoreReply>,
    pub(super) wake: Wake,
}

/// What the store tells its thread.
pub(super) enum Order {
    /// Serve one more handle.
    Add(Lane),
    /// Answer what is there and end.
    Stop,
}

/// The state of the thread.
pub(super) struct Writer {
    db: Database,
    bell: Receiver<()>,
    orders: Receiver<Order>,
    lanes: Vec<Lane>,
    /// The lane that is served first in the next round.
    first: usize,
    requests: Vec<StoreRequest>,
    /// For each request, the lane it came from.
    origins: Vec<usize>,
}

impl Writer {
    /// A thread state that has no lanes yet.
    pub(super) fn new(db: Database, bell: Receiver<()>, orders: Receiver<Order>) -> Self {
        let (lanes, requests, origins) = (Vec::new(), Vec::new(), Vec::new());
        Self { db, bell, orders, lanes, first: 0, requests, origins }
    }

    /// Serves until it is told to stop, and hands the file back.
    ///
    /// # Errors
    /// A panic of the back-end, which was caught and logged; nobody is served any more.
    pub(super) fn run(mut self) -> Result<Database, DatabaseError> {
        let mut served = Ok(());
        let mut stop = false;
        while !stop && served.is_ok() {
            // Disconnected means that the store and all handles are gone.
            stop = self.bell.recv().is_err();
            stop |= self.take_orders();
            // What is queued when the stop comes is still answered, what comes later is not.
            let mut rounds_left = if stop { self.rounds_to_drain() } else { usize::MAX };
            while served.is_ok() && rounds_left > 0 && self.gather() {
                served = self.serve();
                rounds_left -= 1;
            }
        }
        for Lane { requests, answers, wake } in self.lanes.drain(..) {
            drop((requests, answers));
            wake();
        }
        served.map(|()| self.db)
    }

    pub(super) fn take_orders(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Add(lane)) => self.lanes.push(lane),
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return true,
                Err(TryRecvError::Empty) => return false,
            }
        }
    }

    /// Every round takes all there is or as much as fits, so this many take all that is queued.
    fn rounds_to_drain(&self) -> usize {
        self.lanes.iter().map(|lane| lane.requests.len()).sum::<usize>() + self.lanes.len()
    }

    /// Takes what is queued, up to the limit, starting with another lane each time. Returns
    /// whether there is anything.
    pub(super) fn gather(&mut self) -> bool {
        self.requests.clear();
        self.origins.clear();
        let mut steps = 0;
        let mut gone = Vec::new();
        let count = self.lanes.len();
        for offset in 0..count {
            let index = (self.first + offset) % count;
            while steps < TRANSACTION_STEPS_MAX {
                match self.lanes[index].requests.try_recv() {
                    Ok(request) => {
                        steps += steps_of(&request);
                        self.requests.push(request);
                        self.origins.push(index);
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        gone.push(index);
                        break;
                    }
                }
            }
        }
        self.first = self.first.wrapping_add(1);
        if self.requests.is_empty() {
            gone.sort_unstable();
            for index in gone.into_iter().rev() {
                self.lanes.swap_remove(index);
            }
        }
        !self.requests.is_empty()
    }

    /// Carries the gathered requests out and answers them.
    pub(super) fn serve(&mut self) -> Result<(), DatabaseError> {
        let attempt = AssertUnwindSafe(|| carry_out(&self.db, &self.requests));
        let (replies, served) = match catch_unwind(attempt) {
            Ok(Ok(replies)) => (replies, Ok(())),
            Ok(Err(error)) => {
                tracing::error!(%error, requests = self.requests.len(), "store batch failed");
                (self.all_failed(&error.to_string()), Ok(()))
            }
            Err(_) => {
                tracing::error!(requests = self.requests.len(), "store back-end panicked");
                let what = String::from("the back-end panicked");
                let replies = self.all_failed(&what);
                (replies, Err(DatabaseError::Storage(StorageError::Corrupted(what))))
            }
        };
        let mut woken = vec![false; self.lanes.len()];
        for (reply, origin) in replies.into_iter().zip(&self.origins) {
            // There is room by construction, so only a handle that is gone gets no answer.
            woken[*origin] = self.lanes[*origin].answers.try_send(reply).is_ok();
        }
        for (lane, _) in self.lanes.iter().zip(woken).filter(|(_, woken)| *woken) {
            (lane.wake)();
        }
        served
    }

    fn all_failed(&self, what: &str) -> Vec<StoreReply> {
        let failed = || StoreReply::Failed(StoreFailure::Backend(String::from(what)));
        self.requests.iter().map(|_| failed()).collect()
    }
}

fn steps_of(request: &StoreRequest) -> usize {
    match request {
        StoreRequest::Commit(commits) => commits.len().max(1),
        StoreRequest::ReadOwner { .. }
        | StoreRequest::Claim { .. }
        | StoreRequest::Release { .. }
        | StoreRequest::PeekMail { .. }
        | StoreRequest::Relay { .. }
        | StoreRequest::PendingOutboxes { .. }
        | StoreRequest::ListGuilds { .. } => 1,
    }
}

/// One transaction: all requests in order, then one durable commit if anything has changed.
fn carry_out(db: &Database, requests: &[StoreRequest]) -> Result<Vec<StoreReply>, redb::Error> {
    let mut txn = db.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    let mut replies = Vec::with_capacity(requests.len());
    let mut rows = TxnRows::open(&txn)?;
    for request in requests {
        replies.push(match rules::apply(&mut rows, request) {
            Ok(reply) => reply,
            Err(damaged @ RowsError::Damaged { .. }) => {
                tracing::error!(error = %damaged, "stored value is damaged");
                StoreReply::Failed(damaged.into())
            }
            // Dropping the transaction undoes everything.
            Err(RowsError::Backend(what)) => return Err(StorageError::Corrupted(what).into()),
        });
    }
    let dirty = rows.is_dirty();
    drop(rows);
    if dirty {
        txn.commit()?
    } else {
        txn.abort()?
    }
    metrics::counter!("store_transactions_total").increment(1);
    metrics::counter!("store_requests_total").increment(requests.len() as u64);
    Ok(replies)
}
