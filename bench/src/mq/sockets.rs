//! Bare TCP on loopback, without encoding, checksum or account of anything.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::PAYLOAD_BYTES;
use crate::clock;
use crate::error::{BenchError, Result};
use crate::harness;
use crate::threads::{PATIENCE, beside};

/// Bytes that a receiver reads at a time.
const READ_BYTES: usize = 256 << 10;
/// Bytes that gather while others are written.
const BUFFER_BYTES_MAX: usize = 1 << 20;
/// Between two looks of a writer that has nothing to write.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Median and 99th percentile of the time there and back, in microseconds.
pub(super) fn round_trips(count: usize) -> Result<[f64; 2]> {
    let (mut here, mut there) = pair()?;
    let answer = || {
        let mut bytes = [0; PAYLOAD_BYTES];
        (0..count).try_for_each(|_| {
            there.read_exact(&mut bytes).and_then(|()| there.write_all(&bytes)).map_err(failed())
        })
    };
    let play = || {
        let mut bytes = [0; PAYLOAD_BYTES];
        harness::time_each(count, || {
            here.write_all(&bytes).and_then(|()| here.read_exact(&mut bytes)).map_err(failed())
        })
    };
    Ok(beside(answer, play)?.1)
}

/// Messages a second, one write each.
pub(super) fn write_each(count: usize) -> Result<f64> {
    read_while(count, |mut stream| {
        let bytes = [7; PAYLOAD_BYTES];
        (0..count).try_for_each(|_| stream.write_all(&bytes).map_err(failed()))
    })
}

/// Messages a second that are copied into one buffer while another thread writes the other one.
pub(super) fn write_buffered(count: usize) -> Result<f64> {
    read_while(count, |mut stream| {
        let buffer = Buffer::default();
        let write = || buffer.write_all_to(&mut stream);
        let fill = || {
            let bytes = std::hint::black_box([7; PAYLOAD_BYTES]);
            (0..count).for_each(|_| buffer.push(&bytes));
            buffer.ended.store(true, Ordering::Release);
            Ok(())
        };
        beside(write, fill).map(drop)
    })
}

#[derive(Default)]
struct Buffer {
    filled: Mutex<Vec<u8>>,
    has_some: Condvar,
    /// Nothing more comes, or nothing more is written.
    ended: AtomicBool,
}

impl Buffer {
    fn push(&self, bytes: &[u8]) {
        loop {
            let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
            if filled.len() < BUFFER_BYTES_MAX {
                let was_empty = filled.is_empty();
                filled.extend_from_slice(bytes);
                drop(filled);
                if was_empty {
                    self.has_some.notify_one();
                }
                return;
            }
            drop(filled);
            if self.ended.load(Ordering::Acquire) {
                return;
            }
            clock::wait_for_room();
        }
    }

    fn write_all_to(&self, stream: &mut TcpStream) -> Result<()> {
        let mut writing = Vec::new();
        loop {
            let ends = self.ended.load(Ordering::Acquire);
            let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
            if filled.is_empty() && ends {
                return Ok(());
            }
            if filled.is_empty() {
                let waited = self.has_some.wait_timeout(filled, LOOK_AGAIN);
                filled = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            std::mem::swap(&mut *filled, &mut writing);
            drop(filled);
            let written = stream.write_all(&writing).map_err(failed());
            if written.is_err() {
                self.ended.store(true, Ordering::Release);
            }
            written?;
            writing.clear();
        }
    }
}

/// Reads so many messages in this thread while `write` runs in another.
fn read_while(count: usize, write: impl FnOnce(TcpStream) -> Result<()> + Send) -> Result<f64> {
    let (one, mut two) = pair()?;
    let start = clock::now();
    let read = || {
        let mut buffer = vec![0; READ_BYTES];
        let mut left = count * PAYLOAD_BYTES;
        while left > 0 {
            match two.read(&mut buffer).map_err(failed())? {
                0 => return Err(BenchError::Silent { what: "the rest of a stream" }),
                bytes => left = left.saturating_sub(bytes),
            }
        }
        Ok(())
    };
    beside(|| write(one), read)?;
    Ok(harness::per_second(count, start))
}

fn pair() -> Result<(TcpStream, TcpStream)> {
    let connect = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let one = TcpStream::connect(listener.local_addr()?)?;
        let (two, _) = listener.accept()?;
        for stream in [&one, &two] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
        }
        Ok((one, two))
    };
    connect().map_err(failed())
}

fn failed() -> impl FnOnce(std::io::Error) -> BenchError {
    BenchError::io("a bare socket")
}
