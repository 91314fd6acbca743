//! Doorway to the stored parts of a player, for fuzzing: not for use.

pub use shared::fuzzing::Target;

pub use crate::core::fuzzing::{player_part, player_parts};

/// The decoders of this crate.
pub const TARGETS: [Target; 1] =
    [Target { name: "player_part", run: player_part, seeds: player_parts }];
