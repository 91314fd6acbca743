//! Rates of the store in Redis beside the bare client that sends the same script.
//!
//! Prints one line per measurement: name, value, unit, yardstick, ratio. Both sides write to the
//! same server, keys and their order come from a fixed seed, and the rounds alternate so that a
//! busy machine slows both.

#[path = "../tests/servers/redis.rs"]
mod servers;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use redis::{Client, Connection, IntoConnectionInfo};
use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use shared::rng;
use shared::store::embedded::Wake;
use shared::store::redis::{RedisHandle, RedisStore, RedisStoreConfig};
use shared::store::{Commit, CommitVerdict, OpId, PartId, Store, StoreReply, StoreRequest};

use servers::{Server, free_port};

const PLAYERS: u64 = 10_000;
const PART_BYTES: usize = 300;
/// Bytes of the checksum that the store adds to a part.
const SEAL_BYTES: usize = 8;
const BATCH: u64 = 100;
const ROUND: Duration = Duration::from_millis(700);
const ROUNDS: usize = 7;
const SEED: u64 = 2_026;
const SCRIPT: &str = include_str!("../src/store/redis/scripts/commit.lua");

fn main() {
    for sync in ["off", "everysec", "always"] {
        let dir = tempfile::TempDir::new().expect("a directory");
        let append_only = if sync == "off" { "no" } else { "yes" };
        let fsync = if sync == "off" { "no" } else { sync };
        let settings = ["--appendonly", append_only, "--appendfsync", fsync];
        let server = Server::start(dir.path(), free_port(), &settings);
        let mut raw = Raw::new(&server);
        let mut ours = Ours::new(&server);
        for (name, batch) in [("one_by_one", 1), ("in_batches_of_100", BATCH)] {
            let (mut best_raw, mut best_ours) = (0.0, 0.0);
            for round in 0..ROUNDS {
                best_raw = f64::max(best_raw, rate(batch, round, |keys| raw.write(keys)));
                best_ours = f64::max(best_ours, rate(batch, round, |keys| ours.commit(keys)));
            }
            report(&format!("redis_commits_{name}_aof_{sync}"), best_ours, best_raw);
        }
        let (mut best_raw, mut best_ours) = (0.0, 0.0);
        for round in 0..ROUNDS {
            best_raw = f64::max(best_raw, rate(BATCH, round, |keys| raw.write(keys)));
            best_ours = f64::max(best_ours, rate(BATCH, round, |keys| ours.keep_waiting(keys)));
            ours.wait_for_all();
        }
        report(&format!("redis_commits_100_waiting_aof_{sync}"), best_ours, best_raw);
    }
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

/// The script, pipelined with the bare client.
struct Raw {
    connection: Connection,
    digest: String,
    versions: BTreeMap<u64, u64>,
}

impl Raw {
    fn new(server: &Server) -> Self {
        let info = server.url().into_connection_info().expect("an address");
        // Without it the client waits for the server before it sends the rest of a batch.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let client = Client::open(info.set_tcp_settings(tcp)).expect("an address");
        let mut connection = client.get_connection().expect("connects");
        let load = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query(&mut connection);
        let mut raw = Self { connection, digest: load.expect("loads"), versions: BTreeMap::new() };
        for player in 0..PLAYERS {
            let claim = redis::cmd("HSET")
                .arg(Self::name(id(player)))
                .arg(&["o", "1.1.baseapp", "e", "1", "v", "0"])
                .exec(&mut raw.connection);
            claim.expect("is written");
        }
        raw.write(&(0..PLAYERS).map(id).collect::<Vec<_>>());
        raw
    }

    fn name(key: u64) -> String {
        format!("{{rawrow:{:03x}}}:player:{key:016x}", key % 1_024)
    }

    fn write(&mut self, keys: &[u64]) {
        let mut pipe = redis::pipe();
        for key in keys {
            let version = self.versions.entry(*key).or_default();
            let part = [7; PART_BYTES + SEAL_BYTES];
            pipe.cmd("EVALSHA").arg(&self.digest).arg(1).arg(Self::name(*key)).arg(1);
            pipe.arg(*version).arg(*version + 1).arg("").arg(1).arg("p1").arg(&part[..]);
            *version += 1;
        }
        let verdicts: Vec<String> = pipe.query(&mut self.connection).expect("is carried out");
        assert!(verdicts.iter().all(|verdict| verdict == "D"), "{verdicts:?}");
    }
}

struct Ours {
    handle: RedisHandle,
    woken: Receiver<()>,
    versions: BTreeMap<u64, u64>,
    waiting: usize,
    _store: RedisStore,
}

impl Ours {
    fn new(server: &Server) -> Self {
        let config = RedisStoreConfig { urls: vec![server.url()], ..RedisStoreConfig::default() };
        let store = RedisStore::connect(config).expect("opens");
        let (wake, woken) = sync_channel(1);
        let wake: Wake = Box::new(move || {
            let _already = wake.try_send(());
        });
        let handle = store.handle(wake);
        let versions = BTreeMap::new();
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
}

fn assert_all_done(replies: &[(OpId, StoreReply)]) {
    for (_, reply) in replies {
        let StoreReply::Committed(verdicts) = reply else {
            panic!("a commit failed: {reply:?}");
        };
        assert!(verdicts.iter().all(|verdict| *verdict == CommitVerdict::Done), "{verdicts:?}");
    }
}
