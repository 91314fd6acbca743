//! Flight recordings: what a node records runs again with the same outputs, and nothing that a
//! file can end with does harm.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::vec::Drain;

use shared::core::{Core, CoreStatus, Input, Output};
use shared::directory::local::LocalDirectory;
use shared::ids::{Address, Key, NodeId, PlayerId, Role};
use shared::mq::local::LocalMq;
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::runtime::{
    Doorbell, FlightCall, FlightEnd, FlightError, Node, NodeSetup, RoleSetup, read_flight,
    replay_flight,
};
use shared::schedule::Pace;
use shared::store::{OpId, Ownership, Store, StoreFull, StoreReply, StoreRequest};
use shared::tick::{Tick, TickRate};

const ME: Address = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Social };
const PEER: Address = Address { node: NodeId { node: 2, incarnation: 1 }, role: Role::Gateway };
const FRAMES: u64 = 40;
/// The frame that makes the core panic.
const POISON: u64 = 666;

/// Adds up what it is sent, asks the store each time, and sends the sum with the answer.
struct Adder {
    sum: u64,
    step: u64,
}

impl Core for Adder {
    fn tick(&mut self, _now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        for input in inputs {
            if let Input::Frame { body: Body::MailWaiting(Key::Player(PlayerId(n))), .. } = input {
                assert_ne!(n, POISON, "poisoned");
                self.sum += n * self.step;
                let key = Key::Player(PlayerId(self.sum));
                let request = StoreRequest::ReadOwner { key };
                outputs.push(Output::Store { op: OpId(self.sum), request });
            }
        }
    }

    fn stored(&mut self, _now: Tick, op: OpId, _reply: StoreReply, outputs: &mut Vec<Output>) {
        let body = Body::MailWaiting(Key::Player(PlayerId(op.0)));
        outputs.push(Output::Send { to: PEER, body });
    }

    fn status(&self) -> CoreStatus {
        CoreStatus::default()
    }
}

/// Knows no owner of anything.
#[derive(Default)]
struct Ownerless(Vec<OpId>);

impl Store for Ownerless {
    fn submit(&mut self, op: OpId, _request: StoreRequest) -> Result<(), StoreFull> {
        self.0.push(op);
        Ok(())
    }

    fn poll(&mut self, replies: &mut Vec<(OpId, StoreReply)>) {
        let owner = || StoreReply::Owner(Ownership::default());
        replies.extend(self.0.drain(..).map(|op| (op, owner())));
    }
}

/// Runs an [`Adder`] that gets the frames one after the other, each when the last is answered;
/// no answer to the poison comes, the role ends by it.
fn record(directory: &Path, frames: impl IntoIterator<Item = u64>) -> PathBuf {
    let hub = LocalMq::new();
    let (doorbell, wake) = (Doorbell::new(), Doorbell::new());
    let mut peer = hub.bind(PEER, wake.clone());
    let role = RoleSetup {
        address: ME,
        core: Box::new(Adder { sum: 0, step: 1 }),
        pace: Pace::OnInput(TickRate::new(1_000)),
        mq: Box::new(hub.bind(ME, doorbell.clone())),
        store: Box::new(Ownerless::default()),
        doorbell,
        edge: None,
    };
    let node = Node::start(NodeSetup {
        page: None,
        id: ME.node,
        build: String::from("test"),
        directory: Box::new(LocalDirectory::new().join(ME.node)),
        roles: vec![role],
        replays: Box::new(|_, _| {}),
        record_dir: Some(directory.to_owned()),
    });
    let node = node.expect("starts");
    let mut events: Vec<MqEvent> = Vec::new();
    let frame = |n| Body::MailWaiting(Key::Player(PlayerId(n)));
    for n in frames {
        peer.send(ME, frame(n)).expect("is there");
        while n == POISON && !matches!(peer.send(ME, frame(0)), Err(SendError::Gone(_))) {
            std::thread::yield_now();
        }
        while n != POISON && events.is_empty() {
            assert!(wake.wait(Duration::from_secs(20)), "no answer to {n}");
            peer.poll(usize::MAX, &mut events);
        }
        events.clear();
    }
    node.stop();
    directory.join("social.flight")
}

#[test]
fn a_recording_runs_again_with_the_same_outputs() {
    let directory = tempfile::tempdir().unwrap();
    let path = record(directory.path(), 1..=FRAMES);
    let mut flight = read_flight(&path).unwrap();
    assert_eq!(flight.header().address, ME);
    assert_eq!(flight.header().rate, TickRate::new(1_000));
    let records: Vec<_> = flight.by_ref().collect();
    assert_eq!(flight.end(), Some(FlightEnd::Complete));
    let mut core = Adder { sum: 0, step: 1 };
    let summary = replay_flight(records.clone(), &mut core).unwrap();
    assert_eq!(core.sum, FRAMES * (FRAMES + 1) / 2);
    assert_eq!(summary.replies, FRAMES);
    assert_eq!(summary.outputs, 2 * FRAMES);
    assert!(summary.inputs > FRAMES, "the directory's changes are inputs too");

    // A core that decides differently is found at the first call that shows it.
    let first = records.iter().position(|record| match &record.call {
        FlightCall::Tick { inputs, .. } => {
            inputs.iter().any(|input| matches!(input, Input::Frame { .. }))
        }
        FlightCall::Stored { .. } => false,
    });
    let expected = records[first.unwrap()].clone();
    let divergence = replay_flight(records, &mut Adder { sum: 0, step: 2 }).unwrap_err();
    assert_eq!(divergence.index, u64::try_from(first.unwrap()).unwrap());
    assert_eq!(divergence.expected, expected.outputs_hash);
}

#[test]
fn a_recording_that_is_cut_anywhere_gives_the_calls_before_the_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = record(directory.path(), 1..=6);
    let whole = fs::read(&path).unwrap();
    let records: Vec<_> = read_flight(&path).unwrap().collect();
    let cut_path = directory.path().join("cut.flight");
    let mut complete = 0;
    for cut in 0..whole.len() {
        fs::write(&cut_path, &whole[..cut]).unwrap();
        match read_flight(&cut_path) {
            Err(FlightError::Foreign) => assert!(cut < 40, "the header is short"),
            Err(FlightError::Io(error)) => panic!("{error}"),
            Ok(mut flight) => {
                let read: Vec<_> = flight.by_ref().collect();
                assert_eq!(read, records[..read.len()], "cut at {cut}");
                match flight.end() {
                    Some(FlightEnd::Complete) => complete += 1,
                    end => assert_eq!(end, Some(FlightEnd::Truncated), "cut at {cut}"),
                }
            }
        }
    }
    assert_eq!(complete, records.len(), "one cut before each call is a complete recording");
}

#[test]
fn damage_ends_a_recording_and_a_foreign_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = record(directory.path(), 1..=FRAMES);
    let mut bytes = fs::read(&path).unwrap();
    let records = read_flight(&path).unwrap().count();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xFF);
    fs::write(&path, &bytes).unwrap();
    let mut flight = read_flight(&path).unwrap();
    let left = flight.by_ref().count();
    assert!(left < records);
    assert_eq!(flight.end(), Some(FlightEnd::Damaged));
    bytes[8] = 99;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(read_flight(&path), Err(FlightError::Foreign)));
}

#[test]
fn the_call_in_which_a_core_panicked_is_the_last_of_its_recording() {
    let directory = tempfile::tempdir().unwrap();
    let path = record(directory.path(), [1, POISON]);
    let records: Vec<_> = read_flight(&path).unwrap().collect();
    let last = records.last().expect("there are calls");
    assert_eq!(last.outputs_hash, None);
    let core = Arc::new(Mutex::new(Adder { sum: 0, step: 1 }));
    let again = std::panic::catch_unwind(|| {
        let mut core = core.lock().unwrap();
        replay_flight(records.clone(), &mut *core)
    });
    let reason = again.expect_err("it panics again");
    assert!(reason.downcast_ref::<String>().unwrap().contains("poisoned"));
}
