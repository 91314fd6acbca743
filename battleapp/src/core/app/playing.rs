//! Running battles: inputs in, steps at their time, snapshots out.

use shared::core::Output;
use shared::ids::{Address, Role};
use shared::msg::battle_gateway::{BattleInput, BattleOutput};
use shared::msg::social_battle::Rejoin;
use shared::tick::Tick;

use super::super::battle::{Battle, Ending, InputRefused, Stepped};
use super::{BattleApp, Job, Stage, send};

/// A battle that falls further behind than this loses the ticks: its time stands still instead of
/// many ticks running at once.
pub(super) const STEPS_BEHIND_MAX: u64 = 4;
/// How long a battle that has lost ticks is called slow.
pub(super) const SLOW_MS: u64 = 10_000;

/// A battle that is being fought.
pub(super) struct RunningBattle {
    pub(super) battle: Battle,
    pub(super) matchmaker: Address,
    pub(super) next_step: Tick,
    /// It has lost ticks not long before this one.
    pub(super) slow_until: Tick,
}

impl RunningBattle {
    /// It cannot keep up: its time has stood still lately.
    pub(super) fn is_slow(&self) -> bool {
        self.next_step < self.slow_until
    }
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

    /// Steps every battle whose time has come; what they come to is taken in the order of their
    /// ids.
    pub(super) fn step_battles(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        let mut jobs = Vec::new();
        for (id, stage) in &mut self.battles {
            let Stage::Running(running) = stage else { continue };
            if now < running.next_step {
                continue;
            }
            let behind = now.since(running.next_step) / self.stride;
            if behind > STEPS_BEHIND_MAX {
                self.counters.steps_skipped += behind;
                running.next_step = running.next_step.after(behind * self.stride);
                running.slow_until = now.after(self.slow_ticks);
            }
            running.next_step = running.next_step.after(self.stride);
            self.counters.steps += 1;
            jobs.push(Job::new(*id, &mut running.battle));
        }
        self.workers.run(&mut jobs);
        let mut over = Vec::new();
        for job in jobs {
            let (id, stepped, told) = job.finish();
            outputs.extend(told.into_iter().map(|(node, output)| {
                let gateway = Address { node, role: Role::Gateway };
                send(gateway, output)
            }));
            match stepped {
                Stepped::Going => {}
                Stepped::Paused => self.counters.steps_paused += 1,
                Stepped::Over(ending) => over.push((id, ending)),
                Stepped::Fault => {
                    tracing::error!(battle = %id, "battle failed and is void");
                    self.counters.void += 1;
                    over.push((id, Ending::Void));
                }
            }
        }
        for (battle, ending) in over {
            self.end(battle, ending, outputs);
        }
    }
}
