//! The UDP socket of one or many clients, and what it trusts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, IdleTimeout, TransportConfig, VarInt};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use shared::limits::{DATAGRAM_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use shared::msg::client::ALPN;

use crate::connection::{self, Client};
use crate::error::ConnectError;
use crate::events::Events;

/// Silence after which a connection is lost.
const IDLE_MS: u32 = 30_000;
/// Silence after which the server is sent a sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// Bytes of control frames that the server may send ahead of what was read.
const RECEIVE_WINDOW_BYTES: u32 = 512 << 10;
/// Bytes of datagrams that wait in either direction; the oldest are dropped.
const DATAGRAM_BUFFER_BYTES: usize = 64 << 10;
/// Bytes of a UDP payload at the start; a full datagram of ours fits with its headers.
const INITIAL_MTU_BYTES: u16 = 1_252;

const _: () = assert!(RECEIVE_WINDOW_BYTES as usize > SERVER_FRAME_BYTES_MAX);
const _: () = assert!(INITIAL_MTU_BYTES as usize > DATAGRAM_BYTES_MAX + 40);

/// Whom a client takes for its server.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Servers that prove themselves with this certificate or one signed by it; PEM (all
    /// certificates in it) or DER.
    Certificate(Vec<u8>),
}

/// Who logs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account name, see [`shared::msg::client::Login::account`].
    pub account: String,
    /// Random bytes that belong to the account; whoever has them is its player.
    pub secret: [u8; 32],
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("account", &self.account).finish_non_exhaustive()
    }
}

/// All that a single client is connected with.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The gateway.
    pub server: SocketAddr,
    /// The name that the gateway's certificate has to hold for.
    pub server_name: String,
    /// Whom to take for the gateway.
    pub trust: Trust,
    /// Who logs in.
    pub login: Credentials,
}

/// Where a client of a [`ClientEndpoint`] goes.
#[derive(Clone, Debug)]
pub struct ConnectTo {
    /// The gateway.
    pub server: SocketAddr,
    /// The name that the gateway's certificate has to hold for.
    pub server_name: String,
    /// Who logs in.
    pub login: Credentials,
    /// High half of the request ids of this connection. Two connections of one player must not
    /// share it. `None` takes one from the time of day.
    pub nonce: Option<u32>,
}

/// A UDP socket through which many clients can connect. Clones share it.
#[derive(Clone, Debug)]
pub struct ClientEndpoint {
    endpoint: Endpoint,
}

impl ClientEndpoint {
    /// Opens a socket on a port that the system chooses. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ConnectError::NoCertificate`] or [`ConnectError::Trust`] if `trust` holds nothing that
    /// can be trusted, [`ConnectError::Socket`] if there is no socket.
    pub fn new(trust: &Trust) -> Result<Self, ConnectError> {
        let config = client_config(trust)?;
        // One socket for IPv6 and IPv4, or for IPv4 alone where there is no IPv6.
        let any = |address: IpAddr| Endpoint::client(SocketAddr::new(address, 0));
        let mut endpoint = any(Ipv6Addr::UNSPECIFIED.into())
            .or_else(|_| any(Ipv4Addr::UNSPECIFIED.into()))
            .map_err(ConnectError::Socket)?;
        endpoint.set_default_client_config(config);
        Ok(Self { endpoint })
    }

    /// Connects a client and logs it in.
    ///
    /// # Errors
    /// [`ConnectError`] says why it did not get in.
    pub async fn connect(&self, to: ConnectTo) -> Result<(Client, Events), ConnectError> {
        let server = match self.endpoint.local_addr() {
            Ok(SocketAddr::V6(_)) => mapped(to.server),
            Ok(SocketAddr::V4(_)) | Err(_) => to.server,
        };
        let connection = self.endpoint.connect(server, &to.server_name)?.await?;
        connection::log_in(connection, to.login, to.nonce).await
    }

    /// Waits until all connections have ended and the servers know. Clients have to be closed or
    /// dropped before.
    pub async fn wait_idle(&self) {
        self.endpoint.wait_idle().await;
    }
}

impl Client {
    /// Connects a single client with a socket of its own and logs it in. Programs with many
    /// clients use a [`ClientEndpoint`].
    ///
    /// # Errors
    /// [`ConnectError`] says why it did not get in.
    pub async fn connect(options: ConnectOptions) -> Result<(Self, Events), ConnectError> {
        let ConnectOptions { server, server_name, trust, login } = options;
        let endpoint = ClientEndpoint::new(&trust)?;
        endpoint.connect(ConnectTo { server, server_name, login, nonce: None }).await
    }
}

/// An address as a socket for both IP versions wants it.
fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

fn client_config(trust: &Trust) -> Result<ClientConfig, ConnectError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(trust)? {
        roots.add(certificate)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let tls = QuicClientConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(tls));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES)
        .initial_mtu(INITIAL_MTU_BYTES);
    config.transport_config(Arc::new(transport));
    Ok(config)
}

fn certificates(trust: &Trust) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let Trust::Certificate(bytes) = trust;
    let is_pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    if !is_pem {
        return Ok(vec![CertificateDer::from(bytes.clone())]);
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(ConnectError::NoCertificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_not_trusted() {
        let cases: [&[u8]; 3] = [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nx\n"];
        for bytes in cases {
            assert!(client_config(&Trust::Certificate(bytes.to_vec())).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let credentials = Credentials { account: String::from("anna"), secret: [0xAB; 32] };
        let printed = format!("{credentials:?}");
        assert!(printed.contains("anna") && !printed.contains("171"), "{printed}");
    }
}
