//! The life of battles, and what players hear of it.

mod bots;
mod cards;
mod rig;
mod siege;
mod spectators;
mod suspension;
#[cfg(feature = "shell")]
mod workers;

use shared::core::{Core, Input, Output};
use shared::ids::{PlayerId, Role, SessionId, SessionRef};
use shared::msg::battle_gateway::BattleInput;
use shared::msg::client::{Act, ClientDatagram, Command, Event, Outcome};
use shared::msg::mail::Mail;
use shared::msg::refusal::RefusalCode;
use shared::msg::snapshot::{FighterView, Snapshot};
use shared::msg::social_battle::Rejoin;
use shared::store::StoreRequest;

use super::super::fixture;
use super::super::replay::verify;
use super::*;
use rig::{ID, Rig, address, card, matchmaker};

fn fighter(snapshot: &Snapshot, slot: u16) -> FighterView {
    snapshot.get(slot).expect("everybody sees everybody")
}

/// What the last snapshot of its own side says of a fighter.
fn newest(snapshots: &[Snapshot], slot: u16) -> FighterView {
    let told = snapshots.iter().map(|snapshot| fighter(snapshot, slot));
    told.max_by_key(|fighter| fighter.sequence).expect("there are some")
}

fn walk(sequence: u32) -> Command {
    Command { sequence, walk: (127, 0), act: Act::None }
}

fn ended(told: &[(Address, BattleOutput)]) -> Vec<Outcome> {
    let outcome = |(_, output): &(Address, BattleOutput)| {
        let BattleOutput::Event { event: Event::BattleEnded { outcome, .. }, .. } = output else {
            return None;
        };
        Some(*outcome)
    };
    told.iter().filter_map(outcome).collect()
}

#[test]
fn a_battle_goes_from_start_to_mails_and_is_over_once() {
    let mut rig = Rig::new(5);
    rig.start(ID, fixture::seats(4));
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
    let seated: Vec<_> = rig.told();
    assert_eq!(seated.len(), 4);
    assert_eq!(rig.app.status().load, 4);

    rig.commands(100, fixture::session(0), vec![walk(1), walk(2)]);
    rig.play(20);
    let snapshots = rig.snapshots();
    let (first, last) = (fighter(&snapshots[0], 0), newest(&snapshots, 0));
    assert_eq!(last.sequence, 2);
    assert!(last.x_mm > first.x_mm);

    rig.ticks(100);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    let told = rig.told();
    assert_eq!(ended(&told), [Outcome::Drawn; 4]);
    let over = told.iter().filter(|(_, output)| matches!(output, BattleOutput::Over { .. }));
    assert_eq!(over.count(), 2, "one for each gateway");
    for player in 100..104 {
        let mails = rig.mail_of(player);
        let [Mail::BattleResult { battle, outcome, rating_change, xp, attached }] = &mails[..]
        else {
            panic!("{mails:?}");
        };
        assert_eq!((*battle, *outcome, *rating_change, *xp), (ID, Outcome::Drawn, 1, 60));
        assert_eq!((attached.gold, attached.stacks.len()), (35, 1));
    }
    let replays = rig.replays();
    let report =
        verify(Modes::BUILTIN, &replays[0], &mut |_, _| {}).expect("the battle can be run again");
    assert_eq!((replays.len(), report.ticks, report.complete), (1, 20, true));

    rig.start(ID, fixture::seats(4));
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    assert_eq!(rig.mail_of(100).len(), 1);
    assert_eq!(rig.value("battles"), 0);
}

#[test]
fn battles_step_at_twenty_hertz_and_repeating_the_start_changes_nothing() {
    let mut rig = Rig::new(5);
    rig.start(ID, fixture::seats(2));
    rig.start(ID, fixture::seats(2));
    let started = FromBattle::Started { battle: ID };
    assert_eq!(rig.facts(), [started.clone(), started]);
    rig.play(10);
    rig.snapshots();
    rig.play(50);
    let ticks: Vec<_> = rig.snapshots().iter().map(|snapshot| snapshot.tick).collect();
    assert_eq!(ticks.len(), 20, "ten steps, each to two clients: {ticks:?}");
    assert_eq!(rig.value("battles_started_total"), 1);
}

#[test]
fn inputs_of_strangers_and_bad_inputs_are_refused() {
    let mut rig = Rig::new(5);
    rig.commands(100, fixture::session(0), vec![walk(1)]);
    rig.start(ID, fixture::seats(2));
    rig.commands(555, fixture::session(0), vec![walk(1)]);
    rig.commands(100, fixture::session(1), vec![walk(1)]);
    let refused = |told: Vec<(Address, BattleOutput)>| {
        told.iter().filter(|(_, o)| matches!(o, BattleOutput::NotSeated { .. })).count()
    };
    assert_eq!(refused(rig.told()), 3);
    rig.commands(100, fixture::session(0), vec![walk(2), walk(1)]);
    let future = ClientDatagram { battle: ID, seen_tick: 900, commands: vec![walk(1)] };
    let (player, session) = (PlayerId(100), fixture::session(0));
    let input = BattleInput::Commands { player, session, datagram: future };
    rig.frame(session.address(), Body::BattleInput(input));
    assert_eq!(refused(rig.told()), 0);
    assert_eq!(rig.value("battle_inputs_refused_total"), 5);
    rig.play(10);
    let snapshots = rig.snapshots();
    assert!(
        !snapshots.is_empty()
            && snapshots.iter().all(|snapshot| fighter(snapshot, 0).sequence == 0)
    );
}

#[test]
fn a_player_who_left_stands_still_and_can_come_back_on_another_session() {
    let mut rig = Rig::new(5);
    rig.start(ID, fixture::seats(2));
    let (player, old) = (PlayerId(100), fixture::session(0));
    rig.commands(100, old, vec![walk(1)]);
    rig.frame(old.address(), {
        Body::BattleInput(BattleInput::Left { battle: ID, player, session: old })
    });
    rig.play(10);
    let last = rig.snapshots().pop().expect("the other one still watches");
    assert!(fighter(&last, 0).away && !fighter(&last, 1).away);

    rig.told();
    let session = SessionRef { gateway: old.gateway, session: SessionId(4_444) };
    let social = address(8, Role::Social);
    rig.frame(social, Body::Rejoin(Rejoin { battle: ID, player, session, as_spectator: false }));
    let seated = rig.told().into_iter().find_map(|(to, output)| {
        let BattleOutput::Seated { session, start, .. } = output else { return None };
        Some((to, session, start.slot))
    });
    assert_eq!(seated, Some((session.address(), SessionId(4_444), 0)));
    rig.commands(100, session, vec![walk(1)]);
    rig.play(10);
    assert_eq!(newest(&rig.snapshots(), 0).sequence, 1);
}

#[test]
fn a_battle_that_everybody_has_left_ends_as_it_stands_and_its_replay_verifies() {
    let mut rig = Rig::lasting(60, 5);
    rig.start(ID, fixture::seats(2));
    for slot in [0, 1] {
        let (player, session) = (PlayerId(100 + u64::from(slot)), fixture::session(slot));
        let left = BattleInput::Left { battle: ID, player, session };
        rig.ticks(50);
        rig.frame(session.address(), Body::BattleInput(left));
    }
    rig.ticks(200);
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }], "somebody might come back");
    rig.ticks(150);
    let replay = rig.said.iter().find_map(|output| {
        let Output::SaveReplay { bytes, .. } = output else { return None };
        Some(bytes.clone())
    });
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    let report =
        verify(Modes::BUILTIN, &replay.expect("it is kept"), &mut |_, _| {}).expect("it is ours");
    assert!(report.complete && report.outcome.is_some());
    assert_eq!((rig.mail_of(100).len(), rig.mail_of(101).len()), (1, 1));
}

#[test]
fn clients_that_never_say_anything_count_as_gone() {
    let mut rig = Rig::lasting(60, 5);
    rig.start(ID, fixture::seats(2));
    rig.ticks(1_200);
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
    rig.ticks(200);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
}

#[test]
fn a_store_that_fails_at_the_end_delays_the_end_and_mails_come_once() {
    for was_carried_out in [false, true] {
        let mut rig = Rig::new(5);
        rig.start(ID, fixture::seats(2));
        rig.failing = Some(was_carried_out);
        rig.ticks(103);
        assert_eq!(rig.failing, None, "the commit has failed");
        assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
        assert_eq!(ended(&rig.told()), []);
        rig.ticks(60);
        assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
        assert_eq!(rig.mail_of(100).len(), 1, "carried out: {was_carried_out}");
        assert_eq!(rig.mail_of(101).len(), 1);
    }
}

#[test]
fn a_failing_simulation_ends_its_own_battle_without_stakes_and_no_other() {
    let other = BattleId(78);
    let mut rig = Rig::new(5);
    rig.start(ID, fixture::seats(2));
    rig.start(other, fixture::seats(2));
    let Some(Stage::Running(running)) = rig.app.battles.get_mut(&ID) else {
        panic!("the battle runs");
    };
    running.battle.sabotage(7);
    rig.facts();
    rig.ticks(45);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    assert_eq!(ended(&rig.told()), [Outcome::Drawn; 2]);
    assert_eq!(rig.mail_of(100), []);
    let report = verify(Modes::BUILTIN, &rig.replays()[0], &mut |_, _| {})
        .expect("its ticks can be run again");
    assert_eq!((report.ticks, report.outcome), (6, None));
    assert_eq!(report.fault, Some((7, false)), "the real simulation does not fail there");

    rig.ticks(80);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: other }]);
    assert_eq!(rig.mail_of(100).len(), 1);
    assert_eq!(rig.value("battles_void_total"), 1);
}

#[test]
fn a_draining_node_refuses_new_battles_and_fights_the_others_to_their_end() {
    let mut rig = Rig::new(5);
    rig.start(ID, fixture::seats(2));
    rig.facts();
    rig.tick(vec![Input::Drain]);
    rig.start(BattleId(78), fixture::seats(2));
    let facts = rig.facts();
    let [FromBattle::Refused { battle, refusal }] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!((*battle, refusal.code), (BattleId(78), RefusalCode::Draining));
    assert!(!rig.app.status().drained);
    rig.ticks(130);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    assert!(rig.app.status().drained);
}

#[test]
fn battles_that_cannot_be_fought_are_refused() {
    let mut strange_hero = fixture::seats(2);
    strange_hero[0].card.hero = 99;
    let mut one_sided = fixture::seats(2);
    one_sided[1].side = 0;
    let mut twice = fixture::seats(2);
    twice[1].player = twice[0].player;
    for seats in [strange_hero, one_sided, twice, Vec::new(), fixture::seats(12)] {
        let mut rig = Rig::new(5);
        rig.start(ID, seats);
        let facts = rig.facts();
        assert!(matches!(facts[..], [FromBattle::Refused { .. }]), "{facts:?}");
        assert_eq!(rig.value("battles"), 0);
    }
}

#[test]
fn a_battle_that_another_node_has_is_refused() {
    let mut rig = Rig::new(5);
    let by = address(2, Role::Battleapp);
    rig.tick(vec![card(2, Role::Battleapp)]);
    let seen = shared::ids::Epoch(0);
    rig.store.apply(&StoreRequest::Claim { key: Key::Battle(ID), by, seen });
    rig.start(ID, fixture::seats(2));
    let facts = rig.facts();
    assert!(matches!(facts[..], [FromBattle::Refused { .. }]), "{facts:?}");
}

#[test]
fn frames_that_matter_are_sent_again_while_their_receiver_lives() {
    let mut rig = Rig::new(5);
    let body = Body::FromBattle(FromBattle::Started { battle: ID });
    rig.tick(vec![Input::Unsent { to: matchmaker(), body: body.clone() }]);
    rig.ticks(30);
    assert_eq!(rig.facts().len(), 1);
    rig.tick(vec![Input::Directory(DirectoryEvent::Gone(matchmaker().node))]);
    rig.tick(vec![Input::Unsent { to: matchmaker(), body }]);
    rig.ticks(30);
    assert_eq!(rig.facts(), []);
}

#[test]
fn a_node_takes_as_many_battles_as_it_may_and_refuses_the_next() {
    let mut rig = Rig::new(5);
    let start = |id: usize| {
        let battle = BattleId(u64::try_from(id).expect("small"));
        let (mode, seats) = (String::from("arena"), fixture::seats(2));
        let body =
            Body::ToBattle(ToBattle::Start { battle, mode, seed: 3, seats, bots: Vec::new() });
        Input::Frame { from: matchmaker(), body }
    };
    let mut inputs: Vec<_> = (0..=BATTLES_MAX).map(start).collect();
    let mut outputs = Vec::new();
    rig.app.tick(Tick(9), inputs.drain(..), &mut outputs);
    rig.said = outputs;
    let facts = rig.facts();
    let [FromBattle::Refused { battle, refusal }] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!((battle.0, refusal.code), (1_000, RefusalCode::Busy));
}
