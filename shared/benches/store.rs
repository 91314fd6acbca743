//! Rates of the embedded store beside a bare redb loop that writes the same rows.
//!
//! Prints one line per measurement: name, value, unit, yardstick, ratio. The rows, keys and
//! their order come from a fixed seed, both sides use the same disk, and the rounds alternate
//! so that a busy disk slows both.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use redb::{Builder, Database, TableDefinition};
use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use shared::rng;
use shared::store::embedded::{EmbeddedHandle, EmbeddedStore, Wake};
use shared::store::{Commit, OpId, PartId, Store, StoreReply, StoreRequest};

const PLAYERS: u64 = 10_000;
const PART_BYTES: usize = 300;
/// Bytes of the head that the store writes with every commit, and of its checksums.
const HEAD_BYTES: usize = 24;
const SEAL_BYTES: usize = 8;
const ROUND: Duration = Duration::from_millis(700);
const ROUNDS: usize = 5;
const SEED: u64 = 2_026;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

fn main() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let raw = Raw::new(&dir.path().join("raw.redb"));
    let mut ours = Ours::new(&dir.path().join("ours"));
    for batch in [1, 64, 1_000] {
        let (mut best_raw, mut best_ours) = (0.0, 0.0);
        for round in 0..ROUNDS {
            best_raw = f64::max(best_raw, rate(batch, round, |keys| raw.write(keys)));
            best_ours = f64::max(best_ours, rate(batch, round, |keys| ours.commit(keys)));
        }
        let name = format!("store_commits_in_batches_of_{batch}");
        report(&name, best_ours, best_raw);
    }
    let (mut best_raw, mut best_ours) = (0.0, 0.0);
    for round in 0..ROUNDS {
        best_raw = f64::max(best_raw, rate(64, round, |keys| raw.write(keys)));
        best_ours = f64::max(best_ours, rate(64, round, |keys| ours.keep_waiting(keys)));
        ours.wait_for_all();
    }
    report("store_commits_with_64_requests_waiting", best_ours, best_raw);
    let mut reads = 0.0;
    for round in 0..ROUNDS {
        reads = f64::max(reads, rate(64, round, |keys| ours.read_owners(keys)));
    }
    println!("store_reads_in_batches_of_64 {reads:.0} per_s none -");
}

fn report(name: &str, value: f64, yardstick: f64) {
    println!("{name} {value:.0} per_s {yardstick:.0} {:.2}", value / yardstick);
}

/// Keys per second of the fastest way that `step` gets through batches of `batch` keys.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn rate(batch: u64, round: usize, mut step: impl FnMut(&[u64])) -> f64 {
    let start = Instant::now();
    let mut count = 0;
    let mut draw = 0;
    while start.elapsed() < ROUND {
        let from = rng::mix(SEED, &[round as u64, draw]) % PLAYERS;
        // Keys of one batch are different, and spread over the file.
        let keys: Vec<_> = (0..batch).map(|n| (from + n * 7) % PLAYERS).map(id).collect();
        step(&keys);
        count += batch;
        draw += 1;
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn id(player: u64) -> u64 {
    rng::mix(SEED, &[player])
}

struct Raw {
    db: Database,
}

impl Raw {
    fn new(path: &Path) -> Self {
        let db = Builder::new().set_cache_size(256 << 20).create(path).expect("creates");
        let raw = Self { db };
        raw.write(&(0..PLAYERS).map(id).collect::<Vec<_>>());
        raw
    }

    /// The two rows of each key in one transaction.
    fn write(&self, keys: &[u64]) {
        let txn = self.db.begin_write().expect("begins");
        {
            let mut table = txn.open_table(TABLE).expect("opens");
            for key in keys {
                let row = key.to_be_bytes();
                let head = [&[0], &row[..], &[0]].concat();
                let part = [&[0], &row[..], &[1, 1]].concat();
                let part_value = [7; PART_BYTES + SEAL_BYTES];
                table.insert(part.as_slice(), part_value.as_slice()).expect("inserts");
                let head_value = [7; HEAD_BYTES + SEAL_BYTES];
                table.insert(head.as_slice(), head_value.as_slice()).expect("inserts");
            }
        }
        txn.commit().expect("commits");
    }
}

struct Ours {
    handle: EmbeddedHandle,
    woken: Receiver<()>,
    versions: std::collections::BTreeMap<u64, u64>,
    waiting: usize,
    _store: EmbeddedStore,
}

impl Ours {
    fn new(dir: &Path) -> Self {
        let store = EmbeddedStore::open(dir).expect("opens");
        let (wake, woken) = sync_channel(1);
        let wake: Wake = Box::new(move || {
            let _already = wake.try_send(());
        });
        let handle = store.handle(wake);
        let versions = Default::default();
        let mut ours = Self { handle, woken, versions, waiting: 0, _store: store };
        let by = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Baseapp };
        for player in 0..PLAYERS {
            let key = Key::Player(PlayerId(id(player)));
            ours.submit(StoreRequest::Claim { key, by, seen: Epoch(0) });
            if player % 1_000 == 999 {
                ours.wait(1_000);
            }
        }
        for player in (0..PLAYERS).step_by(1_000) {
            ours.commit(&(player..player + 1_000).map(id).collect::<Vec<_>>());
        }
        ours
    }

    fn submit(&mut self, request: StoreRequest) {
        self.handle.submit(OpId(0), request).expect("below the limit");
    }

    fn wait(&mut self, count: usize) -> Vec<(OpId, StoreReply)> {
        let mut replies = Vec::with_capacity(count);
        while replies.len() < count {
            self.handle.poll(&mut replies);
            if replies.len() < count {
                self.woken.recv().expect("the store answers");
            }
        }
        replies
    }

    fn next_commit(&mut self, key: u64) -> Commit {
        let version = self.versions.entry(key).or_default();
        let commit = Commit {
            key: Key::Player(PlayerId(key)),
            epoch: Epoch(1),
            version: Version(*version),
            parts: vec![(PartId(1), vec![7; PART_BYTES])],
            mail_taken: None,
            posts: Vec::new(),
        };
        *version += 1;
        commit
    }

    /// All keys in one request, as a tick does.
    fn commit(&mut self, keys: &[u64]) {
        let commits = keys.iter().map(|key| self.next_commit(*key)).collect();
        self.submit(StoreRequest::Commit(commits));
        assert_all_done(&self.wait(1));
    }

    /// Each key in a request of its own, while as many of the last keys still wait.
    fn keep_waiting(&mut self, keys: &[u64]) {
        for key in keys {
            if self.waiting == keys.len() {
                let replies = self.wait(1);
                self.waiting -= replies.len();
                assert_all_done(&replies);
            }
            let commits = vec![self.next_commit(*key)];
            self.submit(StoreRequest::Commit(commits));
            self.waiting += 1;
        }
    }

    fn wait_for_all(&mut self) {
        assert_all_done(&self.wait(self.waiting));
        self.waiting = 0;
    }

    fn read_owners(&mut self, keys: &[u64]) {
        for key in keys {
            self.submit(StoreRequest::ReadOwner { key: Key::Player(PlayerId(*key)) });
        }
        self.wait(keys.len());
    }
}

fn assert_all_done(replies: &[(OpId, StoreReply)]) {
    for (_, reply) in replies {
        let StoreReply::Committed(verdicts) = reply else {
            panic!("a commit failed: {reply:?}");
        };
        let done = shared::store::CommitVerdict::Done;
        assert!(verdicts.iter().all(|verdict| *verdict == done), "{verdicts:?}");
    }
}
