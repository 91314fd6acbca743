//! A node whose cores report what they are given, and the test's ways to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::vec::Drain;

use crossbeam_channel::{Receiver, Sender, bounded};

use shared::core::{Core, CoreStatus, EdgeInput, EdgeOutput, Input, Output};
use shared::directory::local::{LocalDirectory, LocalDirectoryHandle};
use shared::directory::{Directory, DirectoryEvent, NodeCard};
use shared::ids::{Address, BattleId, Key, NodeId, PlayerId, Role};
use shared::mq::local::{LocalMq, LocalMqEndpoint};
use shared::mq::{Mq, MqEvent};
use shared::msg::Body;
use shared::runtime::{Doorbell, EdgeLink, Node, NodeSetup, NodeStatus, RoleSetup};
use shared::schedule::Pace;
use shared::store::{OpId, Ownership, Store, StoreFull, StoreReply, StoreRequest};
use shared::tick::{Tick, TickRate};

/// How long a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const ID: NodeId = NodeId { node: 1, incarnation: 1 };
pub(crate) const TESTER: Address =
    Address { node: NodeId { node: 9, incarnation: 1 }, role: Role::Gateway };
/// Asks the core to panic.
pub(crate) const PANIC: u64 = 1;
/// Asks the core to hold its thread until the test lets go.
pub(crate) const HOLD: u64 = 2;
/// Asks the core for ten requests to the store.
pub(crate) const ASK: u64 = 3;
/// Asks the core to send something to nobody.
pub(crate) const STRAY: u64 = 4;
/// Asks the core to keep a replay.
pub(crate) const KEEP: u64 = 5;

#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Tick(u64),
    Input(Input),
    Stored(u64, OpId),
}

/// Reports everything and answers frames with the same frame.
pub(crate) struct Probe {
    seen: Sender<(Role, Seen)>,
    hold: Receiver<()>,
    role: Role,
    draining: bool,
}

impl Probe {
    fn report(&self, seen: Seen) {
        self.seen.try_send((self.role, seen)).expect("the test made room");
    }

    fn obey(&self, from: Address, word: u64, outputs: &mut Vec<Output>) {
        let body = Body::MailWaiting(Key::Player(PlayerId(word)));
        match word {
            PANIC => panic!("as asked"),
            HOLD => self.hold.recv().expect("the test lets go"),
            ASK => outputs.extend((0..10).map(|n| {
                let request = StoreRequest::ReadOwner { key: Key::Player(PlayerId(n)) };
                Output::Store { op: OpId(n), request }
            })),
            STRAY => {
                let nobody = Address { node: ID, role: Role::Battleapp };
                outputs.push(Output::Send { to: nobody, body });
            }
            KEEP => outputs.push(Output::SaveReplay { battle: BattleId(7), bytes: vec![1, 2] }),
            _ => outputs.push(Output::Send { to: from, body }),
        }
    }
}

impl Core for Probe {
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        self.report(Seen::Tick(now.0));
        for input in inputs {
            if let Input::Frame { from, body: Body::MailWaiting(Key::Player(word)) } = &input {
                self.obey(*from, word.0, outputs);
            }
            if let Input::Edge(EdgeInput::Connected { session }) = &input {
                outputs.push(Output::Edge(EdgeOutput::Close { session: *session }));
            }
            self.draining |= input == Input::Drain;
            self.report(Seen::Input(input));
        }
    }

    fn stored(&mut self, now: Tick, op: OpId, _reply: StoreReply, _outputs: &mut Vec<Output>) {
        self.report(Seen::Stored(now.0, op));
    }

    fn status(&self) -> CoreStatus {
        CoreStatus { load: 3, drained: true, values: vec![("toys", 5)] }
    }
}

/// Answers from another thread, as stores do, and takes only two requests at a time.
pub(crate) struct Remote {
    requests: Sender<OpId>,
    replies: Receiver<OpId>,
}

impl Remote {
    pub(crate) fn start(wake: Doorbell) -> Self {
        let (requests, asked) = bounded::<OpId>(2);
        let (answers, replies) = bounded(64);
        std::thread::spawn(move || {
            for op in asked {
                answers.try_send(op).expect("there is room for all answers of a test");
                wake.ring();
            }
        });
        Self { requests, replies }
    }
}

impl Store for Remote {
    fn submit(&mut self, op: OpId, request: StoreRequest) -> Result<(), StoreFull> {
        self.requests.try_send(op).map_err(|_| StoreFull(request))
    }

    fn poll(&mut self, replies: &mut Vec<(OpId, StoreReply)>) {
        let owner = || StoreReply::Owner(Ownership::default());
        replies.extend(self.replies.try_iter().map(|op| (op, owner())));
    }
}

/// A directory that may say that the node itself is gone.
struct Told {
    directory: LocalDirectoryHandle,
    gone: Arc<AtomicBool>,
}

impl Directory for Told {
    fn announce(&mut self, card: &NodeCard) {
        self.directory.announce(card);
    }

    fn leave(&mut self) {
        self.directory.leave();
    }

    fn poll(&mut self, events: &mut Vec<DirectoryEvent>) {
        self.directory.poll(events);
        events.extend(self.gone.load(Ordering::Acquire).then_some(DirectoryEvent::Gone(ID)));
    }
}

/// A node of probes, and the test's ways to it.
pub(crate) struct Bench {
    // Dropped first, so that a core that is held does not hold up the end of a failed test.
    pub(crate) let_go: Sender<()>,
    pub(crate) node: Node,
    pub(crate) seen: Receiver<(Role, Seen)>,
    pub(crate) mq: LocalMqEndpoint,
    pub(crate) wake: Doorbell,
    pub(crate) directory: LocalDirectory,
    pub(crate) replays: Receiver<(BattleId, Vec<u8>)>,
    pub(crate) edge: Option<(Sender<EdgeInput>, Doorbell, Receiver<EdgeOutput>)>,
    /// Makes the directory say that the node is gone.
    pub(crate) gone: Arc<AtomicBool>,
}

impl Bench {
    pub(crate) fn start(roles: &[(Role, Pace)]) -> Self {
        let (hub, directory, wake) = (LocalMq::new(), LocalDirectory::new(), Doorbell::new());
        let (report, seen) = bounded(100_000);
        let (let_go, hold) = bounded(1);
        let (keep, replays) = bounded(10);
        let mut edge = None;
        let gone = Arc::new(AtomicBool::new(false));
        let setup = |(role, pace): &(Role, Pace)| {
            let address = Address { node: ID, role: *role };
            let doorbell = Doorbell::new();
            let link = (*role == Role::Gateway).then(|| {
                let (inputs, outputs) = (bounded(10), bounded(10));
                edge = Some((inputs.0, doorbell.clone(), outputs.1));
                let act = move |output| outputs.0.try_send(output).expect("room for ten");
                EdgeLink { inputs: inputs.1, outputs: Box::new(act) }
            });
            let (seen, hold) = (report.clone(), hold.clone());
            RoleSetup {
                address,
                core: Box::new(Probe { seen, hold, role: *role, draining: false }),
                pace: *pace,
                mq: Box::new(hub.bind(address, doorbell.clone())),
                store: Box::new(Remote::start(doorbell.clone())),
                doorbell,
                edge: link,
            }
        };
        let roles = roles.iter().map(setup).collect();
        let mq = hub.bind(TESTER, wake.clone());
        let node = Node::start(NodeSetup {
            page: None,
            id: ID,
            build: String::from("test"),
            directory: Box::new(Told { directory: directory.join(ID), gone: Arc::clone(&gone) }),
            roles,
            replays: Box::new(move |battle, bytes| {
                keep.try_send((battle, bytes)).expect("room for ten");
            }),
            record_dir: None,
        });
        let node = node.expect("starts");
        Self { node, seen, let_go, mq, wake, directory, replays, edge, gone }
    }

    pub(crate) fn say(&mut self, role: Role, word: u64) {
        let body = Body::MailWaiting(Key::Player(PlayerId(word)));
        self.mq.send(Address { node: ID, role }, body).expect("there is room");
    }

    pub(crate) fn await_frame(&mut self) -> MqEvent {
        let mut events = Vec::new();
        while events.is_empty() {
            assert!(self.wake.wait(PATIENCE), "nothing came");
            self.mq.poll(1, &mut events);
        }
        events.remove(0)
    }

    pub(crate) fn next(&self) -> (Role, Seen) {
        self.seen.recv_timeout(PATIENCE).expect("the cores report")
    }

    pub(crate) fn await_tick(&self, role: Role) -> u64 {
        loop {
            if let (from, Seen::Tick(tick)) = self.next()
                && from == role
            {
                return tick;
            }
        }
    }

    pub(crate) fn await_input(&self, role: Role, wanted: impl Fn(&Input) -> bool) -> Input {
        loop {
            if let (from, Seen::Input(input)) = self.next()
                && from == role
                && wanted(&input)
            {
                return input;
            }
        }
    }

    /// Looks at the status after each further tick.
    pub(crate) fn await_status(&self, wanted: impl Fn(&NodeStatus) -> bool) -> NodeStatus {
        loop {
            let status = self.node.status();
            if wanted(&status) {
                return status;
            }
            self.next();
        }
    }
}

pub(crate) fn fixed(role: Role, hz: u32) -> (Role, Pace) {
    (role, Pace::Fixed(TickRate::new(hz)))
}

pub(crate) fn on_input(role: Role, hz: u32) -> (Role, Pace) {
    (role, Pace::OnInput(TickRate::new(hz)))
}
