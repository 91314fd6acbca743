//! Opening a store: whose it is, whether all of it is there, and what is refused.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, never};
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Value};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::call::{Call, Script};
use super::findings::{self, Finding, Holds};
use super::layout::{BUCKETS, FORMAT, Names, PREFIX_CHARS_MAX};
use super::link::{Link, LinkSettings, Server};
use super::router::{CallError, Halt, Router, Routes};
use super::values::{fields, number, text};
use super::{IfEmpty, RedisStoreConfig};

/// An idle connection is probed so often: one that was silently cut is then found before it is
/// needed, and the ways in between do not forget it.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Why a store was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// A server cannot be used now.
    #[error("redis at {server} cannot be used: {what}")]
    Server {
        /// Host and port.
        server: String,
        /// What stands in the way.
        what: String,
    },
    /// Production mode refuses the settings of the servers.
    #[error("production mode refuses these servers: {}", list(.0))]
    Refused(Vec<Finding>),
    /// There is no store under the prefix.
    #[error(
        "there is no store under prefix {prefix:?}: restore it from a backup, or allow to create \
         one if this is the first start"
    )]
    Missing {
        /// The prefix.
        prefix: String,
    },
    /// Parts of the store are gone.
    #[error(
        "the store under prefix {prefix:?} is not whole, {missing} of its {BUCKETS} buckets are \
         gone: a server was emptied or replaced by another; restore it from a backup"
    )]
    Emptied {
        /// The prefix.
        prefix: String,
        /// How many buckets lack their mark.
        missing: usize,
    },
    /// A newer build has written it.
    #[error("the store has format {found}, this build reads up to {FORMAT}: use a newer build")]
    NewerFormat {
        /// The format of the store.
        found: u64,
    },
    /// It belongs to another cluster.
    #[error(
        "prefix {prefix:?} belongs to cluster {found:016x}, not to {expected:016x}: use another \
         prefix"
    )]
    OtherCluster {
        /// The prefix.
        prefix: String,
        /// The cluster of the store.
        found: u64,
        /// The cluster that was asked for.
        expected: u64,
    },
    /// A server answered something else than it should, or not at all.
    #[error("opening the store failed: {0}")]
    Failed(String),
}

/// A store that nobody uses yet.
pub(super) struct Opened {
    pub(super) routes: Routes,
    pub(super) cluster: u64,
    pub(super) incarnation: u32,
    pub(super) findings: Vec<Finding>,
}

/// What the settings of all servers promise.
pub(super) fn examine(config: &RedisStoreConfig) -> Result<Vec<Finding>, OpenError> {
    let mut router = Router::new(routes(config)?, never());
    settings(&mut router)
}

/// Opens the store, or creates it if that is allowed, and counts the incarnation on.
pub(super) fn open(config: &RedisStoreConfig, stop: Receiver<()>) -> Result<Opened, OpenError> {
    let mut router = Router::new(routes(config)?, stop);
    let findings = settings(&mut router)?;
    let refused: Vec<_> = findings.iter().filter(|it| it.holds == Holds::No).cloned().collect();
    if config.production && !refused.is_empty() {
        return Err(OpenError::Refused(refused));
    }
    let expected = config.cluster.unwrap_or_else(|| xxh3_64(config.prefix.as_bytes()));
    let mut opening = Opening { router, prefix: config.prefix.clone(), expected };
    let store = opening.find_or_create(config.if_empty)?;
    let incarnation = opening.count_on()?;
    let mut routes = opening.router.routes;
    routes.store = Some(Arc::from(store));
    Ok(Opened { routes, cluster: expected, incarnation, findings })
}

/// Ways to a store that is there and is only going to be read. Whether one address is that of a
/// cluster is found out.
pub(super) fn open_to_read(config: &RedisStoreConfig) -> Result<Router, OpenError> {
    let mut routes = routes(config)?;
    if let ([server], false) = (&routes.seeds[..], routes.is_cluster) {
        let settings = LinkSettings { takes_replicas: true, ..routes.link.clone() };
        let link = Link::open(server, &settings)
            .map_err(|what| OpenError::Server { server: server.to_string(), what })?;
        routes.is_cluster = link.mode == "cluster";
        routes.link.takes_replicas = routes.is_cluster;
    }
    let mut router = Router::new(routes, never());
    router
        .check()
        .map_err(|(server, what)| OpenError::Server { server: server.to_string(), what })?;
    let expected = config.cluster.unwrap_or_default();
    let mut opening = Opening { router, prefix: config.prefix.clone(), expected };
    let meta = opening.meta()?;
    if meta.store.is_empty() || !meta.is_ready {
        return Err(OpenError::Missing { prefix: opening.prefix });
    }
    // Whose it is does not matter to a reader who does not ask.
    opening.expected = config.cluster.unwrap_or(meta.cluster);
    opening.check(&meta)?;
    opening.check_marks(&meta)?;
    opening.router.routes.store = Some(Arc::from(meta.store));
    Ok(opening.router)
}

fn routes(config: &RedisStoreConfig) -> Result<Routes, OpenError> {
    let names = Names::new(&config.prefix).ok_or_else(|| {
        let of = "of a-z, 0-9, - and _";
        let what = format!("the prefix {:?} must be 1 to {PREFIX_CHARS_MAX} {of}", config.prefix);
        OpenError::Config(what)
    })?;
    let mut seeds = Vec::new();
    let mut first = None;
    for (index, url) in config.urls.iter().enumerate() {
        let (server, info) = parsed(url).map_err(|what| {
            OpenError::Config(format!("address {} of redis cannot be used: {what}", index + 1))
        })?;
        seeds.push(server);
        first.get_or_insert(info);
    }
    let is_cluster = config.is_cluster || seeds.len() > 1;
    let info = first.ok_or_else(|| OpenError::Config(String::from("name a redis server")))?;
    let link = LinkSettings {
        info,
        connect_timeout: config.connect_timeout,
        response_timeout: config.response_timeout,
        takes_replicas: is_cluster,
    };
    Ok(Routes {
        names,
        link,
        is_cluster,
        seeds,
        wait_replicas: config.wait_replicas,
        patience: config.patience,
        store: None,
        halt: Arc::new(Halt::default()),
    })
}

/// The parts of an address. The text of an error never repeats it: it may hold a password.
fn parsed(url: &str) -> Result<(Server, ConnectionInfo), String> {
    let info = url.into_connection_info();
    let info = info.map_err(|error| format!("it is not redis://host:port ({error})"))?;
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        return Err(String::from("only redis://host:port is supported"));
    };
    let server = Server { host: host.clone(), port: *port };
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    let alive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    let tcp = info.tcp_settings().clone().set_nodelay(true).set_keepalive(alive);
    Ok((server, info.set_redis_settings(settings).set_tcp_settings(tcp)))
}

fn settings(router: &mut Router) -> Result<Vec<Finding>, OpenError> {
    let refused =
        |(server, what): (Server, String)| OpenError::Server { server: server.to_string(), what };
    router.check().map_err(refused)?;
    let wait = router.routes.wait_replicas;
    let mut all = Vec::new();
    for (server, found) in
        router.on_each(|server, link| findings::of(&server.to_string(), link, wait))
    {
        all.extend(found.map_err(|what| refused((server, what)))?);
    }
    Ok(all)
}

fn list(findings: &[Finding]) -> String {
    let texts: Vec<_> = findings.iter().map(|it| format!("{}: {}", it.server, it.what)).collect();
    texts.join("; ")
}

struct Opening {
    router: Router,
    prefix: String,
    expected: u64,
}

/// What a store says about itself.
struct Meta {
    store: String,
    format: u64,
    cluster: u64,
    is_ready: bool,
}

impl Opening {
    /// The id of the store.
    fn find_or_create(&mut self, if_empty: IfEmpty) -> Result<String, OpenError> {
        let names = self.router.routes.names.clone();
        let name = names.of_bucket(0, "meta");
        let mut meta = self.meta()?;
        if meta.store.is_empty() {
            let marks = self.marks()?;
            let missing = marks.iter().filter(|mark| mark.is_empty()).count();
            if missing < marks.len() {
                return Err(OpenError::Emptied { prefix: self.prefix.clone(), missing });
            }
            if if_empty == IfEmpty::Refuse {
                return Err(OpenError::Missing { prefix: self.prefix.clone() });
            }
            meta = self.create(&name)?;
        }
        self.check(&meta)?;
        if !meta.is_ready {
            self.mark_all(&meta.store)?;
            let ready = Call::writing("HSET", 0).arg(name.as_bytes()).arg(b"ready").arg(b"1");
            self.ask(ready)?;
        }
        self.check_marks(&meta)?;
        Ok(meta.store)
    }

    fn meta(&mut self) -> Result<Meta, OpenError> {
        let name = self.router.routes.names.of_bucket(0, "meta");
        let read = Call::reading("HMGET", 0).arg(name.as_bytes());
        let read = read.arg(b"store").arg(b"format").arg(b"cluster").arg(b"ready");
        meta(self.ask(read)?)
    }

    /// Whether all buckets belong to this store.
    fn check_marks(&mut self, meta: &Meta) -> Result<(), OpenError> {
        let marks = self.marks()?;
        let missing = marks.iter().filter(|mark| **mark != meta.store).count();
        if missing > 0 {
            return Err(OpenError::Emptied { prefix: self.prefix.clone(), missing });
        }
        Ok(())
    }

    fn check(&self, meta: &Meta) -> Result<(), OpenError> {
        if meta.format > FORMAT {
            return Err(OpenError::NewerFormat { found: meta.format });
        }
        let (found, expected) = (meta.cluster, self.expected);
        if found == expected {
            return Ok(());
        }
        Err(OpenError::OtherCluster { prefix: self.prefix.clone(), found, expected })
    }

    /// Creates the store; if somebody else is faster, theirs is taken.
    fn create(&mut self, name: &str) -> Result<Meta, OpenError> {
        // The server adds its time. Two stores with one id would have to be created by processes
        // of one number in the same microsecond.
        let unique = format!("{}:{}", self.prefix, std::process::id());
        let call = Call::script(Script::Create, 0).key(name).number(FORMAT);
        let call = call.arg(format!("{:016x}", self.expected).as_bytes());
        let value = self.ask(call.arg(unique.as_bytes()))?;
        meta(value)
    }

    fn marks(&mut self) -> Result<Vec<String>, OpenError> {
        let names = &self.router.routes.names;
        let calls: Vec<_> = (0..BUCKETS).map(|bucket| Call::mark(names, bucket)).collect();
        let answers = self.router.run(&calls).into_iter();
        answers
            .map(|outcome| {
                let (value, _) = outcome.map_err(refusal)?;
                text(value).map_err(OpenError::Failed)
            })
            .collect()
    }

    fn mark_all(&mut self, store: &str) -> Result<(), OpenError> {
        let names = &self.router.routes.names;
        let mark = |bucket| {
            let call = Call::writing("HSETNX", bucket);
            let call = call.arg(names.of_bucket(bucket, "mark").as_bytes());
            call.arg(b"store").arg(store.as_bytes())
        };
        let calls: Vec<_> = (0..BUCKETS).map(mark).collect();
        self.router.run(&calls).into_iter().try_for_each(|it| it.map(|_| ()).map_err(refusal))
    }

    /// The next incarnation. A call whose outcome is unknown leaves a number out, no more.
    fn count_on(&mut self) -> Result<u32, OpenError> {
        let name = self.router.routes.names.of_bucket(0, "meta");
        let call = Call::writing("HINCRBY", 0).arg(name.as_bytes()).arg(b"incarnation").number(1);
        let next = number(self.ask(call)?).map_err(OpenError::Failed)?;
        u32::try_from(next).map_err(|_| OpenError::Failed(String::from("no incarnation is left")))
    }

    fn ask(&mut self, call: Call) -> Result<Value, OpenError> {
        self.router.one(call).map(|(value, _)| value).map_err(refusal)
    }
}

fn meta(value: Value) -> Result<Meta, OpenError> {
    let read = || -> Result<Meta, String> {
        let [store, format, cluster, ready] = fields(value)?;
        let (store, cluster) = (text(store)?, text(cluster)?);
        let cluster = if cluster.is_empty() { "0" } else { &cluster };
        let cluster = u64::from_str_radix(cluster, 16).map_err(|_| "cluster is not an id")?;
        Ok(Meta { store, format: number(format)?, cluster, is_ready: number(ready)? == 1 })
    };
    read().map_err(OpenError::Failed)
}

fn refusal(error: CallError) -> OpenError {
    match error {
        CallError::Failed(what) | CallError::Damaged(what) => OpenError::Failed(what),
    }
}
