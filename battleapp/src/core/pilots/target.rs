//! Whom a pilot fights: who is seen now, and where others were a while ago.

use shared::content::Point;
use shared::msg::snapshot::{FighterView, MonsterView, PetView};

use super::sight::place;
use super::traits::Traits;
use super::vector::{distance, offset};

/// Pets count as so much further away than they are: who is rid of one has won nothing by it.
const PET_MM: i64 = 3_000;

/// An enemy that is seen: a fighter of the other side, one of their pets, or a monster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Enemy {
    /// Its id in snapshots, which no other entity of any kind has.
    id: u16,
    at: Point,
    hp_permille: u16,
    is_pet: bool,
}

impl From<&FighterView> for Enemy {
    fn from(view: &FighterView) -> Self {
        let FighterView { slot: id, hp_permille, .. } = *view;
        Self { id, at: place(view), hp_permille, is_pet: false }
    }
}

impl From<&MonsterView> for Enemy {
    fn from(view: &MonsterView) -> Self {
        let MonsterView { id, x_mm, y_mm, hp_permille, .. } = *view;
        Self { id, at: (x_mm, y_mm), hp_permille, is_pet: false }
    }
}

impl From<&PetView> for Enemy {
    fn from(view: &PetView) -> Self {
        let PetView { id, x_mm, y_mm, hp_permille, .. } = *view;
        Self { id, at: (x_mm, y_mm), hp_permille, is_pet: true }
    }
}

/// What is remembered of an enemy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) id: u16,
    pub(super) at: Point,
    /// How far it moves in a second, by the last two looks.
    pub(super) moves_mm_s: (i64, i64),
    pub(super) hp_permille: u16,
    is_pet: bool,
    /// The tick in which it was seen last.
    pub(super) tick: u32,
}

/// What a pilot remembers of the enemies, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Vec<Trace>);

impl Memory {
    /// Notes who is seen in `tick` and forgets who was not seen for `memory_ticks`.
    pub(super) fn note(
        &mut self,
        enemies: impl Iterator<Item = Enemy>,
        (tick, hz): (u32, u32),
        memory_ticks: u32,
    ) {
        for Enemy { id, at, hp_permille, is_pet } in enemies {
            let mut trace = Trace { id, at, moves_mm_s: (0, 0), hp_permille, is_pet, tick };
            match self.0.binary_search_by_key(&id, |known| known.id) {
                Ok(index) => {
                    if let Some(known) = self.0.get_mut(index) {
                        trace.moves_mm_s = speed(known, at, tick, hz);
                        *known = trace;
                    }
                }
                Err(index) => self.0.insert(index, trace),
            }
        }
        self.0.retain(|trace| tick.saturating_sub(trace.tick) <= memory_ticks);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The best enemy to fight from `at` among those seen in `tick`.
    pub(super) fn target(&self, at: Point, tick: u32, traits: &Traits) -> Option<Trace> {
        let seen = self.0.iter().filter(|trace| trace.tick == tick);
        let cost = |trace: &Trace| {
            let far = distance(at, trace.at) + if trace.is_pet { PET_MM } else { 0 };
            // A full life more is worth as much as walking six metres.
            let strong = i64::from(trace.hp_permille) * 6;
            if traits.picks_the_weak { far + strong } else { far }
        };
        seen.min_by_key(|trace| (cost(trace), trace.id)).copied()
    }

    /// The enemy seen last, the nearest first.
    pub(super) fn last_seen(&self, at: Point) -> Option<Trace> {
        self.0.iter().min_by_key(|trace| (distance(at, trace.at), trace.id)).copied()
    }
}

/// How fast an enemy moves that was seen before. Who has been away, or cannot have come here on
/// foot, does not move.
fn speed(before: &Trace, at: Point, tick: u32, hz: u32) -> (i64, i64) {
    const ON_FOOT_MM_S_MAX: i64 = 12_000;
    let ticks = i64::from(tick.saturating_sub(before.tick));
    let (x, y) = offset(before.at, at);
    if ticks == 0 || ticks > i64::from(hz) {
        return (0, 0);
    }
    let speed = (x * i64::from(hz) / ticks, y * i64::from(hz) / ticks);
    let is_walk = speed.0.abs() <= ON_FOOT_MM_S_MAX && speed.1.abs() <= ON_FOOT_MM_S_MAX;
    if is_walk { speed } else { (0, 0) }
}
