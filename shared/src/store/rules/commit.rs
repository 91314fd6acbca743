//! One key's commit: compare epoch and version, then write parts, mail taken and posts together.

use std::collections::BTreeMap;

use super::{Head, OutboxEntry, Rows, RowsError, add, subtract};
use crate::ids::{Key, Version};
use crate::limits::{MAIL_BYTES_MAX, OUTBOX_ENTRIES_MAX, PART_BYTES_MAX};
use crate::mutation::{self, Mutation};
use crate::store::{Commit, CommitVerdict};

/// Carries one commit out, wholly or not at all.
pub(super) fn commit<R: Rows>(rows: &mut R, commit: &Commit) -> Result<CommitVerdict, RowsError> {
    let key = commit.key;
    let mut head = rows.head(key)?;
    let epoch_fits = head.epoch == commit.epoch || mutation::is_on(Mutation::DropFence);
    let version_fits = head.version == commit.version || mutation::is_on(Mutation::DropVersion);
    if head.owner.is_none() || !epoch_fits || !version_fits {
        return Ok(CommitVerdict::Fenced);
    }
    if !fits(&head, commit) {
        return Ok(CommitVerdict::TooLarge);
    }

    head.version = Version(add(key, head.version.0, 1, "version")?);
    let taken = match commit.mail_taken {
        Some(last) => rows.mail_positions(key, last)?,
        None => Vec::new(),
    };
    head.mailbox_entries = subtract(key, head.mailbox_entries, taken.len(), "mailbox_entries")?;
    let (entries, sent) = number_posts(rows, commit, &mut head)?;

    for (part, bytes) in &commit.parts {
        rows.set_part(key, *part, bytes)?;
    }
    for position in taken {
        rows.remove_mail(key, position)?;
    }
    for entry in &entries {
        rows.put_outbox(key, entry)?;
    }
    for (target, sequence) in sent {
        rows.set_sent(key, target, sequence)?;
    }
    rows.set_head(key, &head)?;
    Ok(CommitVerdict::Done)
}

fn fits(head: &Head, commit: &Commit) -> bool {
    let posts = u64::try_from(commit.posts.len()).unwrap_or(u64::MAX);
    commit.parts.iter().all(|(_, bytes)| bytes.len() <= PART_BYTES_MAX)
        && commit.posts.iter().all(|post| post.mail.len() <= MAIL_BYTES_MAX)
        && head.outbox_entries.saturating_add(posts) <= OUTBOX_ENTRIES_MAX
}

type Numbered = (Vec<OutboxEntry>, BTreeMap<Key, u64>);

/// Gives every post its position in the outbox and its number among the mails to its target.
fn number_posts<R: Rows>(
    rows: &R,
    commit: &Commit,
    head: &mut Head,
) -> Result<Numbered, RowsError> {
    let key = commit.key;
    let mut sent = BTreeMap::new();
    let mut entries = Vec::with_capacity(commit.posts.len());
    for post in &commit.posts {
        let target = post.target;
        let last = match sent.get(&target) {
            Some(last) => *last,
            None => rows.sent(key, target)?,
        };
        let sequence = add(key, last, 1, "sequence")?;
        sent.insert(target, sequence);
        head.outbox_last = add(key, head.outbox_last, 1, "outbox_last")?;
        head.outbox_entries = add(key, head.outbox_entries, 1, "outbox_entries")?;
        let position = head.outbox_last;
        entries.push(OutboxEntry { position, target, sequence, mail: post.mail.clone() });
    }
    Ok((entries, sent))
}
