//! Every mode of the repository keeps the rules, and one that does not is found.

use shared::msg::snapshot::Snapshot;

use super::*;
use crate::core::duel::Duel;
use crate::core::fixture;
use crate::core::modes::Modes;
use crate::core::registry::State;
use crate::core::setup::Setup;
use crate::core::sim::{StateError, Verdict};

fn brawl(seed: u64, ticks: u32, fighters: u8) -> Vec<Vec<Order>> {
    (0..ticks).map(|tick| fixture::brawl(seed, tick, fighters)).collect()
}

fn setup(mode: &str, fighters: u8) -> Setup {
    Setup { mode: String::from(mode), ..fixture::setup(fighters, 60, 100) }
}

/// A duel that gets tired, and does not say so in its state.
struct Tiring(Duel, u32);

impl BattleSim for Tiring {
    fn step(&mut self, orders: &[Order]) {
        self.1 += 1;
        let still = [Order::STILL; 2];
        self.0.step(if self.1 > 20 { &still } else { orders });
    }
    fn tick(&self) -> u32 {
        self.0.tick()
    }
    fn verdict(&self) -> Option<Verdict> {
        self.0.verdict()
    }
    fn standing(&self) -> Verdict {
        self.0.standing()
    }
    fn state(&mut self) -> State<'_> {
        self.0.state()
    }
    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.0.decode(bytes)
    }
    fn class_of(&self, slot: u16) -> u16 {
        self.0.class_of(slot)
    }
    fn view(&mut self, class: u16) -> Snapshot {
        self.0.view(class)
    }
}

#[test]
fn a_mode_with_state_of_its_own_is_found_with_tick_and_number() {
    let setup = setup("duel", 2);
    let create = || -> Box<dyn BattleSim> { Box::new(Tiring(Duel::new(&setup), 0)) };
    let error = check(&create, &brawl(3, 60, 2)).expect_err("it hides something");
    assert!(error.contains("tick 21") && error.contains("Duellist."), "{error}");
}

#[test]
fn a_duel_is_fought_to_its_end() {
    let setup = setup("duel", 2);
    let mut duel = Modes::BUILTIN.create(&setup).expect("the mode is there");
    let mut tick = 0;
    while duel.verdict().is_none() {
        let towards =
            [Order { walk: (127, 0), ..Order::STILL }, Order { walk: (-127, 0), ..Order::STILL }];
        let fight = Act::Skill { skill: 0, aim_mm: (0, 0) };
        duel.step(&towards.map(|order| Order { act: fight, ..order }));
        tick += 1;
        assert!(tick <= setup.ticks_max(), "it ends in time");
    }
    assert!(Modes::BUILTIN.create(&self::setup("duel", 4)).is_none(), "a duel has two fighters");
    assert!(Modes::BUILTIN.create(&self::setup("chess", 2)).is_none());
}
