//! The store: durable records by key, changed only by whoever holds the current epoch.
//!
//! A record holds a key's parts (opaque versioned bytes), its mailbox, its outbox and its owner.
//! Every step concerns one key and is atomic; a batch is many such steps that become durable
//! together, each with its own verdict. The rules stand once, in [`rules`], over a back-end's
//! plain rows.

#[cfg(feature = "shell")]
pub mod embedded;
pub mod memory;
#[cfg(feature = "shell")]
pub mod redis;
pub mod rules;
pub mod scan;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::{Address, Epoch, Key, Version};

/// A core's name for one request to the store.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct OpId(pub u64);

/// Name of a part within a record; each role numbers its own. Never reused for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartId(pub u8);

/// Parts with their bytes, ordered by id.
pub type Parts = Vec<(PartId, Vec<u8>)>;

/// What a core can ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreRequest {
    /// Who owns the key?
    ReadOwner {
        /// The key.
        key: Key,
    },
    /// Make `by` the owner, if nobody was owner since the asker looked.
    Claim {
        /// The key.
        key: Key,
        /// The new owner.
        by: Address,
        /// The epoch that the asker saw; the new one is one higher.
        seen: Epoch,
    },
    /// Write one tick's changes. Each commit succeeds or fails alone.
    Commit(Vec<Commit>),
    /// Give the key up; ignored if the epoch is not the current one.
    Release {
        /// The key.
        key: Key,
        /// The epoch of the owner.
        epoch: Epoch,
    },
    /// Read mail, oldest first; it stays there until a commit takes it.
    PeekMail {
        /// The key.
        key: Key,
        /// Only what came after this position.
        after: u64,
    },
    /// Move up to `limits::RELAY_ENTRIES_MAX` entries of an outbox to the mailboxes of their
    /// targets. Anyone may ask, also twice at once.
    Relay {
        /// Whose outbox.
        source: Key,
    },
    /// Some keys (at most 64) whose outbox is not empty, in key order, after `after`.
    PendingOutboxes {
        /// Where the last answer ended.
        after: Option<Key>,
    },
    /// Read the parts of up to 64 guild keys in key order after `after`, without owning them.
    ListGuilds {
        /// Where the last answer ended.
        after: Option<Key>,
    },
}

/// One key's changes of one tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The key.
    pub key: Key,
    /// Must be the current epoch.
    pub epoch: Epoch,
    /// Must be the current version; the commit makes it one higher.
    pub version: Version,
    /// Parts to write.
    pub parts: Parts,
    /// Remove the mail up to and including this position.
    pub mail_taken: Option<u64>,
    /// Append to the outbox.
    pub posts: Vec<Post>,
}

/// A mail on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Whose mailbox it is for.
    pub target: Key,
    /// `wire` bytes of a [`crate::msg::mail::Mail`].
    pub mail: Vec<u8>,
}

/// A mail in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailEntry {
    /// Position in the mailbox; grows, never reused.
    pub position: u64,
    /// Whose outbox it came from.
    pub source: Key,
    /// `wire` bytes of a [`crate::msg::mail::Mail`].
    pub mail: Vec<u8>,
}

/// Who owns a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The owner; `None` after a release and for a key that never had one.
    pub owner: Option<Address>,
    /// The current epoch; zero for a key that never had an owner.
    pub epoch: Epoch,
}

/// All that an owner needs to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The new owner's epoch.
    pub epoch: Epoch,
    /// Commits so far.
    pub version: Version,
    /// All parts, ordered by id. Empty for a key that was never written.
    pub parts: Parts,
    /// How many entries the outbox holds.
    pub outbox_entries: u64,
    /// How many entries the mailbox holds.
    pub mailbox_entries: u64,
}

/// What became of one commit of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitVerdict {
    /// Durable.
    Done,
    /// Somebody else owns the key now, or the version is not the expected one; nothing written.
    Fenced,
    /// A limit of the store (part size, outbox length); nothing was written.
    TooLarge,
}

/// What a relay step did with one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relayed {
    /// The target.
    pub target: Key,
    /// Its owner at that moment, who should be told.
    pub owner: Option<Address>,
    /// Its mailbox is full; the rest for it stays in the outbox.
    pub full: bool,
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreReply {
    /// To `ReadOwner`.
    Owner(Ownership),
    /// To `Claim`: the key is owned by the asker from now on.
    Claimed(Record),
    /// To `Claim`: somebody was faster.
    Taken(Ownership),
    /// To `Commit`: a verdict for each commit, in order. What is `Done` is durable.
    Committed(Vec<CommitVerdict>),
    /// To `Release`.
    Released,
    /// To `PeekMail`.
    Mail(Vec<MailEntry>),
    /// To `Relay`: the targets that got something or are full.
    Relayed {
        /// One per target.
        targets: Vec<Relayed>,
        /// How many entries the outbox still holds.
        entries_left: u64,
    },
    /// To `PendingOutboxes`.
    Pending(Vec<Key>),
    /// To `ListGuilds`: parts by key.
    Guilds(Vec<(Key, Parts)>),
    /// The store failed. Whether the request was carried out is unknown: reload before going on.
    Failed(StoreFailure),
}

/// Why the store did not answer properly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum StoreFailure {
    /// The back-end reports an error.
    #[error("the store reports: {0}")]
    Backend(String),
    /// A stored value cannot be read.
    #[error("{key} is damaged: {what}")]
    Damaged {
        /// The key.
        key: Key,
        /// What does not fit.
        what: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// The back-end cannot take more right now; the request is handed back.
#[derive(Debug, PartialEq, Eq)]
pub struct StoreFull(pub StoreRequest);

/// One role's access to the store. Never blocks.
pub trait Store: Send {
    /// Hands a request over. Requests of one handle are carried out in order.
    ///
    /// # Errors
    /// [`StoreFull`] at `limits::STORE_OPS_WAITING_MAX` gives the request back.
    fn submit(&mut self, op: OpId, request: StoreRequest) -> Result<(), StoreFull>;
    /// Moves the answers that are there into `replies`, in the order of the requests.
    fn poll(&mut self, replies: &mut Vec<(OpId, StoreReply)>);
}
