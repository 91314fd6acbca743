//! Many seeds, one after the other: until one fails, with a table of what occurred.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::content::Content;
use shared::rng;

use super::names::{MESSAGES, REFUSALS};
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
    /// One hash over the histories of all runs, in order.
    pub hash: u64,
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

    /// Faults, messages and refusals that never occurred: a campaign of many seeds in this
    /// weather proves nothing about them.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.tally.missing(self.weather)
    }
}

impl Tally {
    /// As [`Campaign::missing`], after runs in `weather`.
    #[must_use]
    pub fn missing(&self, weather: Weather) -> Vec<String> {
        if weather == Weather::Calm {
            return Vec::new();
        }
        let faults = Fault::NAMES.iter().map(|name| format!("fault: {name}"));
        let others = MESSAGES.iter().chain(&REFUSALS).map(|name| String::from(*name));
        faults.chain(others).filter(|what| !self.counts.contains_key(what)).collect()
    }

    /// Adds a run.
    pub fn add(&mut self, outcome: &Outcome) {
        let Outcome { hash, events, simulated_us, .. } = *outcome;
        let counts = outcome.counts.clone();
        self.merge(&Self { hash, seeds: 1, events, simulated_us, counts });
    }

    /// Adds other runs.
    pub fn merge(&mut self, other: &Self) {
        self.hash = rng::mix(self.hash, &[other.hash]);
        self.seeds += other.seeds;
        self.events += other.events;
        self.simulated_us += other.simulated_us;
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }
}
