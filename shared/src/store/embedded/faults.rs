//! The store over a disk that fails and over a machine that loses power: what was answered is
//! there, what was not is there wholly or not at all.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::{Receiver, Sender, bounded};
use redb::{Builder, Database, StorageBackend};

use super::rows::TxnRows;
use super::writer::{Lane, Order, Writer};
use crate::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use crate::rng;
use crate::store::rules::Rows;
use crate::store::{Commit, CommitVerdict, PartId, Post, StoreFailure, StoreReply, StoreRequest};

const OWNER: Address = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Baseapp };
const KEYS: u64 = 6;
/// What a machine without power leaves of the writes that were not synced: so many drawings.
const POWER_CUTS: u64 = 12;

#[derive(Debug, Default)]
struct DiskState {
    /// What a reader of the running system sees.
    now: Vec<u8>,
    /// What is certain to be there after a power cut.
    synced: Vec<u8>,
    /// Writes since the last sync, in order.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// So many writes and syncs succeed before the disk fails.
    operations_left: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

impl Disk {
    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    fn operate(&self) -> io::Result<MutexGuard<'_, DiskState>> {
        let mut state = self.state();
        match &mut state.operations_left {
            Some(0) => return Err(io::Error::other("the disk has failed")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(state)
    }

    /// The disk after a power cut: what was synced, and any of the later writes.
    fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state();
        let mut bytes = state.synced.clone();
        for (index, (at, written)) in (0..).zip(&state.unsynced) {
            let kept = rng::below(2, seed, &[index]) == 1;
            let end = at + written.len();
            bytes.resize(bytes.len().max(end), 0);
            if kept {
                bytes[*at..end].copy_from_slice(written);
            }
        }
        let state = DiskState { now: bytes.clone(), synced: bytes, ..DiskState::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn open(&self) -> Database {
        Builder::new().create_with_backend(self.clone()).expect("opens")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).expect("small");
        out.copy_from_slice(&self.state().now[at..at + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).expect("small");
        self.operate()?.now.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.operate()?;
        state.synced = state.now.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).expect("small");
        let mut state = self.operate()?;
        state.now[at..at + data.len()].copy_from_slice(data);
        state.unsynced.push((at, data.to_vec()));
        Ok(())
    }
}

/// The store thread's work, done by the test, with one lane.
struct Bench {
    writer: Writer,
    requests: Sender<StoreRequest>,
    answers: Receiver<StoreReply>,
    woken: Receiver<()>,
}

impl Bench {
    fn new(disk: &Disk) -> Self {
        let (orders, taken) = bounded(1);
        let (_bell, rung) = bounded(1);
        let (requests, queue) = bounded(64);
        let (given, answers) = bounded(64);
        let (wake, woken) = bounded(64);
        let wake = Box::new(move || wake.send(()).expect("there is room"));
        let lane = Lane { requests: queue, answers: given, wake };
        orders.send(Order::Add(lane)).expect("there is room");
        let mut writer = Writer::new(disk.open(), rung, taken);
        writer.take_orders();
        Self { writer, requests, answers, woken }
    }

    fn ask(&mut self, requests: Vec<StoreRequest>) -> Vec<StoreReply> {
        let count = requests.len();
        for request in requests {
            self.requests.send(request).expect("there is room");
        }
        assert!(self.writer.gather());
        self.writer.serve().expect("nothing panics");
        assert_eq!(self.woken.try_iter().count(), 1, "one wake for the whole batch");
        let replies: Vec<_> = self.answers.try_iter().collect();
        assert_eq!(replies.len(), count);
        replies
    }
}

fn keys() -> impl Iterator<Item = Key> {
    (0..KEYS).map(|id| Key::Player(PlayerId(id)))
}

fn claims() -> Vec<StoreRequest> {
    keys().map(|key| StoreRequest::Claim { key, by: OWNER, seen: Epoch(0) }).collect()
}

fn commits(version: u64) -> Vec<StoreRequest> {
    let commit = |key| Commit {
        key,
        epoch: Epoch(1),
        version: Version(version),
        parts: vec![(PartId(1), vec![u8::try_from(version).expect("small"); 900])],
        mail_taken: None,
        posts: vec![Post { target: key, mail: vec![1, 2, 3] }],
    };
    keys().map(|key| StoreRequest::Commit(vec![commit(key)])).collect()
}

fn all_done() -> Vec<StoreReply> {
    keys().map(|_| StoreReply::Committed(vec![CommitVerdict::Done])).collect()
}

/// The version that all keys have; they were committed together.
fn common_version(disk: &Disk) -> u64 {
    let db = disk.open();
    let txn = db.begin_write().expect("begins");
    let rows = TxnRows::open(&txn).expect("opens");
    let versions: Vec<_> = keys()
        .map(|key| {
            let head = rows.head(key).expect("is whole");
            let parts = rows.parts(key).expect("are whole");
            let last = head.version.0.checked_sub(1).and_then(|last| u8::try_from(last).ok());
            assert_eq!(parts.first().map(|(_, bytes)| bytes[0]), last);
            assert_eq!(head.outbox_entries, head.version.0);
            head.version.0
        })
        .collect();
    assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
    versions[0]
}

#[test]
fn a_power_cut_takes_nothing_that_was_answered() {
    let disk = Disk::default();
    let mut bench = Bench::new(&disk);
    bench.ask(claims());
    for version in 0..8 {
        assert_eq!(bench.ask(commits(version)), all_done());
        for cut in 0..POWER_CUTS {
            assert_eq!(common_version(&disk.after_power_cut(cut)), version + 1, "cut {cut}");
        }
    }
}

#[test]
fn a_power_cut_in_the_middle_of_a_batch_leaves_all_or_nothing_of_it() {
    let mut outcomes = Vec::new();
    for operations in 0.. {
        let disk = Disk::default();
        let mut bench = Bench::new(&disk);
        bench.ask(claims());
        assert_eq!(bench.ask(commits(0)), all_done());
        disk.state().operations_left = Some(operations);
        let replies = bench.ask(commits(1));
        for cut in 0..POWER_CUTS {
            let version = common_version(&disk.after_power_cut(cut));
            assert!((1..=2).contains(&version), "{operations} operations, cut {cut}");
            outcomes.push(version);
        }
        if replies == all_done() {
            break;
        }
        let failed =
            |reply: &StoreReply| matches!(reply, StoreReply::Failed(StoreFailure::Backend(_)));
        assert!(replies.iter().all(failed), "{replies:?}");
        // Nobody is told anything good by a store that no longer knows its file.
        assert!(bench.ask(commits(1)).iter().all(failed));
    }
    assert!(outcomes.contains(&1) && outcomes.contains(&2), "both sides were reached");
}

#[test]
fn a_batch_that_changes_nothing_touches_no_disk() {
    let disk = Disk::default();
    let mut bench = Bench::new(&disk);
    bench.ask(claims());
    disk.state().operations_left = Some(0);
    let key = Key::Player(PlayerId(0));
    let replies = bench.ask(vec![
        StoreRequest::ReadOwner { key },
        StoreRequest::PeekMail { key, after: 0 },
        StoreRequest::Relay { source: key },
        StoreRequest::Release { key, epoch: Epoch(0) },
        StoreRequest::Claim { key, by: OWNER, seen: Epoch(9) },
        StoreRequest::PendingOutboxes { after: None },
        StoreRequest::ListGuilds { after: None },
    ]);
    assert!(!replies.iter().any(|reply| matches!(reply, StoreReply::Failed(_))), "{replies:?}");
}
