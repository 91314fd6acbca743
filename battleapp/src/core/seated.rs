//! A battle with one entity for each seat: what small modes are made of.

use bevy_ecs::component::Mutable;
use bevy_ecs::prelude::*;
use shared::content::Hero;
use shared::msg::snapshot::{FighterView, Snapshot, UNIT_MM};

use super::registry::{Lane, Lanes, Row, State};
use super::setup::{SeatSetup, Setup};

/// How many ticks have been simulated.
#[derive(Resource, Clone, Debug, Default)]
pub struct Clock(pub u32);

impl Lane for Clock {
    const ID: u16 = 1;
    const NAME: &'static str = "Clock";
    fn row(&mut self, row: &mut Row) -> Option<()> {
        row.any("ticks", &mut self.0)
    }
}

/// A World with a [`Clock`] and one entity for each seat, whose stable id is the slot.
pub struct Seated {
    setup: Setup,
    /// The hero of each seat.
    heroes: Vec<Hero>,
    world: World,
    entities: Vec<(u32, Entity)>,
}

impl Seated {
    /// The beginning: `fighter` says what a seat and its hero begin as.
    #[must_use]
    pub fn new<T: Component>(setup: &Setup, fighter: impl Fn(&SeatSetup, &Hero) -> T) -> Self {
        let mut world = World::new();
        world.init_resource::<Clock>();
        let (mut heroes, mut entities) = (Vec::new(), Vec::new());
        for (slot, seat) in (0..).zip(&setup.seats) {
            let hero = setup.hero(seat.hero).expect("a checked setup has the heroes of its seats");
            entities.push((slot, world.spawn(fighter(seat, hero)).id()));
            heroes.push(hero.clone());
        }
        Self { setup: setup.clone(), heroes, world, entities }
    }

    /// What the battle began with.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The hero of each seat, by slot.
    #[must_use]
    pub fn heroes(&self) -> &[Hero] {
        &self.heroes
    }

    /// How many ticks have been simulated.
    #[must_use]
    pub fn tick(&self) -> u32 {
        self.world.resource::<Clock>().0
    }

    /// Begins the next tick, and says which one it is.
    pub fn begin_tick(&mut self) -> u32 {
        let mut clock = self.world.resource_mut::<Clock>();
        clock.0 += 1;
        clock.0
    }

    /// Whether time is up.
    #[must_use]
    pub fn is_time_up(&self) -> bool {
        self.tick() >= self.setup.ticks_max()
    }

    /// The fighters, by slot.
    #[must_use]
    pub fn fighters<T: Component + Clone>(&self) -> Vec<T> {
        let each = self.entities.iter();
        each.filter_map(|(_, entity)| self.world.get::<T>(*entity)).cloned().collect()
    }

    /// Puts the fighters back, by slot.
    pub fn put<T: Component<Mutability = Mutable>>(&mut self, fighters: Vec<T>) {
        for ((_, entity), fighter) in self.entities.iter().zip(fighters) {
            if let Some(mut place) = self.world.get_mut::<T>(*entity) {
                *place = fighter;
            }
        }
    }

    /// The sum over the fighters of each side.
    #[must_use]
    pub fn by_side<T: Component>(&self, of: impl Fn(&T) -> u32) -> [u32; 2] {
        let mut sums = [0u32; 2];
        for ((_, entity), seat) in self.entities.iter().zip(&self.setup.seats) {
            if let Some(fighter) = self.world.get::<T>(*entity) {
                let sum = &mut sums[usize::from(seat.side.min(1))];
                *sum = sum.saturating_add(of(fighter));
            }
        }
        sums
    }

    /// Where a step in the direction `walk` leads from `at`, at a hero's speed; it ends at the
    /// edge of the map.
    #[must_use]
    pub fn walked(&self, at: [i32; 2], walk: (i8, i8), hero: &Hero) -> [i32; 2] {
        let half: [i32; 2] = self.setup.rules.half_size_mm().into();
        let stride = hero.speed_mm_s / i32::try_from(self.setup.hz).unwrap_or(i32::MAX);
        [(0usize, walk.0), (1, walk.1)].map(|(axis, walk)| {
            let way = i64::from(stride) * i64::from(walk) / 127;
            let to = at[axis].saturating_add(i32::try_from(way).unwrap_or(0));
            to.clamp(-half[axis], half[axis])
        })
    }

    /// What the battle looks like: one row for each fighter, as `look` shows it. Slot and name of
    /// the fighter are filled in.
    #[must_use]
    pub fn view<T: Component>(&self, look: impl Fn(&T, &Hero) -> FighterView) -> Snapshot {
        let tick = self.tick();
        let ticks_left = self.setup.ticks_max().saturating_sub(tick);
        let mut seen = Snapshot { tick, ticks_left, unit_mm: UNIT_MM, ..Snapshot::default() };
        for ((slot, entity), hero) in self.entities.iter().zip(&self.heroes) {
            if let Some(fighter) = self.world.get::<T>(*entity) {
                let slot = u16::try_from(*slot).unwrap_or(u16::MAX);
                seen.put(&FighterView { slot, ..look(fighter, hero) });
            }
        }
        seen
    }

    /// What `lanes` say of it.
    pub fn state(&mut self, lanes: Lanes) -> State<'_> {
        State { lanes, world: &mut self.world, entities: &self.entities }
    }
}

/// How far two places are from each other, along the axis on which they are further.
#[must_use]
pub fn apart(one: [i32; 2], other: [i32; 2]) -> u32 {
    one[0].abs_diff(other[0]).max(one[1].abs_diff(other[1]))
}

/// `part` of `full` in thousandths, rounded up, so that only nothing is zero.
#[must_use]
pub fn permille(part: i32, full: i32) -> u16 {
    let [part, full] = [part.max(0), full.max(1)].map(|it| u64::from(it.unsigned_abs()));
    let permille = (part * 1_000).div_ceil(full);
    u16::try_from(permille).unwrap_or(u16::MAX)
}
