//! Why a command did not do what was asked, in words that help, with an exit code.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::config::layers::ConfigError;

/// Exit code of a check that failed.
pub const EXIT_CHECK: u8 = 1;
/// Exit code of a wrong configuration (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// Why a command failed. Wrong usage is not here: clap reports it with code 2.
#[derive(Debug, Error)]
pub enum Failure {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `log.filter` is not understood.
    #[error("log.filter: `{filter}` is not understood: {message}\n  try: warn,cohort=info")]
    LogFilter {
        /// What was given.
        filter: String,
        /// Why not.
        message: String,
    },
    /// The content is wrong.
    #[error("the content is not usable: {message}")]
    Content {
        /// File, line and what is allowed.
        message: String,
    },
    /// Somebody has the port.
    #[error(
        "{protocol} port {address} is in use{holder}\n  \
         take another one with --port, or --port 0 for a free one; \
         `cohort status` shows a node that runs there"
    )]
    PortInUse {
        /// `TCP` or `UDP`.
        protocol: &'static str,
        /// The address that was to be bound.
        address: SocketAddr,
        /// Who it is, if that is known; begins with a space.
        holder: String,
    },
    /// The port cannot be bound for another reason.
    #[error(
        "cannot listen on {protocol} {address}: {source}\n  \
         check --bind and --port (ports below 1024 need rights)"
    )]
    Listen {
        /// `TCP` or `UDP`.
        protocol: &'static str,
        /// The address that was to be bound.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error(
        "cannot use the data directory {}: {what}\n  \
         choose another one with --data, or give this user the right to write there",
        dir.display()
    )]
    DataDir {
        /// The directory.
        dir: PathBuf,
        /// Why.
        what: String,
    },
    /// The store cannot be opened.
    #[error("cannot open the store: {what}")]
    Store {
        /// The file, what is wrong with it, and what to do.
        what: String,
    },
    /// The servers of the store cannot be used now.
    #[error(
        "{what}\n  are the servers running, and is store.urls right? \
         `apt-get install redis-server` installs one"
    )]
    Servers {
        /// Which server, and what is wrong.
        what: String,
    },
    /// The node MQ does not start.
    #[error("cannot start the node MQ: {what}\n  check the section [mq]")]
    Mq {
        /// What stands in the way.
        what: String,
    },
    /// The directory does not take the node.
    #[error("this node cannot join the cluster: {what}")]
    Join {
        /// Who or what stands in the way.
        what: String,
    },
    /// A file with a secret cannot be used. Its content is not shown.
    #[error("the secret in {} cannot be used: {what}", file.display())]
    Secret {
        /// The file.
        file: PathBuf,
        /// What stands in the way.
        what: String,
    },
    /// Certificate or key cannot be used.
    #[error(
        "cannot use the certificate: {what}\n  \
         check edge.certificate_file and edge.key_file; empty ones make a certificate"
    )]
    Certificate {
        /// Why.
        what: String,
    },
    /// A node does not answer.
    #[error(
        "no answer from {url} within {} ms: {what}\n  \
         start a node with `cohort up`, or say where it is with {flag}",
        waited.as_millis()
    )]
    Unreachable {
        /// What was tried.
        url: String,
        /// How long.
        waited: Duration,
        /// What happened.
        what: String,
        /// The flag that says where.
        flag: &'static str,
    },
    /// A node answered something that is not understood.
    #[error(
        "the answer of {url} is not understood: {what}\n  is it a cohort node of this version?"
    )]
    Answer {
        /// What was asked.
        url: String,
        /// What does not fit.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The load run could not begin.
    #[error("{what}\n  is a node running? start one with `cohort up`")]
    Load {
        /// Why.
        what: String,
    },
    /// The node stopped without being asked.
    #[error("the node stopped: {what}")]
    Node {
        /// Why.
        what: String,
    },
    /// A check failed. What failed was printed.
    #[error("{what}")]
    Check {
        /// In one line.
        what: String,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::LogFilter { .. }
            | Self::Content { .. }
            | Self::PortInUse { .. }
            | Self::Listen { .. }
            | Self::DataDir { .. }
            | Self::Store { .. }
            | Self::Secret { .. }
            | Self::Certificate { .. } => EXIT_CONFIG,
            Self::Servers { .. }
            | Self::Mq { .. }
            | Self::Join { .. }
            | Self::Unreachable { .. }
            | Self::Answer { .. }
            | Self::File { .. }
            | Self::Load { .. }
            | Self::Node { .. }
            | Self::Check { .. }
            | Self::Output(_) => EXIT_CHECK,
        }
    }
}

/// An error with everything that led to it, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
