//! Social: who is online, which guilds and teams there are, and which party waits in which queue.
//!
//! Invariants: a player is in at most one team and has at most one live ticket; a team has a
//! leader who is a member; a guild's roster changes only in the commit that also takes the mail
//! that asked for it and posts the answer, so rosters and members agree whatever crashes.
//!
//! Teams, presence and tickets live in memory as long as their social node does: losing them
//! costs a player a click, never an item. Guilds are stored.
//!
//! This crate never touches player data (baseapps own it), never decides who fights whom (the
//! matchmaker does) and never does IO: its shell is the runtime of `shared`.

mod core;
#[doc(hidden)]
#[cfg(feature = "shell")]
pub mod fuzzing;

pub use core::{Social, StoredGuild};
