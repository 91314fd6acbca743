//! The duel, the smallest mode: two fighters, fists only, whoever has more life left has won.

use bevy_ecs::prelude::*;
use shared::msg::client::Act;
use shared::msg::snapshot::{FighterView, Snapshot};

use super::registry::{Lane, Lanes, Row, State, of_component, of_resource};
use super::seated::{Clock, Seated, apart, permille};
use super::setup::{HALF_SIZE_MM_MAX, HP_MAX, Setup};
use super::sim::{BattleSim, Order, Verdict};

#[derive(Component, Clone)]
struct Duellist {
    at: [i32; 2],
    hp: i32,
    /// The tick from which on it can strike.
    ready: u32,
}

/// Everything that a duel remembers from tick to tick.
const LANES: Lanes = Lanes(&[of_resource::<Clock>(), of_component::<Duellist>()]);

impl Lane for Duellist {
    const ID: u16 = 100;
    const NAME: &'static str = "Duellist";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.number("x_mm", &mut self.at[0], -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("y_mm", &mut self.at[1], -HALF_SIZE_MM_MAX..=HALF_SIZE_MM_MAX)?;
        row.number("hp", &mut self.hp, 0..=HP_MAX)?;
        row.any("ready", &mut self.ready)
    }
}

/// One duel.
pub struct Duel(Seated);

impl Duel {
    /// The duel at its beginning: both stand a quarter of the map from its centre.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self(Seated::new(setup, |seat, hero| {
            let x_mm = setup.rules.half_size_mm().0 / 2 * (i32::from(seat.side) * 2 - 1);
            Duellist { at: [x_mm, 0], hp: hero.hp, ready: 0 }
        }))
    }
}

impl BattleSim for Duel {
    fn step(&mut self, orders: &[Order]) {
        let tick = self.0.begin_tick();
        let mut both: Vec<Duellist> = self.0.fighters();
        let mut blows = [(0, 0); 2];
        for (slot, (hero, order)) in self.0.heroes().iter().zip(orders).enumerate() {
            let one = &mut both[slot];
            one.at = self.0.walked(one.at, order.walk, hero);
            let fist = hero.skills.first().filter(|_| one.ready <= tick);
            if let (Act::Skill { skill: 0, .. }, Some(fist)) = (order.act, fist) {
                one.ready = tick + self.0.setup().ticks_of_ms(fist.cooldown_ms);
                blows[1 - slot] = (fist.damage(), fist.delivery.range_mm().unsigned_abs());
            }
        }
        let apart = apart(both[0].at, both[1].at);
        for (one, (damage, reach)) in both.iter_mut().zip(blows) {
            if apart <= reach {
                one.hp = (one.hp - damage).max(0);
            }
        }
        self.0.put(both);
    }

    fn tick(&self) -> u32 {
        self.0.tick()
    }

    fn verdict(&self) -> Option<Verdict> {
        let is_over = self.score().contains(&0) || self.0.is_time_up();
        is_over.then(|| self.standing())
    }

    /// The life that each side has left.
    fn score(&self) -> [u32; 2] {
        self.0.by_side(|one: &Duellist| one.hp.unsigned_abs())
    }

    fn state(&mut self) -> State<'_> {
        self.0.state(LANES)
    }

    fn view(&mut self, _class: u16) -> Snapshot {
        self.0.view(|one: &Duellist, hero| FighterView {
            x_mm: one.at[0],
            y_mm: one.at[1],
            hp_permille: permille(one.hp, hero.hp),
            ready: [one.ready, 0, 0, 0],
            ..FighterView::default()
        })
    }
}
