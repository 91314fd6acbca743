//! Who works on the links of a node: a role that has nothing else to do, or else the node's thread
//! of the links.
//!
//! A role that waits for its doorbell takes the helm and waits for sockets instead, so that a frame
//! for it wakes nobody else. While it does, the thread is blind: it watches the selector of all
//! sockets, and that watch is switched off. Leaving the helm switches it on again, which wakes the
//! thread only if something has happened that nobody has seen. So there is always exactly one
//! thread that an event wakes.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

use super::driver::Driver;
use super::peers::Peers;
use crate::runtime::Vigil;

/// A selector is never writable, so who waits for that waits for nothing. That holds for Linux;
/// elsewhere only the thread works.
const BLIND: Interest = Interest::WRITABLE;
const ROLES_STEER: bool = cfg!(target_os = "linux");
const SELECTOR: Token = Token(0);
/// How long the thread sleeps when something is due and a role has the helm, which will see to it.
const LOOK_AGAIN_NS: u64 = 20_000_000;

/// The driver, and who has it.
pub(super) struct Helm {
    peers: Arc<Peers>,
    driver: Mutex<Driver>,
    /// Where the thread watches `selector`, the driver's.
    watch: Registry,
    selector: RawFd,
    /// A role has the helm.
    steered: AtomicBool,
    /// It sleeps, or is about to.
    sleeps: AtomicBool,
    /// When the driver has something to do that no socket tells.
    due_ns: AtomicU64,
    /// When the thread looks at the helm, whatever happens.
    looks_at_ns: AtomicU64,
}

impl Helm {
    /// The helm, and with what the thread watches.
    pub(super) fn new(peers: Arc<Peers>, driver: Driver) -> io::Result<(Self, Poll)> {
        let watch = Poll::new()?;
        let selector = driver.poll.as_raw_fd();
        watch.registry().register(&mut SourceFd(&selector), SELECTOR, Interest::READABLE)?;
        let helm = Self {
            peers,
            driver: Mutex::new(driver),
            watch: watch.registry().try_clone()?,
            selector,
            steered: AtomicBool::new(false),
            sleeps: AtomicBool::new(false),
            due_ns: AtomicU64::new(0),
            looks_at_ns: AtomicU64::new(0),
        };
        Ok((helm, watch))
    }

    /// What the node's thread of the links does, until the node ends.
    pub(super) fn run(&self, mut watch: Poll) {
        // However the thread ends: nobody may send into a link that nobody serves.
        let _closing = Closing(&self.peers);
        let mut events = Events::with_capacity(1);
        loop {
            match self.take_turn(&mut watch, &mut events) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, "the links of this node have failed");
                    return;
                }
            }
        }
    }

    /// Sees to what has happened, unless a role does, and sleeps. False at the end of the node.
    fn take_turn(&self, watch: &mut Poll, events: &mut Events) -> io::Result<bool> {
        match self.driver.try_lock() {
            Ok(mut driver) => {
                self.serve(&mut driver, 0)?;
                if driver.has_left() {
                    return Ok(false);
                }
                self.due_ns.store(driver.due_ns(), Ordering::SeqCst);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Poisoned(_)) => {
                return Err(io::Error::other("a role panicked there"));
            }
        }
        let (steered, due_ns) = self.outlook();
        let now_ns = self.peers.clock().now_ns();
        let looks_at_ns = if steered { due_ns.max(now_ns + LOOK_AGAIN_NS) } else { due_ns };
        self.looks_at_ns.store(looks_at_ns, Ordering::SeqCst);
        // Whoever has left the helm in between may not have seen that.
        if self.outlook() == (steered, due_ns) {
            let idle = Duration::from_nanos(looks_at_ns.saturating_sub(now_ns));
            ignore_interruption(watch.poll(events, Some(idle)))?;
        }
        Ok(true)
    }

    fn outlook(&self) -> (bool, u64) {
        let steered = self.steered.load(Ordering::SeqCst);
        (steered, self.due_ns.load(Ordering::SeqCst))
    }

    /// Waits at most until `until_ns` for something to happen, and sees to it.
    fn serve(&self, driver: &mut Driver, until_ns: u64) -> io::Result<()> {
        ignore_interruption(driver.wait(until_ns))?;
        self.sleeps.store(false, Ordering::SeqCst);
        driver.serve_all();
        Ok(())
    }

    fn steer(
        &self,
        driver: &mut Driver,
        until_ns: u64,
        is_rung: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        loop {
            self.sleeps.store(true, Ordering::SeqCst);
            let is_over = || self.peers.clock().now_ns() >= until_ns;
            if is_rung() || self.peers.is_stopping() || is_over() {
                return Ok(());
            }
            self.serve(driver, until_ns)?;
        }
    }

    fn set_watch(&self, interest: Interest) -> io::Result<()> {
        self.watch.reregister(&mut SourceFd(&self.selector), SELECTOR, interest)
    }
}

impl Vigil for Helm {
    fn keep(&self, limit: Duration, is_rung: &dyn Fn() -> bool) -> bool {
        if !ROLES_STEER || self.peers.is_stopping() {
            return false;
        }
        let Ok(mut driver) = self.driver.try_lock() else { return false };
        if self.set_watch(BLIND).is_err() {
            return false;
        }
        self.steered.store(true, Ordering::SeqCst);
        let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = self.peers.clock().now_ns().saturating_add(limit_ns);
        let steered = self.steer(&mut driver, until_ns, is_rung);
        self.sleeps.store(false, Ordering::SeqCst);
        // The thread will meet the same failure, and end.
        let due_ns = if steered.is_ok() { driver.due_ns() } else { 0 };
        self.due_ns.store(due_ns, Ordering::SeqCst);
        drop(driver);
        self.steered.store(false, Ordering::SeqCst);
        if let Err(error) = self.set_watch(Interest::READABLE) {
            tracing::error!(%error, "the thread of the links cannot watch, frames may be late");
        }
        if due_ns < self.looks_at_ns.load(Ordering::SeqCst) || self.peers.is_stopping() {
            self.peers.wake();
        }
        true
    }

    fn disturb(&self) {
        if self.sleeps.load(Ordering::SeqCst) {
            self.peers.wake();
        }
    }
}

impl fmt::Debug for Helm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helm").field("peers", &self.peers).finish_non_exhaustive()
    }
}

/// Closes all links when the thread ends.
struct Closing<'a>(&'a Peers);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.stop();
        self.0.close();
    }
}

fn ignore_interruption(waited: io::Result<()>) -> io::Result<()> {
    match waited {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        other => other,
    }
}
