//! Tickets come, get their cards, and end.

use std::collections::BTreeSet;

use shared::core::Output;
use shared::ids::{Address, Key, NodeId, TicketId};
use shared::msg::Body;
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::replication::OF_FIGHTERS;
use shared::msg::social_matchmaker::{FromMatchmaker, PartyMember};
use shared::replication::WhyEnded;
use shared::tick::Tick;

use super::pool::Waiting;
use super::ticket::{Member, Place, Step, Ticket, TicketEvent, TicketState};
use super::{CARDS_MS_MAX, Claim, Matchmaker, TICKETS_MAX, Timer, draining};

impl Matchmaker {
    pub(super) fn enqueue(
        &mut self,
        from: Address,
        id: TicketId,
        queue: &str,
        party: Vec<PartyMember>,
        outputs: &mut Vec<Output>,
    ) {
        if let Some(ticket) = self.tickets.get(&id) {
            if ticket.social == Some(from) {
                answer_again(id, ticket, outputs);
            } else {
                self.stray(from, "a ticket of another social node");
            }
            return;
        }
        let queue = match self.admit(queue, &party) {
            Ok(queue) => queue,
            Err(refusal) => {
                return self.refuse_ticket(from, id, refusal, outputs);
            }
        };
        for PartyMember { player, baseapp, .. } in &party {
            self.players.insert(*player, Claim::Ticket(id));
            let key = Key::Player(*player);
            let followed = self.cards.follow(self.now, key, *baseapp, OF_FIGHTERS, outputs);
            assert!(followed, "there is room for the cards of all tickets");
        }
        let deadline = self.now.after(self.rate.ticks_of_ms(CARDS_MS_MAX));
        self.timers.insert((deadline, Timer::Cards(id)));
        let members = party.into_iter().map(|who| Member { who, card: None }).collect();
        let state = TicketState::AwaitingCards { deadline };
        self.tickets.insert(id, Ticket { social: Some(from), queue, members, state, trace: None });
    }

    /// A ticket is not taken.
    pub(super) fn refuse_ticket(
        &mut self,
        to: Address,
        ticket: TicketId,
        refusal: Refusal,
        outputs: &mut Vec<Output>,
    ) {
        self.counters.refusals += 1;
        outputs.push(send(to, FromMatchmaker::Closed { ticket, refused: Some(refusal) }));
    }

    /// The index of the queue, if the party may enter it.
    fn admit(&self, name: &str, party: &[PartyMember]) -> Result<usize, Refusal> {
        if self.draining {
            return Err(draining());
        }
        let Some(index) = self.queues.iter().position(|queue| queue.rules.name == name) else {
            return Err(Refusal::new(RefusalCode::NotFound, "there is no such queue"));
        };
        let most = self.queues[index].rules.party_max();
        let players: BTreeSet<_> = party.iter().map(|member| member.player).collect();
        if !(1..=most).contains(&party.len()) || players.len() != party.len() {
            let text = format!("a party for this queue has 1 to {most} different players");
            return Err(Refusal::new(RefusalCode::BadAmount, text));
        }
        for player in players {
            match self.players.get(&player) {
                None => {}
                Some(Claim::Ticket(_)) => {
                    let text = "a player of the party is queued or fights already";
                    return Err(Refusal::new(RefusalCode::InQueue, text));
                }
                Some(Claim::Battle(_)) => {
                    let text = "a battle of a player of the party may still run; try again later";
                    return Err(Refusal::new(RefusalCode::InQueue, text));
                }
            }
        }
        if self.tickets.len() >= TICKETS_MAX {
            let text = "too many parties are queued; try again later";
            return Err(Refusal::new(RefusalCode::Busy, text));
        }
        Ok(index)
    }

    /// A ticket that is not known (any more) counts as left, so that social never waits for an
    /// answer that nobody can give.
    pub(super) fn cancel(&mut self, from: Address, id: TicketId, outputs: &mut Vec<Output>) {
        match self.tickets.get(&id) {
            None => outputs.push(send(from, FromMatchmaker::Closed { ticket: id, refused: None })),
            Some(ticket) if ticket.social == Some(from) => {
                self.ticket_event(id, TicketEvent::Cancelled, outputs);
            }
            Some(_) => self.stray(from, "a ticket of another social node"),
        }
    }

    /// A card is there, or is another one than before.
    pub(super) fn card_changed(&mut self, key: Key, outputs: &mut Vec<Output>) {
        let Some(id) = self.ticket_of(key) else { return };
        let Some(card) = self.cards.get::<PlayerCard>(key) else { return };
        let Some(ticket) = self.tickets.get_mut(&id) else { return };
        let members = ticket.members.iter_mut();
        for member in members.filter(|member| Key::Player(member.who.player) == key) {
            member.card = Some(card.clone());
        }
        match ticket.state {
            TicketState::AwaitingCards { .. } if ticket.has_all_cards() => {
                let place = Place { since: self.now, number: self.places };
                self.places += 1;
                self.ticket_event(id, TicketEvent::CardsComplete(place), outputs);
            }
            // The ratings may be others: the ticket keeps its place in the line among them.
            TicketState::Waiting(place) => {
                let (size, rating_sum) = (ticket.size(), ticket.rating_sum());
                let queue = &mut self.queues[ticket.queue];
                queue.remove(place);
                queue.insert(Waiting { ticket: id, place, size, rating_sum });
            }
            TicketState::AwaitingCards { .. }
            | TicketState::Placing { .. }
            | TicketState::Fighting { .. } => {}
        }
    }

    /// No news of a card come any more. Who has one fights with it; a ticket that still waits for
    /// it ends.
    pub(super) fn card_ended(&mut self, key: Key, why: WhyEnded, outputs: &mut Vec<Output>) {
        let Some(id) = self.ticket_of(key) else { return };
        tracing::debug!(ticket = %id, player = %key, ?why, "card is not followed any more");
        let Some(ticket) = self.tickets.get(&id) else { return };
        let awaits =
            |member: &Member| member.card.is_none() && Key::Player(member.who.player) == key;
        if ticket.members.iter().any(awaits) {
            self.ticket_event(id, TicketEvent::CardMissing(card_missing()), outputs);
        }
    }

    /// The ticket of the player whose key this is.
    fn ticket_of(&self, key: Key) -> Option<TicketId> {
        let Key::Player(player) = key else { return None };
        match self.players.get(&player)? {
            Claim::Ticket(ticket) => Some(*ticket),
            Claim::Battle(_) => None,
        }
    }

    pub(super) fn cards_late(&mut self, id: TicketId, at: Tick, outputs: &mut Vec<Output>) {
        // A ticket may have been closed and another one of the same id been opened since.
        let due = TicketState::AwaitingCards { deadline: at };
        if self.tickets.get(&id).is_some_and(|ticket| ticket.state == due) {
            self.ticket_event(id, TicketEvent::CardMissing(card_missing()), outputs);
        }
    }

    /// A node is gone: the parties of its social role are freed.
    pub(super) fn tickets_without(&mut self, node: NodeId, outputs: &mut Vec<Output>) {
        let mut events = Vec::new();
        for (id, ticket) in &mut self.tickets {
            if ticket.social.is_some_and(|social| social.node == node) {
                ticket.social = None;
                events.push((*id, TicketEvent::SocialGone));
            }
        }
        for (id, event) in events {
            self.ticket_event(id, event, outputs);
        }
    }

    /// Lets something happen to a ticket and does what follows from it. Unknown tickets, and
    /// events that mean nothing in the ticket's state, are ignored.
    pub(super) fn ticket_event(
        &mut self,
        id: TicketId,
        event: TicketEvent,
        outputs: &mut Vec<Output>,
    ) {
        let Some(ticket) = self.tickets.get_mut(&id) else {
            return;
        };
        let before = ticket.state;
        let step = before.step(event);
        if step == Step::Stay {
            return;
        }
        if let TicketState::Waiting(place) = before {
            self.queues[ticket.queue].remove(place);
        }
        match step {
            Step::Stay => {}
            Step::To(state) => {
                ticket.state = state;
                self.entered(id, before, outputs);
            }
            Step::Close(refused) => self.close(id, refused, outputs),
        }
    }

    fn entered(&mut self, id: TicketId, before: TicketState, outputs: &mut Vec<Output>) {
        let Some(ticket) = self.tickets.get(&id) else {
            return;
        };
        match ticket.state {
            TicketState::AwaitingCards { .. } => {}
            TicketState::Waiting(place) => {
                let (size, rating_sum) = (ticket.size(), ticket.rating_sum());
                let waiting = Waiting { ticket: id, place, size, rating_sum };
                self.queues[ticket.queue].insert(waiting);
                if matches!(before, TicketState::AwaitingCards { .. }) {
                    answer_again(id, ticket, outputs);
                }
            }
            TicketState::Placing { .. } => {}
            TicketState::Fighting { .. } => {
                if let TicketState::Placing { place, .. } = before {
                    let ticks = self.now.since(place.since);
                    self.waits.push(ticks.saturating_mul(1000) / u64::from(self.rate.hz()));
                }
                answer_again(id, ticket, outputs);
                // The battleapp has followed them until the battle began.
                for member in &ticket.members {
                    self.cards.forget(Key::Player(member.who.player), outputs);
                }
            }
        }
    }

    fn close(&mut self, id: TicketId, refused: Option<Refusal>, outputs: &mut Vec<Output>) {
        let Some(ticket) = self.tickets.remove(&id) else {
            return;
        };
        for member in &ticket.members {
            self.players.remove(&member.who.player);
            self.cards.forget(Key::Player(member.who.player), outputs);
        }
        self.counters.refusals += u64::from(refused.is_some());
        if let Some(social) = ticket.social {
            outputs.push(send(social, FromMatchmaker::Closed { ticket: id, refused }));
        }
    }
}

/// Tells social where the ticket stands.
fn answer_again(id: TicketId, ticket: &Ticket, outputs: &mut Vec<Output>) {
    let Some(social) = ticket.social else {
        return;
    };
    match ticket.state {
        TicketState::AwaitingCards { .. } => {}
        TicketState::Waiting(_) | TicketState::Placing { .. } => {
            outputs.push(send(social, FromMatchmaker::Queued { ticket: id }));
        }
        TicketState::Fighting { battle, battleapp } => {
            outputs.push(send(social, FromMatchmaker::Matched { ticket: id, battle, battleapp }));
        }
    }
}

fn send(to: Address, said: FromMatchmaker) -> Output {
    Output::Send { to, body: Body::FromMatchmaker(said) }
}

fn card_missing() -> Refusal {
    let text = "the data of a player of the party could not be read; queue again";
    Refusal::new(RefusalCode::Unavailable, text)
}
