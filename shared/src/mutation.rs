//! Deliberate bugs: the proof that the simulator's checks can fail.
//!
//! Each is a place in the code where [`is_on`] is asked, and does what a plausible mistake would
//! do there. Without the feature `mutations`, which no shipped build has, the answer is the
//! constant `false` and nothing of this is left. Each has to be caught within a stated number of
//! seeds (`sim-tests/tests/mutations.rs`).

#[cfg(feature = "mutations")]
use std::sync::atomic::{AtomicU8, Ordering};

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutation {
    /// The store does not compare the epoch of a commit.
    DropFence = 1,
    /// The store does not compare the version of a commit.
    DropVersion,
    /// A claim does not raise the epoch.
    SkipEpoch,
    /// Replies do not wait for their commit.
    AckBeforeCommit,
    /// Replies of a lost key are sent as if it were not.
    AckWhatWasLost,
    /// A commit whose end is not known counts as done.
    UnknownIsDone,
    /// A fenced commit counts as done.
    FencedIsDone,
    /// The mailbox forgets what has arrived.
    ForgetWatermark,
    /// Mail that was applied stays in the mailbox.
    ApplyMailTwice,
    /// The relay removes a mail that it did not deliver.
    LoseMail,
    /// What is posted is posted twice.
    PostTwice,
    /// A retry is not recognised.
    ForgetRequests,
    /// A retry is not recognised by the next owner.
    HandOverNoRequests,
    /// A guild's answer is not sent.
    ForgetGuildAnswer,
    /// A replay does not record what was applied.
    RecordOtherOrders,
    /// The lobby does not tell that a player came or went.
    ForgetPresence,
    /// Presence is followed at the first lobby for ever.
    FollowFirstLobby,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::DropFence,
        Self::DropVersion,
        Self::SkipEpoch,
        Self::AckBeforeCommit,
        Self::AckWhatWasLost,
        Self::UnknownIsDone,
        Self::FencedIsDone,
        Self::ForgetWatermark,
        Self::ApplyMailTwice,
        Self::LoseMail,
        Self::PostTwice,
        Self::ForgetRequests,
        Self::HandOverNoRequests,
        Self::ForgetGuildAnswer,
        Self::RecordOtherOrders,
        Self::ForgetPresence,
        Self::FollowFirstLobby,
    ];
}

#[cfg(feature = "mutations")]
static ACTIVE: AtomicU8 = AtomicU8::new(0);

/// Switches a bug on, for the whole process; `None` switches it off.
#[cfg(feature = "mutations")]
pub fn switch(mutation: Option<Mutation>) {
    ACTIVE.store(mutation.map_or(0, |mutation| mutation as u8), Ordering::SeqCst);
}

/// Whether the bug is switched on.
#[cfg(feature = "mutations")]
#[must_use]
pub fn is_on(mutation: Mutation) -> bool {
    ACTIVE.load(Ordering::Relaxed) == mutation as u8
}

/// Never, in a build without them.
#[cfg(not(feature = "mutations"))]
#[must_use]
pub const fn is_on(_mutation: Mutation) -> bool {
    false
}
