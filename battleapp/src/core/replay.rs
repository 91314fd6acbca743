//! Replay files: everything needed to run a battle again and to compare it tick by tick.
//!
//! Numbers are little-endian. A file is
//!
//! ```text
//! magic      8 bytes "COHORTRP"
//! u16        format version, 2
//! u32, u64   length and xxh3 of the header
//! header     `wire` bytes of a Header: build, version of the rules, ruleset hash, schema hash,
//!            setup
//! chunks     u8 kind, u32 length, u64 xxh3 of the payload, payload
//!   1 ticks     u32 first tick, u16 number of ticks, u16 number of lanes; per tick a bit for
//!               each fighter, in whole bytes, that says whose order differs from that of the tick
//!               before (from standing still in the first tick of a chunk), their orders, u64
//!               combined hash, u16 for each lane: the first bytes of its hash
//!   2 keyframe  u32 tick, the encoded state after it
//!   3 fault     u32 tick that could not be simulated, and its orders like a tick's
//!   4 final     `wire` bytes of a FinalRecord
//!   5 index     u32 number of keyframes, for each u32 tick, u64 offset of its chunk
//! trailer    u64 offset of the index chunk, 8 bytes "COHORTRE"
//! order      i8 x, i8 y of the walk, u8 act: 0 none, else one more than the skill's
//!               number and i16 x, i16 y of the aim
//! ```
//!
//! What is recorded is what was applied, so nothing about networks or late commands is needed to
//! run it again. A file that was cut off is readable up to its last whole chunk.

mod diff;
mod format;
mod guess;
mod locate;
mod reader;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use thiserror::Error;

use self::format::FORMAT;

pub use diff::{Diff, diff};
pub use format::{FinalRecord, Header};
#[cfg(feature = "shell")]
pub(crate) use format::{header_in, mend};
pub use locate::Divergence;
pub use reader::{Replay, TickRecord};
pub use verify::{VerifyReport, seek, verify};
pub use writer::{Recorder, schema_hash};

/// Bytes of any replay at most; a longer file is refused. A recording ends, without a final record,
/// where it would grow beyond what its number of seats may take, see [`recorded_bytes_max`].
pub const REPLAY_BYTES_MAX: usize = 80 << 20;
/// Orders of all fighters and ticks of a replay at most: what reading one may take of memory. A
/// file with more is refused.
pub const ORDERS_MAX: usize = 64 << 20;
/// What a recording may take, whoever fights, and for each seat besides.
const RECORDED_BYTES: usize = 8 << 20;
const RECORDED_SEAT_BYTES: usize = 16 << 10;

/// Bytes of the recording of a battle with so many seats at most.
#[must_use]
pub const fn recorded_bytes_max(seats: usize) -> usize {
    let wanted = RECORDED_BYTES.saturating_add(seats.saturating_mul(RECORDED_SEAT_BYTES));
    if wanted < REPLAY_BYTES_MAX { wanted } else { REPLAY_BYTES_MAX }
}

/// Why a replay is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// Not a replay at all.
    #[error("this is no replay file")]
    NoReplay,
    /// Written by a build with another format.
    #[error("replay format {0} is unknown; this build reads format {FORMAT}")]
    Format(u16),
    /// Longer than any replay.
    #[error("a replay has at most {REPLAY_BYTES_MAX} bytes")]
    TooLong,
    /// The header cannot be used.
    #[error("the header is damaged: {0}")]
    Header(String),
    /// The battle was fought by other rules than this build has.
    #[error(
        "it was fought by build {build} with rules {recorded} of the {mode}; this build has \
         {here}. Verify it with that build; `replay show` and `replay export` read it here all the \
         same"
    )]
    OtherRules {
        /// Who fought it.
        build: String,
        /// The mode.
        mode: String,
        /// The mode's rules then, see [`Mode::version`](super::modes::Mode::version).
        recorded: u32,
        /// What is here instead.
        here: String,
    },
    /// A chunk is there as a whole but makes no sense.
    #[error("the chunk at byte {offset} is damaged")]
    Chunk {
        /// Where it begins.
        offset: usize,
    },
    /// Running it again gave something else.
    #[error("{0}")]
    Diverged(Box<Divergence>),
    /// The hashes agree and a keyframe does not.
    #[error("the keyframe of tick {tick} does not fit the battle")]
    Keyframe {
        /// Its tick.
        tick: u32,
    },
    /// The simulation failed where the recorded one did not.
    #[error("tick {tick} cannot be simulated")]
    Faulted {
        /// The tick.
        tick: u32,
    },
    /// All hashes agree and the end does not.
    #[error("the recorded end of the battle does not follow from its ticks")]
    End,
    /// Asked for a tick that is not in the file.
    #[error("tick {tick} is not in the replay")]
    NoTick {
        /// The tick.
        tick: u32,
    },
}
