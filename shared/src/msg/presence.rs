//! Whether players can be reached: what the lobby tells the other social nodes, and these the
//! clients.

use serde::{Deserialize, Serialize};

/// Whether a player can be reached, and for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// Has no session.
    Offline,
    /// Has a session and is in no battle.
    Online,
    /// Has a session and is in a battle.
    Fighting,
    /// Who would know cannot be asked right now, or has not heard from all gateways yet.
    #[default]
    Unknown,
}
