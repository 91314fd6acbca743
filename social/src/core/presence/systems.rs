//! Sessions begin, end and are waited for.

use bevy_ecs::prelude::World;

use shared::ids::{LoginOrder, NodeId, PlayerId, SessionRef};
use shared::ownership::RequestWindow;

use super::components::{Line, Player, Players, Reach};
use super::{GRACE_MS, PLAYERS_MAX};
use crate::core::border::Border;
use crate::core::stage;

/// A session speaks for the player from now on; it replaces an older one. One that is older than
/// what is known is ignored: its gateway has not heard yet that it is over.
pub(crate) fn come_online(world: &mut World, player: PlayerId, order: LoginOrder, line: Line) {
    let mut players = world.resource_mut::<Players>();
    let room = players.known.len() < PLAYERS_MAX;
    let was = match players.known.get_mut(&player) {
        Some(known) if order < known.order => return,
        Some(known) => {
            known.order = order;
            std::mem::replace(&mut known.reach, Reach::Online(line.clone()))
        }
        None if room => {
            let fresh = Player {
                order,
                reach: Reach::Online(line),
                window: RequestWindow::default(),
                waiting: std::collections::BTreeMap::new(),
            };
            players.known.insert(player, fresh);
            players.online += 1;
            stage::session_opened(world, player);
            return;
        }
        None => {
            tracing::warn!(%player, "too many players, this one is not taken");
            return;
        }
    };
    match was {
        // A repeat, or the player's data has moved to another baseapp.
        Reach::Online(old) if old.session == line.session => {}
        Reach::Online(_) => stage::session_opened(world, player),
        Reach::Away { .. } => {
            players.online += 1;
            stage::session_opened(world, player);
        }
    }
}

/// A session has ended; ignored if it is not the player's current one.
pub(crate) fn go_offline(world: &mut World, player: PlayerId, session: SessionRef) {
    if session_of(world, player) != Some(session) {
        return;
    }
    let since = world.resource::<Border>().now;
    let mut players = world.resource_mut::<Players>();
    if let Some(known) = players.known.get_mut(&player) {
        known.reach = Reach::Away { since };
        players.online -= 1;
    }
    stage::session_ended(world, player);
}

/// A node is gone, and the sessions of its gateway with it.
pub(crate) fn gateway_gone(world: &mut World, node: NodeId) {
    let ended: Vec<(PlayerId, SessionRef)> = world
        .resource::<Players>()
        .known
        .iter()
        .filter_map(|(player, known)| match &known.reach {
            Reach::Online(line) => Some((*player, line.session)),
            Reach::Away { .. } => None,
        })
        .filter(|(_, session)| session.gateway == node)
        .collect();
    for (player, session) in ended {
        go_offline(world, player, session);
    }
}

/// Forgets players who did not come back in time.
pub(super) fn end_grace(world: &mut World) {
    let border = world.resource::<Border>();
    let gone: Vec<PlayerId> = world
        .resource::<Players>()
        .known
        .iter()
        .filter(|(_, known)| match known.reach {
            Reach::Online(_) => false,
            Reach::Away { since } => border.has_passed(since, GRACE_MS),
        })
        .map(|(player, _)| *player)
        .collect();
    for player in gone {
        world.resource_mut::<Players>().known.remove(&player);
        stage::grace_ended(world, player);
    }
}

/// The player's session, if online.
pub(crate) fn session_of(world: &World, player: PlayerId) -> Option<SessionRef> {
    login_of(world, player).map(|(session, _)| session)
}

/// The player's session and its place among the logins, if online.
pub(crate) fn login_of(world: &World, player: PlayerId) -> Option<(SessionRef, LoginOrder)> {
    let players = world.resource::<Players>();
    let known = players.known.get(&player)?;
    Some((players.line(player)?.session, known.order))
}

/// How many players are online.
pub(crate) fn online_count(world: &World) -> u64 {
    world.resource::<Players>().online
}

impl Players {
    /// How to reach a player, if online.
    pub(crate) fn line(&self, player: PlayerId) -> Option<&Line> {
        match &self.known.get(&player)?.reach {
            Reach::Online(line) => Some(line),
            Reach::Away { .. } => None,
        }
    }
}
