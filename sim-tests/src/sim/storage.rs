//! The way of requests to the store and back.

use shared::ids::Address;
use shared::store::{CommitVerdict, OpId, StoreReply, StoreRequest};

use super::names;
use super::store::{Answer, failed};
use super::world::{Event, World, place};

/// How long a node waits for an answer that does not come, in µs: at least, at most.
const PATIENCE_US: (u64, u64) = (100_000, 2_000_000);
/// How long a request may wander about after its asker gave up, in µs.
const WANDER_US: (u64, u64) = (1_000, 6_000_000);
/// A node that is doomed is killed so long after it has asked for a commit at most, in µs.
const KILL_US: u64 = 6_000;
/// Of 1,000 requests whose answer is lost, how many are carried out long afterwards.
const LATE_PERMILLE: u64 = 150;

impl World<'_> {
    /// A core asks the store.
    pub(super) fn ask(&mut self, by: Address, op: OpId, request: StoreRequest) {
        let now_us = self.now_us;
        self.history.count(names::of_request(&request));
        self.history.tell(now_us, || format!("{by} asks  {}", names::request_words(&request)));
        let at_us = now_us + self.store_way();
        let life = self.store.life;
        if matches!(request, StoreRequest::Commit(_)) && self.doomed[place(by.node)] {
            self.doomed[place(by.node)] = false;
            let at_us = now_us + self.draws.below(KILL_US);
            self.agenda.put(at_us, Event::Kill { node: by.node });
        }
        let Some(slot) = self.slot(by) else { return };
        slot.handle.ask(op);
        slot.handle.arrives_us = slot.handle.arrives_us.max(at_us);
        let at_us = slot.handle.arrives_us;
        self.agenda.put(at_us, Event::Ask { by, op, request: Box::new(request), life });
    }

    /// A request arrives at the store.
    pub(super) fn asked(&mut self, by: Address, op: OpId, request: StoreRequest, life: u64) {
        let there = self.store.is_there(self.now_us) && life == self.store.life;
        if !there || self.is_cut_off(by) {
            if self.chance(LATE_PERMILLE) {
                let at_us = self.now_us + self.within(WANDER_US);
                self.agenda.put(at_us, Event::AskLate { by, request: Box::new(request) });
            }
            self.give_up(by, op, "store: request lost");
            return;
        }
        let torn = matches!(request, StoreRequest::Relay { .. })
            && !self.is_calm
            && self.chance(self.plan.relays_torn);
        if torn {
            self.history.count("store: relay step torn");
        }
        let taken = self.store.take(by, op, request, torn);
        match taken {
            Ok(StoreReply::Committed(verdicts)) => {
                let fenced = verdicts.iter().filter(|it| **it == CommitVerdict::Fenced).count();
                for _ in 0..fenced {
                    self.history.count("store: commit fenced");
                }
            }
            Ok(StoreReply::Taken(_)) => self.history.count("store: claim came too late"),
            Ok(_) => {}
            Err(broken) => self.expect(Err(broken)),
        }
        self.sync_soon();
        if self.store.at_risk() > 0
            && let Some(ms) = self.store_is_doomed.take()
        {
            self.crash_store();
            self.store_goes_away(self.now_us + ms * 1_000);
        }
    }

    pub(super) fn sync_soon(&mut self) {
        if !self.sync_is_due {
            self.sync_is_due = true;
            let life = self.store.life;
            self.agenda.put(self.now_us + self.plan.sync_us, Event::Sync { life });
        }
    }

    pub(super) fn sync(&mut self, life: u64) {
        if life != self.store.life {
            return;
        }
        self.sync_is_due = false;
        for Answer { by, op, reply } in self.store.sync() {
            let at_us = self.now_us + self.store_way();
            let Some(slot) = self.slot(by) else { continue };
            slot.handle.answered_us = slot.handle.answered_us.max(at_us);
            let at_us = slot.handle.answered_us;
            self.agenda.put(at_us, Event::Answer { by, op, reply: Box::new(reply), lost: false });
        }
    }

    /// An answer arrives, or the asker gives up.
    pub(super) fn answered(&mut self, by: Address, op: OpId, reply: StoreReply, lost: bool) {
        if !lost && self.is_cut_off(by) {
            self.give_up(by, op, "store: answer lost");
            return;
        }
        let now_us = self.now_us;
        self.history.tell(now_us, || format!("{by} hears {}", names::reply_words(&reply)));
        let Some(slot) = self.slot(by) else { return };
        slot.handle.answer(op, reply);
        self.take_answers(by);
    }

    /// The store's process is killed.
    pub(super) fn crash_store(&mut self) {
        let risk = u64::try_from(self.store.at_risk()).unwrap_or(0);
        let kept = usize::try_from(self.draws.below(risk + 1)).unwrap_or(0);
        if risk > u64::try_from(kept).unwrap_or(0) {
            self.history.count("store: write lost in a crash");
        }
        self.sync_is_due = false;
        for Answer { by, op, .. } in self.store.crash(kept) {
            self.give_up(by, op, "store: answer lost");
        }
    }

    /// Whether a node cannot reach the store.
    pub(super) fn is_cut_off(&self, who: Address) -> bool {
        self.store_cuts_us.get(place(who.node)).is_some_and(|until| *until > self.now_us)
    }

    pub(super) fn store_way(&mut self) -> u64 {
        let slow = if self.now_us < self.store.slow_until_us { 10 } else { 1 };
        slow * self.within(self.plan.store_us)
    }

    fn give_up(&mut self, by: Address, op: OpId, why: &'static str) {
        self.history.count(why);
        let at_us = self.now_us + self.within(PATIENCE_US);
        let reply = Box::new(failed("no answer in time"));
        self.agenda.put(at_us, Event::Answer { by, op, reply, lost: true });
    }

    fn slot(&mut self, address: Address) -> Option<&mut super::node::RoleSlot> {
        let node = self.node(address.node)?;
        node.roles.iter_mut().find(|slot| slot.address == address)
    }
}
