//! The pilots of one battle.

use shared::msg::snapshot::Snapshot;

use super::{Field, Pilot};
use crate::core::ground::PathScratch;
use crate::core::setup::Setup;
use crate::core::sim::{BattleSim, Order};

/// All pilots of a battle with what they share.
#[derive(Debug)]
pub struct Crew {
    field: Field,
    pilots: Vec<Pilot>,
    scratch: PathScratch,
    /// What classes saw in this tick; read once for all pilots of a class.
    seen: Vec<(u16, Snapshot)>,
}

impl Crew {
    /// The pilots of a battle; `None` if there are no bots in it.
    #[must_use]
    pub fn new(setup: &Setup) -> Option<Self> {
        let bots = (0..).zip(&setup.seats).filter_map(|(slot, seat)| Some((slot, seat.bot()?)));
        let mut bots = bots.peekable();
        bots.peek()?;
        let fighters = (0..).zip(&setup.seats);
        let fighters =
            fighters.filter_map(|(slot, seat)| Some((slot, seat.side, setup.hero(seat.hero)?)));
        let field = Field::new(&setup.rules.terrain(), fighters, setup.hz, setup.seed);
        let pilots = bots.map(|(slot, strength)| Pilot::new(&field, slot, strength)).collect();
        Some(Self { field, pilots, scratch: PathScratch::default(), seen: Vec::new() })
    }

    /// Those pilots who are due look at the battle, and all say what they order for the next
    /// tick: in `orders`, each at its slot.
    pub fn order(&mut self, sim: &mut dyn BattleSim, orders: &mut [Order]) {
        let tick = sim.tick();
        self.seen.clear();
        for pilot in &mut self.pilots {
            if pilot.is_due(tick) {
                let class = sim.class_of(pilot.slot());
                let known = self.seen.iter().position(|(seen, _)| *seen == class);
                let index = known.unwrap_or_else(|| {
                    self.seen.push((class, sim.view(class)));
                    self.seen.len() - 1
                });
                if let Some((_, seen)) = self.seen.get(index) {
                    pilot.look(&self.field, seen, &mut self.scratch);
                }
            }
            if let Some(order) = orders.get_mut(usize::from(pilot.slot())) {
                *order = pilot.order(tick);
            }
        }
    }
}
