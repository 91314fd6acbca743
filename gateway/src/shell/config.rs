//! What an edge is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use shared::ids::NodeId;

/// How an edge is set up.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Where clients connect. Port 0 lets the system choose; [`super::Edge::local_addr`] says
    /// which port it took.
    pub udp: SocketAddr,
    /// What the edge proves its identity with.
    pub certificate: CertificateSource,
    /// The node; session ids are made from it.
    pub node: NodeId,
    /// How much the edge takes.
    pub limits: EdgeLimits,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// PEM files: the chain, the server's own certificate first, and its private key.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// A self-signed certificate for development, made when there is none that is still valid.
    /// Clients pin it: they trust the file [`super::CERTIFICATE_FILE`] of the folder.
    Development {
        /// The folder; made if it is not there. The key in it is readable by its owner alone.
        dir: PathBuf,
        /// Names and IP addresses under which clients reach the edge.
        names: Vec<String>,
    },
}

/// How much an edge takes before the core even hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Connections. Further ones are refused in the handshake. Above the core's own limit, so
    /// that most clients get a goodbye that says why.
    pub connections_max: usize,
    /// Connections from one IPv4 address or one IPv6 /64. Further ones are refused in the
    /// handshake. Loopback is exempt: bots and proxies on the same machine are no attack.
    pub connections_per_address_max: u32,
    /// Handshakes under way above which a client first has to prove that its address is its own.
    pub handshakes_unproven_max: usize,
    /// Inputs that wait for the core. At the limit datagrams are dropped and streams are not read
    /// any further until there is room.
    pub inputs_waiting_max: usize,
    /// Time for the handshake, and then for the control stream to be opened. A slower client is
    /// closed.
    pub open_limit: Duration,
    /// Time from the first byte of a control frame to its last. A slower client is closed.
    pub frame_limit: Duration,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            connections_max: 24_000,
            connections_per_address_max: 256,
            handshakes_unproven_max: 512,
            inputs_waiting_max: 65_536,
            open_limit: Duration::from_secs(5),
            frame_limit: Duration::from_secs(5),
        }
    }
}
