//! The battleapp driven as the runtime drives it, against a store in memory, with clients that read
//! what they are sent.

use std::collections::BTreeMap;

use shared::core::{Core, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{NodeId, PlayerId, Role, SessionId, SessionRef};
use shared::msg::battle_gateway::{BattleInput, Encoded};
use shared::msg::client::{ClientDatagram, Command};
use shared::msg::mail::Mail;
use shared::msg::matchmaker_battle::Seat;
use shared::msg::snapshot::{Baselines, Snapshot};
use shared::msg::social_battle::Rejoin;
use shared::store::memory::MemoryStore;
use shared::store::{StoreFailure, StoreRequest};
use shared::wire;

use super::super::*;
use crate::core::fixture;

pub(super) const ID: BattleId = BattleId(77);
pub(super) const WATCHER: PlayerId = PlayerId(900);

pub(super) struct Rig {
    pub(super) app: BattleApp,
    pub(super) store: MemoryStore,
    pub(super) now: Tick,
    /// Everything but store requests, since the last look.
    pub(super) said: Vec<Output>,
    /// The store fails this many commits, after carrying them out or instead of it.
    pub(super) failing: Option<bool>,
    pub(super) clients: BTreeMap<SessionId, Client>,
    /// What the clients could read, since the last look.
    pub(super) seen: Vec<Snapshot>,
}

/// A client in a battle.
pub(super) struct Client {
    pub(super) player: PlayerId,
    pub(super) session: SessionRef,
    pub(super) has: Baselines,
}

pub(super) fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

pub(super) fn card(node: u16, role: Role) -> Input {
    Input::Directory(DirectoryEvent::Changed(NodeCard {
        id: NodeId { node, incarnation: 1 },
        state: NodeState::Ready,
        build: String::from("test"),
        roles: vec![(role, 0)],
        link: None,
        page: None,
    }))
}

pub(super) fn matchmaker() -> Address {
    address(9, Role::Matchmaker)
}

impl Rig {
    /// Battles of one second, or until `kills`.
    pub(super) fn new(kills: u32) -> Self {
        Self::lasting(1, kills)
    }

    pub(super) fn lasting(duration_s: u32, kills: u32) -> Self {
        let me = address(1, Role::Battleapp);
        let content = fixture::content(duration_s, kills);
        let app = BattleApp::new(me, TickRate::new(100), content, "test");
        let store = MemoryStore::default();
        let mut rig = Self {
            app,
            store,
            now: Tick(0),
            said: Vec::new(),
            failing: None,
            clients: BTreeMap::new(),
            seen: Vec::new(),
        };
        rig.tick(vec![card(1, Role::Battleapp), card(9, Role::Matchmaker)]);
        rig.tick(vec![card(10, Role::Gateway), card(11, Role::Gateway)]);
        rig
    }

    pub(super) fn tick(&mut self, mut inputs: Vec<Input>) {
        self.now = self.now.next();
        let mut outputs = Vec::new();
        self.app.tick(self.now, inputs.drain(..), &mut outputs);
        self.carry_out(outputs);
    }

    pub(super) fn ticks(&mut self, count: usize) {
        (0..count).for_each(|_| self.tick(Vec::new()));
    }

    /// Like [`Rig::ticks`], with clients that say what they have seen.
    pub(super) fn play(&mut self, count: usize) {
        for _ in 0..count {
            let said = |client: &Client| {
                let (player, session) = (client.player, client.session);
                let (seen_tick, commands) = (client.has.seen_tick(), Vec::new());
                let datagram = ClientDatagram { battle: ID, seen_tick, commands };
                let body = Body::BattleInput(BattleInput::Commands { player, session, datagram });
                Input::Frame { from: session.address(), body }
            };
            let inputs = self.clients.values().map(said).collect();
            self.tick(inputs);
        }
    }

    /// What a gateway and its clients make of it.
    pub(super) fn hear(&mut self, gateway: NodeId, output: &BattleOutput) {
        match output {
            BattleOutput::Seated { session, start } => {
                let player = PlayerId(100 + u64::from(start.slot));
                self.clients.retain(|_, client| client.player != player);
                let at = SessionRef { gateway, session: *session };
                let client = Client { player, session: at, has: Baselines::default() };
                self.clients.insert(*session, client);
            }
            BattleOutput::Snapshots { encoded, .. } => {
                for Encoded { by_stream, sessions, bytes } in encoded {
                    let bytes = &bytes[usize::from(!by_stream)..];
                    for session in sessions {
                        let client = self.clients.get_mut(session).expect("it was seated");
                        assert_eq!(client.session.gateway, gateway);
                        self.seen.push(client.has.take(bytes).expect("it is ours").clone());
                    }
                }
            }
            BattleOutput::Watching { session, .. } => {
                let (player, at) = (WATCHER, SessionRef { gateway, session: *session });
                let client = Client { player, session: at, has: Baselines::default() };
                self.clients.insert(*session, client);
            }
            BattleOutput::Event { .. }
            | BattleOutput::Over { .. }
            | BattleOutput::NotSeated { .. } => {}
        }
    }

    pub(super) fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            if let Output::Send { to, body: Body::BattleOutput(output) } = &output {
                self.hear(to.node, output);
            }
            let Output::Store { op, request } = output else {
                self.said.push(output);
                continue;
            };
            let is_commit = matches!(request, StoreRequest::Commit(_));
            let failing = if is_commit { self.failing.take() } else { None };
            let failed = || StoreReply::Failed(StoreFailure::Backend(String::from("test")));
            let reply = match failing {
                None => self.store.apply(&request),
                Some(false) => failed(),
                Some(true) => {
                    self.store.apply(&request);
                    failed()
                }
            };
            let mut more = Vec::new();
            self.app.stored(self.now, op, reply, &mut more);
            self.carry_out(more);
        }
    }

    pub(super) fn frame(&mut self, from: Address, body: Body) {
        self.tick(vec![Input::Frame { from, body }]);
    }

    pub(super) fn start(&mut self, battle: BattleId, seats: Vec<Seat>) {
        self.start_in("arena", battle, seats);
    }

    pub(super) fn start_in(&mut self, mode: &str, battle: BattleId, seats: Vec<Seat>) {
        let mode = String::from(mode);
        let start = ToBattle::Start { battle, mode, seed: 3, seats, bots: Vec::new() };
        self.frame(matchmaker(), Body::ToBattle(start));
    }

    pub(super) fn commands(&mut self, player: u64, session: SessionRef, commands: Vec<Command>) {
        let client = self.clients.get(&session.session);
        let seen_tick = client.map_or(0, |client| client.has.seen_tick());
        let datagram = ClientDatagram { battle: ID, seen_tick, commands };
        let player = PlayerId(player);
        let input = BattleInput::Commands { player, session, datagram };
        self.frame(session.address(), Body::BattleInput(input));
    }

    pub(super) fn facts(&mut self) -> Vec<FromBattle> {
        let mut facts = Vec::new();
        self.said.retain(|output| {
            let Output::Send { to, body: Body::FromBattle(fact) } = output else { return true };
            assert_eq!(*to, matchmaker());
            facts.push(fact.clone());
            false
        });
        facts
    }

    pub(super) fn told(&mut self) -> Vec<(Address, BattleOutput)> {
        let mut told = Vec::new();
        self.said.retain(|output| {
            let Output::Send { to, body: Body::BattleOutput(output) } = output else { return true };
            told.push((*to, output.clone()));
            false
        });
        told
    }

    pub(super) fn snapshots(&mut self) -> Vec<Snapshot> {
        std::mem::take(&mut self.seen)
    }

    /// Asks to watch the battle; what is said to the session.
    pub(super) fn watch(&mut self, player: PlayerId, session: SessionRef) -> Vec<BattleOutput> {
        self.told();
        let rejoin = Rejoin { battle: ID, player, session, as_spectator: true };
        self.frame(address(8, Role::Social), Body::Rejoin(rejoin));
        let to_it = |(to, output)| (to == session.address()).then_some(output);
        let others = |output: &BattleOutput| !matches!(output, BattleOutput::Snapshots { .. });
        self.told().into_iter().filter_map(to_it).filter(others).collect()
    }

    pub(super) fn mail_of(&mut self, player: u64) -> Vec<Mail> {
        let request = StoreRequest::PeekMail { key: Key::Player(PlayerId(player)), after: 0 };
        let StoreReply::Mail(entries) = self.store.apply(&request) else {
            panic!("the store answers what it is asked");
        };
        entries.iter().map(|entry| wire::decode(&entry.mail, 4096).expect("it is ours")).collect()
    }

    pub(super) fn replays(&mut self) -> Vec<Vec<u8>> {
        let bytes = |output: &Output| {
            let Output::SaveReplay { bytes, .. } = output else { return None };
            Some(bytes.clone())
        };
        self.said.iter().filter_map(bytes).collect()
    }

    pub(super) fn value(&self, name: &str) -> u64 {
        let status = self.app.status();
        let found = status.values.iter().find(|(other, _)| *other == name);
        found.expect("the value is reported").1
    }
}
