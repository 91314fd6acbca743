//! Proof: a simulator of whole clusters, bots that play, a load run that measures them, and the
//! house style as a test.
//!
//! The bots' minds are as free of IO as the cores of the cluster, so the same minds play over
//! real sockets in [`load`] and over simulated ones in tests. Only the feature `bots` brings
//! sockets, tasks and clocks in.
//!
//! This crate never holds a rule of the game: what is right is decided by the services, and what
//! was promised is checked here.

pub mod bot;
#[cfg(feature = "bots")]
pub mod load;
pub mod sim;
