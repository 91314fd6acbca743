//! What can go wrong, and why a connection ended.

use thiserror::Error;

use shared::msg::refusal::Refusal;

/// Why a client did not get in.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// What is to be trusted is no certificate.
    #[error("what is to be trusted is no certificate in PEM or DER form")]
    NoCertificate,
    /// The certificate cannot be used as something to trust.
    #[error("the certificate cannot be trusted")]
    Trust(#[from] rustls::Error),
    /// No UDP socket could be opened.
    #[error("no UDP socket can be opened")]
    Socket(#[source] std::io::Error),
    /// The connection could not be begun, for example because the server's name is none.
    #[error("cannot connect")]
    Start(#[from] quinn::ConnectError),
    /// The handshake failed, or the connection was lost before the login was answered.
    #[error("the connection was not established")]
    Handshake(#[from] quinn::ConnectionError),
    /// The login, or the connection as a whole, was refused. The refusal says what to do.
    #[error("the server refuses: {0}")]
    Refused(Refusal),
    /// The connection ended before the login was answered.
    #[error("the connection ended during the login: {0}")]
    Closed(CloseReason),
    /// The server did not answer the login in time.
    #[error("the server did not answer the login in time")]
    Timeout,
}

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The cluster refused it. Unless the code is `OutcomeUnknown`, nothing was done.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The connection is gone. The request may have been carried out: connect again and repeat it
    /// with the same id, see [`crate::Client::request_with_id`].
    #[error("the connection ended before the reply: {0}")]
    Disconnected(CloseReason),
    /// There was no reply in time. The request may have been carried out: repeat it with the same
    /// id.
    #[error("no reply in time")]
    Timeout,
    /// A request with the same id is still in flight on this connection.
    #[error("a request with this id is in flight")]
    InFlight,
    /// The request is longer than `limits::CLIENT_FRAME_BYTES_MAX`; it was not sent.
    #[error("the request is too long")]
    TooLong,
}

/// Why commands were not sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The datagram is longer than `limits::DATAGRAM_BYTES_MAX` or than the path carries, or has
    /// more than `COMMANDS_MAX` commands.
    #[error("the datagram is too long")]
    TooLong,
    /// The connection is gone.
    #[error("the connection is gone")]
    Disconnected,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// The server said goodbye.
    #[error("the server said goodbye: {0}")]
    Goodbye(Refusal),
    /// The server closed the connection without a goodbye.
    #[error("closed by the server with code {code}: {text}")]
    ByServer {
        /// The application close code.
        code: u64,
        /// What the server says about it.
        text: String,
    },
    /// [`crate::Client::close`] was called, or every handle of the client was dropped.
    #[error("closed by this client")]
    ByUs,
    /// The server was not heard of for too long, or the path to it is gone.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// Events were not taken fast enough: `EVENTS_WAITING_MAX` were waiting.
    #[error("events were not taken fast enough")]
    EventsOverflowed,
    /// The server sent something that is no message of this protocol version.
    #[error("the server sent something that is no message")]
    Malformed,
}

impl From<quinn::ConnectionError> for CloseReason {
    fn from(error: quinn::ConnectionError) -> Self {
        use quinn::ConnectionError as Error;
        match error {
            Error::ApplicationClosed(close) => Self::ByServer {
                code: close.error_code.into_inner(),
                text: String::from_utf8_lossy(&close.reason).into_owned(),
            },
            Error::LocallyClosed => Self::ByUs,
            Error::VersionMismatch
            | Error::TransportError(_)
            | Error::ConnectionClosed(_)
            | Error::Reset
            | Error::TimedOut
            | Error::CidsExhausted => Self::Lost(error.to_string()),
        }
    }
}
