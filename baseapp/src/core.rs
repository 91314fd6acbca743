//! The deterministic core of the role: [`Baseapp`].

mod account;
mod bag;
mod battles;
mod books;
mod cards;
mod equipment;
#[cfg(feature = "shell")]
pub(crate) mod fuzzing;
mod goods;
mod guild;
mod inbox;
mod mail;
mod part;
mod pets;
mod player;
mod profile;
mod reloads;
mod requests;
mod sessions;
mod stage;
mod stored;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::vec::Drain;

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::Schedule;

use shared::content::Content;
use shared::core::{Core, CoreStatus, Input, Output};
use shared::directory::{DirectoryEvent, Nodes};
use shared::ids::{Address, Key, PlayerId, Role};
use shared::lateness::Lateness;
use shared::msg::Body;
use shared::msg::gateway_baseapp::ToBaseapp;
use shared::msg::head;
use shared::msg::matchmaker_baseapp::{Card, CardRequest};
use shared::ownership::{Keeper, KeeperEvent};
use shared::store::{MailEntry, OpId, StoreReply};
use shared::tick::{Tick, TickRate};

pub use books::Asset;
pub(crate) use books::{Books, Tally};
pub(crate) use guild::Membership;
pub(crate) use stored::StoredPlayer;

use cards::Cards;
use player::PlayerItem;
use reloads::Reloads;
use sessions::Opening;

/// Players a node takes. A login beyond is refused with `Busy`.
pub const PLAYERS_MAX: usize = 50_000;

/// How long a player without a session stays loaded, in case the client comes right back.
const LINGER_MS: u64 = 10_000;
/// How often outboxes that were left behind are looked for.
const SWEEP_MS: u64 = 2_000;
/// Players whose mailbox one round looks into; the next round goes on behind them.
const ROUND_PLAYERS_MAX: usize = 256;

/// The core of a baseapp.
pub struct Baseapp {
    content: Arc<Content>,
    nodes: Nodes,
    keeper: Keeper,
    rate: TickRate,
    lateness: Lateness,
    world: World,
    tick: Schedule,
    query: QueryState<player::Player>,
    /// The entity of each loaded player.
    players: BTreeMap<PlayerId, Entity>,
    /// Logins that wait for the player's record.
    openings: BTreeMap<PlayerId, Vec<Opening>>,
    reloads: Reloads,
    cards: Cards,
    /// Mail that came between two ticks.
    mail: Vec<(PlayerId, Vec<MailEntry>)>,
    /// Players without a session, with the tick at which they are given back.
    lingering: BTreeMap<PlayerId, Tick>,
    linger_ticks: u64,
    sweep_ticks: u64,
    sweep_at: Tick,
    /// Up to which player the routine round has come.
    looked_at: Option<PlayerId>,
    draining: bool,
    counters: Counters,
}

/// What the core counts about itself.
#[derive(Debug, Default)]
struct Counters {
    logins: u64,
    requests: u64,
    repeats: u64,
    refusals: u64,
    late: u64,
    mail: u64,
    quarantined: u64,
    lost_keys: u64,
    reloads: u64,
}

impl Baseapp {
    /// A baseapp at `me` that ticks at `rate` and knows `content`.
    #[must_use]
    pub fn new(me: Address, rate: TickRate, content: Arc<Content>) -> Self {
        let mut world = World::new();
        let mut tick = stage::schedule();
        for install in [
            account::install,
            profile::install,
            bag::install,
            pets::install,
            equipment::install,
            inbox::install,
            guild::install,
            requests::install,
            books::install,
            battles::install,
            cards::install,
        ] {
            install(&mut world, &mut tick);
        }
        Self {
            content,
            nodes: Nodes::default(),
            keeper: Keeper::new(me),
            rate,
            lateness: Lateness::default(),
            query: world.query(),
            world,
            tick,
            players: BTreeMap::new(),
            openings: BTreeMap::new(),
            reloads: Reloads::new(rate),
            cards: Cards::new(rate),
            mail: Vec::new(),
            lingering: BTreeMap::new(),
            linger_ticks: rate.ticks_of_ms(LINGER_MS),
            sweep_ticks: rate.ticks_of_ms(SWEEP_MS),
            sweep_at: Tick(0),
            looked_at: None,
            draining: false,
            counters: Counters::default(),
        }
    }

    fn input(&mut self, now: Tick, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Frame { from, body } => self.frame(now, from, body, outputs),
            Input::Unsent { to, body: Body::ToSubscriber(said) } => {
                self.cards.publisher.unsent(now, to, &said);
            }
            // A gateway that cannot be reached has lost its sessions or will ask again.
            Input::Unsent { .. } | Input::Edge(_) => {}
            Input::Directory(event) => {
                self.nodes.apply(&event);
                match event {
                    DirectoryEvent::Gone(node) => {
                        self.gateway_gone(now, node);
                        self.lateness.node_gone(node);
                        self.cards.publisher.node_gone(node);
                    }
                    DirectoryEvent::Suspended => self.suspend(now, outputs),
                    DirectoryEvent::Resumed => self.keeper.resume(),
                    DirectoryEvent::Changed(_) => {}
                }
            }
            Input::Drain => self.draining = true,
        }
    }

    fn frame(&mut self, now: Tick, from: Address, body: Body, outputs: &mut Vec<Output>) {
        match body {
            Body::ToBaseapp(ToBaseapp::Open { player, account, secret_hash, session }) => {
                self.open(player, Opening { account, secret_hash, session }, outputs);
            }
            Body::ToBaseapp(ToBaseapp::Request { player, session, id, request, head }) => {
                if self.lateness.is_over(from.node, &head, self.rate.ms_at(now)) {
                    self.counters.late += 1;
                    head.note(Role::Baseapp, "too late");
                    outputs.push(requests::reply(session, id, Err(head::too_late())));
                } else {
                    head.note(Role::Baseapp, "carried out");
                    self.request(player, session, id, request, outputs);
                }
            }
            Body::ToBaseapp(ToBaseapp::Close { player, session }) => {
                self.close(now, player, session);
            }
            Body::CardRequest(CardRequest { ticket, player }) => {
                let card = self.cards.durable(player);
                let body = Body::Card(Card { ticket, player, card });
                outputs.push(Output::Send { to: from, body });
            }
            Body::ToPublisher(said) => {
                self.cards.publisher.heard(now, from, said, outputs);
            }
            Body::MailWaiting(key) => {
                self.keeper.look_for_mail(key, outputs);
            }
            Body::FromBaseapp(_)
            | Body::ToSocial(_)
            | Body::FromSocial(_)
            | Body::ToMatchmaker(_)
            | Body::FromMatchmaker(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::FromBattle(_)
            | Body::BattleInput(_)
            | Body::BattleOutput(_)
            | Body::Rejoin(_)
            | Body::ToSubscriber(_) => {
                tracing::warn!(%from, "frame for another role ignored");
            }
        }
    }

    fn keeper_event(&mut self, now: Tick, event: KeeperEvent, outputs: &mut Vec<Output>) {
        let player = |key| if let Key::Player(player) = key { Some(player) } else { None };
        match event {
            KeeperEvent::Opened { key, record } => {
                if let Some(player) = player(key) {
                    self.opened(player, &record, outputs);
                }
            }
            KeeperEvent::Elsewhere { key, owner } => {
                if let Some(player) = player(key) {
                    self.moved(player, owner, outputs);
                }
            }
            KeeperEvent::Lost { key, reason } => {
                self.counters.lost_keys += 1;
                if let Some(player) = player(key) {
                    self.lost(now, player, reason, outputs);
                }
            }
            KeeperEvent::Mail { key, entries } => {
                if let Some(player) = player(key) {
                    self.mail.push((player, entries));
                }
            }
            // A player who is offline gets the mail at the next login.
            KeeperEvent::Wanted { .. } | KeeperEvent::Released { .. } => {}
        }
    }

    /// Runs `act` on a loaded player.
    fn with_player<R>(
        &mut self,
        player: PlayerId,
        act: impl FnOnce(&mut PlayerItem<'_, '_>) -> R,
    ) -> Option<R> {
        let entity = *self.players.get(&player)?;
        self.query.get_mut(&mut self.world, entity).ok().map(|mut item| act(&mut item))
    }

    /// Puts into the batch what has changed since the last call.
    fn find_changes(&mut self) {
        self.tick.run(&mut self.world);
    }

    /// Looks after what a lost frame could have left behind: outboxes of crashed owners, and mail
    /// that nobody announced.
    fn routine_round(&mut self, outputs: &mut Vec<Output>) {
        self.keeper.sweep(outputs);
        let after = self.looked_at.map_or(Bound::Unbounded, Bound::Excluded);
        let players: Vec<PlayerId> = self
            .players
            .range((after, Bound::Unbounded))
            .map(|(player, _)| *player)
            .take(ROUND_PLAYERS_MAX)
            .collect();
        self.looked_at =
            if players.len() < ROUND_PLAYERS_MAX { None } else { players.last().copied() };
        for player in players {
            self.keeper.look_for_mail(Key::Player(player), outputs);
        }
    }

    /// Gives back players whose time without a session is over; all of them when draining.
    fn give_back(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        let over = |at: &Tick| *at <= now || self.draining;
        let due: Vec<PlayerId> =
            self.lingering.iter().filter(|(_, at)| over(at)).map(|(player, _)| *player).collect();
        for player in due {
            self.unload(player, outputs);
            self.keeper.release(Key::Player(player), outputs);
        }
    }

    fn unload(&mut self, player: PlayerId, outputs: &mut Vec<Output>) {
        self.cards.disown(player, outputs);
        self.lingering.remove(&player);
        self.mail.retain(|(of, _)| *of != player);
        if let Some(entity) = self.players.remove(&player) {
            self.world.despawn(entity);
        }
    }
}

impl Core for Baseapp {
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        let mut changed = inputs.len() > 0 || !self.mail.is_empty();
        for input in inputs {
            self.input(now, input, outputs);
        }
        for (player, entries) in std::mem::take(&mut self.mail) {
            self.take_mail(player, &entries, outputs);
        }
        changed |= self.world.resource::<part::Batch>().is_awaited();
        if changed {
            self.find_changes();
            let mut batch = std::mem::take(&mut *self.world.resource_mut::<part::Batch>());
            batch.hand_to(&mut self.keeper, outputs);
            self.make_cards();
        }
        if now >= self.sweep_at {
            self.sweep_at = now.after(self.sweep_ticks);
            self.routine_round(outputs);
        }
        self.reload(now, outputs);
        self.keeper.seal(outputs);
        self.give_back(now, outputs);
        self.cards.publisher.tick(now, outputs);
    }

    fn stored(&mut self, now: Tick, op: OpId, reply: StoreReply, outputs: &mut Vec<Output>) {
        let mut events = Vec::new();
        self.keeper.stored(op, reply, &self.nodes, outputs, &mut events);
        for event in events {
            self.keeper_event(now, event, outputs);
        }
        self.cards.settle(&self.keeper);
    }

    fn status(&self) -> CoreStatus {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let cards = self.cards.publisher.level();
        CoreStatus {
            load: u32::try_from(self.players.len()).unwrap_or(u32::MAX),
            drained: self.draining && self.keeper.keys() == 0 && self.keeper.is_idle(),
            values: vec![
                ("players_loaded", count(self.players.len())),
                ("players_lingering", count(self.lingering.len())),
                ("players_reloading", count(self.reloads.len())),
                ("keys", count(self.keeper.keys())),
                ("logins_total", self.counters.logins),
                ("requests_total", self.counters.requests),
                ("requests_repeated_total", self.counters.repeats),
                ("refusals_total", self.counters.refusals),
                ("requests_late_total", self.counters.late),
                ("mail_applied_total", self.counters.mail),
                ("mail_quarantined_total", self.counters.quarantined),
                ("keys_lost_total", self.counters.lost_keys),
                ("reloads_total", self.counters.reloads),
                ("card_subscriptions", count(cards.subscriptions)),
                ("card_snapshots_total", cards.snapshots),
                ("card_changes_total", cards.changes),
            ],
        }
    }
}
