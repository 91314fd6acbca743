//! A process that is killed while it commits: everything it was told is durable is there, and
//! nothing is there by halves.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use shared::ids::{Epoch, Key, PlayerId};
use shared::store::CommitVerdict::Done;
use shared::store::embedded::{EmbeddedStore, OpenError};
use shared::store::{Commit, OpId, PartId, Store, StoreReply, StoreRequest};
use tempfile::TempDir;

use crate::backends::Client;
use crate::subject::{Subject, claim, commit, part, peek, post, relay};

const CHILD: &str = "STORE_CONFORMANCE_CHILD_DIR";
const TEST: &str = "killed::what_was_acknowledged_survives_sigkill_and_nothing_is_half_there";
const KEYS: u64 = 8;
const TARGET: Key = Key::Player(PlayerId(1_000));
/// Batches that the child has handed over and not yet seen answered.
const IN_FLIGHT: u64 = 4;
/// After so many acknowledged batches the child is killed.
const KILL_AFTER: [u64; 5] = [1, 7, 40, 90, 160];

fn keys() -> impl Iterator<Item = Key> {
    (0..KEYS).map(|id| Key::Player(PlayerId(id)))
}

/// The `version`-th commit of a key: two parts and a mail that all say which one it is.
fn nth(key: Key, version: u64) -> Commit {
    let bytes = version.to_le_bytes();
    let padded = [bytes.as_slice(), &[0xEE; 700]].concat();
    let commit = part(part(commit(key, 1, version), 1, &bytes), 2, &padded);
    if version < 20 { post(commit, TARGET, &bytes) } else { commit }
}

/// Commits without end and prints the number of every batch that was acknowledged.
fn commit_until_killed(dir: &Path) {
    let store = EmbeddedStore::open(dir).expect("opens");
    let mut client = Client::new(&store);
    keys().for_each(|key| {
        claim(&mut client, key, 1, 0);
    });
    let mut acknowledged = 0;
    for version in 0.. {
        let batch = keys().map(|key| nth(key, version)).collect();
        client.handle.submit(OpId(version), StoreRequest::Commit(batch)).expect("is taken");
        if version - acknowledged < IN_FLIGHT {
            continue;
        }
        for (op, reply) in client.answers(1) {
            assert_eq!(reply, StoreReply::Committed(keys().map(|_| Done).collect()));
            acknowledged = op.0 + 1;
            println!("\nacknowledged {acknowledged}");
        }
        std::io::stdout().flush().expect("the parent listens");
    }
}

fn number(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.parse().ok()
}

fn check(dir: &Path, acknowledged: u64) {
    let store = EmbeddedStore::open(dir).expect("opens after the kill");
    assert_eq!(store.incarnation(), 2);
    let mut client = Client::new(&store);
    let mut versions = Vec::new();
    for key in keys() {
        let record = claim(&mut client, key, 2, 1);
        assert_eq!(record.epoch, Epoch(2));
        let version = record.version.0;
        assert!(version >= acknowledged, "{key}: {version} of {acknowledged} acknowledged");
        let last = version - 1;
        let expected = nth(key, last).parts;
        assert_eq!(record.parts, expected, "{key}: parts of one commit belong together");
        assert_eq!(record.outbox_entries, version.min(20));
        relay(&mut client, key);
        versions.push(version);
    }
    assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
    let mut count = vec![0; usize::try_from(KEYS).expect("small")];
    let mut after = 0;
    loop {
        let page = peek(&mut client, TARGET, after);
        let Some(last) = page.last() else { break };
        after = last.position;
        for entry in page {
            let index = keys().position(|key| key == entry.source).expect("one of ours");
            assert_eq!(entry.mail, u64::to_le_bytes(count[index]));
            count[index] += 1;
        }
    }
    assert!(count.iter().all(|count| *count == versions[0].min(20)), "{count:?}");
    let first = Key::Player(PlayerId(0));
    let StoreReply::Claimed(record) =
        client.ask(StoreRequest::Claim { key: first, by: crate::subject::node(3), seen: Epoch(2) })
    else {
        panic!("the key is free");
    };
    assert_eq!(record.parts[0].0, PartId(1));
    store.close().expect("closes");
}

#[test]
fn what_was_acknowledged_survives_sigkill_and_nothing_is_half_there() {
    if let Some(dir) = env::var_os(CHILD) {
        commit_until_killed(Path::new(&dir));
        unreachable!("it commits until it is killed");
    }
    for kill_after in KILL_AFTER {
        let dir = TempDir::new().expect("a directory");
        let program = env::current_exe().expect("this test");
        let mut child = Command::new(program)
            .args(["--exact", TEST, "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let mut acknowledged = 0;
        let mut killed = false;
        // What the child had printed before it died is read to the end.
        for line in lines {
            let Some(number) = number(&line.expect("reads")) else { continue };
            acknowledged = number;
            if acknowledged >= kill_after && !killed {
                let locked = EmbeddedStore::open(dir.path()).expect_err("the child has it");
                assert!(matches!(locked, OpenError::Locked { .. }), "{locked}");
                child.kill().expect("is killed");
                killed = true;
            }
        }
        let status = child.wait().expect("ends");
        assert!(killed && !status.success(), "the child died before it was killed: {status}");
        check(dir.path(), acknowledged);
    }
}
