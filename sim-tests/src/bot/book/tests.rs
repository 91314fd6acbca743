//! Tests of the book: every change enters it, every contradiction is found.

use shared::ids::{BattleId, PlayerId};
use shared::msg::client::Sender;

use super::*;
use crate::bot::sample::{self, AXE, MEAT, PURSE, SWORD};

fn stacks(list: &[(u16, u32)]) -> Vec<Stack> {
    list.iter().map(|&(item, count)| Stack { item, count }).collect()
}

fn letter(id: u64, gold: u64, list: &[(u16, u32)]) -> Letter {
    Letter {
        letter: LetterId(id),
        from: Sender::Battle(BattleId(1)),
        attached: Attachments { gold, stacks: stacks(list) },
    }
}

pub(crate) fn profile(gold: u64) -> Profile {
    Profile {
        player: PlayerId(1),
        name: String::from("bot"),
        level: 1,
        xp: 0,
        gold,
        rating: 1500,
        wins: 0,
        losses: 0,
        draws: 0,
        hero: 1,
        guild: None,
    }
}

fn book() -> Book {
    let mut book = Book::default();
    assert_eq!(book.read_profile(&profile(100)), None);
    assert_eq!(book.read_bag(&stacks(&[(SWORD, 1), (AXE, 1), (PURSE, 2), (MEAT, 3)])), None);
    assert_eq!(book.read_worn([None; 3]), None);
    assert_eq!(book.read_inbox(&[]), None);
    book
}

/// After `requests`, a bag of `bag` and `gold` is what the book expects, and nothing else.
fn check(requests: &[PlayerRequest], gold: u64, bag: &[(u16, u32)]) {
    let mut book = book();
    book.letter_came(letter(7, 30, &[(MEAT, 2)]));
    requests.iter().for_each(|request| book.enter(request, &sample::content()));
    assert_eq!(book.bag_differs(&stacks(bag)), None, "{requests:?}");
    assert_eq!(book.profile_differs(&profile(gold)), None, "{requests:?}");
    assert!(book.profile_differs(&profile(gold + 1)).is_some(), "{requests:?}");
    let mut more = stacks(bag);
    more.push(Stack { item: 99, count: 1 });
    assert!(book.bag_differs(&more).is_some(), "{requests:?}");
}

#[test]
fn a_bag_is_not_known_any_more_when_something_unknown_was_put_into_it() {
    let changes =
        [PlayerRequest::Equip { item: SWORD }, PlayerRequest::Unequip { slot: Slot::Weapon }];
    for change in changes {
        let mut book = Book { worn: None, ..book() };
        book.enter(&change, &sample::content());
        assert_eq!(book.bag_differs(&stacks(&[(AXE, 9)])), None, "{change:?}");
    }
}

#[test]
fn changes_enter_the_book_as_the_servers_make_them() {
    let all = [(SWORD, 1), (AXE, 1), (PURSE, 2), (MEAT, 3)];
    check(&[], 100, &all);
    let sword = PlayerRequest::Equip { item: SWORD };
    check(std::slice::from_ref(&sword), 100, &[(AXE, 1), (PURSE, 2), (MEAT, 3)]);
    let axe = PlayerRequest::Equip { item: AXE };
    check(&[sword.clone(), axe], 100, &[(SWORD, 1), (PURSE, 2), (MEAT, 3)]);
    check(&[sword, PlayerRequest::Unequip { slot: Slot::Weapon }], 100, &all);
    let purse = PlayerRequest::UseItem { item: PURSE };
    check(&[purse], 200, &[(SWORD, 1), (AXE, 1), (PURSE, 1), (MEAT, 3)]);
    let feed = PlayerRequest::FeedPet { pet: 0, item: MEAT };
    check(&[feed], 100, &[(SWORD, 1), (AXE, 1), (PURSE, 2), (MEAT, 2)]);
    let gift = Attachments { gold: 5, stacks: stacks(&[(AXE, 1), (MEAT, 1)]) };
    let gift = PlayerRequest::SendGift { to: PlayerId(2), gift };
    check(&[gift], 95, &[(SWORD, 1), (PURSE, 2), (MEAT, 2)]);
    let claim = PlayerRequest::ClaimLetter { letter: LetterId(7) };
    check(&[claim], 130, &[(SWORD, 1), (AXE, 1), (PURSE, 2), (MEAT, 5)]);
}

#[test]
fn a_letter_that_vanished_or_came_back_contradicts_the_book() {
    let mut book = book();
    let came = letter(7, 30, &[]);
    book.letter_came(came.clone());
    assert!(book.inbox_differs(&[]).is_some(), "it vanished");
    assert_eq!(book.inbox_differs(&[came.clone(), letter(8, 1, &[])]), None, "more may come");
    book.enter(&PlayerRequest::ClaimLetter { letter: LetterId(7) }, &sample::content());
    assert_eq!(book.inbox_differs(&[]), None);
    assert!(book.inbox_differs(&[came]).is_some(), "it came back");
}

#[test]
fn a_membership_and_a_farewell_are_compared_and_an_application_is_not() {
    let mut book = book();
    let mut member = profile(100);
    member.guild = Some(GuildId(5));
    book.enter(&PlayerRequest::JoinGuild { guild: GuildId(5) }, &sample::content());
    assert_eq!(book.profile_differs(&profile(100)), None, "the answer is on its way");
    assert_eq!(book.read_profile(&profile(100)), None);
    assert_eq!(book.guild, Affiliation::Applied);
    assert_eq!(book.read_profile(&member), None);
    assert_eq!(book.guild, Affiliation::Member(GuildId(5)));
    assert!(book.profile_differs(&profile(100)).is_some(), "the membership is lost");
    book.enter(&PlayerRequest::LeaveGuild, &sample::content());
    assert_eq!(book.profile_differs(&profile(100)), None);
    assert!(book.profile_differs(&member).is_some(), "the farewell is lost");
}

#[test]
fn pets_that_shrink_and_battles_that_are_missing_are_found() {
    let mut book = book();
    let pet = Pet { species: 1, level: 2, xp: 10 };
    assert_eq!(book.read_pets(&[pet]), None);
    assert_eq!(book.pets_differ(&[Pet { level: 3, xp: 0, ..pet }]), None);
    assert!(book.pets_differ(&[Pet { xp: 9, ..pet }]).is_some());
    assert!(book.pets_differ(&[]).is_some());
    book.battles = 1;
    let mut stored = Stored {
        profile: profile(100),
        bag: stacks(&[(SWORD, 1), (AXE, 1), (PURSE, 2), (MEAT, 3)]),
        worn: [None; 3],
        pets: vec![pet],
        inbox: Vec::new(),
    };
    assert_eq!(book.differences(&stored).len(), 1, "the battle is missing");
    stored.profile.draws = 1;
    assert_eq!(book.differences(&stored), Vec::<String>::new());
}

#[test]
fn what_was_read_is_the_new_truth_so_that_one_fault_is_told_once() {
    let mut book = book();
    assert!(book.read_bag(&[]).is_some());
    assert_eq!(book.read_bag(&[]), None);
}
