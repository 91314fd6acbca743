//! What a node does besides its roles: announces itself, follows the directory, publishes metrics.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::control::Control;
use super::doorbell::Doorbell;
use super::status::{Board, RoleStatus};
use crate::directory::{Directory, DirectoryEvent, NodeCard, NodeState, Nodes};
use crate::ids::{NodeId, Role};

/// How often a node announces itself and looks who else is there.
const ROUND: Duration = Duration::from_millis(200);

/// How far a node is.
#[derive(Debug, Default)]
pub(super) struct Phase {
    pub(super) ready: AtomicBool,
    pub(super) draining: AtomicBool,
    pub(super) stopping: AtomicBool,
    /// The directory has declared this node gone.
    pub(super) lost: AtomicBool,
    /// The lease cannot be renewed.
    pub(super) suspended: AtomicBool,
}

/// The nodes that the directory knows, for whoever asks the node.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Nodes>>);

impl Known {
    /// Takes changes.
    fn apply(&self, events: &[DirectoryEvent]) {
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().for_each(|event| nodes.apply(event));
    }

    /// The cards, ordered by node.
    pub(super) fn cards(&self) -> Vec<NodeCard> {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.cards().cloned().collect()
    }
}

impl Phase {
    /// What the node announces.
    pub(super) fn state(&self) -> NodeState {
        if self.draining.load(Ordering::Acquire) {
            NodeState::Draining
        } else if self.ready.load(Ordering::Acquire) {
            NodeState::Ready
        } else {
            NodeState::Starting
        }
    }
}

/// A role as the rest of the node sees it.
#[derive(Clone, Debug)]
pub(super) struct Hosted {
    pub(super) role: Role,
    pub(super) control: Arc<Control>,
    pub(super) board: Arc<Board>,
}

/// The housekeeping of one node. Dropping it leaves the directory.
pub(super) struct Housekeeping {
    pub(super) id: NodeId,
    pub(super) build: String,
    pub(super) page: Option<SocketAddr>,
    pub(super) directory: Box<dyn Directory>,
    pub(super) hosted: Vec<Hosted>,
    pub(super) phase: Arc<Phase>,
    pub(super) doorbell: Doorbell,
    pub(super) events: Vec<DirectoryEvent>,
    pub(super) known: Known,
}

impl Housekeeping {
    /// Goes on until the node stops.
    pub(super) fn run(mut self) {
        while !self.phase.stopping.load(Ordering::Acquire) {
            self.round();
            self.doorbell.wait(ROUND);
        }
    }

    /// Announces the node, hands out what has changed, publishes metrics.
    pub(super) fn round(&mut self) {
        let statuses: Vec<_> = self.hosted.iter().map(|hosted| hosted.board.read()).collect();
        let card = self.card(&statuses);
        self.directory.announce(&card);
        self.directory.poll(&mut self.events);
        self.hand_out();
        let node = self.id.node.to_string();
        statuses.iter().for_each(|status| publish(&node, status));
    }

    /// Tells the roles of their own node before the directory does.
    pub(super) fn introduce(&mut self) {
        let statuses: Vec<_> = self.hosted.iter().map(|hosted| hosted.board.read()).collect();
        let card = self.card(&statuses);
        self.events.push(DirectoryEvent::Changed(card));
    }

    /// A role that has failed is not on the card, so that nobody places anything there.
    fn card(&self, statuses: &[RoleStatus]) -> NodeCard {
        let running = statuses.iter().filter(|status| status.failed.is_none());
        NodeCard {
            id: self.id,
            state: self.phase.state(),
            build: self.build.clone(),
            roles: running.map(|status| (status.role, status.load)).collect(),
            link: None,
            page: self.page,
        }
    }

    /// A node that is gone must not go on: others take its place. Its roles end before their next
    /// tick; what they have committed in the meantime is fenced by the store.
    fn end_if_lost(&self) {
        let gone = DirectoryEvent::Gone(self.id);
        if self.events.contains(&gone) && !self.phase.lost.swap(true, Ordering::AcqRel) {
            tracing::error!(node = %self.id, "the directory says that this node is gone");
            self.hosted.iter().for_each(|hosted| hosted.control.stop());
        }
    }

    /// Suspension is told before anything else: the roles have a third of the lease to stop.
    fn note_standing(&self) {
        for event in &self.events {
            match event {
                DirectoryEvent::Suspended => {
                    self.phase.suspended.store(true, Ordering::Release);
                    tracing::warn!(node = %self.id, "node suspended, its lease cannot be renewed");
                }
                DirectoryEvent::Resumed => {
                    self.phase.suspended.store(false, Ordering::Release);
                    tracing::warn!(node = %self.id, "node resumed, it holds its lease");
                }
                DirectoryEvent::Changed(_) | DirectoryEvent::Gone(_) => {}
            }
        }
    }

    fn hand_out(&mut self) {
        self.end_if_lost();
        self.note_standing();
        self.known.apply(&self.events);
        for hosted in &self.hosted {
            hosted.control.changed(&self.events);
        }
        self.events.clear();
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.directory.leave();
    }
}

/// Hands a role's status to whatever collects metrics in this process.
fn publish(node: &str, status: &RoleStatus) {
    let labels = [("node", String::from(node)), ("role", String::from(status.role.name()))];
    let counters = [
        ("cohort_ticks_total", status.ticks),
        ("cohort_tick_overruns_total", status.overruns),
        ("cohort_ticks_skipped_total", status.ticks_skipped),
        ("cohort_inputs_total", status.inputs),
        ("cohort_store_replies_total", status.store_replies),
        ("cohort_unsent_total", status.unsent),
        ("cohort_unsent_lost_total", status.unsent_lost),
        ("cohort_snapshots_dropped_total", status.snapshots_dropped),
        ("cohort_replays_dropped_total", status.replays_dropped),
    ];
    for (name, value) in counters {
        metrics::counter!(name, &labels).absolute(value);
    }
    let gauges = [
        ("cohort_load", u64::from(status.load)),
        ("cohort_drained", u64::from(status.drained)),
        ("cohort_failed", u64::from(status.failed.is_some())),
        ("cohort_recording", u64::from(status.recording)),
        ("cohort_inputs_waiting", status.backlog),
        ("cohort_store_requests_waiting", status.store_waiting),
        ("cohort_tick_us_p50", u64::from(status.tick_us.p50)),
        ("cohort_tick_us_p99", u64::from(status.tick_us.p99)),
        ("cohort_tick_us_max", u64::from(status.tick_us.max)),
    ];
    for (name, value) in gauges {
        metrics::gauge!(name, &labels).set(level(value));
    }
    for (name, value) in &status.values {
        let full = format!("cohort_{name}");
        if name.ends_with("_total") {
            metrics::counter!(full, &labels).absolute(*value);
        } else {
            metrics::gauge!(full, &labels).set(level(*value));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a level above 2^53 may be shown rounded")]
const fn level(value: u64) -> f64 {
    value as f64
}
