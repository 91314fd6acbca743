//! The battleapp's core: which battles there are, who may speak to them, and how they end.
//!
//! A battle goes through `Opening` (its key is being acquired), `Running`, and `Ending` (its
//! result is being stored). Nobody is told that it has ended before the result is durable. A
//! battle whose key holds a result is not fought again.

mod cards;
mod ending;
mod playing;
mod spectating;
mod starting;
mod stepping;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::vec::Drain;

use shared::content::Content;
use shared::core::{Core, CoreStatus, Input, Output};
use shared::directory::{DirectoryEvent, Nodes};
use shared::ids::{Address, BattleId, Key};
use shared::msg::Body;
use shared::msg::battle_gateway::BattleOutput;
use shared::msg::matchmaker_battle::{FromBattle, ToBattle};
use shared::ownership::{Keeper, KeeperEvent};
use shared::replication::Replica;
use shared::store::{OpId, StoreReply};
use shared::tick::{Tick, TickRate};

use self::cards::{CARDS_FOLLOWED_MAX, CARDS_MS_MAX};
use self::ending::EndingBattle;
use self::playing::{RunningBattle, SLOW_MS};
use self::starting::OpeningBattle;
use super::BATTLE_HZ;
use super::modes::Modes;

pub use self::stepping::{Inline, Job, Workers};

/// Battles of one node. A further one is refused; the matchmaker asks another node.
pub const BATTLES_MAX: usize = 1_000;
/// Finished battles that are remembered, so that late messages for them are no offence. The
/// oldest is forgotten.
pub const FINISHED_KEPT_MAX: usize = 4_096;
/// Frames that are sent again because they did not arrive. The oldest is dropped.
pub const RESEND_MAX: usize = 4_096;
/// Time between two attempts to send or store something again.
pub const RETRY_MS: u64 = 250;

/// The core of the battleapp role.
pub struct BattleApp {
    content: Arc<Content>,
    build: String,
    modes: Modes,
    /// Stands for this incarnation of this node.
    salt: u64,
    workers: Box<dyn Workers>,
    /// Core ticks between two ticks of a battle.
    stride: u64,
    retry_ticks: u64,
    slow_ticks: u64,
    nodes: Nodes,
    keeper: Keeper,
    /// The cards of the players of opening battles.
    cards: Replica,
    cards_ticks: u64,
    events: Vec<KeeperEvent>,
    battles: BTreeMap<BattleId, Stage>,
    finished: BTreeSet<BattleId>,
    finished_order: VecDeque<BattleId>,
    resend: VecDeque<(Address, Body)>,
    resend_at: Tick,
    draining: bool,
    counters: Counters,
}

/// How far a battle is.
enum Stage {
    Opening(OpeningBattle),
    Running(Box<RunningBattle>),
    Ending(Box<EndingBattle>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    started: u64,
    ended: u64,
    void: u64,
    refused: u64,
    dropped: u64,
    inputs_refused: u64,
    steps: u64,
    steps_skipped: u64,
    steps_paused: u64,
}

impl BattleApp {
    /// A battleapp at `me` whose core ticks at `rate`. `build` is written into replays.
    #[must_use]
    pub fn new(me: Address, rate: TickRate, content: impl Into<Arc<Content>>, build: &str) -> Self {
        Self {
            content: content.into(),
            build: build.to_owned(),
            modes: Modes::BUILTIN,
            salt: me.node.unique(0),
            workers: Box::new(Inline),
            stride: u64::from((rate.hz() / BATTLE_HZ).max(1)),
            retry_ticks: rate.ticks_of_ms(RETRY_MS),
            slow_ticks: rate.ticks_of_ms(SLOW_MS),
            nodes: Nodes::default(),
            keeper: Keeper::new(me),
            cards: Replica::new(rate, CARDS_FOLLOWED_MAX),
            cards_ticks: rate.ticks_of_ms(CARDS_MS_MAX),
            events: Vec::new(),
            battles: BTreeMap::new(),
            finished: BTreeSet::new(),
            finished_order: VecDeque::new(),
            resend: VecDeque::new(),
            resend_at: Tick(0),
            draining: false,
            counters: Counters::default(),
        }
    }

    /// Fights the modes of `modes` instead of those of this repository.
    #[must_use]
    pub const fn with_modes(mut self, modes: Modes) -> Self {
        self.modes = modes;
        self
    }

    /// Steps battles with `workers` instead of one after the other. What comes out is the same.
    #[must_use]
    pub fn with_workers(mut self, workers: Box<dyn Workers>) -> Self {
        self.workers = workers;
        self
    }

    fn take_frame(&mut self, now: Tick, from: Address, body: Body, outputs: &mut Vec<Output>) {
        match body {
            Body::ToBattle(ToBattle::Start { battle, mode, seed, seats, bots }) => {
                let wanted = OpeningBattle {
                    battle,
                    mode,
                    seed,
                    seats,
                    bots,
                    from,
                    is_open: false,
                    cards_until: now,
                };
                self.start(from, wanted, outputs);
            }
            Body::ToBattle(ToBattle::Owners { battle, baseapps }) => {
                self.follow_cards(now, (from, battle), &baseapps, outputs);
            }
            Body::ToSubscriber(said) => self.cards.heard(now, from, said, &self.nodes, outputs),
            Body::BattleInput(input) => self.take_input(input, outputs),
            Body::Rejoin(rejoin) => self.rejoin(rejoin, outputs),
            // Nobody writes to a battle; its key has an outbox only.
            Body::MailWaiting(_) => {}
            Body::ToBaseapp(_)
            | Body::FromBaseapp(_)
            | Body::ToSocial(_)
            | Body::FromSocial(_)
            | Body::ToMatchmaker(_)
            | Body::FromMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::FromBattle(_)
            | Body::BattleOutput(_)
            | Body::ToPublisher(_) => {
                tracing::warn!(%from, "a frame that is not for a battleapp was ignored");
            }
        }
    }

    /// What must arrive is sent again while the receiver lives; a lost snapshot is replaced by
    /// the next one anyway.
    fn take_unsent(&mut self, now: Tick, to: Address, body: Body, outputs: &mut Vec<Output>) {
        if let Body::ToPublisher(said) = &body {
            self.cards.unsent(now, to, said, &self.nodes, outputs);
        }
        let worth = match &body {
            Body::FromBattle(_) => true,
            Body::BattleOutput(BattleOutput::Snapshots { .. } | BattleOutput::NotSeated { .. })
            | Body::MailWaiting(_)
            | Body::ToBaseapp(_)
            | Body::FromBaseapp(_)
            | Body::ToSocial(_)
            | Body::FromSocial(_)
            | Body::ToMatchmaker(_)
            | Body::FromMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::BattleInput(_)
            | Body::Rejoin(_)
            | Body::ToPublisher(_)
            | Body::ToSubscriber(_) => false,
            Body::BattleOutput(
                BattleOutput::Seated { .. }
                | BattleOutput::Watching { .. }
                | BattleOutput::Event { .. }
                | BattleOutput::Over { .. },
            ) => true,
        };
        if !worth || !self.nodes.is_alive(to.node) {
            return;
        }
        if self.resend.len() == RESEND_MAX {
            self.resend.pop_front();
        }
        self.resend.push_back((to, body));
    }

    fn take_directory(&mut self, now: Tick, event: &DirectoryEvent, outputs: &mut Vec<Output>) {
        self.nodes.apply(event);
        match event {
            DirectoryEvent::Gone(node) => {
                self.cards.node_gone(now, *node, &self.nodes, outputs);
                self.resend.retain(|(to, _)| to.node != *node);
                for stage in self.battles.values_mut() {
                    if let Stage::Running(running) = stage {
                        running.battle.leave_gateway(*node);
                    }
                }
            }
            DirectoryEvent::Suspended => self.keeper.suspend(outputs, &mut self.events),
            DirectoryEvent::Resumed => self.keeper.resume(),
            DirectoryEvent::Changed(_) => {}
        }
    }

    fn take_events(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        for event in std::mem::take(&mut self.events) {
            match event {
                KeeperEvent::Opened { key: Key::Battle(battle), record } => {
                    self.opened(now, battle, &record, outputs);
                }
                KeeperEvent::Elsewhere { key: Key::Battle(battle), .. } => {
                    self.fought_elsewhere(battle, outputs);
                }
                KeeperEvent::Lost { key: Key::Battle(battle), reason } => {
                    self.lost(now, battle, reason, outputs);
                }
                KeeperEvent::Released { key: Key::Battle(battle) } => {
                    self.released(battle, outputs);
                }
                KeeperEvent::Mail { key, entries } => {
                    let last = entries.last().map(|entry| entry.position);
                    self.keeper.mail_done(key, last, outputs);
                }
                KeeperEvent::Wanted { .. }
                | KeeperEvent::Opened { .. }
                | KeeperEvent::Elsewhere { .. }
                | KeeperEvent::Lost { .. }
                | KeeperEvent::Released { .. } => {}
            }
        }
    }

    fn send_again(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        if now < self.resend_at {
            return;
        }
        self.resend_at = now.after(self.retry_ticks);
        let again = self.resend.drain(..);
        outputs.extend(again.map(|(to, body)| Output::Send { to, body }));
    }

    fn remember_finished(&mut self, battle: BattleId) {
        if self.finished.insert(battle) {
            self.finished_order.push_back(battle);
        }
        if self.finished_order.len() > FINISHED_KEPT_MAX
            && let Some(oldest) = self.finished_order.pop_front()
        {
            self.finished.remove(&oldest);
        }
    }
}

impl Core for BattleApp {
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        for input in inputs {
            match input {
                Input::Frame { from, body } => self.take_frame(now, from, body, outputs),
                Input::Unsent { to, body } => self.take_unsent(now, to, body, outputs),
                Input::Directory(event) => self.take_directory(now, &event, outputs),
                Input::Drain => self.draining = true,
                Input::Edge(_) => {}
            }
        }
        self.take_events(now, outputs);
        self.cards.tick(now, &self.nodes, outputs);
        self.end_cards(outputs);
        self.begin_complete(now, outputs);
        self.step_battles(now, outputs);
        self.retry_endings(now, outputs);
        self.pay_on(outputs);
        self.send_again(now, outputs);
        self.keeper.seal(outputs);
    }

    fn stored(&mut self, now: Tick, op: OpId, reply: StoreReply, outputs: &mut Vec<Output>) {
        self.keeper.stored(op, reply, &self.nodes, outputs, &mut self.events);
        self.take_events(now, outputs);
    }

    fn status(&self) -> CoreStatus {
        let fighters = |stage: &Stage| match stage {
            Stage::Opening(opening) => opening.seats.len(),
            Stage::Running(running) => running.battle.seats().len(),
            Stage::Ending(_) => 0,
        };
        let load = self.battles.values().map(fighters).sum::<usize>();
        let slow = |stage: &&Stage| match stage {
            Stage::Running(running) => running.is_slow(),
            Stage::Opening(_) | Stage::Ending(_) => false,
        };
        let slow = self.battles.values().filter(slow).count();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let spectators = self.spectators();
        let counters = self.counters;
        CoreStatus {
            load: u32::try_from(load).unwrap_or(u32::MAX),
            drained: self.draining && self.battles.is_empty() && self.keeper.is_idle(),
            values: vec![
                ("battles", count(self.battles.len())),
                ("fighters", count(load)),
                ("spectators", count(spectators)),
                ("battles_slow", count(slow)),
                ("battles_started_total", counters.started),
                ("battles_ended_total", counters.ended),
                ("battles_void_total", counters.void),
                ("cards_followed", count(self.cards.level().followed)),
                ("battles_refused_total", counters.refused),
                ("battles_dropped_total", counters.dropped),
                ("battle_inputs_refused_total", counters.inputs_refused),
                ("battle_steps_total", counters.steps),
                ("battle_steps_skipped_total", counters.steps_skipped),
                ("battle_steps_paused_total", counters.steps_paused),
            ],
        }
    }
}

fn send(to: Address, output: BattleOutput) -> Output {
    Output::Send { to, body: Body::BattleOutput(output) }
}

fn tell(matchmaker: Address, fact: FromBattle) -> Output {
    Output::Send { to: matchmaker, body: Body::FromBattle(fact) }
}
