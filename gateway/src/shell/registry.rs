//! The connections by session, and the sink that carries out what the core wants done with them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use shared::core::EdgeOutput;
use shared::ids::SessionId;
use shared::limits::SERVER_FRAME_BYTES_MAX;
use shared::msg::client::ServerFrame;
use shared::wire;

use super::close_code::CloseCode;
use super::counters::Counters;

/// Frames that wait for one client. A client that lets more pile up is closed.
pub(super) const FRAMES_WAITING_MAX: usize = 1_024;
/// Bytes of frames that wait for one client. A client that lets more pile up is closed.
pub(super) const FRAMES_WAITING_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(FRAMES_WAITING_BYTES_MAX > SERVER_FRAME_BYTES_MAX + 4);

/// What a connection's writer is to do.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// Write a frame: its length and its bytes.
    Frame(Bytes),
    /// Write what is pending, then close.
    Close,
}

/// What the sink needs of a connection.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) connection: quinn::Connection,
    pub(super) frames: mpsc::Sender<Outgoing>,
    /// Bytes of frames that were handed over and not yet written.
    pub(super) waiting_bytes: Arc<AtomicUsize>,
}

/// The connections by session. The lock is held for a look-up and a hand-over, never for IO.
#[derive(Debug, Default)]
pub(super) struct Registry {
    handles: Mutex<HashMap<SessionId, Handle>>,
}

impl Registry {
    pub(super) fn add(&self, session: SessionId, handle: Handle) {
        self.with(|handles| handles.insert(session, handle));
    }

    pub(super) fn remove(&self, session: SessionId) {
        self.with(|handles| handles.remove(&session));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<SessionId, Handle>) -> T) -> T {
        // The map is whole between two statements, so a panic elsewhere leaves it usable.
        act(&mut self.handles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Carries an output out; never blocks.
    pub(super) fn carry_out(&self, output: EdgeOutput, counters: &Counters) {
        match output {
            EdgeOutput::Frame { session, frame } => {
                let Some(bytes) = encode(&frame) else {
                    // Replies are built to stay below the limit, so this one is our own fault.
                    counters.frames_out_too_long.add();
                    tracing::error!(%session, "a frame for a client is too long");
                    return self.hand_over(session, counters, Handle::give_up);
                };
                self.hand_over(session, counters, |handle| handle.write(bytes, counters));
            }
            EdgeOutput::Datagram { sessions, bytes } => {
                let bytes = Bytes::from(bytes);
                self.with(|handles| {
                    for session in &sessions {
                        match handles.get(session) {
                            Some(handle) => handle.send(bytes.clone(), counters),
                            None => counters.outputs_stale.add(),
                        }
                    }
                });
            }
            EdgeOutput::Close { session } => {
                self.hand_over(session, counters, Handle::close);
            }
        }
    }

    fn hand_over(&self, session: SessionId, counters: &Counters, act: impl FnOnce(&Handle)) {
        self.with(|handles| match handles.get(&session) {
            Some(handle) => act(handle),
            None => counters.outputs_stale.add(),
        });
    }
}

impl Handle {
    fn write(&self, bytes: Bytes, counters: &Counters) {
        let len = bytes.len();
        let waiting = self.waiting_bytes.fetch_add(len, Ordering::Relaxed) + len;
        let full = waiting > FRAMES_WAITING_BYTES_MAX
            || self.frames.try_send(Outgoing::Frame(bytes)).is_err();
        if full && self.connection.close_reason().is_none() {
            counters.slow_readers.add();
            CloseCode::SlowReader.close(&self.connection);
        }
    }

    fn send(&self, bytes: Bytes, counters: &Counters) {
        if self.connection.send_datagram(bytes).is_err() {
            counters.datagrams_out_dropped.add();
        }
    }

    fn close(&self) {
        if self.frames.try_send(Outgoing::Close).is_err() {
            self.give_up();
        }
    }

    fn give_up(&self) {
        CloseCode::Done.close(&self.connection);
    }
}

/// The frame behind its length, or nothing if it is too long.
fn encode(frame: &ServerFrame) -> Option<Bytes> {
    let body = wire::encode(frame);
    let len = u32::try_from(body.len()).ok().filter(|_| body.len() <= SERVER_FRAME_BYTES_MAX)?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&body);
    Some(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::RequestId;
    use shared::limits::CLIENT_FRAME_BYTES_MAX;
    use shared::msg::client::{Reply, Stack};

    fn bag(stacks: usize) -> ServerFrame {
        let bag = Reply::Bag(vec![Stack { item: 1, count: 1 }; stacks]);
        ServerFrame::Reply { id: RequestId(1), result: Ok(bag) }
    }

    #[test]
    fn a_frame_is_its_length_and_its_bytes() {
        let bytes = encode(&bag(3)).expect("short");
        let (len, body) = bytes.split_at(4);
        assert_eq!(usize::try_from(u32::from_le_bytes(len.try_into().unwrap())), Ok(body.len()));
        assert_eq!(wire::decode::<ServerFrame>(body, CLIENT_FRAME_BYTES_MAX), Ok(bag(3)));
    }

    #[test]
    fn a_frame_that_no_client_would_take_is_not_encoded() {
        assert!(encode(&bag(SERVER_FRAME_BYTES_MAX / 2 - 20)).is_some());
        assert!(encode(&bag(SERVER_FRAME_BYTES_MAX / 2 + 20)).is_none());
    }
}
