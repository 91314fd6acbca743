//! The doorbell of a role's thread: how another thread says that something is there.
//!
//! A flag and a condition variable: unlike a channel's, its wait does not spin before it sleeps,
//! which is what an idle node of many ticks a second would spend most of its time on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Wakes a role's thread. Clones ring the same bell; many rings before the thread looks are one.
#[derive(Clone, Debug, Default)]
pub struct Doorbell {
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Bell {
    rung: AtomicBool,
    /// Held between looking at `rung` and going to sleep, so that no ring falls in between.
    looking: Mutex<()>,
    heard: Condvar,
}

impl Doorbell {
    /// A new bell.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A bell that wakes nobody, for the MQ of a role that looks often enough by itself. A role's
    /// own doorbell must not be silent.
    #[must_use]
    pub fn silent() -> Self {
        let doorbell = Self::new();
        doorbell.ring();
        doorbell
    }

    /// Wakes the thread; does not wait for it.
    pub fn ring(&self) {
        if !self.bell.rung.swap(true, Ordering::AcqRel) {
            drop(self.look());
            self.bell.heard.notify_one();
        }
    }

    /// Waits for a ring, at most for `limit`. Says whether it rang. One thread may wait.
    pub fn wait(&self, limit: Duration) -> bool {
        let bell = &self.bell;
        if !bell.rung.load(Ordering::Acquire) && !limit.is_zero() {
            let silent = |(): &mut ()| !bell.rung.load(Ordering::Acquire);
            let woken = bell.heard.wait_timeout_while(self.look(), limit, silent);
            drop(woken.unwrap_or_else(PoisonError::into_inner));
        }
        bell.rung.swap(false, Ordering::AcqRel)
    }

    /// The lock guards nothing, so a poisoned one is as good.
    fn look(&self) -> MutexGuard<'_, ()> {
        self.bell.looking.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert!(doorbell.wait(Duration::from_secs(20)));
        assert!(!doorbell.wait(Duration::from_millis(1)));
    }

    #[test]
    fn no_ring_is_missed_however_it_meets_the_wait() {
        let (ping, pong) = (Doorbell::new(), Doorbell::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    assert!(ping.wait(Duration::from_secs(20)), "a ping was missed");
                    pong.ring();
                }
            });
            for _ in 0..10_000 {
                ping.ring();
                assert!(pong.wait(Duration::from_secs(20)), "a pong was missed");
            }
        });
    }
}
