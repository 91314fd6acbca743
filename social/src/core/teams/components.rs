//! What a team consists of, and how to find it.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::{Component, Entity, Resource};

use shared::ids::{PlayerId, TeamId};
use shared::tick::Tick;

/// What the team is called outside of this crate.
#[derive(Clone, Copy, Debug, Component)]
pub(crate) struct Label(pub(crate) TeamId);

/// The members in the order in which they came, the leader first. Never empty, at most
/// `limits::TEAM_MEMBERS_MAX`.
#[derive(Clone, Debug, Component)]
pub(crate) struct Members(pub(crate) Vec<PlayerId>);

/// Who may join, and until when. At most `TEAM_INVITATIONS_MAX`.
#[derive(Clone, Debug, Default, Component)]
pub(crate) struct Invitations(pub(crate) BTreeMap<PlayerId, Tick>);

/// Finds teams. Bounded by the known players: each is in at most one team.
#[derive(Debug, Default, Resource)]
pub(crate) struct Teams {
    /// The entity of each team.
    pub(crate) by_id: BTreeMap<TeamId, Entity>,
    /// The team of each member.
    pub(crate) of_player: BTreeMap<PlayerId, Entity>,
    /// The teams that have invited a player; mirrors [`Invitations`].
    pub(crate) inviting: BTreeMap<PlayerId, BTreeSet<TeamId>>,
}
