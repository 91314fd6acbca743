//! What a seed decides before anything happens: the cluster, the players, the faults.
//!
//! A plan is plain data, so that a failing one can be made smaller piece by piece (`shrink`).
//! Every seed turns only some of the faults on, and the others up: runs in which everything goes
//! wrong at once hide what one fault alone would show (Groce et al., "Swarm testing", 2012).

use serde::{Deserialize, Serialize};
use shared::ids::Role;
use shared::rng::Draws;

/// Time in which nothing new goes wrong, so that everything has to come to life again, in ms.
pub const SETTLE_MS: u64 = 45_000;
/// Length of a node's lease in ms, as in `cluster.lease`.
pub const LEASE_MS: u64 = 3_000;

/// How much goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weather {
    /// Nothing but latency.
    Calm,
    /// A fault every few seconds.
    #[default]
    Rough,
    /// Faults that overlap.
    Harsh,
}

impl Weather {
    /// The name as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rough => "rough",
            Self::Harsh => "harsh",
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Decides every draw during the run.
    pub seed: u64,
    /// The nodes, by number from one.
    pub nodes: Vec<NodePlan>,
    /// Players.
    pub clients: u32,
    /// Milliseconds between the requests of a player.
    pub pace_ms: u64,
    /// Whether players queue for battles.
    pub fights: bool,
    /// How long faults and play go on, in ms; [`SETTLE_MS`] follow.
    pub active_ms: u64,
    /// One way between two nodes, in µs: at least, at most.
    pub link_us: (u64, u64),
    /// One way between node and store, in µs.
    pub store_us: (u64, u64),
    /// One way between client and gateway, in µs.
    pub client_us: (u64, u64),
    /// From a write to when it is durable, in µs.
    pub sync_us: u64,
    /// Of 1,000 datagrams, how many are lost.
    pub datagrams_lost: u64,
    /// Of 1,000 datagrams, how many come twice.
    pub datagrams_doubled: u64,
    /// Of 1,000 requests, how many a client sends twice.
    pub requests_doubled: u64,
    /// Of 1,000 relay steps, how many end between delivery and removal.
    pub relays_torn: u64,
    /// Whether frames of a node that was declared gone are still delivered.
    pub ghosts_heard: bool,
    /// What goes wrong, by time.
    pub faults: Vec<PlannedFault>,
    /// To 1,000 requests, how many absurd ones come, which have to be refused.
    pub pranks: u64,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlan {
    /// What it hosts.
    pub roles: Vec<Role>,
    /// How much faster its clock runs, in millionths.
    pub drift_ppm: i64,
    /// When it joins, in ms.
    pub joins_ms: u64,
}

/// A fault and when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFault {
    /// When, in ms.
    pub at_ms: u64,
    /// What.
    pub fault: Fault,
}

/// What can go wrong. Nodes are named by their place in [`Plan::nodes`]; `ms` says how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the enum says what the fields mean")]
pub enum Fault {
    /// The node's process is killed, perhaps while a commit is under way, and started again.
    Crash { node: usize },
    /// The node's process stops and wakes up as if no time had passed.
    Pause { node: usize, ms: u64 },
    /// Frames of other nodes to this one and back wait.
    CutOff { node: usize, ms: u64 },
    /// Frames from one node to another wait, but not those back.
    CutOneWay { from: usize, to: usize, ms: u64 },
    /// Nodes in `mask` and the others do not hear each other.
    Split { mask: u64, ms: u64 },
    /// The node cannot reach the store.
    StoreCut { node: usize, ms: u64 },
    /// Nobody can reach the store.
    StoreAway { ms: u64 },
    /// The store's process is killed and started again: what was not durable may be lost.
    StoreCrash { ms: u64 },
    /// The store takes ten times as long.
    StoreSlow { ms: u64 },
    /// Links take ten times as long.
    LinksSlow { ms: u64 },
    /// No role of the node takes frames.
    QueuesFull { node: usize, ms: u64 },
    /// So many of 1,000 connections of clients break.
    HangUp { permille: u64 },
    /// The node is drained and replaced by a new incarnation.
    Replace { node: usize },
}

impl Fault {
    /// All names, in the order of [`Fault::kind`].
    pub const NAMES: [&'static str; 13] = [
        "crash",
        "pause",
        "cut off",
        "cut one way",
        "split",
        "store cut",
        "store away",
        "store crash",
        "store slow",
        "links slow",
        "queues full",
        "hang up",
        "replace",
    ];

    /// A short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.kind()]
    }

    const fn kind(self) -> usize {
        match self {
            Self::Crash { .. } => 0,
            Self::Pause { .. } => 1,
            Self::CutOff { .. } => 2,
            Self::CutOneWay { .. } => 3,
            Self::Split { .. } => 4,
            Self::StoreCut { .. } => 5,
            Self::StoreAway { .. } => 6,
            Self::StoreCrash { .. } => 7,
            Self::StoreSlow { .. } => 8,
            Self::LinksSlow { .. } => 9,
            Self::QueuesFull { .. } => 10,
            Self::HangUp { .. } => 11,
            Self::Replace { .. } => 12,
        }
    }

    /// The same in a cluster without the node `gone`; `None` if it is about that node.
    fn without(self, gone: usize) -> Option<Self> {
        let place = |node: usize| (node != gone).then(|| node - usize::from(node > gone));
        Some(match self {
            Self::Crash { node } => Self::Crash { node: place(node)? },
            Self::Pause { node, ms } => Self::Pause { node: place(node)?, ms },
            Self::CutOff { node, ms } => Self::CutOff { node: place(node)?, ms },
            Self::CutOneWay { from, to, ms } => {
                Self::CutOneWay { from: place(from)?, to: place(to)?, ms }
            }
            Self::Split { mask, ms } => {
                let below = (1 << (gone % 64)) - 1;
                Self::Split { mask: mask & below | mask >> 1 & !below, ms }
            }
            Self::StoreCut { node, ms } => Self::StoreCut { node: place(node)?, ms },
            Self::QueuesFull { node, ms } => Self::QueuesFull { node: place(node)?, ms },
            Self::Replace { node } => Self::Replace { node: place(node)? },
            Self::StoreAway { .. }
            | Self::StoreCrash { .. }
            | Self::StoreSlow { .. }
            | Self::LinksSlow { .. }
            | Self::HangUp { .. } => self,
        })
    }

    fn drawn(kind: u64, nodes: u64, draws: &mut Draws) -> Self {
        let node = index(draws.below(nodes));
        // Some are over before anybody notices, some outlast the lease.
        let ms = match draws.below(3) {
            0 => 50 + draws.below(450),
            1 => 500 + draws.below(2_000),
            _ => 2_500 + draws.below(5_000),
        };
        match kind {
            0 => Self::Crash { node },
            // Beyond the lease, so that others have taken over when it wakes up.
            1 => Self::Pause { node, ms: if ms < 500 { ms } else { 3_500 + draws.below(6_000) } },
            2 => Self::CutOff { node, ms },
            3 => Self::CutOneWay { from: node, to: index(draws.below(nodes)), ms },
            4 => Self::Split { mask: draws.bits(), ms },
            5 => Self::StoreCut { node, ms },
            6 => Self::StoreAway { ms },
            7 => Self::StoreCrash { ms },
            8 => Self::StoreSlow { ms },
            9 => Self::LinksSlow { ms },
            10 => Self::QueuesFull { node, ms },
            11 => Self::HangUp { permille: 100 + draws.below(900) },
            _ => Self::Replace { node },
        }
    }
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of_seed(seed: u64, weather: Weather) -> Self {
        let mut draws = Draws::new(seed, 0x914);
        let is_calm = weather == Weather::Calm;
        let mut nodes = nodes(&mut draws);
        if is_calm {
            nodes.iter_mut().for_each(|node| node.joins_ms = 0);
        }
        let active_ms = 20_000 + draws.below(40_000);
        let slow = 1 + 9 * draws.below(2);
        let mut some = |up_to: u64| if is_calm || draws.below(2) == 0 { 0 } else { up_to };
        let (lost, doubled, twice, torn) = (some(100), some(50), some(100), some(200));
        let faults = faults(weather, nodes.len(), active_ms, &mut draws);
        Self {
            seed,
            clients: u32::try_from(4 + draws.below(20)).unwrap_or(4),
            pace_ms: 100 + draws.below(900),
            fights: draws.below(3) > 0,
            active_ms,
            link_us: (50 * slow, 400 * slow),
            store_us: (40 * slow, 200 * slow),
            client_us: (1_000 * slow, 4_000 * slow),
            sync_us: 200 + draws.below(5_000),
            datagrams_lost: lost,
            datagrams_doubled: doubled,
            requests_doubled: twice,
            relays_torn: torn,
            ghosts_heard: draws.below(2) == 0,
            nodes,
            faults,
            pranks: 50 * draws.below(2),
        }
    }

    /// The plan of a cluster of ten nodes and 200 players without faults, for measuring speed.
    #[must_use]
    pub fn of_ten_nodes(seed: u64, active_ms: u64) -> Self {
        use Role::{Baseapp, Battleapp, Gateway, Matchmaker, Social};
        let roles = [
            Gateway, Gateway, Baseapp, Baseapp, Baseapp, Battleapp, Battleapp, Battleapp, Social,
            Matchmaker,
        ];
        let node = |role: &Role| NodePlan { roles: vec![*role], drift_ppm: 0, joins_ms: 0 };
        Self {
            nodes: roles.iter().map(node).collect(),
            clients: 200,
            pace_ms: 1_000,
            active_ms,
            faults: Vec::new(),
            pranks: 0,
            ..Self::of_seed(seed, Weather::Calm)
        }
    }

    /// The same cluster without one of its nodes and the faults of that node. What nobody else
    /// hosts moves to the first one that is left; `None` if there is none.
    pub(super) fn without_node(&self, gone: usize) -> Option<Self> {
        let mut plan = self.clone();
        let NodePlan { roles, .. } = plan.nodes.remove(gone);
        let is_hosted = |role| plan.nodes.iter().any(|node| node.roles.contains(&role));
        let homeless: Vec<Role> = roles.into_iter().filter(|role| !is_hosted(*role)).collect();
        let first = plan.nodes.first_mut()?;
        first.roles.extend(homeless);
        first.roles.sort_unstable();
        plan.faults.retain_mut(|planned| {
            let fault = planned.fault.without(gone);
            planned.fault = fault.unwrap_or(planned.fault);
            fault.is_some()
        });
        Some(plan)
    }

    /// When everything ends, in ms.
    #[must_use]
    pub const fn end_ms(&self) -> u64 {
        self.active_ms + SETTLE_MS
    }
}

/// Every role is somewhere, in any mix.
fn nodes(draws: &mut Draws) -> Vec<NodePlan> {
    let count = index(1 + draws.below(7));
    let mut nodes: Vec<NodePlan> = (0..count)
        .map(|number| NodePlan {
            roles: Vec::new(),
            drift_ppm: i64::try_from(draws.below(2_001)).unwrap_or(0) - 1_000,
            // The first is there from the beginning, some come later.
            joins_ms: if number == 0 || draws.below(4) > 0 { 0 } else { draws.below(20_000) },
        })
        .collect();
    for role in Role::ALL {
        // Tickets live on one node.
        let most = if role == Role::Matchmaker { 1 } else { count };
        let hosts = 1 + draws.below(u64::try_from(most).unwrap_or(1));
        for _ in 0..hosts {
            let host = index(draws.below(u64::try_from(count).unwrap_or(1)));
            if let Some(node) = nodes.get_mut(host)
                && !node.roles.contains(&role)
            {
                node.roles.push(role);
            }
        }
    }
    nodes.iter_mut().for_each(|node| node.roles.sort_unstable());
    nodes.retain(|node| !node.roles.is_empty());
    nodes
}

fn faults(weather: Weather, nodes: usize, active_ms: u64, draws: &mut Draws) -> Vec<PlannedFault> {
    let every_ms = match weather {
        Weather::Calm => return Vec::new(),
        Weather::Rough => 4_000 + draws.below(8_000),
        Weather::Harsh => 500 + draws.below(2_500),
    };
    // Half of the runs are about one to three faults that come again and again.
    let all = u64::try_from(Fault::NAMES.len()).unwrap_or(0);
    let kinds: Vec<u64> = match draws.below(2) {
        0 => (0..=draws.below(3)).map(|_| draws.below(all)).collect(),
        _ => (0..all).filter(|_| draws.below(2) == 0).collect(),
    };
    let nodes = u64::try_from(nodes).unwrap_or(1);
    let mut faults = Vec::new();
    let mut at_ms = 3_000;
    while at_ms < active_ms && !kinds.is_empty() {
        let count = u64::try_from(kinds.len()).unwrap_or(1);
        let kind = kinds.get(index(draws.below(count))).copied().unwrap_or(0);
        faults.push(PlannedFault { at_ms, fault: Fault::drawn(kind, nodes, draws) });
        at_ms += 1 + draws.below(2 * every_ms);
    }
    faults
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_role_is_hosted_and_every_fault_comes_up() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let plan = Plan::of_seed(seed, Weather::Harsh);
            let roles: BTreeSet<Role> =
                plan.nodes.iter().flat_map(|node| node.roles.iter().copied()).collect();
            assert_eq!(roles.len(), Role::ALL.len(), "seed {seed}");
            seen.extend(plan.faults.iter().map(|planned| planned.fault.name()));
        }
        assert_eq!(seen, Fault::NAMES.into_iter().collect());
    }

    #[test]
    fn without_a_node_every_role_is_hosted_and_faults_mean_the_same_nodes() {
        for seed in 0..100 {
            let mut plan = Plan::of_seed(seed, Weather::Harsh);
            while let Some(smaller) = plan.without_node(plan.nodes.len() / 2) {
                assert_eq!(smaller.nodes.len() + 1, plan.nodes.len());
                let roles: BTreeSet<Role> =
                    smaller.nodes.iter().flat_map(|node| node.roles.iter().copied()).collect();
                assert_eq!(roles.len(), Role::ALL.len(), "seed {seed}");
                plan = smaller;
            }
            assert_eq!(plan.nodes.len(), 1);
        }
        let faults = [
            (Fault::Crash { node: 0 }, Some(Fault::Crash { node: 0 })),
            (Fault::Pause { node: 1, ms: 5 }, None),
            (Fault::Replace { node: 2 }, Some(Fault::Replace { node: 1 })),
            (Fault::CutOneWay { from: 2, to: 1, ms: 5 }, None),
            (Fault::Split { mask: 0b1010, ms: 5 }, Some(Fault::Split { mask: 0b100, ms: 5 })),
            (Fault::StoreSlow { ms: 5 }, Some(Fault::StoreSlow { ms: 5 })),
        ];
        for (fault, without) in faults {
            assert_eq!(fault.without(1), without);
        }
    }

    #[test]
    fn calm_weather_has_no_faults() {
        assert_eq!(Plan::of_seed(1, Weather::Calm).faults, []);
        assert_eq!(Plan::of_seed(1, Weather::Calm).datagrams_lost, 0);
    }
}
