//! Cards: followed from the moment of queueing until the battle has begun.

use shared::msg::replication::{SubscriptionId, ToPublisher};

use super::*;

/// Ratings of the seats of the last battle that was to begin, by player.
fn ratings(outputs: &[Output]) -> Vec<(u64, i32)> {
    let (_, seats) = started(outputs).expect("a battle is begun");
    let mut ratings: Vec<_> = seats.iter().map(|seat| (seat.player.0, seat.card.rating)).collect();
    ratings.sort_unstable();
    ratings
}

/// Subscriptions that were begun and not ended.
fn open_subscriptions(outputs: &[Output]) -> Vec<SubscriptionId> {
    let mut open = Vec::new();
    for output in outputs {
        let Output::Send { body: Body::ToPublisher(said), .. } = output else { continue };
        match said {
            ToPublisher::Subscribe { subscription, .. } => open.push(*subscription),
            ToPublisher::Unsubscribe { subscription } => open.retain(|id| id != subscription),
            ToPublisher::Resnapshot { .. } => {}
        }
    }
    open
}

#[test]
fn a_match_is_made_with_the_newest_cards() {
    let script = [
        Enqueue(1, &[11]),
        Cards(&[11]),
        Changed(11, 1600),
        Enqueue(2, &[12]),
        Cards(&[12]),
        Changed(11, 1650),
        Up(BATTLEAPP, Role::Battleapp),
    ];
    let (outputs, _) = played(&script);
    assert_eq!(ratings(&outputs), [(11, 1650), (12, 1500)]);
}

#[test]
fn a_rating_that_changes_in_the_queue_changes_whom_the_player_meets() {
    let apart = [
        Enqueue(1, &[11]),
        Card(11, 2400),
        Enqueue(2, &[12]),
        Cards(&[12]),
        Up(BATTLEAPP, Role::Battleapp),
    ];
    let (outputs, core) = played(&apart);
    assert_eq!(started(&outputs), None, "900 points apart");
    assert_eq!(value(&core, "tickets_waiting"), 2);
    let (outputs, core) = played(&[&apart[..], &[Changed(11, 1600)]].concat());
    assert_eq!(ratings(&outputs), [(11, 1600), (12, 1500)]);
    assert_eq!(value(&core, "tickets_waiting"), 0);
}

#[test]
fn every_start_is_followed_by_who_owns_its_players() {
    let script = [&MATCHED[..], &[Up(8, Role::Battleapp), Refused(7, 0)]];
    let (outputs, _) = played(&script.concat());
    let of_battles = outputs.iter().filter_map(|output| match output {
        Output::Send { to, body: Body::ToBattle(said) } => Some((*to, said)),
        Output::Send { .. } | Output::Store { .. } | Output::Edge(_) => None,
        Output::SaveReplay { .. } => None,
    });
    let told: Vec<_> = of_battles.collect();
    assert_eq!(told.len(), 4, "it is offered twice");
    for pair in told.chunks(2) {
        let [(to, ToBattle::Start { battle, seats, .. }), (after, owners)] = pair else {
            panic!("{pair:?}");
        };
        let baseapps = vec![address(BASEAPP, Role::Baseapp); seats.len()];
        assert_eq!((to, *owners), (after, &ToBattle::Owners { battle: *battle, baseapps }));
    }
}

#[test]
fn a_battle_that_is_offered_again_is_the_same_one() {
    let script = [&MATCHED[..], &[Changed(11, 1900), Up(8, Role::Battleapp), Refused(7, 0)]];
    let (outputs, _) = played(&script.concat());
    assert_eq!(ratings(&outputs), [(11, 1500), (12, 1500)]);
    let starts = outputs.iter().filter(|output| {
        matches!(output, Output::Send { body: Body::ToBattle(ToBattle::Start { .. }), .. })
    });
    assert_eq!(starts.count(), 2);
}

#[test]
fn a_battle_that_nobody_takes_is_made_anew_with_the_newest_cards() {
    let script = [&MATCHED[..], &[Refused(7, 0), Changed(11, 1550), WaitMs(550)]];
    let (outputs, _) = played(&script.concat());
    assert_eq!(ratings(&outputs), [(11, 1550), (12, 1500)]);
}

#[test]
fn cards_are_followed_no_longer_than_they_are_needed() {
    let (outputs, core) = played(&MATCHED);
    assert_eq!(open_subscriptions(&outputs).len(), 2, "the battle may have to be placed again");
    assert_eq!(value(&core, "cards_followed"), 2);
    let ends = [&[Started(7, 0)][..], &[WaitMs(3000)], &[Gone(7)], &[Cancel(1), Refused(7, 0)]];
    let left = [0, 0, 0, 1];
    for (end, left) in ends.into_iter().zip(left) {
        let (outputs, core) = played(&[&MATCHED[..], end].concat());
        assert_eq!(open_subscriptions(&outputs).len(), usize::try_from(left).unwrap());
        assert_eq!(value(&core, "cards_followed"), left);
    }
}

#[test]
fn a_player_whose_baseapp_is_gone_or_has_given_up_fights_with_the_last_card() {
    for loss in [&[Gone(BASEAPP)][..], &[CardLost(11), WaitMs(300), NoCard(11)]] {
        let queued = [&[Enqueue(1, &[11]), Card(11, 1580)], loss].concat();
        let rest = [Up(BATTLEAPP, Role::Battleapp), Enqueue(2, &[12]), Cards(&[12])];
        let (outputs, _) = played(&[&queued[..], &rest].concat());
        assert_eq!(ratings(&outputs), [(11, 1580), (12, 1500)]);
    }
}

#[test]
fn a_lost_change_is_found_and_made_up_for() {
    let script = [Enqueue(1, &[11]), Cards(&[11]), LoseChange(11), Changed(11, 1700)];
    let (lines, core) = run(&script);
    assert_eq!(lines, ["card 11", "queued 1", "newest after 0?"]);
    assert_eq!(value(&core, "card_gaps_total"), 1);
}

#[test]
fn whether_a_card_is_still_the_newest_is_asked_now_and_then() {
    let waiting = [Enqueue(1, &[11]), Cards(&[11]), WaitMs(10_000)];
    check(&waiting, &["card 11", "queued 1", "newest after 1?"]);
}
