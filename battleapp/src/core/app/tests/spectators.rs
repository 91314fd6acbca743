//! Who watches a battle without taking part, and what each may know of it.

use shared::ids::{PlayerId, SessionId, SessionRef};
use shared::msg::battle_gateway::BattleInput;
use shared::msg::client::{Act, ClientDatagram, Command, Event};
use shared::msg::refusal::RefusalCode;

use super::rig::{ID, Rig, WATCHER};
use super::*;
use crate::core::app::spectating::BATTLE_SPECTATORS_MAX;

fn refusal_of(said: &[BattleOutput]) -> Option<RefusalCode> {
    let [BattleOutput::Event { event: Event::WatchEnded { refused, .. }, .. }] = said else {
        return None;
    };
    refused.as_ref().map(|refused| refused.code)
}

#[test]
fn spectators_see_the_battle_later_and_are_told_its_end() {
    let mut rig = Rig::lasting(5, 50);
    let gateway = fixture::session(0).gateway;
    let session = SessionRef { gateway, session: SessionId(5_000) };
    assert_eq!(refusal_of(&rig.watch(WATCHER, session)), Some(RefusalCode::NotFound));
    rig.start(ID, fixture::seats(2));
    assert_eq!(refusal_of(&rig.watch(PlayerId(100), session)), Some(RefusalCode::InQueue));
    let said = rig.watch(WATCHER, session);
    assert!(matches!(said[..], [BattleOutput::Watching { .. }]), "{said:?}");
    assert_eq!(rig.value("spectators"), 1);
    // Three seconds pass before the first snapshot is old enough.
    rig.play(5 * 59);
    let newest = |rig: &Rig| {
        let tick = |id| rig.clients[&SessionId(id)].has.newest().map(|newest| newest.tick);
        (tick(1_000), tick(5_000))
    };
    assert_eq!(newest(&rig).1, None);
    rig.play(5 * 20);
    let (own, watched) = newest(&rig);
    assert_eq!(watched.map(|tick| tick + 60), own, "it is that much behind");
    assert!(watched.is_some());

    let walks = BattleInput::Commands {
        player: WATCHER,
        session,
        datagram: ClientDatagram { battle: ID, seen_tick: 0, commands: vec![walk(1)] },
    };
    rig.told();
    rig.frame(session.address(), Body::BattleInput(walks));
    let refused = BattleOutput::NotSeated { session: SessionId(5_000), battle: ID };
    let told = rig.told();
    assert!(told.iter().any(|(_, output)| *output == refused), "it has no fighter to command");
    rig.play(120);
    let ends = |output: &BattleOutput| {
        let BattleOutput::Event { session, event: Event::WatchEnded { refused, .. } } = output
        else {
            return false;
        };
        *session == SessionId(5_000) && refused.is_none()
    };
    assert!(rig.told().iter().any(|(_, output)| ends(output)));
}

#[test]
fn a_battle_takes_so_many_spectators_and_one_who_leaves_makes_room() {
    let mut rig = Rig::lasting(60, 50);
    rig.start(ID, fixture::seats(2));
    let gateway = fixture::session(0).gateway;
    let session = |n: usize| {
        let n = u64::try_from(n).expect("few");
        SessionRef { gateway, session: SessionId(5_000 + n) }
    };
    for n in 0..BATTLE_SPECTATORS_MAX {
        assert_eq!(refusal_of(&rig.watch(WATCHER, session(n))), None);
    }
    let one_more = session(BATTLE_SPECTATORS_MAX);
    assert_eq!(refusal_of(&rig.watch(WATCHER, one_more)), Some(RefusalCode::Full));
    let left = BattleInput::Left { battle: ID, player: WATCHER, session: session(3) };
    rig.frame(session(3).address(), Body::BattleInput(left));
    assert_eq!(refusal_of(&rig.watch(WATCHER, one_more)), None);
}

#[test]
fn what_is_for_the_own_side_is_not_told_to_the_other() {
    let mut rig = Rig::lasting(60, 50);
    rig.start(ID, fixture::seats(2));
    let act = Act::Skill { skill: 1, aim_mm: (1_000, 0) };
    rig.commands(100, fixture::session(0), vec![Command { act, ..walk(1) }]);
    rig.play(30);
    let told = |session: u64| {
        let newest = rig.clients[&SessionId(session)].has.newest().expect("it has read something");
        fighter(newest, 0)
    };
    let (own, other) = (told(1_000), told(1_001));
    assert!(own.sequence == 1 && own.ready[1] > 0, "{own:?}");
    assert_eq!((other.sequence, other.ready), (0, [0; 4]));
    assert_eq!((other.x_mm, other.hp_permille), (own.x_mm, own.hp_permille));
}
