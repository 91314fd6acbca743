//! The simulator: a whole cluster in one thread, from one seed.
//!
//! The cores of all roles are the real ones, with their ownership, commits, outboxes, replication
//! and drain, at their real pace, over the real rules of the store. What is simulated is what a
//! shell does: clock, links, store server, directory, clients. So what is found here is a bug of
//! the cluster, and a seed is enough to see it again.
//!
//! The files: [`plan`] says what a seed decides; `world` has the loop and the nodes; `network`,
//! `storage`, `membership`, `connections`, `players`, `pranks` and `faults` are what can happen;
//! `store` and `board` are the server, which `backends` shows to the conformance suites; `checks`
//! and `presence` say what must hold; `campaign` runs many seeds, `shrink` makes a failing plan
//! smaller, `story` tells it, `tape` keeps what cores are called with.

mod agenda;
mod backends;
mod board;
mod campaign;
mod checks;
mod connections;
mod faults;
mod history;
mod membership;
#[cfg(feature = "mutations")]
mod mutants;
mod names;
mod network;
mod node;
pub mod plan;
mod players;
mod pranks;
mod presence;
mod shrink;
mod storage;
mod store;
mod story;
mod tape;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use shared::content::Content;

pub use backends::{Backends, Seen, bare_plan};
pub use campaign::{Campaign, Tally};
pub use checks::{Audited, Broken};
#[cfg(feature = "mutations")]
pub use mutants::{Caught, hunt};
pub use node::Call;
pub use shrink::{Shrunk, shrink};
pub use story::{Story, show_command, story};
pub use tape::{Tape, tapes};

/// Length of a battle in s.
const BATTLE_S: u32 = 8;

use plan::Plan;
use world::World;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One hash over all that happened: the same for the same plan and build, everywhere.
    pub hash: u64,
    /// How many events there were.
    pub events: u64,
    /// Simulated time in µs.
    pub simulated_us: u64,
    /// The first promise that was broken.
    pub broken: Option<Broken>,
    /// What the audit at the end has counted, if it came to that.
    pub audited: Option<Audited>,
    /// How often what occurred.
    pub counts: BTreeMap<String, u64>,
    /// The last part of the history in words, if it was asked for.
    pub lines: Vec<String>,
}

/// The usual content with short battles, so that many end in a run.
#[must_use]
pub fn content() -> Arc<Content> {
    let mut content = Content::builtin();
    content.arena.duration_s = BATTLE_S;
    Arc::new(content)
}

/// Runs a plan. With `told`, the history is kept in words.
#[must_use]
pub fn run(plan: &Plan, content: &Arc<Content>, told: bool) -> Outcome {
    let mut world = World::new(plan, content, told);
    // After a panic the world is only asked for its history.
    let ran = catch_unwind(AssertUnwindSafe(|| (world.run(), world.judge())));
    let (events, audited) = ran.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("");
        world.broken = Some(Broken::new("cores do not panic", String::from(said)));
        (0, None)
    });
    let World { mut history, broken, now_us, .. } = world;
    if let Some(broken) = &broken {
        history.tell(now_us, || format!("BROKEN {broken}"));
    }
    let (hash, lines, counts) = history.end();
    Outcome { hash, events, simulated_us: now_us, broken, audited, counts, lines }
}
