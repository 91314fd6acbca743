//! The node runtime, run with cores that report what they are given.

use std::time::Duration;
use std::vec::Drain;

use crossbeam_channel::{Receiver, Sender, after, bounded};

use shared::core::{Core, CoreStatus, EdgeInput, EdgeOutput, Input, Output};
use shared::directory::local::LocalDirectory;
use shared::directory::{Directory, DirectoryEvent, NodeCard, NodeState};
use shared::ids::{Address, BattleId, Key, NodeId, PlayerId, Role, SessionId};
use shared::mq::local::{LocalMq, LocalMqEndpoint};
use shared::mq::{Mq, MqEvent};
use shared::msg::Body;
use shared::runtime::{
    Doorbell, EdgeLink, Node, NodeSetup, NodeStatus, Pace, RoleSetup, RuntimeError,
};
use shared::store::{OpId, Ownership, Store, StoreFull, StoreReply, StoreRequest};
use shared::tick::{Tick, TickRate};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);
const ID: NodeId = NodeId { node: 1, incarnation: 1 };
const TESTER: Address = Address { node: NodeId { node: 9, incarnation: 1 }, role: Role::Gateway };
/// Asks the core to panic.
const PANIC: u64 = 1;
/// Asks the core to hold its thread until the test lets go.
const HOLD: u64 = 2;
/// Asks the core for ten requests to the store.
const ASK: u64 = 3;
/// Asks the core to send something to nobody.
const STRAY: u64 = 4;
/// Asks the core to keep a replay.
const KEEP: u64 = 5;

#[derive(Debug, PartialEq)]
enum Seen {
    Tick(u64),
    Input(Input),
    Stored(u64, OpId),
}

/// Reports everything and answers frames with the same frame.
struct Probe {
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
struct Remote {
    requests: Sender<OpId>,
    replies: Receiver<OpId>,
}

impl Remote {
    fn start(wake: Doorbell) -> Self {
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

/// A node of probes, and the test's ways to it.
struct Bench {
    // Dropped first, so that a core that is held does not hold up the end of a failed test.
    let_go: Sender<()>,
    node: Node,
    seen: Receiver<(Role, Seen)>,
    mq: LocalMqEndpoint,
    wake: Doorbell,
    directory: LocalDirectory,
    replays: Receiver<(BattleId, Vec<u8>)>,
    edge: Option<(Sender<EdgeInput>, Doorbell, Receiver<EdgeOutput>)>,
}

impl Bench {
    fn start(roles: &[(Role, Pace)]) -> Self {
        let (hub, directory, wake) = (LocalMq::new(), LocalDirectory::new(), Doorbell::new());
        let (report, seen) = bounded(100_000);
        let (let_go, hold) = bounded(1);
        let (keep, replays) = bounded(10);
        let mut edge = None;
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
            directory: Box::new(directory.join(ID)),
            roles,
            replays: Box::new(move |battle, bytes| {
                keep.try_send((battle, bytes)).expect("room for ten");
            }),
            record_dir: None,
        });
        let node = node.expect("starts");
        Self { node, seen, let_go, mq, wake, directory, replays, edge }
    }

    fn say(&mut self, role: Role, word: u64) {
        let body = Body::MailWaiting(Key::Player(PlayerId(word)));
        self.mq.send(Address { node: ID, role }, body).expect("there is room");
    }

    fn await_frame(&mut self) -> MqEvent {
        let mut events = Vec::new();
        while events.is_empty() {
            assert!(self.wake.wait(PATIENCE), "nothing came");
            self.mq.poll(1, &mut events);
        }
        events.remove(0)
    }

    fn next(&self) -> (Role, Seen) {
        self.seen.recv_timeout(PATIENCE).expect("the cores report")
    }

    fn await_tick(&self, role: Role) -> u64 {
        loop {
            if let (from, Seen::Tick(tick)) = self.next()
                && from == role
            {
                return tick;
            }
        }
    }

    fn await_input(&self, role: Role, wanted: impl Fn(&Input) -> bool) -> Input {
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
    fn await_status(&self, wanted: impl Fn(&NodeStatus) -> bool) -> NodeStatus {
        loop {
            let status = self.node.status();
            if wanted(&status) {
                return status;
            }
            self.next();
        }
    }
}

fn fixed(role: Role, hz: u32) -> (Role, Pace) {
    (role, Pace::Fixed(TickRate::new(hz)))
}

fn on_input(role: Role, hz: u32) -> (Role, Pace) {
    (role, Pace::OnInput(TickRate::new(hz)))
}

#[test]
fn a_fixed_pace_ticks_as_time_goes_and_leaves_out_no_number_unsaid() {
    let bench = Bench::start(&[fixed(Role::Baseapp, 500)]);
    let first = bench.await_tick(Role::Baseapp);
    assert_eq!(first, 1);
    after(Duration::from_millis(300)).recv().expect("time goes on");
    let ran = bench.seen.try_iter().filter(|(_, seen)| matches!(seen, Seen::Tick(_))).count();
    let later = bench.await_tick(Role::Baseapp);
    assert!(later >= 145, "300 ms at 500 Hz are 150 ticks, not {later}");
    assert!(u64::try_from(ran).unwrap() < later, "never more ticks than time");
    let status = bench.await_status(|status| status.roles[0].ticks > 100).roles.remove(0);
    assert_eq!(status.ticks + status.ticks_skipped, status.tick);
}

#[test]
fn a_step_that_takes_too_long_is_counted_and_what_it_missed_is_left_out() {
    let mut bench = Bench::start(&[fixed(Role::Baseapp, 200)]);
    bench.say(Role::Baseapp, HOLD);
    let is_frame = |input: &Input| matches!(input, Input::Frame { .. });
    let hold = bench.let_go.clone();
    after(Duration::from_millis(150)).recv().expect("time goes on");
    hold.send(()).expect("the core waits");
    bench.await_input(Role::Baseapp, is_frame);
    let held = bench.await_tick(Role::Baseapp);
    assert!(held > 30, "150 ms at 200 Hz are 30 ticks, not {held}");
    let status = bench.await_status(|status| status.roles[0].ticks_skipped > 0).roles.remove(0);
    assert!(status.overruns > 0);
    assert!(status.tick_us.max >= 100_000);
    assert_eq!(status.ticks + status.ticks_skipped, status.tick);
}

#[test]
fn answers_of_the_store_come_between_two_ticks_and_in_order() {
    let mut bench = Bench::start(&[fixed(Role::Baseapp, 1)]);
    bench.say(Role::Baseapp, ASK);
    bench.await_input(Role::Baseapp, |input| matches!(input, Input::Frame { .. }));
    let mut tick = None;
    for n in 0..10 {
        let (_, seen) = bench.next();
        let Seen::Stored(now, op) = seen else { panic!("answer {n} came too late: {seen:?}") };
        assert_eq!(op, OpId(n), "the store takes two at a time, and still none overtakes");
        assert_eq!(*tick.get_or_insert(now), now);
    }
    assert!(bench.await_tick(Role::Baseapp) > tick.unwrap());
}

#[test]
fn an_input_makes_a_role_on_input_tick_at_once() {
    let mut bench = Bench::start(&[on_input(Role::Gateway, 1_000)]);
    let mut waits = Vec::new();
    for word in 100..160 {
        bench.say(Role::Gateway, word);
        bench.await_frame();
        let ticks = bench.seen.try_iter().filter_map(|(_, seen)| match seen {
            Seen::Tick(tick) => Some(tick),
            Seen::Input(_) | Seen::Stored(..) => None,
        });
        waits.push(ticks.last().expect("it has answered"));
    }
    let mut steps: Vec<_> = waits.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_unstable();
    assert!(steps[0] > 0, "at most at the rate");
    assert!(steps[steps.len() / 2] <= 5, "half of them did not wait for the idle tick: {steps:?}");
    let idle = bench.await_tick(Role::Gateway);
    assert!(bench.await_tick(Role::Gateway) >= idle + 10, "it ticks though nothing comes");
}

#[test]
fn a_panic_ends_its_role_only_and_is_reported() {
    let mut bench = Bench::start(&[fixed(Role::Baseapp, 100), fixed(Role::Social, 100)]);
    assert!(bench.node.is_healthy());
    bench.say(Role::Baseapp, 50);
    bench.await_frame();
    bench.say(Role::Baseapp, PANIC);
    let mut watcher = bench.directory.join(TESTER.node);
    let status = bench.await_status(|status| !status.healthy);
    assert_eq!(status.roles[0].failed.as_deref(), Some("as asked"));
    assert_eq!(status.roles[1].failed, None);
    assert_eq!(bench.node.failed_role(), Some((Role::Baseapp, String::from("as asked"))));
    bench.say(Role::Social, 60);
    let answer = bench.await_frame();
    assert!(matches!(answer, MqEvent::Frame { from, .. } if from.role == Role::Social));
    let left_out = |card: &NodeCard| card.roles == [(Role::Social, 3)];
    while !polled(&mut watcher).iter().any(|event| is_card(event, left_out)) {
        bench.await_tick(Role::Social);
    }
    bench.node.stop();
}

#[test]
fn a_core_that_panics_in_its_first_tick_keeps_the_node_from_starting() {
    struct Broken;
    impl Core for Broken {
        fn tick(&mut self, _now: Tick, _inputs: Drain<'_, Input>, _outputs: &mut Vec<Output>) {
            panic!("broken");
        }
        fn stored(&mut self, _: Tick, _: OpId, _: StoreReply, _: &mut Vec<Output>) {}
        fn status(&self) -> CoreStatus {
            CoreStatus::default()
        }
    }
    let (hub, directory) = (LocalMq::new(), LocalDirectory::new());
    let setup = || {
        let address = Address { node: ID, role: Role::Social };
        let doorbell = Doorbell::new();
        RoleSetup {
            address,
            core: Box::new(Broken),
            pace: Pace::Fixed(TickRate::new(10)),
            mq: Box::new(hub.bind(address, doorbell.clone())),
            store: Box::new(Remote::start(doorbell.clone())),
            doorbell,
            edge: None,
        }
    };
    let start = |roles| {
        let directory = Box::new(directory.join(ID));
        let (build, replays) = (String::from("test"), Box::new(|_, _| {}));
        let (page, record_dir) = (None, None);
        Node::start(NodeSetup { id: ID, build, page, directory, roles, replays, record_dir })
    };
    let failed = start(vec![setup()]).expect_err("its role is broken");
    let RuntimeError::Failed { role: Role::Social, reason } = failed else { panic!("{failed}") };
    assert_eq!(reason, "broken");
    assert_eq!(polled(&mut directory.join(TESTER.node)), [], "it has left the directory");
    let twice = start(vec![setup(), setup()]).expect_err("two of a kind");
    assert!(matches!(twice, RuntimeError::Misplaced { .. }));
    assert!(matches!(start(Vec::new()), Err(RuntimeError::NoRoles(ID))));
}

#[test]
fn a_drain_reaches_every_core_and_is_announced() {
    let roles = [fixed(Role::Baseapp, 50), on_input(Role::Gateway, 1_000)];
    let bench = Bench::start(&roles);
    let mut watcher = bench.directory.join(TESTER.node);
    assert!(polled(&mut watcher).iter().any(|event| is_card(event, |card| {
        card.state == NodeState::Ready && card.roles.len() == roles.len()
    })));
    bench.await_status(|status| status.roles.iter().all(|role| role.load == 3));
    assert!(!bench.node.is_drained(), "a core's word counts only after it was told to drain");
    bench.node.drain();
    bench.await_status(|status| status.roles.iter().all(|role| role.drained));
    assert!(bench.node.is_drained());
    assert_eq!(bench.node.status().state, NodeState::Draining);
    while !polled(&mut watcher)
        .iter()
        .any(|event| is_card(event, |card| card.state == NodeState::Draining))
    {
        bench.next();
    }
    bench.node.stop();
    assert_eq!(polled(&mut watcher), [DirectoryEvent::Gone(ID)]);
}

#[test]
fn a_core_knows_its_own_node_from_its_first_tick_on_and_others_soon() {
    let bench = Bench::start(&[fixed(Role::Social, 100)]);
    assert_eq!(bench.next(), (Role::Social, Seen::Tick(1)));
    let (_, Seen::Input(Input::Directory(first))) = bench.next() else { panic!("no card") };
    assert!(is_card(&first, |card| card.id == ID && card.state == NodeState::Starting));
    let is_ready = |card: &NodeCard| card.id == ID && card.state == NodeState::Ready;
    bench.await_input(Role::Social, |input| {
        matches!(input,
        Input::Directory(event) if is_card(event, is_ready))
    });
    let id = TESTER.node;
    let mut other = bench.directory.join(id);
    let (state, build, roles) = (NodeState::Ready, String::from("other"), Vec::new());
    other.announce(&NodeCard { id, state, build, roles, link: None, page: None });
    bench.await_input(Role::Social, |input| {
        matches!(input,
        Input::Directory(event) if is_card(event, |card| card.id == id))
    });
    drop(other);
    bench.await_input(Role::Social, |input| *input == Input::Directory(DirectoryEvent::Gone(id)));
}

#[test]
fn what_does_not_arrive_comes_back_and_replays_and_edge_get_theirs() {
    let mut bench = Bench::start(&[on_input(Role::Gateway, 1_000)]);
    bench.say(Role::Gateway, STRAY);
    let back = bench.await_input(Role::Gateway, |input| matches!(input, Input::Unsent { .. }));
    let Input::Unsent { to, body } = back else { panic!("it was one") };
    assert_eq!(to.role, Role::Battleapp);
    assert_eq!(body, Body::MailWaiting(Key::Player(PlayerId(STRAY))));
    bench.say(Role::Gateway, KEEP);
    assert_eq!(bench.replays.recv_timeout(PATIENCE), Ok((BattleId(7), vec![1, 2])));
    let (inputs, doorbell, outputs) = bench.edge.as_ref().expect("gateways have one");
    let session = SessionId(5);
    inputs.send(EdgeInput::Connected { session }).expect("there is room");
    doorbell.ring();
    assert_eq!(outputs.recv_timeout(PATIENCE), Ok(EdgeOutput::Close { session }));
}

fn polled(handle: &mut dyn Directory) -> Vec<DirectoryEvent> {
    let mut events = Vec::new();
    handle.poll(&mut events);
    events
}

fn is_card(event: &DirectoryEvent, wanted: impl Fn(&NodeCard) -> bool) -> bool {
    match event {
        DirectoryEvent::Changed(card) => wanted(card),
        DirectoryEvent::Gone(_) => false,
    }
}
