//! Cards of players, as subscribers on other nodes are told: durable, current, and over when the
//! player is given back.

#[path = "players/bench.rs"]
mod bench;

use bench::{Bench, player};
use shared::core::Input;
use shared::directory::DirectoryEvent;
use shared::ids::{Address, Epoch, Key, NodeId, Role};
use shared::msg::Body;
use shared::msg::client::{PlayerRequest, Reply, Slot};
use shared::msg::matchmaker_baseapp::{PetCard, PlayerCard};
use shared::msg::replication::{
    EndReason, Replicated, Stamp, SubscriptionId, ToPublisher, ToSubscriber,
};
use shared::store::{StoreReply, StoreRequest};

const SWORD: u16 = 1;
const SCROLL: u16 = 20;
const PURSE: u16 = 21;
const HONEY: u16 = 41;
const SUBSCRIBER: Address =
    Address { node: NodeId { node: 7, incarnation: 1 }, role: Role::Matchmaker };

/// A frame to the subscriber, as far as the tests look at it.
#[derive(Debug, PartialEq)]
enum Told {
    Whole(u64, Option<PlayerCard>),
    Change(u64, Option<PlayerCard>),
    Ended(EndReason),
}

impl Bench {
    fn subscribe(&mut self, account: &str) {
        let (subscription, key) = (SubscriptionId(1), Key::Player(player(account)));
        let components = vec![PlayerCard::ID];
        self.subscriber_says(SUBSCRIBER, ToPublisher::Subscribe { subscription, key, components });
    }

    fn take_told(&mut self) -> Vec<Told> {
        let told = std::mem::take(&mut self.told);
        let card = |components: &[_]| components.first().and_then(PlayerCard::of_component);
        told.into_iter()
            .map(|(to, said)| {
                assert_eq!(to, SUBSCRIBER);
                match said {
                    ToSubscriber::Snapshot { stamp, components, .. } => {
                        Told::Whole(stamp.version, card(&components))
                    }
                    ToSubscriber::Changes { stamp, components, .. } => {
                        Told::Change(stamp.version, card(&components))
                    }
                    ToSubscriber::Ended { reason, .. } => Told::Ended(reason),
                }
            })
            .collect()
    }
}

/// The card of a new player.
fn new_card() -> PlayerCard {
    let name = String::from("anna");
    let pet = Some(PetCard { species: 1, level: 1 });
    PlayerCard { name, level: 1, rating: 1500, hero: 1, bonus_hp: 2, pet, ..PlayerCard::default() }
}

fn with_sword() -> PlayerCard {
    PlayerCard { bonus_damage: 6, ..new_card() }
}

/// Anna is in, and the subscriber has her card.
fn followed() -> Bench {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.subscribe("anna");
    assert_eq!(bench.take_told(), [Told::Whole(1, Some(new_card()))]);
    bench
}

#[test]
fn every_change_that_others_see_is_told_and_no_other() {
    let mut bench = followed();
    let equip = PlayerRequest::Equip { item: SWORD };
    assert_eq!(bench.ask("anna", equip), Ok(Reply::Done));
    assert_eq!(bench.take_told(), [Told::Change(2, Some(with_sword()))]);
    assert_eq!(bench.ask("anna", PlayerRequest::UseItem { item: PURSE }), Ok(Reply::Done));
    assert_eq!(bench.take_told(), [], "nobody sees another's gold");
    assert_eq!(bench.ask("anna", PlayerRequest::ChooseHero { hero: 2 }), Ok(Reply::Done));
    let hero = PlayerCard { hero: 2, ..with_sword() };
    assert_eq!(bench.take_told(), [Told::Change(3, Some(hero.clone()))]);
    for version in 4..=5 {
        let feed = PlayerRequest::FeedPet { pet: 0, item: HONEY };
        assert_eq!(bench.ask("anna", feed), Ok(Reply::Done));
        let fed = (version == 5).then(|| {
            Told::Change(
                4,
                Some(PlayerCard {
                    bonus_hp: 4,
                    pet: Some(PetCard { species: 1, level: 2 }),
                    ..hero.clone()
                }),
            )
        });
        assert_eq!(bench.take_told(), Vec::from_iter(fed), "the pet's level is seen, not its xp");
    }
}

#[test]
fn changes_of_one_tick_are_told_as_one() {
    let mut bench = followed();
    bench.send("anna", PlayerRequest::Equip { item: SWORD });
    bench.send("anna", PlayerRequest::ChooseHero { hero: 2 });
    bench.run(2);
    let both = PlayerCard { hero: 2, ..with_sword() };
    assert_eq!(bench.take_told(), [Told::Change(2, Some(both))]);
}

#[test]
fn a_change_is_told_when_it_is_durable_and_never_if_a_crash_takes_it_back() {
    let mut bench = followed();
    bench.store_answers = false;
    bench.send("anna", PlayerRequest::Equip { item: SWORD });
    bench.run(20);
    assert_eq!(bench.take_told(), [], "the commit is not acknowledged");
    bench.subscriber_says(
        SUBSCRIBER,
        ToPublisher::Resnapshot { subscription: SubscriptionId(1), have: None },
    );
    assert_eq!(bench.take_told(), [Told::Whole(2, Some(new_card()))], "nor may it be asked out");
    bench.store_answers = true;
    bench.run(2);
    assert_eq!(bench.take_told(), [Told::Change(3, Some(with_sword()))]);

    bench.store_answers = false;
    bench.send("anna", PlayerRequest::Unequip { slot: Slot::Weapon });
    bench.run(20);
    bench.crash();
    bench.store_answers = true;
    bench.login("anna", 2).expect("the same secret");
    bench.subscribe("anna");
    assert_eq!(bench.take_told(), [Told::Whole(1, Some(with_sword()))]);
}

#[test]
fn a_new_player_has_no_card_before_the_first_commit_is_durable() {
    let mut bench = Bench::new();
    bench.login("bert", 1).expect("a new account");
    bench.crash();
    bench.store_answers = false;
    bench.begin_login("anna", 2, [1; 32]);
    bench.begin_login("bert", 3, [1; 32]);
    // Owners are read, then keys are claimed; the first commit waits.
    for _ in 0..2 {
        bench.run(1);
        bench.answer_waiting();
    }
    bench.subscribe("anna");
    assert_eq!(bench.take_told(), [Told::Ended(EndReason::NotOwned)]);
    bench.subscribe("bert");
    assert!(matches!(bench.take_told()[..], [Told::Whole(1, Some(_))]), "bert was loaded");
    bench.store_answers = true;
    bench.run(2);
    bench.subscribe("anna");
    assert_eq!(bench.take_told(), [Told::Whole(1, Some(new_card()))]);
}

#[test]
fn an_owner_that_was_fenced_tells_nothing_of_what_it_could_not_store() {
    let mut bench = followed();
    let key = Key::Player(player("anna"));
    let by = Address { node: NodeId { node: 9, incarnation: 9 }, role: Role::Baseapp };
    let claimed = bench.store.apply(&StoreRequest::Claim { key, by, seen: Epoch(1) });
    assert!(matches!(claimed, StoreReply::Claimed(_)));
    bench.send("anna", PlayerRequest::Equip { item: SWORD });
    bench.run(2);
    assert_eq!(bench.take_told(), [Told::Ended(EndReason::Lost)]);
    bench.subscribe("anna");
    assert_eq!(bench.take_told(), [Told::Ended(EndReason::NotOwned)]);
}

#[test]
fn a_player_who_is_given_back_is_not_followed_any_more() {
    let mut bench = followed();
    bench.send("anna", PlayerRequest::UseItem { item: SCROLL });
    bench.close("anna");
    bench.drain();
    bench.run(3);
    assert_eq!(bench.take_told(), [Told::Ended(EndReason::Lost)]);
    assert_eq!(bench.value("card_subscriptions"), 0);
    assert!(bench.drained());
}

#[test]
fn a_subscription_ends_with_its_node_and_a_lost_frame_is_made_up_for() {
    let mut bench = followed();
    bench.send("anna", PlayerRequest::Equip { item: SWORD });
    bench.run(2);
    let (to, said) = bench.told.pop().expect("a change is told");
    bench.input(Input::Unsent { to, body: Body::ToSubscriber(said) });
    bench.run(60);
    assert_eq!(bench.take_told(), [Told::Whole(3, Some(with_sword()))]);
    let have = Some(Stamp { epoch: Epoch(1), version: 3 });
    let subscription = SubscriptionId(1);
    bench.subscriber_says(SUBSCRIBER, ToPublisher::Resnapshot { subscription, have });
    assert_eq!(bench.take_told(), [Told::Change(3, None)], "nothing has changed");
    bench.input(Input::Directory(DirectoryEvent::Gone(SUBSCRIBER.node)));
    bench.send("anna", PlayerRequest::Unequip { slot: Slot::Weapon });
    bench.run(2);
    assert_eq!(bench.take_told(), []);
    assert_eq!(bench.value("card_subscriptions"), 0);
}
