//! Gold and items on their way from one place of a player to another.

use shared::msg::client::{Attachments, Stack};
use shared::msg::refusal::Refusal;

use super::player::PlayerItem;

/// Gold and items in hand: out of one place and not yet in another. There are no copies of them,
/// and to drop any is a fault that tests stop at. Only the books turn something into goods that
/// was in nobody's hand, and goods into nothing: so nothing comes or goes that they do not know.
#[must_use = "goods that are dropped are lost"]
#[derive(Debug, Default)]
pub(super) struct Goods {
    gold: u64,
    stacks: Vec<Stack>,
}

impl Goods {
    /// What was just taken out of something that holds goods, or written into the books.
    pub(super) fn out(attached: Attachments) -> Self {
        let Attachments { gold, stacks } = attached;
        Self { gold, stacks }
    }

    /// Gold that was just taken out.
    pub(super) fn gold(gold: u64) -> Self {
        Self { gold, stacks: Vec::new() }
    }

    /// Items that were just taken out.
    pub(super) fn stacks(stacks: Vec<Stack>) -> Self {
        Self { gold: 0, stacks }
    }

    /// Takes the gold, for whatever holds gold.
    pub(super) fn take_gold(&mut self) -> u64 {
        std::mem::take(&mut self.gold)
    }

    /// Takes the items, for whatever holds items.
    pub(super) fn take_stacks(&mut self) -> Vec<Stack> {
        std::mem::take(&mut self.stacks)
    }

    /// Everything, for whatever holds both.
    pub(super) fn into_attached(mut self) -> Attachments {
        Attachments { gold: self.take_gold(), stacks: self.take_stacks() }
    }

    /// Both together.
    pub(super) fn and(mut self, mut other: Self) -> Self {
        let mut stacks = self.take_stacks();
        stacks.extend(other.take_stacks());
        let gold = self.take_gold().checked_add(other.take_gold());
        Self { gold: gold.expect("what players hold is far below"), stacks }
    }
}

impl Drop for Goods {
    fn drop(&mut self) {
        debug_assert!(self.gold == 0 && self.stacks.is_empty(), "goods were dropped: {self:?}");
    }
}

impl PlayerItem<'_, '_> {
    /// Whether bag and wallet take all of it.
    pub(super) fn check_room(&self, attached: &Attachments) -> Result<(), Refusal> {
        self.bag.check_room(&attached.stacks)?;
        self.wallet.check_room(attached.gold)
    }

    /// Whether bag and wallet hold all of it.
    pub(super) fn check_has(&self, attached: &Attachments) -> Result<(), Refusal> {
        self.bag.check_has(&attached.stacks)?;
        self.wallet.check_has(attached.gold)
    }

    /// Takes it out of bag and wallet; after `check_has`.
    pub(super) fn take_out(&mut self, attached: &Attachments) -> Goods {
        // What is not touched is not stored anew.
        let mut goods = Goods::default();
        if !attached.stacks.is_empty() {
            goods = goods.and(self.bag.take(&attached.stacks));
        }
        if attached.gold > 0 {
            goods = goods.and(self.wallet.take(attached.gold));
        }
        goods
    }

    /// Puts goods into bag and wallet; after `check_room`.
    pub(super) fn put_away(&mut self, mut goods: Goods) {
        let (gold, stacks) = (goods.take_gold(), goods.take_stacks());
        if !stacks.is_empty() {
            self.bag.put(Goods::stacks(stacks));
        }
        if gold > 0 {
            self.wallet.put(Goods::gold(gold));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "goods were dropped")]
    fn goods_cannot_be_dropped_unnoticed() {
        drop(Goods::gold(1));
    }

    #[test]
    fn goods_are_put_together_and_taken_apart() {
        let one = Stack { item: 7, count: 1 };
        let mut goods = Goods::gold(2).and(Goods::stacks(vec![one]));
        assert_eq!(goods.take_gold(), 2);
        let attached = goods.into_attached();
        assert_eq!(attached, Attachments { gold: 0, stacks: vec![one] });
    }
}
