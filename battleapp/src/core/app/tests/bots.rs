//! Battles with bots.

use shared::content::Strength;
use shared::msg::matchmaker_battle::BotSeat;

use super::*;
use crate::core::modes::Modes;

#[test]
fn bots_fight_in_empty_seats_and_results_are_for_players_alone() {
    let mut rig = Rig::lasting(3, 1_000);
    let bots = [0, 1, 1].map(|side| BotSeat { side, strength: Strength::Veteran }).to_vec();
    let (mode, seats) = (String::from("arena"), fixture::seats(1));
    let start = ToBattle::Start { battle: ID, mode, seed: 3, seats, bots };
    rig.frame(matchmaker(), Body::ToBattle(start));
    assert_eq!(rig.facts(), [FromBattle::Started { battle: ID }]);
    let told = rig.told();
    let start = told.iter().find_map(|(_, output)| {
        let BattleOutput::Seated { start, .. } = output else { return None };
        Some(start)
    });
    let start = start.expect("the player is seated");
    let names: Vec<_> = start.fighters.iter().map(|line| (line.side, &line.name[..])).collect();
    assert_eq!(names, [(0, "player 0"), (0, "Bot 1"), (1, "Bot 2"), (1, "Bot 3")]);
    rig.commands(100, fixture::session(0), vec![walk(1)]);
    rig.ticks(350);
    assert_eq!(rig.facts(), [FromBattle::Ended { battle: ID }]);
    assert_eq!(ended(&rig.told()).len(), 1, "one player is told");
    assert_eq!(rig.mail_of(100).len(), 1);
    let replay = rig.replays().pop().expect("it is kept");
    let report = verify(Modes::BUILTIN, &replay, &mut |_, _| {}).expect("it is ours");
    assert!(report.complete && report.outcome.is_some(), "the orders of bots are in the replay");
}
