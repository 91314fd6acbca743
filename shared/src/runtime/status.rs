//! What a node says about itself: read by the status page, by metrics and by placement.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::core::CoreStatus;
use crate::directory::NodeState;
use crate::ids::{NodeId, Role};
use crate::tick::TickRate;

/// Over how many seconds tick times are looked at.
const TICK_TIMES_SECONDS: u32 = 5;
/// Tick times that are kept at most; at high rates this makes the time shorter.
const TICK_TIMES_MAX: usize = 1_024;

/// A node's account of itself.
#[derive(Clone, Debug, Serialize)]
pub struct NodeStatus {
    /// The node.
    pub id: NodeId,
    /// What it announces.
    pub state: NodeState,
    /// Version of its build.
    pub build: String,
    /// No role has failed.
    pub healthy: bool,
    /// The store cannot be reached: the node has given up its keys and acknowledges nothing.
    pub suspended: bool,
    /// Its roles, in the order of the setup.
    pub roles: Vec<RoleStatus>,
}

/// A role's account of itself, at most a fraction of a second old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleStatus {
    /// The role.
    pub role: Role,
    /// Units of work in hand.
    pub load: u32,
    /// It was told to drain, and nothing is left that exiting now would lose.
    pub drained: bool,
    /// The core's own values; counters end in `_total`.
    pub values: BTreeMap<&'static str, u64>,
    /// Ticks that ran.
    pub ticks: u64,
    /// Number of the last tick.
    pub tick: u64,
    /// How long the ticks of the last seconds took.
    pub tick_us: TickTimes,
    /// Ticks that took longer than their period or came so late that others were left out.
    pub overruns: u64,
    /// Ticks that were left out.
    pub ticks_skipped: u64,
    /// Inputs that the core was given.
    pub inputs: u64,
    /// Inputs that wait.
    pub backlog: u64,
    /// Answers of the store that the core was given.
    pub store_replies: u64,
    /// Requests that wait because the store takes no more.
    pub store_waiting: u64,
    /// Frames that did not arrive and were given back to the core.
    pub unsent: u64,
    /// Frames that did not arrive and that the core was not told of, for there were too many.
    pub unsent_lost: u64,
    /// Snapshots of battles that did not arrive and were dropped.
    pub snapshots_dropped: u64,
    /// Replays that were dropped because their writer did not keep up.
    pub replays_dropped: u64,
    /// The role is being recorded.
    pub recording: bool,
    /// The message of the panic that ended the role.
    pub failed: Option<String>,
}

/// Microseconds that ticks took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickTimes {
    /// Half took at most this.
    pub p50: u32,
    /// 99 of 100 took at most this.
    pub p99: u32,
    /// The longest.
    pub max: u32,
}

impl RoleStatus {
    pub(super) const fn new(role: Role) -> Self {
        Self {
            role,
            load: 0,
            drained: false,
            values: BTreeMap::new(),
            ticks: 0,
            tick: 0,
            tick_us: TickTimes { p50: 0, p99: 0, max: 0 },
            overruns: 0,
            ticks_skipped: 0,
            inputs: 0,
            backlog: 0,
            store_replies: 0,
            store_waiting: 0,
            unsent: 0,
            unsent_lost: 0,
            snapshots_dropped: 0,
            replays_dropped: 0,
            recording: false,
            failed: None,
        }
    }

    /// Takes over what the core says.
    pub(super) fn take(&mut self, core: CoreStatus) {
        self.load = core.load;
        self.drained = core.drained;
        self.values = core.values.into_iter().collect();
    }
}

/// Where a role's thread publishes its status and others read it.
#[derive(Debug)]
pub(super) struct Board(Mutex<RoleStatus>);

impl Board {
    pub(super) const fn new(role: Role) -> Self {
        Self(Mutex::new(RoleStatus::new(role)))
    }

    pub(super) fn publish(&self, status: &RoleStatus) {
        self.lock().clone_from(status);
    }

    pub(super) fn fail(&self, reason: String) {
        let mut status = self.lock();
        status.failed = Some(reason);
        status.drained = false;
        status.recording = false;
    }

    pub(super) fn read(&self) -> RoleStatus {
        self.lock().clone()
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    pub(super) fn is_drained(&self) -> bool {
        self.lock().drained
    }

    /// Nothing panics while the lock is held, so a poisoned one holds no broken state.
    fn lock(&self) -> MutexGuard<'_, RoleStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the last ticks took.
#[derive(Debug)]
pub(super) struct TickWindow {
    times_us: Vec<u32>,
    sorted_us: Vec<u32>,
    oldest: usize,
    capacity: usize,
}

impl TickWindow {
    pub(super) fn new(rate: TickRate) -> Self {
        let wanted = rate.hz().saturating_mul(TICK_TIMES_SECONDS);
        let capacity = usize::try_from(wanted).map_or(TICK_TIMES_MAX, |n| n.min(TICK_TIMES_MAX));
        let empty = || Vec::with_capacity(capacity);
        Self { times_us: empty(), sorted_us: empty(), oldest: 0, capacity }
    }

    pub(super) fn add(&mut self, ns: u64) {
        let us = u32::try_from(ns / 1_000).unwrap_or(u32::MAX);
        if self.times_us.len() < self.capacity {
            self.times_us.push(us);
        } else {
            self.times_us[self.oldest] = us;
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    pub(super) fn times(&mut self) -> TickTimes {
        self.sorted_us.clone_from(&self.times_us);
        self.sorted_us.sort_unstable();
        let count = self.sorted_us.len();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1);
            self.sorted_us.get(rank - 1).copied().unwrap_or(0)
        };
        TickTimes { p50: at(50), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks_and_old_ticks_are_forgotten() {
        let mut window = TickWindow::new(TickRate::new(20));
        assert_eq!(window.times(), TickTimes::default());
        (0..500).for_each(|_| window.add(9_000_000));
        (1..=100).for_each(|us| window.add(us * 1_000));
        assert_eq!(window.times(), TickTimes { p50: 50, p99: 99, max: 100 });
    }
}
