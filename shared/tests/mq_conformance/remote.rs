//! Redis and NATS in the conformance suite: a server per test, a node per node id, and a
//! directory that shows every node to all others as soon as a role of it is bound.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Mutex;

use shared::ids::{Address, NodeId};
use shared::mq::nats::{NatsMq, NatsMqConfig};
use shared::mq::redis::{RedisMq, RedisMqConfig};
use shared::mq::remote::{RemoteMq, RemoteMqEndpoint};
use shared::runtime::Doorbell;

use super::Fabric;
use super::server::{Kind, Server};

/// The nodes over one server, which dies after them.
pub(crate) struct Nodes<M> {
    nodes: Mutex<BTreeMap<NodeId, M>>,
    server: Server,
    start: fn(&Server, NodeId) -> M,
}

impl Nodes<RedisMq> {
    pub(crate) fn redis() -> Self {
        let start = |server: &Server, me| {
            let (url, prefix) = (server.url(), String::from("test"));
            RedisMq::start(RedisMqConfig { me, url, prefix }).expect("it starts")
        };
        Self { nodes: Mutex::default(), server: Server::start(Kind::Redis), start }
    }
}

impl Nodes<NatsMq> {
    pub(crate) fn nats() -> Self {
        let start = |server: &Server, me| {
            let (url, prefix) = (server.url(), String::from("test"));
            let messages_received_max = NatsMqConfig::MESSAGES_RECEIVED_MAX;
            let config = NatsMqConfig { me, url, prefix, messages_received_max };
            NatsMq::start(config).expect("it starts")
        };
        Self { nodes: Mutex::default(), server: Server::start(Kind::Nats), start }
    }
}

impl<M: Deref<Target = RemoteMq> + Send> Fabric for Nodes<M> {
    type Endpoint = RemoteMqEndpoint;

    fn bind(&self, address: Address, wake: Doorbell) -> RemoteMqEndpoint {
        let mut nodes = self.nodes.lock().expect("nobody panics with it");
        if !nodes.contains_key(&address.node) {
            let new = (self.start)(&self.server, address.node);
            for (id, node) in nodes.iter() {
                new.peer(*id);
                node.peer(address.node);
            }
            nodes.insert(address.node, new);
        }
        nodes[&address.node].bind(address, wake)
    }
}
