//! Social and battleapp: a player who lost the connection comes back into the battle, or another
//! comes to watch it.

use serde::{Deserialize, Serialize};

use crate::ids::{BattleId, PlayerId, SessionRef};

/// Social to battleapp: the player has a new session. Answered by `BattleOutput::Seated` to the
/// session's gateway, or by nothing if the battle is over; to spectators by
/// `BattleOutput::Watching` or by an event that says why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejoin {
    /// The battle.
    pub battle: BattleId,
    /// The player.
    pub player: PlayerId,
    /// The new session.
    pub session: SessionRef,
    /// The player has no seat there and wants to watch.
    pub as_spectator: bool,
}
