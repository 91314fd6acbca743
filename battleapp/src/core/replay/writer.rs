//! Recording a battle while it is fought.

use shared::wire;
use xxhash_rust::xxh3::xxh3_64;

use super::super::modes::Modes;
use super::super::registry::combined;
use super::super::setup::Setup;
use super::super::sim::{BattleSim, LaneHash, Order, Verdict};
use super::format::{
    CHUNK_HEAD_BYTES, FAULT, FINAL, FORMAT, FinalRecord, Header, INDEX, KEYFRAME, MAGIC, MAGIC_END,
    TICKS, put_orders,
};
use super::{ORDERS_MAX, recorded_bytes_max};

/// Ticks of a chunk: a recording that is cut off loses at most so many.
const CHUNK_TICKS: u16 = 20;
/// Ticks between two keyframes: 10 s of battle.
pub(super) const KEYFRAME_EVERY_TICKS: u32 = 200;
/// Room that is kept for the end of the file.
const END_BYTES: usize = 64 << 10;

/// Writes one replay.
#[derive(Debug)]
pub struct Recorder {
    bytes: Vec<u8>,
    /// Ticks, then their orders and hashes, of the chunk that is not yet closed.
    first_tick: u32,
    count: u16,
    pending: Vec<u8>,
    lanes: Vec<LaneHash>,
    before: Vec<Order>,
    keyframes: Vec<(u32, usize)>,
    ticks: u32,
    hash: u64,
    full: bool,
}

impl Recorder {
    /// Begins the replay of a battle of one of `modes` that `sim` simulates.
    #[must_use]
    pub fn new(modes: Modes, setup: &Setup, build: &str, sim: &mut dyn BattleSim) -> Self {
        let header = Header {
            build: build.to_owned(),
            rules: modes.version(setup).unwrap_or_default(),
            ruleset: setup.ruleset_hash(),
            schema: schema_hash(sim),
            setup: setup.clone(),
        };
        let header = wire::encode(&header);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(length(&header).to_le_bytes());
        bytes.extend(xxh3_64(&header).to_le_bytes());
        bytes.extend(header);
        Self {
            bytes,
            first_tick: 1,
            count: 0,
            pending: Vec::new(),
            lanes: Vec::new(),
            before: vec![Order::STILL; setup.seats.len()],
            keyframes: Vec::new(),
            ticks: 0,
            hash: 0,
            full: false,
        }
    }

    /// Records a tick that `sim` has just simulated with `orders`, and gives its combined hash.
    pub fn tick(&mut self, orders: &[Order], sim: &mut dyn BattleSim) -> u64 {
        self.lanes.clear();
        sim.lanes(&mut self.lanes);
        let hash = combined(&self.lanes);
        self.ticks = sim.tick();
        self.hash = hash;
        if self.full {
            return hash;
        }
        put_orders(&self.before, orders, &mut self.pending);
        self.before.copy_from_slice(orders);
        self.pending.extend(hash.to_le_bytes());
        self.pending.extend(self.lanes.iter().flat_map(|lane| lane.mark().to_le_bytes()));
        self.count += 1;
        if self.count == CHUNK_TICKS {
            self.close_ticks();
        }
        if self.ticks.is_multiple_of(KEYFRAME_EVERY_TICKS) {
            let mut keyframe = self.ticks.to_le_bytes().to_vec();
            sim.encode(&mut keyframe);
            self.keyframes.push((self.ticks, self.bytes.len()));
            self.chunk(KEYFRAME, &keyframe);
        }
        let (seats, bytes) = (self.before.len(), self.bytes.len() + self.pending.len());
        let ticks = usize::try_from(self.ticks).unwrap_or(usize::MAX);
        self.full = bytes > recorded_bytes_max(seats) - END_BYTES
            || ticks.saturating_mul(seats) >= ORDERS_MAX;
        hash
    }

    /// Ends the replay of a battle that came to its end, or was `deserted` before.
    #[must_use]
    pub fn finish(self, verdict: Verdict, deserted: bool) -> Vec<u8> {
        self.end(Some(verdict), deserted)
    }

    /// Ends the replay of a battle whose next tick could not be simulated with `orders`.
    #[must_use]
    pub fn fault(mut self, orders: &[Order]) -> Vec<u8> {
        self.close_ticks();
        if self.full {
            return self.bytes;
        }
        let mut fault = (self.ticks + 1).to_le_bytes().to_vec();
        put_orders(&self.before, orders, &mut fault);
        self.chunk(FAULT, &fault);
        self.end(None, false)
    }

    fn end(mut self, verdict: Option<Verdict>, deserted: bool) -> Vec<u8> {
        self.close_ticks();
        if self.full {
            return self.bytes;
        }
        let last = FinalRecord { ticks: self.ticks, hash: self.hash, verdict, deserted };
        self.chunk(FINAL, &wire::encode(&last));
        let index_at = offset(self.bytes.len());
        let mut index = Vec::new();
        index.extend(u32::try_from(self.keyframes.len()).unwrap_or(0).to_le_bytes());
        for (tick, at) in &self.keyframes {
            index.extend(tick.to_le_bytes());
            index.extend(offset(*at).to_le_bytes());
        }
        self.chunk(INDEX, &index);
        self.bytes.extend(index_at.to_le_bytes());
        self.bytes.extend(MAGIC_END);
        self.bytes
    }

    fn close_ticks(&mut self) {
        if self.count == 0 {
            return;
        }
        let mut payload = Vec::with_capacity(8 + self.pending.len());
        payload.extend(self.first_tick.to_le_bytes());
        payload.extend(self.count.to_le_bytes());
        payload.extend(u16::try_from(self.lanes.len()).unwrap_or(0).to_le_bytes());
        payload.append(&mut self.pending);
        self.chunk(TICKS, &payload);
        self.count = 0;
        self.first_tick = self.ticks + 1;
        self.before.fill(Order::STILL);
    }

    fn chunk(&mut self, kind: u8, payload: &[u8]) {
        self.bytes.reserve(CHUNK_HEAD_BYTES + payload.len());
        self.bytes.push(kind);
        self.bytes.extend(length(payload).to_le_bytes());
        self.bytes.extend(xxh3_64(payload).to_le_bytes());
        self.bytes.extend(payload);
    }
}

/// Hash of the lanes that a simulation's state has: their numbers and names.
#[must_use]
pub fn schema_hash(sim: &mut dyn BattleSim) -> u64 {
    let mut lanes = Vec::new();
    sim.lanes(&mut lanes);
    let named: Vec<_> = lanes.iter().map(|lane| (lane.lane, sim.lane_name(lane.lane))).collect();
    xxh3_64(&wire::encode(&named))
}

/// Chunks and headers are far below 4 GiB.
fn length(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).unwrap_or(u32::MAX)
}

fn offset(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}
