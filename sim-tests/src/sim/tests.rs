//! The simulator itself: the same plan gives the same history, and calm weather breaks nothing.

use super::plan::{Fault, Plan, PlannedFault, Weather};
use super::{content, run};

#[test]
fn the_same_seed_gives_the_same_history_and_another_one_another() {
    let content = content();
    let hash = |seed| run(&Plan::of_seed(seed, Weather::Rough), &content, false).hash;
    let first = hash(1);
    assert_eq!(first, hash(1));
    assert_ne!(first, hash(2));
}

#[test]
fn reading_along_changes_nothing() {
    let content = content();
    let plan = Plan::of_seed(3, Weather::Rough);
    let (silent, told) = (run(&plan, &content, false), run(&plan, &content, true));
    assert_eq!(silent.hash, told.hash);
    assert!(silent.lines.is_empty() && !told.lines.is_empty());
}

#[test]
fn calm_weather_breaks_no_promise_and_players_get_answers() {
    let content = content();
    for seed in 0..3 {
        let outcome = run(&Plan::of_seed(seed, Weather::Calm), &content, false);
        assert_eq!(outcome.broken, None, "seed {seed}");
        assert!(outcome.counts["client: answered"] > 100, "seed {seed}: {:?}", outcome.counts);
    }
}

#[test]
fn a_store_that_is_away_for_half_a_minute_costs_no_node_no_session_and_no_battle() {
    let content = content();
    for seed in 0..2 {
        let fault = Fault::StoreAway { ms: 30_000 };
        let plan = Plan {
            faults: vec![PlannedFault { at_ms: 10_000, fault }],
            active_ms: 50_000,
            fights: true,
            clients: 20,
            ..Plan::of_seed(seed, Weather::Calm)
        };
        let outcome = run(&plan, &content, false);
        let count = |name: &str| outcome.counts.get(name).copied().unwrap_or(0);
        let nodes = plan.nodes.len() as u64;
        assert_eq!(outcome.broken, None, "seed {seed}");
        let lives = ["node: joined", "node: suspended", "node: resumed"].map(count);
        assert_eq!(lives, [nodes; 3], "seed {seed}");
        let goodbyes = outcome.counts.keys().filter(|name| name.starts_with("goodbye"));
        assert_eq!(goodbyes.count(), 0, "seed {seed}: {:?}", outcome.counts);
        assert!(count("client: battle ended") > 0, "seed {seed}: {:?}", outcome.counts);
    }
}
