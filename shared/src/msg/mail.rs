//! What goes through outboxes and mailboxes: what must not be lost and not happen twice.

use serde::{Deserialize, Serialize};

use super::client::{Attachments, Outcome};
use super::refusal::Refusal;
use crate::ids::{BattleId, GuildId, PlayerId};

/// One mail. Stored as [`crate::wire`] bytes, so variants are appended, never moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mail {
    /// Player to player: already taken out of the sender's bag.
    Gift {
        /// Who sent it.
        from: PlayerId,
        /// The sender's name at the time.
        from_name: String,
        /// What it holds.
        attached: Attachments,
    },
    /// Battle to player: what the battle changed for this player.
    BattleResult {
        /// The battle.
        battle: BattleId,
        /// How it ended.
        outcome: Outcome,
        /// Added to the rating.
        rating_change: i32,
        /// Added to the experience.
        xp: u32,
        /// The reward.
        attached: Attachments,
    },
    /// Player to guild: founds it (with the name) or applies for membership.
    GuildApplication {
        /// Who applies.
        player: PlayerId,
        /// The player's name.
        player_name: String,
        /// The name of the guild to found; `None` to join an existing one.
        found: Option<String>,
    },
    /// Player to guild: the player has left.
    GuildLeft {
        /// Who has left.
        player: PlayerId,
    },
    /// Guild to player: the answer to an application.
    GuildAnswer {
        /// The guild.
        guild: GuildId,
        /// Refused, with the reason; `None` is a welcome.
        refused: Option<Refusal>,
    },
}
