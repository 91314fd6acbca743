//! The hunt for deliberate bugs: each has to be caught, or a check that seems to hold is empty.

use std::sync::Arc;

use shared::content::Content;
use shared::mutation::{self, Mutation};

use super::plan::{Plan, Weather};
use super::{Broken, run};

/// How a deliberate bug was caught.
#[derive(Clone, Debug)]
pub struct Caught {
    /// How many seeds it took.
    pub seeds: u64,
    /// What it broke.
    pub broken: Broken,
}

/// Looks for `mutation` with up to `seeds_max` seeds of harsh weather; `None` if it got away. No
/// other run may go on in this process meanwhile.
#[must_use]
pub fn hunt(mutation: Mutation, seeds_max: u64, content: &Arc<Content>) -> Option<Caught> {
    (0..seeds_max).find_map(|seed| {
        let plan = Plan::of_seed(seed, Weather::Harsh);
        mutation::switch(Some(mutation));
        let broken = run(&plan, content, false).broken;
        mutation::switch(None);
        // Only what the bug alone breaks counts.
        let broken = broken.filter(|_| run(&plan, content, false).broken.is_none())?;
        Some(Caught { seeds: seed + 1, broken })
    })
}
