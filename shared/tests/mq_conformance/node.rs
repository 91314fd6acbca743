//! Nodes with TCP links, for the conformance suite and the tests of links.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::ids::{Address, ClusterId, NodeId};
use shared::mq::tcp::{LinkStatus, TcpEndpoint, TcpMq, TcpMqConfig};
use shared::runtime::Doorbell;

use super::{Fabric, PATIENCE};

/// The key of the cluster under test.
pub(crate) const KEY: [u8; 32] = [0xC0; 32];
/// The cluster under test.
pub(crate) const CLUSTER: ClusterId = ClusterId(0xC1);

/// Any free port of this machine.
pub(crate) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The usual configuration of a node, with short durations.
pub(crate) fn config(me: NodeId) -> TcpMqConfig {
    TcpMqConfig { heartbeat_ms: 200, ..TcpMqConfig::new(me, LISTEN, CLUSTER, KEY) }
}

/// Starts a node.
pub(crate) fn start(me: NodeId) -> TcpMq {
    TcpMq::start(config(me)).expect("a node starts")
}

/// The link to the only peer that a node has.
pub(crate) fn link(node: &TcpMq) -> LinkStatus {
    let links = node.links();
    assert_eq!(links.len(), 1, "{links:?}");
    links[0]
}

/// Waits until `what` holds, which takes no signal that a test could wait for.
#[expect(clippy::disallowed_methods, reason = "patience ends by the clock")]
pub(crate) fn until(mut what: impl FnMut() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not come about");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// A cluster in which each bound node is there and known to all others.
#[derive(Default)]
pub(crate) struct Nodes {
    nodes: Mutex<BTreeMap<NodeId, TcpMq>>,
}

impl Fabric for Nodes {
    type Endpoint = TcpEndpoint;

    fn bind(&self, address: Address, wake: Doorbell) -> TcpEndpoint {
        let mut nodes = self.nodes.lock().expect("nobody panics");
        if !nodes.contains_key(&address.node) {
            let earlier = NodeId { incarnation: address.node.incarnation - 1, ..address.node };
            if let Some(ended) = nodes.remove(&earlier) {
                drop(ended);
                nodes.values().for_each(|node| node.gone(earlier));
            }
            let new = start(address.node);
            for (id, node) in nodes.iter() {
                new.peer(*id, node.local_addr());
                node.peer(address.node, new.local_addr());
            }
            nodes.insert(address.node, new);
        }
        nodes[&address.node].bind(address, wake)
    }
}
