//! The deterministic core of the role: takes inputs in the order in which they came.
//!
//! State lives in one `World`: guilds and teams are entities, presence and tickets are resources,
//! because they are looked up by player and never queried by component. One request touches
//! several features and must see all that came before it, so inputs are applied one after the
//! other by functions over the `World`; what happens by time alone are the systems of
//! [`stage::each_second`].

mod border;
#[cfg(feature = "shell")]
pub(crate) mod fuzzing;
mod guilds;
mod presence;
mod queueing;
mod requests;
mod stage;
mod teams;

#[cfg(test)]
mod tests;

use std::fmt;
use std::vec::Drain;

use bevy_ecs::prelude::{Schedule, World};

use shared::core::{Core, CoreStatus, Input, Output};
use shared::directory::DirectoryEvent;
use shared::ids::{Address, PlayerId, Role};
use shared::msg::Body;
use shared::msg::client::Presence;
use shared::msg::gateway_social::ToSocial;
use shared::msg::head;
use shared::ownership::KeeperEvent;
use shared::store::{OpId, StoreReply};
use shared::tick::{Tick, TickRate};

pub use guilds::StoredGuild;

use border::Border;

/// The social role of one node.
pub struct Social {
    world: World,
    each_second: Schedule,
    /// What the keeper said since the last tick. Bounded by the keeper's requests in flight.
    news: Vec<KeeperEvent>,
    second_began: Option<Tick>,
}

impl Social {
    /// A social role at `me` that is ticked `rate` times per second.
    #[must_use]
    pub fn new(me: Address, rate: TickRate) -> Self {
        let mut world = World::new();
        world.insert_resource(Border::new(me, rate));
        let each_second = stage::each_second(&mut world);
        Self { world, each_second, news: Vec::new(), second_began: None }
    }

    /// Everybody whose presence is followed here, and what readers of rosters are told of it; for
    /// whoever checks a whole cluster.
    #[must_use]
    pub fn members_told(&self) -> Vec<(PlayerId, Presence)> {
        guilds::members_told(&self.world)
    }

    /// What this node knows of a player's presence; `None` if it is not the lobby.
    #[must_use]
    pub fn presence_of(&self, player: PlayerId) -> Option<Presence> {
        presence::told_of(&self.world, player)
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Frame { from, body } => self.take_frame(from, body),
            Input::Unsent { to, body } => self.take_unsent(to, body),
            Input::Directory(event) => self.take_directory(&event),
            Input::Edge(_) => self.world.resource_mut::<Border>().counters.misdirected += 1,
            Input::Drain => {
                self.world.resource_mut::<Border>().draining = true;
                stage::nodes_changed(&mut self.world);
                queueing::withdraw_all(&mut self.world);
                guilds::release_all(&mut self.world);
            }
        }
    }

    fn take_frame(&mut self, from: Address, body: Body) {
        let world = &mut self.world;
        match body {
            Body::MailWaiting(key) => guilds::mail_waiting(world, key),
            Body::ToSocial(ToSocial::Online { player, name, session, baseapp, order }) => {
                let line = presence::Line { name, session, baseapp };
                presence::come_online(world, player, order, line);
            }
            Body::ToSocial(ToSocial::Offline { player, session }) => {
                presence::go_offline(world, player, session);
            }
            Body::ToSocial(ToSocial::Request { player, session, order, id, request, head }) => {
                let mut border = world.resource_mut::<Border>();
                if border.is_late(from, &head) {
                    return border.reply(session, id, Err(head::too_late()));
                }
                let ask = requests::Ask { player, id, request, trace: head.trace };
                requests::take(world, session, order, ask);
            }
            Body::FromMatchmaker(said) => queueing::matchmaker_said(world, from, said),
            Body::ToPublisher(said) => presence::subscriber_said(world, from, said),
            Body::ToSubscriber(said) => guilds::lobby_said(world, from, said),
            Body::ToBaseapp(_)
            | Body::FromBaseapp(_)
            | Body::FromSocial(_)
            | Body::ToMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::FromBattle(_)
            | Body::BattleInput(_)
            | Body::BattleOutput(_)
            | Body::Rejoin(_) => world.resource_mut::<Border>().counters.misdirected += 1,
        }
    }

    fn take_unsent(&mut self, to: Address, body: Body) {
        let world = &mut self.world;
        world.resource_mut::<Border>().counters.unsent += 1;
        match body {
            Body::ToMatchmaker(said) => queueing::unsent(world, &said),
            Body::ToPublisher(said) => guilds::question_unsent(world, to, &said),
            Body::ToSubscriber(said) => presence::unsent(world, to, &said),
            // Mail stays in the mailbox, a client asks again, a lost rejoin is asked for again.
            Body::MailWaiting(_)
            | Body::ToBaseapp(_)
            | Body::FromBaseapp(_)
            | Body::ToSocial(_)
            | Body::FromSocial(_)
            | Body::FromMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::FromBattle(_)
            | Body::BattleInput(_)
            | Body::BattleOutput(_)
            | Body::Rejoin(_) => tracing::debug!(%to, "frame did not arrive"),
        }
    }

    fn take_directory(&mut self, event: &DirectoryEvent) {
        let mut border = self.world.resource_mut::<Border>();
        let node = match event {
            DirectoryEvent::Gone(node) => node,
            DirectoryEvent::Changed(_) => {
                border.nodes.apply(event);
                return stage::nodes_changed(&mut self.world);
            }
            DirectoryEvent::Suspended => {
                border.nodes.apply(event);
                let Border { keeper, outputs, .. } = &mut *border;
                keeper.suspend(outputs, &mut self.news);
                return;
            }
            DirectoryEvent::Resumed => {
                border.nodes.apply(event);
                border.keeper.resume();
                return guilds::resume(&mut self.world);
            }
        };
        border.lateness.node_gone(*node);
        let hosted_social = border.nodes.cards().any(|card| {
            card.id == *node && card.roles.iter().any(|(role, _)| *role == Role::Social)
        });
        border.nodes.apply(event);
        stage::nodes_changed(&mut self.world);
        presence::subscribers_gone(&mut self.world, *node);
        presence::gateway_gone(&mut self.world, *node);
        queueing::node_gone(&mut self.world, *node);
        if hosted_social {
            guilds::patrol_again(&mut self.world);
        }
    }

    /// Once per second of ticks, and in the very first tick.
    fn run_each_second(&mut self, now: Tick) {
        let second = self.world.resource::<Border>().rate.ticks_of_ms(1_000);
        if self.second_began.is_none_or(|began| now.since(began) >= second) {
            self.second_began = Some(now);
            self.each_second.run(&mut self.world);
        }
    }
}

impl fmt::Debug for Social {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Social").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Core for Social {
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        self.world.resource_mut::<Border>().now = now;
        for event in std::mem::take(&mut self.news) {
            guilds::keeper_said(&mut self.world, event);
        }
        for input in inputs {
            self.take(input);
        }
        self.run_each_second(now);
        stage::end_tick(&mut self.world);
        let mut border = self.world.resource_mut::<Border>();
        let Border { keeper, outputs: ready, .. } = &mut *border;
        keeper.seal(ready);
        outputs.append(ready);
    }

    fn stored(&mut self, _now: Tick, op: OpId, reply: StoreReply, outputs: &mut Vec<Output>) {
        if guilds::is_page(&self.world, op) {
            guilds::page_came(&mut self.world, reply);
        } else {
            let mut border = self.world.resource_mut::<Border>();
            let Border { keeper, nodes, .. } = &mut *border;
            if !keeper.stored(op, reply, nodes, outputs, &mut self.news) {
                tracing::warn!(op = op.0, "the store has answered what was not asked");
            }
        }
        outputs.append(&mut self.world.resource_mut::<Border>().outputs);
    }

    fn status(&self) -> CoreStatus {
        let border = self.world.resource::<Border>();
        let guilds = guilds::levels(&self.world);
        let online = presence::online_count(&self.world);
        let queued = queueing::waiting_count(&self.world);
        let told = presence::told_count(&self.world);
        CoreStatus {
            load: u32::try_from(online).unwrap_or(u32::MAX),
            drained: border.draining
                && queued == 0
                && border.keeper.keys() == 0
                && border.keeper.is_idle(),
            values: vec![
                ("players_online", online),
                ("teams", teams::count(&self.world)),
                ("guilds_open", guilds.open),
                ("guilds_known", guilds.known),
                ("members_followed", guilds.members_followed),
                ("member_gaps_total", guilds.member_gaps),
                ("presence_subscriptions", told),
                ("queued", queued),
                ("refusals_total", border.counters.refusals),
                ("requests_late_total", border.counters.late),
                ("mail_applied_total", border.counters.mail_applied),
                ("mail_quarantined_total", border.counters.mail_quarantined),
                ("frames_misdirected_total", border.counters.misdirected),
                ("frames_unsent_total", border.counters.unsent),
            ],
        }
    }
}
