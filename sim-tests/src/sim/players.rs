//! The players: bots' minds, and what they ask and hear.

use std::collections::BTreeMap;
use std::sync::Arc;

use battleapp::core::modes::Modes;
use shared::core::EdgeInput;
use shared::ids::{BattleId, NodeId, RequestId, Role, SessionId};
use shared::msg::client::{
    ClientFrame, DATAGRAM_SNAPSHOT, Event as Told, Login, PROTOCOL_VERSION, ServerFrame,
};
use shared::msg::refusal::RefusalCode;
use shared::msg::snapshot::{Baselines, SnapshotError};

use super::checks::Broken;
use super::connections::Connection;
use super::names::cut;
use super::world::{Event, World, place};
use crate::bot::{self, Action, Brain, Fault, Note};

/// A server that has not answered for so long is dead, as the load run has it, in µs.
const DEAD_US: u64 = 7_000_000;
/// Time for a login, in µs.
const LOGIN_US: u64 = 10_000_000;
/// Between two tries to log in, in µs: at least, at most.
pub(super) const BACK_OFF_US: (u64, u64) = (100_000, 1_500_000);
/// Replays that are verified in a run; further ones are only counted.
const REPLAYS_VERIFIED_MAX: u32 = 2;

/// A player.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) brain: Brain,
    pub(super) connection: Option<Connection>,
    /// What the snapshots of its battle continue.
    baselines: Baselines,
    /// When it looks up next.
    pub(super) wakes_us: u64,
    /// Absurd requests that are not answered, and how they may be refused.
    pub(super) pranks: BTreeMap<RequestId, &'static [RefusalCode]>,
    attempts: u64,
    /// Actions that are to be carried out.
    out: Vec<Action>,
}

impl World<'_> {
    pub(super) fn invite_players(&mut self) {
        let run = self.plan.seed;
        let mut plan =
            bot::Plan::new(self.plan.clients, self.plan.pace_ms, Arc::clone(&self.content), run);
        if !self.plan.fights {
            plan.queue = None;
        }
        for index in 0..self.plan.clients {
            let brain = Brain::new(self.plan.seed, index, plan.clone());
            self.players.push(Player {
                brain,
                connection: None,
                baselines: Baselines::default(),
                wakes_us: u64::MAX,
                pranks: BTreeMap::new(),
                attempts: 0,
                out: Vec::new(),
            });
            let at_us = 500_000 + self.draws.below(2_000_000);
            self.player_wakes(usize::try_from(index).unwrap_or(0), at_us);
        }
    }

    /// A player looks up: logs in, gives a dead server up, or does what is due.
    pub(super) fn player_looks_up(&mut self, player: usize) {
        let now_us = self.now_us;
        let Some(who) = self.players.get_mut(player) else { return };
        if who.wakes_us != now_us {
            return;
        }
        who.wakes_us = u64::MAX;
        let Some(connection) = &who.connection else {
            self.log_in(player);
            return;
        };
        let patience_us = if connection.is_in { DEAD_US } else { LOGIN_US };
        let waits = connection.asked_us.unwrap_or(connection.since_us).max(connection.heard_us);
        let asks = !connection.is_in || connection.asked_us.is_some();
        if asks && now_us > waits + patience_us {
            self.history.count("client: gave a dead gateway up");
            self.hang_up(player);
            return;
        }
        if connection.is_in {
            let now_ms = now_us / 1_000;
            who.brain.on_timer(now_ms, &mut who.out);
            self.act(player);
        } else {
            self.player_wakes(player, now_us + 1_000_000);
        }
    }

    fn log_in(&mut self, player: usize) {
        let now_us = self.now_us;
        let hosts = self.nodes.iter().flatten().filter(|node| node.hosts(Role::Gateway));
        let gateways: Vec<NodeId> = hosts.map(|node| node.id).collect();
        let who = &mut self.players[player];
        who.attempts += 1;
        who.pranks.clear();
        let turn = usize::try_from(who.attempts).unwrap_or(0) + player;
        let Some(gateway) = gateways.get(turn % gateways.len().max(1)).copied() else {
            let at_us = now_us + self.within(BACK_OFF_US);
            self.player_wakes(player, at_us);
            return;
        };
        self.connections += 1;
        let session = SessionId(gateway.unique(self.connections));
        self.sessions.insert(session, player);
        let index = u32::try_from(player).unwrap_or(0);
        self.players[player].connection = Some(Connection {
            session,
            gateway,
            since_us: now_us,
            is_in: false,
            up_us: now_us,
            down_us: now_us,
            heard_us: now_us,
            asked_us: None,
        });
        self.history.count("client: connected");
        self.up(player, EdgeInput::Connected { session });
        let login = Login {
            protocol: PROTOCOL_VERSION,
            account: bot::account(self.plan.seed, index),
            secret: bot::secret(self.plan.seed, index),
        };
        self.up(player, EdgeInput::Frame { session, frame: ClientFrame::Login(login) });
        self.player_wakes(player, now_us + 1_000_000);
    }

    pub(super) fn client_gets(&mut self, session: SessionId, frame: ServerFrame) {
        let Some(player) = self.player_of(session) else { return };
        let (now_us, now_ms) = (self.now_us, self.now_us / 1_000);
        self.history
            .tell(now_us, || format!("client {player} hears {}", cut(format!("{frame:?}"))));
        if let ServerFrame::Reply { id, result } = &frame
            && self.is_of_prank(player, *id, result)
        {
            return;
        }
        let Player { brain, connection, out, baselines, .. } = &mut self.players[player];
        if let Some(connection) = connection {
            connection.heard_us = now_us;
        }
        match frame {
            ServerFrame::Welcome(welcome) => {
                if let Some(connection) = connection {
                    connection.is_in = true;
                }
                self.history.count("client: logged in");
                brain.on_welcome(now_ms, &welcome, out);
            }
            ServerFrame::Reply { id, result } => {
                if let Some(connection) = connection {
                    connection.asked_us = None;
                }
                if let Err(refusal) = &result {
                    self.history.count_named(format!("refusal: {:?}", refusal.code));
                }
                brain.on_reply(now_ms, id, result, out);
            }
            ServerFrame::Event(event) => {
                self.history.count(told(&event));
                if let Told::BattleStarted(_) | Told::WatchStarted(_) = event {
                    baselines.clear();
                }
                brain.on_event(now_ms, event, out);
            }
            ServerFrame::Snapshot(bytes) => {
                self.history.count("client: snapshot by stream");
                return self.snapshot(player, &bytes);
            }
            ServerFrame::Goodbye(refusal) => {
                self.history.count_named(format!("goodbye: {:?}", refusal.code));
                let passes =
                    bot::is_passing(refusal.code) || refusal.code == RefusalCode::LoggedInElsewhere;
                if !passes {
                    let what = format!("client {player} was sent away: {refusal}");
                    self.expect(Err(Broken::new("proper clients are let in", what)));
                }
            }
        }
        self.act(player);
    }

    pub(super) fn datagram(&mut self, session: SessionId, bytes: &[u8]) {
        let Some(player) = self.player_of(session) else { return };
        match bytes.split_first() {
            Some((&DATAGRAM_SNAPSHOT, rest)) => self.snapshot(player, rest),
            Some(_) | None => {
                let what = format!("client {player} got {} bytes", bytes.len());
                self.expect(Err(Broken::new("snapshots can be read", what)));
            }
        }
    }

    fn snapshot(&mut self, player: usize, bytes: &[u8]) {
        let now_ms = self.now_us / 1_000;
        let Player { brain, out, baselines, .. } = &mut self.players[player];
        match baselines.take(bytes) {
            Ok(snapshot) => {
                self.history.count("client: snapshot");
                brain.on_snapshot(now_ms, snapshot, out);
                self.act(player);
            }
            // Of another battle, or overtaken by many.
            Err(SnapshotError::Baseline { .. } | SnapshotError::Late) => {
                self.history.count("client: snapshot of no use");
            }
            Err(error) => {
                let what = format!("client {player}: {error}");
                self.expect(Err(Broken::new("snapshots can be read", what)));
            }
        }
    }

    /// Carries out what a player's mind wants.
    fn act(&mut self, player: usize) {
        let mut out = std::mem::take(&mut self.players[player].out);
        for action in out.drain(..) {
            match action {
                Action::Request { id, request } => {
                    let now_us = self.now_us;
                    self.history.count_named(format!("request: {}", bot::kind(&request)));
                    self.history.tell(now_us, || format!("client {player} asks {id} {request:?}"));
                    let Some(connection) = &mut self.players[player].connection else { continue };
                    connection.asked_us.get_or_insert(now_us);
                    let session = connection.session;
                    let twice = self.chance(self.plan.requests_doubled);
                    let frame = ClientFrame::Request { id, request };
                    if twice {
                        self.history.count("client: request sent twice");
                        self.up(player, EdgeInput::Frame { session, frame: frame.clone() });
                    }
                    self.up(player, EdgeInput::Frame { session, frame });
                    self.perhaps_prank(player);
                }
                Action::Commands(mut datagram) => {
                    datagram.seen_tick = self.players[player].baselines.seen_tick();
                    let Some(connection) = &self.players[player].connection else { continue };
                    let (gateway, session) = (connection.gateway, connection.session);
                    if self.chance(self.plan.datagrams_lost) {
                        self.history.count("client: datagram lost");
                        continue;
                    }
                    let at_us = self.now_us + self.within(self.plan.client_us);
                    let input = Box::new(EdgeInput::Datagram { session, datagram });
                    self.agenda.put(at_us, Event::ToGateway { gateway, input });
                }
                Action::Wait { ms } => {
                    let at_us = self.now_us + ms * 1_000;
                    self.players[player].wakes_us = u64::MAX;
                    self.player_wakes(player, at_us);
                }
                Action::Note(note) => self.note(player, note),
            }
        }
        self.players[player].out = out;
    }

    fn note(&mut self, player: usize, note: Note) {
        match note {
            Note::Answered { .. } => self.history.count("client: answered"),
            Note::GiftSent => self.history.count("client: gift sent"),
            Note::GiftClaimed => self.history.count("client: gift claimed"),
            Note::BattleEnded(_) => self.history.count("client: battle ended"),
            Note::Refused { .. } => self.history.count("client: refused as expected"),
            // A battle dies with its node.
            Note::Fault(Fault::Silent { .. }) if !self.plan.faults.is_empty() => {
                self.history.count("client: battle fell silent");
            }
            // A node may be away for longer than a bot is patient; at the end none is.
            Note::Fault(Fault::Refused { refusal, .. })
                if bot::is_passing(refusal.code) && !self.plan.faults.is_empty() =>
            {
                self.history.count("client: gave up after many tries");
            }
            Note::Fault(Fault::Unanswered { .. }) if !self.plan.faults.is_empty() => {
                self.history.count("client: gave up after many tries");
            }
            Note::Fault(fault) => {
                let promise = match &fault {
                    Fault::Contradiction { .. } => "what was acknowledged stays",
                    Fault::WrongReply { .. } => "answers fit their questions",
                    Fault::Refused { .. } => "proper requests are carried out",
                    Fault::Unanswered { .. } => "requests are answered",
                    Fault::Silent { .. } => "battles go on",
                };
                let what = format!("client {player}: {fault}");
                self.expect(Err(Broken::new(promise, what)));
            }
        }
    }

    /// Everybody logs in anew, and so reads everything and compares it with the own book.
    pub(super) fn reunion(&mut self) {
        let unheard = self.players.iter().enumerate().find_map(|(index, player)| {
            let is_in = player.connection.as_ref().is_some_and(|connection| connection.is_in);
            (!is_in).then(|| format!("client {index} is not logged in"))
        });
        if let Some(what) = unheard {
            self.expect(Err(Broken::new("everything comes to life again", what)));
        }
        (0..self.players.len()).for_each(|player| self.hang_up(player));
    }

    /// Nobody asks for anything new.
    pub(super) fn evening(&mut self) {
        self.players.iter_mut().for_each(|player| player.brain.wind_down());
    }

    /// Who waits for an answer at the end, if somebody does.
    pub(super) fn unanswered(&self) -> Option<Broken> {
        let (index, request) = self
            .players
            .iter()
            .enumerate()
            .find_map(|(index, player)| Some((index, player.brain.in_doubt()?)))?;
        let what = format!("client {index} has no answer to {request:?}");
        Some(Broken::new("everything comes to life again", what))
    }

    /// Runs a kept replay again.
    pub(super) fn keep_replay(&mut self, battle: BattleId, bytes: &[u8]) {
        self.history.count("battle: replay kept");
        if self.replays_verified >= REPLAYS_VERIFIED_MAX {
            return;
        }
        self.replays_verified += 1;
        if let Err(error) = battleapp::replay::verify(Modes::BUILTIN, bytes, &mut |_, _| {}) {
            let what = format!("battle {battle}: {error}");
            self.expect(Err(Broken::new("replays lead to the same end", what)));
        }
    }

    pub(super) fn player_wakes(&mut self, player: usize, at_us: u64) {
        let who = &mut self.players[player];
        if at_us < who.wakes_us {
            who.wakes_us = at_us;
            self.agenda.put(at_us, Event::Player { player });
        }
    }

    /// The life of the node at this place of the plan.
    pub(super) fn life_of(&self, node: usize) -> Option<NodeId> {
        let life = self.nodes.get(node)?.as_ref()?;
        debug_assert_eq!(place(life.id), node, "nodes stand at their number");
        Some(life.id)
    }
}

const fn told(event: &Told) -> &'static str {
    match event {
        Told::LetterCame(_) => "event: LetterCame",
        Told::GuildChanged { .. } => "event: GuildChanged",
        Told::TeamInvitation { .. } => "event: TeamInvitation",
        Told::TeamChanged(_) => "event: TeamChanged",
        Told::Queued => "event: Queued",
        Told::QueueLeft { .. } => "event: QueueLeft",
        Told::BattleStarted(_) => "event: BattleStarted",
        Told::BattleEnded { .. } => "event: BattleEnded",
        Told::WatchStarted(_) => "event: WatchStarted",
        Told::WatchEnded { .. } => "event: WatchEnded",
        Told::BattlePaused { .. } => "event: BattlePaused",
        Told::BattleResumed { .. } => "event: BattleResumed",
    }
}
