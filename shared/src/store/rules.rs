//! The rules of the store over a back-end's plain rows: written once, so that every back-end
//! that can read and write rows atomically behaves the same.
//!
//! Each step reads all it needs, then decides, then writes. A row that cannot be read therefore
//! fails its request before anything of that step was written.

mod commit;
mod relay;

use thiserror::Error;

use super::{MailEntry, Ownership, PartId, Parts, Record, StoreFailure, StoreReply, StoreRequest};
use crate::ids::{Address, Epoch, Key, Version};
use crate::limits::{COMMIT_BATCH_KEYS_MAX, MAIL_PEEK_MAX};
use crate::mutation::{self, Mutation};

/// Keys in one answer to `PendingOutboxes` or `ListGuilds`; the asker pages on for more.
pub const KEYS_PAGE_MAX: usize = 64;

/// What a key's record says about itself; one small row, rewritten by every change of the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The owner.
    pub owner: Option<Address>,
    /// The current epoch.
    pub epoch: Epoch,
    /// Commits so far.
    pub version: Version,
    /// Position of the newest mail that ever came; zero if none did.
    pub mail_last: u64,
    /// How many mails the mailbox holds.
    pub mailbox_entries: u64,
    /// Position of the newest outbox entry that ever was; zero if there was none.
    pub outbox_last: u64,
    /// How many entries the outbox holds.
    pub outbox_entries: u64,
}

/// A mail that waits for the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Position in the outbox; grows, never reused.
    pub position: u64,
    /// Whose mailbox it is for.
    pub target: Key,
    /// Counts the mails from this source to this target, from one.
    pub sequence: u64,
    /// `wire` bytes of a [`crate::msg::mail::Mail`].
    pub mail: Vec<u8>,
}

/// Why rows could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RowsError {
    /// The back-end failed. What else it was told in the same transaction must not count either.
    #[error("{0}")]
    Backend(String),
    /// A stored value does not fit. Nothing of the step that met it was written.
    #[error("{key} is damaged: {what}")]
    Damaged {
        /// The key.
        key: Key,
        /// What does not fit.
        what: String,
    },
}

impl From<RowsError> for StoreFailure {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Backend(what) => Self::Backend(what),
            RowsError::Damaged { key, what } => Self::Damaged { key, what },
        }
    }
}

/// Typed access to a back-end's rows. What is absent reads as empty, zero or the default.
///
/// Every method fails with [`RowsError`] if the back-end does or a row is damaged.
#[expect(clippy::missing_errors_doc, reason = "all methods fail alike; the trait says how")]
pub trait Rows {
    /// The head of a key.
    fn head(&self, key: Key) -> Result<Head, RowsError>;
    /// Writes the head of a key.
    fn set_head(&mut self, key: Key, head: &Head) -> Result<(), RowsError>;
    /// All parts of a key, ordered by id.
    fn parts(&self, key: Key) -> Result<Parts, RowsError>;
    /// Writes one part.
    fn set_part(&mut self, key: Key, part: PartId, bytes: &[u8]) -> Result<(), RowsError>;
    /// The first `limit` mails of a key after position `after`, oldest first.
    fn mail(&self, key: Key, after: u64, limit: usize) -> Result<Vec<MailEntry>, RowsError>;
    /// The positions of all mails of a key up to and including `last`, ascending.
    fn mail_positions(&self, key: Key, last: u64) -> Result<Vec<u64>, RowsError>;
    /// Writes a mail.
    fn put_mail(&mut self, key: Key, entry: &MailEntry) -> Result<(), RowsError>;
    /// Removes a mail.
    fn remove_mail(&mut self, key: Key, position: u64) -> Result<(), RowsError>;
    /// The first `limit` entries of an outbox, oldest first.
    fn outbox(&self, source: Key, limit: usize) -> Result<Vec<OutboxEntry>, RowsError>;
    /// Writes an outbox entry.
    fn put_outbox(&mut self, source: Key, entry: &OutboxEntry) -> Result<(), RowsError>;
    /// Removes an outbox entry.
    fn remove_outbox(&mut self, source: Key, position: u64) -> Result<(), RowsError>;
    /// Sequence number of the last mail that `source` posted to `target`.
    fn sent(&self, source: Key, target: Key) -> Result<u64, RowsError>;
    /// Writes what [`Rows::sent`] reads.
    fn set_sent(&mut self, source: Key, target: Key, sequence: u64) -> Result<(), RowsError>;
    /// Sequence number of the last mail from `source` that reached the mailbox of `target`.
    fn delivered(&self, target: Key, source: Key) -> Result<u64, RowsError>;
    /// Writes what [`Rows::delivered`] reads.
    fn set_delivered(&mut self, target: Key, source: Key, sequence: u64) -> Result<(), RowsError>;
    /// The first `limit` keys after `after` whose outbox is not empty, in key order.
    fn pending(&self, after: Option<Key>, limit: usize) -> Result<Vec<Key>, RowsError>;
    /// The first `limit` guild keys with a head after `after`, in key order.
    fn guilds(&self, after: Option<Key>, limit: usize) -> Result<Vec<Key>, RowsError>;
}

/// Carries one request out.
///
/// # Errors
/// After [`RowsError::Backend`] the caller has to undo everything of the transaction; after
/// [`RowsError::Damaged`] it may go on with the next request. Of a commit batch, what stands
/// before the damaged key was carried out.
pub fn apply<R: Rows>(rows: &mut R, request: &StoreRequest) -> Result<StoreReply, RowsError> {
    match request {
        StoreRequest::ReadOwner { key } => Ok(StoreReply::Owner(ownership(&rows.head(*key)?))),
        StoreRequest::Claim { key, by, seen } => claim(rows, *key, *by, *seen),
        StoreRequest::Commit(commits) => {
            // What is beyond the limit is refused rather than stretching the transaction.
            let verdicts = commits.iter().enumerate().map(|(index, commit)| {
                if index < COMMIT_BATCH_KEYS_MAX {
                    commit::commit(rows, commit)
                } else {
                    Ok(super::CommitVerdict::TooLarge)
                }
            });
            Ok(StoreReply::Committed(verdicts.collect::<Result<_, _>>()?))
        }
        StoreRequest::Release { key, epoch } => release(rows, *key, *epoch),
        StoreRequest::PeekMail { key, after } => {
            Ok(StoreReply::Mail(rows.mail(*key, *after, MAIL_PEEK_MAX)?))
        }
        StoreRequest::Relay { source } => relay::relay(rows, *source),
        StoreRequest::PendingOutboxes { after } => {
            Ok(StoreReply::Pending(rows.pending(*after, KEYS_PAGE_MAX)?))
        }
        StoreRequest::ListGuilds { after } => {
            let keys = rows.guilds(*after, KEYS_PAGE_MAX)?;
            let guilds = keys.into_iter().map(|key| Ok((key, rows.parts(key)?)));
            Ok(StoreReply::Guilds(guilds.collect::<Result<_, RowsError>>()?))
        }
    }
}

/// [`apply`] with failures as the answers that they lead to.
pub fn answer<R: Rows>(rows: &mut R, request: &StoreRequest) -> StoreReply {
    apply(rows, request).unwrap_or_else(|error| StoreReply::Failed(error.into()))
}

fn claim<R: Rows>(
    rows: &mut R,
    key: Key,
    by: Address,
    seen: Epoch,
) -> Result<StoreReply, RowsError> {
    let mut head = rows.head(key)?;
    if head.epoch != seen {
        return Ok(StoreReply::Taken(ownership(&head)));
    }
    let parts = rows.parts(key)?;
    if !mutation::is_on(Mutation::SkipEpoch) {
        head.epoch = Epoch(add(key, head.epoch.0, 1, "epoch")?);
    }
    head.owner = Some(by);
    rows.set_head(key, &head)?;
    Ok(StoreReply::Claimed(Record {
        epoch: head.epoch,
        version: head.version,
        parts,
        outbox_entries: head.outbox_entries,
        mailbox_entries: head.mailbox_entries,
    }))
}

fn release<R: Rows>(rows: &mut R, key: Key, epoch: Epoch) -> Result<StoreReply, RowsError> {
    let mut head = rows.head(key)?;
    if head.epoch == epoch && head.owner.take().is_some() {
        rows.set_head(key, &head)?;
    }
    Ok(StoreReply::Released)
}

fn ownership(head: &Head) -> Ownership {
    Ownership { owner: head.owner, epoch: head.epoch }
}

fn add(key: Key, to: u64, more: u64, counter: &str) -> Result<u64, RowsError> {
    to.checked_add(more)
        .ok_or_else(|| RowsError::Damaged { key, what: format!("{counter} {to} cannot grow") })
}

fn subtract(key: Key, from: u64, less: usize, counter: &str) -> Result<u64, RowsError> {
    u64::try_from(less).ok().and_then(|less| from.checked_sub(less)).ok_or_else(|| {
        RowsError::Damaged { key, what: format!("{counter} is {from}, but {less} are there") }
    })
}
