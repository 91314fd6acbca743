//! A battle begins with the newest cards that its players' baseapps tell in time.

use shared::ids::NodeId;
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::matchmaker_battle::Seat;
use shared::msg::replication::{
    EndReason, Replicated as _, Stamp, SubscriptionId, ToPublisher, ToSubscriber,
};

use super::*;

const HERO: u16 = 2;

fn baseapp() -> Address {
    address(5, Role::Baseapp)
}

/// A battle that was asked for, with the owners of its players; its key is owned at once.
fn asked(seats: &[Seat]) -> Rig {
    let mut rig = Rig::new(5);
    rig.tick(vec![card(5, Role::Baseapp)]);
    let mode = String::from("arena");
    let (seats, bots) = (seats.to_vec(), Vec::new());
    let owners = ToBattle::Owners { battle: ID, baseapps: vec![baseapp(); seats.len()] };
    let start = ToBattle::Start { battle: ID, mode, seed: 3, seats, bots };
    let frame = |said| Input::Frame { from: matchmaker(), body: Body::ToBattle(said) };
    rig.tick(vec![frame(start), frame(owners)]);
    rig
}

/// Whose cards were asked for at the baseapp, and the subscriptions that were ended since.
fn subscriptions(rig: &mut Rig) -> (Vec<(SubscriptionId, Key)>, Vec<SubscriptionId>) {
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    rig.said.retain(|output| {
        let Output::Send { to, body: Body::ToPublisher(said) } = output else { return true };
        assert_eq!(*to, baseapp());
        match said {
            ToPublisher::Subscribe { subscription, key, components } => {
                assert_eq!(components, &[PlayerCard::ID]);
                begun.push((*subscription, *key));
            }
            ToPublisher::Unsubscribe { subscription } => ended.push(*subscription),
            ToPublisher::Resnapshot { .. } => {}
        }
        false
    });
    (begun, ended)
}

/// What a baseapp says of a seat: the card of the seat with another hero.
fn told(subscription: SubscriptionId, seat: &Seat) -> Input {
    let card = PlayerCard { hero: HERO, rating: 9_999, ..seat.card.clone() };
    let stamp = Stamp { epoch: shared::ids::Epoch(1), version: 1 };
    let components = vec![card.to_component()];
    let said = ToSubscriber::Snapshot { subscription, stamp, components };
    Input::Frame { from: baseapp(), body: Body::ToSubscriber(said) }
}

fn ended(subscription: SubscriptionId) -> Input {
    let said = ToSubscriber::Ended { subscription, reason: EndReason::NotOwned };
    Input::Frame { from: baseapp(), body: Body::ToSubscriber(said) }
}

/// Heroes of the battle by slot, if it runs.
fn heroes(rig: &mut Rig) -> Option<Vec<u16>> {
    let told = rig.told();
    told.iter().find_map(|(_, output)| match output {
        BattleOutput::Seated { start, .. } => {
            Some(start.fighters.iter().map(|fighter| fighter.hero).collect())
        }
        BattleOutput::Snapshots { .. }
        | BattleOutput::Event { .. }
        | BattleOutput::Over { .. }
        | BattleOutput::NotSeated { .. }
        | BattleOutput::Watching { .. } => None,
    })
}

fn seats() -> Vec<Seat> {
    let mut seats = fixture::seats(2);
    seats.iter_mut().for_each(|seat| seat.card.hero = 1);
    seats
}

#[test]
fn a_battle_waits_for_the_cards_and_begins_with_them() {
    let seats = seats();
    let mut rig = asked(&seats);
    let (begun, _) = subscriptions(&mut rig);
    let keys: Vec<_> = begun.iter().map(|(_, key)| *key).collect();
    assert_eq!(keys, [100, 101].map(|id| Key::Player(PlayerId(id))));
    rig.tick(vec![told(begun[0].0, &seats[0])]);
    assert_eq!((rig.facts(), heroes(&mut rig)), (Vec::new(), None), "one is missing");
    rig.tick(vec![told(begun[1].0, &seats[1])]);
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
    assert_eq!(heroes(&mut rig), Some(vec![HERO; 2]));
    assert_eq!(subscriptions(&mut rig).1.len(), 2, "and follows them no longer");
    assert_eq!(rig.value("cards_followed"), 0);
    rig.play(200);
    let mails = rig.mail_of(100);
    let [Mail::BattleResult { rating_change, .. }] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!(*rating_change, seats[0].stakes.drawn, "what is at stake was decided before");
}

#[test]
fn cards_that_come_too_late_or_never_are_those_of_the_start() {
    let seats = seats();
    let mut rig = asked(&seats);
    let (begun, _) = subscriptions(&mut rig);
    rig.tick(vec![told(begun[1].0, &seats[1])]);
    rig.ticks(23);
    assert_eq!(heroes(&mut rig), None, "240 ms are not too late");
    rig.ticks(1);
    assert_eq!(heroes(&mut rig), Some(vec![1, HERO]));
    assert_eq!(subscriptions(&mut rig).1.len(), 2);
    rig.tick(vec![told(begun[0].0, &seats[0])]);
    assert_eq!(rig.value("battles"), 1, "what comes later means nothing");
}

#[test]
fn nobody_waits_for_a_card_that_cannot_come() {
    for is_gone in [true, false] {
        let mut rig = asked(&seats());
        let (begun, _) = subscriptions(&mut rig);
        rig.tick(if is_gone {
            let node = NodeId { node: 5, incarnation: 1 };
            vec![Input::Directory(DirectoryEvent::Gone(node))]
        } else {
            begun.iter().map(|(subscription, _)| ended(*subscription)).collect()
        });
        assert_eq!(heroes(&mut rig), Some(vec![1; 2]));
    }
}

#[test]
fn owners_that_do_not_fit_are_ignored() {
    let mut rig = Rig::new(5);
    let owners = |count| ToBattle::Owners { battle: ID, baseapps: vec![baseapp(); count] };
    rig.frame(matchmaker(), Body::ToBattle(owners(2)));
    rig.start(ID, seats());
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }], "no start, no owners");
    rig.frame(matchmaker(), Body::ToBattle(owners(2)));
    assert_eq!(subscriptions(&mut rig).0.len(), 0, "it has begun");
    for (from, count) in [(matchmaker(), 1), (address(8, Role::Matchmaker), 2)] {
        let mut rig = Rig::new(5);
        let (mode, seats, bots) = (String::from("arena"), seats(), Vec::new());
        let start = ToBattle::Start { battle: ID, mode, seed: 3, seats, bots };
        let start = Input::Frame { from: matchmaker(), body: Body::ToBattle(start) };
        let body = Body::ToBattle(owners(count));
        rig.tick(vec![start, Input::Frame { from, body }]);
        assert_eq!(subscriptions(&mut rig).0.len(), 0);
        assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
    }
}
