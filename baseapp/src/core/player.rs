//! A player as an entity: all components together, from and to everything else.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use shared::content::{Content, ItemUse};
use shared::ids::PlayerId;
use shared::msg::client::{Attachments, Profile, Stack};
use shared::msg::matchmaker_baseapp::{PetCard, PlayerCard};
use shared::store::{PartId, Record};

use super::account::{Account, Online};
use super::bag::Bag;
use super::battles::Battles;
use super::books::{Books, Tally};
use super::equipment::Equipment;
use super::guild::Membership;
use super::inbox::Inbox;
use super::part::{Part, PartError};
use super::pets::Pets;
use super::profile::{Progress, Wallet};
use super::requests::Requests;
use super::sessions::Opening;

/// Everything of one player.
#[derive(QueryData)]
#[query_data(mutable)]
pub(super) struct Player {
    pub(super) account: &'static mut Account,
    pub(super) online: &'static mut Online,
    pub(super) progress: &'static mut Progress,
    pub(super) wallet: &'static mut Wallet,
    pub(super) bag: &'static mut Bag,
    pub(super) pets: &'static mut Pets,
    pub(super) equipment: &'static mut Equipment,
    pub(super) inbox: &'static mut Inbox,
    pub(super) membership: &'static mut Membership,
    pub(super) requests: &'static mut Requests,
    pub(super) books: &'static mut Books,
    pub(super) battles: &'static mut Battles,
}

/// The components of an entity to be spawned.
#[derive(Bundle)]
pub(super) struct PlayerBundle {
    account: Account,
    online: Online,
    progress: Progress,
    wallet: Wallet,
    bag: Bag,
    pets: Pets,
    equipment: Equipment,
    inbox: Inbox,
    membership: Membership,
    requests: Requests,
    books: Books,
    battles: Battles,
}

impl PlayerBundle {
    /// A new player, who owns what the content files say.
    pub(super) fn new(player: PlayerId, opening: &Opening, content: &Content) -> Self {
        let rules = &content.player;
        let grants = rules.start_items.iter();
        let stacks = grants.map(|grant| Stack { item: grant.item, count: grant.count }).collect();
        let (mut books, mut bag, mut wallet) = <(Books, Bag, Wallet)>::default();
        bag.put(books.mint(Attachments { gold: 0, stacks }));
        wallet.put(books.mint(Attachments { gold: rules.start_gold, stacks: Vec::new() }));
        Self {
            account: Account {
                player,
                name: opening.account.clone(),
                secret_hash: opening.secret_hash,
            },
            online: Online(None),
            progress: Progress::new(rules),
            wallet,
            bag,
            pets: Pets::new(&rules.start_pets),
            equipment: Equipment::default(),
            inbox: Inbox::default(),
            membership: Membership::None,
            requests: Requests::default(),
            books,
            battles: Battles::default(),
        }
    }

    /// A stored player; `None` if the record was never written.
    pub(super) fn load(record: &Record) -> Result<Option<Self>, PartError> {
        let parts = &record.parts[..];
        if parts.is_empty() {
            return Ok(None);
        }
        let (wallet, bag) = (required::<Wallet>(parts)?, required::<Bag>(parts)?);
        let (equipment, inbox) = (required::<Equipment>(parts)?, required::<Inbox>(parts)?);
        // A record that is older than books begins them with what it holds.
        let books = Books::load(parts)?.unwrap_or_else(|| {
            let mut held = Tally::default();
            held.add_gold(wallet.gold());
            held.add_stacks(&bag.stacks());
            held.add_all(&equipment.held());
            held.add_all(&inbox.held());
            Books::begun_with(&held)
        });
        Ok(Some(Self {
            account: required(parts)?,
            online: Online(None),
            progress: required(parts)?,
            wallet,
            bag,
            pets: required(parts)?,
            equipment,
            inbox,
            membership: required(parts)?,
            requests: required(parts)?,
            books,
            // A record of a player who has fought no battle yet, or that is older than the list.
            battles: Battles::load(parts)?.unwrap_or_default(),
        }))
    }
}

fn required<P: Part>(parts: &[(PartId, Vec<u8>)]) -> Result<P, PartError> {
    P::load(parts)?.ok_or(PartError::Missing { part: P::ID })
}

impl PlayerItem<'_, '_> {
    /// What `ReadProfile` answers.
    pub(super) fn profile(&self) -> Profile {
        Profile {
            player: self.account.player,
            name: self.account.name.clone(),
            level: self.progress.level,
            xp: self.progress.xp,
            gold: self.wallet.gold(),
            rating: self.progress.rating,
            wins: self.progress.wins,
            losses: self.progress.losses,
            draws: self.progress.draws,
            hero: self.progress.hero,
            guild: self.membership.guild(),
        }
    }

    /// What the player brings into a battle: level, equipment and the first pet count.
    pub(super) fn card(&self, content: &Content) -> PlayerCard {
        let rules = &content.player;
        let levels = i32::from(self.progress.level.saturating_sub(1));
        let mut card = PlayerCard {
            name: self.account.name.clone(),
            level: self.progress.level,
            rating: self.progress.rating,
            hero: self.progress.hero,
            bonus_hp: rules.level_bonus_hp.saturating_mul(levels),
            ..PlayerCard::default()
        };
        for item in self.equipment.0.iter().flatten() {
            let purpose = content.items.get(item).map(|item| item.purpose);
            if let Some(ItemUse::Equipment {
                slot: _,
                bonus_hp,
                bonus_damage,
                bonus_armour,
                haste_permille,
            }) = purpose
            {
                let add = |sum: &mut i32, more| *sum = sum.saturating_add(more);
                add(&mut card.bonus_hp, bonus_hp);
                add(&mut card.bonus_damage, bonus_damage);
                add(&mut card.bonus_armour, bonus_armour);
                add(&mut card.haste_permille, haste_permille);
            }
        }
        if let Some(pet) = self.pets.0.first()
            && let Some(species) = content.pets.get(&pet.species)
        {
            let bonus = species.level_bonus_hp.saturating_mul(i32::from(pet.level));
            card.bonus_hp = card.bonus_hp.saturating_add(bonus);
            card.pet = Some(PetCard { species: pet.species, level: pet.level });
        }
        card
    }
}
