//! One social role, a store in memory, and everybody else played by the test.

use shared::core::{Core, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{
    Address, Epoch, GuildId, Key, LoginOrder, NodeId, PlayerId, RequestId, Role, SessionId,
    SessionRef, TicketId,
};
use shared::msg::Body;
use shared::msg::client::{Event, Reply, SocialRequest};
use shared::msg::gateway_social::{FromSocial, ToSocial};
use shared::msg::head::Head;
use shared::msg::mail::Mail;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::social_matchmaker::{FromMatchmaker, ToMatchmaker};
use shared::store::memory::MemoryStore;
use shared::store::{Commit, OpId, Post, StoreFailure, StoreReply, StoreRequest};
use shared::tick::{Tick, TickRate};
use shared::wire;

use crate::core::Social;

/// Where the battleapp runs.
pub(super) const BATTLE_NODE: NodeId = NodeId { node: 2, incarnation: 1 };
/// Where the matchmaker runs.
pub(super) const MATCH_NODE: NodeId = NodeId { node: 3, incarnation: 1 };
/// Where the gateway runs.
pub(super) const GATE_NODE: NodeId = NodeId { node: 4, incarnation: 1 };
pub(super) const BATTLEAPP: Address = Address { node: BATTLE_NODE, role: Role::Battleapp };
pub(super) const MATCHMAKER: Address = Address { node: MATCH_NODE, role: Role::Matchmaker };
pub(super) const BASEAPP: Address = Address { node: BATTLE_NODE, role: Role::Baseapp };

const HZ: u32 = 100;

pub(super) struct Harness {
    pub(super) social: Social,
    pub(super) store: MemoryStore,
    /// What was sent and not looked at yet.
    pub(super) sent: Vec<(Address, Body)>,
    /// After so many more requests the store's answers are lost, as in a crash.
    pub(super) store_ops_left: u64,
    /// Commits are carried out, but the store reports a failure.
    pub(super) commits_fail: bool,
    /// Commits are not carried out, and the store reports a failure.
    pub(super) commits_lost: bool,
    /// Answers to commits are kept back.
    pub(super) commits_wait: bool,
    waiting: Vec<(OpId, StoreReply)>,
    node: NodeId,
    inputs: Vec<Input>,
    now: u64,
    requests: u64,
}

impl Harness {
    pub(super) fn new() -> Self {
        Self::at(1)
    }

    /// A role on the node of this number.
    pub(super) fn at(node: u16) -> Self {
        let node = NodeId { node, incarnation: 1 };
        let mut harness = Self {
            social: Social::new(social(node), TickRate::new(HZ)),
            store: MemoryStore::default(),
            sent: Vec::new(),
            store_ops_left: u64::MAX,
            commits_fail: false,
            commits_lost: false,
            commits_wait: false,
            waiting: Vec::new(),
            node,
            inputs: Vec::new(),
            now: 0,
            requests: 0,
        };
        harness.announce_nodes();
        harness
    }

    /// The node dies and comes back over the same store; what was under way is lost.
    pub(super) fn crash(&mut self) {
        let died = self.node;
        self.node.incarnation += 1;
        self.social = Social::new(self.me(), TickRate::new(HZ));
        self.inputs.clear();
        self.sent.clear();
        self.store_ops_left = u64::MAX;
        self.announce_nodes();
        self.input(Input::Directory(DirectoryEvent::Gone(died)));
    }

    /// Where the role is.
    pub(super) fn me(&self) -> Address {
        social(self.node)
    }

    pub(super) fn input(&mut self, input: Input) {
        self.inputs.push(input);
    }

    pub(super) fn frame(&mut self, from: Address, body: Body) {
        self.input(Input::Frame { from, body });
    }

    pub(super) fn gone(&mut self, node: NodeId) {
        self.input(Input::Directory(DirectoryEvent::Gone(node)));
        self.tick();
    }

    /// Runs one tick; the store answers at once.
    pub(super) fn tick(&mut self) {
        self.now += 1;
        let mut outputs = Vec::new();
        if !self.commits_wait {
            for (op, reply) in self.waiting.drain(..) {
                self.social.stored(Tick(self.now), op, reply, &mut outputs);
            }
        }
        self.social.tick(Tick(self.now), self.inputs.drain(..), &mut outputs);
        while !outputs.is_empty() {
            let mut next = Vec::new();
            for output in outputs {
                match output {
                    Output::Send { to, body } if to == self.me() => self.frame(to, body),
                    Output::Send { to, body } => self.sent.push((to, body)),
                    Output::Store { op, request } => self.store(op, &request, &mut next),
                    Output::Edge(_) | Output::SaveReplay { .. } => {
                        panic!("social has no clients and no battles: {output:?}")
                    }
                }
            }
            outputs = next;
        }
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        for _ in 0..TickRate::new(HZ).ticks_of_ms(ms) {
            self.tick();
        }
    }

    /// Logs a player in through a session of that number.
    pub(super) fn online(&mut self, player: u64, session: u64) {
        let online = ToSocial::Online {
            player: PlayerId(player),
            name: format!("player {player}"),
            session: session_ref(session),
            baseapp: BASEAPP,
            // Sessions are numbered as they begin.
            order: LoginOrder { epoch: Epoch(1), login: session },
        };
        self.frame(gate(), Body::ToSocial(online));
        self.tick();
    }

    pub(super) fn offline(&mut self, player: u64, session: u64) {
        let (player, session) = (PlayerId(player), session_ref(session));
        self.frame(gate(), Body::ToSocial(ToSocial::Offline { player, session }));
        self.tick();
    }

    /// Sends a request and does not wait; sessions are called like their players.
    pub(super) fn ask(&mut self, player: u64, request: SocialRequest) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.ask_as(player, player, id, request);
        id
    }

    pub(super) fn ask_as(
        &mut self,
        player: u64,
        session: u64,
        id: RequestId,
        request: SocialRequest,
    ) {
        let player = PlayerId(player);
        let order = LoginOrder { epoch: Epoch(1), login: session };
        let session = session_ref(session);
        let head = Box::<Head>::default();
        let request = ToSocial::Request { player, session, order, id, request, head };
        self.frame(gate(), Body::ToSocial(request));
        self.tick();
    }

    /// Sends a request and returns its answer, which comes within two ticks.
    pub(super) fn answer(
        &mut self,
        player: u64,
        request: SocialRequest,
    ) -> Result<Reply, RefusalCode> {
        let id = self.ask(player, request);
        self.tick();
        self.reply_to(id).expect("answered within two ticks").map_err(|refusal| refusal.code)
    }

    /// Takes the answer to a request out of what was sent.
    pub(super) fn reply_to(&mut self, id: RequestId) -> Option<Result<Reply, Refusal>> {
        let is_it = |body: &Body| {
            matches!(
                body,
                Body::FromSocial(FromSocial::Reply { id: of, .. }) if *of == id
            )
        };
        let at = self.sent.iter().position(|(_, body)| is_it(body))?;
        let (_, body) = self.sent.remove(at);
        let Body::FromSocial(FromSocial::Reply { result, .. }) = body else { return None };
        Some(result)
    }

    /// Takes the events that were sent, with the numbers of their sessions.
    pub(super) fn events(&mut self) -> Vec<(u64, Event)> {
        let mut events = Vec::new();
        self.sent.retain(|(_, body)| {
            let Body::FromSocial(FromSocial::Event { session, event }) = body else { return true };
            events.push((session.0, event.clone()));
            false
        });
        events
    }

    /// Takes what was sent to the matchmaker.
    pub(super) fn said_to_matchmaker(&mut self) -> Vec<ToMatchmaker> {
        let mut said = Vec::new();
        self.sent.retain(|(to, body)| {
            let Body::ToMatchmaker(body) = body else { return true };
            assert_eq!(*to, MATCHMAKER);
            said.push(body.clone());
            false
        });
        said
    }

    pub(super) fn matchmaker(&mut self, said: FromMatchmaker) {
        self.frame(MATCHMAKER, Body::FromMatchmaker(said));
        self.tick();
    }

    /// Queues and returns the request and the ticket that the matchmaker was given.
    pub(super) fn queue(&mut self, player: u64) -> (RequestId, TicketId) {
        let id = self.ask(player, SocialRequest::Queue { queue: String::from("arena") });
        match self.said_to_matchmaker().pop() {
            Some(ToMatchmaker::Enqueue { ticket, .. }) => (id, ticket),
            other => panic!("no ticket was made: {other:?}"),
        }
    }

    /// Posts a mail from a player to a guild, as a baseapp's commit does, and moves it.
    pub(super) fn mail_to(&mut self, player: u64, guild: GuildId, mail: Vec<u8>) {
        let source = Key::Player(PlayerId(player));
        let StoreReply::Owner(seen) = self.store.apply(&StoreRequest::ReadOwner { key: source })
        else {
            panic!("the store answers")
        };
        let claim = StoreRequest::Claim { key: source, by: BASEAPP, seen: seen.epoch };
        let StoreReply::Claimed(record) = self.store.apply(&claim) else { panic!("not claimed") };
        let commit = Commit {
            key: source,
            epoch: record.epoch,
            version: record.version,
            parts: Vec::new(),
            mail_taken: None,
            posts: vec![Post { target: Key::Guild(guild), mail }],
        };
        self.store.apply(&StoreRequest::Commit(vec![commit]));
        self.store.apply(&StoreRequest::Relay { source });
    }

    /// Mails to a guild, tells its node and lets it work.
    pub(super) fn mail(&mut self, player: u64, guild: GuildId, mail: &Mail) {
        self.mail_to(player, guild, wire::encode(mail));
        self.frame(BASEAPP, Body::MailWaiting(Key::Guild(guild)));
        self.tick();
        self.tick();
        self.tick();
    }

    /// All answers of guilds in a player's mailbox, oldest first.
    pub(super) fn guild_answers(&mut self, player: u64) -> Vec<Option<RefusalCode>> {
        let request = StoreRequest::PeekMail { key: Key::Player(PlayerId(player)), after: 0 };
        let StoreReply::Mail(entries) = self.store.apply(&request) else { panic!("no mail") };
        let answer = |mail: &[u8]| {
            let mail = wire::decode(mail, 4096).expect("a mail");
            let Mail::GuildAnswer { refused, .. } = mail else { panic!("no answer: {mail:?}") };
            refused.map(|refusal| refusal.code)
        };
        entries.iter().map(|entry| answer(&entry.mail)).collect()
    }

    /// A value of the status.
    pub(super) fn value(&self, name: &str) -> u64 {
        let status = self.social.status();
        let value = status.values.iter().find(|(called, _)| *called == name);
        value.unwrap_or_else(|| panic!("no value {name}")).1
    }

    fn store(&mut self, op: OpId, request: &StoreRequest, outputs: &mut Vec<Output>) {
        let Some(left) = self.store_ops_left.checked_sub(1) else { return };
        self.store_ops_left = left;
        let is_commit = matches!(request, StoreRequest::Commit(_));
        let mut reply = StoreReply::Failed(StoreFailure::Closed);
        if !(is_commit && self.commits_lost) {
            reply = self.store.apply(request);
        }
        if is_commit {
            if self.commits_fail {
                reply = StoreReply::Failed(StoreFailure::Closed);
            }
            if self.commits_wait {
                self.waiting.push((op, reply));
                return;
            }
        }
        // The last request before a crash is carried out, but its answer is lost.
        if left > 0 {
            self.social.stored(Tick(self.now), op, reply, outputs);
        }
    }

    fn announce_nodes(&mut self) {
        let nodes = [
            (self.node, Role::Social),
            (BATTLE_NODE, Role::Battleapp),
            (BATTLE_NODE, Role::Baseapp),
            (MATCH_NODE, Role::Matchmaker),
            (GATE_NODE, Role::Gateway),
        ];
        nodes.into_iter().for_each(|(id, role)| self.ready(id, role));
        self.tick();
    }

    pub(super) fn ready(&mut self, id: NodeId, role: Role) {
        self.input(Input::Directory(DirectoryEvent::Changed(Self::card(id, role))));
    }

    /// What a node that is ready tells of itself.
    pub(super) fn card(id: NodeId, role: Role) -> NodeCard {
        let (state, build) = (NodeState::Ready, String::from("test"));
        NodeCard { id, state, build, roles: vec![(role, 0)], link: None, page: None }
    }
}

pub(super) fn session_ref(session: u64) -> SessionRef {
    SessionRef { gateway: GATE_NODE, session: SessionId(session) }
}

fn gate() -> Address {
    Address { node: GATE_NODE, role: Role::Gateway }
}

fn social(node: NodeId) -> Address {
    Address { node, role: Role::Social }
}
