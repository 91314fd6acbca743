//! What all features share: the time, the nodes, the keeper, and what is to be put out.

use bevy_ecs::prelude::Resource;

use shared::core::Output;
use shared::directory::Nodes;
use shared::ids::{Address, RequestId, SessionRef};
use shared::lateness::Lateness;
use shared::msg::Body;
use shared::msg::client::{Event, Reply};
use shared::msg::gateway_social::FromSocial;
use shared::msg::head::{Head, Trace};
use shared::msg::refusal::Refusal;
use shared::ownership::Keeper;
use shared::tick::{Tick, TickRate};

/// The side of the core that faces the rest of the node.
#[derive(Debug, Resource)]
pub(crate) struct Border {
    /// This role.
    pub(crate) me: Address,
    /// Ticks per second.
    pub(crate) rate: TickRate,
    /// The tick that runs.
    pub(crate) now: Tick,
    /// The node is to stop.
    pub(crate) draining: bool,
    /// Who is alive.
    pub(crate) nodes: Nodes,
    /// How late other nodes' requests are.
    pub(crate) lateness: Lateness,
    /// Holds the guild keys.
    pub(crate) keeper: Keeper,
    /// What is to be done, in order. Emptied at the end of every tick.
    pub(crate) outputs: Vec<Output>,
    /// What was counted.
    pub(crate) counters: Counters,
    ids_made: u64,
}

/// Counters of the role since it began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Requests refused.
    pub(crate) refusals: u64,
    /// Requests that came too late to be carried out.
    pub(crate) late: u64,
    /// Mails applied to a guild.
    pub(crate) mail_applied: u64,
    /// Mails that could not be applied and were put aside.
    pub(crate) mail_quarantined: u64,
    /// Frames that are not for this role or not from who may send them.
    pub(crate) misdirected: u64,
    /// Frames that did not arrive.
    pub(crate) unsent: u64,
}

impl Border {
    /// The border of the role at `me`, before its first tick.
    pub(crate) fn new(me: Address, rate: TickRate) -> Self {
        Self {
            me,
            rate,
            now: Tick(0),
            draining: false,
            nodes: Nodes::default(),
            lateness: Lateness::default(),
            keeper: Keeper::new(me),
            outputs: Vec::new(),
            counters: Counters::default(),
            ids_made: 0,
        }
    }

    /// An id that nothing else in the cluster has.
    pub(crate) fn unique_id(&mut self) -> u64 {
        self.ids_made += 1;
        self.me.node.unique(self.ids_made)
    }

    /// The tick `ms` milliseconds from now.
    pub(crate) fn tick_in_ms(&self, ms: u64) -> Tick {
        self.now.after(self.rate.ticks_of_ms(ms))
    }

    /// Whether `ms` milliseconds have passed since `since`.
    pub(crate) fn has_passed(&self, since: Tick, ms: u64) -> bool {
        self.now.since(since) >= self.rate.ticks_of_ms(ms)
    }

    /// Whether nobody waits for the answer to a request any more.
    pub(crate) fn is_late(&mut self, from: Address, head: &Head) -> bool {
        let late = self.lateness.is_over(from.node, head, self.rate.ms_at(self.now));
        self.counters.late += u64::from(late);
        head.note(self.me.role, if late { "too late" } else { "carried out" });
        late
    }

    /// What goes with a request that is sent now.
    pub(crate) fn head(&self, budget_ms: u64, trace: Option<Trace>) -> Head {
        let budget_ms = u32::try_from(budget_ms).unwrap_or(u32::MAX);
        Head { sent_ms: self.rate.ms_at(self.now), budget_ms, trace }
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, to: Address, body: Body) {
        self.outputs.push(Output::Send { to, body });
    }

    /// Tells a client something.
    pub(crate) fn tell(&mut self, session: SessionRef, event: Event) {
        let said = FromSocial::Event { session: session.session, event };
        self.send(session.address(), Body::FromSocial(said));
    }

    /// Answers a request.
    pub(crate) fn reply(
        &mut self,
        session: SessionRef,
        id: RequestId,
        result: Result<Reply, Refusal>,
    ) {
        self.counters.refusals += u64::from(result.is_err());
        self.outputs.push(reply_frame(session, id, result));
    }
}

/// The frame that answers a request.
pub(crate) fn reply_frame(
    session: SessionRef,
    id: RequestId,
    result: Result<Reply, Refusal>,
) -> Output {
    let said = FromSocial::Reply { session: session.session, id, result };
    Output::Send { to: session.address(), body: Body::FromSocial(said) }
}
