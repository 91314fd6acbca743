//! Tickets and how to find them.

use std::collections::BTreeMap;

use bevy_ecs::prelude::Resource;

use shared::ids::{Address, BattleId, PlayerId, TicketId};
use shared::msg::social_matchmaker::PartyMember;

use super::phase::Phase;

/// All live tickets. The two maps agree: a player is in `of_player` exactly as long as the
/// ticket there has the player in its party.
#[derive(Debug, Default, Resource)]
pub(crate) struct Tickets {
    /// At most `TICKETS_MAX`.
    pub(crate) by_id: BTreeMap<TicketId, Ticket>,
    /// At most one live ticket per player.
    pub(crate) of_player: BTreeMap<PlayerId, TicketId>,
}

/// One party's way from the queue to the end of its battle.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Who plays, as the matchmaker was told.
    pub(crate) party: Vec<PartyMember>,
    /// Who has the ticket.
    pub(crate) matchmaker: Address,
    /// How far it has come.
    pub(crate) phase: Phase,
}

/// What a player is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// Neither queued nor in a battle.
    Free,
    /// The matchmaker has not accepted the ticket yet.
    Queueing {
        /// The ticket.
        ticket: TicketId,
    },
    /// The ticket waits for a match, or for its cancellation.
    Queued {
        /// The ticket.
        ticket: TicketId,
    },
    /// The ticket's battle runs.
    Fighting {
        /// The ticket.
        ticket: TicketId,
        /// The battle.
        battle: BattleId,
        /// Where it is fought.
        battleapp: Address,
    },
}
