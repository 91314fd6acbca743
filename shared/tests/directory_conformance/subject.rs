//! The back-ends under test, and ways to wait for what they tell.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use shared::directory::local::{LocalDirectory, LocalDirectoryHandle};
use shared::directory::redis::{LeaseTimes, RedisDirectory, RedisDirectoryHandle};
use shared::directory::{Directory, DirectoryEvent, NodeCard, NodeState};
use shared::ids::{NodeId, Role};
use shared::store::redis::{RedisStore, RedisStoreConfig};
use tempfile::TempDir;

use crate::servers::{Server, free_port};

/// Longer than anything here may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
pub(crate) const BUILD: &str = "0.4.2";

/// A directory that nodes can join.
pub(crate) trait Fabric {
    type Handle: Directory;
    fn join(&self, node: NodeId) -> Self::Handle;
}

impl Fabric for LocalDirectory {
    type Handle = LocalDirectoryHandle;

    fn join(&self, node: NodeId) -> LocalDirectoryHandle {
        Self::join(self, node)
    }
}

/// A directory in a server that other tests use as well.
pub(crate) struct Redis {
    pub(crate) directory: RedisDirectory,
    _store: RedisStore,
    _server: Arc<Running>,
}

struct Running {
    server: Server,
    _dir: TempDir,
}

static RUNNING: Mutex<Weak<Running>> = Mutex::new(Weak::new());
static PREFIXES: AtomicU32 = AtomicU32::new(0);

impl Redis {
    pub(crate) fn new() -> Self {
        let server = running();
        let number = PREFIXES.fetch_add(1, Ordering::Relaxed);
        let config = RedisStoreConfig {
            urls: vec![server.server.url()],
            prefix: format!("test-{}-{number}", std::process::id()),
            ..RedisStoreConfig::default()
        };
        let store = RedisStore::connect(config).expect("opens");
        let directory = RedisDirectory::beside(&store, times(Duration::from_secs(20)));
        Self { directory, _store: store, _server: server }
    }
}

fn running() -> Arc<Running> {
    let mut place = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let dir = TempDir::new().expect("a directory");
        let server = Server::start(dir.path(), free_port(), &[]);
        let running = Arc::new(Running { server, _dir: dir });
        *place = Arc::downgrade(&running);
        running
    })
}

/// Long leases keep a busy machine from ending them.
pub(crate) fn times(lease: Duration) -> LeaseTimes {
    LeaseTimes { lease, look: Duration::from_millis(20), ..LeaseTimes::default() }
}

impl Fabric for Redis {
    type Handle = RedisDirectoryHandle;

    fn join(&self, node: NodeId) -> RedisDirectoryHandle {
        self.directory.join(node, BUILD).expect("joins")
    }
}

/// A handle whose events are waited for.
pub(crate) struct Watcher<H> {
    pub(crate) handle: H,
    events: Vec<DirectoryEvent>,
}

impl<H: Directory> Watcher<H> {
    pub(crate) fn join<F: Fabric<Handle = H>>(fabric: &F, node: NodeId) -> Self {
        Self::of(fabric.join(node))
    }

    pub(crate) fn of(handle: H) -> Self {
        Self { handle, events: Vec::new() }
    }

    /// The next `count` events.
    pub(crate) fn until_seen(&mut self, count: usize) -> Vec<DirectoryEvent> {
        until("the directory tells what has changed", || {
            self.handle.poll(&mut self.events);
            self.events.len() >= count
        });
        self.events.drain(..count).collect()
    }
}

/// Looks again and again until it is so.
#[expect(clippy::disallowed_methods, reason = "a test that waits needs a deadline")]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "never: {what}");
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

pub(crate) fn id(node: u16, incarnation: u32) -> NodeId {
    NodeId { node, incarnation }
}

pub(crate) fn card(id: NodeId, state: NodeState) -> NodeCard {
    let roles = vec![(Role::Social, 0)];
    NodeCard { id, state, build: String::from(BUILD), roles, link: None, page: None }
}
