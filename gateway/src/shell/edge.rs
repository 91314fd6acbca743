//! The edge itself: the UDP socket, the loop that accepts connections, and the way out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Endpoint, EndpointConfig, Incoming, TokioRuntime, VarInt};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::timeout;

use shared::core::EdgeOutput;
use shared::ids::{NodeId, SessionId};
use shared::runtime::{Doorbell, EdgeLink};

use super::certificate::{self, CertificateError};
use super::close_code::CloseCode;
use super::config::EdgeConfig;
use super::connection::{self, Links};
use super::counters::Counters;
use super::doorkeeper::Doorkeeper;
use super::registry::Registry;
use super::transport;

/// Time for connections to end when the edge is closed.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// Why an edge could not be opened.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another program listens there.
    #[error(
        "UDP port {} of {} is in use: stop the program that holds it, or choose another port \
         (0 lets the system choose)",
        address.port(),
        address.ip()
    )]
    InUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The socket could not be opened.
    #[error("cannot listen on UDP {address}")]
    Socket {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Certificate and key are there, but cannot be used.
    #[error("the certificate cannot be used")]
    Tls(#[from] rustls::Error),
}

/// An open client edge.
#[derive(Debug)]
pub struct Edge {
    endpoint: Endpoint,
    local_addr: SocketAddr,
    links: Arc<Links>,
    accepting: JoinSet<()>,
}

impl Edge {
    /// Opens an edge. Must be called within a tokio runtime. `doorbell` is the one of the
    /// gateway's role, which gets the returned link.
    ///
    /// # Errors
    /// [`BindError`] says what stands in the way.
    pub fn bind(config: EdgeConfig, doorbell: Doorbell) -> Result<(Self, EdgeLink), BindError> {
        let (chain, key) = certificate::identity(&config.certificate)?;
        let server_config = transport::server_config(chain, key)?;
        let address = config.udp;
        let socket_error = |source: io::Error| {
            if source.kind() == io::ErrorKind::AddrInUse {
                BindError::InUse { address }
            } else {
                BindError::Socket { address, source }
            }
        };
        let socket = std::net::UdpSocket::bind(address).map_err(socket_error)?;
        let (endpoint_config, runtime) = (EndpointConfig::default(), Arc::new(TokioRuntime));
        let endpoint = Endpoint::new(endpoint_config, Some(server_config), socket, runtime)
            .map_err(socket_error)?;
        let local_addr = endpoint.local_addr().map_err(socket_error)?;
        let (inputs, receiver) = crossbeam_channel::bounded(config.limits.inputs_waiting_max);
        let links = Arc::new(Links {
            inputs,
            doorbell,
            registry: Registry::default(),
            counters: Counters::default(),
            limits: config.limits.clone(),
        });
        let mut accepting = JoinSet::new();
        let accept_loop = AcceptLoop {
            endpoint: endpoint.clone(),
            node: config.node,
            doorkeeper: Doorkeeper::new(config.limits),
            links: Arc::clone(&links),
            sessions: 0,
        };
        accepting.spawn(accept_loop.run());
        tracing::info!(%local_addr, "clients are let in");
        let sink_links = Arc::clone(&links);
        let outputs = Box::new(move |output: EdgeOutput| {
            sink_links.registry.carry_out(output, &sink_links.counters);
        });
        let edge = Self { endpoint, local_addr, links, accepting };
        Ok((edge, EdgeLink { inputs: receiver, outputs }))
    }

    /// Where clients connect.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What the edge has counted; all names begin with `edge_` and end in `_total`.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, u64)> {
        self.links.counters.values()
    }

    /// Closes all connections and waits, at most a few seconds, until clients know. The core
    /// should have drained before, so that they got a goodbye.
    pub async fn close(mut self) {
        let code = VarInt::from_u32(CloseCode::Shutdown.number());
        self.endpoint.close(code, CloseCode::Shutdown.text().as_bytes());
        let ended = async {
            while self.accepting.join_next().await.is_some() {}
            self.endpoint.wait_idle().await;
        };
        if timeout(CLOSE_LIMIT, ended).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
    }
}

/// Lets connections in, each as a task of its own.
struct AcceptLoop {
    endpoint: Endpoint,
    node: NodeId,
    doorkeeper: Arc<Doorkeeper>,
    links: Arc<Links>,
    /// Session ids given out so far.
    sessions: u64,
}

impl AcceptLoop {
    async fn run(mut self) {
        let mut connections = JoinSet::new();
        while let Some(incoming) = self.endpoint.accept().await {
            // Tasks that have ended are only remembered until the next connection comes.
            while connections.try_join_next().is_some() {}
            self.admit(incoming, &mut connections);
        }
        while connections.join_next().await.is_some() {}
    }

    fn admit(&mut self, incoming: Incoming, connections: &mut JoinSet<()>) {
        let counters = &self.links.counters;
        if self.doorkeeper.wants_proof() && incoming.may_retry() {
            counters.retried.add();
            if incoming.retry().is_err() {
                counters.handshakes_failed.add();
            }
            return;
        }
        let Some(place) = self.doorkeeper.place(incoming.remote_address().ip()) else {
            counters.refused.add();
            return incoming.refuse();
        };
        self.sessions += 1;
        let session = SessionId(self.node.unique(self.sessions));
        let links = Arc::clone(&self.links);
        connections.spawn(connection::serve(incoming, session, place, links));
    }
}
