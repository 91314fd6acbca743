//! Players: profile, wallet, bag, pets, equipment, inbox and guild membership.
//!
//! A baseapp owns the keys of the players whose sessions were placed on it. Every change is
//! committed once per tick, and no reply leaves before the change it speaks of is durable.
//!
//! This crate never talks to a client, a socket or a store by itself: it decides, the runtime in
//! `shared` acts.

pub mod audit;
pub mod core;
#[doc(hidden)]
#[cfg(feature = "shell")]
pub mod fuzzing;
