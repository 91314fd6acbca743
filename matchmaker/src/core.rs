//! The core: what arrives goes to the ticket or the battle it concerns; at a steady pace the
//! queues are swept.

mod battle;
mod crowd;
mod placing;
mod pool;
mod queue;
mod rating;
mod sides;
mod ticket;
mod tickets;
mod waits;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Drain;

use shared::content::QueueRules;
use shared::core::{Core, CoreStatus, Input, Output};
use shared::directory::{DirectoryEvent, Nodes};
use shared::ids::{Address, BattleId, NodeId, PlayerId, Role, TicketId};
use shared::lateness::Lateness;
use shared::limits::TEAM_MEMBERS_MAX;
use shared::msg::Body;
use shared::msg::head;
use shared::msg::matchmaker_battle::ToBattle;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::social_matchmaker::ToMatchmaker;
use shared::replication::{Replica, ReplicaEvent};
use shared::store::{OpId, StoreReply};
use shared::tick::{Tick, TickRate};

use self::battle::{Battle, BattleEvent};
use self::queue::Queue;
use self::ticket::{Ticket, TicketEvent};
use self::waits::Waits;

/// Tickets at a time, fighting ones included. A further one is refused with `Busy`.
const TICKETS_MAX: usize = 131_072;
/// Battles at a time. At the limit tickets go on waiting.
const BATTLES_MAX: usize = 32_768;
/// Battles made in one tick. Further matches wait for the next tick, longest wait first.
const BATTLES_PER_TICK_MAX: usize = 128;
/// How often the queues are looked through; frames are handled as they come.
const SWEEP_MS: u64 = 50;
/// How long the baseapps have to publish the cards of a ticket. Then it is closed.
const CARDS_MS_MAX: u64 = 2_000;

/// Players whose cards are followed; no party is larger than the largest side.
const CARDS_FOLLOWED_MAX: usize = TICKETS_MAX * sides::SIDE_FIGHTERS_MAX as usize;
const _: () = assert!(TEAM_MEMBERS_MAX <= sides::SIDE_FIGHTERS_MAX as usize);

/// What a matchmaker node decides with.
#[derive(Debug)]
pub struct Matchmaker {
    me: Address,
    rate: TickRate,
    seed: u64,
    now: Tick,
    nodes: Nodes,
    lateness: Lateness,
    queues: Vec<Queue>,
    tickets: BTreeMap<TicketId, Ticket>,
    /// Where each player is held; nobody can be in two tickets.
    players: BTreeMap<PlayerId, Claim>,
    /// The cards of the players of tickets that do not fight yet.
    cards: Replica,
    battles: BTreeMap<BattleId, Battle>,
    /// One entry per deadline that was set; those that no longer matter are skipped.
    timers: BTreeSet<(Tick, Timer)>,
    /// Places given out so far.
    places: u64,
    /// Battles made so far.
    battles_made: u64,
    /// Nothing is placed before this, because no battleapp took the last battle.
    paused_until: Tick,
    /// When the queues are looked through next.
    sweep_at: Tick,
    draining: bool,
    waits: Waits,
    counters: Counters,
}

/// What holds a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// A ticket.
    Ticket(TicketId),
    /// A battle of which it is unknown whether it runs; its tickets were closed.
    Battle(BattleId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Cards(TicketId),
    Battle(BattleId),
}

#[derive(Debug, Default)]
struct Counters {
    matches: u64,
    refusals: u64,
    strays: u64,
    placements_refused: u64,
    placements_unknown: u64,
}

impl Matchmaker {
    /// A matchmaker at `me` that ticks at `rate` and serves `queues`, keyed by their names.
    /// `seed` decides where battles are placed and what their own seeds are.
    #[must_use]
    pub fn new(
        me: Address,
        rate: TickRate,
        queues: BTreeMap<String, QueueRules>,
        seed: u64,
    ) -> Self {
        let queue = |rules| Queue::new(rules, rate);
        Self {
            me,
            rate,
            seed,
            now: Tick::default(),
            nodes: Nodes::default(),
            lateness: Lateness::default(),
            queues: queues.into_values().map(queue).collect(),
            tickets: BTreeMap::new(),
            players: BTreeMap::new(),
            cards: Replica::new(rate, CARDS_FOLLOWED_MAX),
            battles: BTreeMap::new(),
            timers: BTreeSet::new(),
            places: 0,
            battles_made: 0,
            paused_until: Tick::default(),
            sweep_at: Tick::default(),
            draining: false,
            waits: Waits::default(),
            counters: Counters::default(),
        }
    }

    fn frame(&mut self, from: Address, body: Body, outputs: &mut Vec<Output>) {
        match body {
            Body::ToMatchmaker(ToMatchmaker::Enqueue { ticket, queue, party, head }) => {
                if self.lateness.is_over(from.node, &head, self.rate.ms_at(self.now)) {
                    return self.refuse_ticket(from, ticket, head::too_late(), outputs);
                }
                self.enqueue(from, ticket, &queue, party, outputs);
                if let Some(ticket) = self.tickets.get_mut(&ticket) {
                    head.note(Role::Matchmaker, "queued");
                    ticket.trace = head.trace;
                }
            }
            Body::ToMatchmaker(ToMatchmaker::Cancel { ticket }) => {
                self.cancel(from, ticket, outputs);
            }
            Body::ToSubscriber(said) => {
                self.cards.heard(self.now, from, said, &self.nodes, outputs);
                self.take_cards(outputs);
            }
            Body::FromBattle(said) => {
                let (battle, event) = BattleEvent::said(from, said);
                self.battle_event(battle, event, outputs);
            }
            Body::MailWaiting(_)
            | Body::ToBaseapp(_)
            | Body::FromBaseapp(_)
            | Body::ToSocial(_)
            | Body::FromSocial(_)
            | Body::FromMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::ToBattle(_)
            | Body::BattleInput(_)
            | Body::BattleOutput(_)
            | Body::Rejoin(_)
            | Body::ToPublisher(_) => self.stray(from, "a frame that is not for a matchmaker"),
        }
    }

    fn unsent(&mut self, to: Address, body: Body, outputs: &mut Vec<Output>) {
        match body {
            Body::ToBattle(ToBattle::Start { battle, .. }) => {
                self.battle_event(battle, BattleEvent::Unsent(to), outputs);
            }
            Body::ToPublisher(said) => {
                self.cards.unsent(self.now, to, &said, &self.nodes, outputs);
                self.take_cards(outputs);
            }
            // The node's queue was full: once more, at most once per tick. If the node is gone,
            // its parties are freed by whoever takes over.
            body @ Body::FromMatchmaker(_) if self.nodes.is_alive(to.node) => {
                outputs.push(Output::Send { to, body });
            }
            // The battle begins with the cards that it was asked for with.
            Body::ToBattle(ToBattle::Owners { .. })
            | Body::FromMatchmaker(_)
            | Body::MailWaiting(_)
            | Body::ToBaseapp(_)
            | Body::FromBaseapp(_)
            | Body::ToSocial(_)
            | Body::FromSocial(_)
            | Body::ToMatchmaker(_)
            | Body::CardRequest(_)
            | Body::Card(_)
            | Body::FromBattle(_)
            | Body::BattleInput(_)
            | Body::BattleOutput(_)
            | Body::Rejoin(_)
            | Body::ToSubscriber(_) => {}
        }
    }

    fn directory(&mut self, event: &DirectoryEvent, outputs: &mut Vec<Output>) {
        self.nodes.apply(event);
        match event {
            // While it is suspended it holds its tickets and makes no matches; see `sweep`.
            DirectoryEvent::Changed(_) | DirectoryEvent::Suspended | DirectoryEvent::Resumed => {}
            DirectoryEvent::Gone(node) => self.node_gone(*node, outputs),
        }
    }

    fn node_gone(&mut self, node: NodeId, outputs: &mut Vec<Output>) {
        self.lateness.node_gone(node);
        self.tickets_without(node, outputs);
        self.cards.node_gone(self.now, node, &self.nodes, outputs);
        self.take_cards(outputs);
        let concerned = |(id, battle): (&BattleId, &Battle)| {
            (battle.state.battleapp().node == node).then_some(*id)
        };
        let battles: Vec<_> = self.battles.iter().filter_map(concerned).collect();
        for battle in battles {
            self.battle_event(battle, BattleEvent::NodeGone, outputs);
        }
    }

    fn drain(&mut self, outputs: &mut Vec<Output>) {
        self.draining = true;
        let tickets: Vec<_> = self.tickets.keys().copied().collect();
        for ticket in tickets {
            self.ticket_event(ticket, TicketEvent::Drained(draining()), outputs);
        }
    }

    /// Does what follows from news about cards.
    fn take_cards(&mut self, outputs: &mut Vec<Output>) {
        for event in self.cards.take_events() {
            match event {
                ReplicaEvent::Changed(key) => self.card_changed(key, outputs),
                ReplicaEvent::Ended(key, why) => self.card_ended(key, why, outputs),
            }
        }
    }

    fn run_timers(&mut self, outputs: &mut Vec<Output>) {
        while let Some(&(at, timer)) = self.timers.first().filter(|(at, _)| *at <= self.now) {
            self.timers.pop_first();
            match timer {
                Timer::Cards(ticket) => self.cards_late(ticket, at, outputs),
                Timer::Battle(battle) => {
                    self.battle_event(battle, BattleEvent::Deadline(at), outputs);
                }
            }
        }
    }

    fn sweep(&mut self, outputs: &mut Vec<Output>) {
        let has_battleapp = self.nodes.ready(Role::Battleapp).next().is_some();
        let paused = self.now < self.paused_until || self.nodes.is_suspended();
        if self.draining || !has_battleapp || paused {
            return;
        }
        let mut room = BATTLES_PER_TICK_MAX.min(BATTLES_MAX.saturating_sub(self.battles.len()));
        // Queues take turns in being first, so that a busy one does not starve the others.
        let turn = usize::try_from(self.now.0 % 1_024).unwrap_or(0);
        for queue in 0..self.queues.len() {
            let queue = (queue + turn) % self.queues.len();
            let matches = self.queues[queue].sweep(self.now, room);
            room -= matches.len();
            for found in matches {
                self.make_battle(queue, found, outputs);
            }
        }
    }

    /// A frame that does not fit what is known: late, repeated or not ours. It changes nothing.
    fn stray(&mut self, from: Address, what: &'static str) {
        self.counters.strays += 1;
        tracing::debug!(%from, what, "frame ignored");
    }
}

impl Core for Matchmaker {
    fn tick(&mut self, now: Tick, inputs: Drain<'_, Input>, outputs: &mut Vec<Output>) {
        self.now = now;
        for input in inputs {
            match input {
                Input::Frame { from, body } => self.frame(from, body, outputs),
                Input::Unsent { to, body } => self.unsent(to, body, outputs),
                Input::Directory(event) => self.directory(&event, outputs),
                Input::Edge(_) => self.stray(self.me, "an input from a client edge"),
                Input::Drain => self.drain(outputs),
            }
        }
        self.run_timers(outputs);
        self.cards.tick(now, &self.nodes, outputs);
        self.take_cards(outputs);
        if now >= self.sweep_at {
            self.sweep_at = now.after(self.rate.ticks_of_ms(SWEEP_MS));
            self.sweep(outputs);
        }
    }

    fn stored(&mut self, _: Tick, _: OpId, _: StoreReply, _: &mut Vec<Output>) {
        // A matchmaker asks the store for nothing.
        self.stray(self.me, "an answer of the store");
    }

    fn status(&self) -> CoreStatus {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let waiting = self.queues.iter().map(|queue| queue.len()).sum();
        let running = self.battles.values().filter(|battle| battle.state.is_running()).count();
        let cards = self.cards.level();
        CoreStatus {
            load: u32::try_from(self.tickets.len()).unwrap_or(u32::MAX),
            drained: self.draining && self.tickets.is_empty(),
            values: vec![
                ("tickets", count(self.tickets.len())),
                ("tickets_waiting", count(waiting)),
                ("battles_running", count(running)),
                ("wait_ms_p50", self.waits.percentile(50)),
                ("wait_ms_p95", self.waits.percentile(95)),
                ("matches_total", self.counters.matches),
                ("refusals_total", self.counters.refusals),
                ("placements_refused_total", self.counters.placements_refused),
                ("placements_unknown_total", self.counters.placements_unknown),
                ("strays_total", self.counters.strays),
                ("cards_followed", count(cards.followed)),
                ("card_gaps_total", cards.gaps),
            ],
        }
    }
}

fn draining() -> Refusal {
    Refusal::new(RefusalCode::Draining, "this matchmaker is being shut down; queue again")
}
