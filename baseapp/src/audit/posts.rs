//! Outboxes against the marks of their targets: what was delivered and is only not removed yet,
//! what is still under way, and what is missing in between.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::Key;
use shared::store::scan::{ScannedPost, Sequence};

use super::report::Finding;

/// Outboxes and marks so far.
#[derive(Default)]
pub(super) struct Posts {
    senders: BTreeSet<Key>,
    /// By source and target, in the order of the outbox.
    posts: BTreeMap<(Key, Key), Vec<ScannedPost>>,
    /// By source and target: the last mail that was delivered.
    marks: BTreeMap<(Key, Key), Sequence>,
}

/// What became of the outboxes.
#[derive(Default)]
pub(super) struct Settled {
    /// Source, target and bytes of each mail that has not reached its mailbox.
    pub(super) waiting: Vec<(Key, Key, Vec<u8>)>,
    /// Mails that have, and stand in the outbox all the same.
    pub(super) delivered: u64,
    /// Mails that are missing in between.
    pub(super) gaps: Vec<Finding>,
}

impl Posts {
    /// Nothing was seen yet. Only marks for these senders are kept.
    pub(super) fn new(senders: BTreeSet<Key>) -> Self {
        Self { senders, ..Self::default() }
    }

    /// Takes one key's outbox, and its marks of what reached it. Returns whether the outbox is
    /// where it should be: with those of the senders, unless it is empty.
    pub(super) fn note(
        &mut self,
        key: Key,
        outbox: Vec<ScannedPost>,
        delivered: Vec<(Key, Sequence)>,
    ) -> bool {
        let is_known = outbox.is_empty() || self.senders.contains(&key);
        for post in outbox {
            self.posts.entry((key, post.target)).or_default().push(post);
        }
        for (source, mark) in delivered.into_iter().filter(|it| self.senders.contains(&it.0)) {
            self.marks.insert((source, key), mark);
        }
        is_known
    }

    /// Compares outboxes and marks.
    pub(super) fn settle(self) -> Settled {
        let mut settled = Settled::default();
        for ((source, target), posts) in self.posts {
            let mut last = self.marks.get(&(source, target)).copied().unwrap_or_default();
            for post in posts {
                if post.sequence <= last {
                    settled.delivered += 1;
                    continue;
                }
                if !last.is_followed_by(post.sequence) {
                    settled.gaps.push(Finding::MailMissing { source, target });
                }
                last = post.sequence;
                settled.waiting.push((source, target, post.mail));
            }
        }
        settled
    }
}
