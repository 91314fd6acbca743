//! Records what a role's core is given, so that the role can be run again: a flight recording.
//!
//! The role's thread encodes, a writer of its own writes. A recording that cannot keep up ends
//! with a warning; the role goes on. What a file looks like stands in `flight`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::RuntimeError;
use super::flight::{FlightHeader, FlightPiece, PIECE_BYTES_MAX, hash_of, write_piece};
use crate::core::{Input, Output};
use crate::ids::Role;
use crate::store::{OpId, StoreReply};
use crate::tick::Tick;

/// Calls that wait to be written. With one more the recording ends.
const CALLS_WAITING_MAX: usize = 4_096;

/// Records the calls of one core.
#[derive(Debug)]
pub(super) struct Recorder {
    role: Role,
    calls: Sender<Vec<u8>>,
    /// The call that is being made.
    call: Vec<u8>,
    too_long: bool,
}

impl Recorder {
    /// Begins the recording of a role in `directory`. The thread ends with the recorder, when all
    /// is written.
    pub(super) fn start(
        directory: &Path,
        header: FlightHeader,
    ) -> Result<(Self, JoinHandle<()>), RuntimeError> {
        let role = header.address.role;
        let path = directory.join(format!("{role}.flight"));
        let begun = std::fs::create_dir_all(directory).and_then(|()| File::create(&path));
        let file = begun.and_then(|mut file| file.write_all(&header.bytes()).map(|()| file));
        let file = file.map_err(|source| RuntimeError::Record { path, source })?;
        let (calls, waiting) = bounded(CALLS_WAITING_MAX);
        let name = format!("rec-{role}");
        let thread = Builder::new()
            .name(name.clone())
            .spawn(move || write_calls(role, file, &waiting))
            .map_err(|source| RuntimeError::Thread { name, source })?;
        Ok((Self { role, calls, call: Vec::new(), too_long: false }, thread))
    }

    /// Notes that the core is about to be ticked.
    pub(super) fn begin_tick(&mut self, tick: Tick, inputs: &[Input]) {
        for input in inputs {
            self.note(&FlightPiece::Input(input));
        }
        let inputs = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        self.note(&FlightPiece::Tick { tick, inputs });
    }

    /// Notes that the core is about to get an answer of the store.
    pub(super) fn begin_stored(&mut self, now: Tick, op: OpId, reply: &StoreReply) {
        self.note(&FlightPiece::Stored { now, op, reply });
    }

    /// Notes what came of the call and hands it to the writer; ends the recording if it is stuck.
    pub(super) fn end_call(recorder: &mut Option<Self>, outputs: &[Output]) {
        let Some(active) = recorder else { return };
        active.note(&FlightPiece::Returned { outputs_hash: hash_of(outputs) });
        if !active.hand_over() {
            tracing::warn!(role = %active.role, "flight recording ended, it cannot keep up");
            *recorder = None;
        }
    }

    /// Notes that the call did not return.
    pub(super) fn end_with_panic(mut self) {
        if !self.call.is_empty() {
            self.note(&FlightPiece::Panicked);
            if !self.hand_over() {
                tracing::warn!(role = %self.role, "flight recording lacks the call that panicked");
            }
        }
    }

    fn note(&mut self, piece: &FlightPiece<&Input, &StoreReply>) {
        self.too_long |= write_piece(&mut self.call, piece) > PIECE_BYTES_MAX;
    }

    fn hand_over(&mut self) -> bool {
        let call = std::mem::take(&mut self.call);
        !self.too_long && self.calls.try_send(call).is_ok()
    }
}

/// Writes until the recorder is gone; flushes whenever nothing waits, so that a killed process
/// leaves little unwritten.
fn write_calls(role: Role, file: File, waiting: &Receiver<Vec<u8>>) {
    let mut file = BufWriter::new(file);
    for call in waiting {
        let mut written = file.write_all(&call);
        if waiting.is_empty() {
            written = written.and_then(|()| file.flush());
        }
        if let Err(error) = written {
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

    fn recorder(calls: Sender<Vec<u8>>) -> Option<Recorder> {
        Some(Recorder { role: Role::Social, calls, call: Vec::new(), too_long: false })
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
