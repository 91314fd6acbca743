//! Connections of clients to gateways: in order within one, late, and lost without a word.

use std::sync::Arc;

use shared::core::{EdgeInput, EdgeOutput};
use shared::ids::{Address, NodeId, Role, SessionId};

use super::players::{BACK_OFF_US, Player};
use super::world::{Event, World};

/// How long a client takes to see that its gateway died, in µs: at least, at most.
const SEE_DEATH_US: (u64, u64) = (1_000, 5_000_000);

/// A connection as the client has it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) session: SessionId,
    pub(super) gateway: NodeId,
    pub(super) since_us: u64,
    pub(super) is_in: bool,
    /// When the last frame arrives at the gateway, and at the client.
    pub(super) up_us: u64,
    pub(super) down_us: u64,
    pub(super) heard_us: u64,
    /// When something was asked that was not answered yet.
    pub(super) asked_us: Option<u64>,
}

impl World<'_> {
    /// Sends something to the gateway, in order.
    pub(super) fn up(&mut self, player: usize, input: EdgeInput) {
        let at_us = self.now_us + self.within(self.plan.client_us);
        let Some(connection) = &mut self.players[player].connection else { return };
        connection.up_us = connection.up_us.max(at_us);
        let (at_us, gateway) = (connection.up_us, connection.gateway);
        self.agenda.put(at_us, Event::ToGateway { gateway, input: Box::new(input) });
    }

    pub(super) fn gateway_gets(&mut self, gateway: NodeId, input: EdgeInput) {
        let address = Address { node: gateway, role: Role::Gateway };
        let Some(node) = self.node(gateway) else { return };
        if let Some(slot) = node.roles.iter_mut().find(|slot| slot.address == address) {
            slot.edge.push_back(input);
            self.wake_by_input(address);
        }
    }

    /// A gateway acts at its edge.
    pub(super) fn at_the_edge(&mut self, from: Address, output: EdgeOutput) {
        match output {
            EdgeOutput::Frame { session, frame } => {
                if let Some(at_us) = self.down(session) {
                    self.agenda.put(at_us, Event::ToClient { session, frame: Box::new(frame) });
                }
            }
            EdgeOutput::Datagram { sessions, bytes } => {
                let bytes: Arc<[u8]> = bytes.into();
                for session in sessions {
                    self.datagram_leaves(session, &bytes);
                }
            }
            EdgeOutput::Close { session } => {
                if let Some(at_us) = self.down(session) {
                    self.agenda.put(at_us, Event::HungUp { session });
                }
                let input = Box::new(EdgeInput::Closed { session });
                self.agenda.put(self.now_us + 1, Event::ToGateway { gateway: from.node, input });
            }
        }
    }

    /// When something that is sent to a client now arrives, after all before it.
    fn down(&mut self, session: SessionId) -> Option<u64> {
        let at_us = self.now_us + self.within(self.plan.client_us);
        let player = *self.sessions.get(&session)?;
        let connection = self.players[player].connection.as_mut();
        let connection = connection.filter(|connection| connection.session == session)?;
        connection.down_us = connection.down_us.max(at_us);
        Some(connection.down_us)
    }

    fn datagram_leaves(&mut self, session: SessionId, bytes: &Arc<[u8]>) {
        if self.chance(self.plan.datagrams_lost) {
            self.history.count("client: datagram lost");
            return;
        }
        let copies = if self.chance(self.plan.datagrams_doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let at_us = self.now_us + self.within(self.plan.client_us);
            self.agenda.put(at_us, Event::Datagram { session, bytes: Arc::clone(bytes) });
        }
    }

    /// The player of a session that is still open.
    pub(super) fn player_of(&self, session: SessionId) -> Option<usize> {
        let player = *self.sessions.get(&session)?;
        let connection = self.players.get(player)?.connection.as_ref()?;
        (connection.session == session).then_some(player)
    }

    /// A client learns that its connection is gone.
    pub(super) fn hung_up(&mut self, session: SessionId) {
        let Some(player) = self.player_of(session) else { return };
        self.sessions.remove(&session);
        self.players[player].connection = None;
        self.players[player].brain.on_disconnect();
        let at_us = self.now_us + self.within(BACK_OFF_US);
        self.players[player].wakes_us = u64::MAX;
        self.player_wakes(player, at_us);
    }

    /// A client ends its connection, or loses it; the gateway sees it at once or much later.
    pub(super) fn hang_up(&mut self, player: usize) {
        let Some(connection) = &self.players[player].connection else { return };
        let (session, gateway) = (connection.session, connection.gateway);
        let sees_us = if self.chance(500) { 10_000 } else { 15_000_000 };
        let at_us = self.now_us + self.draws.below(sees_us);
        let input = Box::new(EdgeInput::Closed { session });
        self.agenda.put(at_us, Event::ToGateway { gateway, input });
        self.hung_up(session);
    }

    /// A gateway has died: its clients see it sooner or later.
    pub(super) fn gateway_is_lost(&mut self, gateway: NodeId) {
        let lost = |player: &Player| {
            let connection = player.connection.as_ref()?;
            (connection.gateway == gateway).then_some(connection.session)
        };
        let sessions: Vec<SessionId> = self.players.iter().filter_map(lost).collect();
        for session in sessions {
            let at_us = self.now_us + self.within(SEE_DEATH_US);
            self.agenda.put(at_us, Event::HungUp { session });
        }
    }

    /// Breaks so many of 1,000 connections.
    pub(super) fn hang_up_some(&mut self, permille: u64) {
        for player in 0..self.players.len() {
            if self.chance(permille) {
                self.hang_up(player);
            }
        }
    }
}
