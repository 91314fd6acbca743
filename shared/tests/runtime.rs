//! The node runtime, run with cores that report what they are given.

#[path = "runtime/bench.rs"]
mod bench;

use std::sync::atomic::Ordering;
use std::time::Duration;
use std::vec::Drain;

use crossbeam_channel::after;

use shared::core::{Core, CoreStatus, EdgeInput, EdgeOutput, Input, Output};
use shared::directory::local::LocalDirectory;
use shared::directory::{Directory, DirectoryEvent, NodeCard, NodeState};
use shared::ids::{Address, BattleId, Key, PlayerId, Role, SessionId};
use shared::mq::MqEvent;
use shared::mq::local::LocalMq;
use shared::msg::Body;
use shared::runtime::{Doorbell, Node, NodeSetup, RoleSetup, RuntimeError};
use shared::schedule::Pace;
use shared::store::{OpId, StoreReply};
use shared::tick::{Tick, TickRate};

use bench::*;

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
        DirectoryEvent::Gone(_) | DirectoryEvent::Suspended | DirectoryEvent::Resumed => false,
    }
}

#[test]
fn a_node_that_is_gone_ends_its_roles_and_says_so() {
    let bench = Bench::start(&[fixed(Role::Baseapp, 50), on_input(Role::Gateway, 1_000)]);
    assert!(bench.node.is_healthy());
    bench.gone.store(true, Ordering::Release);
    // The cores are dropped, and with them the ways to report anything.
    let ended = after(PATIENCE);
    while bench.seen.recv().is_ok() {
        assert!(ended.is_empty(), "the cores go on");
    }
    assert!(bench.node.is_lost());
    assert!(!bench.node.is_healthy());
}
