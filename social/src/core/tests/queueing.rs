//! Tickets: queue, match, battle, and everything that can come between.

use shared::core::{Core, Input};
use shared::ids::{BattleId, PlayerId, TicketId};
use shared::msg::Body;
use shared::msg::client::{Event, Reply, SocialRequest};
use shared::msg::head::Head;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::social_battle::Rejoin;
use shared::msg::social_matchmaker::{FromMatchmaker, ToMatchmaker};

use super::harness::{BATTLE_NODE, BATTLEAPP, Harness, MATCH_NODE, MATCHMAKER, session_ref};
use super::teams::team_of;

const BATTLE: BattleId = BattleId(9);

fn matched(ticket: TicketId) -> FromMatchmaker {
    FromMatchmaker::Matched { ticket, battle: BATTLE, battleapp: BATTLEAPP }
}

fn closed(ticket: TicketId) -> FromMatchmaker {
    FromMatchmaker::Closed { ticket, refused: None }
}

fn queued(harness: &mut Harness) -> TicketId {
    let (id, ticket) = harness.queue(1);
    assert_eq!(harness.reply_to(id), None, "not before the matchmaker has said so");
    harness.matchmaker(FromMatchmaker::Queued { ticket });
    assert_eq!(harness.reply_to(id), Some(Ok(Reply::Done)));
    ticket
}

fn queue_again(harness: &mut Harness) -> Result<Reply, RefusalCode> {
    let id = harness.ask(1, SocialRequest::Queue { queue: String::from("arena") });
    harness.reply_to(id).unwrap_or(Ok(Reply::Pong)).map_err(|refusal| refusal.code)
}

/// The codes of the `QueueLeft` events, by session.
fn left(harness: &mut Harness) -> Vec<(u64, Option<RefusalCode>)> {
    let events = harness.events().into_iter();
    let codes = events.map(|(session, event)| {
        let Event::QueueLeft { refused } = event else { panic!("another event: {event:?}") };
        (session, refused.map(|refusal| refusal.code))
    });
    codes.collect()
}

fn rejoins(harness: &mut Harness) -> Vec<Rejoin> {
    let mut found = Vec::new();
    harness.sent.retain(|(to, body)| {
        let Body::Rejoin(rejoin) = body else { return true };
        assert_eq!(*to, BATTLEAPP);
        found.push(rejoin.clone());
        false
    });
    found
}

#[test]
fn a_team_queues_together_and_is_free_after_its_battle() {
    let mut harness = Harness::new();
    team_of(&mut harness, 2);
    let queue = SocialRequest::Queue { queue: String::from("arena") };
    assert_eq!(harness.answer(2, queue), Err(RefusalCode::NotLeader));
    let ticket = queued(&mut harness);
    assert_eq!(harness.events(), [(1, Event::Queued), (2, Event::Queued)]);
    assert_eq!(queue_again(&mut harness), Err(RefusalCode::InQueue));
    assert_eq!(harness.answer(2, SocialRequest::LeaveTeam), Err(RefusalCode::InQueue));
    assert_eq!(harness.value("queued"), 1);
    harness.matchmaker(matched(ticket));
    assert_eq!(harness.value("queued"), 0);
    assert_eq!(harness.answer(1, SocialRequest::LeaveQueue), Err(RefusalCode::InQueue));
    assert_eq!(harness.answer(2, SocialRequest::LeaveTeam), Ok(Reply::Done), "in battle one may");
    assert_eq!(harness.answer(2, SocialRequest::CreateTeam), Err(RefusalCode::InQueue));
    harness.events();
    harness.matchmaker(closed(ticket));
    assert_eq!(harness.events(), []);
    queued(&mut harness);
}

#[test]
fn a_battle_is_watched_by_who_is_free_and_the_battle_is_asked() {
    let mut harness = Harness::new();
    team_of(&mut harness, 1);
    harness.online(2, 2);
    let watch = |player| SocialRequest::Watch { player: PlayerId(player) };
    assert_eq!(harness.answer(2, watch(1)), Err(RefusalCode::NotFound), "nobody fights");
    let ticket = queued(&mut harness);
    assert_eq!(harness.answer(1, watch(1)), Err(RefusalCode::InQueue));
    harness.matchmaker(matched(ticket));
    rejoins(&mut harness);
    assert_eq!(harness.answer(2, watch(1)), Ok(Reply::Done));
    let session = session_ref(2);
    let asked = Rejoin { battle: BATTLE, player: PlayerId(2), session, as_spectator: true };
    assert_eq!(rejoins(&mut harness), [asked]);
    assert_eq!(harness.answer(1, watch(1)), Err(RefusalCode::InQueue), "it fights there itself");
}

#[test]
fn a_refusal_of_the_matchmaker_reaches_the_leader() {
    let mut harness = Harness::new();
    team_of(&mut harness, 2);
    let (id, ticket) = harness.queue(1);
    let refusal = Refusal::new(RefusalCode::NotFound, "no such queue");
    harness.matchmaker(FromMatchmaker::Closed { ticket, refused: Some(refusal.clone()) });
    assert_eq!(harness.reply_to(id), Some(Err(refusal)));
    assert_eq!(harness.events(), []);
    queued(&mut harness);
}

#[test]
fn leaving_is_confirmed_when_the_matchmaker_has_closed_the_ticket() {
    let mut harness = Harness::new();
    team_of(&mut harness, 2);
    let ticket = queued(&mut harness);
    harness.events();
    let id = harness.ask(2, SocialRequest::LeaveQueue);
    assert_eq!(harness.said_to_matchmaker(), [ToMatchmaker::Cancel { ticket }]);
    assert_eq!(harness.reply_to(id), None);
    harness.matchmaker(closed(ticket));
    assert_eq!(harness.reply_to(id), Some(Ok(Reply::Done)));
    assert_eq!(left(&mut harness), [(1, None), (2, None)]);
    assert_eq!(harness.answer(1, SocialRequest::LeaveQueue), Err(RefusalCode::NotFound));
}

#[test]
fn a_match_that_was_faster_than_the_cancellation_stands() {
    let mut harness = Harness::new();
    team_of(&mut harness, 1);
    let ticket = queued(&mut harness);
    let id = harness.ask(1, SocialRequest::LeaveQueue);
    harness.matchmaker(matched(ticket));
    let refused = harness.reply_to(id).expect("answered").expect_err("too late");
    assert_eq!(refused.code, RefusalCode::InQueue);
    assert_eq!(queue_again(&mut harness), Err(RefusalCode::InQueue));
    harness.matchmaker(closed(ticket));
    queued(&mut harness);
}

#[test]
fn a_waiting_party_is_cancelled_when_a_member_goes_offline() {
    let mut harness = Harness::new();
    team_of(&mut harness, 2);
    let ticket = queued(&mut harness);
    harness.events();
    harness.offline(2, 2);
    assert_eq!(harness.said_to_matchmaker(), [ToMatchmaker::Cancel { ticket }]);
    harness.run_ms(1_000);
    let again = harness.said_to_matchmaker();
    assert_eq!(again, [ToMatchmaker::Cancel { ticket }], "a lost frame is sent again");
    harness.matchmaker(closed(ticket));
    assert_eq!(left(&mut harness), [(1, Some(RefusalCode::Unavailable))]);
    assert_eq!(queue_again(&mut harness), Err(RefusalCode::Unavailable), "one is not online");
    harness.online(2, 3);
    harness.events();
    queued(&mut harness);
}

#[test]
fn a_player_who_returns_rejoins_the_battle_whatever_came_between() {
    let mut harness = Harness::new();
    team_of(&mut harness, 1);
    let ticket = queued(&mut harness);
    harness.online(1, 2);
    harness.matchmaker(matched(ticket));
    let rejoin = |session| {
        vec![Rejoin {
            battle: BATTLE,
            player: PlayerId(1),
            session: session_ref(session),
            as_spectator: false,
        }]
    };
    assert_eq!(rejoins(&mut harness), rejoin(2), "the ticket names the old session");
    harness.offline(1, 2);
    harness.run_ms(40_000);
    harness.online(1, 3);
    assert_eq!(rejoins(&mut harness), rejoin(3), "the battle is longer than the grace");
    harness.matchmaker(closed(ticket));
    harness.online(1, 4);
    assert_eq!(rejoins(&mut harness), []);
}

#[test]
fn what_the_matchmaker_takes_with_it_is_free_except_running_battles() {
    let mut harness = Harness::new();
    for player in [1, 2, 3] {
        harness.online(player, player);
    }
    let (waiting, _) = harness.queue(2);
    let (_, fighting) = harness.queue(3);
    let queued_ticket = queued(&mut harness);
    harness.matchmaker(matched(fighting));
    harness.events();
    harness.gone(MATCH_NODE);
    let refused = harness.reply_to(waiting).expect("answered").expect_err("the node is gone");
    assert_eq!(refused.code, RefusalCode::Unavailable);
    assert_eq!(left(&mut harness), [(1, Some(RefusalCode::Unavailable))]);
    assert_eq!(queue_again(&mut harness), Err(RefusalCode::Unavailable));
    harness.online(3, 33);
    assert_eq!(rejoins(&mut harness).len(), 1, "the battle goes on");
    harness.gone(BATTLE_NODE);
    assert_eq!(left(&mut harness), [(33, Some(RefusalCode::Unavailable))]);
    harness.matchmaker(matched(queued_ticket));
    assert_eq!(harness.value("queued"), 0);
}

#[test]
fn a_battle_whose_matchmaker_is_gone_can_be_left() {
    let mut harness = Harness::new();
    harness.online(1, 1);
    let (_, ticket) = harness.queue(1);
    harness.matchmaker(matched(ticket));
    harness.gone(MATCH_NODE);
    assert_eq!(harness.answer(1, SocialRequest::LeaveQueue), Ok(Reply::Done));
    assert_eq!(harness.answer(1, SocialRequest::LeaveQueue), Err(RefusalCode::NotFound));
}

#[test]
fn a_frame_that_does_not_arrive_and_a_silent_matchmaker_free_the_party() {
    let mut harness = Harness::new();
    harness.online(1, 1);
    let (id, ticket) = harness.queue(1);
    let (queue, party, head) = (String::new(), Vec::new(), Box::<Head>::default());
    let enqueue = ToMatchmaker::Enqueue { ticket, queue, party, head };
    harness.input(Input::Unsent { to: MATCHMAKER, body: Body::ToMatchmaker(enqueue) });
    harness.tick();
    let refused = harness.reply_to(id).expect("answered").expect_err("it did not arrive");
    assert_eq!(refused.code, RefusalCode::Unavailable);
    let (id, ticket) = harness.queue(1);
    harness.run_ms(11_000);
    assert!(harness.reply_to(id).expect("answered").is_err());
    assert!(harness.said_to_matchmaker().contains(&ToMatchmaker::Cancel { ticket }));
    harness.run_ms(11_000);
    assert_eq!(harness.value("queued"), 0);
    harness.said_to_matchmaker();
    harness.matchmaker(FromMatchmaker::Queued { ticket });
    let cancel = [ToMatchmaker::Cancel { ticket }];
    assert_eq!(
        harness.said_to_matchmaker(),
        cancel,
        "a ticket that is unknown here is given up there"
    );
}

#[test]
fn a_retry_while_the_matchmaker_thinks_makes_no_second_ticket() {
    let mut harness = Harness::new();
    harness.online(1, 1);
    let (id, ticket) = harness.queue(1);
    harness.ask_as(1, 1, id, SocialRequest::Queue { queue: String::from("arena") });
    assert_eq!(harness.said_to_matchmaker(), []);
    harness.matchmaker(FromMatchmaker::Queued { ticket });
    assert_eq!(harness.reply_to(id), Some(Ok(Reply::Done)));
    assert_eq!(harness.reply_to(id), None);
}

#[test]
fn only_the_ticket_s_matchmaker_is_believed() {
    let mut harness = Harness::new();
    harness.online(1, 1);
    let (id, ticket) = harness.queue(1);
    harness.frame(BATTLEAPP, Body::FromMatchmaker(FromMatchmaker::Queued { ticket }));
    harness.tick();
    assert_eq!(harness.reply_to(id), None);
    assert_eq!(harness.value("frames_misdirected_total"), 1);
}

#[test]
fn a_draining_role_takes_its_parties_out_of_the_queue_first() {
    let mut harness = Harness::new();
    team_of(&mut harness, 1);
    let ticket = queued(&mut harness);
    harness.events();
    harness.input(Input::Drain);
    harness.tick();
    assert!(!harness.social.status().drained);
    assert_eq!(harness.said_to_matchmaker(), [ToMatchmaker::Cancel { ticket }]);
    harness.matchmaker(closed(ticket));
    assert_eq!(left(&mut harness), [(1, Some(RefusalCode::Draining))]);
    assert!(harness.social.status().drained);
}
