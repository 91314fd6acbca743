//! A running node: starts its threads, answers for them, ends them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::clock::Clock;
use super::control::Control;
use super::doorbell::Doorbell;
use super::flight::FlightHeader;
use super::housekeeping::{Hosted, Housekeeping, Known, Phase};
use super::recorder::Recorder;
use super::replays::Replays;
use super::role::{RoleLinks, RoleThread};
use super::status::{Board, NodeStatus};
use super::{NodeSetup, RoleSetup, RuntimeError};
use crate::directory::NodeCard;
use crate::ids::{NodeId, Role};

/// How long the roles have for their first tick.
const START_NS_MAX: u64 = 10_000_000_000;

/// A running node. Dropping it stops it, as [`Node::stop`] does.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    build: String,
    phase: Arc<Phase>,
    hosted: Vec<Hosted>,
    known: Known,
    roles: Vec<JoinHandle<()>>,
    writers: Vec<JoinHandle<()>>,
    housekeeping: Option<JoinHandle<()>>,
    doorbell: Doorbell,
}

impl Node {
    /// Starts all roles and announces the node as ready when each has run its first tick.
    ///
    /// # Errors
    /// [`RuntimeError`] says what is wrong with the setup or the machine, or which role failed in
    /// its first tick; nothing runs then, and the directory is left.
    pub fn start(setup: NodeSetup) -> Result<Self, RuntimeError> {
        check(&setup)?;
        let NodeSetup { id, build, page, directory, roles, replays, record_dir } = setup;
        let (phase, doorbell) = (Arc::new(Phase::default()), Doorbell::new());
        let hosted: Vec<_> = roles.iter().map(host).collect();
        let known = Known::default();
        let mut housekeeping = Housekeeping {
            id,
            build: build.clone(),
            page,
            directory,
            hosted: hosted.clone(),
            phase: Arc::clone(&phase),
            doorbell: doorbell.clone(),
            events: Vec::new(),
            known: known.clone(),
        };
        housekeeping.introduce();
        housekeeping.round();
        let (replays, writer) = Replays::start(id, replays)?;
        let mut node = Self {
            id,
            build,
            phase,
            hosted,
            known,
            roles: Vec::new(),
            writers: vec![writer],
            housekeeping: None,
            doorbell,
        };
        let first_ticks = node.start_roles(roles, replays, record_dir.as_deref())?;
        node.await_first_ticks(&first_ticks)?;
        node.phase.ready.store(true, Ordering::Release);
        housekeeping.round();
        let run = move || housekeeping.run();
        node.housekeeping = Some(spawn(format!("node-{}", id.node), run)?);
        tracing::info!(node = %id, roles = node.hosted.len(), "node ready");
        Ok(node)
    }

    /// What the node and its roles say about themselves.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        NodeStatus {
            id: self.id,
            state: self.phase.state(),
            build: self.build.clone(),
            healthy: self.is_healthy(),
            suspended: self.phase.suspended.load(Ordering::Acquire),
            roles: self.hosted.iter().map(|hosted| hosted.board.read()).collect(),
        }
    }

    /// All nodes that the directory knows, this one included, ordered by id.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeCard> {
        self.known.cards()
    }

    /// The directory has declared this node gone: its lease could not be renewed, or another one
    /// took its number. Its roles have ended; the process has to end, or to start a new
    /// incarnation.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.phase.lost.load(Ordering::Acquire)
    }

    /// Announces that the node takes nothing new and has every core finish or hand over.
    pub fn drain(&self) {
        if !self.phase.draining.swap(true, Ordering::AcqRel) {
            tracing::info!(node = %self.id, "node drains");
        }
        self.doorbell.ring();
        self.hosted.iter().for_each(|hosted| hosted.control.drain());
    }

    /// After a drain: no role has anything left that stopping now would lose. A failed role is
    /// never drained.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.hosted.iter().all(|hosted| hosted.board.is_drained())
    }

    /// A role whose core panicked, with the message. Such a node should be stopped.
    #[must_use]
    pub fn failed_role(&self) -> Option<(Role, String)> {
        self.hosted.iter().find_map(|hosted| Some((hosted.role, hosted.board.failure()?)))
    }

    /// No role has failed, and the directory is still being followed and knows this node.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let kept = self.housekeeping.as_ref().is_some_and(|thread| !thread.is_finished());
        kept && !self.is_lost() && self.failed_role().is_none()
    }

    /// Ends all threads, then leaves the directory. Blocks until they have ended: a tick that
    /// runs is finished, and replays and recordings that were handed over are written.
    pub fn stop(mut self) {
        self.halt();
    }

    /// Starts the threads of the roles; each says a word when it has run its first tick. Takes
    /// `replays`, whose thread ends only when nobody has it any more.
    fn start_roles(
        &mut self,
        setups: Vec<RoleSetup>,
        replays: Replays,
        record_dir: Option<&Path>,
    ) -> Result<Receiver<()>, RuntimeError> {
        let (running, first_ticks) = bounded(setups.len());
        for (setup, hosted) in setups.into_iter().zip(&self.hosted) {
            let mut recorder = None;
            if let Some(path) = record_dir {
                let header = FlightHeader { address: setup.address, rate: setup.pace.rate() };
                let (begun, writer) = Recorder::start(path, header)?;
                self.writers.push(writer);
                recorder = Some(begun);
            }
            let (control, board) = (Arc::clone(&hosted.control), Arc::clone(&hosted.board));
            let links = RoleLinks { control, board, replays: replays.clone(), recorder };
            let (role, running) = (RoleThread::new(setup, links), running.clone());
            let name = format!("{}-{}", hosted.role, self.id.node);
            self.roles.push(spawn(name, move || role.run(running))?);
        }
        Ok(first_ticks)
    }

    fn await_first_ticks(&mut self, first_ticks: &Receiver<()>) -> Result<(), RuntimeError> {
        let clock = Clock::started(0);
        let deadline = clock.instant_of(START_NS_MAX);
        let mut waiting = self.hosted.len();
        while waiting > 0 {
            match first_ticks.recv_deadline(deadline) {
                Ok(()) => waiting -= 1,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    // Threads that hang cannot be joined; they end by themselves if ever.
                    self.roles.retain(JoinHandle::is_finished);
                    self.writers.clear();
                    return Err(RuntimeError::Stuck(waiting));
                }
            }
        }
        match self.failed_role() {
            Some((role, reason)) => Err(RuntimeError::Failed { role, reason }),
            None => Ok(()),
        }
    }

    fn halt(&mut self) {
        self.hosted.iter().for_each(|hosted| hosted.control.stop());
        self.roles.drain(..).for_each(join);
        self.phase.stopping.store(true, Ordering::Release);
        self.doorbell.ring();
        self.housekeeping.take().into_iter().for_each(join);
        self.writers.drain(..).for_each(join);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.halt();
    }
}

fn check(setup: &NodeSetup) -> Result<(), RuntimeError> {
    if setup.roles.is_empty() {
        return Err(RuntimeError::NoRoles(setup.id));
    }
    for (index, role) in setup.roles.iter().enumerate() {
        let address = role.address;
        let twice = setup.roles[..index].iter().any(|other| other.address.role == address.role);
        if twice || address.node != setup.id {
            return Err(RuntimeError::Misplaced { node: setup.id, address });
        }
    }
    Ok(())
}

fn host(setup: &RoleSetup) -> Hosted {
    let role = setup.address.role;
    let control = Arc::new(Control::new(setup.doorbell.clone()));
    Hosted { role, control, board: Arc::new(Board::new(role)) }
}

fn spawn(
    name: String,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, RuntimeError> {
    let thread = Builder::new().name(name.clone()).spawn(run);
    thread.map_err(|source| RuntimeError::Thread { name, source })
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the node panicked while it ended");
    }
}
