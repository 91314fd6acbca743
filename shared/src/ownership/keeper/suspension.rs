//! What the keeper does while the store cannot be relied on: a node that cannot renew its lease
//! gives everything up in time, and whoever asks learns whether writing makes sense at all.

use super::tenure::Tenure;
use super::{Keeper, KeeperEvent, LostReason};
use crate::core::Output;
use crate::ids::Key;
use crate::store::{StoreFailure, StoreReply};

/// How the node and its store stand.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) suspended: bool,
    /// The last answer of the store was that it does not work.
    silent: bool,
}

impl Standing {
    /// Takes note of an answer.
    pub(super) fn note(&mut self, reply: &StoreReply) {
        self.silent = match reply {
            StoreReply::Failed(StoreFailure::Backend(_) | StoreFailure::Closed) => true,
            StoreReply::Failed(StoreFailure::Damaged { .. })
            | StoreReply::Owner(_)
            | StoreReply::Claimed(_)
            | StoreReply::Taken(_)
            | StoreReply::Committed(_)
            | StoreReply::Released
            | StoreReply::Mail(_)
            | StoreReply::Relayed { .. }
            | StoreReply::Pending(_)
            | StoreReply::Guilds(_) => false,
        };
    }
}

impl Keeper {
    /// The node cannot renew its lease: every owned key is lost now, before somebody else may own
    /// it, and held replies are refused. What is acquired meanwhile is lost as well. A key that is
    /// being given back is none that anybody here relies on, and goes its way.
    pub fn suspend(&mut self, outputs: &mut Vec<Output>, events: &mut Vec<KeeperEvent>) {
        self.standing.suspended = true;
        let owned = |(key, tenure): (&Key, &Tenure)| match tenure {
            Tenure::Owned(_) => Some(*key),
            Tenure::Reading | Tenure::Claiming | Tenure::Releasing { .. } => None,
        };
        let owned: Vec<Key> = self.tenures.iter().filter_map(owned).collect();
        for key in owned {
            self.lose(key, LostReason::Suspended, outputs, events);
        }
    }

    /// The node holds its lease again: keys may be acquired.
    pub const fn resume(&mut self) {
        self.standing.suspended = false;
    }

    /// Whether a change staged now would probably become durable: the node is not suspended, and
    /// the store's last answer was not that it does not work. The routine round asks it often
    /// enough to notice that it is back.
    #[must_use]
    pub const fn can_commit(&self) -> bool {
        !self.standing.suspended && !self.standing.silent
    }
}
