//! How a replica stands with the owner of its entity: one total function that touches nothing.
//!
//! ```text
//!          Subscribe            snapshot           wrong version
//! Seeking ───────────► Asked ─────────────► Live ───────────────► Gap
//!    ▲                                       ▲                     │ Resnapshot
//!    └── the owner lost it, or is gone       └────── snapshot ─────┘
//! ```
//! Every way out ends in `Ended` after `TRIES_MAX` questions without an answer.

use crate::ids::Address;
use crate::msg::replication::{EndReason, Stamp, SubscriptionId};

use super::super::TRIES_MAX;
use super::WhyEnded;

/// Whom the replica listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) at: Address,
    pub(super) subscription: SubscriptionId,
}

/// Where a replica stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Asked for the entity `tries` times; nothing has come yet.
    Asked { link: Link, tries: u32 },
    /// Has what the owner told up to `stamp`; `checks` routine questions are not answered yet.
    Live { link: Link, stamp: Stamp, checks: u32 },
    /// Something is missing; a snapshot was asked for `tries` times.
    Gap { link: Link, tries: u32 },
    /// Nobody is asked right now; after a pause the owner is looked for again.
    Seeking { at: Address, tries: u32 },
    /// Nobody is asked any more.
    Ended,
}

/// What can happen to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// The time of the state is over.
    Due,
    /// Everything came.
    Snapshot(Stamp),
    /// A snapshot came from somebody who no longer is the owner.
    Outdated,
    /// Changes came.
    Changes(Stamp),
    /// It came that nothing has changed.
    Unchanged(Stamp),
    /// The publisher ends the subscription.
    Ended(EndReason),
    /// A question did not arrive, although its receiver lives.
    Unsent,
    /// The publisher's node is gone.
    Gone,
}

/// What a step may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    /// The owner as far as the directory tells.
    pub(super) home: Option<Address>,
    /// A name for a new subscription.
    pub(super) fresh: SubscriptionId,
}

/// What has to be done after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Nothing,
    /// Subscribe under the state's link.
    Subscribe,
    /// Ask whether this is the newest, under the state's link.
    Ask(Option<Stamp>),
    /// Take what came.
    Apply,
    /// Leave this publisher.
    Leave(Link),
    /// Tell that it has ended.
    Tell(WhyEnded),
}

impl State {
    /// Whom the replica listens to.
    pub(super) const fn link(self) -> Option<Link> {
        match self {
            Self::Asked { link, .. } | Self::Live { link, .. } | Self::Gap { link, .. } => {
                Some(link)
            }
            Self::Seeking { .. } | Self::Ended => None,
        }
    }

    /// Whom the replica depends on.
    pub(super) fn at(self) -> Option<Address> {
        match self {
            Self::Asked { link, .. } | Self::Live { link, .. } | Self::Gap { link, .. } => {
                Some(link.at)
            }
            Self::Seeking { at, .. } => Some(at),
            Self::Ended => None,
        }
    }

    /// What `happening` does.
    pub(super) fn step(self, happening: Happening, means: Means) -> (Self, Act) {
        match self {
            Self::Asked { link, tries } => asked(link, tries, happening, means),
            Self::Live { link, stamp, checks } => live(link, stamp, checks, happening, means),
            Self::Gap { link, tries } => gap(link, tries, happening, means),
            Self::Seeking { at, tries } => seeking(at, tries, happening, means),
            Self::Ended => (self, Act::Nothing),
        }
    }
}

fn asked(link: Link, tries: u32, happening: Happening, means: Means) -> (State, Act) {
    let same = State::Asked { link, tries };
    match happening {
        Happening::Due if tries >= TRIES_MAX => ended(WhyEnded::Silent),
        Happening::Due => (State::Asked { link, tries: tries + 1 }, Act::Subscribe),
        Happening::Snapshot(stamp) => (State::Live { link, stamp, checks: 0 }, Act::Apply),
        Happening::Outdated => (State::Seeking { at: link.at, tries }, Act::Leave(link)),
        Happening::Changes(_) | Happening::Unchanged(_) => (same, Act::Nothing),
        Happening::Ended(reason) => told_end(link, tries, reason, means),
        Happening::Unsent => (State::Seeking { at: link.at, tries }, Act::Nothing),
        Happening::Gone => gone(link.at, tries, means),
    }
}

fn live(link: Link, stamp: Stamp, checks: u32, happening: Happening, means: Means) -> (State, Act) {
    let current = |stamp| State::Live { link, stamp, checks: 0 };
    match happening {
        Happening::Due if checks >= TRIES_MAX => ended(WhyEnded::Silent),
        Happening::Due => (State::Live { link, stamp, checks: checks + 1 }, Act::Ask(Some(stamp))),
        Happening::Snapshot(stamp) => (current(stamp), Act::Apply),
        Happening::Outdated => (State::Seeking { at: link.at, tries: 0 }, Act::Leave(link)),
        Happening::Changes(next) if follows(stamp, next) => (current(next), Act::Apply),
        Happening::Unchanged(same) if same == stamp => (current(stamp), Act::Nothing),
        Happening::Changes(_) | Happening::Unchanged(_) => {
            (State::Gap { link, tries: 1 }, Act::Ask(None))
        }
        Happening::Ended(reason) => told_end(link, 0, reason, means),
        // Its time will come again.
        Happening::Unsent => (State::Live { link, stamp, checks }, Act::Nothing),
        Happening::Gone => gone(link.at, 0, means),
    }
}

fn gap(link: Link, tries: u32, happening: Happening, means: Means) -> (State, Act) {
    let same = State::Gap { link, tries };
    match happening {
        Happening::Due if tries >= TRIES_MAX => ended(WhyEnded::Silent),
        Happening::Due => (State::Gap { link, tries: tries + 1 }, Act::Ask(None)),
        Happening::Snapshot(stamp) => (State::Live { link, stamp, checks: 0 }, Act::Apply),
        Happening::Outdated => (State::Seeking { at: link.at, tries }, Act::Leave(link)),
        Happening::Changes(_) | Happening::Unchanged(_) | Happening::Unsent => (same, Act::Nothing),
        Happening::Ended(reason) => told_end(link, tries, reason, means),
        Happening::Gone => gone(link.at, tries, means),
    }
}

fn seeking(at: Address, tries: u32, happening: Happening, means: Means) -> (State, Act) {
    match happening {
        Happening::Due if tries >= TRIES_MAX => ended(WhyEnded::Silent),
        Happening::Due => {
            let link = Link { at: means.home.unwrap_or(at), subscription: means.fresh };
            (State::Asked { link, tries: tries + 1 }, Act::Subscribe)
        }
        Happening::Gone => gone(at, tries, means),
        Happening::Snapshot(_)
        | Happening::Outdated
        | Happening::Changes(_)
        | Happening::Unchanged(_)
        | Happening::Ended(_)
        | Happening::Unsent => (State::Seeking { at, tries }, Act::Nothing),
    }
}

fn told_end(link: Link, tries: u32, reason: EndReason, means: Means) -> (State, Act) {
    match reason {
        // The directory names an owner: it may have to open the entity first.
        EndReason::NotOwned if means.home.is_some() => {
            (State::Seeking { at: link.at, tries }, Act::Nothing)
        }
        EndReason::NotOwned => ended(WhyEnded::NotOwned),
        // The same owner may come back to it; if not, it says so when asked.
        EndReason::Lost | EndReason::Unknown => {
            (State::Seeking { at: link.at, tries }, Act::Nothing)
        }
        EndReason::Refused => ended(WhyEnded::Refused),
    }
}

fn gone(at: Address, tries: u32, means: Means) -> (State, Act) {
    match means.home {
        Some(_) => (State::Seeking { at, tries }, Act::Nothing),
        None => ended(WhyEnded::Gone),
    }
}

const fn ended(why: WhyEnded) -> (State, Act) {
    (State::Ended, Act::Tell(why))
}

fn follows(stamp: Stamp, next: Stamp) -> bool {
    next.epoch == stamp.epoch && next.version == stamp.version.saturating_add(1)
}
