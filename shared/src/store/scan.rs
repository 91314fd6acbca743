//! Looking at a whole store without owning anything: every key with all that is stored for it.
//! For audits; no core uses it.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{MailEntry, Ownership, Parts};
use crate::ids::{Key, Version};

/// A store that can be looked at as a whole.
pub trait StoreScan {
    /// All keys whose outbox is not empty, from the store's index of them.
    ///
    /// # Errors
    /// [`ScanError`]
    fn senders(&mut self) -> Result<BTreeSet<Key>, ScanError>;

    /// Shows every key once, in no promised order. Each record is read in one step; two records
    /// are as of one moment only if nobody writes to the store meanwhile.
    ///
    /// # Errors
    /// [`ScanError`]; what is damaged within a record is told with the record instead.
    fn scan(&mut self, visit: &mut dyn FnMut(Key, ScannedRecord)) -> Result<(), ScanError>;
}

/// All that is stored for one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScannedRecord {
    /// Who owns it.
    pub ownership: Ownership,
    /// Commits so far.
    pub version: Version,
    /// All parts that can be read, ordered by id.
    pub parts: Parts,
    /// Mail that was not taken yet, oldest first.
    pub mailbox: Vec<MailEntry>,
    /// Mail that was not removed yet, oldest first. Some of it may have been delivered: what is
    /// not beyond the target's mark for this key is in the target's mailbox, or was taken.
    pub outbox: Vec<ScannedPost>,
    /// For every source that ever reached this key, the last mail that did; ordered by source.
    pub delivered: Vec<(Key, Sequence)>,
    /// What cannot be read or contradicts itself, in words.
    pub damage: Vec<String>,
}

/// A mail in an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedPost {
    /// Position in the outbox; grows, never reused.
    pub position: u64,
    /// Whose mailbox it is for.
    pub target: Key,
    /// Its place among the mails to this target.
    pub sequence: Sequence,
    /// `wire` bytes of a [`crate::msg::mail::Mail`].
    pub mail: Vec<u8>,
}

/// The place of a mail among those of one source to one target; later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence {
    /// The life of the server that numbered it; zero in stores that number without interruption.
    pub life: u64,
    /// Counts from one within a life.
    pub number: u64,
}

impl Sequence {
    /// Whether nothing is missing between `self` and the mail `next` of the same pair.
    #[must_use]
    pub fn is_followed_by(self, next: Self) -> bool {
        let before = if next.life > self.life { 0 } else { self.number };
        next.life >= self.life && next.number.checked_sub(before) == Some(1)
    }
}

/// Why a store could not be looked at to the end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the store cannot be read to the end: {0}")]
pub struct ScanError(pub String);

/// What there is to say if `what` holds another number of entries than the head counts.
pub(super) fn miscount(what: &str, counted: u64, found: usize) -> Option<String> {
    let fits = u64::try_from(found) == Ok(counted);
    (!fits).then(|| format!("the {what} should hold {counted} mails and holds {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_follow_each_other_within_a_life_and_begin_anew_in_the_next() {
        let at = |life, number| Sequence { life, number };
        assert!(at(0, 0).is_followed_by(at(0, 1)));
        assert!(at(7, 2).is_followed_by(at(7, 3)));
        assert!(at(7, 2).is_followed_by(at(9, 1)));
        for lost in [at(7, 2), at(7, 4), at(9, 2), at(6, 3), at(6, 1)] {
            assert!(!at(7, 2).is_followed_by(lost), "{lost:?}");
        }
        assert!(at(7, 9) < at(9, 1) && at(7, 1) < at(7, 2));
    }

    #[test]
    fn a_box_of_another_length_than_counted_is_told() {
        assert_eq!(miscount("mailbox", 2, 2), None);
        let said = "the mailbox should hold 2 mails and holds 3";
        assert_eq!(miscount("mailbox", 2, 3).as_deref(), Some(said));
    }
}
