//! The books of a player: what came into the world and what left it through this player, and
//! what was given to others and received from them. All changes of wealth are entered here, in
//! the commit that makes them; `baseapp/src/audit.rs` closes the books of all players together.

use std::collections::BTreeMap;
use std::fmt;

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::msg::client::{Attachments, Stack};
use shared::store::PartId;

use super::goods::Goods;
use super::part::{self, Part};

/// A kind of wealth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asset {
    /// Gold pieces.
    Gold,
    /// An item, by its id in the content files.
    Item(u16),
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gold => f.write_str("gold"),
            Self::Item(item) => write!(f, "item {item}"),
        }
    }
}

/// Amounts by asset. No amount is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<Asset, u64>);

impl Tally {
    /// All amounts, ordered by asset.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Asset, u64)> {
        self.0.iter().map(|(asset, amount)| (*asset, *amount))
    }

    /// Adds gold.
    pub(crate) fn add_gold(&mut self, gold: u64) {
        self.add(Asset::Gold, gold);
    }

    /// Adds stacks of items.
    pub(crate) fn add_stacks(&mut self, stacks: &[Stack]) {
        for stack in stacks {
            self.add(Asset::Item(stack.item), u64::from(stack.count));
        }
    }

    /// Adds all that is attached.
    pub(crate) fn add_attached(&mut self, attached: &Attachments) {
        self.add_gold(attached.gold);
        self.add_stacks(&attached.stacks);
    }

    /// Adds all of `other`.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (asset, amount) in other.iter() {
            self.add(asset, amount);
        }
    }

    /// Stops at the top rather than beginning anew: an audit then finds that something differs.
    fn add(&mut self, asset: Asset, amount: u64) {
        if amount > 0 {
            let sum = self.0.entry(asset).or_insert(0);
            *sum = sum.saturating_add(amount);
        }
    }
}

/// A player's books. What the player holds is always what was minted and received, less what was
/// spent and given.
#[derive(Component, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// They were begun with what an older record held; what it had given before, and what was on
    /// its way to it, they do not know.
    pub(crate) is_late: bool,
    pub(crate) minted: Tally,
    pub(crate) spent: Tally,
    pub(crate) given: Tally,
    pub(crate) received: Tally,
}

impl Books {
    /// Books of a player who already holds something and had none so far.
    pub(crate) fn begun_with(held: &Tally) -> Self {
        Self { is_late: true, minted: held.clone(), ..Self::default() }
    }

    /// Something comes into the world.
    pub(super) fn mint(&mut self, new: Attachments) -> Goods {
        self.minted.add_attached(&new);
        Goods::out(new)
    }

    /// Something leaves the world.
    pub(super) fn spend(&mut self, goods: Goods) {
        self.spent.add_attached(&goods.into_attached());
    }

    /// Something goes to somebody else by mail.
    pub(super) fn give(&mut self, goods: Goods) -> Attachments {
        let gift = goods.into_attached();
        self.given.add_attached(&gift);
        gift
    }

    /// Something has come from somebody else by mail.
    pub(super) fn receive(&mut self, gift: Attachments) -> Goods {
        self.received.add_attached(&gift);
        Goods::out(gift)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct BooksRow {
    is_late: bool,
    minted: TallyRow,
    spent: TallyRow,
    given: TallyRow,
    received: TallyRow,
}

#[derive(Serialize, Deserialize)]
struct TallyRow {
    gold: u64,
    items: Vec<(u16, u64)>,
}

impl TallyRow {
    fn of(tally: &Tally) -> Self {
        let mut row = Self { gold: 0, items: Vec::new() };
        for (asset, amount) in tally.iter() {
            match asset {
                Asset::Gold => row.gold = amount,
                Asset::Item(item) => row.items.push((item, amount)),
            }
        }
        row
    }

    fn tally(self) -> Tally {
        let mut tally = Tally::default();
        tally.add_gold(self.gold);
        for (item, amount) in self.items {
            tally.add(Asset::Item(item), amount);
        }
        tally
    }
}

impl Part for Books {
    const ID: PartId = PartId(10);
    const SCHEMA: u8 = 1;
    type Row = BooksRow;

    fn to_row(&self) -> BooksRow {
        BooksRow {
            is_late: self.is_late,
            minted: TallyRow::of(&self.minted),
            spent: TallyRow::of(&self.spent),
            given: TallyRow::of(&self.given),
            received: TallyRow::of(&self.received),
        }
    }

    fn from_row(row: BooksRow) -> Self {
        Self {
            is_late: row.is_late,
            minted: row.minted.tally(),
            spent: row.spent.tally(),
            given: row.given.tally(),
            received: row.received.tally(),
        }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Books>(world, tick);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(gold: u64, stacks: &[(u16, u32)]) -> Attachments {
        let stacks = stacks.iter().map(|&(item, count)| Stack { item, count }).collect();
        Attachments { gold, stacks }
    }

    fn amounts(tally: &Tally) -> Vec<(Asset, u64)> {
        tally.iter().collect()
    }

    #[test]
    fn what_comes_and_goes_is_entered_on_its_side() {
        let mut books = Books::default();
        let minted = books.mint(attached(5, &[(1, 2), (1, 1)]));
        books.spend(minted);
        let received = books.receive(attached(7, &[]));
        assert_eq!(books.give(received), attached(7, &[]));
        let both = [(Asset::Gold, 5), (Asset::Item(1), 3)];
        assert_eq!((amounts(&books.minted), amounts(&books.spent)), (both.into(), both.into()));
        assert_eq!(amounts(&books.given), [(Asset::Gold, 7)]);
        assert_eq!(books.given, books.received);
    }

    #[test]
    fn an_amount_that_cannot_grow_stops_at_the_top() {
        let mut tally = Tally::default();
        tally.add_gold(u64::MAX);
        tally.add_gold(2);
        assert_eq!(amounts(&tally), [(Asset::Gold, u64::MAX)]);
    }

    #[test]
    fn stored_bytes_are_frozen() {
        let mut books = Books::default();
        books.minted.add_attached(&attached(300, &[(1, 3), (300, 1)]));
        books.given.add_gold(2);
        let bytes = [1, 0, 251, 44, 1, 2, 1, 3, 251, 44, 1, 1, 0, 0, 2, 0, 0, 0];
        assert_eq!(books.encode(), bytes);
        let parts = [(Books::ID, bytes.to_vec())];
        assert_eq!(Books::load(&parts).expect("as it was written"), Some(books));
        for cut in 0..bytes.len() {
            let parts = [(Books::ID, bytes[..cut].to_vec())];
            assert!(Books::load(&parts).is_err(), "cut at {cut}");
        }
    }
}
