//! Makes a plan that breaks a promise smaller, as long as it still breaks the same one.

use std::sync::Arc;

use shared::content::Content;

use super::plan::Plan;
use super::run;

/// Runs that are tried at most.
const RUNS_MAX: u32 = 150;

/// A plan that is as small as was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// How many runs it took.
    pub runs: u32,
}

/// Makes `plan` smaller. A plan that breaks nothing stays as it is.
#[must_use]
pub fn shrink(plan: &Plan, content: &Arc<Content>) -> Shrunk {
    let mut best = Shrunk { plan: plan.clone(), runs: 1 };
    let Some(broken) = run(plan, content, false).broken else { return best };
    let mut step = |best: &mut Shrunk, smaller: Plan| {
        if best.runs >= RUNS_MAX || smaller == best.plan {
            return false;
        }
        best.runs += 1;
        let again = run(&smaller, content, false).broken;
        let same = again.is_some_and(|again| again.promise == broken.promise);
        if same {
            best.plan = smaller;
        }
        same
    };
    drop_faults(&mut best, &mut step);
    for simpler in SIMPLER {
        let smaller = simpler(best.plan.clone());
        step(&mut best, smaller);
    }
    while best.plan.clients > 1 {
        let fewer = Plan { clients: best.plan.clients / 2, ..best.plan.clone() };
        if !step(&mut best, fewer) {
            break;
        }
    }
    drop_faults(&mut best, &mut step);
    best
}

/// Drops halves, quarters, ... and at last single faults.
fn drop_faults(best: &mut Shrunk, step: &mut impl FnMut(&mut Shrunk, Plan) -> bool) {
    let mut chunk = best.plan.faults.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        while at < best.plan.faults.len() {
            let mut smaller = best.plan.clone();
            let end = (at + chunk).min(smaller.faults.len());
            smaller.faults.drain(at..end);
            if !step(best, smaller) {
                at += chunk;
            }
        }
        chunk /= 2;
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
    |plan| Plan { active_ms: plan.faults.last().map_or(1, |last| last.at_ms) + 1_000, ..plan },
];
