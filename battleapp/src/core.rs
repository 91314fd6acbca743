//! The deterministic core of the battleapp.
//!
//! `app` owns battles, routes messages and talks to the store through the keeper; `battle` is one
//! running battle; `inputs` decides what each fighter does in a tick; `sim` is what a mode has to
//! provide; `registry` encodes, hashes and compares its state; `arena` is the mode of this repository; `replay` writes and checks recordings.

pub mod app;
pub mod arena;
pub mod battle;
pub mod bytes;
#[cfg(test)]
mod fixture;
pub mod inputs;
pub mod registry;
pub mod replay;
pub mod results;
pub mod setup;
pub mod sim;

/// Battle ticks per second.
pub const BATTLE_HZ: u32 = 20;
