//! A battle stands still for a side that everybody has left, for a limited time in all: a lost
//! connection is not a lost battle.

use super::{RATE, Sitting};

/// How long a battle may still stand still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// Ticks that each side has left.
    left: [u64; 2],
    /// The side that is waited for.
    waits_for: Option<usize>,
}

impl Pause {
    /// Each side may take `ms` in all; with zero nothing is ever paused.
    pub(super) fn new(ms: u32) -> Self {
        let ticks = if ms == 0 { 0 } else { RATE.ticks_of_ms(u64::from(ms)) };
        Self { left: [ticks; 2], waits_for: None }
    }

    /// Whether the battle stands still in this tick: all of one side are away, some of the other
    /// are there, and the side has time left. With nobody there at all the battle goes on, and
    /// ends as deserted.
    pub(super) fn tick(&mut self, seats: &[Sitting]) -> bool {
        let of = |side: u8| seats.iter().filter(move |seat| seat.side == side);
        let is_there = |side: u8| of(side).any(|seat| !seat.away);
        let is_gone = |side: u8| of(side).next().is_some() && !is_there(side);
        let gone = (0..=1).find(|side| is_gone(*side) && is_there(1 - *side)).map(usize::from);
        self.waits_for = gone.filter(|side| self.left[*side] > 0);
        if let Some(side) = self.waits_for {
            self.left[side] -= 1;
        }
        self.is_on()
    }

    /// Whether the battle stood still in the last tick.
    pub(super) const fn is_on(&self) -> bool {
        self.waits_for.is_some()
    }

    /// For how long it may go on standing still for the side that it waits for, in ms; `None` if
    /// it goes on.
    pub(super) fn left_ms(&self) -> Option<u32> {
        let ms = self.left[self.waits_for?] * 1_000 / u64::from(super::BATTLE_HZ);
        Some(u32::try_from(ms).unwrap_or(u32::MAX))
    }
}
