//! The node MQ: messages with 128 bytes of payload from one thread to another, and there and back.

mod broker;
mod ends;
mod local;
mod raw_nats;
mod raw_redis;
mod sockets;
mod tcp;
mod values;
mod waiter;

use std::path::Path;

use crate::error::Result;
use crate::figure::Figure;
use crate::harness::Harness;

/// Bytes that a message carries.
const PAYLOAD_BYTES: usize = 128;
/// Messages that are on their way one after the other, there and back.
const ROUND_TRIPS: usize = 5_000;
/// What a back-end reaches of its raw client with the same batching.
const OF_RAW_CLIENT: f64 = 0.8;
/// No back-end is slower than its naive use.
const OF_NAIVE_USE: f64 = 1.0;

/// A way to carry frames between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Inside one process.
    Local,
    /// Links over TCP. Its goal is a multiple of what NATS does, so it needs `nats-server`.
    Tcp,
    /// Lists of a Redis server.
    Redis,
    /// Subjects of a NATS server.
    Nats,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Local, Self::Tcp, Self::Redis, Self::Nats];

    /// What it is called on the command line and in the names of figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Tcp => "tcp",
            Self::Redis => "redis",
            Self::Nats => "nats",
        }
    }
}

/// Measures a back-end. Servers have their files below `dir`.
///
/// # Errors
/// [`crate::BenchError`] says what stands in the way.
pub fn measure(backend: Backend, harness: &mut Harness<'_>, dir: &Path) -> Result<Vec<Figure>> {
    match backend {
        Backend::Local => local::measure(harness),
        Backend::Tcp => tcp::measure(harness, dir),
        Backend::Redis => broker::measure_redis(harness, dir),
        Backend::Nats => broker::measure_nats(harness, dir),
    }
}
