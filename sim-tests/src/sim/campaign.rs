//! Many seeds, one after the other: until one fails, with a table of what occurred.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::content::Content;

use super::plan::{Fault, Plan, Weather};
use super::{Outcome, run};

/// What many runs have in common.
#[derive(Clone, Debug)]
pub struct Campaign {
    weather: Weather,
    content: Arc<Content>,
    tally: Tally,
}

/// What many runs have added up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub seeds: u64,
    /// Events.
    pub events: u64,
    /// Simulated time in µs.
    pub simulated_us: u64,
    /// How often what occurred.
    pub counts: BTreeMap<String, u64>,
}

impl Campaign {
    /// A campaign in this weather.
    #[must_use]
    pub fn new(weather: Weather, content: Arc<Content>) -> Self {
        Self { weather, content, tally: Tally::default() }
    }

    /// Runs a seed.
    pub fn run(&mut self, seed: u64) -> Outcome {
        let outcome = run(&Plan::of_seed(seed, self.weather), &self.content, false);
        self.tally.add(&outcome);
        outcome
    }

    /// What there was so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Faults of this weather that never occurred: such a campaign has proved nothing about them.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        if self.weather == Weather::Calm {
            return Vec::new();
        }
        let occurred =
            |name: &&'static str| !self.tally.counts.contains_key(&format!("fault: {name}"));
        Fault::NAMES.into_iter().filter(occurred).collect()
    }
}

impl Tally {
    /// Adds a run.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.simulated_us += outcome.simulated_us;
        for (what, count) in &outcome.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }
}
