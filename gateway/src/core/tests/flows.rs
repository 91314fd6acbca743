//! Sessions as they should go, and as nodes and clients let them go.

use shared::core::{Core, Input};
use shared::directory::Nodes;
use shared::ids::{BattleId, GuildId, Key, PlayerId, Role, SessionId};
use shared::msg::battle_gateway::BattleOutput;
use shared::msg::client::{PROTOCOL_VERSION, Request, SocialRequest};
use shared::msg::refusal::RefusalCode;

use super::script::*;
use crate::core::{LOGIN_MS, OPEN_AGAIN_MS};

type Script = Vec<(Line, &'static [&'static str])>;

fn after_login(rest: Script) -> Stage {
    let mut script = logged_in(1, 1);
    script.extend(rest);
    check(&script)
}

#[test]
fn a_player_nobody_owns_is_placed_and_one_with_a_living_owner_goes_there() {
    after_login(vec![(close(1), &["social@3#1 offline 1", "baseapp@2#1 close 1"])]);
    check(&[
        (node(Role::Baseapp, 5), &[]),
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, Some(at(Role::Baseapp, 5))), &["baseapp@5#1 open"]),
        (opened(2, 1), &[]),
        (opened_for(PlayerId(7), 5, 1), &[]),
        (opened(5, 1), &["1: welcome", "social@3#1 online"]),
    ]);
    check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, Some(at(Role::Baseapp, 9))), &["baseapp@2#1 open"]),
    ]);
}

#[test]
fn a_baseapp_that_does_not_answer_a_login_is_asked_again_until_the_login_is_given_up() {
    let again = || Line::Wait(OPEN_AGAIN_MS);
    check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, None), &["baseapp@2#1 open"]),
        (again(), &["baseapp@2#1 open"]),
        (again(), &["baseapp@2#1 open"]),
        (opened(2, 1), &["1: welcome", "social@3#1 online"]),
        (again(), &[]),
    ]);
    check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, None), &["baseapp@2#1 open"]),
        (Line::Wait(LOGIN_MS), &["baseapp@2#1 close 1", "1: goodbye Unavailable", "1: close"]),
    ]);
}

#[test]
fn a_login_that_cannot_succeed_says_why_and_closes() {
    let old = login_as(1, "anna", PROTOCOL_VERSION + 1);
    check(&[(connect(1), &[]), (old, &["1: goodbye UpgradeNeeded", "1: close"])]);
    for name in ["", "a", "an na", "an\u{202e}na", "x\0y", &"x".repeat(33)] {
        let login = login_as(1, name, PROTOCOL_VERSION);
        check(&[(connect(1), &[]), (login, &["1: goodbye BadName", "1: close"])]);
    }
    check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (store_fails(1), &["1: goodbye Unavailable", "1: close"]),
    ]);
    check(&[
        (gone(2), &[]),
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, None), &["1: goodbye Unavailable", "1: close"]),
    ]);
    let stage = check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, None), &["baseapp@2#1 open"]),
        (refused(2, 1, RefusalCode::WrongSecret), &["1: goodbye WrongSecret", "1: close"]),
        (close(1), &[]),
    ]);
    assert_eq!(stage.value("sessions"), 0);
    assert_eq!(stage.value("sessions_logging_in"), 0);
    assert_eq!(stage.value("logins_refused_total"), 1);
}

#[test]
fn a_login_follows_the_owner_but_not_for_ever() {
    let mut script: Script = vec![
        (node(Role::Baseapp, 5), &[]),
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, Some(at(Role::Baseapp, 2))), &["baseapp@2#1 open"]),
        (moved(2, 1, 5), &["baseapp@5#1 open"]),
        (moved(2, 1, 5), &[]),
        (moved(5, 1, 9), &["store 2"]),
        (owner(2, Some(at(Role::Baseapp, 2))), &["baseapp@2#1 open"]),
    ];
    let mut welcome = script.clone();
    welcome.push((opened(2, 1), &["1: welcome", "social@3#1 online"]));
    check(&welcome);
    script.push((moved(2, 1, 5), &["baseapp@5#1 open"]));
    script.push((moved(5, 1, 2), &["baseapp@2#1 open"]));
    script.push((moved(2, 1, 5), &["1: goodbye Unavailable", "1: close"]));
    check(&script);
}

#[test]
fn a_client_that_leaves_during_its_login_leaves_nothing_behind() {
    let stage = check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (close(1), &[]),
        (owner(1, None), &[]),
        (connect(2), &[]),
        (login(2), &["store 2"]),
        (owner(2, None), &["baseapp@2#1 open"]),
        (close(2), &["baseapp@2#1 close 2"]),
        (opened(2, 2), &["baseapp@2#1 close 2"]),
    ]);
    assert_eq!(stage.value("sessions_logging_in"), 0);
}

#[test]
fn slow_logins_and_slow_closes_end_at_their_deadlines() {
    let stage = check(&[
        (connect(1), &[]),
        (Line::Wait(4_999), &[]),
        (Line::Wait(1), &["1: goodbye NotLoggedIn", "1: close"]),
        (connect(2), &[]),
        (login(2), &["store 1"]),
        (Line::Wait(5_000), &[]),
        (owner(1, None), &["baseapp@2#1 open"]),
        (Line::Wait(5_000), &["baseapp@2#1 close 2", "2: goodbye Unavailable", "2: close"]),
        (Line::Wait(5_000), &[]),
    ]);
    assert_eq!(stage.value("sessions"), 0, "the shell never reported them closed");
    assert_eq!(stage.value("closes_overdue_total"), 2);
}

#[test]
fn requests_are_routed_and_answered_once() {
    let stage = after_login(vec![
        (ask(1, 1, Request::Ping), &["1: reply 1 Pong"]),
        (read_bag(1, 2), &["baseapp@2#1 request 2"]),
        (read_bag(1, 2), &[]),
        (list_guilds(1, 3), &["social@3#1 request 3"]),
        (social_reply(3, 1, 2), &[]),
        (reply(5, 1, 2), &[]),
        (reply(2, 1, 2), &["1: reply 2 Done"]),
        (reply(2, 1, 2), &[]),
        (social_reply(3, 1, 3), &["1: reply 3 Done"]),
        (queued(1), &["1: Queued"]),
        (queued(2), &[]),
    ]);
    assert_eq!(stage.value("requests_repeated_total"), 1);
    assert_eq!(stage.value("stale_total"), 4);
    assert_eq!(stage.value("requests_in_flight"), 0);
}

#[test]
fn what_reads_a_guild_goes_to_its_home_and_all_else_to_the_lobby() {
    let lobby = at(Role::Social, 3);
    let with = |number| {
        let mut nodes = Nodes::default();
        for line in [node(Role::Social, 3), node(Role::Social, number)] {
            let Line::In(Input::Directory(event)) = line else { panic!("no node") };
            nodes.apply(&event);
        }
        nodes
    };
    let stays = |number: &u16| with(*number).lobby() == Some(lobby);
    let number = (6..).find(stays).expect("some node is not the lobby");
    let home = |guild: &GuildId| with(number).home_of_key(Key::Guild(*guild));
    let away = |guild: &GuildId| home(guild) == Some(at(Role::Social, number));
    let guild = (1..).map(GuildId).find(away).expect("some guild is at home there");
    let mut stage = after_login(vec![]);
    assert_eq!(stage.play(&node(Role::Social, number)), [""; 0]);
    for (id, request) in
        [(1, SocialRequest::ReadGuild { guild }), (2, SocialRequest::ReadRoster { guild })]
    {
        let sent = stage.play(&ask(1, id, Request::Social(request)));
        assert_eq!(sent, [format!("social@{number}#1 request {id}")]);
    }
    assert_eq!(stage.play(&list_guilds(1, 3)), ["social@3#1 request 3"]);
}

#[test]
fn what_did_not_arrive_is_unavailable_and_what_is_not_answered_is_unknown() {
    after_login(vec![
        (read_bag(1, 1), &["baseapp@2#1 request 1"]),
        (Line::Back, &["1: refused 1 Unavailable"]),
        (read_bag(1, 2), &["baseapp@2#1 request 2"]),
        (Line::Wait(9_999), &[]),
        (read_bag(1, 3), &["baseapp@2#1 request 3"]),
        (Line::Wait(1), &["1: refused 2 OutcomeUnknown"]),
        (Line::Wait(9_999), &["1: refused 3 OutcomeUnknown"]),
        (reply(2, 1, 3), &[]),
        (gone(3), &[]),
        (list_guilds(1, 4), &["1: refused 4 Unavailable"]),
    ]);
}

#[test]
fn a_lost_baseapp_ends_its_sessions_and_a_lost_login_starts_again() {
    after_login(vec![
        (read_bag(1, 1), &["baseapp@2#1 request 1"]),
        (
            gone(2),
            &[
                "1: refused 1 OutcomeUnknown",
                "social@3#1 offline 1",
                "1: goodbye Unavailable",
                "1: close",
            ],
        ),
        (close(1), &[]),
        (close(1), &[]),
    ]);
    check(&[
        (connect(1), &[]),
        (login(1), &["store 1"]),
        (owner(1, None), &["baseapp@2#1 open"]),
        (gone(2), &["store 2"]),
        (node(Role::Baseapp, 5), &[]),
        (owner(2, Some(at(Role::Baseapp, 2))), &["baseapp@5#1 open"]),
    ]);
}

#[test]
fn the_newest_login_wins_and_the_old_session_says_goodbye() {
    let mut script = logged_in(1, 1);
    script.extend(logged_in(2, 2));
    script.push((
        refused(2, 1, RefusalCode::LoggedInElsewhere),
        &["social@3#1 offline 1", "1: goodbye LoggedInElsewhere", "1: close"],
    ));
    script.push((close(1), &[]));
    assert_eq!(check(&script).value("sessions_playing"), 1);
}

#[test]
fn presence_follows_the_players_home() {
    after_login(vec![
        (gone(3), &[]),
        (node(Role::Social, 6), &["social@6#1 online"]),
        (Line::Back, &[]),
        (Line::Wait(499), &[]),
        (Line::Wait(1), &["social@6#1 online"]),
        (node(Role::Social, 6), &[]),
    ]);
}

#[test]
fn farewells_are_repeated_to_nodes_that_live() {
    let stage = after_login(vec![
        (close(1), &["social@3#1 offline 1", "baseapp@2#1 close 1"]),
        (Line::Back, &[]),
        (gone(3), &[]),
        (Line::Wait(500), &["baseapp@2#1 close 1"]),
    ]);
    assert_eq!(stage.value("farewells_waiting"), 0);
}

#[test]
fn a_battle_is_seated_played_watched_and_over() {
    let stage = after_login(vec![
        (seated(1, 9), &["1: battle started"]),
        (commands(1, 9), &["battleapp@4#1 commands"]),
        (snapshots(9, &[(true, &[1], &[5, 6])]), &["1: snapshot [5, 6]"]),
        (snapshots(9, &[(false, &[1], &[1, 5])]), &["[1]: datagram [1, 5]"]),
        (snapshots(9, &[(false, &[2], &[1, 5]), (true, &[2], &[5])]), &[]),
        (
            snapshots(9, &[(false, &[1], &[0; 1_201]), (false, &[1, 2], &[1, 6])]),
            &["[1]: datagram [1, 6]"],
        ),
        (battle(BattleOutput::Over { battle: BattleId(9) }), &[]),
        (snapshots(9, &[(false, &[1], &[1, 5])]), &[]),
        (commands(1, 9), &[]),
        (seated(1, 10), &["1: battle started"]),
        (close(1), &["battleapp@4#1 left 10", "social@3#1 offline 1", "baseapp@2#1 close 1"]),
        (snapshots(10, &[(false, &[1], &[1, 5])]), &[]),
    ]);
    assert_eq!(stage.value("offences_total"), 0, "late inputs are no offence");
    assert_eq!(stage.value("snapshots_too_long_total"), 1);
    assert_eq!(stage.value("battles"), 0);
}

#[test]
fn a_battle_that_is_resumed_elsewhere_takes_its_seats_along() {
    let stage = after_login(vec![
        (seated(1, 9), &["1: battle started"]),
        (gone(4), &[]),
        (commands(1, 9), &[]),
        (node(Role::Battleapp, 4), &[]),
        (seated(1, 9), &["1: battle started"]),
        (snapshots(9, &[(false, &[1], &[1, 5])]), &["[1]: datagram [1, 5]"]),
    ]);
    assert_eq!(stage.value("offences_total"), 0);
}

#[test]
fn a_battle_is_watched_until_the_client_stops_or_fights_itself() {
    let stop = |id| ask(1, id, Request::StopWatching);
    let stage = after_login(vec![
        (stop(1), &["1: refused 1 NotFound"]),
        (watching(1, 9), &["1: watch started"]),
        (snapshots(9, &[(false, &[1], &[1, 5])]), &["[1]: datagram [1, 5]"]),
        (commands(1, 9), &["battleapp@4#1 commands"]),
        (stop(2), &["battleapp@4#1 left 9", "1: reply 2 Done"]),
        (snapshots(9, &[(false, &[1], &[1, 5])]), &[]),
        (watching(1, 9), &["1: watch started"]),
        (seated(1, 10), &["battleapp@4#1 left 9", "1: battle started"]),
        (watching(1, 11), &["battleapp@4#1 left 11"]),
        (commands(1, 10), &["battleapp@4#1 commands"]),
        (stop(3), &["1: refused 3 NotFound"]),
    ]);
    assert_eq!(stage.value("offences_total"), 0);
}

#[test]
fn one_lost_seat_is_one_offence() {
    let not_seated =
        || battle(BattleOutput::NotSeated { session: SessionId(1), battle: BattleId(9) });
    let stage = after_login(vec![
        (seated(1, 9), &["1: battle started"]),
        (not_seated(), &[]),
        (not_seated(), &[]),
        (commands(1, 9), &[]),
    ]);
    assert_eq!(stage.value("offences_total"), 1);
}

#[test]
fn a_drain_answers_what_is_in_flight_and_takes_nothing_new() {
    let mut script = logged_in(1, 1);
    script.extend(logged_in(2, 2));
    script.extend::<Script>(vec![
        (read_bag(1, 1), &["baseapp@2#1 request 1"]),
        (
            Line::In(Input::Drain),
            &["social@3#1 offline 2", "baseapp@2#1 close 2", "2: goodbye Draining", "2: close"],
        ),
        (read_bag(1, 2), &["1: refused 2 Draining"]),
        (connect(3), &["3: goodbye Draining", "3: close"]),
        (Line::In(Input::Drain), &[]),
        (
            reply(2, 1, 1),
            &[
                "1: reply 1 Done",
                "social@3#1 offline 1",
                "baseapp@2#1 close 1",
                "1: goodbye Draining",
                "1: close",
            ],
        ),
        (close(1), &[]),
        (close(2), &[]),
    ]);
    let mut stage = check(&script);
    assert!(!stage.gateway.status().drained, "session 3 is not closed yet");
    stage.play(&close(3));
    assert!(stage.gateway.status().drained);
}

#[test]
fn a_drain_does_not_wait_for_ever() {
    after_login(vec![
        (read_bag(1, 1), &["baseapp@2#1 request 1"]),
        (Line::In(Input::Drain), &[]),
        (Line::Wait(4_999), &[]),
        (
            Line::Wait(1),
            &[
                "1: refused 1 OutcomeUnknown",
                "social@3#1 offline 1",
                "baseapp@2#1 close 1",
                "1: goodbye Draining",
                "1: close",
            ],
        ),
    ]);
}
