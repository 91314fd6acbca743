//! The lobby tells other social nodes who is online: those of whose presence somebody asks.

use bevy_ecs::prelude::{Mut, Resource, World};

use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Version};
use shared::msg::client::Presence;
use shared::msg::replication::{Replicated, ToPublisher, ToSubscriber};
use shared::mutation::{self, Mutation};
use shared::replication::Publisher;
use shared::tick::{Tick, TickRate};

use super::SETTLE_MS;
use super::components::Players;
use crate::core::border::Border;
use crate::core::queueing::{self, Play};

/// Presence lives in memory, and a lobby that follows is another address: all that is told is of
/// one epoch and not numbered.
const EPOCH: Epoch = Epoch(1);
const VERSION: Version = Version(1);

/// What the lobby tells.
#[derive(Debug, Resource)]
pub(crate) struct Telling {
    /// Players who are followed by somebody, online or not.
    publisher: Publisher,
    /// Since when this node is the lobby, if it is.
    since: Option<Tick>,
    /// Whether gateways had the time to tell who is online.
    is_settled: bool,
}

impl Telling {
    /// Nobody is followed yet.
    pub(super) fn new(rate: TickRate) -> Self {
        Self { publisher: Publisher::on_demand(rate), since: None, is_settled: false }
    }
}

/// The nodes have changed, or this one is to stop: it may be the lobby from now on, or no more.
pub(crate) fn mind_lobby(world: &mut World) {
    let border = world.resource::<Border>();
    let now = border.now;
    let is_lobby = !border.draining && border.nodes.lobby() == Some(border.me);
    world.resource_scope(|world, mut telling: Mut<'_, Telling>| {
        let Telling { publisher, since, is_settled } = &mut *telling;
        if since.is_some() == is_lobby {
            return;
        }
        *since = is_lobby.then_some(now);
        *is_settled = false;
        // The others hear from the next lobby, and must not believe this one for longer.
        let told: Vec<Key> = publisher.keys().collect();
        let outputs = &mut world.resource_mut::<Border>().outputs;
        told.into_iter().for_each(|key| publisher.disown(key, outputs));
    });
}

/// A social node wants to follow a player, or does not any more.
pub(crate) fn subscriber_said(world: &mut World, from: Address, said: ToPublisher) {
    let is_lobby = world.resource::<Telling>().since.is_some();
    if let ToPublisher::Subscribe { key: Key::Player(player), .. } = said
        && is_lobby
    {
        publish(world, player);
    }
    let now = world.resource::<Border>().now;
    world.resource_scope(|world, mut telling: Mut<'_, Telling>| {
        let outputs = &mut world.resource_mut::<Border>().outputs;
        telling.publisher.heard(now, from, said, outputs);
    });
}

/// Something that was told did not arrive.
pub(crate) fn unsent(world: &mut World, to: Address, said: &ToSubscriber) {
    let now = world.resource::<Border>().now;
    world.resource_mut::<Telling>().publisher.unsent(now, to, said);
}

/// A node is gone, and with it what it followed.
pub(crate) fn subscribers_gone(world: &mut World, node: NodeId) {
    world.resource_mut::<Telling>().publisher.node_gone(node);
}

/// A player came, went, or began or ended a battle: whoever follows is told with the next tick.
pub(crate) fn changed(world: &mut World, player: PlayerId) {
    let publisher = &world.resource::<Telling>().publisher;
    let is_followed = publisher.published(Key::Player(player), Presence::ID).is_some();
    if is_followed && !mutation::is_on(Mutation::ForgetPresence) {
        publish(world, player);
    }
}

/// Tells what has changed in this tick.
pub(crate) fn tell(world: &mut World) {
    settle(world);
    let now = world.resource::<Border>().now;
    world.resource_scope(|world, mut telling: Mut<'_, Telling>| {
        telling.publisher.tick(now, &mut world.resource_mut::<Border>().outputs);
    });
}

/// What this node tells of a player; `None` if it is not the lobby.
pub(crate) fn told_of(world: &World, player: PlayerId) -> Option<Presence> {
    let telling = world.resource::<Telling>();
    telling.since?;
    let is_online = world.resource::<Players>().line(player).is_some();
    Some(match queueing::play_of(world, player) {
        Play::Fighting { .. } if is_online => Presence::Fighting,
        Play::Free | Play::Queueing { .. } | Play::Queued { .. } | Play::Fighting { .. } => {
            match (is_online, telling.is_settled) {
                (true, _) => Presence::Online,
                (false, true) => Presence::Offline,
                (false, false) => Presence::Unknown,
            }
        }
    })
}

/// How many subscriptions to a player's presence there are.
pub(crate) fn told_count(world: &World) -> u64 {
    let level = world.resource::<Telling>().publisher.level();
    u64::try_from(level.subscriptions).unwrap_or(u64::MAX)
}

/// Who was not announced to a new lobby by now is not online.
fn settle(world: &mut World) {
    let border = world.resource::<Border>();
    let telling = world.resource::<Telling>();
    let is_over = telling.since.is_some_and(|since| border.has_passed(since, SETTLE_MS));
    if telling.is_settled || !is_over {
        return;
    }
    let told: Vec<Key> = telling.publisher.keys().collect();
    world.resource_mut::<Telling>().is_settled = true;
    for key in told {
        if let Key::Player(player) = key {
            publish(world, player);
        }
    }
}

fn publish(world: &mut World, player: PlayerId) {
    let Some(presence) = told_of(world, player) else { return };
    let publisher = &mut world.resource_mut::<Telling>().into_inner().publisher;
    let component = presence.to_component();
    if let Err(error) = publisher.publish(Key::Player(player), EPOCH, VERSION, component) {
        tracing::error!(%player, %error, "presence not published");
    }
}
