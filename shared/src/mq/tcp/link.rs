//! A link to a peer as everybody in the process has it: what is on its way there, and the
//! connection that it is written to.

use std::io::{self, IoSlice, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use mio::net::TcpStream;

use super::chunk::{BadChunk, HEAD_BYTES, Head};
use super::handshake::LinkRefusal;
use super::outgoing::{Chunk, Flush, NotTaken, Outgoing};
use crate::ids::NodeId;
use crate::runtime::clock::Clock;

/// Chunks that a sender writes itself; what is left then is the link's thread's.
const SENDER_CHUNKS_MAX: usize = 16;

/// A link to one incarnation of a node. It outlives its connections.
#[derive(Debug)]
pub(super) struct Link {
    peer: NodeId,
    /// Locked after `pipe` if both are.
    out: Mutex<Outgoing>,
    pipe: Mutex<Option<Pipe>>,
    /// All frames of the peer up to this number have been delivered to roles.
    delivered: AtomicU64,
    /// The peer has been told so up to this number on the present connection.
    told: AtomicU64,
    written_ns: AtomicU64,
    connections: AtomicU64,
    refusal: Mutex<Option<LinkRefusal>>,
}

/// What remains after a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing.
    All,
    /// Something, and the socket takes no more now.
    Blocked,
    /// Something, but that was enough for one turn.
    More,
}

/// The writing half of a connection.
#[derive(Debug)]
struct Pipe {
    stream: Arc<TcpStream>,
    seed: u64,
    writing: Option<Writing>,
    blocked: bool,
}

#[derive(Debug)]
struct Writing {
    head: [u8; HEAD_BYTES],
    body: Arc<Vec<u8>>,
    at: usize,
}

impl Link {
    pub(super) fn new(peer: NodeId, bytes_max: usize) -> Self {
        Self {
            peer,
            out: Mutex::new(Outgoing::new(bytes_max)),
            pipe: Mutex::new(None),
            delivered: AtomicU64::new(0),
            told: AtomicU64::new(0),
            written_ns: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            refusal: Mutex::new(None),
        }
    }

    pub(super) const fn peer(&self) -> NodeId {
        self.peer
    }

    /// Takes a frame, and writes when a chunk is full. True if the link's thread has to be told to.
    pub(super) fn send(&self, frame: &[u8], clock: Clock) -> Result<bool, NotTaken> {
        let flush = self.out().append(frame)?;
        Ok(self.carry_out(flush, clock))
    }

    /// As [`Link::send`], for a frame that goes back.
    pub(super) fn send_returned(&self, frame: &[u8], clock: Clock) -> Result<bool, NotTaken> {
        let flush = self.out().append_returned(frame)?;
        Ok(self.carry_out(flush, clock))
    }

    /// Writes what was sent. True if the link's thread has to be told to.
    pub(super) fn flush_sent(&self, clock: Clock) -> bool {
        let flush = self.out().ask_flush();
        self.carry_out(flush, clock)
    }

    /// Does what has to be done. True if the link's thread has to be told to.
    fn carry_out(&self, flush: Flush, clock: Clock) -> bool {
        flush == Flush::Must && !self.try_write(clock)
    }

    /// Writes, unless somebody else does just now. False if the thread has to do it.
    fn try_write(&self, clock: Clock) -> bool {
        let mut pipe = match self.pipe.try_lock() {
            Ok(pipe) => pipe,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let Some(pipe) = pipe.as_mut() else {
            // The thread writes everything as soon as there is a connection.
            return true;
        };
        if pipe.blocked {
            // The thread goes on when the socket takes more.
            return true;
        }
        // A broken connection is the thread's business; it learns of it from the socket.
        let flushed = self.flush_pipe(pipe, clock.now_ns(), SENDER_CHUNKS_MAX, false);
        !matches!(flushed, Ok(Flushed::More))
    }

    /// Writes what waits, at most `chunks_max` chunks. With `tell`, writes at least what has been
    /// delivered.
    pub(super) fn flush(&self, now_ns: u64, chunks_max: usize, tell: bool) -> io::Result<Flushed> {
        match self.pipe().as_mut() {
            Some(pipe) => self.flush_pipe(pipe, now_ns, chunks_max, tell),
            None => Ok(Flushed::All),
        }
    }

    fn flush_pipe(
        &self,
        pipe: &mut Pipe,
        now_ns: u64,
        chunks_max: usize,
        mut tell: bool,
    ) -> io::Result<Flushed> {
        for _ in 0..chunks_max {
            if pipe.writing.is_none() {
                let (chunk, next) = self.hand_out();
                if chunk.is_none() && !tell {
                    return Ok(Flushed::All);
                }
                tell = false;
                pipe.begin(chunk.unwrap_or_else(|| Chunk::empty(next)), self.tell());
            }
            pipe.blocked = !pipe.push()?;
            if pipe.blocked {
                return Ok(Flushed::Blocked);
            }
            self.written_ns.store(now_ns, Ordering::Relaxed);
        }
        Ok(Flushed::More)
    }

    fn hand_out(&self) -> (Option<Chunk>, u64) {
        let mut out = self.out();
        (out.hand_out(), out.next_to_hand_out())
    }

    /// The number up to which the peer is told now.
    fn tell(&self) -> u64 {
        let delivered = self.delivered.load(Ordering::Relaxed);
        self.told.store(delivered, Ordering::Relaxed);
        delivered
    }

    /// A new connection, to a peer that has received everything up to `peer_received`. False if
    /// it cannot go on there.
    pub(super) fn connect(&self, stream: Arc<TcpStream>, seed: u64, peer_received: u64) -> bool {
        let mut pipe = self.pipe();
        if !self.out().resume(peer_received) {
            return false;
        }
        self.told.store(0, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        *lock(&self.refusal) = None;
        *pipe = Some(Pipe { stream, seed, writing: None, blocked: false });
        true
    }

    /// The connection is gone.
    pub(super) fn disconnect(&self) {
        *self.pipe() = None;
    }

    /// The link is at its end: nothing more is taken. Gives what was not acknowledged.
    pub(super) fn close(&self) -> Vec<Chunk> {
        self.disconnect();
        self.out().close()
    }

    pub(super) fn acknowledge(&self, number: u64) -> Result<(), BadChunk> {
        self.out().acknowledge(number)
    }

    pub(super) fn set_delivered(&self, number: u64) {
        self.delivered.store(number, Ordering::Relaxed);
    }

    /// The peer does not yet know of all that has been delivered.
    pub(super) fn owes_word(&self) -> bool {
        self.told.load(Ordering::Relaxed) < self.delivered.load(Ordering::Relaxed)
    }

    pub(super) fn written_ns(&self) -> u64 {
        self.written_ns.load(Ordering::Relaxed)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.pipe().is_some()
    }

    /// Connections that there have been.
    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(super) fn refusal(&self) -> Option<LinkRefusal> {
        *lock(&self.refusal)
    }

    /// Remembers why there is no connection. True if that is new.
    pub(super) fn set_refusal(&self, refusal: LinkRefusal) -> bool {
        lock(&self.refusal).replace(refusal) != Some(refusal)
    }

    pub(super) fn out(&self) -> MutexGuard<'_, Outgoing> {
        lock(&self.out)
    }

    fn pipe(&self) -> MutexGuard<'_, Option<Pipe>> {
        lock(&self.pipe)
    }
}

impl Chunk {
    fn empty(next: u64) -> Self {
        Self { first: next, frames: 0, body: Arc::default() }
    }
}

impl Pipe {
    fn begin(&mut self, chunk: Chunk, delivered: u64) {
        let body_bytes = u32::try_from(chunk.body.len()).unwrap_or(u32::MAX);
        let head = Head { body_bytes, frames: chunk.frames, first: chunk.first, delivered };
        let head = head.seal(&chunk.body, self.seed);
        self.writing = Some(Writing { head, body: chunk.body, at: 0 });
    }

    /// Writes what has been begun. False if the socket does not take all of it now.
    fn push(&mut self) -> io::Result<bool> {
        let Some(writing) = &mut self.writing else { return Ok(true) };
        while writing.at < HEAD_BYTES + writing.body.len() {
            let head = writing.head.get(writing.at..).unwrap_or_default();
            let body = &writing.body[writing.at.saturating_sub(HEAD_BYTES)..];
            let mut stream = &*self.stream;
            match stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => writing.at += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.writing = None;
        Ok(true)
    }
}

/// Nothing panics while one of these locks is held, so a poisoned one holds no broken state.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
