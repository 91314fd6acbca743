//! Which of many things a client is told of in a tick: interest management of big battles.
//!
//! A thing comes into sight at the outer radius and goes out of sight a margin beyond it, so that
//! one on the border does not flicker. What is in sight and has changed gathers urgency in every
//! tick, more if it is near, until it is told; a byte budget is given to the most urgent
//! first. What has to wait keeps the value that the client has acknowledged, so a delta does not
//! mention it. Nothing waits for ever: urgency only grows, and it is spent when a thing is told.
//!
//! In a crowd the radius shrinks: a client is told of the [`CROWD_MAX`] things around it, and of
//! beacons. This keeps the cost of a tick in proportion to the clients, not to their square.
//!
//! All of it is a pure function of the things, the client's acknowledged snapshot and what the
//! client was told before. None of it is part of a battle's state.

mod audience;
#[cfg(test)]
mod tests;

pub use self::audience::Audience;

use super::grid::{Grid, square_between};

/// Things that a client is told of at once, beacons left out. Of more, the cells nearest to the
/// client count.
pub const CROWD_MAX: usize = 160;
/// Urgency that a thing within the inner radius gathers in a tick.
pub const INNER_URGENCY: u32 = 8;
/// The same just outside of the inner radius; it falls to one at the outer radius.
pub const OUTER_URGENCY: u32 = 4;
/// The inner radius, and as many rings around it as urgency falls by.
const URGENCY_STEPS: usize = OUTER_URGENCY as usize;
/// Things whose marks share a word.
const MARKS: usize = 64;
/// The part of the budget that things which are gone may take.
const GONE_PART: usize = 2;

/// How far clients see, and how much they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Within this radius everything is urgent.
    pub inner_mm: i32,
    /// Where things come into sight.
    pub outer_mm: i32,
    /// How far beyond that they go out of sight.
    pub margin_mm: i32,
    /// Bytes of changes in one snapshot.
    pub budget_bytes: usize,
    /// The species of monsters that are told of even in a crowd.
    pub beacon: Option<u16>,
}

impl Interest {
    /// The urgency that a thing gathers in a tick while the square of its distance is less than
    /// what stands with it, from the nearest on; beyond all of them it gathers one.
    fn urgency_steps(&self) -> [(i64, u32); URGENCY_STEPS] {
        let (inner, outer) = (i64::from(self.inner_mm), i64::from(self.outer_mm));
        let (width, falls) = ((outer - inner).max(1), i64::from(OUTER_URGENCY - 1));
        std::array::from_fn(|step| {
            let step = u32::try_from(step).unwrap_or(0);
            match step {
                0 => (inner * inner + 1, INNER_URGENCY),
                _ => {
                    let end = inner + (width * i64::from(step) + falls - 1) / falls;
                    (end * end, OUTER_URGENCY + 1 - step)
                }
            }
        })
    }
}

/// All things of a battle in one tick.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where they are.
    pub grid: &'a Grid,
    /// The same places, in the same order.
    pub places: &'a [(i32, i32)],
    /// Their ids, ascending, in the same order.
    pub ids: &'a [u16],
    /// The indices of things that are told of even in a crowd, ascending.
    pub beacons: &'a [u32],
}

/// A client's eye in one tick.
#[derive(Clone, Copy, Debug)]
pub struct Eye<'a> {
    /// How far it sees.
    pub rules: &'a Interest,
    /// Where it is.
    pub at: (i32, i32),
    /// The client's own thing, which is told before all others.
    pub own: Option<u16>,
    /// The ids in the snapshot that the client has acknowledged, ascending.
    pub baseline: &'a [u16],
}

/// A change that a snapshot might tell, by indices into [`Scene::ids`] and [`Eye::baseline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A thing that is not in the acknowledged snapshot.
    New(usize),
    /// A thing that is: now, and there.
    Updated(usize, usize),
    /// A thing that is there and out of sight now.
    Gone(usize),
}

/// What a snapshot tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Things as they are now, by index into [`Scene::ids`], ascending.
    pub fresh: Vec<usize>,
    /// Things as they are in the acknowledged snapshot, by index into it, ascending.
    pub kept: Vec<usize>,
    /// Bytes of changes.
    pub bytes: usize,
}

/// What one client was told, and what waits for it.
#[derive(Clone, Debug, Default)]
pub struct Watcher {
    /// What is in its sight, ordered by id.
    known: Vec<Known>,
    /// A bit for each thing of the scene, set if it might be in sight. Made anew in every tick,
    /// like `near` and `waiting`.
    marks: Vec<u64>,
    near: Vec<Known>,
    /// Urgency, the highest first, and below it the place in `known`.
    waiting: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    id: u16,
    index: u32,
    urgency: u32,
    /// Index into the baseline.
    baseline: Option<u32>,
    cost: usize,
    is_fresh: bool,
}

impl Watcher {
    /// Chooses what the client is told in this tick. `cost` says how many bytes a change takes at
    /// most; zero for a thing that is as it was.
    pub fn look(
        &mut self,
        scene: &Scene<'_>,
        eye: &Eye<'_>,
        cost: &mut impl FnMut(Change) -> usize,
        choice: &mut Choice,
    ) {
        choice.fresh.clear();
        choice.kept.clear();
        choice.bytes = 0;
        self.gather(scene, eye);
        self.remember(scene, eye);
        self.compare(eye, cost, choice);
        self.spend(eye, choice);
        for known in &self.known {
            if known.is_fresh {
                choice.fresh.push(widen(known.index));
            } else if let Some(baseline) = known.baseline {
                choice.kept.push(widen(baseline));
            }
        }
        choice.kept.sort_unstable();
    }

    /// Everything that might be in sight, ordered by id.
    fn gather(&mut self, scene: &Scene<'_>, eye: &Eye<'_>) {
        let Self { marks, near, .. } = self;
        marks.clear();
        marks.resize(scene.ids.len().div_ceil(MARKS), 0);
        let mut mark = |index: usize| {
            if let Some(marks) = marks.get_mut(index / MARKS) {
                *marks |= 1 << (index % MARKS);
            }
        };
        let sight = eye.rules.outer_mm.saturating_add(eye.rules.margin_mm);
        scene.grid.nearby(eye.at, sight, CROWD_MAX, |index| mark(widen(index)));
        if let Some(own) = eye.own.and_then(|own| scene.ids.binary_search(&own).ok()) {
            mark(own);
        }
        scene.beacons.iter().for_each(|index| mark(widen(*index)));
        near.clear();
        for (word, first) in marks.iter().zip((0u32..).step_by(MARKS)) {
            let mut rest = *word;
            while rest != 0 {
                let index = first + rest.trailing_zeros();
                rest &= rest - 1;
                let id = scene.ids.get(widen(index)).copied().unwrap_or(u16::MAX);
                near.push(Known { id, index, ..Known::default() });
            }
        }
    }

    /// Keeps what is in sight and lets it gather urgency.
    fn remember(&mut self, scene: &Scene<'_>, eye: &Eye<'_>) {
        let rules = eye.rules;
        let mut before = self.known.iter().peekable();
        let [outer, leave] =
            [rules.outer_mm, rules.outer_mm.saturating_add(rules.margin_mm)].map(i64::from);
        let steps = rules.urgency_steps();
        self.near.retain_mut(|thing| {
            while before.next_if(|known| known.id < thing.id).is_some() {}
            let known = before.next_if(|known| known.id == thing.id);
            let place = scene.places.get(widen(thing.index)).copied().unwrap_or_default();
            let square = square_between(eye.at, place);
            let bound = if known.is_some() { leave } else { outer };
            if square > bound * bound && eye.own != Some(thing.id) {
                return false;
            }
            let gathered = steps.iter().find(|(reach, _)| square < *reach);
            let gathered = gathered.map_or(1, |(_, urgency)| *urgency);
            let before = known.map_or(0, |known| known.urgency);
            thing.urgency = before.saturating_add(gathered);
            true
        });
        std::mem::swap(&mut self.known, &mut self.near);
    }

    /// Finds what has changed since the acknowledged snapshot, and lets go of what is gone.
    fn compare(
        &mut self,
        eye: &Eye<'_>,
        cost: &mut impl FnMut(Change) -> usize,
        choice: &mut Choice,
    ) {
        let mut baseline = eye.baseline.iter().copied().zip(0u32..).peekable();
        let mut let_go = |at: u32, choice: &mut Choice| {
            let bytes = cost(Change::Gone(widen(at)));
            if choice.bytes + bytes <= eye.rules.budget_bytes / GONE_PART {
                choice.bytes += bytes;
            } else {
                choice.kept.push(widen(at));
            }
        };
        for known in &mut self.known {
            while let Some((_, at)) = baseline.next_if(|(id, _)| *id < known.id) {
                let_go(at, choice);
            }
            known.baseline = baseline.next_if(|(id, _)| *id == known.id).map(|(_, at)| at);
        }
        for (_, at) in baseline {
            let_go(at, choice);
        }
        for known in &mut self.known {
            let index = widen(known.index);
            known.cost = cost(match known.baseline {
                Some(at) => Change::Updated(index, widen(at)),
                None => Change::New(index),
            });
        }
    }

    /// Gives the budget to the most urgent; of equally urgent things, to the lower id.
    fn spend(&mut self, eye: &Eye<'_>, choice: &mut Choice) {
        self.waiting.clear();
        for (at, known) in (0u64..).zip(&mut self.known) {
            if known.cost == 0 && known.baseline.is_some() {
                (known.is_fresh, known.urgency) = (true, 0);
                continue;
            }
            let is_own = eye.own == Some(known.id);
            let rank = if is_own { 0 } else { u64::from(u32::MAX - known.urgency) };
            self.waiting.push((rank << u32::BITS) | at);
        }
        self.waiting.sort_unstable();
        for waiting in &self.waiting {
            let at = waiting & u64::from(u32::MAX);
            let Some(known) = self.known.get_mut(usize::try_from(at).unwrap_or(usize::MAX)) else {
                continue;
            };
            if choice.bytes + known.cost <= eye.rules.budget_bytes {
                choice.bytes += known.cost;
                (known.is_fresh, known.urgency) = (true, 0);
            }
        }
    }
}

fn widen(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
