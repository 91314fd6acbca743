//! A store in memory: the reference for every other back-end, and what tests of cores use.

mod scan;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::rules::{self, Head, OutboxEntry, Rows, RowsError};
use super::{MailEntry, OpId, PartId, Parts, Store, StoreFull, StoreReply, StoreRequest};
use crate::ids::{GuildId, Key};
use crate::limits::STORE_OPS_WAITING_MAX;

/// All records of a cluster, in memory. Grows with what is committed; nothing else bounds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore {
    heads: BTreeMap<Key, Head>,
    parts: BTreeMap<(Key, PartId), Vec<u8>>,
    mail: BTreeMap<(Key, u64), MailEntry>,
    outbox: BTreeMap<(Key, u64), OutboxEntry>,
    sent: BTreeMap<(Key, Key), u64>,
    delivered: BTreeMap<(Key, Key), u64>,
}

impl MemoryStore {
    /// Carries a request out at once.
    pub fn apply(&mut self, request: &StoreRequest) -> StoreReply {
        rules::answer(self, request)
    }
}

impl Rows for MemoryStore {
    fn head(&self, key: Key) -> Result<Head, RowsError> {
        Ok(self.heads.get(&key).copied().unwrap_or_default())
    }

    fn set_head(&mut self, key: Key, head: &Head) -> Result<(), RowsError> {
        self.heads.insert(key, *head);
        Ok(())
    }

    fn parts(&self, key: Key) -> Result<Parts, RowsError> {
        let rows = self.parts.range((key, PartId(0))..=(key, PartId(u8::MAX)));
        Ok(rows.map(|((_, part), bytes)| (*part, bytes.clone())).collect())
    }

    fn set_part(&mut self, key: Key, part: PartId, bytes: &[u8]) -> Result<(), RowsError> {
        self.parts.insert((key, part), bytes.to_vec());
        Ok(())
    }

    fn mail(&self, key: Key, after: u64, limit: usize) -> Result<Vec<MailEntry>, RowsError> {
        let rows = (Bound::Excluded((key, after)), Bound::Included((key, u64::MAX)));
        Ok(self.mail.range(rows).take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    fn mail_positions(&self, key: Key, last: u64) -> Result<Vec<u64>, RowsError> {
        let rows = self.mail.range((key, 0)..=(key, last));
        Ok(rows.map(|((_, position), _)| *position).collect())
    }

    fn put_mail(&mut self, key: Key, entry: &MailEntry) -> Result<(), RowsError> {
        self.mail.insert((key, entry.position), entry.clone());
        Ok(())
    }

    fn remove_mail(&mut self, key: Key, position: u64) -> Result<(), RowsError> {
        self.mail.remove(&(key, position));
        Ok(())
    }

    fn outbox(&self, source: Key, limit: usize) -> Result<Vec<OutboxEntry>, RowsError> {
        let rows = self.outbox.range((source, 0)..=(source, u64::MAX));
        Ok(rows.take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    fn put_outbox(&mut self, source: Key, entry: &OutboxEntry) -> Result<(), RowsError> {
        self.outbox.insert((source, entry.position), entry.clone());
        Ok(())
    }

    fn remove_outbox(&mut self, source: Key, position: u64) -> Result<(), RowsError> {
        self.outbox.remove(&(source, position));
        Ok(())
    }

    fn sent(&self, source: Key, target: Key) -> Result<u64, RowsError> {
        Ok(self.sent.get(&(source, target)).copied().unwrap_or_default())
    }

    fn set_sent(&mut self, source: Key, target: Key, sequence: u64) -> Result<(), RowsError> {
        self.sent.insert((source, target), sequence);
        Ok(())
    }

    fn delivered(&self, target: Key, source: Key) -> Result<u64, RowsError> {
        Ok(self.delivered.get(&(target, source)).copied().unwrap_or_default())
    }

    fn set_delivered(&mut self, target: Key, source: Key, sequence: u64) -> Result<(), RowsError> {
        self.delivered.insert((target, source), sequence);
        Ok(())
    }

    fn pending(&self, after: Option<Key>, limit: usize) -> Result<Vec<Key>, RowsError> {
        let mut keys = Vec::new();
        let mut from = after.map_or(Bound::Unbounded, |key| Bound::Excluded((key, u64::MAX)));
        while keys.len() < limit {
            let Some(((key, _), _)) = self.outbox.range((from, Bound::Unbounded)).next() else {
                break;
            };
            keys.push(*key);
            from = Bound::Excluded((*key, u64::MAX));
        }
        Ok(keys)
    }

    fn guilds(&self, after: Option<Key>, limit: usize) -> Result<Vec<Key>, RowsError> {
        let first = Bound::Included(Key::Guild(GuildId(0)));
        let from =
            after.filter(|after| *after >= Key::Guild(GuildId(0))).map_or(first, Bound::Excluded);
        let keys = self.heads.range((from, Bound::Unbounded)).map(|(key, _)| *key);
        Ok(keys.take_while(|key| matches!(key, Key::Guild(_))).take(limit).collect())
    }
}

/// A [`Store`] for one thread: requests are carried out when they are handed over and answered
/// at the next poll.
#[derive(Debug, Default)]
pub struct MemoryHandle {
    store: MemoryStore,
    replies: VecDeque<(OpId, StoreReply)>,
}

impl MemoryHandle {
    /// A handle that owns `store`.
    #[must_use]
    pub fn new(store: MemoryStore) -> Self {
        Self { store, replies: VecDeque::new() }
    }

    /// What is stored now.
    pub fn store(&mut self) -> &mut MemoryStore {
        &mut self.store
    }
}

impl Store for MemoryHandle {
    fn submit(&mut self, op: OpId, request: StoreRequest) -> Result<(), StoreFull> {
        if self.replies.len() >= STORE_OPS_WAITING_MAX {
            return Err(StoreFull(request));
        }
        let reply = self.store.apply(&request);
        self.replies.push_back((op, reply));
        Ok(())
    }

    fn poll(&mut self, replies: &mut Vec<(OpId, StoreReply)>) {
        replies.extend(self.replies.drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlayerId;

    #[test]
    fn a_handle_answers_in_order_and_hands_back_what_is_too_much() {
        let mut handle = MemoryHandle::default();
        let key = Key::Player(PlayerId(1));
        let ops: Vec<_> = (0..STORE_OPS_WAITING_MAX).map(|op| OpId(op as u64)).collect();
        for op in &ops {
            handle.submit(*op, StoreRequest::ReadOwner { key }).expect("below the limit");
        }
        let refused = handle.submit(OpId(0), StoreRequest::ReadOwner { key });
        assert_eq!(refused, Err(StoreFull(StoreRequest::ReadOwner { key })));
        let mut replies = Vec::new();
        handle.poll(&mut replies);
        assert_eq!(replies.iter().map(|(op, _)| *op).collect::<Vec<_>>(), ops);
        assert!(handle.submit(OpId(0), StoreRequest::ReadOwner { key }).is_ok());
    }
}
