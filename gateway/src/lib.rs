//! The gateway: the edge between clients and the cluster.
//!
//! It holds sessions, lets clients in, routes their requests to the nodes that can answer, and
//! fans the snapshots of battles out. It never holds anything that its death would lose: players
//! live on baseapps, presence on social nodes, and a client whose gateway died connects to another.

pub mod core;
#[cfg(feature = "shell")]
pub mod shell;
