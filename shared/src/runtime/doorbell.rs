//! The doorbell of a role's thread: how another thread says that something is there.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Wakes a role's thread. Clones ring the same bell; many rings before the thread looks are one.
#[derive(Clone, Debug)]
pub struct Doorbell {
    button: Sender<()>,
    bell: Receiver<()>,
}

impl Doorbell {
    /// A new bell.
    #[must_use]
    pub fn new() -> Self {
        let (button, bell) = bounded(1);
        Self { button, bell }
    }

    /// A bell that wakes nobody, for the MQ of a role that looks often enough by itself. A role's
    /// own doorbell must not be silent.
    #[must_use]
    pub fn silent() -> Self {
        let doorbell = Self::new();
        doorbell.ring();
        doorbell
    }

    /// Wakes the thread; never blocks.
    pub fn ring(&self) {
        // A full channel means that the bell has rung already and nobody has looked yet.
        let _already_rung = self.button.try_send(());
    }

    /// Waits for a ring, at most for `limit`. Says whether it rang.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        self.bell.recv_timeout(limit).is_ok()
    }

    /// Waits for a ring, at most until `deadline`. Says whether it rang.
    pub(crate) fn wait_until(&self, deadline: Instant) -> bool {
        self.bell.recv_deadline(deadline).is_ok()
    }
}

impl Default for Doorbell {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rings_are_heard_once() {
        let doorbell = Doorbell::new();
        let other = doorbell.clone();
        (0..5).for_each(|_| other.ring());
        assert!(doorbell.wait(Duration::ZERO));
        assert!(!doorbell.wait(Duration::ZERO));
    }
}
