//! Scripts: what goes in, and all that comes out.

mod cards;
mod script;

use shared::content::Strength;
use shared::msg::matchmaker_battle::Stakes;

use super::*;
use script::*;

#[test]
fn two_players_meet_fight_and_are_free_again() {
    let script = [Started(7, 0), Ended(7, 0), Enqueue(3, &[11])];
    let lines = ["matched 1 at 7", "matched 2 at 7", "closed 1", "closed 2", "card 11"];
    let core = check_matched(&script, &lines);
    assert_eq!(value(&core, "matches_total"), 1);
    assert_eq!(value(&core, "refusals_total"), 0);
}

#[test]
fn what_cannot_be_queued_is_refused_with_its_reason() {
    check(&[EnqueueIn("duell", 1, &[11])], &["closed 1 NotFound"]);
    check(&[Enqueue(1, &[11, 12])], &["closed 1 BadAmount"]);
    check(&[EnqueueIn("arena", 1, &[])], &["closed 1 BadAmount"]);
    check(&[EnqueueIn("arena", 1, &[11, 11])], &["closed 1 BadAmount"]);
    let twice = [EnqueueIn("arena", 1, &[11, 12]), Enqueue(2, &[12])];
    check(&twice, &["card 11", "card 12", "closed 2 InQueue"]);
}

#[test]
fn repeating_a_ticket_changes_nothing_and_tells_where_it_stands() {
    let script = [Enqueue(1, &[11]), Enqueue(1, &[11]), Cards(&[11]), Enqueue(1, &[11])];
    let core = check(&script, &["card 11", "queued 1", "queued 1"]);
    assert_eq!(core.status().load, 1);
    let (lines, _) = run(&[&MATCHED[..], &[Started(7, 0), Enqueue(2, &[12])]].concat());
    assert_eq!(lines.last().unwrap(), "matched 2 at 7");
}

#[test]
fn a_ticket_of_another_social_node_cannot_be_touched() {
    let script = [EnqueueFrom(OTHER_SOCIAL, 1, &[11]), Cards(&[11]), Cancel(1), Enqueue(1, &[])];
    let core = check(&script, &["card 11", "queued 1"]);
    assert_eq!(value(&core, "strays_total"), 2);
}

#[test]
fn a_ticket_ends_if_a_card_does_not_come() {
    let late = [Enqueue(1, &[11]), WaitMs(1900), WaitMs(150), Cards(&[11])];
    check(&late, &["card 11", "card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), NoCard(11)], &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), CardUnsent(11)], &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), Gone(BASEAPP)], &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), Cards(&[11]), WaitMs(9000)], &["card 11", "queued 1"]);
}

#[test]
fn a_ticket_can_be_left_until_it_is_matched() {
    check(&[Enqueue(1, &[11]), Cancel(1)], &["card 11", "closed 1"]);
    let waiting = [Enqueue(1, &[11]), Cards(&[11]), Cancel(1), Cancel(1)];
    check(&waiting, &["card 11", "queued 1", "closed 1", "closed 1"]);
    check_matched(&[Cancel(1)], &[]);
}

#[test]
fn a_refused_battle_is_offered_to_another_battleapp_under_the_same_id() {
    let script = [Up(8, Role::Battleapp), Refused(7, 0)];
    check_matched(&script, &["start 0 at 8"]);
    let script = [Up(8, Role::Battleapp), StartUnsent(7, 0), Started(7, 0), Refused(8, 0)];
    let core = check_matched(&script, &["start 0 at 8"]);
    assert_eq!(value(&core, "placements_refused_total"), 2);
    assert_eq!(value(&core, "tickets_waiting"), 2, "there is no third battleapp");
}

#[test]
fn a_battle_that_nobody_takes_gives_its_tickets_back_and_is_tried_later() {
    let script = [Refused(7, 0), WaitMs(450), WaitMs(100)];
    let core = check_matched(&script, &["start 1 at 7"]);
    assert_eq!(value(&core, "tickets_waiting"), 0);
}

#[test]
fn leaving_while_the_battle_is_placed_counts_if_it_does_not_begin() {
    let core = check_matched(&[Cancel(1), Refused(7, 0)], &["closed 1"]);
    assert_eq!(value(&core, "tickets_waiting"), 1);
}

#[test]
fn without_an_answer_the_tickets_end_and_the_players_are_kept_out_of_other_battles() {
    let closed = ["closed 1 Unavailable", "closed 2 Unavailable"];
    let again = [WaitMs(3000), Up(8, Role::Battleapp), Enqueue(3, &[11])];
    let core = check_matched(&again, &[&closed[..], &["closed 3 InQueue"]].concat());
    assert_eq!(value(&core, "placements_unknown_total"), 1);
    for answer in [Refused(7, 0), Ended(7, 0), StartUnsent(7, 0), Gone(7), WaitMs(600_000)] {
        let script = [WaitMs(3000), answer, Enqueue(3, &[11])];
        check_matched(&script, &[&closed[..], &["card 11"]].concat());
    }
    let late = [WaitMs(3000), Started(7, 0), Enqueue(3, &[11]), Ended(7, 0), Enqueue(4, &[11])];
    check_matched(&late, &[&closed[..], &["closed 3 InQueue", "card 11"]].concat());
}

#[test]
fn a_battle_lost_with_its_node_ends_its_tickets() {
    let closed = ["closed 1 Unavailable", "closed 2 Unavailable"];
    check_matched(&[Gone(7)], &closed);
    let (lines, core) = run(&[&MATCHED[..], &[Started(7, 0), Gone(7)]].concat());
    assert_eq!(lines[7..], closed);
    assert_eq!(core.status().load, 0);
    let (lines, _) = run(&[&MATCHED[..], &[Started(7, 0), WaitMs(7_200_000)]].concat());
    assert_eq!(lines[7..], closed);
}

#[test]
fn what_other_battleapps_say_about_a_battle_is_ignored() {
    check_matched(&[Started(8, 0), Ended(8, 0), Refused(8, 0), Gone(8), Ended(7, 5)], &[]);
}

#[test]
fn tickets_of_a_lost_social_node_are_removed_or_fight_on_unheard() {
    let waiting = [Enqueue(1, &[11]), Cards(&[11]), Gone(SOCIAL)];
    let core = check(&waiting, &["card 11", "queued 1"]);
    assert_eq!(core.status().load, 0);
    let again = EnqueueFrom(OTHER_SOCIAL, 3, &[11]);
    let busy = check_matched(&[Gone(SOCIAL), Started(7, 0), again], &["closed 3 InQueue"]);
    assert_eq!(busy.status().load, 2);
    let script = [Gone(SOCIAL), Started(7, 0), Ended(7, 0), again];
    check_matched(&script, &["card 11"]);
    let core = check_matched(&[Gone(SOCIAL), Refused(7, 0)], &[]);
    assert_eq!(core.status().load, 0);
}

#[test]
fn a_draining_matchmaker_frees_who_waits_and_sees_battles_to_their_end() {
    let waiting = [Enqueue(1, &[11]), Cards(&[11]), Enqueue(2, &[12]), Drain, Enqueue(3, &[13])];
    let closed = ["closed 1 Draining", "closed 2 Draining", "closed 3 Draining"];
    let core = check(&waiting, &[&["card 11", "queued 1", "card 12"][..], &closed].concat());
    assert!(core.status().drained);
    let core = check_matched(&[Drain], &[]);
    assert!(!core.status().drained);
    let closed = ["closed 1 Draining", "closed 2 Draining"];
    assert!(check_matched(&[Drain, Refused(7, 0)], &closed).status().drained);
    let (_, core) = run(&[&MATCHED[..], &[Drain, Started(7, 0), Ended(7, 0)]].concat());
    assert!(core.status().drained);
}

#[test]
fn nothing_is_matched_while_there_is_no_battleapp() {
    let core = check(&MATCHED[1..], &MATCHED_LINES[..4]);
    assert_eq!(value(&core, "tickets_waiting"), 2);
}

#[test]
fn the_wait_is_measured_from_the_last_card_to_the_beginning() {
    let script = [&MATCHED[..4], &[WaitMs(1000)], &MATCHED[4..], &[Started(7, 0)]].concat();
    let (_, core) = run(&script);
    assert_eq!(value(&core, "wait_ms_p95"), 1150);
    assert_eq!(value(&core, "wait_ms_p50"), 50);
}

#[test]
fn seats_are_ordered_by_side_and_carry_stakes_against_the_other_side() {
    let script = [
        Up(BATTLEAPP, Role::Battleapp),
        Enqueue(1, &[11]),
        Cards(&[11]),
        Enqueue(2, &[12]),
        Card(12, 1700),
    ];
    let (outputs, _) = played(&script);
    let (mode, seats) = started(&outputs).expect("a battle is begun");
    assert_eq!((mode, seats.len()), ("arena", 2));
    assert_eq!((seats[0].side, seats[1].side), (0, 1));
    for seat in seats {
        let won = if seat.card.rating == 1500 { 24 } else { 8 };
        assert_eq!((seat.stakes.won, seat.stakes.lost), (won, won - 32));
        assert_eq!(seat.session.session.0, seat.player.0);
    }
}

#[test]
fn who_comes_in_time_meets_in_one_battle_on_one_side_and_for_no_rating() {
    let come = [
        Up(BATTLEAPP, Role::Battleapp),
        EnqueueIn("siege", 1, &[11, 12]),
        Cards(&[11, 12]),
        WaitMs(6_000),
        EnqueueIn("siege", 2, &[13]),
        Card(13, 100),
        WaitMs(5_800),
    ];
    let (outputs, _) = played(&come);
    assert!(started(&outputs).is_none(), "not yet");
    let (outputs, core) = played(&[&come[..], &[WaitMs(200)]].concat());
    let (mode, seats) = started(&outputs).expect("a battle is begun");
    assert_eq!((mode, seats.len(), started_bots(&outputs).len()), ("siege", 3, 0));
    assert!(seats.iter().all(|seat| seat.side == 0 && seat.stakes == Stakes::default()));
    assert_eq!(value(&core, "tickets_waiting"), 0);
    check(&[EnqueueIn("siege", 1, &[1, 2, 3, 4, 5, 6])], &["closed 1 BadAmount"]);
}

#[test]
fn who_waits_long_enough_fights_with_bots_and_for_no_rating() {
    let wait = [
        Up(BATTLEAPP, Role::Battleapp),
        EnqueueIn("practice", 1, &[11]),
        Cards(&[11]),
        WaitMs(11_900),
    ];
    let (outputs, _) = played(&wait);
    assert!(started(&outputs).is_none(), "not yet");
    let (outputs, _) = played(&[&wait[..], &[WaitMs(200)]].concat());
    let (_, seats) = started(&outputs).expect("a battle is begun");
    assert_eq!((seats.len(), seats[0].stakes), (1, Stakes::default()));
    let mut bots = started_bots(&outputs);
    assert_eq!(bots.len(), 3);
    bots.retain(|(side, _)| *side != seats[0].side);
    assert_eq!(bots, [(1 - seats[0].side, Strength::Regular); 2]);
}
