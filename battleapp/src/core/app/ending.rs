//! How a battle ends: its result is stored, then everybody is told, then it is forgotten.
//!
//! The key is given back in the same step that stores the result, and the keeper gives a key
//! back only when all that was staged is durable: that is the moment to tell everybody. If the
//! store fails in between, the key is opened again and its parts say whether the result is there.

use std::collections::BTreeSet;

use shared::core::Output;
use shared::ids::{Address, BattleId, Key, PlayerId, SessionRef};
use shared::msg::battle_gateway::BattleOutput;
use shared::msg::client::{Event, FighterResult, Outcome, RESULTS_TOLD_MAX};
use shared::msg::matchmaker_battle::FromBattle;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::ownership::LostReason;
use shared::tick::Tick;

use super::super::battle::{Ending, Sitting};
use super::super::results::{Payout, outcome_of};
use super::spectating::watched;
use super::{BattleApp, Stage, send, tell};

/// Room in an outbox from which on a payout goes on: its commits are not to be many small ones.
const PAY_ROOM_MIN: u64 = 100;

/// A battle whose result is being stored.
pub(super) struct EndingBattle {
    pub(super) matchmaker: Address,
    seats: Vec<(PlayerId, SessionRef, Outcome)>,
    spectators: Vec<SessionRef>,
    payout: Payout,
    score: [u32; 2],
    /// What the fighters have done, by slot; nothing of a void battle.
    results: Vec<FighterResult>,
    replay: Vec<u8>,
    /// When to try again after the store failed.
    retry_at: Option<Tick>,
}

impl EndingBattle {
    /// The player is told the end on another session.
    pub(super) fn move_session(&mut self, player: PlayerId, session: SessionRef) {
        for seat in self.seats.iter_mut().filter(|seat| seat.0 == player) {
            seat.1 = session;
        }
    }

    fn sessions(&self) -> impl Iterator<Item = SessionRef> {
        self.seats.iter().map(|seat| seat.1).chain(self.spectators.iter().copied())
    }
}

impl BattleApp {
    /// A running battle has come to its end in this tick.
    pub(super) fn end(&mut self, id: BattleId, ending: Ending, outputs: &mut Vec<Output>) {
        let Some(Stage::Running(running)) = self.battles.remove(&id) else { return };
        let matchmaker = running.matchmaker;
        let rules = running.battle.setup().rules.clone();
        let spectators = running.battle.spectators().collect();
        let (score, results) = match ending {
            Ending::Fought(_) | Ending::Deserted(_) => running.battle.results(),
            Ending::Void => ([0; 2], Vec::new()),
        };
        let (seats, replay) = running.battle.finish(ending);
        let payout = Payout::new(id, ending, &seats, &rules);
        let line = |seat: &Sitting| (seat.player, seat.session, outcome_of(ending, seat));
        let seats = seats.iter().map(line).collect();
        let ending = EndingBattle {
            matchmaker,
            seats,
            spectators,
            score,
            results,
            payout,
            replay,
            retry_at: None,
        };
        self.battles.insert(id, Stage::Ending(Box::new(ending)));
        self.store_result(id, None, outputs);
    }

    /// Stores what is missing of the result after `paid` players; `None` if it is not there at all.
    pub(super) fn store_result(
        &mut self,
        battle: BattleId,
        paid: Option<u32>,
        outputs: &mut Vec<Output>,
    ) {
        let Some(Stage::Ending(ending)) = self.battles.get_mut(&battle) else { return };
        ending.retry_at = None;
        ending.payout.resume(paid);
        let key = Key::Battle(battle);
        if self.keeper.owns(key) {
            self.pay(battle, outputs);
        } else {
            // It was lost while the battle went on, as when the store was away.
            self.keeper.open(key, outputs);
        }
    }

    /// Stages as much of the payout as the outbox takes, and gives the key back after the last.
    fn pay(&mut self, battle: BattleId, outputs: &mut Vec<Output>) {
        let Some(Stage::Ending(ending)) = self.battles.get_mut(&battle) else { return };
        let key = Key::Battle(battle);
        if let Some(change) = ending.payout.next_change(self.keeper.outbox_room(key)) {
            self.keeper.stage(key, change);
        }
        if ending.payout.is_staged() {
            self.keeper.release(key, outputs);
        }
    }

    /// Goes on with payouts that wait for room in their outbox.
    pub(super) fn pay_on(&mut self, outputs: &mut Vec<Output>) {
        let waits = |stage: &Stage| match stage {
            Stage::Ending(ending) => !ending.payout.is_staged(),
            Stage::Opening(_) | Stage::Running(_) => false,
        };
        let waiting = self.battles.iter().filter(|(_, stage)| waits(stage));
        let waiting: Vec<BattleId> = waiting.map(|(battle, _)| *battle).collect();
        for battle in waiting {
            if self.keeper.outbox_room(Key::Battle(battle)) >= PAY_ROOM_MIN {
                self.pay(battle, outputs);
            }
        }
    }

    /// The key is given back. For an ending battle that means: the result is durable.
    pub(super) fn released(&mut self, id: BattleId, outputs: &mut Vec<Output>) {
        let Some(Stage::Ending(_)) = self.battles.get(&id) else { return };
        let Some(Stage::Ending(ending)) = self.battles.remove(&id) else { return };
        tracing::info!(battle = %id, "battle ended");
        self.counters.ended += 1;
        self.remember_finished(id);
        for (slot, (_, session, outcome)) in ending.seats.iter().enumerate() {
            let fighters = if ending.results.len() > RESULTS_TOLD_MAX {
                ending.results.get(slot).into_iter().copied().collect()
            } else {
                ending.results.clone()
            };
            let (outcome, score) = (*outcome, ending.score);
            let event = Event::BattleEnded { battle: id, outcome, score, fighters };
            let told = BattleOutput::Event { session: session.session, event };
            outputs.push(send(session.address(), told));
        }
        outputs.extend(ending.spectators.iter().map(|session| watched(id, *session, None)));
        say_over(id, ending.sessions(), outputs);
        outputs.push(tell(ending.matchmaker, FromBattle::Ended { battle: id }));
        outputs.push(Output::SaveReplay { battle: id, bytes: ending.replay });
    }

    /// The key was lost. An ending battle tries again, because its result may be stored or not. A
    /// running one goes on if nobody is known to have taken it, and needs the key at its end only.
    /// Any other is dropped.
    pub(super) fn lost(
        &mut self,
        now: Tick,
        battle: BattleId,
        reason: LostReason,
        outputs: &mut Vec<Output>,
    ) {
        match self.battles.get_mut(&battle) {
            Some(Stage::Ending(ending)) if reason != LostReason::TooLarge => {
                tracing::warn!(%battle, ?reason, "the result is not stored yet");
                ending.retry_at = Some(now.after(self.retry_ticks));
                return;
            }
            Some(Stage::Running(_)) if reason.may_return() => return,
            Some(Stage::Opening(_) | Stage::Running(_) | Stage::Ending(_)) | None => {}
        }
        let text = format!("the battle's key was lost: {reason:?}");
        self.drop_battle(battle, text, outputs);
    }

    /// Another node owns the key: it fights the battle, or has stored its result.
    pub(super) fn fought_elsewhere(&mut self, battle: BattleId, outputs: &mut Vec<Output>) {
        self.drop_battle(battle, String::from("another node has this battle"), outputs);
    }

    pub(super) fn retry_endings(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        if self.nodes.is_suspended() {
            return;
        }
        for (battle, stage) in &mut self.battles {
            let Stage::Ending(ending) = stage else { continue };
            if ending.retry_at.is_some_and(|at| now >= at) {
                ending.retry_at = None;
                self.keeper.open(Key::Battle(*battle), outputs);
            }
        }
    }

    fn drop_battle(&mut self, id: BattleId, text: String, outputs: &mut Vec<Output>) {
        let Some(stage) = self.battles.remove(&id) else { return };
        self.counters.dropped += 1;
        let matchmaker = match stage {
            Stage::Opening(opening) => {
                self.forget_cards(&opening.seats, outputs);
                opening.from
            }
            Stage::Running(running) => {
                let seats = running.battle.seats().iter().map(|seat| seat.session);
                let sessions = seats.chain(running.battle.spectators());
                say_over(id, sessions, outputs);
                running.matchmaker
            }
            Stage::Ending(ending) => {
                say_over(id, ending.sessions(), outputs);
                outputs.push(Output::SaveReplay { battle: id, bytes: ending.replay });
                ending.matchmaker
            }
        };
        let refusal = Refusal::new(RefusalCode::Unavailable, text);
        self.refuse(matchmaker, id, refusal, outputs);
    }
}

/// Tells each gateway once that the battle is over for its sessions.
fn say_over(
    battle: BattleId,
    sessions: impl Iterator<Item = SessionRef>,
    outputs: &mut Vec<Output>,
) {
    let gateways: BTreeSet<Address> = sessions.map(SessionRef::address).collect();
    outputs.extend(gateways.into_iter().map(|to| send(to, BattleOutput::Over { battle })));
}
