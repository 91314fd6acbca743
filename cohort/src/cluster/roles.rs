//! The roles: which core each runs, how fast it ticks, what wakes it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use battleapp::workers::Threads;
use gateway::shell::{BindError, CertificateSource, Edge, EdgeConfig, EdgeLimits};
use shared::content::Content;
use shared::ids::{Address, Role};
use shared::runtime::{Doorbell, EdgeLink, RoleSetup};
use shared::schedule::Pace;

use crate::cluster::backends::{AnyMq, AnyStore};
use crate::cluster::{Recipe, Sockets, tls_dir};
use crate::config::Config;
use crate::failure::{Failure, chain};

/// Names under which clients on this machine reach a node.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What the roles of one node share while they are put together.
pub(super) struct Wiring<'a> {
    pub(super) config: &'a Config,
    pub(super) recipe: Recipe,
    pub(super) content: Arc<Content>,
    pub(super) store: &'a AnyStore,
    pub(super) mq: &'a AnyMq,
    /// The client edge, once the gateway is there.
    pub(super) edge: Option<Edge>,
}

impl Wiring<'_> {
    /// Puts one role together.
    pub(super) fn role(
        &mut self,
        address: Address,
        sockets: &mut Sockets,
    ) -> Result<RoleSetup, Failure> {
        let pace = Pace::of(address.role);
        let doorbell = Doorbell::new();
        // A fixed pace looks at its frames with every tick anyway.
        let frames_wake = match pace {
            Pace::Fixed(_) => Doorbell::silent(),
            Pace::OnInput(_) => doorbell.clone(),
        };
        let answers_wake = doorbell.clone();
        let workers = Threads::new(usize::from(self.config.limits.battle_workers));
        Ok(RoleSetup {
            address,
            core: self.recipe.core(address, pace.rate(), &self.content, Box::new(workers)),
            pace,
            mq: self.mq.bind(address, frames_wake),
            store: self.store.handle(Box::new(move || answers_wake.ring())),
            edge: self.edge(address, &doorbell, sockets)?,
            doorbell,
        })
    }

    /// The client edge, for a gateway.
    fn edge(
        &mut self,
        address: Address,
        doorbell: &Doorbell,
        sockets: &mut Sockets,
    ) -> Result<Option<EdgeLink>, Failure> {
        if address.role != Role::Gateway {
            return Ok(None);
        }
        let udp = sockets.quic_address();
        let certificate = self.certificate(udp.ip())?;
        let config =
            EdgeConfig { udp, certificate, node: address.node, limits: EdgeLimits::default() };
        // The edge binds the port anew; it was only held so that nobody else gets its number.
        drop(sockets.quic.take());
        let (edge, link) =
            Edge::bind(config, doorbell.clone()).map_err(|error| refused(udp, error))?;
        self.edge = Some(edge);
        Ok(Some(link))
    }

    fn certificate(&self, ip: IpAddr) -> Result<CertificateSource, Failure> {
        let (certificate, key) = (&self.config.edge.certificate_file, &self.config.edge.key_file);
        match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (false, false) => {
                Ok(CertificateSource::Files { certificate: certificate.clone(), key: key.clone() })
            }
            (true, true) => {
                let mut names = LOCAL_NAMES.map(String::from).to_vec();
                if !ip.is_unspecified() && !ip.is_loopback() {
                    names.push(ip.to_string());
                }
                Ok(CertificateSource::Development { dir: tls_dir(self.config), names })
            }
            (true, false) | (false, true) => Err(Failure::Certificate {
                what: String::from("only one of certificate and key is given"),
            }),
        }
    }
}

fn refused(address: SocketAddr, error: BindError) -> Failure {
    let protocol = "UDP";
    match error {
        BindError::InUse { .. } => {
            Failure::PortInUse { protocol, address, holder: String::from(" by another program") }
        }
        BindError::Socket { source, .. } => Failure::Listen { protocol, address, source },
        BindError::Certificate(error) => Failure::Certificate { what: chain(&error) },
        BindError::Tls(error) => Failure::Certificate { what: chain(&error) },
    }
}
