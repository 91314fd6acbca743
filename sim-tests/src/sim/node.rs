//! A simulated node: the real cores of its roles, at the real pace, by a clock of its own.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use baseapp::core::Baseapp;
use battleapp::BattleApp;
use gateway::core::{Gateway, GatewayLimits};
use matchmaker::Matchmaker;
use shared::content::Content;
use shared::core::{Core, EdgeInput, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState, Nodes};
use shared::ids::{Address, NodeId, Role};
use shared::limits::{STORE_OPS_WAITING_MAX, TICK_INPUTS_MAX};
use shared::msg::Body;
use shared::rng;
use shared::schedule::{Due, Pace, Schedule};
use shared::store::{OpId, StoreReply};
use shared::tick::{Tick, TickRate};
use social::Social;

use super::store::Handle;

/// The build that all nodes say they are.
const BUILD: &str = "0.1.0";

/// One life of a node.
#[derive(Debug)]
pub(super) struct Node {
    /// Who it is.
    pub(super) id: NodeId,
    /// Its roles.
    pub(super) roles: Vec<RoleSlot>,
    /// What it tells the others.
    pub(super) state: NodeState,
    /// The others as it knows them.
    pub(super) known: Nodes,
    /// The version of the board that it knows.
    pub(super) seen: u64,
    /// When it last asked for a renewal that was granted, by its own clock.
    pub(super) renewed_us: u64,
    /// Nothing happens in it until then.
    pub(super) paused_until_us: u64,
    /// When it was told to drain.
    pub(super) draining_since_us: Option<u64>,
    started_us: u64,
    drift_ppm: i64,
    /// Who was declared gone.
    buried: BTreeSet<NodeId>,
}

/// A role of a node.
pub(super) struct RoleSlot {
    /// Where it is.
    pub(super) address: Address,
    mind: Mind,
    schedule: Schedule,
    pace: Pace,
    /// What the node tells its roles.
    pub(super) control: Vec<Input>,
    /// Frames that came.
    pub(super) inbox: VecDeque<(Address, Body)>,
    /// Frames that did not arrive.
    pub(super) unsent: VecDeque<(Address, Body)>,
    /// What happened at the client edge.
    pub(super) edge: VecDeque<EdgeInput>,
    /// What it has asked the store.
    pub(super) handle: Handle,
    /// When it looks up next; an earlier look-up replaces a later one.
    pub(super) wakes_us: u64,
    inputs: Vec<Input>,
    /// What the core was called with, if somebody wants to know.
    pub(super) tape: Option<Vec<Call>>,
}

/// The core of a role; some are asked at the end for what others do not see.
enum Mind {
    Social(Box<Social>),
    Other(Box<dyn Core>),
}

/// A call of a core.
#[derive(Clone, Debug)]
pub enum Call {
    /// `Core::tick`, with its inputs.
    Tick(Tick, Vec<Input>),
    /// `Core::stored`, with the last tick that ran.
    Stored(Tick, OpId, StoreReply),
}

impl fmt::Debug for RoleSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleSlot").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a role makes of a moment.
pub(super) enum Moment {
    /// It ticked.
    Ticked {
        /// The tick.
        tick: Tick,
        /// How many inputs it took.
        inputs: usize,
    },
    /// Nothing is due before this time.
    Wait {
        /// The time in µs.
        until_us: u64,
    },
}

impl Node {
    /// A node at the beginning of a life.
    pub(super) fn new(
        id: NodeId,
        roles: &[Role],
        drift_ppm: i64,
        now_us: u64,
        content: &Arc<Content>,
    ) -> Self {
        let slot = |role: &Role| RoleSlot::new(Address { node: id, role: *role }, content);
        let mut node = Self {
            id,
            roles: roles.iter().map(slot).collect(),
            state: NodeState::Starting,
            known: Nodes::default(),
            seen: 0,
            renewed_us: 0,
            paused_until_us: 0,
            draining_since_us: None,
            started_us: now_us,
            drift_ppm,
            buried: BTreeSet::new(),
        };
        node.renewed_us = node.local_us(now_us);
        let card = node.card();
        node.hear(&DirectoryEvent::Changed(card));
        node
    }

    /// Whether it has a role.
    pub(super) fn hosts(&self, role: Role) -> bool {
        self.roles.iter().any(|slot| slot.address.role == role)
    }

    /// What it tells the others.
    pub(super) fn card(&self) -> NodeCard {
        NodeCard {
            id: self.id,
            state: self.state,
            build: String::from(BUILD),
            roles: self.roles.iter().map(|slot| (slot.address.role, slot.load())).collect(),
            link: None,
            page: None,
        }
    }

    /// Takes a change of the directory and hands it to all roles.
    pub(super) fn hear(&mut self, event: &DirectoryEvent) {
        self.known.apply(event);
        for slot in &mut self.roles {
            slot.control.push(Input::Directory(event.clone()));
        }
    }

    /// Notes that a life of a node is over.
    pub(super) fn bury(&mut self, node: NodeId) {
        self.buried.insert(node);
    }

    /// Whether it has heard that this life is over.
    pub(super) fn has_buried(&self, node: NodeId) -> bool {
        self.buried.contains(&node)
    }

    /// Whether nothing is left that exiting now would lose.
    pub(super) fn is_drained(&self) -> bool {
        self.roles.iter().all(|slot| {
            slot.mind.core().status().drained
                && slot.unsent.is_empty()
                && slot.handle.waiting() == 0
        })
    }

    /// Time by its own clock, in µs since it started.
    pub(super) fn local_us(&self, now_us: u64) -> u64 {
        let since = i128::from(now_us.saturating_sub(self.started_us));
        let local = since * (1_000_000 + i128::from(self.drift_ppm)) / 1_000_000;
        u64::try_from(local).unwrap_or(0)
    }

    /// When its own clock shows `local_us`, rounded up.
    fn world_us(&self, local_us: u64) -> u64 {
        let rate = u128::try_from(1_000_000 + self.drift_ppm).unwrap_or(1_000_000);
        let since = (u128::from(local_us) * 1_000_000).div_ceil(rate);
        self.started_us.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// Lets a role look up: it ticks if a tick is due.
    pub(super) fn look_up(
        &mut self,
        role: usize,
        now_us: u64,
        outputs: &mut Vec<Output>,
    ) -> Moment {
        let local_us = self.local_us(now_us);
        let Some(slot) = self.roles.get_mut(role) else {
            return Moment::Wait { until_us: u64::MAX };
        };
        if slot.handle.waiting() >= STORE_OPS_WAITING_MAX {
            return Moment::Wait { until_us: now_us + 2_000 };
        }
        slot.gather();
        // As in the runtime, tick 1 is due at once.
        let local_ns = local_us * 1_000 + slot.pace.rate().period_ns() + 1;
        match slot.schedule.at(local_ns, !slot.inputs.is_empty()) {
            Due::Tick { tick, .. } => {
                let inputs = slot.inputs.len();
                if let Some(tape) = &mut slot.tape {
                    tape.push(Call::Tick(tick, slot.inputs.clone()));
                }
                slot.mind.core_mut().tick(tick, slot.inputs.drain(..), outputs);
                Moment::Ticked { tick, inputs }
            }
            Due::Wait { until_ns } => {
                let until_ns = until_ns.saturating_sub(slot.pace.rate().period_ns() + 1);
                let until_us = self.world_us(until_ns.div_ceil(1_000)).max(now_us + 1);
                Moment::Wait { until_us }
            }
        }
    }
}

impl RoleSlot {
    fn new(address: Address, content: &Arc<Content>) -> Self {
        let pace = Pace::of(address.role);
        Self {
            address,
            mind: Mind::new(address, pace, content),
            schedule: Schedule::new(pace),
            pace,
            control: Vec::new(),
            inbox: VecDeque::new(),
            unsent: VecDeque::new(),
            edge: VecDeque::new(),
            handle: Handle::default(),
            wakes_us: u64::MAX,
            inputs: Vec::new(),
            tape: None,
        }
    }

    /// The rate of its ticks.
    pub(super) const fn rate(&self) -> TickRate {
        self.pace.rate()
    }

    fn load(&self) -> u32 {
        self.mind.core().status().load
    }

    /// The core, if it is a social node's.
    pub(super) const fn social(&self) -> Option<&Social> {
        match &self.mind {
            Mind::Social(social) => Some(social),
            Mind::Other(_) => None,
        }
    }

    /// Whether what comes wakes it, or it looks at its next tick anyway.
    pub(super) const fn is_woken_by_input(&self) -> bool {
        matches!(self.pace, Pace::OnInput(_))
    }

    /// Hands the core the answers of the store that are there. Returns how many.
    pub(super) fn take_answers(&mut self, outputs: &mut Vec<Output>) -> usize {
        let mut taken = 0;
        while let Some((op, reply)) = self.handle.next() {
            let now = self.schedule.last();
            if let Some(tape) = &mut self.tape {
                tape.push(Call::Stored(now, op, reply.clone()));
            }
            self.mind.core_mut().stored(now, op, reply, outputs);
            taken += 1;
        }
        taken
    }

    /// In the runtime's order: the node's word, what did not arrive, frames and the edge.
    fn gather(&mut self) {
        let inputs = &mut self.inputs;
        inputs.append(&mut self.control);
        let room = |inputs: &Vec<Input>| TICK_INPUTS_MAX.saturating_sub(inputs.len());
        let count = self.unsent.len().min(room(inputs));
        inputs.extend(self.unsent.drain(..count).map(|(to, body)| Input::Unsent { to, body }));
        let count = self.inbox.len().min(room(inputs));
        inputs.extend(self.inbox.drain(..count).map(|(from, body)| Input::Frame { from, body }));
        let count = self.edge.len().min(room(inputs));
        inputs.extend(self.edge.drain(..count).map(Input::Edge));
    }
}

impl Mind {
    fn new(me: Address, pace: Pace, content: &Arc<Content>) -> Self {
        match me.role {
            Role::Social => Self::Social(Box::new(Social::new(me, pace.rate()))),
            Role::Gateway | Role::Baseapp | Role::Battleapp | Role::Matchmaker => {
                Self::Other(core(me, pace, content))
            }
        }
    }

    fn core(&self) -> &dyn Core {
        match self {
            Self::Social(social) => social.as_ref(),
            Self::Other(core) => core.as_ref(),
        }
    }

    fn core_mut(&mut self) -> &mut dyn Core {
        match self {
            Self::Social(social) => social.as_mut(),
            Self::Other(core) => core.as_mut(),
        }
    }
}

/// A fresh core.
pub(super) fn core(me: Address, pace: Pace, content: &Arc<Content>) -> Box<dyn Core> {
    let (rate, content) = (pace.rate(), Arc::clone(content));
    match me.role {
        Role::Gateway => Box::new(Gateway::new(me, rate, GatewayLimits::default())),
        Role::Baseapp => Box::new(Baseapp::new(me, rate, content)),
        Role::Battleapp => Box::new(BattleApp::new(me, rate, content, BUILD)),
        Role::Social => Box::new(Social::new(me, rate)),
        Role::Matchmaker => {
            let seed = rng::mix(1, &[me.node.unique(0)]);
            Box::new(Matchmaker::new(me, rate, content.queues.clone(), seed))
        }
    }
}
