//! The border between a deterministic core and its shell: everything that goes in, everything
//! that comes out.
//!
//! A core decides and touches nothing. The same inputs at the same ticks give the same outputs in
//! the same order, on every machine; a recording of the inputs is therefore a recording of the
//! node, and a simulator is just another shell.

use std::vec::Drain;

use serde::{Deserialize, Serialize};

use crate::directory::DirectoryEvent;
use crate::ids::{Address, BattleId, SessionId};
use crate::msg::Body;
use crate::msg::client::{ClientDatagram, ClientFrame, ServerFrame};
use crate::store::{OpId, StoreReply, StoreRequest};
use crate::tick::Tick;

/// What one role of a node decides with.
pub trait Core: Send {
    /// Advances one tick: consumes what arrived since the last one, in order, and says what is to
    /// be done. Everything changed in this tick is committed as one batch.
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>);

    /// Takes an answer of the store as soon as it is there, between two ticks, so that a held
    /// reply does not wait for the next tick. `now` is the last tick that ran.
    fn stored(&mut self, now: Tick, op: OpId, reply: StoreReply, outputs: &mut Vec<Output>);

    /// What the node reports about this role: placement, status page and metrics read it.
    fn status(&self) -> CoreStatus;
}

/// A role's own account of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreStatus {
    /// Units of work in hand (sessions, players, fighters, tickets). Placement compares it
    /// between nodes of one role.
    pub load: u32,
    /// Nothing is left that exiting now would lose. Only meaningful after [`Input::Drain`].
    pub drained: bool,
    /// Named values: counters end in `_total`, everything else is a level. Low cardinality.
    pub values: Vec<(&'static str, u64)>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// A frame from a role of this or another node.
    Frame {
        /// Who sent it.
        from: Address,
        /// What it says.
        body: Body,
    },
    /// A frame that this core sent and that did not arrive: the peer is gone or its queue full.
    Unsent {
        /// Where it was to go.
        to: Address,
        /// What it said.
        body: Body,
    },
    /// The set of nodes has changed.
    Directory(DirectoryEvent),
    /// Something at the client edge; only gateways get these.
    Edge(EdgeInput),
    /// The node is to stop: accept nothing new, finish or hand over what is there.
    Drain,
}

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Send a frame.
    Send {
        /// To whom.
        to: Address,
        /// What it says.
        body: Body,
    },
    /// Ask the store; the answer comes through [`Core::stored`] with the same `op`. Requests of
    /// one core are carried out in the order in which they were put out.
    Store {
        /// Chosen by the core.
        op: OpId,
        /// What is asked.
        request: StoreRequest,
    },
    /// Act at the client edge; only gateways put these out.
    Edge(EdgeOutput),
    /// Keep the replay of a finished battle.
    SaveReplay {
        /// The battle.
        battle: BattleId,
        /// The bytes of the replay file.
        bytes: Vec<u8>,
    },
}

/// What happens at the client edge. The shell has decoded and size-checked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdgeInput {
    /// A connection was accepted; the shell chose a session id that was never used before.
    Connected {
        /// The session.
        session: SessionId,
    },
    /// A control frame.
    Frame {
        /// The session.
        session: SessionId,
        /// The frame.
        frame: ClientFrame,
    },
    /// A datagram.
    Datagram {
        /// The session.
        session: SessionId,
        /// The datagram.
        datagram: ClientDatagram,
    },
    /// Bytes that are no message. Too long ones close the connection in the shell already.
    Malformed {
        /// The session.
        session: SessionId,
    },
    /// The connection is gone, whoever closed it.
    Closed {
        /// The session.
        session: SessionId,
    },
}

/// What is done at the client edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdgeOutput {
    /// Write a control frame. A client that does not read is closed by the shell.
    Frame {
        /// The session.
        session: SessionId,
        /// The frame.
        frame: ServerFrame,
    },
    /// Send the same datagram to several clients; it may be lost.
    Datagram {
        /// The sessions.
        sessions: Vec<SessionId>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Write what is pending, then close.
    Close {
        /// The session.
        session: SessionId,
    },
}
