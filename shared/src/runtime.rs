//! The node runtime: runs the cores of a node's roles, each on its own thread, and carries out
//! what they put out.
//!
//! A role's thread ticks its core at its [`Pace`], hands it what came through the node MQ, from
//! the client edge and from the directory, and takes the store's answers to it as soon as they
//! are there. A panic of a core ends that role, never the process. The files are: `node` (start,
//! drain, stop), `role` (the loop of a thread), `carrier` (outputs), `housekeeping` (directory and
//! metrics), `recorder` and `flight` (recordings of a role). When a role ticks is decided in
//! `shared::schedule`.

mod carrier;
pub(crate) mod clock;
mod control;
mod doorbell;
mod flight;
pub(crate) mod fuzzing;
mod housekeeping;
mod node;
mod recorder;
mod replays;
mod role;
mod status;

use std::net::SocketAddr;
use std::path::PathBuf;

use crossbeam_channel::Receiver;
use thiserror::Error;

use crate::core::{Core, EdgeInput, EdgeOutput};
use crate::directory::Directory;
use crate::ids::{Address, BattleId, NodeId, Role};
use crate::mq::Mq;
use crate::schedule::Pace;
use crate::store::Store;

pub use doorbell::{Doorbell, Vigil};
pub use flight::{
    Divergence, FlightCall, FlightEnd, FlightError, FlightHeader, FlightReader, FlightRecord,
    ReplaySummary, read_flight, replay_flight,
};
pub use node::Node;
pub use recorder::perform;
pub use status::{NodeStatus, RoleStatus, TickTimes};

/// What one role is run with.
pub struct RoleSetup {
    /// The role's address; its node must be that of [`NodeSetup::id`].
    pub address: Address,
    /// What decides.
    pub core: Box<dyn Core>,
    /// When it ticks.
    pub pace: Pace,
    /// Its access to the node MQ.
    pub mq: Box<dyn Mq>,
    /// Its access to the store.
    pub store: Box<dyn Store>,
    /// What wakes its thread: given to the store, the edge and, with [`Pace::OnInput`], the MQ.
    pub doorbell: Doorbell,
    /// Its client edge; only gateways have one.
    pub edge: Option<EdgeLink>,
}

/// The client edge of a gateway.
pub struct EdgeLink {
    /// What happens there; bounded by the shell that fills it and rings the role's doorbell.
    pub inputs: Receiver<EdgeInput>,
    /// Acts there; must not block.
    pub outputs: Box<dyn FnMut(EdgeOutput) + Send>,
}

/// What a node is run with.
pub struct NodeSetup {
    /// The node.
    pub id: NodeId,
    /// Version of its build, for its card.
    pub build: String,
    /// Where its status page is served, for its card.
    pub page: Option<SocketAddr>,
    /// Its access to the directory.
    pub directory: Box<dyn Directory>,
    /// Its roles, each at most once.
    pub roles: Vec<RoleSetup>,
    /// Keeps the replay of a battle; called on a thread of its own and may block.
    pub replays: Box<dyn FnMut(BattleId, Vec<u8>) + Send>,
    /// Where every role's flight recording is written, as `<role>.flight`.
    pub record_dir: Option<PathBuf>,
}

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// There is nothing to run.
    #[error("node {0} has no roles")]
    NoRoles(NodeId),
    /// Two roles of one kind, or the role of another node.
    #[error("{address} cannot run on node {node}: it is there twice or belongs elsewhere")]
    Misplaced {
        /// The node.
        node: NodeId,
        /// The role's address.
        address: Address,
    },
    /// The operating system gave no thread.
    #[error("no thread for {name}")]
    Thread {
        /// Name of the thread.
        name: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A flight recording could not be begun.
    #[error("cannot record to {}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A core panicked in its first tick.
    #[error("{role} failed in its first tick: {reason}")]
    Failed {
        /// The role.
        role: Role,
        /// The panic's message.
        reason: String,
    },
    /// A role did not finish its first tick in time.
    #[error("{0} roles did not finish their first tick in time")]
    Stuck(usize),
}
