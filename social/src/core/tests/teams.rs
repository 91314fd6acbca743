//! Teams: who may do what, and who is told.

use shared::ids::{PlayerId, RequestId, TeamId};
use shared::limits::TEAM_MEMBERS_MAX;
use shared::msg::client::{Event, Reply, SocialRequest, TeamView};
use shared::msg::refusal::RefusalCode;

use super::harness::Harness;

pub(super) fn invite(player: u64) -> SocialRequest {
    SocialRequest::InviteToTeam { player: PlayerId(player) }
}

fn view(reply: Result<Reply, RefusalCode>) -> TeamView {
    match reply {
        Ok(Reply::Team(view)) => view,
        other => panic!("no team: {other:?}"),
    }
}

/// A team of the players `1..=size`, who are online; the events so far are dropped.
pub(super) fn team_of(harness: &mut Harness, size: u64) -> TeamId {
    for player in 1..=size {
        harness.online(player, player);
    }
    let team = view(harness.answer(1, SocialRequest::CreateTeam)).team;
    for player in 2..=size {
        assert_eq!(harness.answer(1, invite(player)), Ok(Reply::Done));
        view(harness.answer(player, SocialRequest::JoinTeam { team }));
    }
    harness.events();
    team
}

#[test]
fn only_the_invited_join_and_all_others_are_told() {
    let mut harness = Harness::new();
    let team = team_of(&mut harness, 2);
    harness.online(3, 3);
    let join = SocialRequest::JoinTeam { team };
    assert_eq!(harness.answer(3, join.clone()), Err(RefusalCode::NotInvited));
    assert_eq!(harness.answer(2, invite(3)), Err(RefusalCode::NotLeader));
    assert_eq!(harness.answer(3, invite(1)), Err(RefusalCode::NoTeam));
    assert_eq!(harness.answer(1, invite(2)), Err(RefusalCode::InTeam));
    assert_eq!(harness.answer(1, invite(77)), Err(RefusalCode::NotFound));
    assert_eq!(harness.answer(1, invite(3)), Ok(Reply::Done));
    assert_eq!(harness.events(), [(3, Event::TeamInvitation { team, by: PlayerId(1) })]);
    let joined = view(harness.answer(3, join.clone()));
    assert_eq!(joined.members, [PlayerId(1), PlayerId(2), PlayerId(3)]);
    let told = Event::TeamChanged(Some(joined));
    assert_eq!(harness.events(), [(1, told.clone()), (2, told)]);
    assert_eq!(harness.answer(3, join), Err(RefusalCode::InTeam));
    assert_eq!(harness.answer(3, SocialRequest::CreateTeam), Err(RefusalCode::InTeam));
}

#[test]
fn an_invitation_expires_and_is_good_for_one_entry() {
    let mut harness = Harness::new();
    let team = team_of(&mut harness, 1);
    harness.online(2, 2);
    let join = SocialRequest::JoinTeam { team };
    assert_eq!(harness.answer(1, invite(2)), Ok(Reply::Done));
    harness.run_ms(60_000);
    assert_eq!(harness.answer(2, join.clone()), Err(RefusalCode::NotInvited));
    assert_eq!(harness.answer(1, invite(2)), Ok(Reply::Done));
    view(harness.answer(2, join.clone()));
    assert_eq!(harness.answer(2, SocialRequest::LeaveTeam), Ok(Reply::Done));
    assert_eq!(harness.answer(2, join), Err(RefusalCode::NotInvited));
}

#[test]
fn a_full_team_takes_nobody() {
    let mut harness = Harness::new();
    let max = TEAM_MEMBERS_MAX as u64;
    let team = team_of(&mut harness, max - 1);
    for player in [max, max + 1] {
        harness.online(player, player);
        assert_eq!(harness.answer(1, invite(player)), Ok(Reply::Done));
    }
    let join = SocialRequest::JoinTeam { team };
    view(harness.answer(max, join.clone()));
    assert_eq!(harness.answer(max + 1, join), Err(RefusalCode::Full));
    assert_eq!(harness.answer(1, invite(max + 1)), Err(RefusalCode::Full));
}

#[test]
fn the_next_member_leads_and_the_last_one_ends_the_team() {
    let mut harness = Harness::new();
    let team = team_of(&mut harness, 2);
    assert_eq!(harness.answer(1, SocialRequest::LeaveTeam), Ok(Reply::Done));
    let rest = TeamView { team, leader: PlayerId(2), members: vec![PlayerId(2)] };
    assert_eq!(harness.events(), [(2, Event::TeamChanged(Some(rest)))]);
    assert_eq!(harness.answer(2, invite(1)), Ok(Reply::Done));
    assert_eq!(harness.answer(2, SocialRequest::LeaveTeam), Ok(Reply::Done));
    assert_eq!(harness.value("teams"), 0);
    let join = SocialRequest::JoinTeam { team };
    assert_eq!(harness.answer(1, join), Err(RefusalCode::NotFound));
}

#[test]
fn open_invitations_are_bounded() {
    let mut harness = Harness::new();
    team_of(&mut harness, 1);
    let results: Vec<_> = (10..31)
        .map(|player| {
            harness.online(player, player);
            harness.answer(1, invite(player))
        })
        .collect();
    assert!(results[..20].iter().all(|result| *result == Ok(Reply::Done)));
    assert_eq!(results[20], Err(RefusalCode::Busy));
    assert_eq!(harness.answer(1, invite(10)), Ok(Reply::Done), "renewing needs no room");
}

#[test]
fn a_retry_gets_the_same_answer_and_no_second_team() {
    let mut harness = Harness::new();
    harness.online(1, 1);
    let id = harness.ask(1, SocialRequest::CreateTeam);
    let first = harness.reply_to(id).expect("answered");
    harness.ask_as(1, 1, id, SocialRequest::CreateTeam);
    assert_eq!(harness.reply_to(id), Some(first));
    assert_eq!(harness.value("teams"), 1);
    harness.ask_as(1, 1, id, SocialRequest::LeaveTeam);
    let refused = harness.reply_to(id).expect("answered").expect_err("another body");
    assert_eq!(refused.code, RefusalCode::RequestIdReused);
}

#[test]
fn a_player_who_returns_in_time_keeps_the_team_and_one_who_does_not_loses_it() {
    let mut harness = Harness::new();
    let team = team_of(&mut harness, 2);
    harness.offline(2, 2);
    harness.run_ms(25_000);
    harness.online(2, 22);
    let members = vec![PlayerId(1), PlayerId(2)];
    let whole = TeamView { team, leader: PlayerId(1), members };
    assert_eq!(harness.events(), [(22, Event::TeamChanged(Some(whole)))]);
    harness.offline(2, 2);
    assert_eq!(harness.value("players_online"), 2, "the old session's end says nothing");
    harness.offline(2, 22);
    harness.run_ms(31_000);
    let rest = TeamView { team, leader: PlayerId(1), members: vec![PlayerId(1)] };
    assert_eq!(harness.events(), [(1, Event::TeamChanged(Some(rest)))]);
}

#[test]
fn a_gateway_takes_its_sessions_with_it() {
    let mut harness = Harness::new();
    team_of(&mut harness, 3);
    harness.gone(super::harness::GATE_NODE);
    assert_eq!(harness.value("players_online"), 0);
    harness.run_ms(31_000);
    assert_eq!(harness.value("teams"), 0);
}

#[test]
fn requests_of_unknown_players_and_old_sessions_are_refused() {
    let mut harness = Harness::new();
    assert_eq!(harness.answer(1, SocialRequest::CreateTeam), Err(RefusalCode::Unavailable));
    harness.online(1, 1);
    harness.online(1, 2);
    let refused = harness.answer(1, SocialRequest::CreateTeam);
    assert_eq!(refused, Err(RefusalCode::LoggedInElsewhere));
    assert_eq!(harness.value("refusals_total"), 2);
}

#[test]
fn a_session_that_is_announced_late_does_not_replace_a_newer_one() {
    let mut harness = Harness::new();
    harness.online(1, 12);
    harness.online(1, 11);
    let id = RequestId(1);
    harness.ask_as(1, 12, id, SocialRequest::CreateTeam);
    let reply = harness.reply_to(id);
    assert!(matches!(reply, Some(Ok(_))), "the newer one speaks for the player: {reply:?}");
    harness.offline(1, 12);
    harness.online(1, 11);
    assert_eq!(harness.value("players_online"), 0, "a login that is over does not come back");
}

#[test]
fn a_request_that_is_faster_than_the_word_of_its_session_is_to_be_tried_again() {
    let mut harness = Harness::new();
    harness.online(1, 11);
    let code = |harness: &mut Harness, session, id| {
        harness.ask_as(1, session, RequestId(id), SocialRequest::ListGuilds);
        harness.reply_to(RequestId(id)).and_then(Result::err).map(|refusal| refusal.code)
    };
    assert_eq!(code(&mut harness, 12, 1), Some(RefusalCode::Unavailable));
    assert_eq!(code(&mut harness, 10, 2), Some(RefusalCode::LoggedInElsewhere));
    assert_eq!(code(&mut harness, 11, 3), None);
}
