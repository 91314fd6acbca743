//! Battleapp and gateway: inputs in, snapshots out.

use serde::{Deserialize, Serialize};

use super::client::{BattleStart, ClientDatagram, Event};
use crate::ids::{BattleId, PlayerId, SessionId, SessionRef};

/// Gateway to battleapp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BattleInput {
    /// A client's commands. Those of a player who has no seat in the battle are refused.
    Commands {
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
        /// What the client sent.
        datagram: ClientDatagram,
    },
    /// The client is gone or watches no more; a fighter stands still until the player returns.
    Left {
        /// The battle.
        battle: BattleId,
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
    },
}

/// A snapshot for all sessions that see the same and have the same baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoded {
    /// Whether it goes by the control stream, because it must not be lost or is too long for a
    /// datagram.
    pub by_stream: bool,
    /// Who gets it.
    pub sessions: Vec<SessionId>,
    /// A whole datagram, its first byte included; or, by stream, a snapshot alone. The layout is in
    /// `docs/snapshots.md`.
    #[serde(with = "crate::wire::byte_list")]
    pub bytes: Vec<u8>,
}

/// Battleapp to gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BattleOutput {
    /// The session takes part in a battle from now on.
    Seated {
        /// The session.
        session: SessionId,
        /// What the client is told.
        start: BattleStart,
    },
    /// What the sessions of this gateway get of one tick.
    Snapshots {
        /// The battle.
        battle: BattleId,
        /// Each encoding once, with the sessions that it is for.
        encoded: Vec<Encoded>,
    },
    /// Something happened that one client is told.
    Event {
        /// The session.
        session: SessionId,
        /// What.
        event: Event,
    },
    /// The battle is over for all sessions of this gateway.
    Over {
        /// The battle.
        battle: BattleId,
    },
    /// A session sent inputs for a battle that it is not in; it counts as an offence.
    NotSeated {
        /// The session.
        session: SessionId,
        /// The battle.
        battle: BattleId,
    },
    /// The session watches a battle from now on.
    Watching {
        /// The session.
        session: SessionId,
        /// What the client is told.
        start: BattleStart,
    },
}
