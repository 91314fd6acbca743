//! Looking at a store as a whole, and what a scan says of what is damaged or half done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use shared::ids::{BattleId, Epoch, GuildId, Key, PlayerId, Version};
use shared::store::embedded::{EmbeddedScan, EmbeddedStore, OpenError};
use shared::store::redis::{OpenError as RedisOpenError, RedisScan, RedisStore, RedisStoreConfig};
use shared::store::rules::Rows as _;
use shared::store::scan::{ScannedPost, ScannedRecord, Sequence, StoreScan};
use shared::store::{Commit, MailEntry, Ownership, PartId, StoreRequest};
use tempfile::TempDir;

use crate::backends::{Embedded, Memory};
use crate::redis_subject::{DURABLE, Lonely, Redis, connection, raw};
use crate::subject::Subject;
use crate::subject::{claim, commit, done, node, part, post, relay};

const ANNA: Key = Key::Player(PlayerId(1));
const BEN: Key = Key::Player(PlayerId(2));
const OWLS: Key = Key::Guild(GuildId(1));
const FIGHT: Key = Key::Battle(BattleId(1));
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

type Seen = (BTreeSet<Key>, BTreeMap<Key, ScannedRecord>);

/// A store that can be scanned while it is tested.
pub(crate) trait Scanned: Subject {
    fn scan(&mut self) -> Seen;
}

impl Scanned for Memory {
    fn scan(&mut self) -> Seen {
        seen(&mut self.store)
    }
}

/// Nobody else may have an embedded store open.
impl Scanned for Embedded {
    fn scan(&mut self) -> Seen {
        self.close();
        let seen = seen(&mut EmbeddedScan::open(self.dir.path()).expect("opens"));
        self.reopen();
        seen
    }
}

impl Scanned for Redis {
    fn scan(&mut self) -> Seen {
        seen(&mut RedisScan::connect(&self.config()).expect("connects"))
    }
}

fn seen(store: &mut dyn StoreScan) -> Seen {
    let senders = store.senders().expect("is read");
    let mut records = BTreeMap::new();
    let mut visit = |key, record| {
        assert!(records.insert(key, record).is_none(), "{key} came twice");
    };
    store.scan(&mut visit).expect("is read to the end");
    (senders, records)
}

/// The same without the number of the server's life, which is another one each time.
fn timeless((senders, mut records): Seen) -> Seen {
    for record in records.values_mut() {
        let sequences = record.delivered.iter_mut().map(|(_, sequence)| sequence);
        let sequences = sequences.chain(record.outbox.iter_mut().map(|post| &mut post.sequence));
        sequences.for_each(|sequence| sequence.life = 0);
    }
    (senders, records)
}

fn number(number: u64) -> Sequence {
    Sequence { life: 0, number }
}

fn entry(position: u64, source: Key, mail: &[u8]) -> MailEntry {
    MailEntry { position, source, mail: mail.to_vec() }
}

/// Anna has posted three mails, of which the third waits; Ben has taken one of two; the owls have
/// one and nobody owns them; a battle was claimed and nothing more.
fn filled(subject: &mut dyn Subject) -> Seen {
    claim(subject, ANNA, 1, 0);
    let first = post(post(commit(ANNA, 1, 0), BEN, b"one"), OWLS, b"owl");
    done(subject, part(part(first, 7, b"seven"), 1, b"first"));
    done(subject, post(part(commit(ANNA, 1, 1), 1, b"second"), BEN, b"two"));
    relay(subject, ANNA);
    claim(subject, BEN, 2, 0);
    done(subject, Commit { mail_taken: Some(1), ..part(commit(BEN, 1, 0), 3, b"") });
    done(subject, post(commit(ANNA, 1, 2), BEN, b"three"));
    subject.ask(StoreRequest::Release { key: BEN, epoch: Epoch(1) });
    claim(subject, FIGHT, 3, 0);

    let owned = |owner: Option<u16>, epoch, version| ScannedRecord {
        ownership: Ownership { owner: owner.map(node), epoch: Epoch(epoch) },
        version: Version(version),
        ..ScannedRecord::default()
    };
    let waits =
        ScannedPost { position: 4, target: BEN, sequence: number(3), mail: b"three".to_vec() };
    let anna = ScannedRecord {
        parts: vec![(PartId(1), b"second".to_vec()), (PartId(7), b"seven".to_vec())],
        outbox: vec![waits],
        ..owned(Some(1), 1, 3)
    };
    let ben = ScannedRecord {
        parts: vec![(PartId(3), Vec::new())],
        mailbox: vec![entry(2, ANNA, b"two")],
        delivered: vec![(ANNA, number(2))],
        ..owned(None, 1, 1)
    };
    let owls = ScannedRecord {
        mailbox: vec![entry(1, ANNA, b"owl")],
        delivered: vec![(ANNA, number(1))],
        ..owned(None, 0, 0)
    };
    let records = [(ANNA, anna), (BEN, ben), (OWLS, owls), (FIGHT, owned(Some(3), 1, 0))];
    ([ANNA].into(), records.into())
}

pub(crate) fn a_scan_shows_all_that_is_stored(subject: &mut dyn Scanned) {
    assert_eq!(subject.scan(), Seen::default());
    let expected = filled(subject);
    assert_eq!(timeless(subject.scan()), expected);
}

pub(crate) fn a_scan_changes_nothing(subject: &mut dyn Scanned) {
    filled(subject);
    assert_eq!(subject.scan(), subject.scan());
    done(subject, commit(ANNA, 1, 3));
    assert_eq!(relay(subject, ANNA).1, 0, "all has arrived");
    let (senders, records) = timeless(subject.scan());
    assert_eq!((senders.len(), &records[&ANNA].outbox), (0, &vec![]));
    assert_eq!(records[&BEN].delivered, [(ANNA, number(3))]);
}

pub(crate) fn a_scan_shows_every_key_once(subject: &mut dyn Scanned) {
    let keys: BTreeSet<_> = (0..150u64).map(|id| Key::Player(PlayerId(id << 55 | id))).collect();
    for key in &keys {
        claim(subject, *key, 1, 0);
        done(subject, post(part(commit(*key, 1, 0), 1, b"x"), OWLS, b"hello"));
    }
    let (senders, records) = subject.scan();
    assert_eq!(senders, keys);
    assert_eq!(records.keys().copied().collect::<BTreeSet<_>>(), keys);
    relay(subject, ANNA);
    for key in &keys {
        relay(subject, *key);
    }
    let (senders, records) = timeless(subject.scan());
    assert_eq!((senders.len(), records.len()), (0, keys.len() + 1));
    let delivered: Vec<_> = keys.iter().map(|key| (*key, number(1))).collect();
    assert_eq!(records[&OWLS].delivered, delivered);
}

#[test]
fn a_mail_that_was_delivered_and_not_removed_is_told_by_its_mark() {
    let mut subject = Memory::default();
    filled(&mut subject);
    let before = subject.store.clone();
    relay(&mut subject, ANNA);
    // The relay died in between: the mailbox has it, and the outbox is as it was.
    let mut store = subject.store;
    store.set_head(ANNA, &before.head(ANNA).expect("memory")).expect("memory");
    for entry in before.outbox(ANNA, 10).expect("memory") {
        store.put_outbox(ANNA, &entry).expect("memory");
    }
    check_delivered_twice(seen(&mut store));

    let redis = Lonely::in_memory(&DURABLE);
    let mut connection = connection(redis.server());
    let mut subject = Redis::of(redis.config());
    filled(&mut subject);
    let outbox = redis.name_ending_in(":out");
    let head = outbox.trim_end_matches(":out");
    let kept: Vec<(Vec<u8>, f64)> = redis::cmd("ZRANGE")
        .arg(&outbox)
        .arg(0)
        .arg(-1)
        .arg("WITHSCORES")
        .query(&mut connection)
        .expect("is read");
    relay(&mut subject, ANNA);
    for (entry, position) in kept {
        let add = redis::cmd("ZADD").arg(&outbox).arg(position).arg(entry).exec(&mut connection);
        add.expect("is written");
    }
    raw::<u64>(redis.server(), &format!("HSET {head} on 1"));
    check_delivered_twice(seen(&mut RedisScan::connect(&redis.config()).expect("connects")));
}

fn check_delivered_twice((_, records): Seen) {
    let (anna, ben) = (&records[&ANNA], &records[&BEN]);
    assert_eq!((&anna.damage, &ben.damage), (&vec![], &vec![]));
    assert_eq!(ben.mailbox.last().map(|entry| &entry.mail[..]), Some(&b"three"[..]));
    let [(ANNA, mark)] = ben.delivered[..] else { panic!("one source: {ben:?}") };
    assert_eq!(mark, anna.outbox[0].sequence);
}

#[test]
fn a_store_that_is_open_is_not_scanned_and_one_that_never_was_is_not_made() {
    let subject = Embedded::new();
    let error = EmbeddedScan::open(subject.dir.path()).expect_err("in use");
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    let empty = TempDir::new().expect("a directory");
    let error = EmbeddedScan::open(empty.path()).expect_err("nothing there");
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(empty.path()).expect("is listed").count(), 0);
}

#[test]
fn a_store_that_was_closed_is_read_as_it_is_and_one_that_was_not_is_mended() {
    let mut subject = Embedded::new();
    let expected = filled(&mut subject);
    let copy = TempDir::new().expect("a directory");
    for name in ["store.redb", "store.state"] {
        fs::copy(subject.dir.path().join(name), copy.path().join(name)).expect("is copied");
    }
    let mut scan = EmbeddedScan::open(copy.path()).expect("is mended");
    assert_eq!(seen(&mut scan), expected);
    let error = EmbeddedStore::open(copy.path()).expect_err("in use");
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    drop(scan);

    let file = copy.path().join("store.redb");
    let before = fs::read(&file).expect("is read");
    assert_eq!(seen(&mut EmbeddedScan::open(copy.path()).expect("opens")), expected);
    assert!(fs::read(&file).expect("is read") == before, "a scan has changed the file");
    let store = EmbeddedStore::open(copy.path()).expect("opens");
    assert_eq!(store.incarnation(), 2, "scans do not count");
}

#[test]
fn damage_in_a_file_is_told_with_its_key_and_hides_nothing_else() {
    let mut subject = Embedded::new();
    let (_, mut expected) = filled(&mut subject);
    subject.close();
    let db = Database::open(subject.dir.path().join("store.redb")).expect("opens");
    let txn = db.begin_write().expect("begins");
    let rows: Vec<Vec<u8>> = {
        let table = db.begin_read().expect("begins").open_table(RECORDS).expect("is there");
        let rows = table.range::<&[u8]>(..).expect("is read");
        rows.map(|pair| pair.expect("is read").0.value().to_vec()).collect()
    };
    {
        let mut table = txn.open_table(RECORDS).expect("is there");
        // Of the first player: the row of part 7. Of the second: the mail.
        let part = rows.iter().find(|row| row[8..] == [1, 1, 7]).expect("is there");
        let mail = rows.iter().find(|row| row[8..10] == [2, 2]).expect("is there");
        for row in [part, mail] {
            let mut value =
                table.get(&row[..]).expect("is read").expect("is there").value().to_vec();
            value[0] ^= 1;
            table.insert(&row[..], &value[..]).expect("is written");
        }
    }
    txn.commit().expect("commits");
    drop(db);
    let (_, records) = seen(&mut EmbeddedScan::open(subject.dir.path()).expect("opens"));
    let anna = expected.get_mut(&ANNA).expect("is there");
    anna.parts.pop();
    anna.damage = vec![String::from("the checksum of part 7 does not fit")];
    let ben = expected.get_mut(&BEN).expect("is there");
    ben.mailbox.clear();
    ben.damage = vec![String::from("the checksum of mail 2 does not fit")];
    assert_eq!(records, expected);
}

#[test]
fn damage_in_redis_is_told_with_its_key_and_hides_nothing_else() {
    let redis = Lonely::in_memory(&DURABLE);
    let mut subject = Redis::of(redis.config());
    let (_, mut expected) = filled(&mut subject);
    let outbox = redis.name_ending_in(":out");
    let anna = outbox.trim_end_matches(":out");
    raw::<u64>(redis.server(), &format!("HSET {anna} p7 seven on 2"));
    let mailbox = redis.name_ending_in("player:0000000000000002:mail");
    raw::<u64>(redis.server(), &format!("DEL {mailbox}"));
    raw::<()>(redis.server(), &format!("SET {mailbox} nonsense"));
    let scan = seen(&mut RedisScan::connect(&redis.config()).expect("connects"));
    let (_, records) = timeless(scan);
    let anna = expected.get_mut(&ANNA).expect("is there");
    anna.parts.pop();
    anna.damage = vec![
        String::from("the checksum of part 7 does not fit"),
        String::from("the outbox should hold 2 mails and holds 1"),
    ];
    let ben = expected.get_mut(&BEN).expect("is there");
    ben.mailbox.clear();
    ben.damage.clone_from(&records[&BEN].damage);
    assert!(ben.damage[0].contains("the mailbox cannot be read"), "{:?}", ben.damage);
    assert_eq!(records, expected);
}

#[test]
fn a_scan_makes_no_store_and_sees_its_own_prefix_only() {
    let mut redis = Redis::standalone();
    let expected = filled(&mut redis);
    let mut other = Redis::standalone();
    claim(&mut other, ANNA, 1, 0);
    assert_eq!(timeless(redis.scan()), expected);
    let prefix = format!("{}-none", redis.config().prefix);
    let nowhere = RedisStoreConfig { prefix, ..redis.config() };
    for _ in 0..2 {
        let error = RedisScan::connect(&nowhere).expect_err("nothing there");
        assert!(matches!(error, RedisOpenError::Missing { .. }), "{error}");
    }
    let foreign = RedisStoreConfig { cluster: Some(1), ..redis.config() };
    let error = RedisScan::connect(&foreign).expect_err("another cluster");
    assert!(matches!(error, RedisOpenError::OtherCluster { .. }), "{error}");
}

#[test]
fn a_user_who_may_not_write_is_enough() {
    let redis = Lonely::in_memory(&DURABLE);
    let expected = filled(&mut Redis::of(redis.config()));
    let may = "+@read +@connection +evalsha +script|load +info";
    raw::<()>(redis.server(), &format!("ACL SETUSER auditor on >secret ~* {may}"));
    let url = redis.server().url().replace("://", "://auditor:secret@");
    let config = RedisStoreConfig { urls: vec![url], ..redis.config() };
    assert_eq!(timeless(seen(&mut RedisScan::connect(&config).expect("connects"))), expected);
    let error = RedisStore::connect(config).expect_err("counts the incarnation on");
    assert!(error.to_string().contains("NOPERM"), "{error}");
}

#[test]
fn one_address_of_a_cluster_is_enough() {
    let mut redis = Redis::cluster();
    let expected = filled(&mut redis);
    let urls = redis.config().urls[1..2].to_vec();
    let one = RedisStoreConfig { urls, ..redis.config() };
    assert_eq!(timeless(seen(&mut RedisScan::connect(&one).expect("connects"))), expected);
}
