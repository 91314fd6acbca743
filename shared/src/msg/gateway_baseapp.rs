//! Gateway and baseapp: a player's session opens, asks and closes.

use serde::{Deserialize, Serialize};

use super::client::{Event, PlayerRequest, Reply};
use super::head::Head;
use super::refusal::Refusal;
use crate::ids::{Address, LoginOrder, PlayerId, RequestId, SessionId, SessionRef};

/// Gateway to baseapp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToBaseapp {
    /// A client wants in as `player`. Answered by `Opened`, `Moved` or `Refused`.
    Open {
        /// The player of the account.
        player: PlayerId,
        /// The account name; becomes the name of a new player.
        account: String,
        /// BLAKE3 hash of the secret, see [`secret_hash`].
        secret_hash: [u8; 32],
        /// Where answers go.
        session: SessionRef,
    },
    /// A request of the session that is open for the player.
    Request {
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
        /// The client's id of the request.
        id: RequestId,
        /// What is asked.
        request: PlayerRequest,
        /// How long the asker waits, and who follows it.
        head: Box<Head>,
    },
    /// The session is gone; the player's data may be handed back.
    Close {
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
    },
}

/// Baseapp to gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromBaseapp {
    /// The session speaks for the player from now on.
    Opened {
        /// The session.
        session: SessionId,
        /// The player.
        player: PlayerId,
        /// The player's shown name.
        name: String,
        /// Its place among the player's logins.
        order: LoginOrder,
    },
    /// Another baseapp owns the player; ask there.
    Moved {
        /// The session.
        session: SessionId,
        /// The owner.
        owner: Address,
    },
    /// The session is refused, or an open one is ended; the client is told why and closed.
    Refused {
        /// The session.
        session: SessionId,
        /// Why.
        refusal: Refusal,
    },
    /// The answer to a request.
    Reply {
        /// The session.
        session: SessionId,
        /// The request.
        id: RequestId,
        /// The answer.
        result: Result<Reply, Refusal>,
    },
    /// Something happened.
    Event {
        /// The session.
        session: SessionId,
        /// What.
        event: Event,
    },
}

/// What is stored of a secret: it has 256 random bits, so a plain hash cannot be reversed.
#[must_use]
pub fn secret_hash(account: &str, secret: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("cohort 2026 device secret");
    hasher.update(secret);
    hasher.update(account.as_bytes());
    *hasher.finalize().as_bytes()
}
