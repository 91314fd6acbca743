//! Matchmaker and baseapp: what a player brings into a battle.
//!
//! [`PlayerCard`] reaches the matchmaker by replication (`shared::msg::replication`). The question
//! and the answer are those of earlier builds: the variants stay, because variants never move.

use serde::{Deserialize, Serialize};

use crate::ids::{PlayerId, TicketId};

/// Matchmaker to baseapp: the card of a player is needed for a ticket. Not sent any more; a baseapp
/// still answers it, because a matchmaker of the build before may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRequest {
    /// The ticket.
    pub ticket: TicketId,
    /// The player.
    pub player: PlayerId,
}

/// Baseapp to matchmaker: answers [`CardRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The ticket.
    pub ticket: TicketId,
    /// The player.
    pub player: PlayerId,
    /// The card; `None` if this baseapp does not own the player (any more).
    pub card: Option<PlayerCard>,
}

/// What others may know of a player, and what a fighter is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerCard {
    /// Shown name.
    pub name: String,
    /// From 1.
    pub level: u16,
    /// Skill rating.
    pub rating: i32,
    /// The chosen hero.
    pub hero: u16,
    /// Hit points added by level, equipment and pet.
    pub bonus_hp: i32,
    /// Damage added per hit by level, equipment and pet.
    pub bonus_damage: i32,
    /// Armour added by equipment.
    pub bonus_armour: i32,
    /// Cooldowns take 1000 of `1000 + haste` of their time.
    pub haste_permille: i32,
    /// The pet that fights along.
    pub pet: Option<PetCard>,
}

/// A pet as it comes along into battles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PetCard {
    /// Its species' id in the content files.
    pub species: u16,
    /// From 1.
    pub level: u16,
}
