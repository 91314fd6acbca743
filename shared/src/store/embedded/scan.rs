//! Looking at a closed store as a whole.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{ReadOnlyTable, ReadTransaction, ReadableDatabase};

use super::layout::{self, KEY_BYTES, RowKey};
use super::open::{OpenError, OpenedToRead, open_to_read};
use super::rows::{OUTBOXES, RECORDS, mail_entry, outbox_entry};
use crate::ids::Key;
use crate::store::rules::{Head, OutboxEntry};
use crate::store::scan::{ScanError, ScannedPost, ScannedRecord, Sequence, StoreScan, miscount};
use crate::store::{Ownership, PartId};

/// An embedded store that nobody serves, opened to be looked at. As long as it is open, no node
/// can open it.
pub struct EmbeddedScan {
    /// Taken only when it is dropped.
    opened: Option<OpenedToRead>,
}

impl fmt::Debug for EmbeddedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedScan").finish_non_exhaustive()
    }
}

impl EmbeddedScan {
    /// Opens the store in the directory `dir`. One that was closed cleanly is only read; one that
    /// was not is checked and mended first, as at a start. No incarnation is counted.
    ///
    /// # Errors
    /// [`OpenError`]: `Locked` while a node has it open, `Io` if there is no store.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Ok(Self { opened: Some(open_to_read(dir)?) })
    }

    /// Reads in one transaction. The back-end can panic on bytes that it has not checked.
    fn read<T>(
        &self,
        f: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, ScanError> {
        let txn = match &self.opened {
            Some(OpenedToRead::AsItIs(db)) => db.begin_read(),
            Some(OpenedToRead::Mended(db, _)) => db.begin_read(),
            None => return Err(ScanError(String::from("it is closed"))),
        };
        let txn = txn.map_err(|error| ScanError(error.to_string()))?;
        let read = catch_unwind(AssertUnwindSafe(|| f(&txn)));
        let read = read.map_err(|_| ScanError(String::from("reading the file panicked")))?;
        read.map_err(|error| ScanError(error.to_string()))
    }
}

impl Drop for EmbeddedScan {
    fn drop(&mut self) {
        let closed = match self.opened.take() {
            Some(OpenedToRead::Mended(db, files)) => {
                let closed = db.close().map_err(|error| error.to_string());
                closed.and_then(|()| files.note_clean().map_err(|error| error.to_string()))
            }
            Some(OpenedToRead::AsItIs(_)) | None => Ok(()),
        };
        if let Err(error) = closed {
            tracing::warn!(error, "store was not closed cleanly");
        }
    }
}

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

impl StoreScan for EmbeddedScan {
    fn senders(&mut self) -> Result<BTreeSet<Key>, ScanError> {
        self.read(|txn| senders(&txn.open_table(OUTBOXES)?))
    }

    fn scan(&mut self, visit: &mut dyn FnMut(Key, ScannedRecord)) -> Result<(), ScanError> {
        self.read(|txn| {
            let (records, outboxes) = (txn.open_table(RECORDS)?, txn.open_table(OUTBOXES)?);
            let mut senders = senders(&outboxes)?;
            let mut gathered: Option<Gathered> = None;
            for pair in records.range::<&[u8]>(..)? {
                let (row, value) = pair?;
                let key = key_of(row.value())?;
                if let Some(done) = gathered.take_if(|it| it.key != key) {
                    let (key, record) = done.finish(&outboxes)?;
                    visit(key, record);
                }
                senders.remove(&key);
                gathered.get_or_insert_with(|| Gathered::new(key)).row(row.value(), value.value());
            }
            // What is left of the senders has nothing but an outbox.
            for gathered in gathered.into_iter().chain(senders.into_iter().map(Gathered::new)) {
                let (key, record) = gathered.finish(&outboxes)?;
                visit(key, record);
            }
            Ok(())
        })
    }
}

fn senders(outboxes: &Table) -> Result<BTreeSet<Key>, redb::Error> {
    let rows = outboxes.range::<&[u8]>(..)?;
    rows.map(|pair| key_of(pair?.0.value())).collect()
}

fn key_of(row: &[u8]) -> Result<Key, redb::Error> {
    layout::key_of(row)
        .ok_or_else(|| redb::Error::Corrupted(String::from("a row belongs to no key")))
}

/// The rows of one key so far.
struct Gathered {
    key: Key,
    head: Option<Head>,
    /// Rows of mails, readable or not.
    mails: usize,
    record: ScannedRecord,
}

impl Gathered {
    fn new(key: Key) -> Self {
        Self { key, head: None, mails: 0, record: ScannedRecord::default() }
    }

    /// Takes a row of the table of records.
    fn row(&mut self, row: &[u8], value: &[u8]) {
        if let Err(what) = self.read(row, value) {
            self.record.damage.push(what);
        }
    }

    fn read(&mut self, row: &[u8], value: &[u8]) -> Result<(), String> {
        let kind = row.get(KEY_BYTES).copied();
        let rest = row.get(KEY_BYTES + 1..).unwrap_or_default();
        let (last, bytes) = (rest.last().copied(), layout::unseal(row, value));
        self.mails += usize::from(kind == Some(layout::MAIL));
        match (kind, last) {
            (Some(layout::HEAD), _) => {
                let bytes = bytes.ok_or("the checksum of the head does not fit")?;
                self.head = Some(layout::head_of(bytes)?);
            }
            (Some(layout::PART), Some(part)) => {
                let bytes = bytes.ok_or_else(|| unfitting("part", part.into()))?;
                self.record.parts.push((PartId(part), bytes.to_vec()));
            }
            (Some(layout::MAIL), _) => {
                let position = layout::position_of(row).unwrap_or_default();
                let entry = bytes.and_then(|bytes| mail_entry(row, bytes));
                self.record.mailbox.push(entry.ok_or_else(|| unfitting("mail", position))?);
            }
            (Some(layout::SENT | layout::DELIVERED), _) => {
                let other = layout::key_of(rest).filter(|_| rest.len() == KEY_BYTES);
                let number = bytes.and_then(|bytes| Some(u64::from_be_bytes(*bytes.as_array()?)));
                let (Some(other), Some(number)) = (other, number) else {
                    return Err(String::from("a count of mails cannot be read"));
                };
                if kind == Some(layout::DELIVERED) {
                    self.record.delivered.push((other, in_order(number)));
                }
            }
            _ => return Err(String::from("a row of an unknown kind")),
        }
        Ok(())
    }

    /// Adds the outbox and compares the counts.
    fn finish(self, outboxes: &Table) -> Result<(Key, ScannedRecord), redb::Error> {
        let Self { key, head, mails, mut record } = self;
        let (first, last) = (RowKey::outbox(key, 0), RowKey::outbox(key, u64::MAX));
        let mut posts = 0;
        for pair in outboxes.range(first.as_slice()..=last.as_slice())? {
            let (row, value) = pair?;
            let (row, value) = (row.value(), value.value());
            posts += 1;
            let entry = layout::unseal(row, value).and_then(|bytes| outbox_entry(row, bytes));
            let position = layout::position_of(row).unwrap_or_default();
            match entry {
                Some(entry) => record.outbox.push(post(entry)),
                None => record.damage.push(unfitting("outbox entry", position)),
            }
        }
        match head {
            Some(head) => {
                record.ownership = Ownership { owner: head.owner, epoch: head.epoch };
                record.version = head.version;
                record.damage.extend(miscount("mailbox", head.mailbox_entries, mails));
                record.damage.extend(miscount("outbox", head.outbox_entries, posts));
            }
            None => record.damage.push(String::from("there is no head that can be read")),
        }
        Ok((key, record))
    }
}

fn post(entry: OutboxEntry) -> ScannedPost {
    let OutboxEntry { position, target, sequence, mail } = entry;
    ScannedPost { position, target, sequence: in_order(sequence), mail }
}

/// The numbers of a store that never forgets go on for ever.
const fn in_order(number: u64) -> Sequence {
    Sequence { life: 0, number }
}

fn unfitting(what: &str, number: u64) -> String {
    format!("the checksum of {what} {number} does not fit")
}
