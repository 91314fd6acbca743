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
pub(super) const FORMAT: u16 = 2;
/// Bytes in front of a chunk's payload.
pub(super) const CHUNK_HEAD_BYTES: usize = 13;
/// Bytes after the last chunk.
pub(super) const TRAILER_BYTES: usize = 16;
/// Bytes of a header at most.
pub(super) const HEADER_BYTES_MAX: usize = 1 << 20;

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
    /// Version of the mode's rules in that program.
    pub rules: u32,
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
    out.resize(mask_at + before.len().div_ceil(8), 0);
    for (slot, (old, new)) in before.iter().zip(orders).enumerate() {
        if old == new {
            continue;
        }
        out[mask_at + slot / 8] |= 1 << (slot % 8);
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
}

/// Changes `orders` into those of the next tick.
pub(super) fn take_orders(reader: &mut Reader, orders: &mut [Order]) -> Option<()> {
    let mask = reader.take(orders.len().div_ceil(8))?;
    let is_set = |slot: usize| mask[slot / 8] & (1 << (slot % 8)) != 0;
    if (orders.len()..mask.len() * 8).any(is_set) {
        return None;
    }
    for (slot, order) in orders.iter_mut().enumerate() {
        if !is_set(slot) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_any_number_of_fighters_are_read_as_they_were_written() {
        for fighters in [1usize, 7, 8, 9, 16, 17, 2_001] {
            let before = vec![Order::STILL; fighters];
            let mut orders = before.clone();
            for order in orders.iter_mut().step_by(3) {
                let act = Act::Skill { skill: SKILLS - 1, aim_mm: (-300, 7) };
                *order = Order { walk: (5, -127), act };
            }
            let last = fighters - 1;
            orders[last].walk = (1, 1);
            let mut bytes = Vec::new();
            put_orders(&before, &orders, &mut bytes);
            let mut read = before.clone();
            let mut reader = Reader::new(&bytes);
            assert_eq!(take_orders(&mut reader, &mut read), Some(()));
            assert_eq!((read, reader.left()), (orders, 0));
            for cut in 0..bytes.len() {
                let cut = &mut Reader::new(&bytes[..cut]);
                assert_eq!(take_orders(cut, &mut before.clone()), None);
            }
            if !fighters.is_multiple_of(8) {
                bytes[last / 8] |= 1 << 7;
                let more = take_orders(&mut Reader::new(&bytes), &mut before.clone());
                assert_eq!(more, None, "a bit for nobody");
            }
        }
    }
}
