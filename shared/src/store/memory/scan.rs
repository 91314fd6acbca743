//! Looking at a store in memory as a whole.

use std::collections::BTreeSet;

use super::MemoryStore;
use crate::ids::Key;
use crate::store::rules::OutboxEntry;
use crate::store::scan::{ScanError, ScannedPost, ScannedRecord, Sequence, StoreScan, miscount};
use crate::store::{Ownership, PartId};

impl StoreScan for MemoryStore {
    fn senders(&mut self) -> Result<BTreeSet<Key>, ScanError> {
        Ok(self.outbox.keys().map(|(source, _)| *source).collect())
    }

    fn scan(&mut self, visit: &mut dyn FnMut(Key, ScannedRecord)) -> Result<(), ScanError> {
        let keys: BTreeSet<Key> =
            self.heads.keys().copied().chain(self.outbox.keys().map(|(key, _)| *key)).collect();
        for key in keys {
            visit(key, self.record(key));
        }
        Ok(())
    }
}

impl MemoryStore {
    fn record(&self, key: Key) -> ScannedRecord {
        let head = self.heads.get(&key).copied().unwrap_or_default();
        let parts = self.parts.range((key, PartId(0))..=(key, PartId(u8::MAX)));
        let mailbox = self.mail.range((key, 0)..=(key, u64::MAX));
        let mailbox: Vec<_> = mailbox.map(|(_, entry)| entry.clone()).collect();
        let outbox = self.outbox.range((key, 0)..=(key, u64::MAX));
        let outbox: Vec<_> = outbox.map(|(_, entry)| post(entry)).collect();
        let delivered = self.delivered.iter().filter(|((target, _), _)| *target == key);
        let damage = [
            miscount("mailbox", head.mailbox_entries, mailbox.len()),
            miscount("outbox", head.outbox_entries, outbox.len()),
        ];
        ScannedRecord {
            ownership: Ownership { owner: head.owner, epoch: head.epoch },
            version: head.version,
            parts: parts.map(|((_, part), bytes)| (*part, bytes.clone())).collect(),
            mailbox,
            outbox,
            delivered: delivered
                .map(|((_, source), number)| (*source, in_order(*number)))
                .collect(),
            damage: damage.into_iter().flatten().collect(),
        }
    }
}

fn post(entry: &OutboxEntry) -> ScannedPost {
    let OutboxEntry { position, target, sequence, mail } = entry.clone();
    ScannedPost { position, target, sequence: in_order(sequence), mail }
}

/// The numbers of a store that never forgets go on for ever.
const fn in_order(number: u64) -> Sequence {
    Sequence { life: 0, number }
}
