//! The world of a run: nodes, links, store, players, and the one loop that moves them all.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::content::Content;
use shared::core::{EdgeInput, Output};
use shared::directory::NodeCard;
use shared::ids::{Address, NodeId, SessionId};
use shared::msg::Body;
use shared::msg::client::ServerFrame;
use shared::rng::Draws;
use shared::store::{OpId, StoreReply, StoreRequest};

use super::agenda::Agenda;
use super::board::News;
use super::checks::{Audited, Broken, close_the_books};
use super::history::History;
use super::network::{Link, LinkId};
use super::node::{Moment, Node};
use super::plan::Plan;
use super::players::Player;
use super::presence::Astray;
use super::store::SimStore;

/// Something that happens at a moment.
#[derive(Debug)]
pub(super) enum Event {
    /// A role looks up.
    Wake { node: NodeId, role: usize },
    /// A node tries to begin a life.
    Join { node: usize },
    /// A node renews its lease and looks at what is new.
    Beat { node: NodeId },
    /// Its question arrives at the store.
    Beaten { card: Box<NodeCard>, seen: u64, asked_us: u64 },
    /// The answer arrives at the node.
    News { node: NodeId, seen: u64, asked_us: u64, news: Box<News> },
    /// A frame arrives.
    Frame { link: LinkId, from: Address, to: Address, body: Box<Body> },
    /// What waited on a link goes on.
    Flush { link: LinkId },
    /// A request arrives at the store.
    Ask { by: Address, op: OpId, request: Box<StoreRequest>, life: u64 },
    /// A request arrives long after its asker has given up.
    AskLate { by: Address, request: Box<StoreRequest> },
    /// The store makes durable what it has.
    Sync { life: u64 },
    /// An answer of the store arrives, or none does in time.
    Answer { by: Address, op: OpId, reply: Box<StoreReply>, lost: bool },
    /// A player looks up.
    Player { player: usize },
    /// Something of a client arrives at its gateway.
    ToGateway { gateway: NodeId, input: Box<EdgeInput> },
    /// A frame arrives at a client.
    ToClient { session: SessionId, frame: Box<ServerFrame> },
    /// A datagram arrives at a client.
    Datagram { session: SessionId, bytes: Arc<[u8]> },
    /// A client learns that its connection is gone.
    HungUp { session: SessionId },
    /// A planned fault begins.
    Fault { index: usize },
    /// A node is killed.
    Kill { node: NodeId },
    /// A node that drains is looked at.
    Drained { node: NodeId },
    /// Faults are over.
    Calm,
    /// Everybody logs in anew and reads everything.
    Reunion,
    /// Nobody asks for anything new.
    Evening,
    /// What is told of members is compared with what the lobby knows.
    LookAtPresence,
}

/// A run.
pub(super) struct World<'a> {
    pub(super) plan: &'a Plan,
    pub(super) content: Arc<Content>,
    pub(super) now_us: u64,
    pub(super) agenda: Agenda<Event>,
    pub(super) draws: Draws,
    pub(super) history: History,
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) lives: Vec<u32>,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// Until when frames from one node to another wait.
    pub(super) cuts_us: Vec<Vec<u64>>,
    pub(super) links_slow_until_us: u64,
    /// Frames wait on links because their receivers were full.
    pub(super) links_stalled: bool,
    pub(super) full_until_us: Vec<u64>,
    pub(super) store: SimStore,
    pub(super) sync_is_due: bool,
    pub(super) store_cuts_us: Vec<u64>,
    pub(super) players: Vec<Player>,
    pub(super) sessions: BTreeMap<SessionId, usize>,
    pub(super) connections: u64,
    /// Absurd requests so far.
    pub(super) pranks: u64,
    pub(super) is_calm: bool,
    /// Nodes that are killed as soon as a commit of theirs is under way.
    pub(super) doomed: Vec<bool>,
    /// The store is killed as soon as something is not durable, and is away so long, in ms.
    pub(super) store_is_doomed: Option<u64>,
    pub(super) broken: Option<Broken>,
    pub(super) replays_verified: u32,
    /// Of whom something else is told than the lobby knows.
    pub(super) astray: Astray,
    /// The first core of each role keeps its calls.
    pub(super) is_taped: bool,
    outputs: Vec<Output>,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Plan, content: &Arc<Content>, told: bool) -> Self {
        let count = plan.nodes.len();
        let mut world = Self {
            plan,
            content: Arc::clone(content),
            now_us: 0,
            agenda: Agenda::new(),
            draws: Draws::new(plan.seed, 0x5EED),
            history: History::new(told),
            nodes: (0..count).map(|_| None).collect(),
            lives: vec![0; count],
            links: BTreeMap::new(),
            cuts_us: vec![vec![0; count]; count],
            links_slow_until_us: 0,
            links_stalled: false,
            full_until_us: vec![0; count],
            store: SimStore::default(),
            sync_is_due: false,
            store_cuts_us: vec![0; count],
            players: Vec::new(),
            sessions: BTreeMap::new(),
            connections: 0,
            pranks: 0,
            is_calm: false,
            doomed: vec![false; count],
            store_is_doomed: None,
            broken: None,
            replays_verified: 0,
            astray: Astray::new(),
            is_taped: false,
            outputs: Vec::new(),
        };
        for (node, planned) in plan.nodes.iter().enumerate() {
            world.agenda.put(planned.joins_ms * 1_000, Event::Join { node });
        }
        for (index, planned) in plan.faults.iter().enumerate() {
            world.agenda.put(planned.at_ms * 1_000, Event::Fault { index });
        }
        world.invite_players();
        let active_us = plan.active_ms * 1_000;
        world.agenda.put(active_us, Event::Calm);
        world.agenda.put(active_us + 20_000_000, Event::LookAtPresence);
        world.agenda.put(active_us + 25_000_000, Event::Reunion);
        world.agenda.put(active_us + 35_000_000, Event::Evening);
        world
    }

    /// Runs to the end, or until a promise is broken. Returns how many events there were.
    pub(super) fn run(&mut self) -> u64 {
        let end_us = self.plan.end_ms() * 1_000;
        let mut events = 0;
        while self.broken.is_none() {
            let Some((at_us, event)) = self.agenda.next_until(end_us) else {
                self.now_us = end_us;
                break;
            };
            self.now_us = at_us;
            events += 1;
            self.happen(event);
        }
        events
    }

    /// What must hold at the end.
    pub(super) fn judge(&mut self) -> Option<Audited> {
        if self.broken.is_some() {
            return None;
        }
        if let Some(broken) = self.unanswered().or_else(|| self.unannounced()) {
            self.broken = Some(broken);
            return None;
        }
        // What is under way at the store becomes durable first.
        self.store.sync();
        match close_the_books(self.store.rows()) {
            Ok(audited) => Some(audited),
            Err(broken) => {
                self.broken = Some(broken);
                None
            }
        }
    }

    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Wake { node, role } => self.wake(node, role),
            Event::Join { node } => self.join(node),
            Event::Beat { node } => self.beat(node),
            Event::Beaten { card, seen, asked_us } => self.beaten(*card, seen, asked_us),
            Event::News { node, seen, asked_us, news } => self.news(node, seen, asked_us, news),
            Event::Frame { link, from, to, body } => self.frame_arrives(link, from, to, *body),
            Event::Flush { link } => self.flush(link),
            Event::Ask { by, op, request, life } => self.asked(by, op, *request, life),
            Event::AskLate { by, request } => {
                self.history.count("store: carried out late");
                let taken = self.store.take_late(by, *request);
                self.expect(taken);
                self.sync_soon();
            }
            Event::Sync { life } => self.sync(life),
            Event::Answer { by, op, reply, lost } => self.answered(by, op, *reply, lost),
            Event::Player { player } => self.player_looks_up(player),
            Event::ToGateway { gateway, input } => self.gateway_gets(gateway, *input),
            Event::ToClient { session, frame } => self.client_gets(session, *frame),
            Event::Datagram { session, bytes } => self.datagram(session, &bytes),
            Event::HungUp { session } => self.hung_up(session),
            Event::Fault { index } => self.begin_fault(index),
            Event::Kill { node } => self.die(node, "node: killed in a commit"),
            Event::Drained { node } => self.leave_if_drained(node),
            Event::Calm => self.calm_down(),
            Event::Reunion => self.reunion(),
            Event::Evening => self.evening(),
            Event::LookAtPresence => self.look_at_presence(),
        }
    }

    /// Enters a broken promise; the first one counts.
    pub(super) fn expect(&mut self, held: Result<(), Broken>) {
        if let Err(broken) = held {
            self.broken.get_or_insert(broken);
        }
    }

    /// The life of a node, if it is still that one.
    pub(super) fn node(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(place(id))?.as_mut().filter(|node| node.id == id)
    }

    /// A number from `range`, both ends included.
    pub(super) fn within(&mut self, range: (u64, u64)) -> u64 {
        range.0 + self.draws.below(range.1.saturating_sub(range.0) + 1)
    }

    /// True in so many of 1,000 cases.
    pub(super) fn chance(&mut self, permille: u64) -> bool {
        permille > 0 && self.draws.below(1_000) < permille
    }

    /// Has a role look up at `at_us`, unless it does so before.
    pub(super) fn wake_at(&mut self, node: NodeId, role: usize, at_us: u64) {
        let slot = self.node(node).and_then(|node| node.roles.get_mut(role));
        if let Some(slot) = slot.filter(|slot| at_us < slot.wakes_us) {
            slot.wakes_us = at_us;
            self.agenda.put(at_us, Event::Wake { node, role });
        }
    }

    /// Has the role at `address` look up now, if what comes wakes it.
    pub(super) fn wake_by_input(&mut self, address: Address) {
        let now_us = self.now_us;
        let Some(node) = self.node(address.node) else { return };
        let found = node.roles.iter().position(|slot| slot.address == address);
        if let Some(role) = found.filter(|role| node.roles[*role].is_woken_by_input()) {
            self.wake_at(address.node, role, now_us);
        }
    }

    fn wake(&mut self, id: NodeId, role: usize) {
        let now_us = self.now_us;
        let Some(node) = self.node(id) else { return };
        let paused_until_us = node.paused_until_us;
        let Some(slot) = node.roles.get_mut(role) else { return };
        if slot.wakes_us != now_us {
            return;
        }
        slot.wakes_us = u64::MAX;
        if paused_until_us > now_us {
            self.wake_at(id, role, paused_until_us);
            return;
        }
        self.run_role(id, role);
    }

    /// Hands a role what there is for it, and lets it tick as often as is due.
    fn run_role(&mut self, id: NodeId, role: usize) {
        let mut outputs = std::mem::take(&mut self.outputs);
        loop {
            self.hand_answers(id, role, &mut outputs);
            let now_us = self.now_us;
            let Some(node) = self.node(id) else { break };
            let address = node.roles[role].address;
            match node.look_up(role, now_us, &mut outputs) {
                Moment::Ticked { tick, inputs } => {
                    if inputs > 0 || !outputs.is_empty() {
                        let (inputs, puts) = (inputs as u64, outputs.len() as u64);
                        let who = u64::from(address.node.node) << 8 | address.role as u64;
                        self.history.mark(&[now_us, who, tick.0, inputs, puts]);
                    }
                    self.carry(address, &mut outputs);
                    self.relieve(id);
                }
                Moment::Wait { until_us } => {
                    self.wake_at(id, role, until_us);
                    break;
                }
            }
        }
        outputs.clear();
        self.outputs = outputs;
    }

    /// Hands a role the answers of the store that are there.
    pub(super) fn take_answers(&mut self, address: Address) {
        let now_us = self.now_us;
        let Some(node) = self.node(address.node) else { return };
        if node.paused_until_us > now_us {
            return;
        }
        let Some(role) = node.roles.iter().position(|slot| slot.address == address) else { return };
        let mut outputs = std::mem::take(&mut self.outputs);
        self.hand_answers(address.node, role, &mut outputs);
        self.outputs = outputs;
    }

    fn hand_answers(&mut self, id: NodeId, role: usize, outputs: &mut Vec<Output>) {
        let Some(slot) = self.node(id).and_then(|node| node.roles.get_mut(role)) else { return };
        let address = slot.address;
        if slot.take_answers(outputs) > 0 {
            self.carry(address, outputs);
        }
    }

    /// Carries out what a core has put out.
    fn carry(&mut self, from: Address, outputs: &mut Vec<Output>) {
        for output in outputs.drain(..) {
            self.history.value(&output);
            match output {
                Output::Send { to, body } => self.send(from, to, body),
                Output::Store { op, request } => self.ask(from, op, request),
                Output::Edge(output) => self.at_the_edge(from, output),
                Output::SaveReplay { battle, bytes } => self.keep_replay(battle, &bytes),
            }
        }
    }
}

/// Where a node stands in the lists of nodes.
pub(super) fn place(id: NodeId) -> usize {
    usize::from(id.node).saturating_sub(1)
}
