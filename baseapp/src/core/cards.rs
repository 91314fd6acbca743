//! Cards: what others may know of a player, published for whoever subscribes.
//!
//! A card is published when the commit that made it is durable, never before: nobody shall plan
//! with a level that a crash takes back.

use std::collections::VecDeque;
use std::sync::Arc;

use bevy_ecs::prelude::*;

use shared::core::Output;
use shared::ids::{Key, PlayerId};
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::replication::{Component as Told, Replicated};
use shared::ownership::{Keeper, Mark, Reached};
use shared::replication::Publisher;
use shared::tick::TickRate;

use super::Baseapp;
use super::account::Account;
use super::equipment::Equipment;
use super::pets::Pets;
use super::profile::Progress;
use super::stage::Stage;

/// The cards of this node's players.
#[derive(Debug)]
pub(super) struct Cards {
    pub(super) publisher: Publisher,
    /// Cards whose commits are on their way, oldest first. Bounded by the players of the commits
    /// that the store has not answered.
    coming: VecDeque<Coming>,
}

#[derive(Debug)]
struct Coming {
    player: PlayerId,
    mark: Mark,
    card: Told,
}

/// Players whose card this tick may have changed. A resource of the world.
#[derive(Resource, Default)]
pub(super) struct ChangedCards(Vec<PlayerId>);

impl Cards {
    pub(super) fn new(rate: TickRate) -> Self {
        Self { publisher: Publisher::new(rate), coming: VecDeque::new() }
    }

    /// The card as it is durable; `None` if the player is not owned here.
    pub(super) fn durable(&self, player: PlayerId) -> Option<PlayerCard> {
        let told = self.publisher.published(Key::Player(player), PlayerCard::ID)?;
        PlayerCard::of_component(told)
    }

    /// A card was made of what is staged by now.
    fn made(&mut self, keeper: &Keeper, player: PlayerId, card: &PlayerCard) {
        let Some(mark) = keeper.mark(Key::Player(player)) else { return };
        let coming = Coming { player, mark, card: card.to_component() };
        match keeper.reached(Key::Player(player), mark) {
            Reached::Durable => self.publish(coming),
            Reached::NotYet => self.coming.push_back(coming),
            Reached::Unknown => {}
        }
    }

    /// Publishes what has become durable. The store answers commits in their order, so the
    /// oldest card is the next.
    pub(super) fn settle(&mut self, keeper: &Keeper) {
        while let Some(coming) = self.coming.pop_front() {
            match keeper.reached(Key::Player(coming.player), coming.mark) {
                Reached::Durable => self.publish(coming),
                Reached::NotYet => {
                    self.coming.push_front(coming);
                    return;
                }
                Reached::Unknown => {}
            }
        }
    }

    /// The player is not owned here any more.
    pub(super) fn disown(&mut self, player: PlayerId, outputs: &mut Vec<Output>) {
        self.coming.retain(|coming| coming.player != player);
        self.publisher.disown(Key::Player(player), outputs);
    }

    fn publish(&mut self, coming: Coming) {
        let Coming { player, mark: Mark { epoch, version }, card } = coming;
        if let Err(error) = self.publisher.publish(Key::Player(player), epoch, version, card) {
            tracing::error!(%player, %error, "card not published");
        }
    }
}

impl Baseapp {
    /// Makes the cards of players whose card may have changed; after their changes were staged.
    pub(super) fn make_cards(&mut self) {
        let changed = std::mem::take(&mut self.world.resource_mut::<ChangedCards>().0);
        for player in changed {
            self.make_card(player);
        }
    }

    /// Publishes the card of a player who was just loaded. Others may have changed since the last
    /// tick and are not staged yet: theirs wait for the end of the tick.
    pub(super) fn make_loaded_card(&mut self, loaded: PlayerId) {
        self.world.resource_mut::<ChangedCards>().0.retain(|player| *player != loaded);
        self.make_card(loaded);
    }

    fn make_card(&mut self, player: PlayerId) {
        let content = Arc::clone(&self.content);
        if let Some(card) = self.with_player(player, |player| player.card(&content)) {
            self.cards.made(&self.keeper, player, &card);
        }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    world.init_resource::<ChangedCards>();
    tick.add_systems(note_changed.in_set(Stage::Persist));
}

type CardChanged = Or<(Changed<Account>, Changed<Progress>, Changed<Equipment>, Changed<Pets>)>;

fn note_changed(changed: Query<&Account, CardChanged>, mut cards: ResMut<ChangedCards>) {
    cards.0.extend(changed.iter().map(|account| account.player));
}
