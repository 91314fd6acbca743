//! What led to a broken promise, for a person to read.

use std::sync::Arc;

use shared::content::Content;

use super::plan::{Plan, Weather};
use super::{Outcome, run, shrink};

/// A seed, told.
#[derive(Clone, Debug)]
pub struct Story {
    /// The plan that was run: that of the seed, or a smaller one that breaks the same promise.
    pub plan: Plan,
    /// How many runs it took to find it.
    pub runs: u32,
    /// What came of it. Its lines end with what was broken.
    pub outcome: Outcome,
    /// The command that tells the same again.
    pub again: String,
}

/// Runs a seed and tells its history; with `whole` without making its plan smaller before.
#[must_use]
pub fn story(seed: u64, weather: Weather, whole: bool, content: &Arc<Content>) -> Story {
    let plan = Plan::of_seed(seed, weather);
    let (plan, runs) = if whole {
        (plan, 0)
    } else {
        let shrunk = shrink(&plan, content);
        (shrunk.plan, shrunk.runs)
    };
    let outcome = run(&plan, content, true);
    let mut again = show_command(seed, weather);
    if whole {
        again += " --whole";
    }
    Story { plan, runs, outcome, again }
}

/// The command that shows what happens with a seed.
#[must_use]
pub fn show_command(seed: u64, weather: Weather) -> String {
    format!("cohort sim show {seed} --faults {}", weather.name())
}
