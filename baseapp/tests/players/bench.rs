//! A baseapp core with a store in memory and clients that remember what they were told.
#![expect(dead_code, reason = "each test program uses a part of the bench")]

use std::collections::BTreeMap;
use std::sync::Arc;

use baseapp::core::Baseapp;
use shared::content::Content;
use shared::core::{Core, Input, Output};
use shared::ids::{Address, LetterId, NodeId, PlayerId, RequestId, Role, SessionId, SessionRef};
use shared::msg::Body;
use shared::msg::client::{Attachments, Event, Letter, PlayerRequest, Reply, Stack};
use shared::msg::gateway_baseapp::{FromBaseapp, ToBaseapp};
use shared::msg::head::Head;
use shared::msg::refusal::Refusal;
use shared::msg::replication::{ToPublisher, ToSubscriber};
use shared::store::StoreRequest;
use shared::store::memory::MemoryStore;
use shared::tick::{Tick, TickRate};

/// The result of a login or a request.
pub(crate) type Answer = Result<Reply, Refusal>;

/// The core under test and everything around it.
pub(crate) struct Bench {
    pub(crate) store: MemoryStore,
    /// Whether answers of the store reach the core; if not, they wait.
    pub(crate) store_answers: bool,
    /// Commits that the core has asked for.
    pub(crate) commits: usize,
    core: Baseapp,
    life: u32,
    now: Tick,
    inputs: Vec<Input>,
    waiting: Vec<Output>,
    sessions: BTreeMap<&'static str, SessionRef>,
    requests: u64,
    replies: BTreeMap<RequestId, Answer>,
    opened: BTreeMap<SessionId, Result<(), Refusal>>,
    events: BTreeMap<SessionId, Vec<Event>>,
    /// What subscribers were told, and who.
    pub(crate) told: Vec<(Address, ToSubscriber)>,
}

fn me(life: u32) -> Address {
    Address { node: NodeId { node: 1, incarnation: life }, role: Role::Baseapp }
}

fn core(life: u32) -> Baseapp {
    Baseapp::new(me(life), TickRate::new(200), Arc::new(Content::builtin()))
}

/// The player of an account.
pub(crate) fn player(account: &str) -> PlayerId {
    PlayerId::of_account(account)
}

/// A gift to an account.
pub(crate) fn gift(to: &str, gold: u64, stacks: &[(u16, u32)]) -> PlayerRequest {
    let stacks = stacks.iter().map(|&(item, count)| Stack { item, count }).collect();
    PlayerRequest::SendGift { to: player(to), gift: Attachments { gold, stacks } }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            store: MemoryStore::default(),
            store_answers: true,
            commits: 0,
            core: core(1),
            life: 1,
            now: Tick(0),
            inputs: Vec::new(),
            waiting: Vec::new(),
            sessions: BTreeMap::new(),
            requests: 0,
            replies: BTreeMap::new(),
            opened: BTreeMap::new(),
            events: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    /// The process dies; another takes its place with the same store.
    pub(crate) fn crash(&mut self) {
        self.life += 1;
        self.core = core(self.life);
        self.inputs.clear();
        self.waiting.clear();
        self.sessions.clear();
    }

    pub(crate) fn run(&mut self, ticks: u64) {
        for _ in 0..ticks {
            self.now = self.now.next();
            let mut inputs = std::mem::take(&mut self.inputs);
            let mut outputs = Vec::new();
            self.core.tick(self.now, inputs.drain(..), &mut outputs);
            self.carry_out(outputs);
            if self.store_answers {
                let waiting = std::mem::take(&mut self.waiting);
                self.carry_out(waiting);
            }
        }
    }

    /// The store answers what waits so far, and nothing more.
    pub(crate) fn answer_waiting(&mut self) {
        for output in std::mem::take(&mut self.waiting) {
            let Output::Store { op, request } = output else { panic!("only requests wait") };
            let reply = self.store.apply(&request);
            let mut outputs = Vec::new();
            self.core.stored(self.now, op, reply, &mut outputs);
            self.carry_out(outputs);
        }
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        let mut todo = outputs;
        while !todo.is_empty() {
            let mut next = Vec::new();
            for output in todo {
                match output {
                    Output::Store { op, request } if self.store_answers => {
                        if let StoreRequest::Commit(commits) = &request {
                            self.commits += commits.len();
                        }
                        let reply = self.store.apply(&request);
                        self.core.stored(self.now, op, reply, &mut next);
                    }
                    Output::Store { .. } => self.waiting.push(output),
                    Output::Send { to, body } => self.deliver(to, body),
                    Output::Edge(_) | Output::SaveReplay { .. } => panic!("not a baseapp's"),
                }
            }
            todo = next;
        }
    }

    fn deliver(&mut self, to: Address, body: Body) {
        if let Body::ToSubscriber(said) = body {
            self.told.push((to, said));
            return;
        }
        let Body::FromBaseapp(from) = body else { return };
        assert_eq!(to.role, Role::Gateway);
        match from {
            FromBaseapp::Opened { session, .. } => {
                self.opened.insert(session, Ok(()));
            }
            FromBaseapp::Refused { session, refusal } => {
                self.opened.insert(session, Err(refusal));
            }
            FromBaseapp::Reply { id, result, .. } => {
                self.replies.insert(id, result);
            }
            FromBaseapp::Event { session, event } => {
                self.events.entry(session).or_default().push(event);
            }
            FromBaseapp::Moved { .. } => panic!("there is one baseapp only"),
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.inputs.push(input);
    }

    /// A subscriber says something, and the core ticks.
    pub(crate) fn subscriber_says(&mut self, from: Address, said: ToPublisher) {
        self.input(Input::Frame { from, body: Body::ToPublisher(said) });
        self.run(1);
    }

    fn frame(&mut self, message: ToBaseapp) {
        let from = Address { node: me(self.life).node, role: Role::Gateway };
        self.inputs.push(Input::Frame { from, body: Body::ToBaseapp(message) });
    }

    pub(crate) fn login(&mut self, account: &'static str, session: u64) -> Result<(), Refusal> {
        self.login_with(account, session, [1; 32])
    }

    pub(crate) fn login_with(
        &mut self,
        account: &'static str,
        session: u64,
        secret_hash: [u8; 32],
    ) -> Result<(), Refusal> {
        self.begin_login(account, session, secret_hash);
        self.run(2);
        let opened = self.opened.get(&SessionId(session)).cloned().expect("logins are answered");
        if opened.is_ok() {
            let session = SessionRef { gateway: me(self.life).node, session: SessionId(session) };
            self.sessions.insert(account, session);
        }
        opened
    }

    /// Asks for a login and does not wait.
    pub(crate) fn begin_login(
        &mut self,
        account: &'static str,
        session: u64,
        secret_hash: [u8; 32],
    ) {
        let session = SessionRef { gateway: me(self.life).node, session: SessionId(session) };
        let account_name = String::from(account);
        self.frame(ToBaseapp::Open {
            player: player(account),
            account: account_name,
            secret_hash,
            session,
        });
    }

    pub(crate) fn close(&mut self, account: &'static str) {
        let session = self.sessions.remove(account).expect("logged in");
        self.frame(ToBaseapp::Close { player: player(account), session });
    }

    pub(crate) fn send(&mut self, account: &'static str, request: PlayerRequest) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.send_as(account, id, request);
        id
    }

    pub(crate) fn send_as(&mut self, account: &'static str, id: RequestId, request: PlayerRequest) {
        self.replies.remove(&id);
        let session = self.sessions[account];
        let head = Head { sent_ms: self.now.0 * 5, budget_ms: 10_000, trace: None };
        let head = Box::new(head);
        self.frame(ToBaseapp::Request { player: player(account), session, id, request, head });
    }

    pub(crate) fn reply(&self, id: RequestId) -> Option<Answer> {
        self.replies.get(&id).cloned()
    }

    pub(crate) fn ask(&mut self, account: &'static str, request: PlayerRequest) -> Answer {
        let id = self.send(account, request);
        self.run(2);
        self.reply(id).expect("requests are answered")
    }

    /// Why a session was ended, if it was.
    pub(crate) fn goodbye(&self, session: u64) -> Option<Refusal> {
        self.opened.get(&SessionId(session)).cloned().and_then(Result::err)
    }

    pub(crate) fn events(&mut self, account: &str) -> Vec<Event> {
        let session = self.sessions[account].session;
        self.events.remove(&session).unwrap_or_default()
    }

    pub(crate) fn bag(&mut self, account: &'static str) -> Vec<Stack> {
        match self.ask(account, PlayerRequest::ReadBag) {
            Ok(Reply::Bag(stacks)) => stacks,
            other => panic!("a bag is read: {other:?}"),
        }
    }

    pub(crate) fn gold(&mut self, account: &'static str) -> u64 {
        match self.ask(account, PlayerRequest::ReadProfile) {
            Ok(Reply::Profile(profile)) => profile.gold,
            other => panic!("a profile is read: {other:?}"),
        }
    }

    pub(crate) fn letters(&mut self, account: &'static str) -> Vec<Letter> {
        match self.ask(account, PlayerRequest::ReadInbox) {
            Ok(Reply::Inbox(letters)) => letters,
            other => panic!("an inbox is read: {other:?}"),
        }
    }

    pub(crate) fn equipment(&mut self, account: &'static str) -> [Option<u16>; 3] {
        match self.ask(account, PlayerRequest::ReadEquipment) {
            Ok(Reply::Equipment(worn)) => worn,
            other => panic!("equipment is read: {other:?}"),
        }
    }

    /// The letters that the account's client was told of.
    pub(crate) fn known_letters(&self, account: &str) -> Vec<LetterId> {
        let events = self.events.get(&self.sessions[account].session).into_iter().flatten();
        events
            .filter_map(|event| {
                let Event::LetterCame(letter) = event else { return None };
                Some(letter.letter)
            })
            .collect()
    }

    pub(crate) fn drain(&mut self) {
        self.inputs.push(Input::Drain);
    }

    pub(crate) fn drained(&self) -> bool {
        self.core.status().drained
    }

    pub(crate) fn value(&self, name: &str) -> u64 {
        let values = self.core.status().values;
        values.iter().find(|(n, _)| *n == name).expect("the value is reported").1
    }
}
