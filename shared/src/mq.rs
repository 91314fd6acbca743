//! The node MQ: frames between roles of nodes.
//!
//! Contract, the same for every back-end: first-in first-out per sender and receiver, no
//! duplicates, at most once. A frame is lost only when a link or a node dies, and then the sender
//! learns it. Nothing grows without bound: `send` says `Full` instead. What must not be lost goes
//! through outbox and mailbox, not through here.

#[cfg(feature = "shell")]
pub mod local;
#[cfg(feature = "shell")]
pub mod nats;
#[cfg(feature = "shell")]
pub mod redis;
#[cfg(feature = "shell")]
pub mod remote;
#[cfg(feature = "shell")]
pub mod tcp;

use thiserror::Error;

use crate::ids::Address;
use crate::msg::Body;

/// A frame that did not go out; it is handed back.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SendError {
    /// The receiver has `limits::MQ_FRAMES_WAITING_MAX` frames waiting, or as much as a link to
    /// its node may hold is under way.
    #[error("too many frames wait at the receiver or on the way to it")]
    Full(Body),
    /// There is no such node, or it does not host the role (any more).
    #[error("the receiver is not there")]
    Gone(Body),
}

/// Something that arrived.
#[derive(Clone, Debug, PartialEq)]
pub enum MqEvent {
    /// A frame.
    Frame {
        /// Who sent it.
        from: Address,
        /// What it says.
        body: Body,
    },
    /// A frame that was accepted by `send` and did not arrive.
    Unsent {
        /// Where it was to go.
        to: Address,
        /// What it said.
        body: Body,
    },
}

/// One role's access to the node MQ. Never blocks.
pub trait Mq: Send {
    /// Hands a frame over. It may wait for others that go the same way, until [`Mq::flush`].
    ///
    /// # Errors
    /// [`SendError`] gives the frame back.
    fn send(&mut self, to: Address, body: Body) -> Result<(), SendError>;
    /// Has everything that was sent leave now. To be called after the sends that belong together,
    /// and before waiting for an answer.
    fn flush(&mut self);
    /// Moves at most `limit` events into `events`, in order of arrival.
    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>);
    /// How many events wait to be polled, for the status page; zero if the back-end cannot say.
    fn waiting(&self) -> usize {
        0
    }
}
