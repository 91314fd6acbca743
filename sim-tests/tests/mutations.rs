//! Every deliberate bug is caught by the simulator within a few seeds.
//!
//! `cargo test --profile sim -p sim-tests --features mutations --test mutations -- --nocapture`

use shared::mutation::Mutation;
use sim_tests::sim::{content, hunt};

/// Seeds within which each has to be caught.
const SEEDS_MAX: u64 = 300;

#[test]
fn every_deliberate_bug_is_caught() {
    let content = content();
    // What a bug makes a core say when it panics is told with the rest.
    std::panic::set_hook(Box::new(|_| {}));
    let mut escaped = Vec::new();
    for mutation in Mutation::ALL {
        let name = format!("{mutation:?}");
        match hunt(mutation, SEEDS_MAX, &content) {
            Some(caught) => println!("{name:<20} {:>4}  {}", caught.seeds, caught.broken.promise),
            None => escaped.push(name),
        }
    }
    drop(std::panic::take_hook());
    assert!(escaped.is_empty(), "not caught within {SEEDS_MAX} seeds: {escaped:?}");
}
