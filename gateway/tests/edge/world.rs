//! A real edge and a real core on threads of their own, in a cluster that is made up: a baseapp
//! that lets everybody in, and a battleapp that answers commands with snapshots.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use client::{ClientEndpoint, ConnectTo, Credentials, Trust};
use gateway::core::{Gateway, GatewayLimits};
use gateway::shell::{CERTIFICATE_FILE, CertificateSource, Edge, EdgeConfig, EdgeLimits};
use shared::core::{Core, CoreStatus, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{Address, BattleId, LoginOrder, NodeId, Role, SessionRef};
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleInput, BattleOutput, Encoded};
use shared::msg::client::{
    BattleStart, DATAGRAM_SNAPSHOT, Event, PlayerRequest, Reply, SocialRequest,
};
use shared::msg::gateway_baseapp::{FromBaseapp, ToBaseapp};
use shared::msg::gateway_social::{FromSocial, ToSocial};
use shared::msg::snapshot::{Snapshot, encode};
use shared::runtime::{Doorbell, EdgeLink};
use shared::store::{Ownership, StoreReply};
use shared::tick::{Tick, TickRate};
use tempfile::TempDir;

pub(crate) const BATTLE: BattleId = BattleId(42);
/// Events that the made-up baseapp sends at once for `ReadInbox`: more than the edge keeps for a
/// client, the window of [`crate::raw::RawClient`] included.
const EVENT_FLOOD: usize = 5_000;

/// A gateway with its edge.
pub(crate) struct World {
    pub(crate) edge: Edge,
    pub(crate) dir: TempDir,
    stop: Arc<AtomicBool>,
    drain: Arc<AtomicBool>,
    doorbell: Doorbell,
    core: JoinHandle<CoreStatus>,
}

impl World {
    pub(crate) fn start() -> Self {
        Self::with_limits(EdgeLimits::default())
    }

    pub(crate) fn with_limits(limits: EdgeLimits) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let doorbell = Doorbell::new();
        let (edge, link) = Edge::bind(config(&dir, 0, limits), doorbell.clone()).expect("bound");
        let (stop, drain) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let cluster = Cluster {
            gateway: Gateway::new(me(), TickRate::new(1000), GatewayLimits::default()),
            link,
            doorbell: doorbell.clone(),
            stop: Arc::clone(&stop),
            drain: Arc::clone(&drain),
        };
        let core = std::thread::spawn(move || cluster.run());
        Self { edge, dir, stop, drain, doorbell, core }
    }

    pub(crate) fn trust(&self) -> Trust {
        let path = self.dir.path().join(CERTIFICATE_FILE);
        Trust::Certificate(std::fs::read(path).expect("made when the edge was bound"))
    }

    pub(crate) fn endpoint(&self) -> ClientEndpoint {
        ClientEndpoint::new(&self.trust()).expect("a socket")
    }

    /// Where the account `account` connects.
    pub(crate) fn to(&self, account: &str) -> ConnectTo {
        ConnectTo {
            server: SocketAddr::from(([127, 0, 0, 1], self.edge.local_addr().port())),
            server_name: String::from("localhost"),
            login: Credentials { account: String::from(account), secret: [7; 32] },
            nonce: None,
        }
    }

    pub(crate) fn drain(&self) {
        self.drain.store(true, Ordering::Relaxed);
        self.doorbell.ring();
    }

    /// Closes the edge and stops the core; gives what both have counted.
    pub(crate) async fn end(self) -> Vec<(&'static str, u64)> {
        let mut values = self.edge.values();
        self.edge.close().await;
        self.stop.store(true, Ordering::Relaxed);
        self.doorbell.ring();
        values.extend(self.core.join().expect("the core did not panic").values);
        values
    }
}

pub(crate) fn value(values: &[(&'static str, u64)], name: &str) -> u64 {
    values.iter().find(|(known, _)| *known == name).expect("it is counted").1
}

pub(crate) fn config(dir: &TempDir, port: u16, limits: EdgeLimits) -> EdgeConfig {
    EdgeConfig {
        udp: SocketAddr::from(([127, 0, 0, 1], port)),
        certificate: CertificateSource::Development {
            dir: dir.path().to_path_buf(),
            names: vec![String::from("localhost"), String::from("127.0.0.1")],
        },
        node: me().node,
        limits,
    }
}

fn me() -> Address {
    at(Role::Gateway, 1)
}

fn at(role: Role, node: u16) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

/// The core and everything around it but the edge.
struct Cluster {
    gateway: Gateway,
    link: EdgeLink,
    doorbell: Doorbell,
    stop: Arc<AtomicBool>,
    drain: Arc<AtomicBool>,
}

impl Cluster {
    fn run(mut self) -> CoreStatus {
        let mut inputs: Vec<Input> = vec![node(Role::Baseapp, 2), node(Role::Social, 3)];
        let mut outputs = Vec::new();
        let mut now = Tick(0);
        while !self.stop.load(Ordering::Relaxed) {
            // Time runs only while nothing happens, and then faster than outside.
            let idle = inputs.is_empty() && !self.doorbell.wait(Duration::from_millis(5));
            now = now.after(if idle { 20 } else { 1 });
            if self.drain.swap(false, Ordering::Relaxed) {
                inputs.push(Input::Drain);
            }
            inputs.extend(self.link.inputs.try_iter().map(Input::Edge));
            self.gateway.tick(now, inputs.drain(..), &mut outputs);
            while !outputs.is_empty() {
                for output in std::mem::take(&mut outputs) {
                    self.carry_out(now, output, &mut inputs, &mut outputs);
                }
            }
        }
        self.gateway.status()
    }

    fn carry_out(
        &mut self,
        now: Tick,
        output: Output,
        inputs: &mut Vec<Input>,
        outputs: &mut Vec<Output>,
    ) {
        match output {
            Output::Edge(output) => (self.link.outputs)(output),
            Output::Store { op, .. } => {
                let nobody = StoreReply::Owner(Ownership::default());
                self.gateway.stored(now, op, nobody, outputs);
            }
            Output::Send { body, .. } => answer(body, inputs),
            Output::SaveReplay { .. } => panic!("gateways fight no battles"),
        }
    }
}

fn node(role: Role, node: u16) -> Input {
    Input::Directory(DirectoryEvent::Changed(NodeCard {
        id: at(role, node).node,
        state: NodeState::Ready,
        build: String::from("test"),
        roles: vec![(role, 0)],
        link: None,
        page: None,
    }))
}

/// What the made-up cluster says to a frame.
fn answer(body: Body, inputs: &mut Vec<Input>) {
    let mut say = |role, node, body| inputs.push(Input::Frame { from: at(role, node), body });
    let mut baseapp = |message| say(Role::Baseapp, 2, Body::FromBaseapp(message));
    match body {
        Body::ToBaseapp(ToBaseapp::Open { player, account, session, .. }) => {
            let (session, order) = (session.session, LoginOrder::default());
            baseapp(FromBaseapp::Opened { session, player, name: account, order });
        }
        Body::ToBaseapp(ToBaseapp::Request { session, id, request, .. }) => {
            let session = session.session;
            if request == PlayerRequest::ReadInbox {
                for _ in 0..EVENT_FLOOD {
                    baseapp(FromBaseapp::Event { session, event: Event::Queued });
                }
            }
            // `LeaveGuild` is never answered.
            if request != PlayerRequest::LeaveGuild {
                baseapp(FromBaseapp::Reply { session, id, result: Ok(Reply::Done) });
            }
        }
        Body::ToSocial(ToSocial::Request { session, id, request, .. }) => {
            let reply = FromSocial::Reply { session: session.session, id, result: Ok(Reply::Done) };
            say(Role::Social, 3, Body::FromSocial(reply));
            if request == SocialRequest::LeaveQueue {
                say(Role::Battleapp, 4, Body::BattleOutput(seated(session)));
            }
        }
        Body::BattleInput(BattleInput::Commands { session, datagram, .. }) => {
            let snapshots = next_snapshot(session, datagram.seen_tick);
            say(Role::Battleapp, 4, Body::BattleOutput(snapshots));
        }
        Body::ToBaseapp(ToBaseapp::Close { .. })
        | Body::ToSocial(ToSocial::Online { .. } | ToSocial::Offline { .. })
        | Body::BattleInput(BattleInput::Left { .. }) => {}
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
        | Body::ToSubscriber(_) => panic!("a gateway does not say this"),
    }
}

fn seated(session: SessionRef) -> BattleOutput {
    let start = BattleStart {
        battle: BATTLE,
        slot: 0,
        fighters: Vec::new(),
        map: Box::default(),
        ticks_max: 1,
    };
    BattleOutput::Seated { session: session.session, start }
}

/// An empty battle in a tick.
pub(crate) fn snapshot_at(tick: u32) -> Snapshot {
    Snapshot { tick, ticks_left: 1_000 - tick, unit_mm: 1, ..Snapshot::default() }
}

/// The snapshot after `seen`: a keyframe by stream if that is none, else the difference.
fn next_snapshot(session: SessionRef, seen: u32) -> BattleOutput {
    let by_stream = seen == 0;
    let mut bytes = if by_stream { Vec::new() } else { vec![DATAGRAM_SNAPSHOT] };
    let before = snapshot_at(seen);
    encode(3, &snapshot_at(seen + 1), (!by_stream).then_some(&before), &mut bytes);
    let encoded = vec![Encoded { by_stream, sessions: vec![session.session], bytes }];
    BattleOutput::Snapshots { battle: BATTLE, encoded }
}
