//! Keeper: keys held, changes staged, replies held back, mail and outboxes moved.

mod answers;
mod durable;
mod relay;
mod suspension;
mod tenure;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::core::Output;
use crate::ids::{Address, Epoch, Key, Version};
use crate::limits::{COMMIT_BATCH_KEYS_MAX, OUTBOX_ENTRIES_MAX};
use crate::mutation::{self, Mutation};
use crate::store::{MailEntry, OpId, Parts, Post, Record, StoreRequest};

pub use durable::{Mark, Reached};
use relay::Relays;
use suspension::Standing;
use tenure::{Held, Leaving, MailLook, Owned, Tenure};

/// What a tick changes in one key. Staging several in one tick merges them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Parts to write; a later one replaces an earlier one of the same id.
    pub parts: Parts,
    /// Mail to send.
    pub posts: Vec<Post>,
}

/// What the core has to know of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeeperEvent {
    /// The key is owned from now on; build the entity from the record.
    Opened {
        /// The key.
        key: Key,
        /// What is stored.
        record: Record,
    },
    /// Another living node owns the key.
    Elsewhere {
        /// The key.
        key: Key,
        /// Its owner.
        owner: Address,
    },
    /// The key is not owned (any more); throw the entity away. Held replies were refused.
    Lost {
        /// The key.
        key: Key,
        /// Why.
        reason: LostReason,
    },
    /// Mail has come for an owned key. Apply it in the next tick, then call
    /// [`Keeper::mail_done`]; no more mail comes before.
    Mail {
        /// The key.
        key: Key,
        /// Oldest first.
        entries: Vec<MailEntry>,
    },
    /// There is mail for a key that nobody owns and that this node should open.
    Wanted {
        /// The key.
        key: Key,
    },
    /// The key was given back after [`Keeper::release`].
    Released {
        /// The key.
        key: Key,
    },
}

/// Why a key was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostReason {
    /// Another node took it over.
    Fenced,
    /// The store failed or did not answer properly; what is stored is not known.
    Unknown,
    /// A change was larger than the store takes.
    TooLarge,
    /// The store could not be asked for the record.
    Unavailable,
    /// The node is suspended, see [`Keeper::suspend`].
    Suspended,
}

impl LostReason {
    /// Nobody is known to have taken the key: this node should try to acquire it again.
    #[must_use]
    pub const fn may_return(self) -> bool {
        match self {
            Self::Unknown | Self::Unavailable | Self::Suspended => true,
            Self::Fenced | Self::TooLarge => false,
        }
    }
}

/// Holds keys for one core.
#[derive(Debug)]
pub struct Keeper {
    me: Address,
    ops: u64,
    tenures: BTreeMap<Key, Tenure>,
    /// Owned keys that have something staged in this tick.
    dirty: BTreeSet<Key>,
    /// What was asked of the store and is not answered yet.
    asked: BTreeMap<OpId, Asked>,
    relays: Relays,
    standing: Standing,
}

/// What an op of the keeper was about.
#[derive(Debug)]
enum Asked {
    Owner(Key),
    Claim(Key),
    Commit(Vec<Sealed>),
    Release(Key),
    Mail(Key, Epoch),
    Relay(Key),
    Sweep,
}

/// One commit on its way to the store.
#[derive(Debug)]
struct Sealed {
    key: Key,
    epoch: Epoch,
    makes: Version,
    posts: u64,
}

impl Keeper {
    /// A keeper for the role at `me`.
    #[must_use]
    pub fn new(me: Address) -> Self {
        Self {
            me,
            ops: 0,
            tenures: BTreeMap::new(),
            dirty: BTreeSet::new(),
            asked: BTreeMap::new(),
            relays: Relays::default(),
            standing: Standing::default(),
        }
    }

    /// Starts to acquire `key`: ends in `Opened`, `Elsewhere` or `Lost`. Nothing happens if the
    /// key is owned or on its way already; a key that is being given back is acquired again
    /// right after.
    pub fn open(&mut self, key: Key, outputs: &mut Vec<Output>) {
        match self.tenures.get_mut(&key) {
            None => {
                self.tenures.insert(key, Tenure::Reading);
                self.ask(Asked::Owner(key), StoreRequest::ReadOwner { key }, outputs);
            }
            Some(Tenure::Reading | Tenure::Claiming) => {}
            Some(Tenure::Releasing { reopen }) => *reopen = true,
            Some(Tenure::Owned(owned)) => match owned.leaving {
                Leaving::No | Leaving::AndReturning => {}
                Leaving::Yes => owned.leaving = Leaving::AndReturning,
            },
        }
    }

    /// Whether the key is owned and not being given back.
    #[must_use]
    pub fn owns(&self, key: Key) -> bool {
        self.owned(key).is_some()
    }

    /// The epoch in which the key is owned.
    #[must_use]
    pub fn epoch(&self, key: Key) -> Option<Epoch> {
        self.owned(key).map(|owned| owned.epoch)
    }

    /// How many keys are owned or on their way in or out.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.tenures.len()
    }

    /// How many entries the key's outbox can still take.
    #[must_use]
    pub fn outbox_room(&self, key: Key) -> u64 {
        self.owned(key).map_or(0, |owned| OUTBOX_ENTRIES_MAX.saturating_sub(owned.outbox_entries()))
    }

    /// Adds a change of an owned key to this tick's batch; ignored for a key that is not owned.
    pub fn stage(&mut self, key: Key, change: Change) {
        let Some(owned) = self.owned_mut(key) else { return };
        for (part, bytes) in change.parts {
            owned.staged.parts.insert(part, bytes);
        }
        if mutation::is_on(Mutation::PostTwice) {
            owned.staged.posts.extend(change.posts.clone());
        }
        owned.staged.posts.extend(change.posts);
        self.dirty.insert(key);
    }

    /// Puts `reply` out as soon as all that was staged for `key` so far is durable: at once if it
    /// is. If the key is lost before, or is not owned, `otherwise` is put out instead, if given.
    pub fn hold(
        &mut self,
        key: Key,
        reply: Output,
        otherwise: Option<Output>,
        outputs: &mut Vec<Output>,
    ) {
        let dirty = self.dirty.contains(&key);
        let Some(owned) = self.owned_mut(key) else {
            outputs.extend(otherwise);
            return;
        };
        let after = if dirty { Version(owned.version.0 + 1) } else { owned.version };
        if after <= owned.durable || mutation::is_on(Mutation::AckBeforeCommit) {
            outputs.push(reply);
        } else {
            owned.held.push_back(Held { after, reply, otherwise });
        }
    }

    /// Looks for mail of an owned key. Returns false if the key is not owned.
    pub fn look_for_mail(&mut self, key: Key, outputs: &mut Vec<Output>) -> bool {
        let Some(owned) = self.owned_mut(key) else { return false };
        match &mut owned.mail {
            MailLook::Idle => {
                owned.mail = MailLook::Looking { again: false };
                let (epoch, after) = (owned.epoch, owned.mail_taken);
                let request = StoreRequest::PeekMail { key, after };
                self.ask(Asked::Mail(key, epoch), request, outputs);
            }
            MailLook::Looking { again } | MailLook::Handed { again, .. } => *again = true,
        }
        true
    }

    /// Ends what [`KeeperEvent::Mail`] began: mail up to and including position `taken` was
    /// applied and is removed in the same commit as what was staged in this tick. `None` or a
    /// position before the last entry leaves the rest in the mailbox until the next look.
    pub fn mail_done(&mut self, key: Key, taken: Option<u64>, outputs: &mut Vec<Output>) {
        let Some(owned) = self.owned_mut(key) else { return };
        let MailLook::Handed { last, again } = owned.mail else { return };
        owned.mail = MailLook::Idle;
        let Some(taken) = taken.map(|position| position.min(last)) else { return };
        owned.mail_taken = taken;
        if !mutation::is_on(Mutation::ApplyMailTwice) {
            owned.staged.mail_taken = Some(taken);
        }
        self.dirty.insert(key);
        if again && taken == last {
            self.look_for_mail(key, outputs);
        }
    }

    /// Gives the key back once all its changes are durable; ends in `Released` or `Lost`. The
    /// core forgets the entity now: it owns the key no longer.
    pub fn release(&mut self, key: Key, outputs: &mut Vec<Output>) {
        if let Some(owned) = self.owned_mut(key) {
            owned.leaving = Leaving::Yes;
            self.release_if_durable(key, outputs);
        }
    }

    /// Ends a tick: everything staged goes out as commit batches.
    pub fn seal(&mut self, outputs: &mut Vec<Output>) {
        let dirty: Vec<Key> = std::mem::take(&mut self.dirty).into_iter().collect();
        for keys in dirty.chunks(COMMIT_BATCH_KEYS_MAX) {
            let (mut commits, mut sealed) = (Vec::new(), Vec::new());
            for &key in keys {
                let Some(Tenure::Owned(owned)) = self.tenures.get_mut(&key) else { continue };
                let commit = owned.seal(key);
                sealed.push(Sealed {
                    key,
                    epoch: commit.epoch,
                    makes: owned.version,
                    posts: tenure::count(commit.posts.len()),
                });
                commits.push(commit);
            }
            if !commits.is_empty() {
                self.ask(Asked::Commit(sealed), StoreRequest::Commit(commits), outputs);
            }
        }
    }

    /// Whether nothing is staged, held, being committed, acquired or given back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.dirty.is_empty()
            && self.asked.values().all(|asked| match asked {
                Asked::Owner(_) | Asked::Claim(_) | Asked::Commit(_) | Asked::Release(_) => false,
                Asked::Mail(..) | Asked::Relay(_) | Asked::Sweep => true,
            })
    }

    /// An op id for a request of the core itself; never one of the keeper's own.
    pub fn next_op(&mut self) -> OpId {
        self.ops += 1;
        OpId(self.ops)
    }

    fn ask(&mut self, asked: Asked, request: StoreRequest, outputs: &mut Vec<Output>) {
        let op = self.next_op();
        self.asked.insert(op, asked);
        outputs.push(Output::Store { op, request });
    }

    fn owned(&self, key: Key) -> Option<&Owned> {
        match self.tenures.get(&key) {
            Some(Tenure::Owned(owned)) if owned.leaving == Leaving::No => Some(owned),
            _ => None,
        }
    }

    fn owned_mut(&mut self, key: Key) -> Option<&mut Owned> {
        match self.tenures.get_mut(&key) {
            Some(Tenure::Owned(owned)) if owned.leaving == Leaving::No => Some(owned),
            _ => None,
        }
    }

    fn release_if_durable(&mut self, key: Key, outputs: &mut Vec<Output>) {
        let Some(Tenure::Owned(owned)) = self.tenures.get(&key) else { return };
        if owned.leaving == Leaving::No
            || owned.durable < owned.version
            || self.dirty.contains(&key)
        {
            return;
        }
        let (epoch, reopen) = (owned.epoch, owned.leaving == Leaving::AndReturning);
        self.tenures.insert(key, Tenure::Releasing { reopen });
        self.ask(Asked::Release(key), StoreRequest::Release { key, epoch }, outputs);
    }
}
