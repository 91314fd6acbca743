//! The vocabulary and the rules that every role of a Cohort cluster shares.
//!
//! What all roles need in order to *decide* (ids, ticks, messages, ownership, the commit pipeline,
//! routing, relay) lives here without any IO, so that a simulator can run the real thing. What
//! they need in order to *act* (the tick thread, the node MQ, the embedded store) is behind
//! the feature `shell`.
//!
//! This crate never imports another crate of the workspace, and nothing outside `shell`-gated
//! modules touches a clock, a thread, a socket, a file or randomness.

pub mod content;
pub mod core;
pub mod directory;
#[doc(hidden)]
#[cfg(feature = "shell")]
pub mod fuzzing;
pub mod ids;
pub mod lateness;
pub mod limits;
pub mod mq;
pub mod msg;
pub mod mutation;
pub mod ownership;
pub mod replication;
pub mod rng;
#[cfg(feature = "shell")]
pub mod runtime;
pub mod schedule;
pub mod store;
pub mod tick;
pub mod wire;
