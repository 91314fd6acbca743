//! The parts of a replay file that writer and reader share.

use serde::{Deserialize, Serialize};
use shared::msg::client::{Act, SKILLS};
#[cfg(feature = "shell")]
use xxhash_rust::xxh3::xxh3_64;

use super::super::bytes::Reader;
use super::super::setup::Setup;
use super::super::sim::{Order, Verdict};

pub(super) const MAGIC: &[u8; 8] = b"COHORTRP";
pub(super) const MAGIC_END: &[u8; 8] = b"COHORTRE";
pub(super) const FORMAT: u16 = 1;
/// Bytes in front of a chunk's payload.
pub(super) const CHUNK_HEAD_BYTES: usize = 13;
/// Bytes after the last chunk.
pub(super) const TRAILER_BYTES: usize = 16;
/// Bytes of a header at most.
pub(super) const HEADER_BYTES_MAX: usize = 256 << 10;

pub(super) const TICKS: u8 = 1;
pub(super) const KEYFRAME: u8 = 2;
pub(super) const FAULT: u8 = 3;
pub(super) const FINAL: u8 = 4;
pub(super) const INDEX: u8 = 5;

/// The head of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the program that fought the battle.
    pub build: String,
    /// See [`Setup::ruleset_hash`].
    pub ruleset: u64,
    /// Hash of the state's lanes: numbers and names.
    pub schema: u64,
    /// Everything the battle began with.
    pub setup: Setup,
}

/// The end of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalRecord {
    /// How many ticks were simulated.
    pub ticks: u32,
    /// Combined hash after the last of them.
    pub hash: u64,
    /// How the battle ended; `None` if a fault ended it.
    pub verdict: Option<Verdict>,
    /// Everybody had left, so it ended as it stood and not by its rules.
    pub deserted: bool,
}

/// Makes the checksums of the header and of all chunks right, for fuzzing what stands behind them.
#[cfg(feature = "shell")]
pub(crate) fn mend(bytes: &mut [u8]) {
    let mut rest = bytes.get_mut(MAGIC.len() + 2..).unwrap_or_default();
    // The header has no kind.
    let mut kind_bytes = 0;
    while let Some((head, after)) = rest.split_at_mut_checked(kind_bytes + 12) {
        let mut fields = Reader::new(&head[kind_bytes..]);
        let len = fields.u32().and_then(|len| usize::try_from(len).ok()).unwrap_or(usize::MAX);
        let Some((payload, after)) = after.split_at_mut_checked(len) else { return };
        head[kind_bytes + 4..].copy_from_slice(&xxh3_64(payload).to_le_bytes());
        rest = after;
        kind_bytes = 1;
    }
}

/// The header of a replay, whatever its checksum and its rules, for fuzzing.
#[cfg(feature = "shell")]
pub(crate) fn header_in(bytes: &[u8]) -> Option<Header> {
    let mut reader = Reader::new(bytes.get(MAGIC.len() + 2..)?);
    let len = usize::try_from(reader.u32()?).ok()?;
    reader.u64()?;
    shared::wire::decode(reader.take(len)?, HEADER_BYTES_MAX).ok()
}

/// Appends what differs between two ticks.
pub(super) fn put_orders(before: &[Order], orders: &[Order], out: &mut Vec<u8>) {
    let mask_at = out.len();
    out.extend([0, 0]);
    let mut mask = 0u16;
    for (slot, (old, new)) in before.iter().zip(orders).enumerate().take(16) {
        if old == new {
            continue;
        }
        mask |= 1 << slot;
        out.extend(new.walk.0.to_le_bytes());
        out.extend(new.walk.1.to_le_bytes());
        match new.act {
            Act::None => out.push(0),
            Act::Skill { skill, aim_mm } => {
                out.push(skill.saturating_add(1));
                out.extend(aim_mm.0.to_le_bytes());
                out.extend(aim_mm.1.to_le_bytes());
            }
        }
    }
    out[mask_at..mask_at + 2].copy_from_slice(&mask.to_le_bytes());
}

/// Changes `orders` into those of the next tick.
pub(super) fn take_orders(reader: &mut Reader, orders: &mut [Order]) -> Option<()> {
    let mask = reader.u16()?;
    if u32::from(mask) >> orders.len().min(16) != 0 {
        return None;
    }
    for (slot, order) in orders.iter_mut().enumerate().take(16) {
        if mask & (1 << slot) == 0 {
            continue;
        }
        order.walk = (reader.i8()?, reader.i8()?);
        order.act = match reader.u8()? {
            0 => Act::None,
            act if act <= SKILLS => {
                Act::Skill { skill: act - 1, aim_mm: (reader.i16()?, reader.i16()?) }
            }
            _ => return None,
        };
    }
    Some(())
}
