//! Keeper: keys held, changes staged, replies held back, mail and outboxes moved.

use crate::core::Output;
use crate::directory::Nodes;
use crate::ids::{Address, Key};
use crate::store::{MailEntry, OpId, PartId, Post, Record, StoreReply};

/// What a tick changes in one key. Staging several in one tick merges them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Parts to write; a later one replaces an earlier one of the same id.
    pub parts: Vec<(PartId, Vec<u8>)>,
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
}

/// Holds keys for one core.
#[derive(Debug)]
pub struct Keeper {
    me: Address,
}

#[expect(unused_variables, reason = "the contract comes first")]
impl Keeper {
    /// A keeper for the role at `me`.
    #[must_use]
    pub fn new(me: Address) -> Self {
        Self { me }
    }
    /// Starts to acquire `key`: ends in `Opened`, `Elsewhere` or `Lost`. Nothing happens if the
    /// key is owned or on its way already.
    pub fn open(&mut self, key: Key, outputs: &mut Vec<Output>) {}
    /// Whether the key is owned and not being given back.
    #[must_use]
    pub fn owns(&self, key: Key) -> bool {
        false
    }
    /// How many entries the key's outbox can still take.
    #[must_use]
    pub fn outbox_room(&self, key: Key) -> u64 {
        0
    }
    /// Adds a change of an owned key to this tick's batch; ignored for a key that is not owned.
    pub fn stage(&mut self, key: Key, change: Change) {}
    /// Puts `reply` out as soon as all that was staged for `key` so far is durable: at once if it
    /// is. If the key is lost before, `otherwise` is put out instead.
    pub fn hold(&mut self, key: Key, reply: Output, otherwise: Output, outputs: &mut Vec<Output>) {}
    /// Looks for mail of an owned key. Returns false if the key is not owned.
    pub fn look_for_mail(&mut self, key: Key, outputs: &mut Vec<Output>) -> bool {
        false
    }
    /// Ends what [`KeeperEvent::Mail`] began: mail up to and including position `taken` was
    /// applied and is removed in the same commit as what was staged in this tick. `None` or a
    /// position before the last entry leaves the rest in the mailbox until the next look.
    pub fn mail_done(&mut self, key: Key, taken: Option<u64>, outputs: &mut Vec<Output>) {}
    /// Gives the key back once all its changes are durable; ends in `Released` or `Lost`.
    pub fn release(&mut self, key: Key, outputs: &mut Vec<Output>) {}
    /// Ends a tick: everything staged goes out as commit batches.
    pub fn seal(&mut self, outputs: &mut Vec<Output>) {}
    /// Starts one step of the routine round: outboxes that nobody else empties (after a crash)
    /// are relayed. Call it every few seconds.
    pub fn sweep(&mut self, outputs: &mut Vec<Output>) {}
    /// Takes an answer of the store. Returns false if `op` is not one of the keeper's.
    pub fn stored(
        &mut self,
        op: OpId,
        reply: StoreReply,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) -> bool {
        false
    }
    /// Whether nothing is staged, held or in flight.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        true
    }
    /// An op id for a request of the core itself; never one of the keeper's own.
    pub fn next_op(&mut self) -> OpId {
        OpId(0)
    }
}
