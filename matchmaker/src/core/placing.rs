//! Matches become battles: a battleapp is found for each, and what becomes of it is followed.

use shared::content::SideRules;
use shared::core::Output;
use shared::ids::{Address, BattleId, PlayerId, Role, TicketId};
use shared::msg::Body;
use shared::msg::matchmaker_battle::{BotSeat, Seat, Stakes, ToBattle};
use shared::rng;
use shared::tick::Tick;

use super::battle::{self, Battle, BattleEvent, BattleState, BattleStep};
use super::pool::Match;
use super::ticket::TicketEvent;
use super::{Claim, Matchmaker, Timer, draining, rating};

/// How long a battleapp has to answer. Then the outcome is unknown.
const START_MS_MAX: u64 = 3_000;
/// How long a battle may run. Then it counts as lost; content allows no longer one than half.
const BATTLE_MS_MAX: u64 = 7_200_000;
/// How long players are reserved for a battle of which nothing is known.
const DOUBT_MS_MAX: u64 = 600_000;
/// Battleapps that are asked for one battle. Then its tickets wait on.
const BATTLEAPPS_ASKED_MAX: usize = 3;
/// Draws in search of a battleapp that was not asked yet.
const DRAWS_MAX: u64 = 8;
/// How long nothing is placed after a battle that no battleapp took.
const PAUSE_MS: u64 = 500;

const DRAW_SEED: u64 = 1;
const DRAW_SIDE: u64 = 2;
const DRAW_BATTLEAPP: u64 = 3;

impl Matchmaker {
    pub(super) fn make_battle(&mut self, queue: usize, found: Match, outputs: &mut Vec<Output>) {
        let id = BattleId(self.me.node.unique(self.battles_made));
        self.battles_made += 1;
        let Match { mut sides } = found;
        // Who waited longest does not always begin on the same side, if there are two.
        let has_sides = self.queues[queue].sides().is_some();
        if has_sides && rng::below(2, self.seed, &[DRAW_SIDE, id.0]) == 1 {
            sides.swap(0, 1);
        }
        for ticket in sides.iter().flatten() {
            let trace = self.tickets.get(ticket).and_then(|ticket| ticket.trace);
            trace.iter().for_each(|trace| trace.note(self.me.role, "matched"));
            self.ticket_event(*ticket, TicketEvent::Matched(id), outputs);
        }
        let mut battle = Battle {
            queue,
            seats: self.seats(queue, &sides),
            sides,
            refused_by: Vec::new(),
            reserved: Vec::new(),
            state: BattleState::Starting { battleapp: self.me, deadline: self.now },
        };
        match self.ask_battleapp(id, &battle, outputs) {
            Some(state) => {
                battle.state = state;
                self.battles.insert(id, battle);
            }
            None => self.give_back(battle, outputs),
        }
    }

    /// Lets something happen to a battle and does what follows from it. Unknown battles, and
    /// events that mean nothing in the battle's state, are ignored.
    pub(super) fn battle_event(
        &mut self,
        id: BattleId,
        event: BattleEvent,
        outputs: &mut Vec<Output>,
    ) {
        let Some(mut battle) = self.battles.remove(&id) else {
            return;
        };
        match battle.state.step(event) {
            BattleStep::Stay => {}
            BattleStep::Run(battleapp) => {
                self.counters.matches += 1;
                let deadline = self.deadline(id, BATTLE_MS_MAX);
                battle.state = BattleState::Running { battleapp, deadline };
                battle.seats = Vec::new();
                self.tickets_event(&battle.sides, &TicketEvent::Started(battleapp), outputs);
            }
            BattleStep::PlaceAgain(battleapp) => {
                self.counters.placements_refused += 1;
                battle.refused_by.push(battleapp);
                let Some(state) = self.ask_battleapp(id, &battle, outputs) else {
                    self.give_back(battle, outputs);
                    return;
                };
                battle.state = state;
            }
            BattleStep::Doubt(battleapp) => {
                tracing::warn!(battle = %id, %battleapp, "no answer, outcome unknown");
                self.counters.placements_unknown += 1;
                let deadline = self.deadline(id, DOUBT_MS_MAX);
                battle.state = BattleState::Doubtful { battleapp, deadline };
                self.reserve(id, &mut battle, outputs);
            }
            BattleStep::Over(refused) => {
                self.tickets_event(&battle.sides, &TicketEvent::Over(refused), outputs);
                for player in battle.reserved {
                    self.players.remove(&player);
                }
                return;
            }
        }
        self.battles.insert(id, battle);
    }

    /// Asks a battleapp that did not refuse yet to begin; `None` if there is none.
    fn ask_battleapp(
        &mut self,
        id: BattleId,
        battle: &Battle,
        outputs: &mut Vec<Output>,
    ) -> Option<BattleState> {
        let battleapp = self.find_battleapp(id, &battle.refused_by)?;
        let deadline = self.deadline(id, START_MS_MAX);
        let start = ToBattle::Start {
            battle: id,
            mode: self.queues[battle.queue].rules.mode.clone(),
            seed: rng::mix(self.seed, &[DRAW_SEED, id.0]),
            seats: battle.seats.clone(),
            bots: self.bots(battle),
        };
        let send = |said| Output::Send { to: battleapp, body: Body::ToBattle(said) };
        outputs.push(send(start));
        let owners = battle.seats.iter().map(|seat| self.owner_of(seat.player));
        if let Some(baseapps) = owners.collect() {
            outputs.push(send(ToBattle::Owners { battle: id, baseapps }));
        }
        Some(BattleState::Starting { battleapp, deadline })
    }

    /// The baseapp of a player who has a ticket.
    fn owner_of(&self, player: PlayerId) -> Option<Address> {
        let Claim::Ticket(ticket) = self.players.get(&player)? else { return None };
        let members = &self.tickets.get(ticket)?.members;
        let member = members.iter().find(|member| member.who.player == player);
        member.map(|member| member.who.baseapp)
    }

    fn find_battleapp(&self, id: BattleId, refused_by: &[Address]) -> Option<Address> {
        if refused_by.len() >= BATTLEAPPS_ASKED_MAX {
            return None;
        }
        (0..DRAWS_MAX).find_map(|draw| {
            let draw = rng::mix(self.seed, &[DRAW_BATTLEAPP, id.0, draw]);
            let placed = self.nodes.place(Role::Battleapp, draw);
            placed.filter(|battleapp| !refused_by.contains(battleapp))
        })
    }

    /// The battle certainly did not begin: its tickets wait on, where they stood.
    fn give_back(&mut self, battle: Battle, outputs: &mut Vec<Output>) {
        self.paused_until = self.now.after(self.rate.ticks_of_ms(PAUSE_MS));
        self.tickets_event(&battle.sides, &TicketEvent::NotStarted, outputs);
        if self.draining {
            self.tickets_event(&battle.sides, &TicketEvent::Drained(draining()), outputs);
        }
    }

    /// Closes the tickets of a battle in doubt and keeps its players from other battles.
    fn reserve(&mut self, id: BattleId, battle: &mut Battle, outputs: &mut Vec<Output>) {
        let sides = std::mem::take(&mut battle.sides);
        for ticket in sides.iter().flatten().filter_map(|ticket| self.tickets.get(ticket)) {
            battle.reserved.extend(ticket.members.iter().map(|member| member.who.player));
        }
        self.tickets_event(&sides, &TicketEvent::Over(Some(battle::unknown())), outputs);
        for player in &battle.reserved {
            self.players.insert(*player, Claim::Battle(id));
        }
    }

    fn tickets_event(
        &mut self,
        sides: &[Vec<TicketId>; 2],
        event: &TicketEvent,
        outputs: &mut Vec<Output>,
    ) {
        for ticket in sides.iter().flatten() {
            self.ticket_event(*ticket, event.clone(), outputs);
        }
    }

    fn deadline(&mut self, id: BattleId, ms: u64) -> Tick {
        let at = self.now.after(self.rate.ticks_of_ms(ms));
        self.timers.insert((at, Timer::Battle(id)));
        at
    }

    /// What fights where no player does.
    fn bots(&self, battle: &Battle) -> Vec<BotSeat> {
        let Some(sides) = self.queues[battle.queue].sides() else { return Vec::new() };
        let Some(rules) = sides.bots else { return Vec::new() };
        let empty = |side: u8| {
            let taken = battle.seats.iter().filter(|seat| seat.side == side).count();
            let bot = BotSeat { side, strength: rules.strength };
            std::iter::repeat_n(bot, usize::from(sides.side_fighters).saturating_sub(taken))
        };
        (0..2).flat_map(empty).collect()
    }

    /// Who fights: side 0, then side 1, parties together.
    fn seats(&self, queue: usize, sides: &[Vec<TicketId>; 2]) -> Vec<Seat> {
        let mut seats = Vec::new();
        for (side, tickets) in (0..).zip(sides) {
            let tickets = tickets.iter().filter_map(|ticket| self.tickets.get(ticket));
            for member in tickets.flat_map(|ticket| &ticket.members) {
                let Some(card) = member.card.clone() else {
                    continue;
                };
                let stakes = Stakes::default();
                let (player, session) = (member.who.player, member.who.session);
                seats.push(Seat { side, player, session, card, stakes });
            }
        }
        // Nobody's rating changes by a battle with bots, or without another side.
        let rules = self.queues[queue].sides();
        let is_full = |rules: &&SideRules| seats.len() >= 2 * usize::from(rules.side_fighters);
        let Some(SideRules { rating_k, .. }) = rules.filter(is_full) else { return seats };
        let averages = [average_rating(&seats, 0), average_rating(&seats, 1)];
        for seat in &mut seats {
            let other = averages[usize::from(seat.side == 0)];
            seat.stakes = rating::stakes(seat.card.rating, other, *rating_k);
        }
        seats
    }
}

/// Average rating of a side, rounded down.
fn average_rating(seats: &[Seat], side: u8) -> i32 {
    let ratings = seats.iter().filter(|seat| seat.side == side);
    let (sum, count) = ratings
        .fold((0i64, 0i64), |(sum, count), seat| (sum + i64::from(seat.card.rating), count + 1));
    i32::try_from(sum.div_euclid(count.max(1))).unwrap_or(0)
}
