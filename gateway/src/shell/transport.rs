//! How QUIC is set up: every window, stream and buffer has a limit.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, ServerConfig, TransportConfig, VarInt};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use shared::limits::{CLIENT_FRAME_BYTES_MAX, DATAGRAM_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use shared::msg::client::ALPN;

/// Silence after which a connection is lost. Clients keep theirs alive.
const IDLE_MS: u32 = 30_000;
/// Bytes of control frames that a client may send ahead of what was read.
const RECEIVE_WINDOW_BYTES: u32 = 64 << 10;
/// Bytes of control frames in flight to a client.
const SEND_WINDOW_BYTES: u32 = 512 << 10;
/// Bytes of datagrams that wait in either direction; the oldest are dropped.
const DATAGRAM_BUFFER_BYTES: usize = 32 << 10;
/// Bytes of a UDP payload at the start. A full datagram of ours fits with its headers; paths that
/// do not carry it are found out by QUIC's own probing.
const INITIAL_MTU_BYTES: u16 = 1_252;
/// Handshakes that wait to be looked at. Further ones are refused.
const INCOMING_MAX: usize = 4_096;
/// Bytes that clients may send ahead of one handshake, and of all of them.
const INCOMING_BUFFER_BYTES: u64 = 16 << 10;
const INCOMING_BUFFERS_BYTES: u64 = 8 << 20;
/// How long the proof of an address is good for.
const RETRY_TOKEN_LIFE: Duration = Duration::from_secs(15);

const _: () = assert!(RECEIVE_WINDOW_BYTES as usize > CLIENT_FRAME_BYTES_MAX);
const _: () = assert!(SEND_WINDOW_BYTES as usize > SERVER_FRAME_BYTES_MAX);
const _: () = assert!(INITIAL_MTU_BYTES as usize > DATAGRAM_BYTES_MAX + 40);

/// The QUIC configuration of an edge. TLS 1.3 only, no early data, no tickets.
pub(super) fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    let tls = QuicServerConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .transport_config(Arc::new(transport()))
        .retry_token_lifetime(RETRY_TOKEN_LIFE)
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(INCOMING_BUFFERS_BYTES)
        .migration(true);
    Ok(config)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .send_window(u64::from(SEND_WINDOW_BYTES))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES)
        .initial_mtu(INITIAL_MTU_BYTES);
    transport
}
