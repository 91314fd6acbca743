//! The request window: results of changing requests, kept so that a retry gets the stored answer
//! and never a second effect. It is stored as a part of the key, in the same commit as the effect.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::ids::RequestId;
use crate::limits::REQUEST_WINDOW_MAX;
use crate::msg::client::Reply;
use crate::msg::refusal::Refusal;
use crate::mutation::{self, Mutation};
use crate::wire;

/// Results of the last `limits::REQUEST_WINDOW_MAX` changing requests of one player.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestWindow {
    entries: VecDeque<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    id: RequestId,
    body: u64,
    result: Result<Reply, Refusal>,
}

/// What the window knows of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Not seen: carry it out.
    New,
    /// Carried out before, with this result.
    Before(Result<Reply, Refusal>),
    /// The id was used for a different request.
    OtherBody,
}

impl RequestWindow {
    /// Looks a request up.
    #[must_use]
    pub fn look_up<T: Serialize>(&self, id: RequestId, request: &T) -> Seen {
        match self.entries.iter().find(|entry| entry.id == id) {
            _ if mutation::is_on(Mutation::ForgetRequests) => Seen::New,
            None => Seen::New,
            Some(entry) if entry.body == body_hash(request) => Seen::Before(entry.result.clone()),
            Some(_) => Seen::OtherBody,
        }
    }

    /// Remembers a result; the oldest is forgotten at the limit. A client has fewer requests in
    /// flight than the window holds, so no retry can come after its result was forgotten.
    pub fn remember<T: Serialize>(
        &mut self,
        id: RequestId,
        request: &T,
        result: Result<Reply, Refusal>,
    ) {
        if self.entries.len() == REQUEST_WINDOW_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { id, body: body_hash(request), result });
    }
}

fn body_hash<T: Serialize>(request: &T) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&wire::encode(request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg::client::PlayerRequest;

    const EQUIP: PlayerRequest = PlayerRequest::Equip { item: 1 };

    #[test]
    fn a_retry_gets_the_stored_answer_and_another_body_is_found_out() {
        let mut window = RequestWindow::default();
        assert_eq!(window.look_up(RequestId(1), &EQUIP), Seen::New);
        window.remember(RequestId(1), &EQUIP, Ok(Reply::Done));
        assert_eq!(window.look_up(RequestId(1), &EQUIP), Seen::Before(Ok(Reply::Done)));
        let other = PlayerRequest::Equip { item: 2 };
        assert_eq!(window.look_up(RequestId(1), &other), Seen::OtherBody);
    }

    #[test]
    fn the_window_is_bounded_and_forgets_the_oldest() {
        let mut window = RequestWindow::default();
        for id in 0..=REQUEST_WINDOW_MAX {
            let id = RequestId(u64::try_from(id).expect("small"));
            window.remember(id, &EQUIP, Ok(Reply::Done));
        }
        assert_eq!(window.entries.len(), REQUEST_WINDOW_MAX);
        assert_eq!(window.look_up(RequestId(0), &EQUIP), Seen::New);
        assert_ne!(window.look_up(RequestId(1), &EQUIP), Seen::New);
    }
}
