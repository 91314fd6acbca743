//! The parts of a replay file that writer and reader share.

use serde::{Deserialize, Serialize};
use shared::msg::client::Act;

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
            Act::Melee => out.push(1),
            Act::Shoot { towards } => {
                out.push(2);
                out.extend(towards.0.to_le_bytes());
                out.extend(towards.1.to_le_bytes());
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
            1 => Act::Melee,
            2 => Act::Shoot { towards: (reader.i8()?, reader.i8()?) },
            _ => return None,
        };
    }
    Some(())
}
