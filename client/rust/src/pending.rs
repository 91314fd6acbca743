//! Requests that wait for their replies.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use shared::ids::RequestId;
use shared::msg::client::Reply;

use crate::error::{CloseReason, RequestError};

type Answer = Result<Reply, RequestError>;

/// The requests in flight. The server refuses more than a few of them, so the map stays small.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<RequestId, oneshot::Sender<Answer>>,
    closed: Option<CloseReason>,
}

impl Pending {
    /// Registers a request.
    pub(crate) fn begin(&self, id: RequestId) -> Result<oneshot::Receiver<Answer>, RequestError> {
        self.with(|state| {
            if let Some(reason) = &state.closed {
                return Err(RequestError::Disconnected(reason.clone()));
            }
            if state.waiting.contains_key(&id) {
                return Err(RequestError::InFlight);
            }
            let (answer, waiter) = oneshot::channel();
            state.waiting.insert(id, answer);
            Ok(waiter)
        })
    }

    /// Hands an answer to whoever waits for it; one that nobody waits for any more is dropped.
    pub(crate) fn answer(&self, id: RequestId, answer: Answer) {
        if let Some(waiter) = self.with(|state| state.waiting.remove(&id)) {
            // The caller may have given up in this moment.
            let _given_up = waiter.send(answer);
        }
    }

    /// Forgets a request.
    pub(crate) fn forget(&self, id: RequestId) {
        self.with(|state| state.waiting.remove(&id));
    }

    /// Ends all requests, and those that come later.
    pub(crate) fn close(&self, reason: &CloseReason) {
        let waiting = self.with(|state| {
            state.closed.get_or_insert_with(|| reason.clone());
            std::mem::take(&mut state.waiting)
        });
        for waiter in waiting.into_values() {
            let _given_up = waiter.send(Err(RequestError::Disconnected(reason.clone())));
        }
    }

    /// Why there are no more answers.
    pub(crate) fn closed(&self) -> Option<CloseReason> {
        self.with(|state| state.closed.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // The state is whole between two statements, so a panic elsewhere leaves it usable.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_in_flight_once_until_it_is_answered_or_forgotten() {
        let pending = Pending::default();
        let id = RequestId(1);
        let mut waiter = pending.begin(id).expect("first");
        assert_eq!(pending.begin(id).err(), Some(RequestError::InFlight));
        pending.answer(id, Ok(Reply::Pong));
        assert_eq!(waiter.try_recv(), Ok(Ok(Reply::Pong)));
        pending.begin(id).expect("again");
        pending.forget(id);
        pending.begin(id).expect("and again");
    }

    #[test]
    fn the_end_answers_everybody_also_those_who_come_late() {
        let pending = Pending::default();
        let mut waiter = pending.begin(RequestId(1)).expect("first");
        pending.close(&CloseReason::ByUs);
        let ended = RequestError::Disconnected(CloseReason::ByUs);
        assert_eq!(waiter.try_recv(), Ok(Err(ended.clone())));
        assert_eq!(pending.begin(RequestId(2)).err(), Some(ended));
    }
}
