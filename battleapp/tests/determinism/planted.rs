//! A small mode that can be given a mistake, for the tests that have to find it.

use std::collections::HashMap;

use battleapp::core::modes::{Mode, Modes};
use battleapp::core::registry::{FieldRow, Lane, Lanes, Row, State, of_component, of_resource};
use battleapp::core::setup::Setup;
use battleapp::core::sim::{BattleSim, Order, Verdict};
use battleapp::core::trace;
use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{LogLevel, ScheduleBuildSettings, SingleThreadedExecutor};
use shared::msg::snapshot::Snapshot;

/// The tick from which on [`Mistake::HardBlow`] strikes harder: one in which it is the turn of the
/// struck to be mended, so that nobody else has other numbers yet.
pub(crate) const HARD_FROM: u32 = 59;
/// The fighter that it strikes.
pub(crate) const HARD_ON: u32 = 2;
const HP: i32 = 1_000_000;

/// What is wrong with the mode.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Nothing.
    None,
    /// One system takes one more hit point from one fighter from some tick on: other rules.
    HardBlow,
    /// A system takes the first of equals in the order of a query.
    Unsorted,
    /// A system takes the first of equals in the order of a hash map.
    Hashed,
    /// A system counts its runs in a `Local`.
    Hidden,
    /// A component that is in no lane decides.
    Unlisted,
}

/// The mode with each mistake.
pub(crate) const fn modes(mistake: Mistake) -> Modes {
    match mistake {
        Mistake::None => Modes(&[&Planted(Mistake::None)]),
        Mistake::HardBlow => Modes(&[&Planted(Mistake::HardBlow)]),
        Mistake::Unsorted => Modes(&[&Planted(Mistake::Unsorted)]),
        Mistake::Hashed => Modes(&[&Planted(Mistake::Hashed)]),
        Mistake::Hidden => Modes(&[&Planted(Mistake::Hidden)]),
        Mistake::Unlisted => Modes(&[&Planted(Mistake::Unlisted)]),
    }
}

struct Planted(Mistake);

impl Mode for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }
    fn create(&self, setup: &Setup) -> Box<dyn BattleSim> {
        Box::new(Plot::new(self.0, setup))
    }
}

#[derive(Resource, Clone, Default)]
struct Clock(u32);

#[derive(Resource, Default)]
struct Given(Vec<Order>);

#[derive(Component, Clone, Copy)]
struct Id(u32);

#[derive(Component, Clone)]
struct Place(i32);

#[derive(Component, Clone)]
struct Hp(i32);

/// In no lane.
#[derive(Component, Clone, Default)]
struct Fatigue(i32);

impl Lane for Clock {
    const ID: u16 = 1;
    const NAME: &'static str = "Clock";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("ticks", &mut self.0)
    }
}

impl Lane for Place {
    const ID: u16 = 2;
    const NAME: &'static str = "Place";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("x_mm", &mut self.0)
    }
}

impl Lane for Hp {
    const ID: u16 = 3;
    const NAME: &'static str = "Hp";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("points", &mut self.0)
    }
}

const LANES: Lanes =
    Lanes(&[of_resource::<Clock>(), of_component::<Place>(), of_component::<Hp>()]);

fn walk(
    orders: Res<Given>,
    mistake: Res<Mistake>,
    mut all: Query<(&Id, &mut Place, &mut Fatigue)>,
) {
    for (id, mut place, mut fatigue) in &mut all {
        let slot = usize::try_from(id.0).expect("small");
        let step = i32::from(orders.0[slot].walk.0);
        fatigue.0 += step.abs();
        if *mistake == Mistake::Unlisted && fatigue.0 > 2_000 {
            continue;
        }
        place.0 += step;
    }
}

fn blow(
    mistake: Res<Mistake>,
    clock: Res<Clock>,
    mut runs: Local<u32>,
    mut all: Query<(&Id, &mut Hp)>,
) {
    *runs += 1;
    let rested = *mistake == Mistake::Hidden && runs.is_multiple_of(16);
    for (id, mut hp) in &mut all {
        let harder = *mistake == Mistake::HardBlow && clock.0 >= HARD_FROM && id.0 == HARD_ON;
        hp.0 -= 3 + i32::from(harder) - i32::from(rested);
    }
}

/// One fighter gets a hit point back: the one with the fewest, of equals the lowest id.
fn mend(mistake: Res<Mistake>, mut all: Query<(&Id, &mut Hp)>) {
    let least = match *mistake {
        Mistake::Unsorted => all.iter().min_by_key(|(_, hp)| hp.0).map(|(id, _)| id.0),
        Mistake::Hashed => {
            let hashed: HashMap<u32, i32> = all.iter().map(|(id, hp)| (id.0, hp.0)).collect();
            hashed.into_iter().min_by_key(|(_, hp)| *hp).map(|(id, _)| id)
        }
        Mistake::None | Mistake::HardBlow | Mistake::Hidden | Mistake::Unlisted => {
            all.iter().min_by_key(|(id, hp)| (hp.0, id.0)).map(|(id, _)| id.0)
        }
    };
    for (id, mut hp) in &mut all {
        hp.0 += i32::from(Some(id.0) == least);
    }
}

/// A battle of the mode.
pub(crate) struct Plot {
    world: World,
    schedule: Schedule,
    fighters: Vec<(u32, Entity)>,
    ticks_max: u32,
}

impl Plot {
    /// At its beginning.
    pub(crate) fn new(mistake: Mistake, setup: &Setup) -> Self {
        let mut world = World::new();
        world.insert_resource(mistake);
        world.init_resource::<Clock>();
        world.init_resource::<Given>();
        let mut schedule = Schedule::default();
        schedule.set_executor(SingleThreadedExecutor::new());
        schedule.set_build_settings(ScheduleBuildSettings {
            ambiguity_detection: LogLevel::Error,
            ..ScheduleBuildSettings::default()
        });
        schedule.add_systems((walk, (blow, mend).chain()));
        let fighters = (0u32..)
            .zip(&setup.seats)
            .map(|(id, _)| (id, world.spawn((Id(id), Place(0), Hp(HP), Fatigue(0))).id()))
            .collect();
        Self { world, schedule, fighters, ticks_max: setup.ticks_max() }
    }

    fn begin_tick(&mut self, orders: &[Order]) {
        self.world.resource_mut::<Clock>().0 += 1;
        self.world.resource_mut::<Given>().0 = orders.to_vec();
    }
}

impl BattleSim for Plot {
    fn step(&mut self, orders: &[Order]) {
        self.begin_tick(orders);
        self.schedule.run(&mut self.world);
    }
    fn step_traced(&mut self, orders: &[Order], after: &mut dyn FnMut(&str, &[FieldRow])) {
        self.begin_tick(orders);
        trace::by_system(self, after);
    }
    fn schedule(&mut self) -> Option<(&mut Schedule, &mut World)> {
        Some((&mut self.schedule, &mut self.world))
    }
    fn tick(&self) -> u32 {
        self.world.resource::<Clock>().0
    }
    fn verdict(&self) -> Option<Verdict> {
        (self.tick() >= self.ticks_max).then_some(Verdict::Drawn)
    }
    fn state(&mut self) -> State<'_> {
        State { lanes: LANES, world: &mut self.world, entities: &self.fighters }
    }
    fn view(&mut self, _class: u16) -> Snapshot {
        Snapshot { tick: self.tick(), ..Snapshot::default() }
    }
}

/// What of the mode is derived from the setup or the orders.
pub(crate) const DERIVED: &[fn(&World) -> Option<bevy_ecs::component::ComponentId>] = &[
    |world| world.component_id::<Id>(),
    |world| world.component_id::<Given>(),
    |world| world.component_id::<Mistake>(),
];
