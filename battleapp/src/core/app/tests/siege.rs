//! A siege of hundreds on its whole way: its result is paid in several commits.

use super::*;

#[test]
fn more_players_than_an_outbox_takes_mails_are_paid_once_each() {
    let (_, seats) = fixture::siege(230, 1);
    for failing in [None, Some(false), Some(true)] {
        let mut rig = Rig::new(5);
        rig.start_in("siege", ID, seats.clone());
        assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
        rig.ticks(2);
        rig.failing = failing;
        rig.ticks(200);
        assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }], "{failing:?}");
        for player in 100..330 {
            assert_eq!(rig.mail_of(player).len(), 1, "{failing:?}: player {player}");
        }
        assert_eq!(ended(&rig.told()), [Outcome::Lost; 230]);
        rig.start_in("siege", ID, seats.clone());
        assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
        assert_eq!(rig.mail_of(329).len(), 1, "nobody is paid again");
    }
}
