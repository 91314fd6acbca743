//! The embedded store: one redb file in a data directory, written by one thread.
//!
//! Everything that all handles have queued is applied in one write transaction, made durable by
//! one commit, and only then answered. The thread is the only writer, so requests of one handle
//! are carried out in order, and a batch that changes nothing costs no write to the disk.

#[cfg(test)]
mod faults;
mod files;
pub(crate) mod fuzzing;
mod handle;
pub(in crate::store) mod layout;
mod open;
mod rows;
mod scan;
mod writer;

use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use redb::{Database, DatabaseError};
use thiserror::Error;

use self::files::Files;
pub use self::handle::EmbeddedHandle;
pub use self::open::{FORMAT, OpenError};
pub use self::scan::EmbeddedScan;
use self::writer::{Lane, Order, Writer};
use crate::limits::STORE_OPS_WAITING_MAX;

/// Called from the store thread when a handle has new answers; must not block.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Orders that wait for the store thread. Beyond it, whoever asks for a handle waits.
const ORDERS_WAITING_MAX: usize = 16;

/// An open store. Dropping it closes it as [`EmbeddedStore::close`] does, without the report.
#[derive(Debug)]
pub struct EmbeddedStore {
    file: PathBuf,
    files: Files,
    cluster: u64,
    incarnation: u32,
    bell: Sender<()>,
    orders: Sender<Order>,
    thread: Option<JoinHandle<Result<(), DatabaseError>>>,
}

/// Why a store could not be closed cleanly. What was answered is durable all the same; the next
/// start checks the whole file.
#[derive(Debug, Error)]
pub enum CloseError {
    /// The store thread ended by a panic, which has been logged.
    #[error("the store thread failed before it was told to stop")]
    Panicked,
    /// The file could not be closed.
    #[error("cannot close {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: DatabaseError,
    },
    /// It could not be noted that the file was closed.
    #[error("cannot note in {path} that the store was closed")]
    Note {
        /// The file for the note.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
}

impl EmbeddedStore {
    /// Opens the store in the directory `dir`, or creates both. A new store takes its cluster id
    /// from the path of the directory.
    ///
    /// # Errors
    /// [`OpenError`] says what stands in the way and what to do.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::start(open::open(dir, None)?)
    }

    /// Opens the store of the cluster `cluster`, or creates it under that id.
    ///
    /// # Errors
    /// [`OpenError`]; a store of another cluster is refused.
    pub fn open_as(dir: &Path, cluster: u64) -> Result<Self, OpenError> {
        Self::start(open::open(dir, Some(cluster))?)
    }

    fn start(opened: open::Opened) -> Result<Self, OpenError> {
        let open::Opened { db, files, cluster, incarnation } = opened;
        let (bell, rung) = bounded(1);
        let (orders, taken) = bounded(ORDERS_WAITING_MAX);
        let file = files.store();
        let run = move || -> Result<(), DatabaseError> {
            Database::close(Writer::new(db, rung, taken).run()?)
        };
        let thread = Builder::new().name(String::from("store")).spawn(run);
        let thread = thread.map_err(|source| OpenError::Io { path: file.clone(), source })?;
        let thread = Some(thread);
        Ok(Self { file, files, cluster, incarnation, bell, orders, thread })
    }

    /// How often this store has been opened; starts at one and never repeats, because it is
    /// durable before anybody sees it. A node id takes its incarnation from here.
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The id of the cluster whose records these are.
    #[must_use]
    pub fn cluster(&self) -> u64 {
        self.cluster
    }

    /// A new handle for one role. `wake` is called once per batch, after the answers for this
    /// handle are there, and once when the store ends.
    #[must_use]
    pub fn handle(&self, wake: Wake) -> EmbeddedHandle {
        let (requests, taken) = bounded(STORE_OPS_WAITING_MAX);
        let (answers, given) = bounded(STORE_OPS_WAITING_MAX);
        // If the thread is gone, the lane is dropped and the handle finds the store closed.
        let _gone = self.orders.send(Order::Add(Lane { requests: taken, answers, wake }));
        self.ring();
        EmbeddedHandle::new(requests, given, self.bell.clone())
    }

    /// Carries out and answers everything that was handed over, then closes the file and notes
    /// that it was closed cleanly. Handles answer `Closed` from then on.
    ///
    /// # Errors
    /// [`CloseError`]; the store is closed in any case.
    pub fn close(mut self) -> Result<(), CloseError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), CloseError> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let _gone = self.orders.send(Order::Stop);
        self.ring();
        let path = self.file.clone();
        let closed = thread.join().map_err(|_| CloseError::Panicked)?;
        closed.map_err(|source| CloseError::File { path, source })?;
        let path = self.files.state();
        self.files.note_clean().map_err(|source| CloseError::Note { path, source })
    }

    fn ring(&self) {
        let _already = self.bell.try_send(());
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::warn!(%error, file = %self.file.display(), "store was not closed cleanly");
        }
    }
}
