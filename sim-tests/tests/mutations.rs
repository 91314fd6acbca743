//! Every deliberate bug is caught by the simulator within a few seeds, and what it breaks can be
//! made small, told and run again.
//!
//! `cargo test --profile sim -p sim-tests --features mutations --test mutations -- --nocapture`

use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::mutation::{self, Mutation};
use sim_tests::sim::plan::{Plan, Weather};
use sim_tests::sim::{Outcome, Shrunk, content, hunt, run, show_command, shrink, story};

/// Seeds within which each has to be caught.
const SEEDS_MAX: u64 = 300;
/// What the tests of small plans are about; caught by one of the first seeds.
const PLANTED: Mutation = Mutation::AckBeforeCommit;

/// Bugs are switched on for the whole process, so one test runs at a time.
static SWITCH: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    SWITCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What comes of `work` with the planted bug.
fn planted<T>(work: impl FnOnce() -> T) -> T {
    mutation::switch(Some(PLANTED));
    let done = work();
    mutation::switch(None);
    done
}

/// A seed that only the planted bug breaks, and what it breaks.
fn failing_seed() -> (u64, &'static str) {
    let caught = hunt(PLANTED, SEEDS_MAX, &content()).expect("the planted bug is caught");
    (caught.seeds - 1, caught.broken.promise)
}

#[test]
fn every_deliberate_bug_is_caught() {
    let _alone = alone();
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

#[test]
fn a_failing_plan_is_made_smaller_always_the_same_way_and_still_fails_alike() {
    let _alone = alone();
    let content = content();
    let (seed, promise) = failing_seed();
    let whole = Plan::of_seed(seed, Weather::Harsh);
    let (shrunk, twice) = planted(|| (shrink(&whole, &content), shrink(&whole, &content)));
    assert_eq!(shrunk, twice, "seed {seed}");

    let Shrunk { plan: small, broken, runs } = shrunk;
    let sizes = |plan: &Plan| {
        let counts = [plan.nodes.len(), plan.clients as usize, plan.faults.len()];
        (counts, plan.active_ms)
    };
    let ((before, before_ms), (after, after_ms)) = (sizes(&whole), sizes(&small));
    println!("seed {seed}: {before:?} nodes, clients, faults are {after:?} after {runs} runs");
    assert!(before.iter().zip(&after).all(|(before, after)| after <= before), "{small:?}");
    assert!(after.iter().sum::<usize>() * 2 <= before.iter().sum(), "{small:?}");
    assert!(after_ms < before_ms, "{after_ms} ms of {before_ms} ms");

    let Outcome { broken: again, .. } = planted(|| run(&small, &content, false));
    assert_eq!(again, broken, "what was found is what the plan does");
    assert_eq!(again.map(|broken| broken.promise), Some(promise));
    assert_eq!(run(&small, &content, false).broken, None, "without the bug it holds");
}

#[test]
fn a_plan_that_holds_stays_as_it_is() {
    let _alone = alone();
    let plan = Plan::of_seed(failing_seed().0, Weather::Harsh);
    let shrunk = shrink(&plan, &content());
    assert_eq!(shrunk, Shrunk { plan, broken: None, runs: 1 });
}

#[test]
fn what_broke_is_told_up_to_the_failure_with_the_command_that_tells_it_again() {
    let _alone = alone();
    let content = content();
    let (seed, promise) = failing_seed();
    let [small, whole] =
        planted(|| [false, true].map(|whole| story(seed, Weather::Harsh, whole, &content)));
    for (told, again) in [
        (&small, show_command(seed, Weather::Harsh)),
        (&whole, show_command(seed, Weather::Harsh) + " --whole"),
    ] {
        let broken = told.outcome.broken.as_ref().expect("it broke a promise");
        assert_eq!((broken.promise, &told.again), (promise, &again));
        let last = told.outcome.lines.last().expect("there is a history");
        assert!(last.ends_with(&format!("BROKEN {broken}")), "{last}");
        let lines = &told.outcome.lines;
        for what in ["joins with", "asks", "hears"] {
            assert!(lines.iter().any(|line| line.contains(what)), "nothing {what}: {lines:#?}");
        }
    }
    assert!(small.outcome.lines.len() < whole.outcome.lines.len());
    assert_eq!(whole.plan, Plan::of_seed(seed, Weather::Harsh));
}
