//! The back-ends under test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use shared::directory::local::{LocalDirectory, LocalDirectoryHandle};
use shared::directory::redis::{LeaseTimes, RedisDirectory, RedisDirectoryHandle};
use shared::ids::NodeId;
use shared::store::redis::{RedisStore, RedisStoreConfig};
use tempfile::TempDir;

use crate::contract::{BUILD, Fabric};
use crate::servers::{Port, Server};

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
        let server = Server::start(dir.path(), &Port::reserve(), &[]);
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
