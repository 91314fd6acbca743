//! A Redis server that is killed while it is written to: everything that was acknowledged is
//! there when it is back.

use std::time::Duration;

use shared::ids::{Epoch, Key, PlayerId};
use shared::store::CommitVerdict::Done;
use shared::store::redis::{RedisHandle, RedisStore, RedisStoreConfig};
use shared::store::{OpId, PartId, Record, Store, StoreReply, StoreRequest};

use crate::backends::Client;
use crate::redis_subject::{DURABLE, Lonely};
use crate::subject::{Subject, claim, commit, part, post};

const KEYS: u64 = 8;
/// Batches that are handed over and not yet answered.
const IN_FLIGHT: u64 = 4;
/// After so many acknowledged batches the server is killed, again and again.
const KILL_AFTER: [u64; 5] = [1, 7, 30, 90, 160];
/// Commits of a key that send a mail: fewer than an outbox holds.
const POSTS: u64 = 100;
const TARGET: Key = Key::Player(PlayerId(1_000));

fn keys() -> impl Iterator<Item = Key> {
    (0..KEYS).map(|id| Key::Player(PlayerId(id)))
}

/// Claims all keys from whoever had them.
fn claim_all(client: &mut Client<RedisHandle>) -> Vec<Record> {
    let claim_one = |key| {
        let StoreReply::Owner(seen) = client.ask(StoreRequest::ReadOwner { key }) else {
            panic!("the server is back");
        };
        claim(client, key, 1, seen.epoch.0)
    };
    keys().map(claim_one).collect()
}

/// The commit of a key that makes `version + 1`.
fn batch(records: &[Record], round: u64) -> StoreRequest {
    let commits = keys().zip(records).map(|(key, record)| {
        let version = record.version.0 + round;
        let whole = part(commit(key, record.epoch.0, version), 1, &version.to_le_bytes());
        let whole = part(whole, 2, &[0xEE; 700]);
        if version < POSTS { post(whole, TARGET, b"gift") } else { whole }
    });
    StoreRequest::Commit(commits.collect())
}

/// Commits until the server is killed. Returns how many batches were acknowledged.
fn commit_until_killed(
    lonely: &mut Lonely,
    client: &mut Client<RedisHandle>,
    records: &[Record],
    kill_after: u64,
) -> u64 {
    let mut acknowledged = 0;
    for round in 0.. {
        client.handle.submit(OpId(round), batch(records, round)).expect("is taken");
        if round < IN_FLIGHT {
            continue;
        }
        for (_, reply) in client.answers(1) {
            if matches!(reply, StoreReply::Failed(_)) {
                return acknowledged;
            }
            assert_eq!(reply, StoreReply::Committed(keys().map(|_| Done).collect()));
            acknowledged += 1;
        }
        if acknowledged >= kill_after {
            lonely.kill();
        }
    }
    unreachable!("it commits until the server is killed")
}

fn check(lonely: &mut Lonely) {
    let mut before: Option<(Vec<Record>, u64)> = None;
    for kill_after in KILL_AFTER {
        let config = RedisStoreConfig { patience: Duration::ZERO, ..lonely.config() };
        let store = RedisStore::connect(config).expect("opens");
        let mut client = Client::of_redis(&store);
        let records = claim_all(&mut client);
        if let Some((before, acknowledged)) = before {
            for (old, new) in before.iter().zip(&records) {
                assert_eq!(new.epoch, Epoch(old.epoch.0 + 1), "no claim is lost");
                let version = new.version.0;
                let least = old.version.0 + acknowledged;
                assert!(version >= least, "{version} of {least} acknowledged commits");
                let last = (PartId(1), (version - 1).to_le_bytes().to_vec());
                assert_eq!(new.parts[0], last, "parts and version belong together");
                assert_eq!(new.outbox_entries, version.min(POSTS), "and so does the outbox");
            }
        }
        let acknowledged = commit_until_killed(lonely, &mut client, &records, kill_after);
        assert!(acknowledged >= kill_after);
        before = Some((records, acknowledged));
        lonely.start();
    }
}

#[test]
fn what_was_acknowledged_survives_a_killed_server_that_syncs_always() {
    check(&mut Lonely::new(&DURABLE));
}

#[test]
fn what_was_acknowledged_survives_a_killed_server_that_syncs_every_second() {
    check(&mut Lonely::in_memory(&["--appendonly", "yes", "--appendfsync", "everysec"]));
}

/// The same check finds it when something is lost.
#[test]
#[should_panic(expected = "opens")]
fn a_server_that_keeps_no_file_loses_everything() {
    let lonely = &mut Lonely::new(&["--appendonly", "no"]);
    drop(RedisStore::connect(lonely.config()).expect("makes a store"));
    lonely.kill();
    lonely.start();
    let config =
        RedisStoreConfig { if_empty: shared::store::redis::IfEmpty::Refuse, ..lonely.config() };
    RedisStore::connect(config).expect("opens");
}
