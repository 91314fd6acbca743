//! Players who watch a battle without taking part.

use shared::core::Output;
use shared::ids::{BattleId, PlayerId, SessionRef};
use shared::msg::battle_gateway::BattleOutput;
use shared::msg::client::Event;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::snapshot::SPECTATOR;

use super::{BattleApp, Stage, send};

/// Spectators of one battle. A further one is refused.
pub(super) const BATTLE_SPECTATORS_MAX: usize = 64;
/// Spectators of all battles of a node. A further one is refused.
pub(super) const SPECTATORS_MAX: usize = 2_000;

impl BattleApp {
    /// Shows a battle to a session of a player who has no seat in it, or says why not.
    pub(super) fn watch(
        &mut self,
        battle: BattleId,
        player: PlayerId,
        session: SessionRef,
        outputs: &mut Vec<Output>,
    ) {
        let full = self.spectators() >= SPECTATORS_MAX;
        let refused = match self.battles.get_mut(&battle) {
            Some(Stage::Running(running)) => {
                let seats = running.battle.seats();
                if seats.iter().any(|seat| seat.player == player) {
                    Refusal::new(RefusalCode::InQueue, "you fight in that battle yourself")
                } else if full || running.battle.spectators().count() >= BATTLE_SPECTATORS_MAX {
                    Refusal::new(RefusalCode::Full, "too many watch already; try again later")
                } else {
                    running.battle.watch(session);
                    let start = running.battle.setup().start_for(SPECTATOR);
                    let watching = BattleOutput::Watching { session: session.session, start };
                    return outputs.push(send(session.address(), watching));
                }
            }
            Some(Stage::Opening(_)) => {
                Refusal::new(RefusalCode::Unavailable, "the battle has not begun; try again")
            }
            Some(Stage::Ending(_)) | None => {
                Refusal::new(RefusalCode::NotFound, "the battle is over")
            }
        };
        outputs.push(watched(battle, session, Some(refused)));
    }

    /// How many sessions watch the battles of this node.
    pub(super) fn spectators(&self) -> usize {
        let of = |stage: &Stage| match stage {
            Stage::Running(running) => running.battle.spectators().count(),
            Stage::Opening(_) | Stage::Ending(_) => 0,
        };
        self.battles.values().map(of).sum()
    }
}

/// Tells a session that it watches a battle no more.
pub(super) fn watched(battle: BattleId, session: SessionRef, refused: Option<Refusal>) -> Output {
    let event = Event::WatchEnded { battle, refused };
    send(session.address(), BattleOutput::Event { session: session.session, event })
}
