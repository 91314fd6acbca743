//! Running battles: inputs in, steps at their time, snapshots out.

use shared::core::Output;
use shared::ids::{Address, Role};
use shared::msg::battle_gateway::{BattleInput, BattleOutput};
use shared::msg::social_battle::Rejoin;
use shared::tick::Tick;

use super::super::battle::{Battle, Ending, InputRefused, Stepped};
use super::{BattleApp, Stage, send};

/// A battle that falls further behind than this loses the ticks: its time stands still instead of
/// many ticks running at once.
const STEPS_BEHIND_MAX: u64 = 4;

/// A battle that is being fought.
pub(super) struct RunningBattle {
    pub(super) battle: Battle,
    pub(super) matchmaker: Address,
    pub(super) next_step: Tick,
}

impl BattleApp {
    pub(super) fn take_input(&mut self, input: BattleInput, outputs: &mut Vec<Output>) {
        match input {
            BattleInput::Commands { player, session, datagram } => {
                let id = datagram.battle;
                let taken = match self.battles.get_mut(&id) {
                    Some(Stage::Running(running)) => {
                        running.battle.take_commands(player, session, &datagram)
                    }
                    // Sent before the client could know: no offence.
                    Some(Stage::Opening(_) | Stage::Ending(_)) => Ok(()),
                    None if self.finished.contains(&id) => Ok(()),
                    None => Err(InputRefused::NotSeated),
                };
                let Err(refused) = taken else { return };
                self.counters.inputs_refused += 1;
                match refused {
                    InputRefused::NotSeated => {
                        let session_id = session.session;
                        let told = BattleOutput::NotSeated { session: session_id, battle: id };
                        outputs.push(send(session.address(), told));
                    }
                    InputRefused::Bad => {
                        tracing::debug!(%player, battle = %id, "bad commands refused");
                    }
                }
            }
            BattleInput::Left { battle, player, session } => {
                if let Some(Stage::Running(running)) = self.battles.get_mut(&battle) {
                    running.battle.leave(player, session);
                }
            }
        }
    }

    pub(super) fn rejoin(&mut self, rejoin: Rejoin, outputs: &mut Vec<Output>) {
        let Rejoin { battle, player, session, as_spectator } = rejoin;
        if as_spectator {
            return self.watch(battle, player, session, outputs);
        }
        match self.battles.get_mut(&battle) {
            Some(Stage::Running(running)) => {
                let Some(slot) = running.battle.rejoin(player, session) else { return };
                let start = running.battle.setup().start_for(slot);
                let seated = BattleOutput::Seated { session: session.session, start };
                outputs.push(send(session.address(), seated));
            }
            Some(Stage::Opening(opening)) => {
                for seat in opening.seats.iter_mut().filter(|seat| seat.player == player) {
                    seat.session = session;
                }
            }
            Some(Stage::Ending(ending)) => ending.move_session(player, session),
            None => {}
        }
    }

    /// Steps every battle whose time has come, in the order of their ids.
    pub(super) fn step_battles(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        let (mut over, mut told) = (Vec::new(), Vec::new());
        for (id, stage) in &mut self.battles {
            let Stage::Running(running) = stage else { continue };
            if now < running.next_step {
                continue;
            }
            let behind = now.since(running.next_step) / self.stride;
            if behind > STEPS_BEHIND_MAX {
                self.counters.steps_skipped += behind;
                running.next_step = running.next_step.after(behind * self.stride);
            }
            running.next_step = running.next_step.after(self.stride);
            self.counters.steps += 1;
            match running.battle.step(&mut told) {
                Stepped::Going => {}
                Stepped::Over(ending) => over.push((*id, ending)),
                Stepped::Fault => {
                    tracing::error!(battle = %id, "battle failed and is void");
                    self.counters.void += 1;
                    over.push((*id, Ending::Void));
                }
            }
        }
        outputs.extend(told.into_iter().map(|(node, output)| {
            let gateway = Address { node, role: Role::Gateway };
            send(gateway, output)
        }));
        for (battle, ending) in over {
            self.end(battle, ending, outputs);
        }
    }
}
