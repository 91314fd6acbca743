//! The contract of the node MQ, checked against every back-end. A back-end joins with an
//! implementation of [`Fabric`] and one line of [`conformance`].

#[macro_use]
#[path = "mq_conformance/contract.rs"]
mod contract;
#[path = "mq_conformance/node.rs"]
mod node;
#[path = "mq_conformance/proxy.rs"]
mod proxy;
#[path = "mq_conformance/remote.rs"]
mod remote;
#[path = "mq_remote/server.rs"]
mod server;
#[path = "mq_conformance/tcp_links.rs"]
mod tcp_links;
#[path = "mq_conformance/tcp_strangers.rs"]
mod tcp_strangers;

use std::thread;
use std::time::Duration;

use shared::ids::{Address, NodeId, Role};
use shared::mq::local::{LocalMq, LocalMqEndpoint};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::runtime::Doorbell;

use contract::*;

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

impl Fabric for LocalMq {
    type Endpoint = LocalMqEndpoint;

    fn bind(&self, address: Address, wake: Doorbell) -> Self::Endpoint {
        Self::bind(self, address, wake)
    }
}

conformance!(local, LocalMq::new());
conformance!(tcp, node::Nodes::default());
conformance!(redis, remote::Nodes::redis());
conformance!(nats, remote::Nodes::nats());
