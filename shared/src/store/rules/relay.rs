//! One relay step: entries of an outbox go to the mailboxes of their targets, in order per
//! target, and each arrives once however often the step is repeated.

use std::collections::BTreeMap;

use super::{Head, Rows, RowsError, add, subtract};
use crate::ids::Key;
use crate::limits::{MAILBOX_ENTRIES_MAX, OUTBOX_ENTRIES_MAX, RELAY_ENTRIES_MAX};
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
    let targets = targets
        .map(|(key, it)| Relayed { target: *key, owner: plan.heads[key].owner, full: it.full });
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
        if entry.sequence <= target.mark {
            plan.removed.push(entry.position); // It arrived before; a repeat is absorbed.
            continue;
        }
        if entry.sequence - 1 > target.mark {
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
        target.arrivals.push(MailEntry { position: head.mail_last, source, mail: entry.mail });
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
        if !self.heads.contains_key(&key) {
            self.heads.insert(key, rows.head(key)?);
        }
        let mark = rows.delivered(key, source)?;
        self.targets.insert(key, Target { mark, arrivals: Vec::new(), full: false });
        Ok(())
    }
}
