//! Pets, and feeding them.

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::content::{Content, ItemUse};
use shared::limits::PETS_MAX;
use shared::msg::client::{Pet, Reply};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::PartId;

use super::bag::one;
use super::part::{self, Part};
use super::player::PlayerItem;
use super::profile::grown;

/// A player's pets, in the order in which they came.
#[derive(Component, Debug, Default)]
pub(super) struct Pets(pub(super) Vec<Pet>);

impl Pets {
    pub(super) fn new(species: &[u16]) -> Self {
        let born = |&species| Pet { species, level: 1, xp: 0 };
        Self(species.iter().take(PETS_MAX).map(born).collect())
    }
}

/// Feeds one item from the bag to a pet.
pub(super) fn feed(
    player: &mut PlayerItem<'_, '_>,
    content: &Content,
    pet: u16,
    item: u16,
) -> Result<Reply, Refusal> {
    let at = usize::from(pet);
    let Some(fed) = player.pets.0.get(at) else {
        return Err(Refusal::new(RefusalCode::NotFound, format!("there is no pet {pet}")));
    };
    let Some(species) = content.pets.get(&fed.species) else {
        let text = format!("pet species {} is not in this build's content", fed.species);
        return Err(Refusal::new(RefusalCode::NotFound, text));
    };
    player.bag.check_has(&[one(item)])?;
    match content.items.get(&item).map(|item| item.purpose) {
        Some(ItemUse::Food { pet_xp }) => {
            let (level, xp) = grown(fed.level, fed.xp, pet_xp, species.level_xp, species.level_max);
            let eaten = player.bag.take(&[one(item)]);
            player.books.spend(eaten);
            player.pets.0[at] = Pet { species: species.id, level, xp };
            Ok(Reply::Done)
        }
        Some(ItemUse::Equipment { .. } | ItemUse::Consumable { .. }) | None => {
            Err(Refusal::new(RefusalCode::WrongKind, format!("item {item} is not food")))
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PetsRow {
    pets: Vec<(u16, u16, u32)>,
}

impl Part for Pets {
    const ID: PartId = PartId(5);
    const SCHEMA: u8 = 1;
    type Row = PetsRow;

    fn to_row(&self) -> PetsRow {
        PetsRow { pets: self.0.iter().map(|pet| (pet.species, pet.level, pet.xp)).collect() }
    }

    fn from_row(row: PetsRow) -> Self {
        let pet = |(species, level, xp)| Pet { species, level, xp };
        Self(row.pets.into_iter().map(pet).collect())
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Pets>(world, tick);
}
