//! The bag: items in stacks.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::limits::{BAG_STACKS_MAX, STACK_COUNT_MAX};
use shared::msg::client::Stack;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::PartId;

use super::goods::Goods;
use super::part::{self, Part};

/// A player's items, counted by item id. No count is zero.
#[derive(Component, Debug, Default, PartialEq, Eq)]
pub(super) struct Bag {
    counts: BTreeMap<u16, u32>,
}

impl Bag {
    /// All stacks, ordered by item.
    pub(super) fn stacks(&self) -> Vec<Stack> {
        self.counts.iter().map(|(&item, &count)| Stack { item, count }).collect()
    }

    /// Whether all of `stacks` can be put in together.
    pub(super) fn check_room(&self, stacks: &[Stack]) -> Result<(), Refusal> {
        let mut filled = self.counts.clone();
        for stack in stacks {
            let count = filled.entry(stack.item).or_insert(0);
            *count = count
                .checked_add(stack.count)
                .filter(|sum| *sum <= STACK_COUNT_MAX)
                .ok_or_else(|| {
                    let text = format!("a stack holds {STACK_COUNT_MAX} items at most");
                    Refusal::new(RefusalCode::BagFull, text)
                })?;
        }
        if filled.len() > BAG_STACKS_MAX {
            let text = format!("a bag holds {BAG_STACKS_MAX} kinds of items at most");
            return Err(Refusal::new(RefusalCode::BagFull, text));
        }
        Ok(())
    }

    /// Whether all of `stacks` are there together.
    pub(super) fn check_has(&self, stacks: &[Stack]) -> Result<(), Refusal> {
        let mut needed: BTreeMap<u16, u64> = BTreeMap::new();
        for stack in stacks {
            *needed.entry(stack.item).or_insert(0) += u64::from(stack.count);
        }
        for (item, count) in needed {
            let has = self.counts.get(&item).copied().unwrap_or(0);
            if u64::from(has) < count {
                let text = format!("{count} of item {item} are needed, {has} are in the bag");
                return Err(Refusal::new(RefusalCode::NotOwned, text));
            }
        }
        Ok(())
    }

    /// Puts items in, and nothing but items; after `check_room`.
    pub(super) fn put(&mut self, mut goods: Goods) {
        for stack in goods.take_stacks().iter().filter(|stack| stack.count > 0) {
            let count = self.counts.entry(stack.item).or_insert(0);
            *count = count.checked_add(stack.count).expect("room was checked");
        }
    }

    /// Takes items out; after `check_has`.
    pub(super) fn take(&mut self, stacks: &[Stack]) -> Goods {
        for stack in stacks {
            let count = self.counts.get_mut(&stack.item).expect("the items were checked");
            *count = count.checked_sub(stack.count).expect("the count was checked");
            if *count == 0 {
                self.counts.remove(&stack.item);
            }
        }
        Goods::stacks(stacks.to_vec())
    }
}

/// One of an item, as a stack.
pub(super) const fn one(item: u16) -> Stack {
    Stack { item, count: 1 }
}

#[derive(Serialize, Deserialize)]
pub(super) struct BagRow {
    stacks: Vec<(u16, u32)>,
}

impl Part for Bag {
    const ID: PartId = PartId(4);
    const SCHEMA: u8 = 1;
    type Row = BagRow;

    fn to_row(&self) -> BagRow {
        BagRow { stacks: self.counts.iter().map(|(&item, &count)| (item, count)).collect() }
    }

    fn from_row(row: BagRow) -> Self {
        Self { counts: row.stacks.into_iter().filter(|(_, count)| *count > 0).collect() }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Bag>(world, tick);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(stacks: &[(u16, u32)]) -> Bag {
        Bag { counts: stacks.iter().copied().collect() }
    }

    #[test]
    fn what_is_taken_and_put_back_leaves_the_bag_as_it_was() {
        let mut bag_now = bag(&[(1, 3), (2, 1)]);
        let both = [one(1), one(2)];
        bag_now.check_has(&both).expect("both are there");
        let goods = bag_now.take(&both);
        assert_eq!(bag_now, bag(&[(1, 2)]));
        bag_now.put(goods);
        assert_eq!(bag_now, bag(&[(1, 3), (2, 1)]));
    }

    #[test]
    fn the_same_item_named_twice_counts_twice() {
        assert!(bag(&[(1, 1)]).check_has(&[one(1), one(1)]).is_err());
        let full = bag(&[(1, STACK_COUNT_MAX - 1)]);
        assert!(full.check_room(&[one(1)]).is_ok());
        assert!(full.check_room(&[one(1), one(1)]).is_err());
    }

    #[test]
    fn stored_bytes_are_frozen() {
        assert_eq!(bag(&[(1, 3), (300, 1)]).encode(), [1, 2, 1, 3, 251, 44, 1, 1]);
    }
}
