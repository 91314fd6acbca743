//! What the players of a battle bring, as the baseapps that own them tell it until the battle
//! begins. For a card that is not told in time, the one counts that the battle was asked for with.

use shared::core::Output;
use shared::ids::{Address, BattleId, Key};
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::matchmaker_battle::Seat;
use shared::msg::replication::OF_FIGHTERS;
use shared::replication::ReplicaEvent;
use shared::tick::Tick;

use super::{BattleApp, Stage};

/// How long a battle waits for cards, from when it learns where they are.
pub(super) const CARDS_MS_MAX: u64 = 250;
/// Players of opening battles whose cards are followed. For further ones those of the start count.
pub(super) const CARDS_FOLLOWED_MAX: usize = 16_384;

impl BattleApp {
    /// Follows the cards of a battle that is being opened. Anything else is ignored: it is late.
    pub(super) fn follow_cards(
        &mut self,
        now: Tick,
        (from, battle): (Address, BattleId),
        baseapps: &[Address],
        outputs: &mut Vec<Output>,
    ) {
        let Some(Stage::Opening(opening)) = self.battles.get_mut(&battle) else { return };
        if opening.from != from || opening.seats.len() != baseapps.len() {
            tracing::warn!(%from, %battle, "owners that are not those of the battle were ignored");
            return;
        }
        opening.cards_until = now.after(self.cards_ticks);
        for (seat, at) in opening.seats.iter().zip(baseapps) {
            self.cards.follow(now, Key::Player(seat.player), *at, OF_FIGHTERS, outputs);
        }
    }

    /// Frees the cards that come no more, after anything that could have ended them.
    pub(super) fn end_cards(&mut self, outputs: &mut Vec<Output>) {
        for event in self.cards.take_events() {
            if let ReplicaEvent::Ended(key, why) = event
                && self.cards.get::<PlayerCard>(key).is_none()
            {
                tracing::debug!(player = %key, ?why, "no card comes");
                self.cards.forget(key, outputs);
            }
        }
    }

    /// Whether there is nothing to wait for.
    pub(super) fn has_cards(&self, seats: &[Seat]) -> bool {
        seats
            .iter()
            .map(|seat| Key::Player(seat.player))
            .all(|key| !self.cards.is_followed(key) || self.cards.get::<PlayerCard>(key).is_some())
    }

    /// Puts the newest cards into the seats. What they have at stake was decided before.
    pub(super) fn take_cards(&mut self, seats: &mut [Seat], outputs: &mut Vec<Output>) {
        for seat in &mut *seats {
            if let Some(card) = self.cards.get(Key::Player(seat.player)) {
                seat.card = card;
            }
        }
        self.forget_cards(seats, outputs);
    }

    /// The battle does not wait for cards any more.
    pub(super) fn forget_cards(&mut self, seats: &[Seat], outputs: &mut Vec<Output>) {
        for seat in seats {
            self.cards.forget(Key::Player(seat.player), outputs);
        }
    }
}
