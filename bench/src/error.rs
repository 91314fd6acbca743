//! Why something could not be measured.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why something could not be measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A server that is measured, or measured against, is not on this machine.
    #[error("`{program}` is not on the PATH: apt-get install {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// The package of the system that has it.
        package: &'static str,
    },
    /// A server does not get ready.
    #[error("{program} does not start: {said}")]
    Server {
        /// The program.
        program: &'static str,
        /// What it said last.
        said: String,
    },
    /// The operating system refuses something.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// Why it was not.
        source: io::Error,
    },
    /// A directory for the files of stores and servers cannot be used.
    #[error("cannot use the directory {}: {source}", dir.display())]
    Dir {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The product cannot be started or does not do what it should.
    #[error("{part}: {what}")]
    Product {
        /// Which part of it.
        part: &'static str,
        /// What went wrong.
        what: String,
    },
    /// The raw client of a yardstick failed.
    #[error("the raw client of {server}: {what}")]
    Client {
        /// What it is a client of.
        server: &'static str,
        /// What went wrong.
        what: String,
    },
    /// Something that had to come did not come in time.
    #[error("waited in vain for {what}")]
    Silent {
        /// What had to come.
        what: &'static str,
    },
    /// Somebody asked to stop.
    #[error("stopped before it was measured")]
    Stopped,
}

/// What most functions here give.
pub(crate) type Result<T> = std::result::Result<T, BenchError>;

impl BenchError {
    /// For `map_err`: the operating system refuses `what`.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// A raw client's error.
    pub(crate) fn client(server: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self::Client { server, what: error.to_string() }
    }

    /// For `map_err`: the raw Redis client failed.
    pub(crate) fn redis(error: redis::RedisError) -> Self {
        Self::client("Redis", &error)
    }

    /// For `map_err`: the raw NATS client failed.
    pub(crate) fn nats<E: std::fmt::Display>(error: E) -> Self {
        Self::client("NATS", &error)
    }

    /// For `map_err`: the raw database failed.
    pub(crate) fn redb<E: std::fmt::Display>(error: E) -> Self {
        Self::client("redb", &error)
    }

    /// A part of the product failed.
    pub(crate) fn product(part: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self::Product { part, what: error.to_string() }
    }
}
