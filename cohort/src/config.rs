//! Configuration: one typed struct per part, read once and passed down.
//!
//! Four layers, each stronger than the one before: defaults, one TOML file, the environment
//! (`COHORT__SECTION__KEY`), flags. An unknown key is an error that suggests the right one. The
//! configuration holds no secrets, only paths to files with secrets, so all of it may be shown.

pub mod backends;
pub mod layers;
pub mod lines;
pub mod reference;
pub mod span;

use std::net::IpAddr;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use gateway::core::GatewayLimits;
use shared::ids::Role;

use crate::config::backends::{ClusterConfig, MqConfig, StoreConfig};
use crate::config::span::Span;
use crate::suggest;

/// Everything that can be configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[node]`
    pub node: NodeConfig,
    /// `[cluster]`
    pub cluster: ClusterConfig,
    /// `[store]`
    pub store: StoreConfig,
    /// `[mq]`
    pub mq: MqConfig,
    /// `[edge]`
    pub edge: EdgeConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[limits]`
    pub limits: LimitsConfig,
    /// `[bots]`
    pub bots: BotsConfig,
    /// `[content]`
    pub content: ContentConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[drain]`
    pub drain: DrainConfig,
}

/// `[node]`: who this node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Which node of the cluster this is.
    pub number: u16,
    /// What it hosts.
    pub roles: RoleNames,
    /// Where store, certificate and replays are kept.
    pub data_dir: PathBuf,
    /// The version it announces.
    pub build: String,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            number: 1,
            roles: RoleNames(Role::ALL.to_vec()),
            data_dir: PathBuf::from("cohort-data"),
            build: String::from(env!("CARGO_PKG_VERSION")),
        }
    }
}

/// `[edge]`: where clients connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeConfig {
    /// Address for QUIC.
    pub bind: IpAddr,
    /// UDP port for QUIC and TCP port for the status page; 0 takes a free one.
    pub port: u16,
    /// Certificate chain in PEM; empty makes one in the data directory.
    pub certificate_file: PathBuf,
    /// Key of the certificate in PEM; empty makes one in the data directory.
    pub key_file: PathBuf,
    /// A name that the certificate holds for; the built-in bots ask for it.
    pub server_name: String,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            bind: LOOPBACK,
            port: 7777,
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            server_name: String::from("localhost"),
        }
    }
}

/// `[http]`: where the status page is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address for HTTP. The page needs no login, so it stays on this machine by default.
    pub bind: IpAddr,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { bind: LOOPBACK }
    }
}

/// `[limits]`: what an operator may tighten or widen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Client sessions of the gateway. A further connection is told `Busy` and closed.
    pub sessions_max: u32,
    /// Sessions that are not logged in yet. A further connection is told `Busy` and closed.
    pub logins_max: u32,
    /// Replay files kept; the oldest are deleted beyond it.
    pub replay_files_max: u32,
    /// Threads that step battles; 0 takes one less than the machine has.
    pub battle_workers: u16,
    /// Days that a replay is kept; 0 is for ever.
    pub replay_days_max: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let gateway = GatewayLimits::default();
        Self {
            sessions_max: gateway.sessions_max,
            logins_max: gateway.logins_max,
            replay_files_max: 1_000,
            battle_workers: 0,
            replay_days_max: 30,
        }
    }
}

/// `[bots]`: the built-in bots of `up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BotsConfig {
    /// How many play.
    pub count: u32,
    /// The same seed plays the same way, with the same accounts.
    pub seed: u64,
}

impl Default for BotsConfig {
    fn default() -> Self {
        // Another seed than the one of `cohort bots`: a seed stands for accounts, and an account
        // has one session.
        Self { count: 20, seed: 20 }
    }
}

/// `[content]`: heroes, items, queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContentConfig {
    /// Folder with the tables; empty takes the built-in ones.
    pub dir: PathBuf,
}

/// `[log]`: what is written to stderr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Layout of a line.
    pub format: LogFormat,
    /// Which events, in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// Of 1,000 requests of clients, how many are followed: each node that has to do with one
    /// writes a line with its trace id.
    pub traces_permille: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        let filter = String::from("warn,cohort=info,trace=info");
        Self { format: LogFormat::Text, filter, traces_permille: 0 }
    }
}

/// Layout of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `[drain]`: how a node stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrainConfig {
    /// How long running battles may take to end.
    pub limit: Span,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self { limit: Span::seconds(90) }
    }
}

/// Roles, written by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleNames(pub Vec<Role>);

impl Serialize for RoleNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|role| role.name()))
    }
}

impl<'de> Deserialize<'de> for RoleNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let mut roles = Vec::with_capacity(names.len());
        for name in &names {
            let role = role_named(name).map_err(D::Error::custom)?;
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        if roles.is_empty() {
            return Err(D::Error::custom("a node needs at least one role"));
        }
        Ok(Self(roles))
    }
}

/// The role of a name.
///
/// # Errors
/// [`suggest::Unknown`] names the roles there are and the most similar one.
pub fn role_named(name: &str) -> Result<Role, suggest::Unknown> {
    Role::named(name.trim()).ok_or_else(|| {
        suggest::Unknown::new("role", name.trim(), Role::ALL.iter().map(|role| role.name()))
    })
}

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
