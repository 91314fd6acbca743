//! Ids for requests: unique per player, over all connections the player ever has.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use shared::ids::RequestId;

/// Ids of one connection: the nonce in the high 32 bits, a count in the low ones.
#[derive(Debug)]
pub(crate) struct RequestIds {
    nonce: u32,
    count: AtomicU32,
}

impl RequestIds {
    /// Ids under `nonce`, or under one that this process has not used and that differs from those
    /// of earlier processes unless the clock was set back.
    pub(crate) fn new(nonce: Option<u32>) -> Self {
        Self { nonce: nonce.unwrap_or_else(fresh_nonce), count: AtomicU32::new(0) }
    }

    /// The next id.
    pub(crate) fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId((u64::from(self.nonce) << 32) | u64::from(count))
    }
}

#[expect(clippy::disallowed_methods, reason = "a nonce is made from the time of day")]
fn fresh_nonce() -> u32 {
    static CONNECTIONS: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Ten steps a second repeat after 13 years; a request window is forgotten long before.
    let tenths = now.as_millis() / 100;
    let low = u32::try_from(tenths & u128::from(u32::MAX)).unwrap_or_default();
    low.wrapping_add(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_two_connections_never_meet() {
        let first = RequestIds::new(None);
        let second = RequestIds::new(None);
        assert_ne!(first.next().0 >> 32, second.next().0 >> 32);
        let given = RequestIds::new(Some(7));
        assert_eq!([given.next(), given.next()], [RequestId(7 << 32), RequestId((7 << 32) + 1)]);
    }
}
