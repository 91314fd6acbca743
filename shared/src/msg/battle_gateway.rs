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
    /// The client is gone; the fighter stands still until the player returns.
    Left {
        /// The battle.
        battle: BattleId,
        /// The player.
        player: PlayerId,
        /// The session.
        session: SessionRef,
    },
}

/// Battleapp to gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BattleOutput {
    /// The session takes part in a battle from now on and sees it from `view`.
    Seated {
        /// The session.
        session: SessionId,
        /// The visibility class whose snapshots the session gets.
        view: u16,
        /// What the client is told.
        start: BattleStart,
    },
    /// One snapshot for all sessions of this gateway that see the battle from `view`.
    Snapshot {
        /// The battle.
        battle: BattleId,
        /// The visibility class.
        view: u16,
        /// The snapshot's bytes; their layout is in `docs/snapshots.md`.
        #[serde(with = "crate::wire::byte_list")]
        bytes: Vec<u8>,
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
}
