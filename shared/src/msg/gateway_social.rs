//! Gateway and social: presence, and requests about guilds, teams and queues.

use serde::{Deserialize, Serialize};

use super::client::{Event, Reply, SocialRequest};
use super::head::Head;
use super::refusal::Refusal;
use crate::ids::{Address, LoginOrder, PlayerId, RequestId, SessionId, SessionRef};

/// Gateway to social.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToSocial {
    /// A player is online. Replaces an older session of the same player; ignored if a newer one is
    /// known.
    Online {
        /// The player.
        player: PlayerId,
        /// The shown name.
        name: String,
        /// Where events go.
        session: SessionRef,
        /// The baseapp that owns the player.
        baseapp: Address,
        /// Its place among the player's logins.
        order: LoginOrder,
    },
    /// A session has ended; ignored if a newer session of the player is known.
    Offline {
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
    },
    /// A request of an online player.
    Request {
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
        /// The session's place among the player's logins: social may not have heard of it yet.
        order: LoginOrder,
        /// The client's id of the request.
        id: RequestId,
        /// What is asked.
        request: SocialRequest,
        /// How long the asker waits, and who follows it.
        head: Box<Head>,
    },
}

/// Social to gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromSocial {
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
