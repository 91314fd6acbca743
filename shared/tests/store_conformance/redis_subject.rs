//! Stores in real Redis servers, and the means to disturb those.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use redis::{Client as RawClient, Connection, FromRedisValue};
use shared::store::redis::{RedisHandle, RedisStore, RedisStoreConfig};
use shared::store::{StoreReply, StoreRequest};
use tempfile::TempDir;

use crate::backends::Client;
use crate::servers::{Port, Server};
use crate::subject::Subject;

/// Servers with an append-only file that is synced before each acknowledgement.
pub(crate) const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
/// Longer than anything here may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at something that tells nobody when it changes.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One server, or three that are a cluster; gone with the last one who uses it.
pub(crate) struct Servers {
    pub(crate) servers: Vec<Server>,
    dirs: Vec<TempDir>,
}

static STANDALONE: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
static CLUSTER: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
static PREFIXES: AtomicU32 = AtomicU32::new(0);

impl Servers {
    /// A server that all tests of this process share.
    pub(crate) fn standalone() -> Arc<Self> {
        shared(&STANDALONE, || {
            let dir = in_memory();
            let server = Server::start(dir.path(), &Port::reserve(), &DURABLE);
            Self { servers: vec![server], dirs: vec![dir] }
        })
    }

    /// A cluster of three primaries that all tests of this process share.
    pub(crate) fn cluster() -> Arc<Self> {
        shared(&CLUSTER, Self::new_cluster)
    }

    /// A cluster of three primaries.
    pub(crate) fn new_cluster() -> Self {
        let dirs: Vec<_> = (0..3).map(|_| in_memory()).collect();
        let servers: Vec<_> = dirs.iter().map(cluster_server).collect();
        let ranges = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];
        for (index, (server, (first, last))) in servers.iter().zip(ranges).enumerate() {
            raw::<()>(server, &format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
            raw::<()>(server, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            introduce(&servers[0], server);
        }
        let cluster = Self { servers, dirs };
        cluster.until_up();
        cluster
    }

    /// Gives each primary a replica.
    pub(crate) fn with_replicas(mut self) -> Self {
        for index in 0..self.servers.len() {
            let dir = in_memory();
            let replica = cluster_server(&dir);
            introduce(&self.servers[0], &replica);
            self.servers.push(replica);
            self.dirs.push(dir);
            self.until_up();
            let id: String = raw(&self.servers[index], "CLUSTER MYID");
            let replica = self.servers.last().expect("was just put there");
            raw::<()>(replica, &format!("CLUSTER REPLICATE {id}"));
            until("the replica follows", || {
                raw::<String>(&self.servers[index], "INFO replication").contains("state=online")
            });
        }
        self
    }

    fn until_up(&self) {
        let known = format!("cluster_known_nodes:{}", self.servers.len());
        for server in &self.servers {
            until("the cluster is up", || {
                let info: String = raw(server, "CLUSTER INFO");
                ["cluster_state:ok", &known, "cluster_slots_ok:16384"]
                    .iter()
                    .all(|line| info.contains(line))
            });
        }
    }

    /// What a store in these servers is configured with, under a prefix of its own.
    pub(crate) fn config(&self) -> RedisStoreConfig {
        let number = PREFIXES.fetch_add(1, Ordering::Relaxed);
        RedisStoreConfig {
            urls: self.servers.iter().map(Server::url).collect(),
            prefix: format!("test-{}-{number}", std::process::id()),
            ..RedisStoreConfig::default()
        }
    }
}

fn cluster_server(dir: &TempDir) -> Server {
    let bus = Port::reserve();
    let bus_number = bus.number().to_string();
    let own = ["--cluster-enabled", "yes", "--cluster-port", &bus_number];
    let own = [&own[..], &["--cluster-node-timeout", "2000"]].concat();
    Server::start(dir.path(), &Port::reserve(), &[&DURABLE[..], &own].concat())
}

fn introduce(to: &Server, server: &Server) {
    let bus: Vec<String> = raw(server, "CONFIG GET cluster-port");
    let (port, bus) = (server.port.number(), &bus[1]);
    raw::<()>(to, &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
}

fn shared(place: &Mutex<Weak<Servers>>, start: impl FnOnce() -> Servers) -> Arc<Servers> {
    // A test that panicked while it started servers has left nothing there.
    let mut place = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    place.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *place = Arc::downgrade(&started);
        started
    })
}

/// A store in servers that other tests use as well.
pub(crate) struct Redis {
    pub(crate) client: Client<RedisHandle>,
    store: RedisStore,
    config: RedisStoreConfig,
    _servers: Option<Arc<Servers>>,
}

impl Redis {
    pub(crate) fn standalone() -> Self {
        Self::over(Servers::standalone())
    }

    pub(crate) fn cluster() -> Self {
        Self::over(Servers::cluster())
    }

    fn over(servers: Arc<Servers>) -> Self {
        Self { _servers: Some(Arc::clone(&servers)), ..Self::of(servers.config()) }
    }

    /// A store in servers that somebody else looks after.
    pub(crate) fn of(config: RedisStoreConfig) -> Self {
        let store = RedisStore::connect(config.clone()).expect("opens");
        Self { client: Client::of_redis(&store), store, config, _servers: None }
    }

    pub(crate) fn store(&self) -> &RedisStore {
        &self.store
    }

    pub(crate) fn config(&self) -> RedisStoreConfig {
        self.config.clone()
    }

    pub(crate) fn reconnect(&mut self) {
        self.store = RedisStore::connect(self.config.clone()).expect("opens");
        self.client = Client::of_redis(&self.store);
    }
}

impl Subject for Redis {
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        self.client.ask_all(requests)
    }
}

/// A server of one test alone, which can be killed and started again with what it has kept.
pub(crate) struct Lonely {
    pub(crate) server: Option<Server>,
    port: Port,
    dir: TempDir,
    settings: Vec<String>,
}

impl Lonely {
    pub(crate) fn new(settings: &[&str]) -> Self {
        Self::kept_in(TempDir::new().expect("a directory"), settings)
    }

    /// A server with its files in memory, where syncing takes no time: with `everysec`, a sync
    /// that takes long would hold the next write back, and a kill would lose it.
    pub(crate) fn in_memory(settings: &[&str]) -> Self {
        Self::kept_in(in_memory(), settings)
    }

    fn kept_in(dir: TempDir, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|text| String::from(*text)).collect();
        let mut lonely = Self { server: None, port: Port::reserve(), dir, settings };
        lonely.start();
        lonely
    }

    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    pub(crate) fn start(&mut self) {
        let settings: Vec<_> = self.settings.iter().map(String::as_str).collect();
        self.server = Some(Server::start(self.dir.path(), &self.port, &settings));
    }

    /// What its append-only files hold now.
    pub(crate) fn copy_of_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = fs::read_dir(self.dir.path().join("appendonlydir")).expect("keeps a file");
        let paths = files.map(|file| file.expect("is listed").path());
        paths.map(|path| (path.clone(), fs::read(&path).expect("is read"))).collect()
    }

    /// Puts the append-only files back; the server must not run.
    pub(crate) fn restore(&self, files: &[(PathBuf, Vec<u8>)]) {
        assert!(self.server.is_none(), "a running server would not notice");
        files.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("is written"));
    }

    /// The one name in the server that ends so.
    pub(crate) fn name_ending_in(&self, end: &str) -> String {
        let mut names: Vec<String> = raw(self.server(), &format!("KEYS *{end}"));
        assert_eq!(names.len(), 1, "{names:?}");
        names.remove(0)
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("runs")
    }

    pub(crate) fn config(&self) -> RedisStoreConfig {
        let urls = vec![format!("redis://127.0.0.1:{}", self.port.number())];
        RedisStoreConfig { urls, ..RedisStoreConfig::default() }
    }
}

/// A directory in memory where there is such a thing: quick, however busy the disk is.
fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    dir.expect("a directory")
}

/// A connection that knows nothing of us.
pub(crate) fn connection(server: &Server) -> Connection {
    let client = RawClient::open(server.url()).expect("an address");
    client.get_connection_with_timeout(DEADLINE).expect("connects")
}

/// Sends a command, words parted by blanks.
pub(crate) fn raw<T: FromRedisValue>(server: &Server, command: &str) -> T {
    let mut words = command.split(' ');
    let mut packed = redis::cmd(words.next().unwrap_or_default());
    words.for_each(|word| {
        packed.arg(word);
    });
    packed.query(&mut connection(server)).unwrap_or_else(|error| panic!("{command}: {error}"))
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
