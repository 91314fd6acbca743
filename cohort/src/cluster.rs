//! Wires roles into a node: which core runs at which pace, over which store, MQ and directory.

mod backends;
mod recipe;
mod roles;
mod sockets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway::shell::Edge;
use tokio::task::block_in_place;

use shared::content::Content;
use shared::directory::NodeCard;
use shared::ids::{Address, NodeId, Role};
use shared::runtime::{Node, NodeSetup, NodeStatus};

use crate::clock;
use crate::config::{Config, LimitsConfig};
use crate::failure::{Failure, chain};
use crate::replays::{ReplayFolder, Retention};

use backends::{AnyMq, AnyStore};

pub use backends::{open_embedded, redis_store};
pub use recipe::Recipe;
pub use sockets::Sockets;

/// A running node with everything that belongs to it.
pub struct Cluster {
    node: Node,
    mq: AnyMq,
    store: AnyStore,
    edge: Option<Edge>,
}

impl Cluster {
    /// Starts the node that the configuration describes on ports that are bound already.
    ///
    /// # Errors
    /// [`Failure`] says what stands in the way.
    pub fn start(
        config: &Config,
        sockets: &mut Sockets,
        record_dir: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let content = Arc::new(content(config)?);
        let store = AnyStore::open(config)?;
        let replays = if hosts(config, Role::Battleapp) {
            replays(config)?
        } else {
            // No other role has any.
            Box::new(|_, _| {})
        };
        let id = NodeId { node: config.node.number, incarnation: store.incarnation() };
        let mq = AnyMq::start(config, id, store.cluster())?;
        let directory = mq.join(config, &store, id)?;
        let recipe = Recipe::of(config, store.cluster(), &content);
        if let Some(dir) = &record_dir {
            recipe.write(dir)?;
        }
        let mut wiring =
            roles::Wiring { config, recipe, content, store: &store, mq: &mq, edge: None };
        let mut setups = Vec::new();
        for role in &config.node.roles.0 {
            setups.push(wiring.role(Address { node: id, role: *role }, sockets)?);
        }
        let edge = wiring.edge.take();
        let setup = NodeSetup {
            id,
            build: config.node.build.clone(),
            page: sockets.page(config),
            directory,
            roles: setups,
            replays,
            record_dir,
        };
        let node = Node::start(setup).map_err(|error| Failure::Node { what: chain(&error) })?;
        Ok(Self { node, mq, store, edge })
    }

    /// What the node says about itself; the gateway's values include those of the client edge.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        let mut status = self.node.status();
        let gateway = status.roles.iter_mut().find(|role| role.role == Role::Gateway);
        if let Some(gateway) = gateway {
            gateway.values.extend(self.edge_values());
        }
        status
    }

    /// All nodes of the cluster that this one knows, ordered by id.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeCard> {
        self.node.nodes()
    }

    /// Why the node cannot go on: it lost its place in the cluster, or its store. Whoever runs it
    /// should end the process and start it again, as a new incarnation.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        if let Some(why) = self.store.halted() {
            return Some(why);
        }
        let why = "its lease is over, so that others take over what it had; start it again";
        self.node.is_lost().then(|| String::from(why))
    }

    /// Other nodes may be there.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// What the client edge counts; nothing without the role gateway.
    #[must_use]
    pub fn edge_values(&self) -> Vec<(&'static str, u64)> {
        self.edge.as_ref().map(Edge::values).unwrap_or_default()
    }

    /// Where clients connect, if this node hosts a gateway.
    #[must_use]
    pub fn quic(&self) -> Option<SocketAddr> {
        self.edge.as_ref().map(Edge::local_addr)
    }

    /// Takes nothing new and finishes what is there.
    pub fn drain(&self) {
        self.node.drain();
    }

    /// Nothing is left that stopping now would lose.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.node.is_drained()
    }

    /// Closes connections, stops all roles and closes the store.
    ///
    /// # Errors
    /// [`Failure::Node`] if the store was not closed cleanly; nothing acknowledged is lost then.
    pub async fn stop(self) -> Result<(), Failure> {
        let Self { node, mq, store, edge } = self;
        if let Some(edge) = edge {
            edge.close().await;
        }
        block_in_place(|| {
            node.stop();
            drop(mq);
            store.close()
        })
    }
}

/// Where the status page is served.
#[must_use]
pub fn http_address(config: &Config) -> SocketAddr {
    SocketAddr::new(config.http.bind, config.edge.port)
}

/// Where clients connect.
#[must_use]
pub fn quic_address(config: &Config) -> SocketAddr {
    SocketAddr::new(config.edge.bind, config.edge.port)
}

/// The folder of the certificate that is made for development.
#[must_use]
pub fn tls_dir(config: &Config) -> PathBuf {
    config.node.data_dir.join("tls")
}

/// The certificate that clients have to trust.
#[must_use]
pub fn certificate_file(config: &Config) -> PathBuf {
    if config.edge.certificate_file.as_os_str().is_empty() {
        return tls_dir(config).join(gateway::shell::CERTIFICATE_FILE);
    }
    config.edge.certificate_file.clone()
}

/// The folder of the replays.
#[must_use]
pub fn replay_dir(config: &Config) -> PathBuf {
    config.node.data_dir.join("replays")
}

/// The content that the configuration names.
///
/// # Errors
/// [`Failure::Content`] with files and lines.
pub fn content(config: &Config) -> Result<Content, Failure> {
    content_in(&config.content.dir)
}

/// The content of a folder; an empty path stands for the built-in one.
///
/// # Errors
/// [`Failure::Content`] with files and lines.
pub fn content_in(dir: &Path) -> Result<Content, Failure> {
    if dir.as_os_str().is_empty() {
        return Ok(Content::builtin());
    }
    Content::load(dir).map_err(|error| Failure::Content { message: error.to_string() })
}

type KeepReplay = Box<dyn FnMut(shared::ids::BattleId, Vec<u8>) + Send>;

fn replays(config: &Config) -> Result<KeepReplay, Failure> {
    let dir = replay_dir(config);
    let unusable = |error: std::io::Error| Failure::DataDir {
        dir: config.node.data_dir.clone(),
        what: format!("{}: {error}", dir.display()),
    };
    let LimitsConfig { replay_files_max, replay_days_max, .. } = config.limits;
    let retention = Retention {
        files_max: usize::try_from(replay_files_max).unwrap_or(usize::MAX),
        age_max: Duration::from_secs(u64::from(replay_days_max) * 24 * 60 * 60),
    };
    let mut folder = ReplayFolder::open(dir.clone(), retention, clock::wall()).map_err(unusable)?;
    Ok(Box::new(move |battle, bytes| {
        if let Err(error) = folder.keep(battle, &bytes, clock::wall()) {
            tracing::warn!(%battle, %error, "replay not kept");
        }
    }))
}

/// Whether the node hosts a role.
#[must_use]
pub fn hosts(config: &Config, role: Role) -> bool {
    config.node.roles.0.contains(&role)
}
