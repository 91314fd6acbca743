//! A client that writes whatever it likes.

use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    Connection, ConnectionError, Endpoint, RecvStream, SendStream, TransportConfig, VarInt,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use shared::limits::SERVER_FRAME_BYTES_MAX;
use shared::msg::client::{ALPN, ClientFrame, Login, PROTOCOL_VERSION, ServerFrame};
use shared::wire;

use crate::world::World;

/// Bytes that the server may send ahead of what this client has read. So little, that a client
/// which does not read is noticed after a few frames, however fast the server writes.
const RECEIVE_WINDOW_BYTES: u32 = 1_024;

pub(crate) struct RawClient {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    _endpoint: Endpoint,
}

impl RawClient {
    pub(crate) async fn connect(world: &World) -> Self {
        let client::Trust::Certificate(pem) = world.trust();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.expect("a certificate")).expect("trusted");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3 is there")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let tls = QuicClientConfig::try_from(tls).expect("fit for QUIC");
        let mut endpoint =
            Endpoint::client("127.0.0.1:0".parse().expect("an address")).expect("a socket");
        let mut transport = TransportConfig::default();
        transport.stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES));
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(Arc::new(transport));
        endpoint.set_default_client_config(config);
        let server = world.to("anyone").server;
        let connection =
            endpoint.connect(server, "localhost").expect("begun").await.expect("connected");
        let (send, receive) = connection.open_bi().await.expect("one stream is allowed");
        Self { connection, send, receive, _endpoint: endpoint }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The server may have closed already; the test looks at that.
        let _closed = self.send.write_all(bytes).await;
    }

    pub(crate) async fn frame(&mut self, body: &[u8]) {
        self.write(&u32::try_from(body.len()).expect("short").to_le_bytes()).await;
        self.write(body).await;
    }

    pub(crate) async fn log_in(&mut self, account: &str) {
        let account = String::from(account);
        let login = Login { protocol: PROTOCOL_VERSION, account, secret: [7; 32] };
        self.frame(&wire::encode(&ClientFrame::Login(login))).await;
        let frame = self.read().await;
        assert!(matches!(frame, ServerFrame::Welcome(_)), "{frame:?}");
    }

    pub(crate) async fn read(&mut self) -> ServerFrame {
        let mut len = [0; 4];
        self.receive.read_exact(&mut len).await.expect("a frame comes");
        let mut body = vec![0; usize::try_from(u32::from_le_bytes(len)).expect("short")];
        self.receive.read_exact(&mut body).await.expect("a whole frame comes");
        wire::decode(&body, SERVER_FRAME_BYTES_MAX).expect("a frame of the protocol")
    }

    /// The application code with which the server closes the connection.
    pub(crate) async fn closed(&self) -> u32 {
        let error = self.connection.closed().await;
        let ConnectionError::ApplicationClosed(close) = error else {
            panic!("not closed by the application: {error}")
        };
        u32::try_from(close.error_code.into_inner()).expect("a code of ours")
    }
}
