//! One relay step: entries of an outbox go to the mailboxes of their targets, in order per
//! target, and each arrives once however often the step is repeated.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Head, Rows, RowsError, add, subtract};
use crate::ids::Key;
use crate::limits::{MAILBOX_ENTRIES_MAX, OUTBOX_ENTRIES_MAX, RELAY_ENTRIES_MAX};
use crate::mutation::{self, Mutation};
use crate::store::{MailEntry, Relayed, StoreReply};

/// What a step is going to do, decided before the first row is written.
struct Plan {
    /// Heads of the source and of all targets; one key can be both.
    heads: BTreeMap<Key, Head>,
    targets: BTreeMap<Key, Target>,
    /// Positions in the outbox that are done with.
    removed: Vec<u64>,
}

struct Target {
    mark: u64,
    arrivals: Vec<MailEntry>,
    full: bool,
}

/// Moves up to `RELAY_ENTRIES_MAX` entries of the outbox of `source`.
pub(super) fn relay<R: Rows>(rows: &mut R, source: Key) -> Result<StoreReply, RowsError> {
    let head = rows.head(source)?;
    if head.outbox_entries == 0 {
        return Ok(StoreReply::Relayed { targets: Vec::new(), entries_left: 0 });
    }
    let plan = plan(rows, source, head)?;
    let entries_left = plan.heads[&source].outbox_entries;

    for position in &plan.removed {
        rows.remove_outbox(source, *position)?;
    }
    for (key, target) in &plan.targets {
        for entry in &target.arrivals {
            rows.put_mail(*key, entry)?;
        }
        if !target.arrivals.is_empty() {
            rows.set_delivered(*key, source, target.mark)?;
            rows.set_head(*key, &plan.heads[key])?;
        }
    }
    if !plan.removed.is_empty() {
        rows.set_head(source, &plan.heads[&source])?;
    }

    let targets = plan.targets.iter().filter(|(_, it)| it.full || !it.arrivals.is_empty());
    let targets = targets.map(|(key, it)| Relayed {
        target: *key,
        owner: plan.heads[key].owner,
        full: it.full,
    });
    Ok(StoreReply::Relayed { targets: targets.collect(), entries_left })
}

fn plan<R: Rows>(rows: &R, source: Key, head: Head) -> Result<Plan, RowsError> {
    let heads = BTreeMap::from([(source, head)]);
    let mut plan = Plan { heads, targets: BTreeMap::new(), removed: Vec::new() };
    // The whole outbox is looked at, so that a full target does not stand before the others.
    let limit = usize::try_from(OUTBOX_ENTRIES_MAX).unwrap_or(usize::MAX);
    for entry in rows.outbox(source, limit)? {
        if plan.removed.len() == RELAY_ENTRIES_MAX {
            break;
        }
        let key = entry.target;
        plan.meet(rows, source, key)?;
        let (Some(target), Some(head)) = (plan.targets.get_mut(&key), plan.heads.get_mut(&key))
        else {
            continue; // `meet` has just put both there.
        };
        if target.full {
            continue;
        }
        let again = entry.sequence <= target.mark;
        if again && !mutation::is_on(Mutation::ForgetWatermark) {
            plan.removed.push(entry.position); // It arrived before; a repeat is absorbed.
            continue;
        }
        if entry.sequence > target.mark + 1 {
            let (mark, found) = (target.mark, entry.sequence);
            let what = format!("mail {found} to {key} follows {mark}: the ones between are lost");
            return Err(RowsError::Damaged { key: source, what });
        }
        if head.mailbox_entries >= MAILBOX_ENTRIES_MAX {
            target.full = true;
            continue;
        }
        head.mail_last = add(key, head.mail_last, 1, "mail_last")?;
        head.mailbox_entries = add(key, head.mailbox_entries, 1, "mailbox_entries")?;
        target.mark = entry.sequence;
        if mutation::is_on(Mutation::LoseMail) && entry.position.is_multiple_of(7) {
            head.mailbox_entries -= 1;
        } else {
            let position = head.mail_last;
            target.arrivals.push(MailEntry { position, source, mail: entry.mail });
        }
        plan.removed.push(entry.position);
    }
    if let Some(head) = plan.heads.get_mut(&source) {
        let removed = plan.removed.len();
        head.outbox_entries = subtract(source, head.outbox_entries, removed, "outbox_entries")?;
    }
    Ok(plan)
}

impl Plan {
    /// Reads what has to be known of a target, once.
    fn meet<R: Rows>(&mut self, rows: &R, source: Key, key: Key) -> Result<(), RowsError> {
        if self.targets.contains_key(&key) {
            return Ok(());
        }
        if let Entry::Vacant(place) = self.heads.entry(key) {
            place.insert(rows.head(key)?);
        }
        let mark = rows.delivered(key, source)?;
        self.targets.insert(key, Target { mark, arrivals: Vec::new(), full: false });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlayerId;
    use crate::store::memory::MemoryStore;
    use crate::store::rules::{OutboxEntry, apply};
    use crate::store::{StoreRequest, rules::KEYS_PAGE_MAX};

    const ANNA: Key = Key::Player(PlayerId(1));
    const BEN: Key = Key::Player(PlayerId(2));

    fn with_outbox(sequences: &[u64]) -> MemoryStore {
        let mut rows = MemoryStore::default();
        let entries = u64::try_from(sequences.len()).expect("small");
        let head = Head { outbox_last: entries, outbox_entries: entries, ..Head::default() };
        rows.set_head(ANNA, &head).expect("memory");
        for (position, sequence) in (1..).zip(sequences) {
            let mail = vec![u8::try_from(*sequence).expect("small")];
            let entry = OutboxEntry { position, target: BEN, sequence: *sequence, mail };
            rows.put_outbox(ANNA, &entry).expect("memory");
        }
        rows
    }

    fn step(rows: &mut MemoryStore) -> Result<StoreReply, RowsError> {
        apply(rows, &StoreRequest::Relay { source: ANNA })
    }

    fn mail_of_ben(rows: &MemoryStore) -> Vec<Vec<u8>> {
        let mail = rows.mail(BEN, 0, KEYS_PAGE_MAX).expect("memory");
        mail.into_iter().map(|entry| entry.mail).collect()
    }

    #[test]
    fn a_step_that_died_between_delivery_and_removal_delivers_nothing_twice() {
        let before = with_outbox(&[1, 2]);
        let mut rows = before.clone();
        step(&mut rows).expect("delivered");
        assert_eq!(mail_of_ben(&rows), [[1], [2]]);

        // The mail and the mark are there, but the outbox is as it was.
        rows.set_head(ANNA, &before.head(ANNA).expect("memory")).expect("memory");
        for entry in before.outbox(ANNA, 10).expect("memory") {
            rows.put_outbox(ANNA, &entry).expect("memory");
        }
        let again = step(&mut rows).expect("absorbed");
        assert_eq!(again, StoreReply::Relayed { targets: Vec::new(), entries_left: 0 });
        assert_eq!(mail_of_ben(&rows), [[1], [2]]);
        assert_eq!(rows.head(BEN).expect("memory").mailbox_entries, 2);
        assert_eq!(rows.outbox(ANNA, 10), Ok(Vec::new()));
    }

    #[test]
    fn a_gap_is_reported_and_nothing_is_moved() {
        let mut rows = with_outbox(&[1, 3]);
        let before = rows.clone();
        let refused = step(&mut rows);
        assert!(matches!(refused, Err(RowsError::Damaged { key: ANNA, .. })), "{refused:?}");
        assert_eq!(rows, before);
    }

    #[test]
    fn a_counter_that_does_not_fit_the_rows_is_reported_and_nothing_is_moved() {
        let mut rows = with_outbox(&[1, 2]);
        let head = Head { outbox_entries: 1, ..rows.head(ANNA).expect("memory") };
        rows.set_head(ANNA, &head).expect("memory");
        let before = rows.clone();
        assert!(matches!(step(&mut rows), Err(RowsError::Damaged { key: ANNA, .. })));
        assert_eq!(rows, before);
    }

    #[test]
    fn a_key_can_write_to_itself() {
        let mut rows = with_outbox(&[]);
        let head = Head { outbox_last: 1, outbox_entries: 1, ..Head::default() };
        rows.set_head(ANNA, &head).expect("memory");
        let entry = OutboxEntry { position: 1, target: ANNA, sequence: 1, mail: vec![9] };
        rows.put_outbox(ANNA, &entry).expect("memory");
        step(&mut rows).expect("delivered");
        let head = rows.head(ANNA).expect("memory");
        assert_eq!((head.outbox_entries, head.mailbox_entries, head.mail_last), (0, 1, 1));
    }
}
