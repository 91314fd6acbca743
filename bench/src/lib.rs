//! Measures parts of Cohort beside raw yardsticks: the node MQ and the store, each next to what a
//! bare socket, client or database does with the same payload, durability and pipeline depth, and
//! battles, next to the time and the room that they have.
//!
//! Absolute figures drift from day to day, so every figure is a ratio: product and yardstick take
//! turns for some rounds in the same run, and medians are quoted. Servers that a yardstick needs
//! are processes of our own on free loopback ports. This crate never judges: it says what was
//! measured and which goal that meets. It never touches a server that somebody else runs.

pub mod battle;
pub mod clock;
pub mod error;
pub mod figure;
pub mod harness;
pub mod mq;
pub mod servers;
pub mod store;
mod threads;

pub use error::BenchError;
pub use figure::{Figure, Goal};
pub use harness::{Harness, Progress};
