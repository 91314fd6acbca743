//! What a node stands on: which cluster it belongs to, its store, its node MQ.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::span::Span;

/// `[cluster]`: which cluster a node belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterConfig {
    /// Its name; all keys and subjects begin with it.
    pub name: String,
    /// File with the secret of the cluster, 64 hexadecimal digits, for links over TCP.
    pub key_file: PathBuf,
    /// How long a node counts as alive after its last sign of life.
    pub lease: Span,
    /// How long a node that cannot reach the store waits for it before it ends.
    pub ride_out: Span,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            name: String::from("cohort"),
            key_file: PathBuf::new(),
            lease: Span::seconds(3),
            ride_out: Span::seconds(60),
        }
    }
}

/// `[store]`: where records are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Which back-end.
    pub kind: StoreKind,
    /// Servers of the back-ends that have some.
    pub urls: Vec<String>,
    /// File with `password` or `user:password` for these servers.
    pub password_file: PathBuf,
    /// So many replicas must have a change before it is acknowledged.
    pub wait_replicas: u32,
    /// Refuse servers whose settings could lose what was acknowledged.
    pub production: bool,
    /// Create the store if there is none under the name of the cluster.
    pub may_create: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            kind: StoreKind::Embedded,
            urls: vec![String::from("redis://127.0.0.1:6379")],
            password_file: PathBuf::new(),
            wait_replicas: 0,
            production: false,
            may_create: true,
        }
    }
}

/// A back-end of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// A file in the data directory of one process.
    Embedded,
    /// One Redis server.
    Redis,
    /// A Redis Cluster.
    RedisCluster,
}

/// `[mq]`: how nodes talk to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqConfig {
    /// Which back-end.
    pub kind: MqKind,
    /// Where links from other nodes are taken; port 0 is chosen by the operating system.
    pub listen: SocketAddr,
    /// Where other nodes reach that, if it is not `listen`; empty if it is.
    pub advertise: String,
    /// The server of `redis` and `nats`; empty for the usual one.
    pub url: String,
    /// File with `password` or `user:password` for this server.
    pub password_file: PathBuf,
}

impl Default for MqConfig {
    fn default() -> Self {
        Self {
            kind: MqKind::Local,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: String::new(),
            url: String::new(),
            password_file: PathBuf::new(),
        }
    }
}

/// A back-end of the node MQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MqKind {
    /// Within one process.
    Local,
    /// Links between nodes.
    Tcp,
    /// A list per node in Redis.
    Redis,
    /// A subject per node in NATS.
    Nats,
}

/// Finds sections that do not fit together: the key to look at, and what is wrong with it.
///
/// # Errors
/// The first such key.
pub fn check(config: &Config) -> Result<(), (&'static str, String)> {
    let Config { cluster, store, mq, .. } = config;
    let shared = store.kind != StoreKind::Embedded;
    if shared && mq.kind == MqKind::Local {
        let what = "a store that many nodes share needs mq.kind = \"tcp\", \"redis\" or \"nats\"";
        return Err(("mq.kind", String::from(what)));
    }
    if !shared && mq.kind != MqKind::Local {
        let what = "the embedded store belongs to one process: with it mq.kind is \"local\"; for \
                    many nodes choose store.kind = \"redis\" or \"redis-cluster\"";
        return Err(("mq.kind", String::from(what)));
    }
    if mq.kind == MqKind::Tcp {
        if cluster.key_file.as_os_str().is_empty() {
            let what = "links over TCP need a file with the secret of the cluster; make one with \
                        `openssl rand -hex 32`";
            return Err(("cluster.key_file", String::from(what)));
        }
        if mq.listen.ip().is_unspecified() && mq.advertise.is_empty() {
            let what = "other nodes cannot reach an address that stands for all: say where they \
                        reach this node";
            return Err(("mq.advertise", String::from(what)));
        }
        if !mq.advertise.is_empty() && mq.advertise.parse::<SocketAddr>().is_err() {
            let what = format!("`{}` is no address:port", mq.advertise);
            return Err(("mq.advertise", what));
        }
    }
    let mut urls = store.urls.iter().map(|url| ("store.urls", url));
    if let Some((key, _)) = urls
        .find(|(_, url)| url.contains('@'))
        .or(mq.url.contains('@').then_some(("mq.url", &mq.url)))
    {
        let what = "an address holds no password, for the configuration may be shown: put it into \
                    a file and name that file in password_file";
        return Err((key, String::from(what)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> &'static str {
        let config: Config = toml::from_str(text).unwrap();
        check(&config).unwrap_err().0
    }

    #[test]
    fn sections_that_do_not_fit_together_are_refused_by_name() {
        assert_eq!(check(&Config::default()), Ok(()));
        assert_eq!(refused("[store]\nkind = \"redis\"\n"), "mq.kind");
        assert_eq!(refused("[mq]\nkind = \"tcp\"\n"), "mq.kind");
        let redis = "[store]\nkind = \"redis\"\n[mq]\nkind = \"tcp\"\n";
        assert_eq!(refused(redis), "cluster.key_file");
        let key = "[cluster]\nkey_file = \"k\"\n";
        assert_eq!(refused(&format!("{key}{redis}listen = \"0.0.0.0:1\"\n")), "mq.advertise");
        assert_eq!(refused(&format!("{key}{redis}advertise = \"here\"\n")), "mq.advertise");
        assert_eq!(refused("[store]\nurls = [\"redis://:secret@host:1\"]\n"), "store.urls");
    }
}
