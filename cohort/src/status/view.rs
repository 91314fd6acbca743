//! What the status page and `cohort status` show of a node: names and units for readers, written
//! out by hand, so that a change inside a node does not change what programs read.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use shared::directory::{NodeCard, NodeState};
use shared::ids::{NodeId, Role};
use shared::runtime::{NodeStatus, RoleStatus};
use shared::schedule::Pace;

use crate::status::history::Point;

/// A node as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusView {
    /// Number and incarnation.
    pub node: String,
    /// Version of the build.
    pub build: String,
    /// What it can be asked for.
    #[serde(serialize_with = "state_name")]
    pub state: NodeState,
    /// No role has failed.
    pub healthy: bool,
    /// The store cannot be reached: players are refused for now, connections and battles go on.
    pub suspended: bool,
    /// Since the node was started.
    pub uptime_ms: u64,
    /// Where clients connect, host and UDP port; empty without the role gateway.
    pub quic: String,
    /// Players logged in.
    pub players: u64,
    /// Battles running.
    pub battles: u64,
    /// Tickets waiting for a match.
    pub tickets: u64,
    /// Logins so far.
    pub logins_total: u64,
    /// Requests of clients so far.
    pub requests_total: u64,
    /// Matches made so far.
    pub matches_total: u64,
    /// The roles of this node.
    pub roles: Vec<RoleView>,
    /// All nodes of the cluster that this one knows.
    pub nodes: Vec<NodeView>,
    /// The last two minutes, oldest first.
    pub history: Vec<Point>,
}

/// A role of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleView {
    /// Its name.
    pub role: &'static str,
    /// Units of work in hand: sessions, players, fighters, tickets.
    pub load: u32,
    /// Ticks per second, at most so many for a role that ticks on input.
    pub tick_hz: u32,
    /// Half of the ticks of the last seconds took at most this.
    pub tick_p50_us: u32,
    /// 99 of 100 took at most this.
    pub tick_p99_us: u32,
    /// What a tick may take.
    pub tick_budget_us: u64,
    /// Ticks so far.
    pub ticks_total: u64,
    /// Ticks that took longer than their budget or came so late that others were left out.
    pub late_ticks_total: u64,
    /// Ticks that were left out.
    pub skipped_ticks_total: u64,
    /// Inputs so far.
    pub inputs_total: u64,
    /// Inputs that wait.
    pub inputs_waiting: u64,
    /// Requests that wait because the store takes no more.
    pub store_waiting: u64,
    /// Frames that did not arrive.
    pub unsent_total: u64,
    /// Snapshots of battles that were dropped on the way to a gateway.
    pub snapshots_dropped_total: u64,
    /// Replays that were dropped because the disk did not keep up.
    pub replays_dropped_total: u64,
    /// Nothing is left that stopping now would lose.
    pub drained: bool,
    /// Why the role ended, if it failed.
    pub failed: Option<String>,
    /// The role's own counters and levels.
    pub values: BTreeMap<&'static str, u64>,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// Number and incarnation.
    pub node: String,
    /// What it can be asked for.
    #[serde(serialize_with = "state_name")]
    pub state: NodeState,
    /// Version of the build.
    pub build: String,
    /// Its status page, `host:port`; empty if it has none.
    pub page: String,
    /// Its roles with their loads.
    pub roles: Vec<RoleLoad>,
}

/// How loaded a role of a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleLoad {
    /// Its name.
    pub role: &'static str,
    /// Units of work in hand.
    pub load: u32,
}

impl Default for StatusView {
    fn default() -> Self {
        let nobody = NodeStatus {
            id: NodeId::default(),
            state: NodeState::Starting,
            build: String::new(),
            healthy: true,
            suspended: false,
            roles: Vec::new(),
        };
        Self::of(&nobody, &[], "", Duration::ZERO)
    }
}

impl StatusView {
    /// The view of a node.
    #[must_use]
    pub fn of(status: &NodeStatus, nodes: &[NodeCard], quic: &str, uptime: Duration) -> Self {
        let value = |role, name| value(status, role, name);
        Self {
            node: status.id.to_string(),
            build: status.build.clone(),
            state: status.state,
            healthy: status.healthy,
            suspended: status.suspended,
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
            quic: quic.to_owned(),
            players: value(Role::Gateway, "sessions_playing"),
            battles: value(Role::Battleapp, "battles"),
            tickets: value(Role::Matchmaker, "tickets_waiting"),
            logins_total: value(Role::Gateway, "logins_total"),
            requests_total: value(Role::Gateway, "requests_total"),
            matches_total: value(Role::Matchmaker, "matches_total"),
            roles: status.roles.iter().map(RoleView::of).collect(),
            nodes: nodes.iter().map(NodeView::of).collect(),
            history: Vec::new(),
        }
    }
}

impl NodeView {
    fn of(card: &NodeCard) -> Self {
        let roles =
            card.roles.iter().map(|(role, load)| RoleLoad { role: role.name(), load: *load });
        let (node, build) = (card.id.to_string(), card.build.clone());
        let page = card.page.map(|page| page.to_string()).unwrap_or_default();
        Self { node, state: card.state, build, page, roles: roles.collect() }
    }
}

impl RoleView {
    fn of(role: &RoleStatus) -> Self {
        let rate = Pace::of(role.role).rate();
        Self {
            role: role.role.name(),
            load: role.load,
            tick_hz: rate.hz(),
            tick_p50_us: role.tick_us.p50,
            tick_p99_us: role.tick_us.p99,
            tick_budget_us: rate.period_ns() / 1_000,
            ticks_total: role.ticks,
            late_ticks_total: role.overruns,
            skipped_ticks_total: role.ticks_skipped,
            inputs_total: role.inputs,
            inputs_waiting: role.backlog,
            store_waiting: role.store_waiting,
            unsent_total: role.unsent,
            snapshots_dropped_total: role.snapshots_dropped,
            replays_dropped_total: role.replays_dropped,
            drained: role.drained,
            failed: role.failed.clone(),
            values: role.values.clone(),
        }
    }
}

/// The name of a state.
#[must_use]
pub const fn state(state: NodeState) -> &'static str {
    match state {
        NodeState::Starting => "starting",
        NodeState::Ready => "ready",
        NodeState::Draining => "draining",
    }
}

/// A value that a role counts; zero if this node does not host the role.
#[must_use]
pub fn value(status: &NodeStatus, role: Role, name: &str) -> u64 {
    let role = status.roles.iter().find(|candidate| candidate.role == role);
    role.and_then(|role| role.values.get(name)).copied().unwrap_or(0)
}

fn state_name<S: serde::Serializer>(of: &NodeState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state(*of))
}
