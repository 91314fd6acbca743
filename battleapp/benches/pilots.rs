//! What pilots cost in a tick.
//!
//! `cargo bench -p battleapp`. Ten pilots fight an arena battle; the yardstick is the same battle
//! run again from the orders they gave. Several rounds, in turns; the medians count.

use std::time::{Duration, Instant};

use battleapp::core::arena::Arena;
use battleapp::core::modes::Modes;
use battleapp::core::pilots::Crew;
use battleapp::core::setup::Setup;
use battleapp::core::sim::{BattleSim, Order};
use shared::content::{Content, Strength};
use shared::ids::BattleId;
use shared::msg::matchmaker_battle::BotSeat;

const ROUNDS: usize = 9;

fn main() {
    println!("strength   ticks  battle/tick  with bots/tick  ratio  per bot and tick");
    for (strength, name) in Strength::ALL.into_iter().zip(Strength::NAMES) {
        measure(strength, name);
    }
}

fn measure(strength: Strength, name: &str) {
    let content = Content::builtin();
    let bots: Vec<_> = (0..10).map(|slot| BotSeat { side: slot % 2, strength }).collect();
    let mode = Modes::BUILTIN.named("arena").expect("it is built in");
    let (mut alone, mut crewed, mut ticks) = (Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        let seed = u64::try_from(round).unwrap_or(0);
        let setup = Setup::with_bots(mode, &content, (BattleId(1), seed), &[], &bots);
        let setup = setup.expect("the content is sound");
        let (time, orders, hash) = with_bots(&setup);
        let (yardstick, again) = without(&setup, &orders);
        assert_eq!(hash, again, "it is the same battle");
        ticks = orders.len();
        let per_tick = |time: Duration| time.as_nanos() / u128::try_from(ticks.max(1)).unwrap_or(1);
        crewed.push(per_tick(time));
        alone.push(per_tick(yardstick));
    }
    let (crewed, alone) = (median(crewed), median(alone));
    println!(
        "{name:9} {ticks:6} {alone:9} ns {crewed:12} ns {:5}.{:02} {:14} ns",
        crewed / alone.max(1),
        crewed * 100 / alone.max(1) % 100,
        crewed.saturating_sub(alone) / 10,
    );
}

fn with_bots(setup: &Setup) -> (Duration, Vec<Vec<Order>>, u64) {
    let (mut arena, mut all) = (Arena::new(setup), Vec::new());
    let mut crew = Crew::new(setup).expect("there are bots");
    let mut orders = vec![Order::STILL; setup.seats.len()];
    let start = now();
    while arena.verdict().is_none() {
        crew.order(&mut arena, &mut orders);
        arena.step(&orders);
        all.push(orders.clone());
    }
    (start.elapsed(), all, arena.hash())
}

fn without(setup: &Setup, orders: &[Vec<Order>]) -> (Duration, u64) {
    let (mut arena, mut copies) = (Arena::new(setup), Vec::new());
    let start = now();
    for orders in orders {
        arena.step(orders);
        copies.push(orders.clone());
    }
    (start.elapsed(), arena.hash())
}

fn median(mut figures: Vec<u128>) -> u128 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
