//! The simulated node MQ. Nobody rings: time goes on while an endpoint is polled.

#[macro_use]
#[path = "../../../shared/tests/mq_conformance/contract.rs"]
mod contract;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shared::ids::Address;
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;

use super::World;
use contract::*;

/// How often an endpoint is asked that has not got all, for each second of patience. Each time
/// brings one frame, or half a simulated second goes by.
const LOOKS_PER_S: u64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Doorbell {
    waits: Arc<AtomicU32>,
}

impl Doorbell {
    fn new() -> Self {
        Self::default()
    }

    fn wait(&self, patience: Duration) -> bool {
        let waits = self.waits.fetch_add(1, Ordering::Relaxed);
        u64::from(waits) < LOOKS_PER_S * patience.as_secs()
    }
}

pub(crate) struct Endpoint {
    world: World,
    address: Address,
}

impl Fabric for World {
    type Endpoint = Endpoint;

    fn bind(&self, address: Address, _wake: Doorbell) -> Endpoint {
        self.get().bind(address);
        Endpoint { world: self.clone(), address }
    }
}

impl Mq for Endpoint {
    fn send(&mut self, to: Address, body: Body) -> Result<(), SendError> {
        self.world.get().send(self.address, to, body)
    }

    fn flush(&mut self) {}

    fn poll(&mut self, limit: usize, events: &mut Vec<MqEvent>) {
        self.world.get().poll(self.address, limit, events);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.world.get().close(self.address);
    }
}

conformance!(simulated, World::new());
