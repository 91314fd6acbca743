//! Records what a role's core is given, so that the role can be run again: a flight recording.
//!
//! The role's thread encodes, a writer of its own writes. A recording that cannot keep up ends
//! with a warning; the role goes on. Calls are handed over in batches. What a file looks like
//! stands in `flight`.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread::{self, Builder, JoinHandle, Thread};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::RuntimeError;
use super::clock::Clock;
use super::flight::{FlightCall, FlightHeader, FlightPiece, PIECE_BYTES_MAX, hash_of, write_piece};
use crate::core::{Core, Input, Output};
use crate::ids::Role;
use crate::store::{OpId, StoreReply};
use crate::tick::{Tick, TickRate};

/// Batches of calls that wait to be written. With one more the recording ends.
const BATCHES_WAITING_MAX: usize = 256;
/// Batches that wait after which the writer is woken. Otherwise it looks by itself: to wake it
/// costs the role's thread more than to note many calls.
const BATCHES_HURRY: usize = 64;
/// Time between two looks of the writer.
const LOOK: Duration = Duration::from_millis(50);
/// A writer is waited for so long at most, where it is waited for at all.
const WAIT_NS_MAX: u64 = 5_000_000_000;
/// Batches that were written and are filled again; with more they are forgotten.
const SPARES_MAX: usize = BATCHES_HURRY;
/// Bytes after which a batch is handed to the writer.
const BATCH_BYTES: usize = 32 << 10;
/// Time after which a batch is handed over although it is small, in ms of ticks. A process that is
/// killed has not written so much and what comes until the writer looks.
const BATCH_MS: u64 = 50;

/// Records the calls of one core.
#[derive(Debug)]
pub(super) struct Recorder {
    role: Role,
    rate: TickRate,
    batches: Sender<Vec<u8>>,
    /// Empty batches that come back.
    spares: Receiver<Vec<u8>>,
    writer: Thread,
    /// The calls that were not handed over.
    batch: Vec<u8>,
    /// The tick at which they are.
    due: Tick,
    now: Tick,
    /// The outputs of a call while they are hashed.
    outputs: Vec<u8>,
    /// A call was noted whose end was not.
    in_call: bool,
    too_long: bool,
}

/// Gives `core` calls as the thread of its role does, recorded in a folder if one is named. For
/// measuring what a recording costs: calls come much faster than ticks do, so the writer is waited
/// for whenever it is behind, and that time is told. The thread ends when all is written.
///
/// # Errors
/// [`RuntimeError`] if a recording cannot be begun, or did not keep up.
pub fn perform(
    core: &mut dyn Core,
    calls: Vec<FlightCall>,
    record: Option<(&Path, FlightHeader)>,
) -> Result<(Option<JoinHandle<()>>, Duration), RuntimeError> {
    let path = record.map(|(folder, header)| file_of(folder, header.address.role));
    let begun = record.map(|(folder, header)| Recorder::start(folder, header)).transpose()?;
    let (mut recorder, writer) = begun.unzip();
    let mut outputs = Vec::new();
    let mut waited = Duration::ZERO;
    for call in calls {
        if let Some(recorder) = recorder.as_ref().filter(|recorder| recorder.is_behind()) {
            waited += recorder.wait_for_writer();
        }
        match call {
            FlightCall::Tick { tick, mut inputs } => {
                if let Some(recorder) = &mut recorder {
                    recorder.begin_tick(tick, &inputs);
                }
                core.tick(tick, inputs.drain(..), &mut outputs);
            }
            FlightCall::Stored { now, op, reply } => {
                if let Some(recorder) = &mut recorder {
                    recorder.begin_stored(now, op, &reply);
                }
                core.stored(now, op, reply, &mut outputs);
            }
        }
        Recorder::end_call(&mut recorder, &outputs);
        outputs.clear();
    }
    match path.filter(|_| recorder.is_none()) {
        Some(path) => Err(RuntimeError::Record { path, source: ErrorKind::TimedOut.into() }),
        None => Ok((writer, waited)),
    }
}

fn file_of(directory: &Path, role: Role) -> PathBuf {
    directory.join(format!("{role}.flight"))
}

impl Recorder {
    /// Begins the recording of a role in `directory`. The thread ends with the recorder, when all
    /// is written.
    pub(super) fn start(
        directory: &Path,
        header: FlightHeader,
    ) -> Result<(Self, JoinHandle<()>), RuntimeError> {
        let role = header.address.role;
        let path = file_of(directory, role);
        let begun = std::fs::create_dir_all(directory).and_then(|()| File::create(&path));
        let file = begun.and_then(|mut file| file.write_all(&header.bytes()).map(|()| file));
        let file = file.map_err(|source| RuntimeError::Record { path, source })?;
        let (batches, waiting) = bounded(BATCHES_WAITING_MAX);
        let (written, spares) = bounded(SPARES_MAX);
        let name = format!("rec-{role}");
        let thread = Builder::new()
            .name(name.clone())
            .spawn(move || write_batches(role, file, &waiting, &written))
            .map_err(|source| RuntimeError::Thread { name, source })?;
        let writer = thread.thread().clone();
        Ok((Self::to(header, batches, spares, writer), thread))
    }

    fn to(
        header: FlightHeader,
        batches: Sender<Vec<u8>>,
        spares: Receiver<Vec<u8>>,
        writer: Thread,
    ) -> Self {
        Self {
            role: header.address.role,
            rate: header.rate,
            batches,
            spares,
            writer,
            batch: Vec::new(),
            due: Tick(0),
            now: Tick(0),
            outputs: Vec::new(),
            in_call: false,
            too_long: false,
        }
    }

    /// Notes that the core is about to be ticked.
    pub(super) fn begin_tick(&mut self, tick: Tick, inputs: &[Input]) {
        self.now = tick;
        self.in_call = true;
        for input in inputs {
            self.note(&FlightPiece::Input(input));
        }
        let inputs = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        self.note(&FlightPiece::Tick { tick, inputs });
    }

    /// Notes that the core is about to get an answer of the store.
    pub(super) fn begin_stored(&mut self, now: Tick, op: OpId, reply: &StoreReply) {
        self.in_call = true;
        self.note(&FlightPiece::Stored { now, op, reply });
    }

    /// Notes what came of the call; ends the recording if its writer is stuck.
    pub(super) fn end_call(recorder: &mut Option<Self>, outputs: &[Output]) {
        let Some(active) = recorder else { return };
        let outputs_hash = hash_of(outputs, &mut active.outputs);
        active.note(&FlightPiece::Returned { outputs_hash });
        active.in_call = false;
        let is_due = active.batch.len() >= BATCH_BYTES || active.now >= active.due;
        if active.too_long || is_due && !active.hand_over() {
            tracing::warn!(role = %active.role, "flight recording ended, it cannot keep up");
            active.batch.clear();
            *recorder = None;
        }
    }

    /// Notes that the call did not return.
    pub(super) fn end_with_panic(mut self) {
        if self.in_call {
            self.note(&FlightPiece::Panicked);
        }
    }

    fn note(&mut self, piece: &FlightPiece<&Input, &StoreReply>) {
        self.too_long |= write_piece(&mut self.batch, piece) > PIECE_BYTES_MAX;
    }

    fn hand_over(&mut self) -> bool {
        self.due = self.now.after(self.rate.ticks_of_ms(BATCH_MS));
        let room = self.spares.try_recv().unwrap_or_default();
        let fits = self.batches.try_send(std::mem::replace(&mut self.batch, room)).is_ok();
        if self.is_behind() {
            self.writer.unpark();
        }
        fits
    }

    fn is_behind(&self) -> bool {
        self.batches.len() >= BATCHES_HURRY
    }

    /// Waits until nothing waits to be written, or nobody writes any more. Returns how long.
    fn wait_for_writer(&self) -> Duration {
        let clock = Clock::started(0);
        self.writer.unpark();
        while !self.batches.is_empty() && clock.now_ns() < WAIT_NS_MAX {
            thread::yield_now();
        }
        Duration::from_nanos(clock.now_ns())
    }
}

impl Drop for Recorder {
    /// The role has ended: what was noted is written.
    fn drop(&mut self) {
        if !self.batch.is_empty() && (self.too_long || !self.hand_over()) {
            tracing::warn!(role = %self.role, "flight recording lacks its last calls");
        }
    }
}

/// Writes until the recorder is gone; flushes whenever nothing waits, so that a killed process
/// leaves little unwritten.
fn write_batches(role: Role, file: File, waiting: &Receiver<Vec<u8>>, written: &Sender<Vec<u8>>) {
    let mut file = BufWriter::new(file);
    loop {
        let done = match waiting.try_recv() {
            Ok(mut batch) => {
                let done = file.write_all(&batch);
                batch.clear();
                // There are enough spare ones.
                let _not_needed = written.try_send(batch);
                done
            }
            Err(TryRecvError::Empty) => {
                let done = file.flush();
                thread::park_timeout(LOOK);
                done
            }
            Err(TryRecvError::Disconnected) => break,
        };
        if let Err(error) = done {
            tracing::warn!(%role, %error, "flight recording ended, its file cannot be written");
            return;
        }
    }
    if let Err(error) = file.flush() {
        tracing::warn!(%role, %error, "the end of a flight recording is not written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Address, NodeId};

    /// Hands over after every tick.
    fn recorder(batches: Sender<Vec<u8>>) -> Option<Recorder> {
        let node = NodeId { node: 1, incarnation: 1 };
        let address = Address { node, role: Role::Social };
        let header = FlightHeader { address, rate: TickRate::new(20) };
        Some(Recorder::to(header, batches, bounded(1).1, thread::current()))
    }

    #[test]
    fn a_recording_whose_writer_is_stuck_ends_and_does_not_wait() {
        let (calls, waiting) = bounded(2);
        let mut recorder = recorder(calls);
        for tick in 1..=3 {
            let active = recorder.as_mut().expect("two calls find room");
            active.begin_tick(Tick(tick), &[Input::Drain]);
            Recorder::end_call(&mut recorder, &[]);
        }
        assert!(recorder.is_none());
        assert_eq!(waiting.iter().count(), 2, "what was handed over can still be written");
    }

    #[test]
    fn a_recording_ends_before_a_piece_that_no_reader_would_accept() {
        let (calls, waiting) = bounded(2);
        let mut recorder = recorder(calls);
        let guilds = vec![(crate::store::PartId(1), vec![0; PIECE_BYTES_MAX])];
        let key = crate::ids::Key::Guild(crate::ids::GuildId(1));
        let reply = StoreReply::Guilds(vec![(key, guilds)]);
        recorder.as_mut().expect("it records").begin_stored(Tick(1), OpId(1), &reply);
        Recorder::end_call(&mut recorder, &[]);
        assert!(recorder.is_none());
        assert_eq!(waiting.iter().count(), 0);
    }
}
