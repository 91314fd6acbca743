//! `cohort sim`

use std::ops::RangeInclusive;

use clap::{Args, Subcommand, ValueEnum};
use sim_tests::sim::plan::Weather;

/// `cohort sim`
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// Run many seeds, until one breaks a promise
    #[command(before_help = "\
Examples:
  cohort sim run --seeds 1..1000
  cohort sim run --seeds 1..50 --faults harsh --json")]
    Run(SimRunArgs),
    /// Show what led to a broken promise, with the smallest plan that still breaks it
    #[command(before_help = "\
Examples:
  cohort sim show 4711
  cohort sim show 4711 --faults harsh --lines 500")]
    Show(SimShowArgs),
    /// Measure how fast a cluster of ten nodes with 200 players is simulated
    Speed(SimSpeedArgs),
    /// Switch deliberate bugs on and see that each is caught
    #[cfg(feature = "mutations")]
    Mutations(SimMutationsArgs),
}

/// `cohort sim run`
#[derive(Args, Debug)]
pub struct SimRunArgs {
    /// Seeds: one, or first..last
    #[arg(long, value_name = "SEEDS", default_value = "1..100", value_parser = seeds)]
    pub seeds: RangeInclusive<u64>,
    /// How much goes wrong
    #[arg(long, value_name = "WEATHER", default_value = "rough")]
    pub faults: Faults,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `cohort sim show`
#[derive(Args, Debug)]
pub struct SimShowArgs {
    /// The seed
    #[arg(value_name = "SEED")]
    pub seed: u64,
    /// The weather in which it failed
    #[arg(long, value_name = "WEATHER", default_value = "rough")]
    pub faults: Faults,
    /// Lines of the history before its end
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub lines: usize,
    /// Show the plan of the seed as it is, not a smaller one
    #[arg(long)]
    pub whole: bool,
}

/// `cohort sim speed`
#[derive(Args, Debug)]
pub struct SimSpeedArgs {
    /// Rounds; the median counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=99))]
    pub rounds: u16,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `cohort sim mutations`
#[cfg(feature = "mutations")]
#[derive(Args, Debug)]
pub struct SimMutationsArgs {
    /// Seeds within which each bug has to be caught
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub seeds: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Faults {
    /// Nothing but latency
    Calm,
    /// A fault every few seconds
    Rough,
    /// Faults that overlap
    Harsh,
}

impl From<Faults> for Weather {
    fn from(faults: Faults) -> Self {
        match faults {
            Faults::Calm => Self::Calm,
            Faults::Rough => Self::Rough,
            Faults::Harsh => Self::Harsh,
        }
    }
}

/// Reads `7` or `1..1000`, both ends included.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let read = |number: &str| number.trim_start_matches('=').trim().parse::<u64>().ok();
    match (read(first), read(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(String::from("write one seed, 7, or the first and the last, 1..1000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_one_or_a_range_with_both_ends() {
        assert_eq!(seeds("7"), Ok(7..=7));
        assert_eq!(seeds("1..1000"), Ok(1..=1_000));
        assert_eq!(seeds("1..=3"), Ok(1..=3));
        for wrong in ["", "a", "3..1", "1..", "..2", "-1"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
