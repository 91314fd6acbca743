//! What a bot asks for next.

use shared::ids::PlayerId;
use shared::msg::client::{PlayerRequest, Request};

use super::{Brain, chores, player};

/// A bot in a battle asks in one slot of this many; its hands are full.
const BATTLE_SLOTS: u64 = 4;

impl Brain {
    /// The request for a slot, or `None` to let it pass. First what every session begins with,
    /// then letters, then what leads into a guild and a battle, then whatever comes to mind.
    pub(super) fn choose(&mut self, now_ms: u64) -> Option<Request> {
        if let Some(read) = self.reads.pop_front() {
            return Some(Request::Player(read));
        }
        if self.fight.is_some() && !self.slots.is_multiple_of(BATTLE_SLOTS) {
            return None;
        }
        // Two slots of three serve a purpose, so that the rest is not starved by many letters.
        if !self.slots.is_multiple_of(3)
            && let Some(request) = self.purpose(now_ms)
        {
            return Some(request);
        }
        let to = self.someone_else();
        let chore = chores::draw(&mut self.draws, &self.book, &self.plan.content, to);
        Some(chore)
    }

    fn purpose(&mut self, now_ms: u64) -> Option<Request> {
        if self.fight.is_none() {
            let seed = self.seed;
            if let Some(request) = self.party.next(now_ms, |index| player(seed, index)) {
                return Some(Request::Social(request));
            }
        }
        if !self.full
            && let Some(letter) = self.book.letters.keys().next()
        {
            return Some(Request::Player(PlayerRequest::ClaimLetter { letter: *letter }));
        }
        self.guild.next(now_ms, self.seed, self.index, self.book.guild)
    }

    /// A random other bot; `None` for the only one.
    fn someone_else(&mut self) -> Option<PlayerId> {
        let others = self.plan.players.checked_sub(1).filter(|others| *others > 0)?;
        let draw = u32::try_from(self.draws.below(u64::from(others))).ok()?;
        let other = if draw >= self.index { draw + 1 } else { draw };
        Some(player(self.seed, other))
    }
}
