//! Makes a plan that breaks a promise smaller, as long as it still breaks the same one.

use std::sync::Arc;

use shared::content::Content;

use super::plan::Plan;
use super::{Broken, run};

/// Runs that are tried at most.
const RUNS_MAX: u32 = 150;

/// A plan that is as small as was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// What it breaks: the same promise as the whole plan.
    pub broken: Option<Broken>,
    /// How many runs it took.
    pub runs: u32,
}

/// Makes `plan` smaller. A plan that breaks nothing stays as it is.
#[must_use]
pub fn shrink(plan: &Plan, content: &Arc<Content>) -> Shrunk {
    let first = run(plan, content, false);
    let best = Shrunk { plan: plan.clone(), broken: first.broken, runs: 1 };
    let Some(Broken { promise, .. }) = best.broken else { return best };
    let mut search = Search { content, promise, best, failed_us: first.simulated_us };
    loop {
        let before = search.best.plan.clone();
        search.end_with_the_failure();
        search.drop_faults();
        search.drop_nodes();
        search.drop_clients();
        for simpler in SIMPLER {
            let smaller = simpler(search.best.plan.clone());
            search.accepts(smaller);
        }
        if search.best.plan == before || search.best.runs >= RUNS_MAX {
            return search.best;
        }
    }
}

struct Search<'a> {
    content: &'a Arc<Content>,
    promise: &'static str,
    best: Shrunk,
    /// When the best plan breaks its promise, in µs.
    failed_us: u64,
}

impl Search<'_> {
    /// Runs a smaller plan, which becomes the best one if it breaks the same promise.
    fn accepts(&mut self, smaller: Plan) -> bool {
        if self.best.runs >= RUNS_MAX || smaller == self.best.plan {
            return false;
        }
        self.best.runs += 1;
        let outcome = run(&smaller, self.content, false);
        let broken = outcome.broken.filter(|broken| broken.promise == self.promise);
        if broken.is_none() {
            return false;
        }
        (self.best.plan, self.best.broken) = (smaller, broken);
        self.failed_us = outcome.simulated_us;
        true
    }

    /// What was planned for later did not matter. Makes all further runs shorter.
    fn end_with_the_failure(&mut self) {
        let mut smaller = self.best.plan.clone();
        let failed_ms = self.failed_us.div_ceil(1_000);
        smaller.faults.retain(|planned| planned.at_ms <= failed_ms);
        smaller.active_ms = smaller.active_ms.min(failed_ms + 1);
        self.accepts(smaller);
    }

    /// Drops halves, quarters, ... and at last single faults.
    fn drop_faults(&mut self) {
        let mut chunk = self.best.plan.faults.len().div_ceil(2);
        while chunk > 0 {
            let mut at = 0;
            while at < self.best.plan.faults.len() {
                let mut smaller = self.best.plan.clone();
                let end = (at + chunk).min(smaller.faults.len());
                smaller.faults.drain(at..end);
                if !self.accepts(smaller) {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
    }

    fn drop_nodes(&mut self) {
        for node in (0..self.best.plan.nodes.len()).rev() {
            if let Some(smaller) = self.best.plan.without_node(node) {
                self.accepts(smaller);
            }
        }
    }

    /// Drops half of the players as often as that goes, then fewer.
    fn drop_clients(&mut self) {
        let mut chunk = self.best.plan.clients / 2;
        while chunk > 0 {
            let clients = self.best.plan.clients.saturating_sub(chunk).max(1);
            let fewer = Plan { clients, ..self.best.plan.clone() };
            if !self.accepts(fewer) || clients == 1 {
                chunk /= 2;
            }
        }
    }
}

/// What may not matter.
const SIMPLER: [fn(Plan) -> Plan; 8] = [
    |plan| Plan { fights: false, ..plan },
    |plan| Plan { pranks: 0, ..plan },
    |plan| Plan { datagrams_lost: 0, datagrams_doubled: 0, ..plan },
    |plan| Plan { requests_doubled: 0, ..plan },
    |plan| Plan { relays_torn: 0, ..plan },
    |plan| Plan { ghosts_heard: false, ..plan },
    |mut plan| {
        plan.nodes.iter_mut().for_each(|node| {
            node.drift_ppm = 0;
            node.joins_ms = 0;
        });
        plan
    },
    |plan| {
        let last_ms = plan.faults.last().map_or(0, |last| last.at_ms);
        Plan { active_ms: plan.active_ms.min(last_ms + 1_000), ..plan }
    },
];
