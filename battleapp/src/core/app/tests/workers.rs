//! Battles side by side: whoever steps them, the same comes out; and their steps are spread.

use super::*;
use crate::core::app::playing::STEPS_BEHIND_MAX;
use crate::workers::Threads;

/// Runs jobs from the last to the first, and forgets every third.
struct Contrary;

impl Workers for Contrary {
    fn run(&mut self, jobs: &mut [Job<'_>]) {
        for (n, job) in jobs.iter_mut().enumerate().rev() {
            if !n.is_multiple_of(3) {
                job.run();
            }
        }
    }
}

fn with_battles(workers: Box<dyn Workers>, count: u64) -> Rig {
    let mut rig = Rig::lasting(1, 100);
    rig.app = std::mem::replace(&mut rig.app, app()).with_workers(workers);
    for n in 0..count {
        rig.start(BattleId(100 + n), fixture::seats(10));
    }
    rig
}

/// Stands in the rig's place for a moment.
fn app() -> BattleApp {
    let me = address(1, Role::Battleapp);
    BattleApp::new(me, TickRate::new(100), fixture::content(1, 1), "test")
}

#[test]
fn whoever_steps_the_battles_the_same_comes_out() {
    // In each core tick 14 battles of ten are due: enough for two threads.
    let fought = |workers: Box<dyn Workers>| {
        let mut rig = with_battles(workers, 70);
        rig.ticks(130);
        assert_eq!(rig.value("battles_ended_total"), 70);
        rig.said
    };
    let plain = fought(Box::new(Inline));
    assert!(plain == fought(Box::new(Contrary)), "in another order");
    assert!(plain == fought(Box::new(Threads::new(4))), "on four threads");
}

#[test]
fn steps_are_spread_over_the_core_ticks() {
    let mut rig = with_battles(Box::new(Inline), 10);
    rig.ticks(10);
    for _ in 0..10 {
        let before = rig.value("battle_steps_total");
        rig.ticks(1);
        assert_eq!(rig.value("battle_steps_total") - before, 2);
    }
}

#[test]
fn a_battle_that_cannot_keep_up_loses_time_and_is_called_slow_for_a_while() {
    let mut rig = Rig::lasting(30, 100);
    rig.start(ID, fixture::seats(2));
    rig.ticks(20);
    assert_eq!(rig.value("battles_slow"), 0);
    let before = rig.value("battle_steps_total");
    rig.now = rig.now.after(400);
    rig.ticks(10);
    assert!(rig.value("battle_steps_total") - before <= 2 + STEPS_BEHIND_MAX, "it never spirals");
    assert_eq!(rig.value("battles_slow"), 1);
    assert!(rig.value("battle_steps_skipped_total") >= 70);
    rig.ticks(1_010);
    assert_eq!(rig.value("battles_slow"), 0);
}
