//! What a bot does between battles with what it owns: it dresses, uses, feeds, gives, looks.

use shared::content::{Content, ItemUse};
use shared::ids::PlayerId;
use shared::msg::client::{Attachments, PlayerRequest, Request, Slot, Stack};
use shared::rng::Draws;

use super::book::{Affiliation, Book};
use super::guild;

/// A bot keeps this much gold for itself.
const GOLD_KEPT: u64 = 50;
/// Gold in one gift at most.
const GIFT_GOLD_MAX: u64 = 5;
/// Pets of this level are not fed any more; their food makes gifts.
const FED_LEVEL_MAX: u16 = 10;

/// The next chore, drawn from what is possible with what the book says. `to` gets a gift, if one
/// is drawn.
pub(crate) fn draw(
    draws: &mut Draws,
    book: &Book,
    content: &Content,
    to: Option<PlayerId>,
) -> Request {
    let chore = match draws.below(16) {
        0 | 1 => equip(draws, book, content),
        2 => unequip(draws, book),
        3 | 4 => use_item(draws, book, content),
        5 => feed(draws, book, content),
        6..=8 => to.and_then(|to| gift(draws, book, to)),
        9 => choose_hero(draws, content),
        10 => Some(PlayerRequest::ReadBag),
        11 => Some(PlayerRequest::ReadEquipment),
        12 => Some(PlayerRequest::ReadPets),
        13 => Some(PlayerRequest::ReadInbox),
        14 => return social(draws, book),
        _ => Some(PlayerRequest::ReadProfile),
    };
    chore.map_or(Request::Ping, Request::Player)
}

fn social(draws: &mut Draws, book: &Book) -> Request {
    let Affiliation::Member(guild) = book.guild else { return Request::Ping };
    // Members are loyal, but not all of them for ever.
    match draws.below(40) {
        0 => Request::Player(PlayerRequest::LeaveGuild),
        1..=8 => guild::members(guild),
        _ => guild::roster(guild),
    }
}

fn equip(draws: &mut Draws, book: &Book, content: &Content) -> Option<PlayerRequest> {
    let item = pick(draws, book, content, |purpose| matches!(purpose, ItemUse::Equipment { .. }))?;
    Some(PlayerRequest::Equip { item })
}

fn unequip(draws: &mut Draws, book: &Book) -> Option<PlayerRequest> {
    let worn = book.worn?;
    let slots: Vec<_> = Slot::ALL.into_iter().filter(|slot| worn[slot.index()].is_some()).collect();
    let slot = *nth(&slots, draws)?;
    Some(PlayerRequest::Unequip { slot })
}

fn use_item(draws: &mut Draws, book: &Book, content: &Content) -> Option<PlayerRequest> {
    let item = pick(draws, book, content, |purpose| matches!(purpose, ItemUse::Consumable { .. }))?;
    Some(PlayerRequest::UseItem { item })
}

fn feed(draws: &mut Draws, book: &Book, content: &Content) -> Option<PlayerRequest> {
    let item = pick(draws, book, content, |purpose| matches!(purpose, ItemUse::Food { .. }))?;
    let hungry: Vec<u16> = (0u16..)
        .zip(&book.pets)
        .filter(|(_, pet)| pet.level < FED_LEVEL_MAX)
        .map(|(number, _)| number)
        .collect();
    let pet = *nth(&hungry, draws)?;
    Some(PlayerRequest::FeedPet { pet, item })
}

/// One item of which there are several, or a little gold.
fn gift(draws: &mut Draws, book: &Book, to: PlayerId) -> Option<PlayerRequest> {
    let several: Vec<u16> =
        book.bag.as_ref()?.iter().filter(|(_, count)| **count > 1).map(|(item, _)| *item).collect();
    let item = nth(&several, draws).copied();
    let rich = book.gold? >= GOLD_KEPT + GIFT_GOLD_MAX;
    let gift = match (item, rich) {
        (Some(item), false) => items(item),
        (Some(item), true) if draws.below(2) == 0 => items(item),
        (_, true) => Attachments { gold: 1 + draws.below(GIFT_GOLD_MAX), stacks: Vec::new() },
        (None, false) => return None,
    };
    Some(PlayerRequest::SendGift { to, gift })
}

fn items(item: u16) -> Attachments {
    Attachments { gold: 0, stacks: vec![Stack { item, count: 1 }] }
}

fn choose_hero(draws: &mut Draws, content: &Content) -> Option<PlayerRequest> {
    let heroes: Vec<u16> = content.heroes.keys().copied().collect();
    Some(PlayerRequest::ChooseHero { hero: *nth(&heroes, draws)? })
}

/// An item of the bag that is good for what is wanted.
fn pick(
    draws: &mut Draws,
    book: &Book,
    content: &Content,
    wanted: impl Fn(&ItemUse) -> bool,
) -> Option<u16> {
    let fits = |item: &u16| content.items.get(item).is_some_and(|known| wanted(&known.purpose));
    let items: Vec<u16> = book.bag.as_ref()?.keys().copied().filter(fits).collect();
    nth(&items, draws).copied()
}

fn nth<'a, T>(list: &'a [T], draws: &mut Draws) -> Option<&'a T> {
    let count = u64::try_from(list.len()).ok()?;
    list.get(usize::try_from(draws.below(count)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bot::refusals;
    use crate::bot::sample::{self, AXE, MEAT, PURSE, SWORD};

    fn book() -> Book {
        Book {
            gold: Some(500),
            bag: Some(BTreeMap::from([(SWORD, 1), (AXE, 1), (PURSE, 3), (MEAT, 5)])),
            worn: Some([Some(SWORD), None, None]),
            pets: vec![shared::msg::client::Pet { species: 1, level: 1, xp: 0 }],
            guild: Affiliation::Member(shared::ids::GuildId(3)),
            ..Book::default()
        }
    }

    #[test]
    fn every_kind_of_chore_comes_up_and_uses_only_what_is_owned() {
        let (book, content) = (book(), sample::content());
        let mut draws = Draws::new(1, 2);
        let mut kinds = std::collections::BTreeSet::new();
        for _ in 0..2_000 {
            let chore = draw(&mut draws, &book, &content, Some(PlayerId(9)));
            kinds.insert(refusals::kind(&chore));
            let Request::Player(request) = chore else { continue };
            let mut after = book.clone();
            after.enter(&request, &content);
            assert!(after.gold >= Some(GOLD_KEPT), "{request:?}");
            if let PlayerRequest::SendGift { gift, .. } = &request {
                let items: u32 = gift.stacks.iter().map(|stack| stack.count).sum();
                assert!(gift.gold + u64::from(items) > 0, "an empty gift is none");
            }
        }
        assert_eq!(kinds.len(), 14, "all but a ping for want of anything better: {kinds:?}");
    }

    #[test]
    fn who_owns_nothing_gives_nothing_and_still_asks() {
        let book = Book { bag: Some(BTreeMap::new()), gold: Some(0), ..Book::default() };
        let mut draws = Draws::new(1, 2);
        for _ in 0..200 {
            let chore = draw(&mut draws, &book, &sample::content(), Some(PlayerId(9)));
            let gives = matches!(chore, Request::Player(PlayerRequest::SendGift { .. }));
            assert!(!gives, "{chore:?}");
        }
    }
}
