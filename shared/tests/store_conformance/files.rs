//! What only the embedded store promises: reopening, refusing, closing.

use std::fs;
use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};
use shared::ids::{Key, PlayerId, Version};
use shared::limits::STORE_OPS_WAITING_MAX;
use shared::store::embedded::{EmbeddedStore, FORMAT, OpenError};
use shared::store::{OpId, PartId, Store, StoreFailure, StoreFull, StoreReply, StoreRequest};
use tempfile::TempDir;

use crate::backends::{Client, Embedded};
use crate::subject::{Subject, claim, commit, done, part, peek, post, relay};

const ANNA: Key = Key::Player(PlayerId(1));
const BEN: Key = Key::Player(PlayerId(2));
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

fn refused(dir: &Path) -> OpenError {
    EmbeddedStore::open(dir).expect_err("must be refused")
}

/// A closed store with enough in it to fill many pages.
fn filled() -> Embedded {
    let mut subject = Embedded::new();
    for id in 0..200 {
        let key = Key::Player(PlayerId(id));
        claim(&mut subject, key, 1, 0);
        done(&mut subject, part(commit(key, 1, 0), 1, &[7; 500]));
    }
    subject.close();
    subject
}

#[test]
fn reopening_keeps_everything_and_counts_the_incarnation() {
    let mut subject = Embedded::new();
    claim(&mut subject, ANNA, 1, 0);
    done(&mut subject, post(part(commit(ANNA, 1, 0), 1, b"bag"), BEN, b"one"));
    relay(&mut subject, ANNA);
    done(&mut subject, post(commit(ANNA, 1, 1), BEN, b"two"));
    let cluster = subject.store().cluster();
    for incarnation in 2..5 {
        assert_eq!(subject.store().incarnation(), incarnation - 1);
        subject.reopen();
        assert_eq!(subject.store().incarnation(), incarnation);
        assert_eq!(subject.store().cluster(), cluster);
    }
    let record = claim(&mut subject, ANNA, 2, 1);
    assert_eq!(record.version, Version(2));
    assert_eq!(record.parts, [(PartId(1), b"bag".to_vec())]);
    relay(&mut subject, ANNA);
    let mails: Vec<_> = peek(&mut subject, BEN, 0).into_iter().map(|it| it.mail).collect();
    assert_eq!(mails, [b"one", b"two"]);
}

#[test]
fn a_newer_format_is_refused_and_left_as_it_was() {
    let mut subject = Embedded::new();
    subject.close();
    let file = subject.dir.path().join("store.redb");
    let set_format = |format: u64| {
        let db = Database::open(&file).expect("opens");
        let txn = db.begin_write().expect("begins");
        txn.open_table(META).expect("is there").insert("format", format).expect("inserts");
        txn.commit().expect("commits");
    };
    set_format(FORMAT + 1);
    for _ in 0..2 {
        let error = refused(subject.dir.path());
        assert!(
            matches!(error, OpenError::NewerFormat { found, supported, .. }
                if (found, supported) == (FORMAT + 1, FORMAT)),
            "{error}"
        );
    }
    set_format(FORMAT);
    subject.reopen();
    assert_eq!(subject.store().incarnation(), 2, "what was refused does not count");
}

#[test]
fn another_cluster_is_refused() {
    let dir = TempDir::new().expect("a directory");
    EmbeddedStore::open_as(dir.path(), 7).expect("creates").close().expect("closes");
    let error = EmbeddedStore::open_as(dir.path(), 8).expect_err("another cluster");
    assert!(matches!(error, OpenError::OtherCluster { found: 7, expected: 8, .. }), "{error}");
    assert_eq!(EmbeddedStore::open(dir.path()).expect("opens").cluster(), 7);
}

#[test]
fn a_second_open_is_refused_and_does_not_disturb_the_first() {
    let mut subject = Embedded::new();
    let error = refused(subject.dir.path());
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    claim(&mut subject, ANNA, 1, 0);
    subject.reopen();
    assert_eq!(subject.store().incarnation(), 2);
}

#[test]
fn paths_that_cannot_hold_a_store_are_named() {
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, "text").expect("writes");
    for path in [file.clone(), file.join("below")] {
        let error = refused(&path);
        assert!(matches!(error, OpenError::NotADirectory { .. }), "{error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
    let deep = dir.path().join("a/b/c");
    EmbeddedStore::open(&deep).expect("creates the directories").close().expect("closes");
}

#[test]
fn a_store_that_has_gone_is_not_replaced_by_an_empty_one() {
    let mut subject = Embedded::new();
    subject.close();
    fs::remove_file(subject.dir.path().join("store.redb")).expect("removes");
    let error = refused(subject.dir.path());
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
}

#[test]
fn what_a_crash_left_of_a_creation_is_no_obstacle() {
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("store.redb.new"), [0; 5000]).expect("writes");
    let store = EmbeddedStore::open(dir.path()).expect("creates");
    assert_eq!(store.incarnation(), 1);
}

#[test]
fn a_truncated_or_overwritten_file_is_refused_without_a_panic() {
    let subject = filled();
    let file = subject.dir.path().join("store.redb");
    let whole = fs::read(&file).expect("reads");
    let half = whole.len() / 2;
    let mut overwritten = whole.clone();
    overwritten[4096..].fill(0xA5);
    let garbage: Vec<u8> = (0..=250).cycle().step_by(31).take(whole.len()).collect();
    let cases = [&whole[..half], &whole[..100], &whole[..4096], &overwritten, &garbage];
    for (case, bytes) in cases.into_iter().enumerate() {
        fs::write(&file, bytes).expect("writes");
        // Changed since it was closed, and the same after an unclean stop.
        for note in [None, Some("open\n")] {
            if let Some(note) = note {
                fs::write(subject.dir.path().join("store.state"), note).expect("writes");
            }
            match EmbeddedStore::open(subject.dir.path()) {
                Err(OpenError::Damaged { .. }) => {}
                other => panic!("case {case}, note {note:?}: {other:?}"),
            }
        }
    }
    fs::write(&file, &whole).expect("writes");
    EmbeddedStore::open(subject.dir.path()).expect("the whole file opens").close().expect("closes");
}

#[test]
fn a_flipped_bit_is_found_after_an_unclean_stop() {
    let subject = filled();
    let file = subject.dir.path().join("store.redb");
    let mut bytes = fs::read(&file).expect("reads");
    // Inside a part: a long run of its bytes stands in a page that is in use.
    let run = [7; 400];
    let at = bytes.windows(run.len()).rposition(|window| window == run).expect("is stored");
    let find_last = |bytes: &[u8]| bytes.windows(run.len()).filter(|it| *it == run).count();
    assert!(find_last(&bytes) > 0);
    for at in 0..bytes.len() - run.len() {
        if bytes[at..at + run.len()] == run {
            bytes[at + 3] ^= 0x10;
        }
    }
    assert_ne!(bytes[at..at + run.len()], run);
    fs::write(&file, bytes).expect("writes");
    fs::write(subject.dir.path().join("store.state"), "open\n").expect("writes");
    let error = refused(subject.dir.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn a_damaged_value_fails_its_own_request_and_no_other() {
    let mut subject = Embedded::new();
    for key in [ANNA, BEN] {
        claim(&mut subject, key, 1, 0);
        done(&mut subject, part(commit(key, 1, 0), 1, b"bag"));
    }
    subject.close();
    let db = Database::open(subject.dir.path().join("store.redb")).expect("opens");
    let row = [&[0u8, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1][..]].concat();
    let mut value = {
        let txn = db.begin_read().expect("begins");
        let records = txn.open_table(RECORDS).expect("is there");
        records.get(row.as_slice()).expect("reads").expect("anna's part").value().to_vec()
    };
    value[0] ^= 1;
    let txn = db.begin_write().expect("begins");
    txn.open_table(RECORDS)
        .expect("is there")
        .insert(row.as_slice(), value.as_slice())
        .expect("inserts");
    txn.commit().expect("commits");
    drop(db);

    subject.reopen();
    let seen = shared::ids::Epoch(1);
    let claims =
        [ANNA, BEN].map(|key| StoreRequest::Claim { key, by: crate::subject::node(2), seen });
    let replies = subject.ask_all(&claims);
    let damaged = StoreFailure::Damaged {
        key: ANNA,
        what: String::from("the checksum of a row does not fit its bytes"),
    };
    assert_eq!(replies[0], StoreReply::Failed(damaged));
    assert!(matches!(replies[1], StoreReply::Claimed(_)), "{:?}", replies[1]);
    let StoreReply::Owner(now) = subject.ask(StoreRequest::ReadOwner { key: ANNA }) else {
        panic!("the head is whole");
    };
    assert_eq!(now.epoch, seen, "a claim that failed has changed nothing");
}

#[test]
fn closing_answers_what_was_handed_over_and_refuses_what_comes_later() {
    let dir = TempDir::new().expect("a directory");
    let store = EmbeddedStore::open(dir.path()).expect("opens");
    let mut client = Client::new(&store);
    let count = 3_000;
    for op in 0..count {
        let key = Key::Player(PlayerId(op));
        let claim =
            StoreRequest::Claim { key, by: crate::subject::node(1), seen: Default::default() };
        client.handle.submit(OpId(op), claim).expect("below the limit");
    }
    store.close().expect("closes");
    client.handle.submit(OpId(count), StoreRequest::ReadOwner { key: ANNA }).expect("is taken");
    let mut replies = Vec::new();
    client.handle.poll(&mut replies);
    assert_eq!(replies.len() as u64, count + 1);
    let (last, claims) = replies.split_last().expect("many");
    assert!(claims.iter().all(|(_, reply)| matches!(reply, StoreReply::Claimed(_))));
    assert_eq!(*last, (OpId(count), StoreReply::Failed(StoreFailure::Closed)));
}

#[test]
fn a_handle_at_its_limit_gets_the_request_back() {
    let dir = TempDir::new().expect("a directory");
    let store = EmbeddedStore::open(dir.path()).expect("opens");
    let mut client = Client::new(&store);
    let read = StoreRequest::ReadOwner { key: ANNA };
    for op in 0..STORE_OPS_WAITING_MAX as u64 {
        client.handle.submit(OpId(op), read.clone()).expect("below the limit");
    }
    let refused = client.handle.submit(OpId(0), read.clone());
    assert_eq!(refused, Err(StoreFull(read.clone())));
    assert_eq!(client.answers(STORE_OPS_WAITING_MAX).len(), STORE_OPS_WAITING_MAX);
    client.handle.submit(OpId(0), read).expect("there is room again");
}

#[test]
fn handles_share_one_store_and_one_that_is_dropped_disturbs_nobody() {
    let dir = TempDir::new().expect("a directory");
    let store = EmbeddedStore::open(dir.path()).expect("opens");
    let mut first = Client::new(&store);
    let mut second = Client::new(&store);
    claim(&mut first, ANNA, 1, 0);
    first.handle.submit(OpId(1), StoreRequest::Relay { source: ANNA }).expect("is taken");
    drop(first);
    assert_eq!(claim(&mut second, ANNA, 2, 1).version, Version(0));
    let mut third = Client::new(&store);
    claim(&mut third, ANNA, 3, 2);
}
