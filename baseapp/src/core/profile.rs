//! Level, rating, record, hero and gold.

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::content::PlayerRules;
use shared::limits::GOLD_MAX;
use shared::msg::client::Outcome;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::PartId;

use super::goods::Goods;
use super::part::{self, Part};

/// How far a player has come.
#[derive(Component, Debug)]
pub(super) struct Progress {
    pub(super) level: u16,
    pub(super) xp: u32,
    pub(super) rating: i32,
    pub(super) wins: u32,
    pub(super) losses: u32,
    pub(super) draws: u32,
    pub(super) hero: u16,
}

/// A player's gold.
#[derive(Component, Debug, Default)]
pub(super) struct Wallet {
    gold: u64,
}

impl Progress {
    pub(super) const fn new(rules: &PlayerRules) -> Self {
        Self {
            level: 1,
            xp: 0,
            rating: rules.start_rating,
            wins: 0,
            losses: 0,
            draws: 0,
            hero: rules.start_hero,
        }
    }

    /// Adds experience and levels up as far as it goes; at the highest level it is lost.
    pub(super) fn gain_xp(&mut self, xp: u32, rules: &PlayerRules) {
        (self.level, self.xp) = grown(self.level, self.xp, xp, rules.level_xp, rules.level_max);
    }

    /// Notes the result of a battle.
    pub(super) fn note_battle(&mut self, outcome: Outcome, rating_change: i32) {
        let count = match outcome {
            Outcome::Won => &mut self.wins,
            Outcome::Lost => &mut self.losses,
            Outcome::Drawn => &mut self.draws,
        };
        *count = count.saturating_add(1);
        self.rating = self.rating.saturating_add(rating_change).clamp(0, 10_000);
    }
}

/// Level and experience after `gained` more, `per_level` for each level up to `level_max`.
pub(super) fn grown(
    level: u16,
    xp: u32,
    gained: u32,
    per_level: u32,
    level_max: u16,
) -> (u16, u32) {
    let (mut level, mut xp) = (level, u64::from(xp) + u64::from(gained));
    let per_level = u64::from(per_level.max(1));
    while level < level_max && xp >= per_level {
        level += 1;
        xp -= per_level;
    }
    if level >= level_max {
        xp = 0;
    }
    (level, u32::try_from(xp).unwrap_or(u32::MAX))
}

impl Wallet {
    pub(super) const fn gold(&self) -> u64 {
        self.gold
    }

    /// Whether `gold` more can be put in.
    pub(super) fn check_room(&self, gold: u64) -> Result<(), Refusal> {
        match self.gold.checked_add(gold) {
            Some(sum) if sum <= GOLD_MAX => Ok(()),
            Some(_) | None => {
                let text = format!("a wallet holds {GOLD_MAX} gold at most");
                Err(Refusal::new(RefusalCode::BagFull, text))
            }
        }
    }

    /// Whether `gold` is there.
    pub(super) fn check_has(&self, gold: u64) -> Result<(), Refusal> {
        if self.gold >= gold {
            return Ok(());
        }
        let text = format!("{gold} gold is needed, {} is there", self.gold);
        Err(Refusal::new(RefusalCode::NotOwned, text))
    }

    /// Puts gold in, and nothing but gold; after `check_room`.
    pub(super) fn put(&mut self, mut goods: Goods) {
        self.gold = self.gold.checked_add(goods.take_gold()).expect("room was checked");
    }

    /// Takes gold out; after `check_has`.
    pub(super) fn take(&mut self, gold: u64) -> Goods {
        self.gold = self.gold.checked_sub(gold).expect("the amount was checked");
        Goods::gold(gold)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProgressRow {
    level: u16,
    xp: u32,
    rating: i32,
    wins: u32,
    losses: u32,
    draws: u32,
    hero: u16,
}

impl Part for Progress {
    const ID: PartId = PartId(2);
    const SCHEMA: u8 = 1;
    type Row = ProgressRow;

    fn to_row(&self) -> ProgressRow {
        let &Self { level, xp, rating, wins, losses, draws, hero } = self;
        ProgressRow { level, xp, rating, wins, losses, draws, hero }
    }

    fn from_row(row: ProgressRow) -> Self {
        let ProgressRow { level, xp, rating, wins, losses, draws, hero } = row;
        Self { level, xp, rating, wins, losses, draws, hero }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct WalletRow {
    gold: u64,
}

impl Part for Wallet {
    const ID: PartId = PartId(3);
    const SCHEMA: u8 = 1;
    type Row = WalletRow;

    fn to_row(&self) -> WalletRow {
        WalletRow { gold: self.gold }
    }

    fn from_row(row: WalletRow) -> Self {
        Self { gold: row.gold }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Progress>(world, tick);
    part::install::<Wallet>(world, tick);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experience_carries_over_levels_and_stops_at_the_highest() {
        assert_eq!(grown(1, 90, 20, 100, 10), (2, 10));
        assert_eq!(grown(1, 0, 350, 100, 10), (4, 50));
        assert_eq!(grown(9, 0, 350, 100, 10), (10, 0));
    }

    #[test]
    fn a_wallet_refuses_what_it_does_not_hold_and_what_does_not_fit() {
        let wallet = Wallet { gold: GOLD_MAX - 1 };
        assert!(wallet.check_room(1).is_ok());
        assert!(wallet.check_room(2).is_err());
        assert!(wallet.check_room(u64::MAX).is_err());
        assert!(wallet.check_has(GOLD_MAX).is_err());
    }
}
