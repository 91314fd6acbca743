//! The ports of a node: one number, TCP for the status page and UDP for QUIC.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};

use serde_json::Value;

use crate::cluster::{hosts, http_address, quic_address};
use crate::config::Config;
use crate::failure::Failure;
use crate::status::http_get;

use shared::ids::Role;

/// How often a free TCP port is taken whose UDP twin turns out not to be free.
const FREE_PORT_TRIES: u32 = 32;

/// Ports that are bound.
#[derive(Debug)]
pub struct Sockets {
    /// For the status page; taken by whoever serves it.
    pub http: Option<TcpListener>,
    /// For QUIC; taken by the gateway.
    pub quic: Option<UdpSocket>,
    http_address: SocketAddr,
    quic_address: SocketAddr,
}

impl Sockets {
    /// Binds what the configuration says. With port 0 both get the same free number.
    ///
    /// # Errors
    /// [`Failure::PortInUse`] says by whom, if a cohort node answers there; [`Failure::Listen`].
    pub async fn bind(config: &Config) -> Result<Self, Failure> {
        let has_gateway = hosts(config, Role::Gateway);
        let mut tries = if config.edge.port == 0 { FREE_PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            match attempt(config, has_gateway) {
                Ok(sockets) => return Ok(sockets),
                Err((_, _, error)) if error.kind() == ErrorKind::AddrInUse && tries > 0 => {}
                Err((protocol, address, error)) if error.kind() == ErrorKind::AddrInUse => {
                    let holder = holder(http_address(config)).await;
                    return Err(Failure::PortInUse { protocol, address, holder });
                }
                Err((protocol, address, source)) => {
                    return Err(Failure::Listen { protocol, address, source });
                }
            }
        }
    }

    /// Where the status page is served, with the real port.
    #[must_use]
    pub const fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// Where other machines reach the status page, if it is served there.
    #[must_use]
    pub fn page(&self, config: &Config) -> Option<SocketAddr> {
        let mut page = self.http_address;
        // An address that stands for all can be reached by none; the one for clients is better.
        if page.ip().is_unspecified() {
            page.set_ip(config.edge.bind);
        }
        (!page.ip().is_unspecified()).then_some(page)
    }

    /// Where clients connect, with the real port.
    #[must_use]
    pub const fn quic_address(&self) -> SocketAddr {
        self.quic_address
    }
}

type Refused = (&'static str, SocketAddr, io::Error);

fn attempt(config: &Config, has_gateway: bool) -> Result<Sockets, Refused> {
    let address = http_address(config);
    let tcp = |error| ("TCP", address, error);
    let http = TcpListener::bind(address).map_err(tcp)?;
    http.set_nonblocking(true).map_err(tcp)?;
    let http_address = http.local_addr().map_err(tcp)?;
    let mut address = quic_address(config);
    address.set_port(http_address.port());
    let mut sockets = Sockets { http: Some(http), quic: None, http_address, quic_address: address };
    if has_gateway {
        sockets.quic = Some(UdpSocket::bind(address).map_err(|error| ("UDP", address, error))?);
    }
    Ok(sockets)
}

/// Who has the port, if it is one of ours; begins with a space.
async fn holder(address: SocketAddr) -> String {
    let answer = http_get::get(&format!("http://{address}"), "/status.json").await;
    let status = answer.ok().and_then(|answer| serde_json::from_str::<Value>(&answer.body).ok());
    match status.as_ref().and_then(|status| status["node"].as_str()) {
        Some(node) => format!(" by the cohort node {node}"),
        None => String::from(" by another program"),
    }
}
