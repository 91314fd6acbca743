//! Doorway to the stored part of a guild, for fuzzing: not for use.

pub use shared::fuzzing::Target;

pub use crate::core::fuzzing::{guild_roster, guild_rosters};

/// The decoders of this crate.
pub const TARGETS: [Target; 1] =
    [Target { name: "guild_roster", run: guild_roster, seeds: guild_rosters }];
