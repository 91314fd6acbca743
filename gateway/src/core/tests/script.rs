//! The words of the scripts, and the one function that runs them.

use shared::core::{Core, EdgeInput, EdgeOutput, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{
    Address, BattleId, Epoch, LoginOrder, NodeId, PlayerId, RequestId, Role, SessionId,
};
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleInput, BattleOutput, Encoded};
use shared::msg::client::{
    BattleStart, ClientDatagram, ClientFrame, Event, Login, PROTOCOL_VERSION, PlayerRequest, Reply,
    Request, ServerFrame, SocialRequest,
};
use shared::msg::gateway_baseapp::{FromBaseapp, ToBaseapp};
use shared::msg::gateway_social::{FromSocial, ToSocial};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::{OpId, Ownership, StoreFailure, StoreReply};
use shared::tick::{Tick, TickRate};

use crate::core::{Gateway, GatewayLimits};

/// One line of a script.
#[derive(Clone)]
pub(super) enum Line {
    /// Something comes in.
    In(Input),
    /// Time passes, in milliseconds.
    Wait(u64),
    /// The store answers its `op`-th question.
    Stored(u64, StoreReply),
    /// Frames come back that the last line put out.
    Back,
}

/// A gateway and what it was told so far.
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    now: Tick,
    last: Vec<Output>,
}

impl Stage {
    /// A gateway whose cluster has a baseapp 2, a social node 3 and a battleapp 4.
    pub(super) fn new(limits: GatewayLimits) -> Self {
        let me = at(Role::Gateway, 1);
        let gateway = Gateway::new(me, TickRate::new(1000), limits);
        let mut stage = Self { gateway, now: Tick(0), last: Vec::new() };
        for line in [node(Role::Baseapp, 2), node(Role::Social, 3), node(Role::Battleapp, 4)] {
            assert_eq!(stage.play(&line), Vec::<String>::new());
        }
        stage
    }

    /// Plays one line and tells what came out.
    pub(super) fn play(&mut self, line: &Line) -> Vec<String> {
        let mut outputs = Vec::new();
        let mut inputs = Vec::new();
        match line {
            Line::In(input) => inputs.push(input.clone()),
            Line::Wait(ms) => self.now = self.now.after(*ms),
            Line::Stored(op, reply) => {
                self.gateway.stored(self.now, OpId(*op), reply.clone(), &mut outputs);
            }
            Line::Back => inputs.extend(self.last.drain(..).filter_map(back)),
        }
        self.gateway.tick(self.now, inputs.drain(..), &mut outputs);
        self.last.clone_from(&outputs);
        outputs.iter().map(describe).collect()
    }

    /// A value of the status.
    pub(super) fn value(&self, name: &str) -> u64 {
        let status = self.gateway.status();
        let found = status.values.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no value is called {name}")).1
    }
}

/// Plays a script and compares what comes out, line by line.
pub(super) fn check(script: &[(Line, &[&str])]) -> Stage {
    let mut stage = Stage::new(GatewayLimits::default());
    for (number, (line, expected)) in script.iter().enumerate() {
        assert_eq!(stage.play(line), *expected, "line {number} of the script");
    }
    stage
}

fn back(output: Output) -> Option<Input> {
    match output {
        Output::Send { to, body } => Some(Input::Unsent { to, body }),
        Output::Store { .. } | Output::Edge(_) | Output::SaveReplay { .. } => None,
    }
}

pub(super) fn at(role: Role, node: u16) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

pub(super) fn anna() -> PlayerId {
    PlayerId::of_account("anna")
}

pub(super) fn node(role: Role, node: u16) -> Line {
    let card = NodeCard {
        id: at(role, node).node,
        state: NodeState::Ready,
        build: String::from("test"),
        roles: vec![(role, 0)],
        link: None,
        page: None,
    };
    Line::In(Input::Directory(DirectoryEvent::Changed(card)))
}

pub(super) fn gone(node: u16) -> Line {
    Line::In(Input::Directory(DirectoryEvent::Gone(NodeId { node, incarnation: 1 })))
}

pub(super) fn edge(input: EdgeInput) -> Line {
    Line::In(Input::Edge(input))
}

pub(super) fn connect(session: u64) -> Line {
    edge(EdgeInput::Connected { session: SessionId(session) })
}

pub(super) fn close(session: u64) -> Line {
    edge(EdgeInput::Closed { session: SessionId(session) })
}

pub(super) fn malformed(session: u64) -> Line {
    edge(EdgeInput::Malformed { session: SessionId(session) })
}

pub(super) fn login_as(session: u64, account: &str, protocol: u16) -> Line {
    let login = Login { protocol, account: String::from(account), secret: [7; 32] };
    let frame = ClientFrame::Login(login);
    edge(EdgeInput::Frame { session: SessionId(session), frame })
}

pub(super) fn login(session: u64) -> Line {
    login_as(session, "anna", PROTOCOL_VERSION)
}

pub(super) fn ask(session: u64, id: u64, request: Request) -> Line {
    let frame = ClientFrame::Request { id: RequestId(id), request };
    edge(EdgeInput::Frame { session: SessionId(session), frame })
}

pub(super) fn read_bag(session: u64, id: u64) -> Line {
    ask(session, id, Request::Player(PlayerRequest::ReadBag))
}

pub(super) fn list_guilds(session: u64, id: u64) -> Line {
    ask(session, id, Request::Social(SocialRequest::ListGuilds))
}

pub(super) fn commands(session: u64, battle: u64) -> Line {
    let datagram = ClientDatagram { battle: BattleId(battle), seen_tick: 0, commands: Vec::new() };
    edge(EdgeInput::Datagram { session: SessionId(session), datagram })
}

pub(super) fn owner(op: u64, owner: Option<Address>) -> Line {
    Line::Stored(op, StoreReply::Owner(Ownership { owner, epoch: Epoch(1) }))
}

pub(super) fn store_fails(op: u64) -> Line {
    Line::Stored(op, StoreReply::Failed(StoreFailure::Closed))
}

fn from(from: Address, body: Body) -> Line {
    Line::In(Input::Frame { from, body })
}

pub(super) fn baseapp(node: u16, message: FromBaseapp) -> Line {
    from(at(Role::Baseapp, node), Body::FromBaseapp(message))
}

pub(super) fn opened(node: u16, session: u64) -> Line {
    opened_for(anna(), node, session)
}

pub(super) fn opened_for(player: PlayerId, node: u16, session: u64) -> Line {
    let session = SessionId(session);
    let (name, order) = (String::from("anna"), LoginOrder::default());
    baseapp(node, FromBaseapp::Opened { session, player, name, order })
}

pub(super) fn moved(node: u16, session: u64, to: u16) -> Line {
    let owner = at(Role::Baseapp, to);
    baseapp(node, FromBaseapp::Moved { session: SessionId(session), owner })
}

pub(super) fn refused(node: u16, session: u64, code: RefusalCode) -> Line {
    let refusal = Refusal::new(code, "said the baseapp");
    baseapp(node, FromBaseapp::Refused { session: SessionId(session), refusal })
}

pub(super) fn reply(node: u16, session: u64, id: u64) -> Line {
    let (session, id) = (SessionId(session), RequestId(id));
    baseapp(node, FromBaseapp::Reply { session, id, result: Ok(Reply::Done) })
}

pub(super) fn social_reply(node: u16, session: u64, id: u64) -> Line {
    let (session, id) = (SessionId(session), RequestId(id));
    let reply = FromSocial::Reply { session, id, result: Ok(Reply::Done) };
    from(at(Role::Social, node), Body::FromSocial(reply))
}

pub(super) fn queued(session: u64) -> Line {
    let event = FromSocial::Event { session: SessionId(session), event: Event::Queued };
    from(at(Role::Social, 3), Body::FromSocial(event))
}

pub(super) fn battle(message: BattleOutput) -> Line {
    from(at(Role::Battleapp, 4), Body::BattleOutput(message))
}

pub(super) fn seated(session: u64, battle_id: u64) -> Line {
    battle(BattleOutput::Seated { session: SessionId(session), start: start(battle_id) })
}

pub(super) fn watching(session: u64, battle_id: u64) -> Line {
    battle(BattleOutput::Watching { session: SessionId(session), start: start(battle_id) })
}

fn start(battle_id: u64) -> BattleStart {
    BattleStart {
        battle: BattleId(battle_id),
        slot: 0,
        fighters: Vec::new(),
        map: Box::default(),
        ticks_max: 1,
    }
}

/// Snapshots of a battle: by stream or not, for whom, and their bytes.
pub(super) fn snapshots(battle_id: u64, all: &[(bool, &[u64], &[u8])]) -> Line {
    let encoded = all.iter().map(|(by_stream, sessions, bytes)| Encoded {
        by_stream: *by_stream,
        sessions: sessions.iter().copied().map(SessionId).collect(),
        bytes: bytes.to_vec(),
    });
    let encoded = encoded.collect();
    battle(BattleOutput::Snapshots { battle: BattleId(battle_id), encoded })
}

/// Connects `session` and logs anna in, as the `op`-th login of the script.
pub(super) fn logged_in(session: u64, op: u64) -> Vec<(Line, &'static [&'static str])> {
    let ask: &'static str = ["", "store 1", "store 2", "store 3"][usize::try_from(op).unwrap()];
    vec![
        (connect(session), &[]),
        (login(session), Box::leak(vec![ask].into_boxed_slice())),
        (owner(op, None), &["baseapp@2#1 open"]),
        (opened(2, session), Box::leak(welcome(session).into_boxed_slice())),
    ]
}

fn welcome(session: u64) -> Vec<&'static str> {
    vec![["", "1: welcome", "2: welcome"][usize::try_from(session).unwrap()], "social@3#1 online"]
}

fn describe(output: &Output) -> String {
    match output {
        Output::Send { to, body } => format!("{to} {}", describe_body(body)),
        Output::Store { op, .. } => format!("store {}", op.0),
        Output::Edge(EdgeOutput::Frame { session, frame }) => {
            format!("{}: {}", session.0, describe_frame(frame))
        }
        Output::Edge(EdgeOutput::Datagram { sessions, bytes }) => {
            let sessions: Vec<_> = sessions.iter().map(|session| session.0).collect();
            format!("{sessions:?}: datagram {bytes:?}")
        }
        Output::Edge(EdgeOutput::Close { session }) => format!("{}: close", session.0),
        Output::SaveReplay { .. } => String::from("replay"),
    }
}

fn describe_body(body: &Body) -> String {
    match body {
        Body::ToBaseapp(ToBaseapp::Open { .. }) => String::from("open"),
        Body::ToBaseapp(ToBaseapp::Request { id, .. }) => format!("request {}", id.0),
        Body::ToBaseapp(ToBaseapp::Close { session, .. }) => format!("close {}", session.session.0),
        Body::ToSocial(ToSocial::Online { .. }) => String::from("online"),
        Body::ToSocial(ToSocial::Offline { session, .. }) => {
            format!("offline {}", session.session.0)
        }
        Body::ToSocial(ToSocial::Request { id, .. }) => format!("request {}", id.0),
        Body::BattleInput(BattleInput::Commands { .. }) => String::from("commands"),
        Body::BattleInput(BattleInput::Left { battle, .. }) => format!("left {}", battle.0),
        Body::MailWaiting(_)
        | Body::FromBaseapp(_)
        | Body::FromSocial(_)
        | Body::ToMatchmaker(_)
        | Body::FromMatchmaker(_)
        | Body::CardRequest(_)
        | Body::Card(_)
        | Body::ToBattle(_)
        | Body::FromBattle(_)
        | Body::BattleOutput(_)
        | Body::Rejoin(_)
        | Body::ToPublisher(_)
        | Body::ToSubscriber(_) => format!("{body:?}"),
    }
}

fn describe_frame(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::Welcome(_) => String::from("welcome"),
        ServerFrame::Reply { id, result: Ok(reply) } => format!("reply {} {reply:?}", id.0),
        ServerFrame::Reply { id, result: Err(refusal) } => {
            format!("refused {} {:?}", id.0, refusal.code)
        }
        ServerFrame::Event(Event::BattleStarted(_)) => String::from("battle started"),
        ServerFrame::Event(Event::WatchStarted(_)) => String::from("watch started"),
        ServerFrame::Event(event) => format!("{event:?}"),
        ServerFrame::Goodbye(refusal) => format!("goodbye {:?}", refusal.code),
        ServerFrame::Snapshot(bytes) => format!("snapshot {bytes:?}"),
    }
}
