//! The stored parts of a player, for fuzzing.

use shared::content::Content;
use shared::ids::{BattleId, GuildId};
use shared::msg::client::{Attachments, BattleLine, Outcome, Stack};
use shared::store::PartId;

use super::account::Account;
use super::bag::Bag;
use super::battles::Battles;
use super::books::Books;
use super::equipment::Equipment;
use super::goods::Goods;
use super::guild::Membership;
use super::inbox::Inbox;
use super::part::Part;
use super::pets::Pets;
use super::profile::{Progress, Wallet};
use super::requests::Requests;

/// A part of a record: its number, then its bytes.
pub fn player_part(bytes: &[u8]) {
    let Some((id, part)) = bytes.split_first() else { return };
    let id = PartId(*id);
    check::<Account>(id, part);
    check::<Progress>(id, part);
    check::<Wallet>(id, part);
    check::<Bag>(id, part);
    check::<Pets>(id, part);
    check::<Equipment>(id, part);
    check::<Inbox>(id, part);
    check::<Membership>(id, part);
    check::<Requests>(id, part);
    check::<Books>(id, part);
    check::<Battles>(id, part);
}

/// What was read is written and read as the same bytes.
fn check<P: Part>(id: PartId, bytes: &[u8]) {
    if id != P::ID {
        return;
    }
    let load = |bytes: &[u8]| P::load(&[(P::ID, bytes.to_vec())]);
    if let Ok(Some(part)) = load(bytes) {
        let again = part.encode();
        let twin = load(&again).expect("it was just written").expect("the part is there");
        assert_eq!(twin.encode(), again);
    }
}

/// Parts of a player.
#[must_use]
pub fn player_parts() -> Vec<Vec<u8>> {
    let rules = Content::builtin().player;
    let mut bag = Bag::default();
    let mut wallet = Wallet::default();
    let mut books = Books::default();
    let stacks = vec![Stack { item: 21, count: 2 }, Stack { item: 300, count: 9_999 }];
    let mut goods = books.mint(Attachments { gold: 300, stacks });
    wallet.put(Goods::gold(goods.take_gold()));
    bag.put(goods);
    let mut battles = Battles::default();
    battles.enter(BattleLine {
        battle: BattleId(7),
        outcome: Outcome::Won,
        rating_change: 16,
        xp: 90,
    });
    // Nobody's account: an empty name and a secret of zeros.
    let account = [&[Account::ID.0, Account::SCHEMA, 0, 0][..], &[0; 32]].concat();
    vec![
        account,
        seed(&Progress::new(&rules)),
        seed(&wallet),
        seed(&bag),
        seed(&Pets::new(&rules.start_pets)),
        seed(&Equipment::default()),
        seed(&Inbox::default()),
        seed(&Membership::Member(GuildId(7))),
        seed(&Requests::default()),
        seed(&books),
        seed(&battles),
    ]
}

fn seed<P: Part>(part: &P) -> Vec<u8> {
    [&[P::ID.0][..], &part.encode()].concat()
}
