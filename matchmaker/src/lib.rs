//! The matchmaker: tickets come from social nodes, battles go to battleapps.
//!
//! It never splits a party, never holds a player in two tickets, and never starts a battle a
//! second time that may have begun already. It keeps nothing in the store: when its node is lost,
//! social nodes see that and free their parties.

mod core;

pub use crate::core::Matchmaker;
