//! A battle stands still for a side that everybody has left, for a limited time in all: a lost
//! connection is not a lost battle.

use super::{RATE, Sitting};

/// How long a battle may still stand still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// Ticks that each side has left.
    left: [u64; 2],
    is_on: bool,
}

impl Pause {
    /// Each side may take `ms` in all; with zero nothing is ever paused.
    pub(super) fn new(ms: u32) -> Self {
        let ticks = if ms == 0 { 0 } else { RATE.ticks_of_ms(u64::from(ms)) };
        Self { left: [ticks; 2], is_on: false }
    }

    /// Whether the battle stands still in this tick: all of one side are away, some of the other
    /// are there, and the side has time left. With nobody there at all the battle goes on, and
    /// ends as deserted.
    pub(super) fn tick(&mut self, seats: &[Sitting]) -> bool {
        let of = |side: u8| seats.iter().filter(move |seat| seat.side == side);
        let is_there = |side: u8| of(side).any(|seat| !seat.away);
        let is_gone = |side: u8| of(side).next().is_some() && !is_there(side);
        let gone = (0..=1).find(|side| is_gone(*side) && is_there(1 - *side));
        let left = gone.and_then(|side| self.left.get_mut(usize::from(side)));
        self.is_on = left.is_some_and(|left| {
            let some = *left > 0;
            *left = left.saturating_sub(1);
            some
        });
        self.is_on
    }

    /// Whether the battle stood still in the last tick.
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// For how long it may go on standing still, in ticks: the side that has least.
    pub(super) fn left_ms(&self) -> u64 {
        self.left.into_iter().min().unwrap_or(0) * 1_000 / u64::from(super::BATTLE_HZ)
    }
}
