//! The suites of the real node MQs, stores and directories, run against the simulated ones: what
//! is simulated keeps the contracts that are deployed.

#[path = "conformance/directory.rs"]
mod directory;
#[path = "conformance/node_mq.rs"]
mod node_mq;
#[path = "conformance/store.rs"]
mod store;

use std::sync::{Arc, Mutex, MutexGuard};

use sim_tests::sim::{Backends, bare_plan, content};

/// A simulated world, which one thread after the other moves.
#[derive(Clone)]
struct World(Arc<Mutex<Backends<'static>>>);

impl World {
    fn new() -> Self {
        // A test's plan lives as long as the test.
        let plan = Box::leak(Box::new(bare_plan(7)));
        Self(Arc::new(Mutex::new(Backends::new(plan, &content()))))
    }

    fn get(&self) -> MutexGuard<'_, Backends<'static>> {
        self.0.lock().expect("nobody panics with it")
    }
}
