//! How far the keeper is with one key.

use std::collections::{BTreeMap, VecDeque};

use crate::core::Output;
use crate::ids::{Epoch, Key, Version};
use crate::store::{Commit, PartId, Post};

/// The life of a key at this node: `Reading → Claiming → Owned → Releasing → gone`.
#[derive(Debug)]
pub(super) enum Tenure {
    /// The store was asked who owns the key.
    Reading,
    /// The store was asked to make this node the owner.
    Claiming,
    /// This node owns the key, as far as it knows.
    Owned(Owned),
    /// The key is being given back, and may be wanted again.
    Releasing { reopen: bool },
}

/// An owned key.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) epoch: Epoch,
    /// The version that the last sealed commit makes.
    pub(super) version: Version,
    /// The newest version that is known to be durable.
    pub(super) durable: Version,
    /// What this tick changes.
    pub(super) staged: Staged,
    /// Replies that wait for a version, oldest first.
    pub(super) held: VecDeque<Held>,
    /// Outbox entries in the store, and those in commits on their way there.
    pub(super) outbox_stored: u64,
    pub(super) outbox_coming: u64,
    pub(super) mail: MailLook,
    /// Position up to which mail was applied.
    pub(super) mail_taken: u64,
    pub(super) leaving: Leaving,
}

/// What one tick changes in a key.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) parts: BTreeMap<PartId, Vec<u8>>,
    pub(super) posts: Vec<Post>,
    pub(super) mail_taken: Option<u64>,
}

/// A reply that waits until `after` is durable.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) after: Version,
    pub(super) reply: Output,
    pub(super) otherwise: Option<Output>,
}

/// Where the keeper is with the mail of a key. One look at a time, so that nothing is handed to
/// the core twice.
#[derive(Clone, Copy, Debug)]
pub(super) enum MailLook {
    Idle,
    /// The store was asked; `again` if more may have come since.
    Looking {
        again: bool,
    },
    /// The core has the entries up to position `last` and has not said what it took.
    Handed {
        last: u64,
        again: bool,
    },
}

/// Whether the key is to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    No,
    Yes,
    /// It was asked for again in the meantime.
    AndReturning,
}

impl Owned {
    pub(super) const fn new(epoch: Epoch, version: Version, outbox_entries: u64) -> Self {
        Self {
            epoch,
            version,
            durable: version,
            staged: Staged { parts: BTreeMap::new(), posts: Vec::new(), mail_taken: None },
            held: VecDeque::new(),
            outbox_stored: outbox_entries,
            outbox_coming: 0,
            mail: MailLook::Idle,
            mail_taken: 0,
            leaving: Leaving::No,
        }
    }

    /// Outbox entries, all that may still be refused included.
    pub(super) fn outbox_entries(&self) -> u64 {
        self.outbox_stored + self.outbox_coming + count(self.staged.posts.len())
    }

    /// Turns what is staged into the next commit.
    pub(super) fn seal(&mut self, key: Key) -> Commit {
        let staged = std::mem::take(&mut self.staged);
        let version = self.version;
        self.version = Version(version.0 + 1);
        self.outbox_coming += count(staged.posts.len());
        Commit {
            key,
            epoch: self.epoch,
            version,
            parts: staged.parts.into_iter().collect(),
            mail_taken: staged.mail_taken,
            posts: staged.posts,
        }
    }

    /// Notes that `version` is durable and puts out what waited for it.
    pub(super) fn made_durable(&mut self, version: Version, posts: u64, outputs: &mut Vec<Output>) {
        self.durable = version;
        self.outbox_coming = self.outbox_coming.saturating_sub(posts);
        self.outbox_stored += posts;
        while self.held.front().is_some_and(|held| held.after <= version) {
            outputs.extend(self.held.pop_front().map(|held| held.reply));
        }
    }
}

/// A length as the width that the store counts in.
pub(super) fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
