//! The gateway's shell: QUIC connections on one side, [`shared::core::EdgeInput`] and
//! [`shared::core::EdgeOutput`] on the other. It checks sizes and deadlines and decides nothing.

mod certificate;
mod close_code;
mod config;
mod connection;
mod counters;
mod doorkeeper;
mod edge;
mod registry;
mod transport;

pub use certificate::{CERTIFICATE_FILE, CertificateError, KEY_FILE};
pub use close_code::CloseCode;
pub use config::{CertificateSource, EdgeConfig, EdgeLimits};
pub use edge::{BindError, Edge};
