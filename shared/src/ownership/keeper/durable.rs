//! Marks: a core that has something to tell others, not one client, waits for it to be durable.

use super::tenure::Tenure;
use super::{Keeper, Owned};
use crate::ids::{Epoch, Key, Version};

/// A point in the life of a key: all that was staged for it so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The epoch in which it was staged.
    pub epoch: Epoch,
    /// The commit that makes it durable.
    pub version: Version,
}

/// What became of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Everything up to it is durable.
    Durable,
    /// The store has not answered yet.
    NotYet,
    /// The key is not held in that epoch any more: what became of it is not known here.
    Unknown,
}

impl Keeper {
    /// Marks what was staged so far for an owned key; `None` if the key is not owned.
    #[must_use]
    pub fn mark(&self, key: Key) -> Option<Mark> {
        let owned = self.owned(key)?;
        let staged = u64::from(self.dirty.contains(&key));
        Some(Mark { epoch: owned.epoch, version: Version(owned.version.0 + staged) })
    }

    /// Whether a mark is durable.
    #[must_use]
    pub fn reached(&self, key: Key, mark: Mark) -> Reached {
        match self.tenures.get(&key) {
            Some(Tenure::Owned(Owned { epoch, durable, .. })) if *epoch == mark.epoch => {
                if *durable >= mark.version { Reached::Durable } else { Reached::NotYet }
            }
            Some(
                Tenure::Reading | Tenure::Claiming | Tenure::Owned(_) | Tenure::Releasing { .. },
            )
            | None => Reached::Unknown,
        }
    }
}
