//! Pilots: who fights in seats that no player has.
//!
//! A pilot knows what a client of its side knows: the line-up, the map, the heroes' content, and
//! the side's snapshots. It looks at the battle from time to time, and what follows from a look
//! comes into force a reaction time later. Its orders are orders like a player's; a battle
//! records them, so a replay needs no pilot. All its luck is drawn from the battle's seed.

mod crew;
mod footwork;
mod kit;
mod sight;
mod skills;
mod target;
#[cfg(test)]
mod tests;
mod traits;
mod vector;

use shared::content::{Hero, Point, Strength, Terrain};
use shared::msg::client::Act;
use shared::msg::snapshot::{FighterView, Snapshot};
use shared::rng;

pub use self::crew::Crew;
use self::footwork::{Walker, Way};
use self::kit::Kit;
use self::sight::{Sight, place};
use self::target::{Enemy, Memory, Trace};
use self::traits::Traits;
use self::vector::distance;
use super::ground::{Ground, PathScratch};
use super::sim::Order;

const DRAW_PHASE: u64 = 1;
const DRAW_SIDESTEP: u64 = 4;
/// How long a pilot steps to the same side.
const SIDESTEP_MS: u32 = 1_200;
/// Enemies further away than their reach and this are not fled from.
const DANGER_MM: i64 = 6_000;
/// Enemies this much further away than one's reach are left alone while a point is to be taken.
const CHASE_MM: i64 = 3_000;

/// What pilots know of a battle before it begins.
#[derive(Clone, Debug)]
pub struct Field {
    ground: Ground,
    hz: u32,
    seed: u64,
    /// Where each side enters.
    homes: [Point; 2],
    /// Those that are known, ordered by slot. In a large battle that is only one's own.
    lines: Vec<Line>,
}

/// A fighter of the line-up.
#[derive(Clone, Debug)]
struct Line {
    slot: u16,
    side: u8,
    kit: Kit,
}

/// Who decides for a fighter.
#[derive(Clone, Debug)]
pub struct Pilot {
    slot: u16,
    traits: Traits,
    look_ticks: u32,
    /// It looks at the battle from this tick on.
    next_look: u32,
    sight: Sight,
    memory: Memory,
    way: Way,
    /// What is done now, and from which tick on something else is.
    walk: (i8, i8),
    next: Option<Intent>,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug)]
struct Intent {
    tick: u32,
    walk: (i8, i8),
    act: Act,
}

impl Field {
    /// The field of a battle on `map` with these fighters, ordered by slot: slot, side and hero.
    /// `seed` decides the pilots' luck.
    #[must_use]
    pub fn new<'a>(
        map: &Terrain,
        fighters: impl Iterator<Item = (u16, u8, &'a Hero)>,
        hz: u32,
        seed: u64,
    ) -> Self {
        let home = |side: usize| {
            let entries = map.entries.get(side);
            let middle = entries.and_then(|spots| spots.get(spots.len() / 2));
            middle.map_or((0, 0), |spot| spot.at())
        };
        let line =
            |(slot, side, hero): (u16, u8, _)| Line { slot, side: side.min(1), kit: Kit::of(hero) };
        Self {
            ground: Ground::new(map),
            hz: hz.max(1),
            seed,
            homes: [home(0), home(1)],
            lines: fighters.map(line).collect(),
        }
    }

    fn ticks(&self, ms: u32) -> u32 {
        ms.saturating_mul(self.hz) / 1_000
    }

    fn line(&self, slot: u16) -> Option<&Line> {
        let at = self.lines.binary_search_by_key(&slot, |line| line.slot).ok()?;
        self.lines.get(at)
    }

    fn side(&self, slot: u16) -> Option<u8> {
        self.line(slot).map(|line| line.side)
    }

    fn draw(&self, bound: u64, words: &[u64]) -> u64 {
        rng::below(bound, self.seed, words)
    }
}

impl Pilot {
    /// A pilot of the fighter in `slot`.
    #[must_use]
    pub fn new(field: &Field, slot: u16, strength: Strength) -> Self {
        let traits = Traits::of(strength);
        let look_ticks = field.ticks(traits.look_ms).max(1);
        let first = field.draw(u64::from(look_ticks), &[u64::from(slot), DRAW_PHASE]);
        Self {
            slot,
            traits,
            look_ticks,
            next_look: u32::try_from(first).unwrap_or(0),
            sight: Sight::default(),
            memory: Memory::default(),
            way: Way::default(),
            walk: (0, 0),
            next: None,
        }
    }

    /// Whose pilot it is.
    #[must_use]
    pub const fn slot(&self) -> u16 {
        self.slot
    }

    /// Whether it wants to look at the battle as it is after `tick` ticks.
    #[must_use]
    pub const fn is_due(&self, tick: u32) -> bool {
        tick >= self.next_look
    }

    /// Looks at what its side sees. What follows comes into force after the reaction time.
    pub fn look(&mut self, field: &Field, seen: &Snapshot, scratch: &mut PathScratch) {
        self.sight.read(seen);
        let tick = self.sight.tick;
        self.next_look = tick.saturating_add(self.look_ticks);
        let mind = self.sight.fighter(self.slot).copied().zip(field.line(self.slot));
        let Some((own, Line { side, kit, .. })) = mind else {
            // Dead: nothing to do, and nobody is where he was afterwards.
            self.memory.clear();
            self.way.clear();
            (self.walk, self.next) = ((0, 0), None);
            return;
        };
        let is_hostile = |slot: u16| field.side(slot).is_some_and(|other| other != *side);
        let fighters = self.sight.fighters.iter();
        let fighters = fighters.filter(|it| !it.is_dead() && is_hostile(it.slot));
        let pets = self.sight.pets.iter();
        let pets = pets.filter(|it| it.hp_permille > 0 && is_hostile(it.owner));
        let monsters = self.sight.monsters.iter().filter(|monster| monster.hp_permille > 0);
        let units = pets.map(Enemy::from).chain(monsters.map(Enemy::from));
        let enemies = fighters.map(Enemy::from).chain(units);
        self.memory.note(enemies, (tick, field.hz), field.ticks(self.traits.memory_ms));
        let fighter = Mind { field, own, side: *side, kit };
        let target = self.memory.target(place(&own), tick, &self.traits);
        let act = self.act(&fighter, target);
        let begun = match act {
            Act::Skill { skill, .. } => Some(skill),
            Act::None => own.casting,
        };
        let stands_still =
            begun.and_then(|skill| kit.skill(skill)).is_some_and(|it| it.stands_still);
        let walk = if stands_still { (0, 0) } else { self.walk(&fighter, target, scratch) };
        let tick = tick.saturating_add(field.ticks(self.traits.reaction_ms).max(1));
        self.next = Some(Intent { tick, walk, act });
    }

    /// What it orders for the tick after `tick`.
    pub fn order(&mut self, tick: u32) -> Order {
        let Some(intent) = self.next.take_if(|intent| intent.tick <= tick.saturating_add(1)) else {
            return Order { walk: self.walk, act: Act::None };
        };
        self.walk = intent.walk;
        Order { walk: intent.walk, act: intent.act }
    }

    fn walk(
        &mut self,
        fighter: &Mind<'_>,
        target: Option<Trace>,
        scratch: &mut PathScratch,
    ) -> (i8, i8) {
        let walker = fighter.walker();
        let hostile = |owner: u16| fighter.field.side(owner) != Some(fighter.side);
        let left = self.steps_left(fighter);
        let shots = self.sight.shots.iter().filter(|shot| hostile(shot.owner));
        let dodge = self.traits.dodges.then(|| walker.dodge(shots)).flatten();
        let areas = self.sight.areas.iter().filter(|area| hostile(area.owner));
        let leave = || self.traits.has_footwork.then(|| walker.leave(areas, left)).flatten();
        // Where every way is blocked, it fights on.
        if let Some(out) = dodge.or_else(leave).filter(|out| *out != (0, 0)) {
            return out;
        }
        let Some(target) = target else {
            let goal = self.goal(fighter);
            return self.way.towards(walker, goal, scratch);
        };
        let (mut near, mut far) = fighter.kit.reach_mm();
        let is_careful = fighter.own.hp_permille < self.traits.careful_permille;
        if is_careful {
            (near, far) = (far.max(DANGER_MM), far.max(DANGER_MM) * 3 / 2);
        }
        let gap = distance(walker.at, target.at);
        if gap > far || !fighter.has_line(target.at) {
            let point = fighter.point_to_take(&self.sight, self.slot);
            let goal = match point.filter(|_| gap > far + CHASE_MM) {
                _ if is_careful => fighter.home(),
                Some(point) => point,
                None => target.at,
            };
            return self.way.towards(walker, goal, scratch);
        }
        if !self.traits.has_footwork {
            return (0, 0);
        }
        if gap < near {
            return walker.away_from(target.at, left);
        }
        if let Some(back) = fighter.back_onto_point(&self.sight) {
            return self.way.towards(walker, back, scratch);
        }
        walker.around(target.at, left)
    }

    /// Where to go while nobody is seen: where an enemy was, or what is to be captured.
    fn goal(&self, fighter: &Mind<'_>) -> Point {
        let own = place(&fighter.own);
        let point = fighter.point_to_take(&self.sight, self.slot);
        let trace = self.memory.last_seen(own).map(|trace| trace.at);
        trace.or(point).unwrap_or_else(|| fighter.field.homes[usize::from(1 - fighter.side)])
    }

    /// To which side it steps aside for now.
    fn steps_left(&self, fighter: &Mind<'_>) -> bool {
        let stretch = self.sight.tick / fighter.field.ticks(SIDESTEP_MS).max(1);
        let words = [u64::from(self.slot), u64::from(stretch), DRAW_SIDESTEP];
        fighter.field.draw(2, &words) == 0
    }
}

/// A fighter as its pilot thinks of it during a look.
struct Mind<'a> {
    field: &'a Field,
    own: FighterView,
    side: u8,
    kit: &'a Kit,
}

impl Mind<'_> {
    const fn walker(&self) -> Walker<'_> {
        let at = place(&self.own);
        Walker { ground: &self.field.ground, at, radius_mm: self.kit.radius_mm }
    }

    /// Whether what the fighter mostly shoots gets there; true for those who do not shoot.
    fn has_line(&self, to: Point) -> bool {
        let own = place(&self.own);
        let radius_mm = self.kit.shot_radius_mm();
        radius_mm.is_none_or(|radius_mm| self.field.ground.touch(own, to, radius_mm).is_none())
    }

    fn home(&self) -> Point {
        self.field.homes[usize::from(self.side)]
    }

    /// The point that its side does not hold and that suits it best: near ones do, and every
    /// fighter of a side has a taste of its own, so that not all go to the same.
    fn point_to_take(&self, sight: &Sight, slot: u16) -> Option<Point> {
        let own = place(&self.own);
        let open = sight.points.iter().filter(|point| point.holder != Some(self.side));
        let taste = |id: u16| {
            let words = [u64::from(slot), u64::from(id)];
            i64::try_from(self.field.draw(8_000, &words)).unwrap_or(0)
        };
        let cost = |at: Point, id: u16| (distance(own, at) + taste(id), id);
        let points = open.map(|point| ((point.x_mm, point.y_mm), point.id));
        points.min_by_key(|(at, id)| cost(*at, *id)).map(|(at, _)| at)
    }

    /// The centre of the point it stands at the edge of, while its side does not hold it.
    fn back_onto_point(&self, sight: &Sight) -> Option<Point> {
        let own = place(&self.own);
        let mut open = sight.points.iter().filter(|point| point.holder != Some(self.side));
        open.find_map(|point| {
            let centre = (point.x_mm, point.y_mm);
            let (gap, radius) = (distance(own, centre), i64::from(point.radius_mm));
            (gap > radius * 6 / 10 && gap < radius * 3 / 2).then_some(centre)
        })
    }
}
