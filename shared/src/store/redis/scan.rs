//! Looking at a store in Redis as a whole, also while nodes use it. Names are found by `SCAN`,
//! page by page, and each key is read by one script, so that every record is of one moment.

use std::collections::BTreeSet;
use std::fmt;

use redis::Value;

use super::RedisStoreConfig;
use super::call::{Call, Script};
use super::layout::{self, BUCKETS};
use super::link::Link;
use super::open::{OpenError, open_to_read};
use super::router::{CallError, Router};
use super::values::{array, bytes, fields, number, text};
use crate::ids::{Epoch, Key, Version};
use crate::store::MailEntry;
use crate::store::embedded::layout::SEAL_BYTES;
use crate::store::scan::{ScanError, ScannedPost, ScannedRecord, Sequence, StoreScan, miscount};

/// Names that one `SCAN` looks at, about: as long as that, the server does nothing else.
const NAMES_PAGE: &[u8] = b"512";
/// Records that are read together.
const RECORDS_PAGE: usize = 64;

/// A store in Redis, opened to be looked at. Nothing in it is changed.
pub struct RedisScan {
    router: Router,
}

impl fmt::Debug for RedisScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisScan").finish_non_exhaustive()
    }
}

impl RedisScan {
    /// Connects to the servers of a store. One address of a Redis Cluster is enough. Whose store
    /// it is matters only if `cluster` is set.
    ///
    /// # Errors
    /// [`OpenError`]: `Missing` if there is no store under the prefix; none is created.
    pub fn connect(config: &RedisStoreConfig) -> Result<Self, OpenError> {
        Ok(Self { router: open_to_read(config)? })
    }

    /// All keys that have something stored. A key that moves to another server of a cluster
    /// meanwhile may be left out.
    fn keys(&mut self) -> Result<BTreeSet<Key>, ScanError> {
        let names = self.router.routes.names.clone();
        let pattern = names.pattern();
        let mut keys = BTreeSet::new();
        let found = self.router.on_each(|_, link| {
            let mut found = BTreeSet::new();
            each_name(link, &pattern, |name| found.extend(names.key_named(name)))?;
            Ok(found)
        });
        for (server, found) in found {
            keys.extend(found.map_err(|what| ScanError(format!("{server}: {what}")))?);
        }
        Ok(keys)
    }

    fn page(&mut self, keys: &[Key]) -> Result<Vec<ScannedRecord>, ScanError> {
        let names = &self.router.routes.names;
        let read = |key: &Key| {
            let call = Call::script(Script::Scan, layout::bucket(*key)).key(&names.head(*key));
            ["mail", "out", "seen"].iter().fold(call, |call, it| call.key(&names.beside(*key, it)))
        };
        let calls: Vec<_> = keys.iter().map(read).collect();
        let outcomes = self.router.run(&calls);
        let read = keys.iter().zip(outcomes).map(|(key, outcome)| {
            let (value, _) = outcome.map_err(|error| failure(*key, error))?;
            record(*key, value).map_err(|what| ScanError(format!("{key}: {what}")))
        });
        read.collect()
    }
}

impl StoreScan for RedisScan {
    fn senders(&mut self) -> Result<BTreeSet<Key>, ScanError> {
        let names = &self.router.routes.names;
        let read = |bucket| {
            let call = Call::reading("ZRANGE", bucket);
            call.arg(names.of_bucket(bucket, "pending").as_bytes()).arg(b"0").arg(b"-1")
        };
        let calls: Vec<_> = (0..BUCKETS).map(read).collect();
        let mut senders = BTreeSet::new();
        for outcome in self.router.run(&calls) {
            let (value, _) = outcome.map_err(|error| ScanError(said(error)))?;
            for member in array(value).map_err(ScanError)? {
                let member = text(member).map_err(ScanError)?;
                let key = layout::key_of(&member);
                let what = || ScanError(format!("{member:?} in the index of outboxes is no key"));
                senders.insert(key.ok_or_else(what)?);
            }
        }
        Ok(senders)
    }

    fn scan(&mut self, visit: &mut dyn FnMut(Key, ScannedRecord)) -> Result<(), ScanError> {
        let keys: Vec<Key> = self.keys()?.into_iter().collect();
        for page in keys.chunks(RECORDS_PAGE) {
            for (key, record) in page.iter().zip(self.page(page)?) {
                visit(*key, record);
            }
        }
        Ok(())
    }
}

/// Shows all names of a server that fit the pattern; some may come twice.
fn each_name(link: &mut Link, pattern: &str, mut visit: impl FnMut(&str)) -> Result<(), String> {
    let mut cursor = String::from("0");
    loop {
        let scan: [&[u8]; 6] =
            [b"SCAN", cursor.as_bytes(), b"MATCH", pattern.as_bytes(), b"COUNT", NAMES_PAGE];
        let [next, found] = fields(link.ask(&scan)?)?;
        for name in array(found)? {
            visit(&String::from_utf8_lossy(&bytes(name)?));
        }
        cursor = text(next)?;
        if cursor == "0" {
            return Ok(());
        }
    }
}

fn failure(key: Key, error: CallError) -> ScanError {
    ScanError(format!("{key}: {}", said(error)))
}

fn said(error: CallError) -> String {
    match error {
        CallError::Failed(what) | CallError::Damaged(what) => what,
    }
}

/// Makes a record of what the script answers. What cannot be read goes to its damage.
fn record(key: Key, value: Value) -> Result<ScannedRecord, String> {
    let [head, mails, posts, seen] = fields(value)?;
    let mut record = ScannedRecord::default();
    let counts = read_head(key, head, &mut record);
    let mut damage = std::mem::take(&mut record.damage);
    let mut listed = |what: &str, value: Value| {
        array(value).unwrap_or_else(|error| {
            damage.push(format!("the {what} cannot be read: {error}"));
            Vec::new()
        })
    };
    let (mails, posts) = (listed("mailbox", mails), listed("outbox", posts));
    let mut seen = listed("marks of sources", seen).into_iter();
    damage.extend(miscount("mailbox", counts.mails, mails.len()));
    damage.extend(miscount("outbox", counts.posts, posts.len()));
    let mut keep = |read: Result<(), String>| damage.extend(read.err());
    for entry in mails {
        keep(bytes(entry).and_then(|entry| mail(key, &entry)).map(|it| record.mailbox.push(it)));
    }
    for entry in posts {
        keep(bytes(entry).and_then(|entry| post(key, &entry)).map(|it| record.outbox.push(it)));
    }
    while let (Some(source), Some(mark)) = (seen.next(), seen.next()) {
        keep(delivered(source, mark).map(|it| record.delivered.push(it)));
    }
    record.delivered.sort_unstable();
    record.damage = damage;
    Ok(record)
}

/// How many entries a head counts.
#[derive(Default)]
struct Counts {
    mails: u64,
    posts: u64,
}

fn read_head(key: Key, value: Value, record: &mut ScannedRecord) -> Counts {
    let mut counts = Counts::default();
    let mut values = array(value).unwrap_or_else(|error| {
        record.damage.push(format!("the head cannot be read: {error}"));
        Vec::new()
    });
    let mut values = values.drain(..);
    while let (Some(field), Some(value)) = (values.next(), values.next()) {
        if let Err(what) = read_field(key, field, value, record, &mut counts) {
            record.damage.push(what);
        }
    }
    record.parts.sort_unstable_by_key(|(part, _)| *part);
    counts
}

fn read_field(
    key: Key,
    field: Value,
    value: Value,
    record: &mut ScannedRecord,
    counts: &mut Counts,
) -> Result<(), String> {
    let field = bytes(field)?;
    if let Some(part) = layout::part_of(&field) {
        record.parts.push((part, layout::open_part(key, part, &bytes(value)?)?));
        return Ok(());
    }
    match &field[..] {
        b"o" => record.ownership.owner = layout::owner_of(&text(value)?)?,
        b"e" => record.ownership.epoch = Epoch(number(value)?),
        b"v" => record.version = Version(number(value)?),
        b"mn" => counts.mails = number(value)?,
        b"on" => counts.posts = number(value)?,
        b"ml" | b"ol" => drop(number(value)?),
        _ => return Err(format!("the head has a field {:?}", String::from_utf8_lossy(&field))),
    }
    Ok(())
}

fn mail(key: Key, entry: &[u8]) -> Result<MailEntry, String> {
    let position = entry.split(|byte| *byte == b':').next().unwrap_or_default();
    let position = std::str::from_utf8(position).ok().and_then(|text| text.parse().ok());
    layout::mail_of(key, position.ok_or("a mail without a position")?, entry)
}

fn post(key: Key, entry: &[u8]) -> Result<ScannedPost, String> {
    let layout::Outgoing { position, life, number, target, mut mail } =
        layout::outgoing_of(key, entry)?;
    mail.truncate(mail.len().saturating_sub(SEAL_BYTES));
    let whole = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a number"));
    let sequence = Sequence { life: whole(&life)?, number: whole(&number)? };
    Ok(ScannedPost { position: whole(&position)?, target, sequence, mail })
}

fn delivered(source: Value, mark: Value) -> Result<(Key, Sequence), String> {
    let (source, mark) = (text(source)?, text(mark)?);
    let key = layout::key_of(&source).ok_or_else(|| format!("{source:?} is not a source"))?;
    let sequence = mark.split_once(':').and_then(|(life, number)| {
        Some(Sequence { life: life.parse().ok()?, number: number.parse().ok()? })
    });
    Ok((key, sequence.ok_or_else(|| format!("{mark:?} is not a mark of {key}"))?))
}
