//! What is known of a player who is or was just online.

use std::collections::BTreeMap;

use bevy_ecs::prelude::Resource;

use shared::ids::{Address, LoginOrder, PlayerId, RequestId, SessionRef};
use shared::msg::client::SocialRequest;
use shared::ownership::RequestWindow;
use shared::tick::Tick;

/// All players who are online or within their grace, by id.
#[derive(Debug, Default, Resource)]
pub(crate) struct Players {
    /// At most `PLAYERS_MAX`.
    pub(crate) known: BTreeMap<PlayerId, Player>,
    /// How many of them are online.
    pub(crate) online: u64,
}

/// How to reach an online player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The shown name.
    pub(crate) name: String,
    /// Where events go.
    pub(crate) session: SessionRef,
    /// Who owns the player's data.
    pub(crate) baseapp: Address,
}

/// One player.
#[derive(Debug)]
pub(crate) struct Player {
    /// The newest login that is known.
    pub(crate) order: LoginOrder,
    /// Online, or for how long not.
    pub(crate) reach: Reach,
    /// Answers of this node to the player's changing requests. Kept in memory: what they changed
    /// lives no longer than the node either.
    pub(crate) window: RequestWindow,
    /// Requests that are not answered yet. At most `limits::REQUESTS_IN_FLIGHT_MAX`.
    pub(crate) waiting: BTreeMap<RequestId, SocialRequest>,
}

/// Whether a player can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Through this line.
    Online(Line),
    /// Not since this tick.
    Away {
        /// When the session ended.
        since: Tick,
    },
}
