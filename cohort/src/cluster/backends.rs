//! What a node stands on, as the configuration chooses it: store, node MQ, directory.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use shared::directory::Directory;
use shared::directory::local::LocalDirectory;
use shared::directory::redis::{LeaseTimes, RedisDirectory};
use shared::ids::{Address, ClusterId, NodeId};
use shared::mq::Mq;
use shared::mq::local::LocalMq;
use shared::mq::nats::{NatsMq, NatsMqConfig};
use shared::mq::redis::{RedisMq, RedisMqConfig};
use shared::mq::tcp::{TcpMq, TcpMqConfig};
use shared::runtime::Doorbell;
use shared::store::Store;
use shared::store::embedded::{EmbeddedStore, OpenError, Wake};
use shared::store::redis::{self, IfEmpty, RedisStore, RedisStoreConfig};

use crate::config::Config;
use crate::config::backends::{MqKind, StoreKind};
use crate::failure::{Failure, chain};

/// A NATS server on this machine.
const NATS_URL: &str = "nats://127.0.0.1:4222";
/// Bytes of a file with a secret. A longer one is refused.
const SECRET_BYTES_MAX: usize = 4_096;

/// The store of a node.
pub(super) enum AnyStore {
    Embedded(EmbeddedStore),
    Redis(Box<RedisStore>),
}

impl AnyStore {
    /// Opens the store that the configuration names. Blocks.
    pub(super) fn open(config: &Config) -> Result<Self, Failure> {
        match config.store.kind {
            StoreKind::Embedded => open_embedded(config).map(Self::Embedded),
            StoreKind::Redis | StoreKind::RedisCluster => {
                let store = RedisStore::connect(redis_store(config)?);
                store
                    .map(|store| Self::Redis(Box::new(store)))
                    .map_err(|error| redis_refused(&error))
            }
        }
    }

    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    pub(super) fn incarnation(&self) -> u32 {
        match self {
            Self::Embedded(store) => store.incarnation(),
            Self::Redis(store) => store.incarnation(),
        }
    }

    pub(super) fn cluster(&self) -> u64 {
        match self {
            Self::Embedded(store) => store.cluster(),
            Self::Redis(store) => store.cluster(),
        }
    }

    pub(super) fn handle(&self, wake: Wake) -> Box<dyn Store> {
        match self {
            Self::Embedded(store) => Box::new(store.handle(wake)),
            Self::Redis(store) => Box::new(store.handle(wake)),
        }
    }

    /// Why the store answers nothing any more.
    pub(super) fn halted(&self) -> Option<String> {
        match self {
            Self::Embedded(_) => None,
            Self::Redis(store) => store.halted().map(String::from),
        }
    }

    pub(super) fn close(self) -> Result<(), Failure> {
        match self {
            Self::Embedded(store) => {
                store.close().map_err(|error| Failure::Node { what: chain(&error) })
            }
            Self::Redis(store) => {
                drop(store);
                Ok(())
            }
        }
    }
}

/// The node MQ of a node.
pub(super) enum AnyMq {
    Local(LocalMq),
    Tcp { mq: TcpMq, advertised: SocketAddr },
    Redis(RedisMq),
    Nats(NatsMq),
}

impl AnyMq {
    /// Starts the node MQ that the configuration names. Blocks.
    pub(super) fn start(config: &Config, me: NodeId, cluster: u64) -> Result<Self, Failure> {
        let refused = |error: &dyn std::error::Error| Failure::Mq { what: chain(error) };
        let prefix = config.cluster.name.clone();
        match config.mq.kind {
            MqKind::Local => Ok(Self::Local(LocalMq::new())),
            MqKind::Tcp => {
                let (listen, key) = (config.mq.listen, cluster_key(&config.cluster.key_file)?);
                let mq = TcpMq::start(TcpMqConfig::new(me, listen, ClusterId(cluster), key));
                let mq = mq.map_err(|error| refused(&error))?;
                // An empty one, or one with a mistake that was refused with the configuration.
                let advertised = config.mq.advertise.parse().unwrap_or_else(|_| mq.local_addr());
                Ok(Self::Tcp { mq, advertised })
            }
            MqKind::Redis => {
                let url = match (config.mq.url.is_empty(), config.store.urls.first()) {
                    (true, Some(url)) => with_secret(url, &config.store.password_file)?,
                    (false, _) | (true, None) => mq_url(config)?,
                };
                let mq = RedisMq::start(RedisMqConfig { me, url, prefix });
                mq.map(Self::Redis).map_err(|error| refused(&error))
            }
            MqKind::Nats => {
                let (url, messages_received_max) =
                    (mq_url(config)?, NatsMqConfig::MESSAGES_RECEIVED_MAX);
                let mq = NatsMq::start(NatsMqConfig { me, url, prefix, messages_received_max });
                mq.map(Self::Nats).map_err(|error| refused(&error))
            }
        }
    }

    pub(super) fn bind(&self, address: Address, wake: Doorbell) -> Box<dyn Mq> {
        match self {
            Self::Local(mq) => Box::new(mq.bind(address, wake)),
            Self::Tcp { mq, .. } => Box::new(mq.bind(address, wake)),
            Self::Redis(mq) => Box::new(mq.bind(address, wake)),
            Self::Nats(mq) => Box::new(mq.bind(address, wake)),
        }
    }

    /// Joins the directory that stands beside the store, with this node MQ behind it. Blocks until
    /// the lease of a former life has ended.
    pub(super) fn join(
        &self,
        config: &Config,
        store: &AnyStore,
        me: NodeId,
    ) -> Result<Box<dyn Directory>, Failure> {
        let store = match store {
            AnyStore::Embedded(_) => return Ok(Box::new(LocalDirectory::new().join(me))),
            AnyStore::Redis(store) => store,
        };
        let times = LeaseTimes {
            lease: config.cluster.lease.duration(),
            ride_out: config.cluster.ride_out.duration(),
            ..LeaseTimes::default()
        };
        let joined = RedisDirectory::beside(store, times).join(me, &config.node.build);
        let directory = joined.map_err(|error| Failure::Join { what: error.to_string() })?;
        Ok(match self {
            Self::Local(_) => Box::new(directory),
            Self::Tcp { mq, advertised } => Box::new(mq.follow(directory, *advertised)),
            Self::Redis(mq) => Box::new(mq.follow(directory)),
            Self::Nats(mq) => Box::new(mq.follow(directory)),
        })
    }
}

/// Opens the store in the data directory.
///
/// # Errors
/// [`Failure::Store`] or [`Failure::DataDir`].
pub fn open_embedded(config: &Config) -> Result<EmbeddedStore, Failure> {
    let dir = &config.node.data_dir;
    EmbeddedStore::open(dir).map_err(|error| match error {
        OpenError::NotADirectory { .. } | OpenError::Io { .. } => {
            Failure::DataDir { dir: dir.to_owned(), what: error.to_string() }
        }
        OpenError::Locked { .. }
        | OpenError::Damaged { .. }
        | OpenError::Missing { .. }
        | OpenError::NewerFormat { .. }
        | OpenError::OtherCluster { .. } => Failure::Store { what: error.to_string() },
    })
}

/// How the store in Redis is reached.
///
/// # Errors
/// [`Failure::Secret`] if there is a file with a password that cannot be used.
pub fn redis_store(config: &Config) -> Result<RedisStoreConfig, Failure> {
    let store = &config.store;
    let urls = store.urls.iter().map(|url| with_secret(url, &store.password_file));
    Ok(RedisStoreConfig {
        urls: urls.collect::<Result<_, _>>()?,
        is_cluster: store.kind == StoreKind::RedisCluster,
        prefix: config.cluster.name.clone(),
        wait_replicas: store.wait_replicas,
        production: store.production,
        if_empty: if store.may_create { IfEmpty::Create } else { IfEmpty::Refuse },
        ..RedisStoreConfig::default()
    })
}

fn redis_refused(error: &redis::OpenError) -> Failure {
    let what = error.to_string();
    match error {
        redis::OpenError::Server { .. } | redis::OpenError::Failed(_) => Failure::Servers { what },
        redis::OpenError::Config(_)
        | redis::OpenError::Refused(_)
        | redis::OpenError::Missing { .. }
        | redis::OpenError::Emptied { .. }
        | redis::OpenError::NewerFormat { .. }
        | redis::OpenError::OtherCluster { .. } => Failure::Store { what },
    }
}

fn mq_url(config: &Config) -> Result<String, Failure> {
    let url = if config.mq.url.is_empty() { NATS_URL } else { &config.mq.url };
    with_secret(url, &config.mq.password_file)
}

/// The address with what the file says in front of the host.
fn with_secret(url: &str, file: &Path) -> Result<String, Failure> {
    if file.as_os_str().is_empty() {
        return Ok(url.to_owned());
    }
    let secret = secret(file)?;
    let user = if secret.contains(':') { secret } else { format!(":{secret}") };
    let (scheme, rest) = url.split_once("://").unwrap_or(("redis", url));
    Ok(format!("{scheme}://{user}@{rest}"))
}

/// The secret that authenticates the links of a cluster's nodes to each other.
fn cluster_key(file: &Path) -> Result<[u8; 32], Failure> {
    let text = secret(file)?;
    let refuse = || Failure::Secret {
        file: file.to_owned(),
        what: String::from("it must hold 64 hexadecimal digits: `openssl rand -hex 32`"),
    };
    let mut key = [0; 32];
    if text.len() != 2 * key.len() || !text.is_ascii() {
        return Err(refuse());
    }
    for (byte, at) in key.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| refuse())?;
    }
    Ok(key)
}

fn secret(file: &Path) -> Result<String, Failure> {
    let refuse = |what: String| Failure::Secret { file: file.to_owned(), what };
    let text = fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    let text = text.trim();
    if text.is_empty() || text.len() > SECRET_BYTES_MAX {
        return Err(refuse(format!("it must hold 1 to {SECRET_BYTES_MAX} bytes")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_password_from_a_file_stands_before_the_host() {
        let url = "redis://host:1/2";
        assert_eq!(with_secret(url, Path::new("")).unwrap(), url);
        let secret = file("hush\n");
        assert_eq!(with_secret(url, secret.path()).unwrap(), "redis://:hush@host:1/2");
        let secret = file("me:hush");
        assert_eq!(with_secret(url, secret.path()).unwrap(), "redis://me:hush@host:1/2");
        assert!(with_secret(url, Path::new("/nowhere")).is_err());
    }

    #[test]
    fn a_cluster_key_has_64_hexadecimal_digits() {
        let key = cluster_key(file(&format!("{}ff\n", "01".repeat(31))).path()).unwrap();
        assert_eq!((key[0], key[31]), (1, 255));
        for wrong in ["", "01", &"x1".repeat(32), &"é".repeat(32)] {
            assert!(cluster_key(file(wrong).path()).is_err(), "{wrong}");
        }
    }
}
