//! The deterministic core of the battleapp.
//!
//! `app` owns battles, routes messages and talks to the store through the keeper; `battle` is one
//! running battle; `inputs` decides what each fighter does in a tick, `egress` what each client
//! is shown of it, `grid` and `interest` how much of it where not everybody is shown everything;
//! `sim` is what a mode has to provide, `seated` what small modes are made of; `registry` encodes,
//! hashes and compares the state; `arena`, `duel` and `siege` are the modes of this repository,
//! `modes` is their table; `trace` runs a tick system by system, `compare` says where two battles
//! part, `conformance` what every mode has to keep; `replay` writes and checks recordings.

pub mod app;
pub mod arena;
pub mod battle;
pub mod bytes;
pub mod compare;
pub mod conformance;
pub mod duel;
pub mod egress;
#[cfg(test)]
mod fixture;
pub mod grid;
pub mod ground;
pub mod inputs;
pub mod interest;
pub mod modes;
pub mod pilots;
pub mod registry;
pub mod replay;
pub mod results;
pub mod seated;
pub mod setup;
pub mod siege;
pub mod sim;
pub mod trace;

/// Battle ticks per second.
pub const BATTLE_HZ: u32 = 20;
