//! Moving mail: from the outbox where a commit put it to the mailbox of its target.
//!
//! A relay step may run twice, at two nodes, or after a crash: the target's mark absorbs what it
//! has seen. One step per outbox is under way at a time, so that the store is not asked in vain.

use std::collections::BTreeMap;

use super::{Asked, Keeper, KeeperEvent};
use crate::core::Output;
use crate::directory::Nodes;
use crate::ids::{Address, Key};
use crate::msg::Body;
use crate::store::{StoreReply, StoreRequest};

/// Outboxes in a full answer to `PendingOutboxes`; a shorter one was the last.
const SWEEP_KEYS_MAX: usize = 64;

/// Relay steps under way.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// By source; true if something was posted since the step began.
    running: BTreeMap<Key, bool>,
    sweeping: bool,
    swept_to: Option<Key>,
}

impl Keeper {
    /// Starts one step of the routine round: outboxes that nobody else empties (after a crash,
    /// or because a mailbox was full) are relayed. Call it every few seconds.
    pub fn sweep(&mut self, outputs: &mut Vec<Output>) {
        if !self.relays.sweeping {
            self.relays.sweeping = true;
            let request = StoreRequest::PendingOutboxes { after: self.relays.swept_to };
            self.ask(Asked::Sweep, request, outputs);
        }
    }

    pub(super) fn swept(&mut self, reply: StoreReply, outputs: &mut Vec<Output>) {
        self.relays.sweeping = false;
        let StoreReply::Pending(sources) = reply else { return };
        self.relays.swept_to =
            if sources.len() < SWEEP_KEYS_MAX { None } else { sources.last().copied() };
        for source in sources {
            self.relay(source, outputs);
        }
    }

    /// Relays an outbox, again if a step is under way.
    pub(super) fn relay(&mut self, source: Key, outputs: &mut Vec<Output>) {
        if let Some(again) = self.relays.running.get_mut(&source) {
            *again = true;
            return;
        }
        self.relays.running.insert(source, false);
        self.ask(Asked::Relay(source), StoreRequest::Relay { source }, outputs);
    }

    pub(super) fn relayed(
        &mut self,
        source: Key,
        reply: StoreReply,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let posted_since = self.relays.running.remove(&source).unwrap_or(false);
        // A failed step is repeated by the next sweep.
        let StoreReply::Relayed { targets, entries_left } = reply else { return };
        self.note_outbox(source, entries_left);
        let mut moved = false;
        for relayed in targets {
            if !relayed.full {
                moved = true;
                self.tell_owner(relayed.target, relayed.owner, nodes, outputs, events);
            }
        }
        if posted_since || (moved && entries_left > 0) {
            self.relay(source, outputs);
        }
    }

    /// Tells whoever owns `target`, or should own it, that mail has come.
    fn tell_owner(
        &mut self,
        target: Key,
        owner: Option<Address>,
        nodes: &Nodes,
        outputs: &mut Vec<Output>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let alive = owner.filter(|owner| nodes.is_alive(owner.node) || *owner == self.me);
        match alive.or_else(|| nodes.home_of_key(target)) {
            Some(address) if address == self.me => {
                let owned = self.look_for_mail(target, outputs);
                if !owned {
                    events.push(KeeperEvent::Wanted { key: target });
                }
            }
            Some(to) => outputs.push(Output::Send { to, body: Body::MailWaiting(target) }),
            // A player who is offline: the mail is found at the next login.
            None => {}
        }
    }
}
