//! The duel, the smallest mode: two fighters, fists only, whoever has more life left has won.

use bevy_ecs::prelude::*;
use shared::msg::client::Act;
use shared::msg::snapshot::{FighterView, Snapshot, UNIT_MM};

use super::registry::{Lane, Lanes, Row, State, of_component, of_resource};
use super::setup::{HALF_SIZE_MM_MAX, HP_MAX, Setup};
use super::sim::{BattleSim, Order, StateError, Verdict};

#[derive(Resource, Clone, Default)]
struct Clock(u32);

#[derive(Component, Clone)]
struct Duellist {
    at: [i32; 2],
    hp: i32,
    ready: u32,
}

const LANES: Lanes = Lanes(&[of_resource::<Clock>(), of_component::<Duellist>()]);

impl Lane for Clock {
    const ID: u16 = 1;
    const NAME: &'static str = "Clock";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("ticks", &mut self.0)
    }
}

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
pub struct Duel(World, Vec<(u32, Entity)>, Setup);

impl Duel {
    /// The duel at its beginning: both stand a quarter of the map from its centre.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let (mut world, mut fighters) = (World::new(), Vec::new());
        world.insert_resource(Clock(0));
        for (slot, seat) in (0..).zip(&setup.seats) {
            let x_mm = setup.rules.half_size_mm().0 / 2 * (i32::from(seat.side) * 2 - 1);
            let hp = setup.hero(seat.hero).map_or(1, |hero| hero.hp);
            fighters.push((slot, world.spawn(Duellist { at: [x_mm, 0], hp, ready: 0 }).id()));
        }
        Self(world, fighters, setup.clone())
    }

    fn hp(&self, side: u8) -> i32 {
        let mut sides = self.1.iter().zip(&self.2.seats).filter(|(_, seat)| seat.side == side);
        sides.next().and_then(|((_, id), _)| self.0.get::<Duellist>(*id)).map_or(0, |one| one.hp)
    }
}

impl BattleSim for Duel {
    fn step(&mut self, orders: &[Order]) {
        let Self(world, fighters, setup) = self;
        world.resource_mut::<Clock>().0 += 1;
        let tick = world.resource::<Clock>().0;
        let half: [i32; 2] = setup.rules.half_size_mm().into();
        let mut both: Vec<Duellist> =
            fighters.iter().filter_map(|(_, id)| world.get::<Duellist>(*id).cloned()).collect();
        let mut blows = [(0, 0); 2];
        for slot in 0..2 {
            let Some(hero) = setup.hero(setup.seats[slot].hero) else { continue };
            let (order, hz) = (orders[slot], i32::try_from(setup.hz).unwrap_or(1));
            for (axis, walk) in [order.walk.0, order.walk.1].into_iter().enumerate() {
                let way = i64::from(hero.speed_mm_s / hz) * i64::from(walk) / 127;
                let to = both[slot].at[axis] + i32::try_from(way).unwrap_or(0);
                both[slot].at[axis] = to.clamp(-half[axis], half[axis]);
            }
            let fist = hero.skills.first().filter(|_| both[slot].ready <= tick);
            if let (Act::Skill { skill: 0, .. }, Some(fist)) = (order.act, fist) {
                both[slot].ready = tick + setup.ticks_of_ms(fist.cooldown_ms);
                blows[1 - slot] = (fist.damage(), fist.delivery.range_mm().unsigned_abs());
            }
        }
        let apart = (0..2).map(|axis| both[0].at[axis].abs_diff(both[1].at[axis])).max();
        for ((slot, mut one), (damage, reach)) in both.into_iter().enumerate().zip(blows) {
            if apart.is_some_and(|apart| apart <= reach) {
                one.hp = (one.hp - damage).max(0);
            }
            world.entity_mut(fighters[slot].1).insert(one);
        }
    }

    fn tick(&self) -> u32 {
        self.0.resource::<Clock>().0
    }

    fn verdict(&self) -> Option<Verdict> {
        let over = self.hp(0).min(self.hp(1)) == 0 || self.tick() >= self.2.ticks_max();
        over.then(|| self.standing())
    }

    fn standing(&self) -> Verdict {
        match self.hp(0).cmp(&self.hp(1)) {
            std::cmp::Ordering::Less => Verdict::Won(1),
            std::cmp::Ordering::Equal => Verdict::Drawn,
            std::cmp::Ordering::Greater => Verdict::Won(0),
        }
    }

    fn state(&mut self) -> State<'_> {
        State { lanes: LANES, world: &mut self.0, entities: &self.1 }
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        LANES.parts(bytes)?.take(&mut self.0, &self.1)
    }

    fn class_of(&self, slot: u16) -> u16 {
        slot
    }

    fn view(&mut self, _class: u16) -> Snapshot {
        let Self(world, fighters, setup) = self;
        let tick = world.resource::<Clock>().0;
        let view = |(slot, id): &(u32, Entity)| {
            let one = world.get::<Duellist>(*id)?;
            let seat = setup.seats.get(usize::try_from(*slot).ok()?)?;
            let full = i64::from(setup.hero(seat.hero)?.hp);
            Some(FighterView {
                slot: u16::try_from(*slot).ok()?,
                x_mm: one.at[0],
                y_mm: one.at[1],
                hp_permille: u16::try_from((i64::from(one.hp) * 1_000 + full - 1) / full).ok()?,
                ready: [one.ready, 0, 0, 0],
                ..FighterView::default()
            })
        };
        let mut seen = Snapshot { tick, unit_mm: UNIT_MM, ..Snapshot::default() };
        seen.ticks_left = setup.ticks_max().saturating_sub(tick);
        fighters.iter().filter_map(view).for_each(|one| seen.put(&one));
        seen
    }
}
