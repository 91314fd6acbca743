//! Social and matchmaker: tickets.

use serde::{Deserialize, Serialize};

use super::head::Head;
use super::refusal::Refusal;
use crate::ids::{Address, BattleId, PlayerId, SessionRef, TicketId};

/// Social to matchmaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToMatchmaker {
    /// A party wants to fight. Answered by `Queued` or `Closed`.
    Enqueue {
        /// Chosen by social.
        ticket: TicketId,
        /// The queue's name in the content files.
        queue: String,
        /// The party, `1..=limits::TEAM_MEMBERS_MAX` players.
        party: Vec<PartyMember>,
        /// How long the asker waits, and who follows it.
        head: Box<Head>,
    },
    /// The party does not want to any more. Answered by `Closed`, unless it was matched before.
    Cancel {
        /// The ticket.
        ticket: TicketId,
    },
}

/// A player in a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyMember {
    /// The player.
    pub player: PlayerId,
    /// Where the client is.
    pub session: SessionRef,
    /// Who has the player's card.
    pub baseapp: Address,
}

/// Matchmaker to social.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromMatchmaker {
    /// The ticket waits for a match.
    Queued {
        /// The ticket.
        ticket: TicketId,
    },
    /// The ticket's battle has begun. The ticket lives on until `Closed`.
    Matched {
        /// The ticket.
        ticket: TicketId,
        /// The battle.
        battle: BattleId,
        /// Where it is fought.
        battleapp: Address,
    },
    /// The ticket is no more: cancelled, refused, or its battle is over. The party is free.
    Closed {
        /// The ticket.
        ticket: TicketId,
        /// Why, if neither asked for nor a finished battle.
        refused: Option<Refusal>,
    },
}
