//! Nodes of a test that talk over one server, and a role on each.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use shared::ids::{Address, Key, NodeId, PlayerId, Role};
use shared::mq::nats::{NatsMq, NatsMqConfig};
use shared::mq::redis::{RedisMq, RedisMqConfig};
use shared::mq::remote::{RemoteMq, RemoteMqEndpoint, StartError};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::runtime::Doorbell;

use crate::server::{Kind, Server};

/// How long a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test looks at what nobody rings for.
const LOOK: Duration = Duration::from_millis(5);

/// Either back-end.
pub(crate) enum AnyMq {
    Redis(RedisMq),
    Nats(NatsMq),
}

impl AnyMq {
    pub(crate) fn start(kind: Kind, url: &str, me: NodeId) -> Result<Self, StartError> {
        let (url, prefix) = (String::from(url), String::from("test"));
        match kind {
            Kind::Redis => RedisMq::start(RedisMqConfig { me, url, prefix }).map(Self::Redis),
            Kind::Nats => {
                let messages_received_max = NatsMqConfig::MESSAGES_RECEIVED_MAX;
                let config = NatsMqConfig { me, url, prefix, messages_received_max };
                NatsMq::start(config).map(Self::Nats)
            }
        }
    }
}

impl Deref for AnyMq {
    type Target = RemoteMq;

    fn deref(&self) -> &RemoteMq {
        match self {
            Self::Redis(mq) => mq,
            Self::Nats(mq) => mq,
        }
    }
}

/// The nodes, and a server that dies after them.
pub(crate) struct Cluster {
    pub(crate) nodes: BTreeMap<u16, AnyMq>,
    pub(crate) server: Server,
}

impl Cluster {
    pub(crate) fn start(kind: Kind, nodes: u16) -> Self {
        let mut cluster = Self { nodes: BTreeMap::new(), server: Server::start(kind) };
        for node in 1..=nodes {
            let mq = AnyMq::start(kind, &cluster.server.url(), id(node)).expect("it starts");
            cluster.add(node, mq);
        }
        cluster
    }

    /// Adds a node and shows it to all others, and them to it.
    pub(crate) fn add(&mut self, node: u16, mq: AnyMq) {
        for (other, other_mq) in &self.nodes {
            other_mq.peer(id(node));
            mq.peer(id(*other));
        }
        self.nodes.insert(node, mq);
    }

    pub(crate) fn bind(&self, node: u16, role: Role) -> Bound {
        let doorbell = Doorbell::new();
        let address = Address { node: id(node), role };
        Bound { mq: self.nodes[&node].bind(address, doorbell.clone()), doorbell }
    }
}

/// An endpoint with its doorbell.
pub(crate) struct Bound {
    pub(crate) mq: RemoteMqEndpoint,
    pub(crate) doorbell: Doorbell,
}

impl Bound {
    /// Sends, again and again as long as the link is full, and has it leave.
    pub(crate) fn send(&mut self, to: Address, mut body: Body) {
        while let Err(error) = self.mq.send(to, body) {
            match error {
                SendError::Full(back) => body = back,
                SendError::Gone(back) => panic!("gone: {back:?}"),
            }
            self.doorbell.wait(Duration::from_millis(1));
        }
        self.mq.flush();
    }

    /// Waits until there are `count` events.
    pub(crate) fn await_events(&mut self, count: usize) -> Vec<MqEvent> {
        let mut events = Vec::new();
        loop {
            self.mq.poll(count - events.len(), &mut events);
            if events.len() == count {
                return events;
            }
            assert!(self.doorbell.wait(PATIENCE), "only {} of {count} came", events.len());
        }
    }

    /// Waits for `count` frames of `from` that are numbered from `first` on.
    pub(crate) fn await_numbers(&mut self, from: Address, first: u64, count: u64) {
        let events = self.await_events(usize::try_from(count).expect("fits"));
        for (n, event) in (first..).zip(events) {
            assert_eq!(event, MqEvent::Frame { from, body: numbered(n) });
        }
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        let mut events = Vec::new();
        self.mq.poll(usize::MAX, &mut events);
        events.is_empty()
    }
}

pub(crate) fn id(node: u16) -> NodeId {
    NodeId { node, incarnation: 1 }
}

pub(crate) fn at(node: u16, role: Role) -> Address {
    Address { node: id(node), role }
}

pub(crate) fn numbered(n: u64) -> Body {
    Body::MailWaiting(Key::Player(PlayerId(n)))
}

/// Waits for something that nobody rings for.
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let silent = Doorbell::new();
    let looks = PATIENCE.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        if is_true() {
            return;
        }
        silent.wait(LOOK);
    }
    panic!("waited in vain: {what}");
}
