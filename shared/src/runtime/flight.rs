//! Flight recordings: their bytes, how they are read, and how a core is run from one.
//!
//! A file is the magic bytes, a `u16` format, then pieces: a `u32` length and that many `wire`
//! bytes. Numbers are little-endian. The first piece is the [`FlightHeader`]; each call of the
//! core is a run of pieces: its inputs, the call, and what came of it. A file may end anywhere.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use crate::core::{Core, Input, Output};
use crate::ids::Address;
use crate::limits::TICK_INPUTS_MAX;
use crate::store::{OpId, StoreReply};
use crate::tick::{Tick, TickRate};
use crate::wire;

/// Bytes of one piece. A longer one ends the recording when it is written, and is damage when it
/// is read.
pub(super) const PIECE_BYTES_MAX: usize = 4 << 20;

const MAGIC: [u8; 8] = *b"cohortfl";
const FORMAT: u16 = 1;
/// Directory changes come on top of `TICK_INPUTS_MAX`, one per node.
const CALL_INPUTS_MAX: usize = TICK_INPUTS_MAX + (1 << 16);

/// Whose recording it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightHeader {
    /// The role that was recorded.
    pub address: Address,
    /// Its ticks per second.
    pub rate: TickRate,
}

/// One call of a core.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightRecord {
    /// What was called.
    pub call: FlightCall,
    /// Hash of the outputs' `wire` bytes, one after the other; `None` if the core panicked.
    pub outputs_hash: Option<u64>,
}

/// What a core was called with.
#[derive(Clone, Debug, PartialEq)]
pub enum FlightCall {
    /// `Core::tick`.
    Tick {
        /// The tick.
        tick: Tick,
        /// Its inputs, in order.
        inputs: Vec<Input>,
    },
    /// `Core::stored`.
    Stored {
        /// The last tick that ran.
        now: Tick,
        /// Which request is answered.
        op: OpId,
        /// The answer.
        reply: StoreReply,
    },
}

/// Why a recording cannot be read at all.
#[derive(Debug, Error)]
pub enum FlightError {
    /// The file cannot be opened or read.
    #[error("the recording cannot be read")]
    Io(#[from] std::io::Error),
    /// It does not begin as a recording does.
    #[error("this is no flight recording, or one of another version")]
    Foreign,
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlightEnd {
    /// After a complete call.
    Complete,
    /// In the middle of a call: the process was killed while it was written.
    Truncated,
    /// With bytes that are no piece.
    Damaged,
}

/// What a run from a recording went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    /// Calls of `Core::tick`.
    pub ticks: u64,
    /// Calls of `Core::stored`.
    pub replies: u64,
    /// Inputs handed over.
    pub inputs: u64,
    /// Outputs put out.
    pub outputs: u64,
    /// The last tick.
    pub last: Tick,
}

/// A core that did something else than the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("call {index} at tick {} differs: recorded {expected:?}, now {actual:016x}", tick.0)]
pub struct Divergence {
    /// The tick of the call.
    pub tick: Tick,
    /// Which call of the recording it is, from zero.
    pub index: u64,
    /// The recorded hash of its outputs; `None` if the recorded core panicked.
    pub expected: Option<u64>,
    /// The hash now.
    pub actual: u64,
}

/// Reads a recording call by call; ends at the first one that is not there as a whole.
#[derive(Debug)]
pub struct FlightReader<R = BufReader<File>> {
    file: R,
    header: FlightHeader,
    end: Option<FlightEnd>,
}

impl<R: Read> FlightReader<R> {
    /// Whose recording it is.
    #[must_use]
    pub const fn header(&self) -> FlightHeader {
        self.header
    }

    /// How the recording ended; `None` as long as calls may follow.
    #[must_use]
    pub const fn end(&self) -> Option<FlightEnd> {
        self.end
    }

    fn read_record(&mut self) -> Result<FlightRecord, FlightEnd> {
        let mut inputs = Vec::new();
        let call = loop {
            let piece: Result<FlightPiece, _> = match read_piece(&mut self.file) {
                Err(FlightEnd::Complete) if !inputs.is_empty() => Err(FlightEnd::Truncated),
                other => other,
            };
            match piece? {
                FlightPiece::Input(_) if inputs.len() >= CALL_INPUTS_MAX => {
                    return Err(FlightEnd::Damaged);
                }
                FlightPiece::Input(input) => inputs.push(input),
                FlightPiece::Tick { tick, inputs: count } => {
                    if usize::try_from(count) != Ok(inputs.len()) {
                        return Err(FlightEnd::Damaged);
                    }
                    break FlightCall::Tick { tick, inputs };
                }
                FlightPiece::Stored { now, op, reply } => {
                    break FlightCall::Stored { now, op, reply };
                }
                FlightPiece::Returned { .. } | FlightPiece::Panicked => {
                    return Err(FlightEnd::Damaged);
                }
            }
        };
        let outcome: Result<FlightPiece, _> = read_piece(&mut self.file);
        let outputs_hash = match outcome {
            Ok(FlightPiece::Returned { outputs_hash }) => Some(outputs_hash),
            Ok(FlightPiece::Panicked) => None,
            Ok(FlightPiece::Input(_) | FlightPiece::Tick { .. } | FlightPiece::Stored { .. }) => {
                return Err(FlightEnd::Damaged);
            }
            Err(FlightEnd::Complete) => return Err(FlightEnd::Truncated),
            Err(end) => return Err(end),
        };
        Ok(FlightRecord { call, outputs_hash })
    }
}

impl<R: Read> Iterator for FlightReader<R> {
    type Item = FlightRecord;

    fn next(&mut self) -> Option<FlightRecord> {
        if self.end.is_some() {
            return None;
        }
        self.read_record().map_err(|end| self.end = Some(end)).ok()
    }
}

/// Opens a recording.
///
/// # Errors
/// [`FlightError`] if there is no recording at `path`. Whatever is wrong further on ends the
/// iteration, and [`FlightReader::end`] says how.
pub fn read_flight(path: &Path) -> Result<FlightReader, FlightError> {
    read_from(BufReader::new(File::open(path)?))
}

/// The same for a recording that is not in a file.
pub(super) fn read_from<R: Read>(mut file: R) -> Result<FlightReader<R>, FlightError> {
    let mut start = [0; MAGIC.len() + 2];
    file.read_exact(&mut start).map_err(|_| FlightError::Foreign)?;
    if start[..MAGIC.len()] != MAGIC || start[MAGIC.len()..] != FORMAT.to_le_bytes() {
        return Err(FlightError::Foreign);
    }
    let header = read_piece(&mut file).map_err(|_| FlightError::Foreign)?;
    Ok(FlightReader { file, header, end: None })
}

/// Gives a fresh core the calls of a recording and compares what it puts out.
///
/// # Errors
/// [`Divergence`] at the first call whose outputs differ. A call in which the recorded core
/// panicked is made too, and the panic goes to the caller.
pub fn replay_flight(
    records: impl IntoIterator<Item = FlightRecord>,
    core: &mut dyn Core,
) -> Result<ReplaySummary, Divergence> {
    let mut summary = ReplaySummary::default();
    let (mut outputs, mut bytes) = (Vec::new(), Vec::new());
    for (index, record) in (0..).zip(records) {
        let tick = match record.call {
            FlightCall::Tick { tick, mut inputs } => {
                summary.ticks += 1;
                summary.inputs += u64::try_from(inputs.len()).unwrap_or(0);
                core.tick(tick, inputs.drain(..), &mut outputs);
                tick
            }
            FlightCall::Stored { now, op, reply } => {
                summary.replies += 1;
                core.stored(now, op, reply, &mut outputs);
                now
            }
        };
        let (expected, actual) = (record.outputs_hash, hash_of(&outputs, &mut bytes));
        if expected != Some(actual) {
            return Err(Divergence { tick, index, expected, actual });
        }
        summary.last = tick;
        summary.outputs += u64::try_from(outputs.len()).unwrap_or(0);
        outputs.clear();
    }
    Ok(summary)
}

/// A piece of a recording after the header. Written from references, read into values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum FlightPiece<I = Input, R = StoreReply> {
    /// An input of the tick that follows.
    Input(I),
    /// A tick with the inputs before it.
    Tick { tick: Tick, inputs: u32 },
    /// An answer of the store.
    Stored { now: Tick, op: OpId, reply: R },
    /// What the call put out.
    Returned { outputs_hash: u64 },
    /// The core panicked in the call.
    Panicked,
}

impl FlightHeader {
    /// The beginning of a file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        write_piece(&mut bytes, self);
        bytes
    }
}

/// Appends a piece and says how long it is without its length.
pub(super) fn write_piece<T: Serialize>(bytes: &mut Vec<u8>, piece: &T) -> usize {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    wire::encode_onto(piece, bytes);
    let len = bytes.len() - at - 4;
    let told = u32::try_from(len).unwrap_or(u32::MAX);
    bytes[at..at + 4].copy_from_slice(&told.to_le_bytes());
    len
}

/// Hash of the outputs' `wire` bytes, one after the other. What is in `bytes` is overwritten.
pub(super) fn hash_of(outputs: &[Output], bytes: &mut Vec<u8>) -> u64 {
    bytes.clear();
    outputs.iter().for_each(|output| wire::encode_onto(output, bytes));
    xxh3_64(bytes)
}

fn read_piece<T: serde::de::DeserializeOwned>(file: &mut impl Read) -> Result<T, FlightEnd> {
    let mut len = Vec::with_capacity(4);
    file.take(4).read_to_end(&mut len).map_err(|_| FlightEnd::Damaged)?;
    let len: [u8; 4] = match len.len() {
        0 => return Err(FlightEnd::Complete),
        _ => len.try_into().map_err(|_| FlightEnd::Truncated)?,
    };
    let len = u32::from_le_bytes(len);
    if usize::try_from(len).is_ok_and(|len| len > PIECE_BYTES_MAX) {
        return Err(FlightEnd::Damaged);
    }
    let mut bytes = Vec::new();
    file.take(u64::from(len)).read_to_end(&mut bytes).map_err(|_| FlightEnd::Damaged)?;
    if u32::try_from(bytes.len()) != Ok(len) {
        return Err(FlightEnd::Truncated);
    }
    wire::decode(&bytes, PIECE_BYTES_MAX).map_err(|_| FlightEnd::Damaged)
}
