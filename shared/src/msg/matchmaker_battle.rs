//! Matchmaker and battleapp: battles begin and end.

use serde::{Deserialize, Serialize};

use super::matchmaker_baseapp::PlayerCard;
use super::refusal::Refusal;
use crate::content::Strength;
use crate::ids::{Address, BattleId, PlayerId, SessionRef};

/// Matchmaker to battleapp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToBattle {
    /// Fight this. Answered by `Started` or `Refused`. Repeating it changes nothing.
    Start {
        /// The battle; made by the matchmaker.
        battle: BattleId,
        /// The mode's name, for example `arena`.
        mode: String,
        /// Decides all randomness of the battle.
        seed: u64,
        /// Which players fight, ordered by slot.
        seats: Vec<Seat>,
        /// What fights besides, in the slots that follow.
        bots: Vec<BotSeat>,
    },
    /// Who owns the players of a battle, sent after its `Start`: their cards are followed there
    /// until the battle begins. Not answered; without it the cards of `Start` count.
    Owners {
        /// The battle.
        battle: BattleId,
        /// The baseapp of each player, by slot.
        baseapps: Vec<Address>,
    },
}

/// A place in a battle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// 0 or 1.
    pub side: u8,
    /// The player.
    pub player: PlayerId,
    /// Where the client is.
    pub session: SessionRef,
    /// What the player brings, as of when the match was made.
    pub card: PlayerCard,
    /// What the rating changes by, decided before the battle.
    pub stakes: Stakes,
}

/// A place in a battle that no player has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotSeat {
    /// 0 or 1.
    pub side: u8,
    /// How well it fights.
    pub strength: Strength,
}

/// Rating changes by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stakes {
    /// When won.
    pub won: i32,
    /// When lost.
    pub lost: i32,
    /// When drawn.
    pub drawn: i32,
}

/// Battleapp to matchmaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromBattle {
    /// The battle runs.
    Started {
        /// The battle.
        battle: BattleId,
    },
    /// The battle cannot be fought here.
    Refused {
        /// The battle.
        battle: BattleId,
        /// Why.
        refusal: Refusal,
    },
    /// The battle is over and its results are durable.
    Ended {
        /// The battle.
        battle: BattleId,
    },
}
