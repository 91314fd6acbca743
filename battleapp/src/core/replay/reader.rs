//! Reading a replay, whole or cut off.

use std::collections::BTreeMap;

use shared::wire;
use xxhash_rust::xxh3::xxh3_64;

use super::super::bytes::Reader;
use super::super::sim::Order;
use super::format::{
    CHUNK_HEAD_BYTES, FAULT, FINAL, FORMAT, FinalRecord, HEADER_BYTES_MAX, Header, INDEX, KEYFRAME,
    MAGIC, MAGIC_END, TICKS, TRAILER_BYTES, take_orders,
};
use super::{ORDERS_MAX, REPLAY_BYTES_MAX, ReplayError};

/// One recorded tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickRecord {
    /// What each fighter did, by slot.
    pub orders: Vec<Order>,
    /// Combined hash afterwards.
    pub hash: u64,
    /// [`LaneHash::mark`](super::super::sim::LaneHash::mark) of each lane afterwards.
    pub lanes: Vec<u16>,
}

/// A replay in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The head.
    pub header: Header,
    /// The ticks from 1 on.
    pub ticks: Vec<TickRecord>,
    /// Encoded states by tick.
    pub keyframes: BTreeMap<u32, Vec<u8>>,
    /// The orders of a tick that could not be simulated.
    pub fault: Option<Vec<Order>>,
    /// The end of the battle; `None` if the file was cut off.
    pub last: Option<FinalRecord>,
    /// Whether the file is whole, down to its last byte.
    pub complete: bool,
}

impl Replay {
    /// Reads a replay up to its end or to where it was cut off.
    ///
    /// # Errors
    /// [`ReplayError`] if it is no replay, cannot be used by this build, or has a chunk that is
    /// whole and yet makes no sense. No bytes can make this panic.
    pub fn read(bytes: &[u8]) -> Result<Self, ReplayError> {
        if bytes.len() > REPLAY_BYTES_MAX {
            return Err(ReplayError::TooLong);
        }
        let mut reader = Reader::new(bytes);
        let mut replay = Self::begin(read_header(&mut reader)?);
        loop {
            let offset = bytes.len() - reader.left();
            let Some((kind, payload)) = next_chunk(&mut reader) else { return Ok(replay) };
            if kind == INDEX {
                let at = u64::try_from(offset).unwrap_or(u64::MAX);
                replay.complete = replay.last.is_some() && is_trailer(&mut reader, at);
                return Ok(replay);
            }
            replay.take_chunk(kind, payload).ok_or(ReplayError::Chunk { offset })?;
        }
    }

    fn begin(header: Header) -> Self {
        Self {
            header,
            ticks: Vec::new(),
            keyframes: BTreeMap::new(),
            fault: None,
            last: None,
            complete: false,
        }
    }

    /// How many ticks were read.
    #[must_use]
    pub fn ticks_read(&self) -> u32 {
        u32::try_from(self.ticks.len()).unwrap_or(u32::MAX)
    }

    /// What is recorded of a tick; ticks count from one.
    #[must_use]
    pub fn record(&self, tick: u32) -> Option<&TickRecord> {
        self.ticks.get(usize::try_from(tick.checked_sub(1)?).ok()?)
    }

    fn take_chunk(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        let mut reader = Reader::new(payload);
        match kind {
            TICKS => self.take_ticks(&mut reader)?,
            KEYFRAME => {
                let tick = reader.u32().filter(|tick| *tick == self.ticks_read())?;
                let state = reader.take(reader.left())?;
                self.keyframes.insert(tick, state.to_vec());
            }
            FAULT => {
                reader.u32().filter(|tick| *tick == self.ticks_read() + 1)?;
                let mut orders = self.orders_before_fault();
                take_orders(&mut reader, &mut orders)?;
                self.fault = Some(orders);
            }
            FINAL => {
                let last: FinalRecord = wire::decode(reader.take(reader.left())?, 64).ok()?;
                self.last = (last.ticks == self.ticks_read()).then_some(last);
                self.last?;
            }
            _ => return None,
        }
        (reader.left() == 0).then_some(())
    }

    fn take_ticks(&mut self, reader: &mut Reader) -> Option<()> {
        reader.u32().filter(|first| *first == self.ticks_read() + 1)?;
        let (count, lanes) = (reader.u16()?, reader.u16()?);
        let ticks = self.ticks.len().saturating_add(usize::from(count));
        if ticks.saturating_mul(self.header.setup.seats.len()) > ORDERS_MAX {
            return None;
        }
        let mut orders = vec![Order::STILL; self.header.setup.seats.len()];
        for _ in 0..count {
            take_orders(reader, &mut orders)?;
            let hash = reader.u64()?;
            let lanes = (0..lanes).map(|_| reader.u16()).collect::<Option<_>>()?;
            self.ticks.push(TickRecord { orders: orders.clone(), hash, lanes });
        }
        Some(())
    }

    /// The fault follows a closed chunk, so its orders are told from standing still.
    fn orders_before_fault(&self) -> Vec<Order> {
        vec![Order::STILL; self.header.setup.seats.len()]
    }
}

fn read_header(reader: &mut Reader) -> Result<Header, ReplayError> {
    if reader.array() != Some(*MAGIC) {
        return Err(ReplayError::NoReplay);
    }
    match reader.u16() {
        Some(FORMAT) => {}
        Some(other) => return Err(ReplayError::Format(other)),
        None => return Err(ReplayError::NoReplay),
    }
    let damaged = |what: &str| ReplayError::Header(what.to_owned());
    let cut = || damaged("it is cut off");
    let len = reader.u32().and_then(|len| usize::try_from(len).ok()).ok_or_else(cut)?;
    let hash = reader.u64().ok_or_else(cut)?;
    let bytes = reader.take(len).ok_or_else(cut)?;
    if xxh3_64(bytes) != hash {
        return Err(damaged("its checksum does not fit"));
    }
    let header: Header = wire::decode(bytes, HEADER_BYTES_MAX)
        .map_err(|error| ReplayError::Header(error.to_string()))?;
    header.setup.check().map_err(|refusal| ReplayError::Header(refusal.text))?;
    if header.ruleset != header.setup.ruleset_hash() {
        return Err(damaged("its rules are not the ones it names"));
    }
    Ok(header)
}

/// The next chunk, or `None` where the file was cut off or overwritten.
fn next_chunk<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    if reader.left() < CHUNK_HEAD_BYTES {
        return None;
    }
    let kind = reader.u8()?;
    let len = usize::try_from(reader.u32()?).ok()?;
    let hash = reader.u64()?;
    let payload = reader.take(len)?;
    (xxh3_64(payload) == hash).then_some((kind, payload))
}

fn is_trailer(reader: &mut Reader, index_at: u64) -> bool {
    reader.left() == TRAILER_BYTES
        && reader.u64() == Some(index_at)
        && reader.array() == Some(*MAGIC_END)
}
