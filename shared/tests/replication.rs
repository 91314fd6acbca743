//! Replication under loss, delay, moves and restarts: what is live is right, what is lost is
//! noticed, and what nobody wants is forgotten.

#[path = "replication/rules.rs"]
mod rules;
#[path = "replication/world.rs"]
mod world;

use proptest::prelude::*;
use shared::msg::replication::ComponentId;
use world::{COMPONENTS, Faults, KEYS, OWNERS, SUBSCRIBERS, World};

/// Ticks without faults after which everything has to be right. A lease is 1,200 of them.
const QUIET_TICKS: u64 = 2_600;

/// What happens next; one tick runs after each.
#[derive(Clone, Debug)]
enum Step {
    Publish { key: usize, component: u16, value: u8 },
    Move { key: usize, to: usize, fenced: bool },
    Learn,
    CrashOwner(usize),
    RestartSubscriber(usize),
    Toggle { subscriber: usize, key: usize },
    Mislead { subscriber: usize, key: usize, owner: usize },
    Run(u64),
    Faults { unsent: u64, silent: u64, late: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (key, owner, subscriber) = (0..KEYS.len(), 0..OWNERS, 0..SUBSCRIBERS);
    prop_oneof![
        30 => (key.clone(), 1..=COMPONENTS, any::<u8>())
            .prop_map(|(key, component, value)| Step::Publish { key, component, value }),
        8 => (subscriber.clone(), key.clone())
            .prop_map(|(subscriber, key)| Step::Toggle { subscriber, key }),
        6 => (key.clone(), owner.clone(), any::<bool>())
            .prop_map(|(key, to, fenced)| Step::Move { key, to, fenced }),
        2 => Just(Step::Learn),
        1 => owner.clone().prop_map(Step::CrashOwner),
        1 => subscriber.clone().prop_map(Step::RestartSubscriber),
        3 => (subscriber, key, owner)
            .prop_map(|(subscriber, key, owner)| Step::Mislead { subscriber, key, owner }),
        6 => (1..400u64).prop_map(Step::Run),
        4 => (0..40u64, 0..20u64, 0..60u64)
            .prop_map(|(unsent, silent, late)| Step::Faults { unsent, silent, late }),
    ]
}

fn play(world: &mut World, steps: &[Step]) -> Result<(), String> {
    for step in steps {
        match *step {
            Step::Publish { key, component, value } => {
                world.publish(KEYS[key], ComponentId(component), value);
            }
            Step::Move { key, to, fenced } => world.move_key(KEYS[key], to, fenced),
            Step::Learn => world.fenced_owners_learn(),
            Step::CrashOwner(owner) => world.crash_owner(owner),
            Step::RestartSubscriber(subscriber) => world.restart_subscriber(subscriber),
            Step::Toggle { subscriber, key } => world.toggle(subscriber, KEYS[key]),
            Step::Mislead { subscriber, key, owner } => world.follow(subscriber, KEYS[key], owner),
            Step::Run(ticks) => world.run(ticks),
            Step::Faults { unsent, silent, late } => {
                let blind = world.faults.blind;
                world.faults = Faults { unsent, silent, late, blind };
            }
        }
        world.run(1);
        world.check_live()?;
    }
    Ok(())
}

/// Faults stop, and owners that were replaced find out. Returns the frames of the last quiet
/// 1,000 ticks.
fn settle(world: &mut World) -> Result<u64, String> {
    world.faults = Faults { blind: world.faults.blind, ..Faults::default() };
    world.fenced_owners_learn();
    world.run(QUIET_TICKS);
    world.check_live()?;
    world.check_settled()?;
    let before = world.frames;
    world.run(1_000);
    Ok(world.frames - before)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_live_is_right_and_all_that_is_wanted_becomes_live(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(seed);
        prop_assert_eq!(play(&mut world, &steps), Ok(()));
        let frames = settle(&mut world);
        prop_assert!(frames.is_ok(), "{:?}", frames);
        // Each follower asks five times in so many ticks, and is answered.
        let most = u64::try_from(10 * SUBSCRIBERS * KEYS.len()).expect("few");
        prop_assert!(frames.clone().is_ok_and(|frames| frames <= most), "{:?} frames", frames);
    }
}

#[test]
fn a_subscriber_that_does_not_look_at_versions_is_caught() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 100);
    let caught = (0..20).any(|seed| {
        let steps = steps.new_tree(&mut runner).expect("steps are made").current();
        let mut world = World::new(seed);
        world.faults.blind = true;
        play(&mut world, &steps).and_then(|()| settle(&mut world)).is_err()
    });
    assert!(caught, "losses without a check of versions must be seen");
}
