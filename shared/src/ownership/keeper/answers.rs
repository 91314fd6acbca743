//! What the keeper makes of the store's answers.

use super::tenure::{Held, Leaving, MailLook, Owned, Tenure};
use super::{Asked, Keeper, KeeperEvent, LostReason, Sealed};
use crate::core::Output;
use crate::directory::Nodes;
use crate::ids::{Epoch, Key};
use crate::limits::MAIL_PEEK_MAX;
use crate::mutation::{self, Mutation};
use crate::store::{CommitVerdict, MailEntry, OpId, Ownership, Record, StoreReply, StoreRequest};

impl Keeper {
    /// Takes an answer of the store. Returns false if `op` is not one of the keeper's.
    ///
    /// An answer of a kind that does not fit what was asked counts as a failure of the store.
    pub fn stored(
        &mut self,
        op: OpId,
        reply: StoreReply,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) -> bool {
        let Some(asked) = self.asked.remove(&op) else { return false };
        self.standing.note(&reply);
        match asked {
            Asked::Owner(key) | Asked::Claim(key) if self.standing.suspended => {
                self.lose(key, LostReason::Suspended, outputs, events);
            }
            Asked::Owner(key) => {
                if let StoreReply::Owner(ownership) = reply {
                    self.claim_or_yield(key, ownership, nodes, outputs, events);
                } else {
                    self.lose(key, LostReason::Unavailable, outputs, events);
                }
            }
            Asked::Claim(key) => {
                if let StoreReply::Claimed(record) = reply {
                    self.opened(key, record, outputs, events);
                } else if let StoreReply::Taken(ownership) = reply {
                    self.claim_or_yield(key, ownership, nodes, outputs, events);
                } else {
                    self.lose(key, LostReason::Unavailable, outputs, events);
                }
            }
            Asked::Commit(sealed) => self.committed(sealed, reply, outputs, events),
            Asked::Release(key) => self.released(key, outputs, events),
            Asked::Mail(key, epoch) => self.mail_came(key, epoch, reply, outputs, events),
            Asked::Relay(source) => self.relayed(source, reply, nodes, outputs, events),
            Asked::Sweep => self.swept(reply, outputs),
        }
        true
    }

    fn claim_or_yield(
        &mut self,
        key: Key,
        seen: Ownership,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        match seen.owner {
            Some(owner) if owner != self.me && nodes.is_alive(owner.node) => {
                self.tenures.remove(&key);
                events.push(KeeperEvent::Elsewhere { key, owner });
            }
            Some(_) | None => {
                self.tenures.insert(key, Tenure::Claiming);
                let request = StoreRequest::Claim { key, by: self.me, seen: seen.epoch };
                self.ask(Asked::Claim(key), request, outputs);
            }
        }
    }

    fn opened(
        &mut self,
        key: Key,
        record: Record,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let (has_outbox, has_mail) = (record.outbox_entries > 0, record.mailbox_entries > 0);
        let owned = Owned::new(record.epoch, record.version, record.outbox_entries);
        self.tenures.insert(key, Tenure::Owned(owned));
        events.push(KeeperEvent::Opened { key, record });
        if has_outbox {
            self.relay(key, outputs);
        }
        if has_mail {
            self.look_for_mail(key, outputs);
        }
    }

    fn committed(
        &mut self,
        sealed: Vec<Sealed>,
        reply: StoreReply,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let verdicts = if let StoreReply::Committed(verdicts) = reply {
            verdicts
        } else if mutation::is_on(Mutation::UnknownIsDone) {
            vec![CommitVerdict::Done; sealed.len()]
        } else {
            for commit in sealed {
                self.lose_epoch(commit.key, commit.epoch, LostReason::Unknown, outputs, events);
            }
            return;
        };
        assert_eq!(verdicts.len(), sealed.len(), "the store answers every commit of a batch");
        for (commit, verdict) in sealed.into_iter().zip(verdicts) {
            let Sealed { key, epoch, makes, posts } = commit;
            let lost = match verdict {
                CommitVerdict::Done => None,
                CommitVerdict::Fenced if mutation::is_on(Mutation::FencedIsDone) => None,
                CommitVerdict::Fenced => Some(LostReason::Fenced),
                CommitVerdict::TooLarge => Some(LostReason::TooLarge),
            };
            if let Some(reason) = lost {
                self.lose_epoch(key, epoch, reason, outputs, events);
                continue;
            }
            if let Some(owned) = self.of_epoch(key, epoch) {
                owned.made_durable(makes, posts, outputs);
            }
            if posts > 0 {
                self.relay(key, outputs);
            }
            self.release_if_durable(key, outputs);
        }
    }

    fn released(&mut self, key: Key, outputs: &mut Vec<Output>, events: &mut Vec<KeeperEvent>) {
        // A release that failed is as good: nobody here holds the key any more, and whoever
        // claims it next finds an owner that no longer knows it.
        if let Some(Tenure::Releasing { reopen }) = self.tenures.get(&key) {
            let reopen = *reopen;
            self.tenures.remove(&key);
            if reopen {
                self.open(key, outputs);
            } else {
                events.push(KeeperEvent::Released { key });
            }
        }
    }

    fn mail_came(
        &mut self,
        key: Key,
        epoch: Epoch,
        reply: StoreReply,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let Some(owned) = self.of_epoch(key, epoch) else { return };
        let MailLook::Looking { again } = owned.mail else { return };
        owned.mail = MailLook::Idle;
        let StoreReply::Mail(entries) = reply else { return };
        match entries.last() {
            None if again => {
                self.look_for_mail(key, outputs);
            }
            None => {}
            Some(&MailEntry { position: last, .. }) => {
                let again = again || entries.len() >= MAIL_PEEK_MAX;
                owned.mail = MailLook::Handed { last, again };
                if owned.leaving == Leaving::No {
                    events.push(KeeperEvent::Mail { key, entries });
                }
            }
        }
    }

    /// Loses a key if it is still held in that epoch.
    fn lose_epoch(
        &mut self,
        key: Key,
        epoch: Epoch,
        reason: LostReason,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        if self.of_epoch(key, epoch).is_some() {
            self.lose(key, reason, outputs, events);
        }
    }

    pub(super) fn lose(
        &mut self,
        key: Key,
        reason: LostReason,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        self.dirty.remove(&key);
        let Some(tenure) = self.tenures.remove(&key) else { return };
        events.push(KeeperEvent::Lost { key, reason });
        if let Tenure::Owned(owned) = tenure {
            let lost = mutation::is_on(Mutation::AckWhatWasLost);
            let word = |held: Held| if lost { Some(held.reply) } else { held.otherwise };
            outputs.extend(owned.held.into_iter().filter_map(word));
            if owned.leaving == Leaving::AndReturning {
                self.open(key, outputs);
            }
        }
    }

    pub(super) fn of_epoch(&mut self, key: Key, epoch: Epoch) -> Option<&mut Owned> {
        match self.tenures.get_mut(&key) {
            Some(Tenure::Owned(owned)) if owned.epoch == epoch => Some(owned),
            _ => None,
        }
    }

    /// Notes what an outbox still holds, if its key is owned here.
    pub(super) fn note_outbox(&mut self, key: Key, entries: u64) {
        if let Some(Tenure::Owned(owned)) = self.tenures.get_mut(&key) {
            owned.outbox_stored = entries;
        }
    }
}
