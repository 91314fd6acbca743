//! The doorbell of a role's thread: how another thread says that something is there.
//!
//! A flag and a condition variable: unlike a channel's, its wait does not spin before it sleeps,
//! which is what an idle node of many ticks a second would spend most of its time on. A thread that
//! waits may keep a vigil instead of sleeping: it does what another one would be woken for.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// Wakes a role's thread. Clones ring the same bell; many rings before the thread looks are one.
#[derive(Clone, Debug, Default)]
pub struct Doorbell {
    bell: Arc<Bell>,
}

/// What a thread may do for others while it waits for its bell.
pub trait Vigil: fmt::Debug + Send + Sync {
    /// Does it until `is_rung`, at most for `limit`. False if somebody else does it already.
    fn keep(&self, limit: Duration, is_rung: &dyn Fn() -> bool) -> bool;
    /// Has the thread in [`Vigil::keep`], if there is one, ask `is_rung` again.
    fn disturb(&self);
}

#[derive(Debug, Default)]
struct Bell {
    rung: AtomicBool,
    /// The thread waits for `heard`, or keeps `vigil`. A ring looks there after it has set `rung`,
    /// and the thread looks at `rung` after it has set one of these: so one of them sees the other.
    sleeps: AtomicBool,
    watches: AtomicBool,
    /// Held between looking at `rung` and going to sleep, so that no ring falls in between.
    looking: Mutex<()>,
    heard: Condvar,
    vigil: OnceLock<Weak<dyn Vigil>>,
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

    /// Has the thread keep `vigil` whenever it waits. A bell has one vigil, the first.
    pub fn keep_vigil(&self, vigil: Weak<dyn Vigil>) {
        // Whoever comes later is served by a thread of its own, as it would be without a bell.
        let _has_one = self.bell.vigil.set(vigil);
    }

    /// Wakes the thread; does not wait for it.
    pub fn ring(&self) {
        let bell = &self.bell;
        if bell.rung.swap(true, Ordering::SeqCst) {
            return;
        }
        if bell.sleeps.load(Ordering::SeqCst) {
            drop(self.look());
            bell.heard.notify_one();
        } else if bell.watches.load(Ordering::SeqCst)
            && let Some(vigil) = bell.vigil()
        {
            vigil.disturb();
        }
    }

    /// Waits for a ring, at most for `limit`. Says whether it rang. One thread may wait.
    pub fn wait(&self, limit: Duration) -> bool {
        let bell = &self.bell;
        if !bell.is_rung() && !limit.is_zero() && !bell.watch(limit) {
            let looking = self.look();
            bell.sleeps.store(true, Ordering::SeqCst);
            let woken = bell.heard.wait_timeout_while(looking, limit, |()| !bell.is_rung());
            bell.sleeps.store(false, Ordering::SeqCst);
            drop(woken.unwrap_or_else(PoisonError::into_inner));
        }
        bell.rung.swap(false, Ordering::SeqCst)
    }

    /// The lock guards nothing, so a poisoned one is as good.
    fn look(&self) -> MutexGuard<'_, ()> {
        self.bell.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    fn is_rung(&self) -> bool {
        self.rung.load(Ordering::SeqCst)
    }

    fn vigil(&self) -> Option<Arc<dyn Vigil>> {
        self.vigil.get().and_then(Weak::upgrade)
    }

    /// Keeps the vigil, if there is one that nobody else keeps.
    fn watch(&self, limit: Duration) -> bool {
        let Some(vigil) = self.vigil() else { return false };
        self.watches.store(true, Ordering::SeqCst);
        let kept = vigil.keep(limit, &|| self.is_rung());
        self.watches.store(false, Ordering::SeqCst);
        kept
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

    /// Waits in its own way, as a selector of sockets does.
    #[derive(Debug, Default)]
    struct Selector {
        disturbed: Mutex<bool>,
        woken: Condvar,
    }

    impl Vigil for Selector {
        fn keep(&self, limit: Duration, is_rung: &dyn Fn() -> bool) -> bool {
            while !is_rung() {
                let disturbed = self.disturbed.lock().unwrap();
                let (mut disturbed, waited) =
                    self.woken.wait_timeout_while(disturbed, limit, |it| !*it).unwrap();
                assert!(!waited.timed_out(), "a ring was missed");
                *disturbed = false;
            }
            true
        }

        fn disturb(&self) {
            *self.disturbed.lock().unwrap() = true;
            self.woken.notify_one();
        }
    }

    #[test]
    fn no_ring_is_missed_by_a_thread_that_keeps_a_vigil() {
        let (ping, pong) = (Doorbell::new(), Doorbell::new());
        let vigil: Arc<dyn Vigil> = Arc::new(Selector::default());
        ping.keep_vigil(Arc::downgrade(&vigil));
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
        drop(vigil);
        assert!(!ping.wait(Duration::from_millis(1)), "without its vigil it waits as others do");
    }
}
