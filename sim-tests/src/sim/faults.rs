//! How planned faults begin, and how all of them end.

use super::plan::Fault;
use super::world::{Event, World};

impl World<'_> {
    /// A planned fault begins.
    pub(super) fn begin_fault(&mut self, index: usize) {
        let Some(planned) = self.plan.faults.get(index) else { return };
        let (now_us, fault) = (self.now_us, planned.fault);
        self.history.count_named(format!("fault: {}", fault.name()));
        self.history.tell(now_us, || format!("fault: {fault:?}"));
        let until_us = |ms: u64| now_us + ms * 1_000;
        match fault {
            Fault::Crash { node } => {
                if self.chance(500) {
                    self.doomed.get_mut(node).into_iter().for_each(|doomed| *doomed = true);
                } else if let Some(id) = self.life_of(node) {
                    self.die(id, "node: killed");
                }
            }
            Fault::Pause { node, ms } => {
                if let Some(node) = self.nodes.get_mut(node).and_then(Option::as_mut) {
                    node.paused_until_us = until_us(ms);
                }
            }
            Fault::CutOff { node, ms } => {
                for other in 0..self.nodes.len() {
                    self.cut(node, other, until_us(ms));
                    self.cut(other, node, until_us(ms));
                }
            }
            Fault::CutOneWay { from, to, ms } => self.cut(from, to, until_us(ms)),
            Fault::Split { mask, ms } => {
                let side = |node: usize| mask >> (node % 64) & 1;
                for from in 0..self.nodes.len() {
                    for to in 0..self.nodes.len() {
                        if side(from) != side(to) {
                            self.cut(from, to, until_us(ms));
                        }
                    }
                }
            }
            Fault::StoreCut { node, ms } => {
                if let Some(cut_us) = self.store_cuts_us.get_mut(node) {
                    *cut_us = until_us(ms).max(*cut_us);
                }
            }
            Fault::StoreAway { ms } => self.store_goes_away(until_us(ms)),
            Fault::StoreCrash { ms } => {
                self.store_is_doomed = Some(ms);
            }
            Fault::StoreSlow { ms } => self.store.slow_until_us = until_us(ms),
            Fault::LinksSlow { ms } => self.links_slow_until_us = until_us(ms),
            Fault::QueuesFull { node, ms } => {
                if let Some(full_us) = self.full_until_us.get_mut(node) {
                    *full_us = until_us(ms).max(*full_us);
                }
            }
            Fault::HangUp { permille } => self.hang_up_some(permille),
            Fault::Replace { node } => {
                if let Some(id) = self.life_of(node) {
                    self.drain(id);
                }
            }
        }
    }

    /// All faults are over.
    pub(super) fn calm_down(&mut self) {
        let now_us = self.now_us;
        self.history.tell(now_us, || String::from("all faults are over"));
        self.is_calm = true;
        self.doomed.iter_mut().for_each(|doomed| *doomed = false);
        self.store_is_doomed = None;
        self.cuts_us.iter_mut().flatten().for_each(|until_us| *until_us = 0);
        self.full_until_us.iter_mut().for_each(|until_us| *until_us = 0);
        self.store_cuts_us.iter_mut().for_each(|until_us| *until_us = 0);
        self.links_slow_until_us = 0;
        self.store.slow_until_us = 0;
        self.store.away_until_us = self.store.away_until_us.min(now_us);
        self.store.board.forgive(now_us);
        self.flush_soon();
    }

    fn cut(&mut self, from: usize, to: usize, until_us: u64) {
        let cut = self.cuts_us.get_mut(from).and_then(|row| row.get_mut(to));
        let Some(cut_us) = cut.filter(|_| from != to) else { return };
        *cut_us = until_us.max(*cut_us);
        let ends = [self.life_of(from), self.life_of(to)];
        if let [Some(from), Some(to)] = ends {
            self.agenda.put(until_us + 1, Event::Flush { link: (from, to) });
        }
    }

    pub(super) fn store_goes_away(&mut self, until_us: u64) {
        self.store.away_until_us = self.store.away_until_us.max(until_us);
        self.store.board.forgive(until_us);
    }
}
