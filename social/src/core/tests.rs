//! Tests of the whole role against a store in memory.

mod faults;
mod guilds;
mod harness;
mod presence;
mod properties;
mod queueing;
mod teams;
