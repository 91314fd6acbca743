//! Whole clusters from seeds: those that failed once, and new ones.
//!
//! `COHORT_SEED` says where the new ones begin; without it a few fixed ones are run.

use sim_tests::sim::plan::{Plan, Weather};
use sim_tests::sim::{Campaign, Tally, content, run};

/// New seeds in each weather: many where the code is fast, few in a plain `cargo test`.
const NEW_SEEDS: u64 = if cfg!(feature = "mutations") { 200 } else { 2 };

fn weather(name: &str) -> Weather {
    match name {
        "calm" => Weather::Calm,
        "rough" => Weather::Rough,
        "harsh" => Weather::Harsh,
        other => panic!("there is no weather called {other}"),
    }
}

#[test]
fn seeds_that_failed_once_hold() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds.txt"));
    let text = text.expect("the list of seeds is there");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut count = 0;
    for line in lines {
        let mut words = line.split(' ');
        let weather = weather(words.next().expect("a line has words"));
        let seed = words.next().and_then(|seed| seed.parse().ok()).expect("then comes the seed");
        let outcome = run(&Plan::of_seed(seed, weather), &content(), false);
        assert_eq!(outcome.broken, None, "{line}");
        count += 1;
    }
    println!("{count} seeds that failed once hold");
    assert!(count > 0);
}

#[test]
fn new_seeds_hold() {
    let first = std::env::var("COHORT_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut occurred = Tally::default();
    for weather in [Weather::Calm, Weather::Rough, Weather::Harsh] {
        let mut campaign = Campaign::new(weather, content());
        for seed in first..first + NEW_SEEDS {
            let outcome = campaign.run(seed);
            assert_eq!(outcome.broken, None, "{weather:?} seed {seed}");
        }
        let tally = campaign.tally();
        let hours = tally.simulated_us / 3_600_000_000;
        let (seeds, events) = (tally.seeds, tally.events);
        println!("{weather:?}: {seeds} seeds, {hours} simulated hours, {events} events");
        if weather == Weather::Harsh {
            tally.counts.iter().for_each(|(what, count)| println!("{count:>10} {what}"));
        }
        occurred.merge(tally);
    }
    let never = occurred.missing(Weather::Harsh);
    assert!(NEW_SEEDS < 100 || never.is_empty(), "these never occurred: {never:?}");
}
