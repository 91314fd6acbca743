//! What the edge counts before and behind the core.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters since the edge was bound.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $($(#[$doc])* pub(super) $name: Counter,)*
        }

        impl Counters {
            /// The counters by name.
            pub(super) fn values(&self) -> Vec<(&'static str, u64)> {
                vec![$((concat!("edge_", stringify!($name), "_total"), self.$name.value()),)*]
            }
        }
    };
}

counters! {
    /// Connections that were let in.
    accepted,
    /// Connections refused because there are too many in all or from one address.
    refused,
    /// Handshakes that were asked to prove the client's address.
    retried,
    /// Handshakes that did not come to an end.
    handshakes_failed,
    /// Control frames longer than allowed.
    frames_too_long,
    /// Frames or control streams that did not come in time.
    too_slow,
    /// Frames and datagrams that are no message.
    malformed,
    /// Clients that did not read.
    slow_readers,
    /// Frames for clients that are longer than `limits::SERVER_FRAME_BYTES_MAX`.
    frames_out_too_long,
    /// Outputs for sessions that are gone.
    outputs_stale,
    /// Datagrams dropped because the core had too many inputs waiting.
    datagrams_in_dropped,
    /// Datagrams that could not be sent: too long for the path, or the connection is lost.
    datagrams_out_dropped,
    /// Times a stream was not read for a while because the core had too many inputs waiting.
    input_waits,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
