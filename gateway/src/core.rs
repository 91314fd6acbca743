//! The gateway's core: sessions from connection to close, and everything that passes through them.
//!
//! A conversation is a file: [`sessions`] with the edge, [`login`] and [`requests`] with clients,
//! baseapps and social, [`battles`] with battleapps, [`peers`] with the directory.

mod battles;
mod bucket;
mod counters;
mod farewells;
mod limits;
mod login;
mod peers;
mod requests;
mod seats;
mod session;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Drain;

use shared::core::{Core, CoreStatus, EdgeInput, EdgeOutput, Input, Output};
use shared::directory::Nodes;
use shared::ids::{Address, SessionId, SessionRef};
use shared::msg::Body;
use shared::msg::client::{ClientFrame, ServerFrame};
use shared::store::{OpId, StoreReply};
use shared::tick::{Tick, TickRate};

use counters::Counters;
use farewells::Farewells;
use limits::Rules;
use seats::Seats;
use session::{Playing, Session, State};

pub use limits::{
    AUTH_MS, CLOSING_MS, DRAIN_MS, FAREWELLS_MAX, GatewayLimits, LOGIN_HOPS_MAX, LOGIN_MS,
    OPEN_AGAIN_MS, REQUEST_MS, RETRY_MS,
};

/// The gateway role.
#[derive(Debug)]
pub struct Gateway {
    me: Address,
    rules: Rules,
    now: Tick,
    nodes: Nodes,
    /// The ready social nodes as of the last look, to see whether homes may have moved.
    social_ready: Vec<Address>,
    sessions: BTreeMap<SessionId, Session>,
    /// At most one entry per session.
    timers: BTreeSet<(Tick, SessionId)>,
    /// Questions to the store; at most one per session.
    lookups: BTreeMap<OpId, SessionId>,
    seats: Seats,
    farewells: Farewells,
    counters: Counters,
    draining: bool,
    /// Sessions that still have to log in.
    logging_in: u32,
    ops: u64,
    placements: u64,
    /// Requests sent on so far.
    asked: u64,
}

impl Gateway {
    /// A gateway at `me` whose ticks come at `rate` (it may be ticked less often; `now` then skips
    /// numbers).
    #[must_use]
    pub fn new(me: Address, rate: TickRate, limits: GatewayLimits) -> Self {
        Self {
            me,
            rules: Rules::new(rate, limits),
            now: Tick(0),
            nodes: Nodes::default(),
            social_ready: Vec::new(),
            sessions: BTreeMap::new(),
            timers: BTreeSet::new(),
            lookups: BTreeMap::new(),
            seats: Seats::default(),
            farewells: Farewells::default(),
            counters: Counters::default(),
            draining: false,
            logging_in: 0,
            ops: 0,
            placements: 0,
            asked: 0,
        }
    }

    fn take(&mut self, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Edge(input) => self.take_edge(input, outputs),
            Input::Frame { from, body } => self.take_frame(from, body, outputs),
            Input::Unsent { to, body } => self.unsent(to, body, outputs),
            Input::Directory(event) => self.directory_changed(&event, outputs),
            Input::Drain => self.drain(outputs),
        }
    }

    fn take_edge(&mut self, input: EdgeInput, outputs: &mut Vec<Output>) {
        match input {
            EdgeInput::Connected { session } => self.connected(session, outputs),
            EdgeInput::Frame { session, frame } => match frame {
                ClientFrame::Login(login) => self.login(session, login, outputs),
                ClientFrame::Request { id, request } => self.request(session, id, request, outputs),
            },
            EdgeInput::Datagram { session, datagram } => self.datagram(session, datagram, outputs),
            EdgeInput::Malformed { session } => self.offend(session, outputs),
            EdgeInput::Closed { session } => self.closed(session, outputs),
        }
    }

    fn take_frame(&mut self, from: Address, body: Body, outputs: &mut Vec<Output>) {
        match body {
            Body::FromBaseapp(message) => self.take_baseapp(from, message, outputs),
            Body::FromSocial(message) => self.take_social(from, message, outputs),
            Body::BattleOutput(message) => self.take_battle(from, message, outputs),
            Body::MailWaiting(_)
            | Body::ToBaseapp(_)
            | Body::ToSocial(_)
            | Body::ToMatchmaker(_)
            | Body::FromMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::FromBattle(_)
            | Body::BattleInput(_)
            | Body::Rejoin(_)
            | Body::ToPublisher(_)
            | Body::ToSubscriber(_) => self.counters.stale += 1,
        }
    }

    /// What other nodes call a session of this gateway.
    fn session_ref(&self, session: SessionId) -> SessionRef {
        SessionRef { gateway: self.me.node, session }
    }

    fn playing(&mut self, session: SessionId) -> Option<&mut Playing> {
        match &mut self.sessions.get_mut(&session)?.state {
            State::Playing(playing) => Some(playing),
            State::Connected { .. }
            | State::FindingOwner { .. }
            | State::Opening { .. }
            | State::Closing { .. } => None,
        }
    }
}

impl Core for Gateway {
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        self.now = now;
        for input in inputs {
            self.take(input, outputs);
        }
        self.run_timers(outputs);
        self.farewells.resend(now, &self.nodes, outputs);
    }

    fn stored(&mut self, now: Tick, op: OpId, reply: StoreReply, outputs: &mut Vec<Output>) {
        self.now = now;
        self.owner_found(op, reply, outputs);
    }

    fn status(&self) -> CoreStatus {
        let playing = self.sessions.values().filter_map(|session| match &session.state {
            State::Playing(playing) => Some(playing),
            State::Connected { .. }
            | State::FindingOwner { .. }
            | State::Opening { .. }
            | State::Closing { .. } => None,
        });
        let (mut players, mut in_flight) = (0, 0);
        for playing in playing {
            players += 1;
            in_flight += playing.in_flight.len();
        }
        let mut values = self.counters.values();
        values.extend([
            ("sessions", level(self.sessions.len())),
            ("sessions_playing", players),
            ("sessions_logging_in", u64::from(self.logging_in)),
            ("requests_in_flight", level(in_flight)),
            ("battles", level(self.seats.len())),
            ("farewells_waiting", level(self.farewells.len())),
        ]);
        CoreStatus {
            load: u32::try_from(self.sessions.len()).unwrap_or(u32::MAX),
            drained: self.draining && self.sessions.is_empty() && self.farewells.len() == 0,
            values,
        }
    }
}

/// Puts a frame out to a client.
fn to_client(session: SessionId, frame: ServerFrame, outputs: &mut Vec<Output>) {
    outputs.push(Output::Edge(EdgeOutput::Frame { session, frame }));
}

fn level(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
