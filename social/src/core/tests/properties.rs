//! Whatever a few players and the matchmaker do, in whatever order, the invariants hold.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Strategy, prop_oneof, proptest};
use proptest::test_runner::Config;

use shared::ids::{BattleId, PlayerId, TeamId, TicketId};
use shared::limits::TEAM_MEMBERS_MAX;
use shared::msg::client::{Reply, SocialRequest};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::social_matchmaker::{FromMatchmaker, ToMatchmaker};

use super::guilds::{found, join, owls};
use super::harness::{BATTLEAPP, Harness, MATCH_NODE};
use crate::core::Social;
use crate::core::presence::Players;
use crate::core::queueing::Tickets;
use crate::core::teams::{Invitations, Members, Teams};

const PLAYERS: u64 = 7;

#[derive(Clone, Debug)]
enum Step {
    Online(u64),
    Offline(u64),
    Create(u64),
    Invite(u64, u64),
    /// Joins the n-th team that was ever seen.
    Join(u64, usize),
    LeaveTeam(u64),
    Queue(u64),
    LeaveQueue(u64),
    /// The matchmaker speaks about the n-th ticket that was ever seen.
    Queued(usize),
    Matched(usize),
    Closed(usize, bool),
    MatchmakerGone,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let player = || 1..=PLAYERS;
    prop_oneof![
        3 => player().prop_map(Step::Online),
        1 => player().prop_map(Step::Offline),
        2 => player().prop_map(Step::Create),
        6 => (player(), player()).prop_map(|(by, to)| Step::Invite(by, to)),
        6 => (player(), 0..4usize).prop_map(|(by, team)| Step::Join(by, team)),
        1 => player().prop_map(Step::LeaveTeam),
        3 => player().prop_map(Step::Queue),
        2 => player().prop_map(Step::LeaveQueue),
        2 => (0..6usize).prop_map(Step::Queued),
        2 => (0..6usize).prop_map(Step::Matched),
        2 => (0..6usize, proptest::bool::ANY).prop_map(|(n, why)| Step::Closed(n, why)),
        1 => proptest::strategy::Just(Step::MatchmakerGone),
        1 => (0..12_000u64).prop_map(Step::Wait),
    ]
}

/// What was seen so far, newest last.
#[derive(Default)]
struct Seen {
    teams: Vec<TeamId>,
    tickets: Vec<TicketId>,
}

fn newest<T: Copy>(seen: &[T], nth: usize) -> Option<T> {
    seen.iter().rev().nth(nth).copied()
}

fn take_step(harness: &mut Harness, seen: &mut Seen, step: &Step) {
    let said =
        match *step {
            Step::Online(player) => return harness.online(player, player),
            Step::Offline(player) => return harness.offline(player, player),
            Step::Wait(ms) => return harness.run_ms(ms),
            Step::MatchmakerGone => return harness.gone(MATCH_NODE),
            Step::Create(player) => {
                harness.ask(player, SocialRequest::CreateTeam);
                None
            }
            Step::Invite(by, to) => {
                harness.ask(by, super::teams::invite(to));
                None
            }
            Step::Join(player, nth) => {
                if let Some(team) = newest(&seen.teams, nth) {
                    harness.ask(player, SocialRequest::JoinTeam { team });
                }
                None
            }
            Step::LeaveTeam(player) => {
                harness.ask(player, SocialRequest::LeaveTeam);
                None
            }
            Step::Queue(player) => {
                harness.ask(player, SocialRequest::Queue { queue: String::from("arena") });
                None
            }
            Step::LeaveQueue(player) => {
                harness.ask(player, SocialRequest::LeaveQueue);
                None
            }
            Step::Queued(nth) => {
                newest(&seen.tickets, nth).map(|ticket| FromMatchmaker::Queued { ticket })
            }
            Step::Matched(nth) => newest(&seen.tickets, nth).map(|ticket| {
                FromMatchmaker::Matched { ticket, battle: BattleId(ticket.0), battleapp: BATTLEAPP }
            }),
            Step::Closed(nth, why) => newest(&seen.tickets, nth).map(|ticket| {
                let refused = why.then(|| Refusal::new(RefusalCode::Unavailable, "no"));
                FromMatchmaker::Closed { ticket, refused }
            }),
        };
    if let Some(said) = said {
        harness.matchmaker(said);
    }
    for said in harness.said_to_matchmaker() {
        if let ToMatchmaker::Enqueue { ticket, .. } = said {
            seen.tickets.push(ticket);
        }
    }
    let teams = harness.social.world.resource::<Teams>().by_id.keys();
    let new: Vec<TeamId> = teams.filter(|team| !seen.teams.contains(team)).copied().collect();
    seen.teams.extend(new);
    harness.events();
}

fn assert_invariants(social: &Social) {
    let world = &social.world;
    let (teams, tickets) = (world.resource::<Teams>(), world.resource::<Tickets>());
    let players = world.resource::<Players>();
    let mut in_team = BTreeMap::new();
    let mut invited: BTreeMap<PlayerId, BTreeSet<TeamId>> = BTreeMap::new();
    for (team, entity) in &teams.by_id {
        let members = &world.get::<Members>(*entity).expect("a team has members").0;
        assert!((1..=TEAM_MEMBERS_MAX).contains(&members.len()), "{members:?}");
        for member in members {
            assert_eq!(in_team.insert(*member, *entity), None, "{member} is in two teams");
            assert!(players.known.contains_key(member), "{member} left long ago");
        }
        for player in world.get::<Invitations>(*entity).expect("a team has them").0.keys() {
            invited.entry(*player).or_default().insert(*team);
        }
    }
    assert_eq!(in_team, teams.of_player);
    assert_eq!(invited, teams.inviting);
    let mut in_ticket = BTreeMap::new();
    for (id, ticket) in &tickets.by_id {
        for member in &ticket.party {
            let other = in_ticket.insert(member.player, *id);
            assert_eq!(other, None, "{} has two tickets", member.player);
        }
    }
    assert_eq!(in_ticket, tickets.of_player);
    let online = players.known.keys().filter(|player| players.line(**player).is_some()).count();
    assert_eq!(players.online, online as u64);
}

/// What a reader of the guild of all players is told, once the news are there.
fn assert_roster_is_true(harness: &mut Harness) {
    let guild = owls();
    let id = harness.ask(99, SocialRequest::ReadRoster { guild });
    harness.run_ms(40);
    let Some(Ok(Reply::Roster(view))) = harness.reply_to(id) else { panic!("no roster") };
    for line in view.members {
        let known = harness.social.presence_of(line.player);
        assert_eq!(Some(line.presence), known, "{}", line.player);
    }
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn invariants_hold_after_every_step(steps in proptest::collection::vec(step(), 1..80)) {
        let mut harness = Harness::new();
        let mut seen = Seen::default();
        harness.mail(1, owls(), &found(1, "Owls"));
        for player in 1..=PLAYERS {
            harness.mail(player, owls(), &join(player));
            harness.online(player, player);
        }
        assert_roster_is_true(&mut harness);
        for step in &steps {
            take_step(&mut harness, &mut seen, step);
            assert_invariants(&harness.social);
        }
        assert_roster_is_true(&mut harness);
        // Nobody is stuck: with everybody gone and enough time, nothing is left.
        for player in 1..=PLAYERS {
            harness.offline(player, player);
        }
        harness.run_ms(32_000);
        assert_eq!(harness.value("teams") + harness.value("queued"), 0);
        assert_roster_is_true(&mut harness);
    }
}
