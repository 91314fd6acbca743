//! Scripts: what goes in, and all that comes out.

use shared::directory::{NodeCard, NodeState};
use shared::ids::{SessionId, SessionRef};
use shared::msg::matchmaker_baseapp::{Card, CardRequest, PlayerCard};
use shared::msg::matchmaker_battle::FromBattle;
use shared::msg::social_matchmaker::{FromMatchmaker, PartyMember};

use super::*;

const SOCIAL: u16 = 1;
const OTHER_SOCIAL: u16 = 2;
const BASEAPP: u16 = 3;
/// The battleapp that most scripts use.
const BATTLEAPP: u16 = 7;

/// What happens; the tick runs after each of them.
#[derive(Clone, Copy)]
enum Do<'a> {
    /// A ticket in the queue for two (one against one).
    Enqueue(u64, &'a [u64]),
    EnqueueIn(&'a str, u64, &'a [u64]),
    EnqueueFrom(u16, u64, &'a [u64]),
    /// Cards of players with a rating of 1500.
    Cards(u64, &'a [u64]),
    NoCard(u64, u64),
    Cancel(u64),
    WaitMs(u64),
    Up(u16, Role),
    Gone(u16),
    Started(u16, u64),
    Refused(u16, u64),
    Ended(u16, u64),
    /// The request to begin this battle comes back from this battleapp.
    StartUnsent(u16, u64),
    CardUnsent(u64, u64),
    Drain,
}
use Do::*;

/// Two single players who fight battle 0 at node 7 are matched.
const MATCHED: [Do<'_>; 5] = [
    Up(BATTLEAPP, Role::Battleapp),
    Enqueue(1, &[11]),
    Cards(1, &[11]),
    Enqueue(2, &[12]),
    Cards(2, &[12]),
];
const MATCHED_LINES: [&str; 5] = ["card 11", "queued 1", "card 12", "queued 2", "start 0 at 7"];

fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

fn battle(n: u64) -> BattleId {
    BattleId(NodeId { node: 9, incarnation: 1 }.unique(n))
}

fn queue(name: &str, side_fighters: u8) -> (String, QueueRules) {
    let rules = QueueRules {
        name: String::from(name),
        mode: String::from("arena"),
        side_fighters,
        rating_window: 200,
        rating_window_growth_per_s: 40,
        rating_window_max: 2000,
        rating_k: 32,
    };
    (rules.name.clone(), rules)
}

fn matchmaker() -> Matchmaker {
    let queues = BTreeMap::from([queue("arena", 5), queue("duel", 1)]);
    Matchmaker::new(address(9, Role::Matchmaker), TickRate::new(20), queues, 1)
}

fn card(ticket: u64, player: u64, card: Option<i32>) -> Input {
    let card = card.map(|rating| PlayerCard {
        name: format!("player {player}"),
        level: 1,
        rating,
        hero: 1,
        bonus_hp: 0,
        bonus_damage: 0,
    });
    let body = Body::Card(Card { ticket: TicketId(ticket), player: PlayerId(player), card });
    Input::Frame { from: address(BASEAPP, Role::Baseapp), body }
}

fn enqueue(social: u16, queue: &str, ticket: u64, players: &[u64]) -> Input {
    let member = |&player: &u64| PartyMember {
        player: PlayerId(player),
        session: SessionRef {
            gateway: NodeId { node: 4, incarnation: 1 },
            session: SessionId(player),
        },
        baseapp: address(BASEAPP, Role::Baseapp),
    };
    let party = players.iter().map(member).collect();
    let queue = String::from(queue);
    let body = Body::ToMatchmaker(ToMatchmaker::Enqueue { ticket: TicketId(ticket), queue, party });
    Input::Frame { from: address(social, Role::Social), body }
}

fn said(from: u16, said: FromBattle) -> Input {
    Input::Frame { from: address(from, Role::Battleapp), body: Body::FromBattle(said) }
}

fn inputs(step: Do<'_>) -> Vec<Input> {
    let input = match step {
        Enqueue(ticket, players) => enqueue(SOCIAL, "duel", ticket, players),
        EnqueueIn(queue, ticket, players) => enqueue(SOCIAL, queue, ticket, players),
        EnqueueFrom(social, ticket, players) => enqueue(social, "duel", ticket, players),
        Cards(ticket, players) => {
            return players.iter().map(|&player| card(ticket, player, Some(1500))).collect();
        }
        NoCard(ticket, player) => card(ticket, player, None),
        Cancel(ticket) => {
            let body = Body::ToMatchmaker(ToMatchmaker::Cancel { ticket: TicketId(ticket) });
            Input::Frame { from: address(SOCIAL, Role::Social), body }
        }
        WaitMs(_) => return Vec::new(),
        Up(node, role) => Input::Directory(DirectoryEvent::Changed(NodeCard {
            id: NodeId { node, incarnation: 1 },
            state: NodeState::Ready,
            build: String::new(),
            roles: vec![(role, 0)],
            link: None,
        })),
        Gone(node) => Input::Directory(DirectoryEvent::Gone(NodeId { node, incarnation: 1 })),
        Started(from, n) => said(from, FromBattle::Started { battle: battle(n) }),
        Refused(from, n) => {
            let refusal = Refusal::new(RefusalCode::Busy, "full");
            said(from, FromBattle::Refused { battle: battle(n), refusal })
        }
        Ended(from, n) => said(from, FromBattle::Ended { battle: battle(n) }),
        StartUnsent(to, n) => {
            let (mode, seats) = (String::from("arena"), Vec::new());
            let start = ToBattle::Start { battle: battle(n), mode, seed: 0, seats };
            Input::Unsent { to: address(to, Role::Battleapp), body: Body::ToBattle(start) }
        }
        CardUnsent(ticket, player) => {
            let request = CardRequest { ticket: TicketId(ticket), player: PlayerId(player) };
            let to = address(BASEAPP, Role::Baseapp);
            Input::Unsent { to, body: Body::CardRequest(request) }
        }
        Drain => Input::Drain,
    };
    vec![input]
}

/// An output in a few words.
#[expect(clippy::wildcard_enum_match_arm, reason = "everything else fails the test")]
fn line(output: &Output) -> String {
    let Output::Send { to, body } = output else { panic!("nothing but frames: {output:?}") };
    match body {
        Body::CardRequest(request) => format!("card {}", request.player.0),
        Body::ToBattle(ToBattle::Start { battle, .. }) => {
            format!("start {} at {}", battle.0 & 0xFFF_FFFF, to.node.node)
        }
        Body::FromMatchmaker(FromMatchmaker::Queued { ticket }) => format!("queued {}", ticket.0),
        Body::FromMatchmaker(FromMatchmaker::Matched { ticket, battleapp, .. }) => {
            format!("matched {} at {}", ticket.0, battleapp.node.node)
        }
        Body::FromMatchmaker(FromMatchmaker::Closed { ticket, refused: None }) => {
            format!("closed {}", ticket.0)
        }
        Body::FromMatchmaker(FromMatchmaker::Closed { ticket, refused: Some(refusal) }) => {
            format!("closed {} {:?}", ticket.0, refusal.code)
        }
        other => panic!("a matchmaker does not say {other:?}"),
    }
}

/// Runs the script and returns what was said, one line each, and the matchmaker.
fn run(script: &[Do<'_>]) -> (Vec<String>, Matchmaker) {
    let mut core = matchmaker();
    let mut now = Tick(0);
    let mut outputs = Vec::new();
    for step in script {
        let ticks = if let WaitMs(ms) = step { TickRate::new(20).ticks_of_ms(*ms) } else { 1 };
        let mut inputs = inputs(*step);
        for _ in 0..ticks {
            now = now.next();
            core.tick(now, inputs.drain(..), &mut outputs);
        }
    }
    (outputs.iter().map(line).collect(), core)
}

fn check(script: &[Do<'_>], expected: &[&str]) -> Matchmaker {
    let (lines, core) = run(script);
    assert_eq!(lines, expected);
    core
}

/// The script after [`MATCHED`].
fn check_matched(script: &[Do<'_>], expected: &[&str]) -> Matchmaker {
    check(&[&MATCHED, script].concat(), &[&MATCHED_LINES, expected].concat())
}

fn value(core: &Matchmaker, name: &str) -> u64 {
    let status = core.status();
    status.values.iter().find(|(known, _)| *known == name).expect("the value is reported").1
}

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
    let script = [Enqueue(1, &[11]), Enqueue(1, &[11]), Cards(1, &[11]), Enqueue(1, &[11])];
    let core = check(&script, &["card 11", "queued 1", "queued 1"]);
    assert_eq!(core.status().load, 1);
    let (lines, _) = run(&[&MATCHED[..], &[Started(7, 0), Enqueue(2, &[12])]].concat());
    assert_eq!(lines.last().unwrap(), "matched 2 at 7");
}

#[test]
fn a_ticket_of_another_social_node_cannot_be_touched() {
    let script = [EnqueueFrom(OTHER_SOCIAL, 1, &[11]), Cards(1, &[11]), Cancel(1), Enqueue(1, &[])];
    let core = check(&script, &["card 11", "queued 1"]);
    assert_eq!(value(&core, "strays_total"), 2);
}

#[test]
fn a_ticket_ends_if_a_card_does_not_come() {
    let late = [Enqueue(1, &[11]), WaitMs(1900), WaitMs(150), Cards(1, &[11])];
    check(&late, &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), NoCard(1, 11)], &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), CardUnsent(1, 11)], &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), Gone(BASEAPP)], &["card 11", "closed 1 Unavailable"]);
    check(&[Enqueue(1, &[11]), Cards(1, &[11]), WaitMs(9000)], &["card 11", "queued 1"]);
}

#[test]
fn a_ticket_can_be_left_until_it_is_matched() {
    check(&[Enqueue(1, &[11]), Cancel(1)], &["card 11", "closed 1"]);
    let waiting = [Enqueue(1, &[11]), Cards(1, &[11]), Cancel(1), Cancel(1)];
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
    let waiting = [Enqueue(1, &[11]), Cards(1, &[11]), Gone(SOCIAL)];
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
    let waiting = [Enqueue(1, &[11]), Cards(1, &[11]), Enqueue(2, &[12]), Drain, Enqueue(3, &[13])];
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
    let mut core = matchmaker();
    let mut inputs = inputs(Up(BATTLEAPP, Role::Battleapp));
    for (ticket, rating) in [(1, 1500), (2, 1700)] {
        inputs.push(enqueue(SOCIAL, "duel", ticket, &[ticket + 10]));
        inputs.push(card(ticket, ticket + 10, Some(rating)));
    }
    let mut outputs = Vec::new();
    core.tick(Tick(1), inputs.drain(..), &mut outputs);
    let Some(Output::Send { body: Body::ToBattle(ToBattle::Start { seats, mode, .. }), .. }) =
        outputs.last()
    else {
        panic!("a battle is begun: {outputs:?}");
    };
    assert_eq!((&mode[..], seats.len()), ("arena", 2));
    assert_eq!((seats[0].side, seats[1].side), (0, 1));
    for seat in seats {
        let won = if seat.card.rating == 1500 { 24 } else { 8 };
        assert_eq!((seat.stakes.won, seat.stakes.lost), (won, won - 32));
        assert_eq!(seat.session.session.0, seat.player.0);
    }
}
