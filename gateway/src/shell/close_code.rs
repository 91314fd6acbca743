//! With which code a connection is closed, when there is no goodbye that says why.

use quinn::VarInt;

/// Application close codes of the edge. Clients see code and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The session is over; the goodbye frame before has said why.
    Done,
    /// A control frame was longer than `limits::CLIENT_FRAME_BYTES_MAX`.
    FrameTooLong,
    /// A control frame, or the control stream itself, took too long to come.
    TooSlow,
    /// The client did not read what it was sent.
    SlowReader,
    /// The gateway is being shut down.
    Shutdown,
}

impl CloseCode {
    /// The code on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Done => 0,
            Self::FrameTooLong => 1,
            Self::TooSlow => 2,
            Self::SlowReader => 3,
            Self::Shutdown => 4,
        }
    }

    /// The text that goes with it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::FrameTooLong => "control frame too long",
            Self::TooSlow => "control frame took too long",
            Self::SlowReader => "client does not read",
            Self::Shutdown => "gateway is being shut down",
        }
    }

    pub(super) fn close(self, connection: &quinn::Connection) {
        connection.close(VarInt::from_u32(self.number()), self.text().as_bytes());
    }
}
