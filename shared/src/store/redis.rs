//! The store in Redis: one server, or a Redis Cluster of them.
//!
//! Every step of the store's rules that concerns one key is one script in one slot; a tick's
//! batch is one pipeline per server. Each handle has a thread and connections of its own, so
//! requests of one handle are carried out in order and handles do not wait for each other. What
//! a server has certainly not carried out is repeated for a short time; what it may have carried
//! out is answered by `Failed`. `docs/redis.md` says which setting of the servers promises what.

pub(crate) mod call;
pub(crate) mod clock;
mod findings;
pub(crate) mod fuzzing;
mod handle;
mod lane;
pub(crate) mod layout;
mod link;
mod open;
pub(crate) mod router;
mod scan;
mod topology;
pub(crate) mod values;
mod worker;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

pub use self::findings::{Finding, Holds};
pub use self::handle::RedisHandle;
use self::lane::Lane;
pub use self::open::OpenError;
use self::router::{Router, Routes};
pub use self::scan::RedisScan;
use self::worker::Worker;
use crate::limits::STORE_OPS_WAITING_MAX;
use crate::store::embedded::Wake;

/// Where the store is and what is expected of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisStoreConfig {
    /// `redis://[user:password@]host:port` of one server, or of some servers of a Redis Cluster.
    pub urls: Vec<String>,
    /// It is a Redis Cluster, even if only one address is given.
    pub is_cluster: bool,
    /// All names begin with it: 1 to 32 of `a-z`, `0-9`, `-` and `_`. One prefix, one cluster.
    pub prefix: String,
    /// The id of the cluster; by default it follows from the prefix.
    pub cluster: Option<u64>,
    /// So many replicas must have a change before it counts as durable.
    pub wait_replicas: u32,
    /// Refuse servers that could lose what was acknowledged by a mere restart.
    pub production: bool,
    /// What to do if there is no store under the prefix yet.
    pub if_empty: IfEmpty,
    /// A server that does not take a connection within this time is in trouble.
    pub connect_timeout: Duration,
    /// A server that does not answer within this time is in trouble. Waiting for replicas may
    /// take half of it.
    pub response_timeout: Duration,
    /// How long something that was certainly not carried out is tried again.
    pub patience: Duration,
}

/// What to do with an empty prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfEmpty {
    /// Make a new store.
    Create,
    /// Refuse: there was one, and an emptied store must not become an empty bag for everybody.
    Refuse,
}

impl Default for RedisStoreConfig {
    fn default() -> Self {
        Self {
            urls: vec![String::from("redis://127.0.0.1:6379")],
            is_cluster: false,
            prefix: String::from("cohort"),
            cluster: None,
            wait_replicas: 0,
            production: false,
            if_empty: IfEmpty::Create,
            connect_timeout: Duration::from_millis(500),
            response_timeout: Duration::from_secs(2),
            patience: Duration::from_secs(1),
        }
    }
}

/// Leaves the addresses out: they may hold passwords.
impl fmt::Debug for RedisStoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreConfig")
            .field("urls", &self.urls.len())
            .field("is_cluster", &self.is_cluster)
            .field("prefix", &self.prefix)
            .field("wait_replicas", &self.wait_replicas)
            .field("production", &self.production)
            .field("if_empty", &self.if_empty)
            .finish_non_exhaustive()
    }
}

/// An open store. Dropping it carries out what was handed over, then ends all threads.
pub struct RedisStore {
    routes: Routes,
    cluster: u64,
    incarnation: u32,
    findings: Vec<Finding>,
    stop: Option<Sender<()>>,
    stopped: Receiver<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("cluster", &self.cluster)
            .field("incarnation", &self.incarnation)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects, checks whose store it is and what the servers promise, and counts the
    /// incarnation on. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`OpenError`] says what stands in the way and what to do.
    pub fn connect(config: RedisStoreConfig) -> Result<Self, OpenError> {
        let (stop, stopped) = bounded(0);
        let opened = open::open(&config, stopped.clone())?;
        let open::Opened { routes, cluster, incarnation, findings } = opened;
        for finding in &findings {
            tracing::info!(%finding, "redis setting");
        }
        let (stop, threads) = (Some(stop), Mutex::new(Vec::new()));
        Ok(Self { routes, cluster, incarnation, findings, stop, stopped, threads })
    }

    /// What the settings of the servers promise, without opening a store: for diagnosis.
    ///
    /// # Errors
    /// [`OpenError`] if the servers cannot be asked.
    pub fn examine(config: &RedisStoreConfig) -> Result<Vec<Finding>, OpenError> {
        open::examine(config)
    }

    /// How often this store has been opened by any node; starts at one. A node id takes its
    /// incarnation from here. As durable as the servers' settings make it.
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The id of the cluster whose records these are.
    #[must_use]
    pub fn cluster(&self) -> u64 {
        self.cluster
    }

    /// What the settings of the servers promised when the store was opened.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Why nothing is answered any more: the store was emptied or exchanged under us. The node
    /// should end; a restart looks anew.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.routes.halt.why()
    }

    /// A new handle for one role, served by a thread of its own. `wake` is called from there
    /// after answers have come, and once when the store is closed; it must not block.
    #[must_use]
    pub fn handle(&self, wake: Wake) -> RedisHandle {
        let (requests, taken) = bounded(STORE_OPS_WAITING_MAX);
        let (answers, given) = bounded(STORE_OPS_WAITING_MAX);
        let stop = self.stopped.clone();
        let worker = Worker::new(Router::new(self.routes.clone(), stop.clone()));
        let lane = Lane { requests: taken, answers, wake, stop };
        let thread = Builder::new().name(String::from("store")).spawn(move || lane.run(worker));
        match thread {
            Ok(thread) => {
                let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            // The lane is gone with the thread, so the handle finds the store closed.
            Err(error) => tracing::error!(%error, "cannot start a store thread"),
        }
        RedisHandle::new(requests, given)
    }

    /// A way to the servers for something else than records, for one thread.
    pub(crate) fn routes(&self) -> Routes {
        self.routes.clone()
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.stop = None;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A panic was logged by the thread itself.
            let _panicked = thread.join();
        }
    }
}
