//! Battles of a node that cannot reach its store.

use super::rig::{ID, Rig};
use super::*;

#[test]
fn a_battle_goes_on_while_the_node_is_suspended_and_its_result_waits() {
    let mut rig = Rig::new(5);
    rig.start(ID, fixture::seats(4));
    rig.tick(vec![Input::Directory(DirectoryEvent::Suspended)]);
    rig.told();
    rig.ticks(20);
    let is_end = |(_, output): &(Address, BattleOutput)| {
        matches!(output, BattleOutput::Event { .. } | BattleOutput::Over { .. })
    };
    let told = rig.told();
    assert!(!told.is_empty() && !told.iter().any(is_end), "it is fought on");
    rig.ticks(200);
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }], "nobody is told of an end");
    rig.tick(vec![Input::Directory(DirectoryEvent::Resumed)]);
    rig.ticks(30);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    assert_eq!((ended(&rig.told()).len(), rig.mail_of(100).len()), (4, 1));
}
