//! The last battles of a player, so that their replays can be found: each is entered in the commit
//! that applies its result.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::ids::BattleId;
use shared::limits::BATTLES_REMEMBERED_MAX;
use shared::msg::client::{BattleLine, Outcome};
use shared::store::PartId;

use super::part::{self, Part};

/// A player's last battles, the newest first.
#[derive(Component, Debug, Default)]
pub(super) struct Battles(VecDeque<BattleLine>);

impl Battles {
    /// Enters a battle; the oldest beyond [`BATTLES_REMEMBERED_MAX`] is forgotten.
    pub(super) fn enter(&mut self, battle: BattleLine) {
        self.0.push_front(battle);
        self.0.truncate(BATTLES_REMEMBERED_MAX);
    }

    /// All of them, the newest first.
    pub(super) fn lines(&self) -> Vec<BattleLine> {
        self.0.iter().copied().collect()
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct BattlesRow(Vec<BattleRow>);

#[derive(Serialize, Deserialize)]
struct BattleRow {
    battle: u64,
    outcome: OutcomeRow,
    rating_change: i32,
    xp: u32,
}

#[derive(Serialize, Deserialize)]
enum OutcomeRow {
    Won,
    Lost,
    Drawn,
}

impl Part for Battles {
    const ID: PartId = PartId(11);
    const SCHEMA: u8 = 1;
    type Row = BattlesRow;

    fn to_row(&self) -> BattlesRow {
        let row = |line: &BattleLine| BattleRow {
            battle: line.battle.0,
            outcome: match line.outcome {
                Outcome::Won => OutcomeRow::Won,
                Outcome::Lost => OutcomeRow::Lost,
                Outcome::Drawn => OutcomeRow::Drawn,
            },
            rating_change: line.rating_change,
            xp: line.xp,
        };
        BattlesRow(self.0.iter().map(row).collect())
    }

    fn from_row(row: BattlesRow) -> Self {
        let line = |row: BattleRow| BattleLine {
            battle: BattleId(row.battle),
            outcome: match row.outcome {
                OutcomeRow::Won => Outcome::Won,
                OutcomeRow::Lost => Outcome::Lost,
                OutcomeRow::Drawn => Outcome::Drawn,
            },
            rating_change: row.rating_change,
            xp: row.xp,
        };
        Self(row.0.into_iter().map(line).collect())
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Battles>(world, tick);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(battle: u64) -> BattleLine {
        BattleLine { battle: BattleId(battle), outcome: Outcome::Lost, rating_change: -3, xp: 40 }
    }

    #[test]
    fn the_newest_are_kept_and_come_first() {
        let mut battles = Battles::default();
        let most = u64::try_from(BATTLES_REMEMBERED_MAX).expect("small");
        (0..=most).for_each(|battle| battles.enter(line(battle)));
        let lines = battles.lines();
        assert_eq!((lines[0], lines.len()), (line(most), BATTLES_REMEMBERED_MAX));
        assert_eq!(lines.last(), Some(&line(1)));
    }

    #[test]
    fn the_stored_bytes_are_frozen() {
        let mut battles = Battles::default();
        battles.enter(line(7));
        let bytes = battles.encode();
        assert_eq!(bytes, [1, 1, 7, 1, 5, 40]);
        let read = Battles::load(&[(Battles::ID, bytes)]).expect("just written").expect("is there");
        assert_eq!(read.lines(), [line(7)]);
    }
}
