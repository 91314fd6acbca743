//! The tables of the file as the rows that the rules work on.

use redb::{ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction};

use super::layout::{self, KEY_BYTES, RowKey, SEAL_BYTES};
use crate::ids::{GuildId, Key};
use crate::store::rules::{Head, OutboxEntry, Rows, RowsError};
use crate::store::{MailEntry, PartId, Parts};

pub(super) const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
pub(super) const OUTBOXES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("outboxes");

/// Longer than what follows a key in any row and never smaller: ends the rows of a key.
const PAST_KEY: [u8; KEY_BYTES + 1] = [u8::MAX; KEY_BYTES + 1];

/// The rows inside one write transaction.
pub(super) struct TxnRows<'txn> {
    records: Table<'txn, &'static [u8], &'static [u8]>,
    outboxes: Table<'txn, &'static [u8], &'static [u8]>,
    dirty: bool,
}

impl<'txn> TxnRows<'txn> {
    /// Opens the tables.
    pub(super) fn open(txn: &'txn WriteTransaction) -> Result<Self, TableError> {
        let (records, outboxes) = (txn.open_table(RECORDS)?, txn.open_table(OUTBOXES)?);
        Ok(Self { records, outboxes, dirty: false })
    }

    /// Whether anything was written.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    fn put(&mut self, row: &RowKey, pieces: [&[u8]; 3]) -> Result<(), RowsError> {
        self.dirty = true;
        write(&mut self.records, row, pieces)
    }

    /// Reads a counter row of a key; zero if there is none.
    fn counter(&self, key: Key, row: &RowKey) -> Result<u64, RowsError> {
        let Some(value) = self.records.get(row.as_slice()).map_err(backend)? else {
            return Ok(0);
        };
        let bytes = unseal(key, row.as_slice(), value.value())?;
        let bytes = bytes.try_into().map_err(|_| damaged(key, "a counter of an odd length"))?;
        Ok(u64::from_be_bytes(bytes))
    }
}

impl Rows for TxnRows<'_> {
    fn head(&self, key: Key) -> Result<Head, RowsError> {
        let row = RowKey::new(key, layout::HEAD, &[]);
        match self.records.get(row.as_slice()).map_err(backend)? {
            None => Ok(Head::default()),
            Some(value) => {
                let bytes = unseal(key, row.as_slice(), value.value())?;
                layout::head_of(bytes).map_err(|what| RowsError::Damaged { key, what })
            }
        }
    }

    fn set_head(&mut self, key: Key, head: &Head) -> Result<(), RowsError> {
        let row = RowKey::new(key, layout::HEAD, &[]);
        self.put(&row, [&layout::head_bytes(head), &[], &[]])
    }

    fn parts(&self, key: Key) -> Result<Parts, RowsError> {
        let first = RowKey::new(key, layout::PART, &[]);
        let end = RowKey::new(key, layout::PART + 1, &[]);
        let mut parts = Vec::new();
        for pair in self.records.range(first.as_slice()..end.as_slice()).map_err(backend)? {
            let (row, value) = pair.map_err(backend)?;
            let bytes = unseal(key, row.value(), value.value())?;
            let id = row.value().last().copied().unwrap_or_default();
            parts.push((PartId(id), bytes.to_vec()));
        }
        Ok(parts)
    }

    fn set_part(&mut self, key: Key, part: PartId, bytes: &[u8]) -> Result<(), RowsError> {
        self.put(&RowKey::new(key, layout::PART, &[part.0]), [bytes, &[], &[]])
    }

    fn mail(&self, key: Key, after: u64, limit: usize) -> Result<Vec<MailEntry>, RowsError> {
        let Some(first) = after.checked_add(1) else {
            return Ok(Vec::new());
        };
        let first = RowKey::new(key, layout::MAIL, &first.to_be_bytes());
        let end = RowKey::new(key, layout::MAIL + 1, &[]);
        let range = self.records.range(first.as_slice()..end.as_slice()).map_err(backend)?;
        let mut entries = Vec::new();
        for pair in range.take(limit) {
            let (row, value) = pair.map_err(backend)?;
            let bytes = unseal(key, row.value(), value.value())?;
            let entry = mail_entry(row.value(), bytes);
            entries.push(entry.ok_or_else(|| damaged(key, "a mail without a source"))?);
        }
        Ok(entries)
    }

    fn mail_positions(&self, key: Key, last: u64) -> Result<Vec<u64>, RowsError> {
        let first = RowKey::new(key, layout::MAIL, &[]);
        let last = RowKey::new(key, layout::MAIL, &last.to_be_bytes());
        let range = self.records.range(first.as_slice()..=last.as_slice()).map_err(backend)?;
        let positions = range.map(|pair| {
            let (row, _) = pair.map_err(backend)?;
            layout::position_of(row.value()).ok_or_else(|| damaged(key, "a short row key"))
        });
        positions.collect()
    }

    fn put_mail(&mut self, key: Key, entry: &MailEntry) -> Result<(), RowsError> {
        let row = RowKey::new(key, layout::MAIL, &entry.position.to_be_bytes());
        self.put(&row, [&layout::key_bytes(entry.source), &entry.mail, &[]])
    }

    fn remove_mail(&mut self, key: Key, position: u64) -> Result<(), RowsError> {
        self.dirty = true;
        let row = RowKey::new(key, layout::MAIL, &position.to_be_bytes());
        self.records.remove(row.as_slice()).map_err(backend)?;
        Ok(())
    }

    fn outbox(&self, source: Key, limit: usize) -> Result<Vec<OutboxEntry>, RowsError> {
        let first = RowKey::outbox(source, 0);
        let last = RowKey::outbox(source, u64::MAX);
        let range = self.outboxes.range(first.as_slice()..=last.as_slice()).map_err(backend)?;
        let mut entries = Vec::new();
        for pair in range.take(limit) {
            let (row, value) = pair.map_err(backend)?;
            let bytes = unseal(source, row.value(), value.value())?;
            let entry = outbox_entry(row.value(), bytes);
            entries.push(entry.ok_or_else(|| damaged(source, "a post without a target"))?);
        }
        Ok(entries)
    }

    fn put_outbox(&mut self, source: Key, entry: &OutboxEntry) -> Result<(), RowsError> {
        self.dirty = true;
        let row = RowKey::outbox(source, entry.position);
        let (target, sequence) = (layout::key_bytes(entry.target), entry.sequence.to_be_bytes());
        write(&mut self.outboxes, &row, [&target, &sequence, &entry.mail])
    }

    fn remove_outbox(&mut self, source: Key, position: u64) -> Result<(), RowsError> {
        self.dirty = true;
        let row = RowKey::outbox(source, position);
        self.outboxes.remove(row.as_slice()).map_err(backend)?;
        Ok(())
    }

    fn sent(&self, source: Key, target: Key) -> Result<u64, RowsError> {
        let row = RowKey::new(source, layout::SENT, &layout::key_bytes(target));
        self.counter(source, &row)
    }

    fn set_sent(&mut self, source: Key, target: Key, sequence: u64) -> Result<(), RowsError> {
        let row = RowKey::new(source, layout::SENT, &layout::key_bytes(target));
        self.put(&row, [&sequence.to_be_bytes(), &[], &[]])
    }

    fn delivered(&self, target: Key, source: Key) -> Result<u64, RowsError> {
        let row = RowKey::new(target, layout::DELIVERED, &layout::key_bytes(source));
        self.counter(target, &row)
    }

    fn set_delivered(&mut self, target: Key, source: Key, sequence: u64) -> Result<(), RowsError> {
        let row = RowKey::new(target, layout::DELIVERED, &layout::key_bytes(source));
        self.put(&row, [&sequence.to_be_bytes(), &[], &[]])
    }

    fn pending(&self, after: Option<Key>, limit: usize) -> Result<Vec<Key>, RowsError> {
        seek_keys(&self.outboxes, after.map_or_else(Vec::new, past), &[], limit)
    }

    fn guilds(&self, after: Option<Key>, limit: usize) -> Result<Vec<Key>, RowsError> {
        let first = layout::key_bytes(Key::Guild(GuildId(0)));
        let end = past(Key::Guild(GuildId(u64::MAX)));
        let from = after.map_or_else(Vec::new, past).max(first.to_vec());
        if from >= end {
            return Ok(Vec::new());
        }
        seek_keys(&self.records, from, &end, limit)
    }
}

/// The first `limit` different keys among the rows from `from` on and below `end`, if that is
/// not empty. Jumps from key to key, however many rows each has.
fn seek_keys(
    table: &Table<'_, &'static [u8], &'static [u8]>,
    mut from: Vec<u8>,
    end: &[u8],
    limit: usize,
) -> Result<Vec<Key>, RowsError> {
    let mut keys = Vec::new();
    while keys.len() < limit {
        let mut range = table.range::<&[u8]>(from.as_slice()..).map_err(backend)?;
        let Some(pair) = range.next() else {
            break;
        };
        let (row, _) = pair.map_err(backend)?;
        if !end.is_empty() && row.value() >= end {
            break;
        }
        let key = layout::key_of(row.value())
            .ok_or_else(|| RowsError::Backend(String::from("a row that belongs to no key")))?;
        keys.push(key);
        from = past(key);
    }
    Ok(keys)
}

/// Sorts after all rows of `key` and before those of the next.
fn past(key: Key) -> Vec<u8> {
    [layout::key_bytes(key).as_slice(), &PAST_KEY].concat()
}

pub(super) fn mail_entry(row: &[u8], bytes: &[u8]) -> Option<MailEntry> {
    let position = layout::position_of(row)?;
    let (source, mail) = bytes.split_at_checked(KEY_BYTES)?;
    Some(MailEntry { position, source: layout::key_of(source)?, mail: mail.to_vec() })
}

pub(super) fn outbox_entry(row: &[u8], bytes: &[u8]) -> Option<OutboxEntry> {
    let position = layout::position_of(row)?;
    let (target, rest) = bytes.split_at_checked(KEY_BYTES)?;
    let (sequence, mail) = rest.split_first_chunk()?;
    let (target, sequence) = (layout::key_of(target)?, u64::from_be_bytes(*sequence));
    Some(OutboxEntry { position, target, sequence, mail: mail.to_vec() })
}

/// Writes the pieces one after the other, and the checksum, straight into the page.
fn write(
    table: &mut Table<'_, &'static [u8], &'static [u8]>,
    row: &RowKey,
    pieces: [&[u8]; 3],
) -> Result<(), RowsError> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut guard = table.insert_reserve(row.as_slice(), len + SEAL_BYTES).map_err(backend)?;
    let (bytes, seal) = guard.as_mut().split_at_mut(len);
    let mut at = 0;
    for piece in pieces {
        bytes[at..at + piece.len()].copy_from_slice(piece);
        at += piece.len();
    }
    seal.copy_from_slice(&layout::seal(row.as_slice(), bytes));
    Ok(())
}

fn unseal<'a>(key: Key, row: &[u8], value: &'a [u8]) -> Result<&'a [u8], RowsError> {
    layout::unseal(row, value)
        .ok_or_else(|| damaged(key, "the checksum of a row does not fit its bytes"))
}

fn damaged(key: Key, what: &str) -> RowsError {
    RowsError::Damaged { key, what: String::from(what) }
}

#[expect(clippy::needless_pass_by_value, reason = "this is what map_err wants")]
fn backend(error: StorageError) -> RowsError {
    RowsError::Backend(error.to_string())
}
