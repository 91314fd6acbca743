//! What a player wears, and using items.

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::content::{Content, ItemUse};
use shared::msg::client::{Attachments, Reply, Slot};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::PartId;

use super::bag::one;
use super::goods::Goods;
use super::part::{self, Part};
use super::player::PlayerItem;

/// The item worn in each slot, by [`Slot::index`].
#[derive(Component, Debug, Default)]
pub(super) struct Equipment(pub(super) [Option<u16>; 3]);

impl Equipment {
    /// Puts an item into a slot and hands out what was there.
    fn wear(&mut self, slot: Slot, mut goods: Goods) -> Goods {
        let before = self.take_off(slot);
        self.0[slot.index()] = goods.take_stacks().first().map(|stack| stack.item);
        before
    }

    /// Empties a slot and hands out what was there.
    fn take_off(&mut self, slot: Slot) -> Goods {
        let worn = self.0[slot.index()].take();
        Goods::stacks(worn.map(one).into_iter().collect())
    }
}

/// Moves an item from the bag to its slot; what was worn there returns to the bag.
pub(super) fn equip(
    player: &mut PlayerItem<'_, '_>,
    content: &Content,
    item: u16,
) -> Result<Reply, Refusal> {
    player.bag.check_has(&[one(item)])?;
    let Some(ItemUse::Equipment { slot, .. }) = content.items.get(&item).map(|item| item.purpose)
    else {
        let text = format!("item {item} cannot be worn");
        return Err(Refusal::new(RefusalCode::WrongKind, text));
    };
    let worn = player.equipment.0[slot.index()];
    if let Some(worn) = worn {
        player.bag.check_room(&[one(worn)])?;
    }
    let goods = player.bag.take(&[one(item)]);
    let before = player.equipment.wear(slot, goods);
    player.put_away(before);
    Ok(Reply::Done)
}

/// Moves what is worn in a slot back to the bag.
pub(super) fn unequip(player: &mut PlayerItem<'_, '_>, slot: Slot) -> Result<Reply, Refusal> {
    let Some(worn) = player.equipment.0[slot.index()] else {
        return Err(Refusal::new(RefusalCode::NotOwned, "nothing is worn there"));
    };
    player.bag.check_room(&[one(worn)])?;
    let goods = player.equipment.take_off(slot);
    player.put_away(goods);
    Ok(Reply::Done)
}

/// Uses up one item for its effect.
pub(super) fn use_item(
    player: &mut PlayerItem<'_, '_>,
    content: &Content,
    item: u16,
) -> Result<Reply, Refusal> {
    player.bag.check_has(&[one(item)])?;
    match content.items.get(&item).map(|item| item.purpose) {
        Some(ItemUse::Consumable { xp, gold }) => {
            player.wallet.check_room(gold)?;
            let used = player.bag.take(&[one(item)]);
            player.books.spend(used);
            if gold > 0 {
                let new = player.books.mint(Attachments { gold, stacks: Vec::new() });
                player.put_away(new);
            }
            player.progress.gain_xp(xp, &content.player);
            Ok(Reply::Done)
        }
        Some(ItemUse::Equipment { .. } | ItemUse::Food { .. }) | None => {
            let text = format!("item {item} cannot be used up");
            Err(Refusal::new(RefusalCode::WrongKind, text))
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EquipmentRow {
    worn: [Option<u16>; 3],
}

impl Part for Equipment {
    const ID: PartId = PartId(6);
    const SCHEMA: u8 = 1;
    type Row = EquipmentRow;

    fn to_row(&self) -> EquipmentRow {
        EquipmentRow { worn: self.0 }
    }

    fn from_row(row: EquipmentRow) -> Self {
        Self(row.worn)
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Equipment>(world, tick);
}
