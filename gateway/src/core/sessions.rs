//! Sessions begin, misbehave, wait and end.

use std::mem;

use shared::core::{EdgeOutput, Output};
use shared::ids::SessionId;
use shared::msg::Body;
use shared::msg::battle_gateway::BattleInput;
use shared::msg::client::ServerFrame;
use shared::msg::gateway_baseapp::ToBaseapp;
use shared::msg::gateway_social::ToSocial;
use shared::msg::refusal::{Refusal, RefusalCode};

use super::farewells::say;
use super::session::{Playing, Session, State};
use super::{Gateway, to_client};

/// Who ended a session; the baseapp that did needs not be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedBy {
    Gateway,
    Client,
    Baseapp,
}

impl Gateway {
    pub(super) fn connected(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        if self.sessions.contains_key(&id) {
            self.counters.stale += 1;
            return;
        }
        let sessions_full = self.sessions.len() >= self.rules.limits.sessions_max as usize;
        let logins_full = self.logging_in >= self.rules.limits.logins_max;
        self.counters.connections += 1;
        self.sessions.insert(id, Session::new(&self.rules, self.now));
        self.logging_in += 1;
        self.arm(id);
        if self.draining {
            self.end(id, draining(), EndedBy::Gateway, outputs);
        } else if sessions_full || logins_full {
            let text = "this gateway is full; try again in a moment";
            let refusal = Refusal::new(RefusalCode::Busy, text);
            self.counters.refused(refusal.code);
            self.end(id, refusal, EndedBy::Gateway, outputs);
        }
    }

    /// Counts an offence; the last one that is borne ends the session.
    pub(super) fn offend(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            self.counters.stale += 1;
            return;
        };
        self.counters.offences += 1;
        session.offences += 1;
        if session.offences >= self.rules.limits.offences_max {
            let text = "too many malformed or foreign messages";
            self.close_offender(id, text, outputs);
        }
    }

    /// Counts something beyond a rate; more than is borne ends the session.
    pub(super) fn exceed(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let (now, rule) = (self.now, self.rules.excess);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !session.excess.take(rule, now) {
            let text = "far more messages per second than are allowed";
            self.close_offender(id, text, outputs);
        }
    }

    fn close_offender(&mut self, id: SessionId, text: &str, outputs: &mut Vec<Output>) {
        let closing = self.sessions.get(&id).is_some_and(|session| match session.state {
            State::Closing { .. } => true,
            State::Connected { .. }
            | State::FindingOwner { .. }
            | State::Opening { .. }
            | State::Playing(_) => false,
        });
        if !closing {
            self.counters.offenders_closed += 1;
            let refusal = Refusal::new(RefusalCode::Offences, text);
            self.end(id, refusal, EndedBy::Gateway, outputs);
        }
    }

    /// Says goodbye and closes. Nothing happens if that was done before.
    pub(super) fn end(
        &mut self,
        id: SessionId,
        refusal: Refusal,
        by: EndedBy,
        outputs: &mut Vec<Output>,
    ) {
        let due = self.now.after(self.rules.closing_ticks);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let before = mem::replace(&mut session.state, State::Closing { due });
        if let State::Closing { due } = before {
            session.state = State::Closing { due };
            return;
        }
        if before.is_logging_in() {
            self.counters.logins_refused += 1;
        }
        self.part(id, before, by, outputs);
        to_client(id, ServerFrame::Goodbye(refusal), outputs);
        outputs.push(Output::Edge(EdgeOutput::Close { session: id }));
        self.arm(id);
    }

    /// The connection is gone.
    pub(super) fn closed(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let Some(session) = self.sessions.remove(&id) else {
            self.counters.stale += 1;
            return;
        };
        if let Some(due) = session.armed {
            self.timers.remove(&(due, id));
        }
        self.part(id, session.state, EndedBy::Client, outputs);
    }

    /// Lets go of everything that belonged to the state a session was in.
    fn part(&mut self, id: SessionId, state: State, by: EndedBy, outputs: &mut Vec<Output>) {
        if state.is_logging_in() {
            self.logging_in -= 1;
        }
        match state {
            State::Connected { .. } | State::Closing { .. } => {}
            State::FindingOwner { op, .. } => {
                self.lookups.remove(&op);
            }
            State::Opening { attempt, baseapp, .. } => {
                // The baseapp may be letting the player in right now.
                if by != EndedBy::Baseapp {
                    let session = self.session_ref(id);
                    let close = ToBaseapp::Close { player: attempt.player, session };
                    say(baseapp, Body::ToBaseapp(close), &self.nodes, outputs);
                }
            }
            State::Playing(playing) => self.part_playing(id, &playing, by, outputs),
        }
    }

    fn part_playing(
        &mut self,
        id: SessionId,
        playing: &Playing,
        by: EndedBy,
        outputs: &mut Vec<Output>,
    ) {
        let session = self.session_ref(id);
        let player = playing.player;
        if let Some(seat) = playing.seat {
            self.seats.remove(id, seat);
            let left = BattleInput::Left { battle: seat.battle, player, session };
            say(seat.battleapp, Body::BattleInput(left), &self.nodes, outputs);
        }
        if let Some(social) = playing.social {
            let offline = ToSocial::Offline { player, session };
            say(social, Body::ToSocial(offline), &self.nodes, outputs);
        }
        if by != EndedBy::Baseapp {
            let close = ToBaseapp::Close { player, session };
            say(playing.baseapp, Body::ToBaseapp(close), &self.nodes, outputs);
        }
    }

    /// Puts a session into a state that it waits in.
    pub(super) fn enter(&mut self, id: SessionId, state: State) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match (session.state.is_logging_in(), state.is_logging_in()) {
            (true, false) => self.logging_in -= 1,
            (false, true) => self.logging_in += 1,
            (true, true) | (false, false) => {}
        }
        session.state = state;
        self.arm(id);
    }

    /// Sets the session's timer so that it goes off no later than the session is due.
    pub(super) fn arm(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(due) = session.state.due() else { return };
        let due = due.max(self.now.next());
        match session.armed {
            Some(armed) if armed <= due => {}
            Some(armed) => {
                self.timers.remove(&(armed, id));
                self.timers.insert((due, id));
                session.armed = Some(due);
            }
            None => {
                self.timers.insert((due, id));
                session.armed = Some(due);
            }
        }
    }

    pub(super) fn run_timers(&mut self, outputs: &mut Vec<Output>) {
        let now = self.now;
        while let Some((due, id)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, id));
            if let Some(session) = self.sessions.get_mut(&id) {
                session.armed = None;
            }
            self.expire(id, outputs);
            self.arm(id);
        }
    }

    fn expire(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let now = self.now;
        let Some(session) = self.sessions.get(&id) else { return };
        if session.state.due().is_none_or(|due| due > now) {
            return;
        }
        match &session.state {
            State::Connected { .. } => {
                let text = "log in right after connecting";
                let refusal = Refusal::new(RefusalCode::NotLoggedIn, text);
                self.end(id, refusal, EndedBy::Gateway, outputs);
            }
            State::Opening { attempt, baseapp, .. } if attempt.due > now => {
                let (attempt, baseapp) = (attempt.clone(), *baseapp);
                self.open_at(id, attempt, baseapp, outputs);
            }
            State::FindingOwner { .. } | State::Opening { .. } => {
                let text = "the login took too long; try again";
                let refusal = Refusal::new(RefusalCode::Unavailable, text);
                self.end(id, refusal, EndedBy::Gateway, outputs);
            }
            State::Playing(_) => self.expire_playing(id, outputs),
            State::Closing { .. } => {
                self.counters.closes_overdue += 1;
                self.sessions.remove(&id);
            }
        }
    }

    fn expire_playing(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let now = self.now;
        let Some(playing) = self.playing(id) else { return };
        let leave = playing.leave_by.is_some_and(|due| due <= now);
        let announce = playing.announce_due.is_some_and(|due| due <= now);
        let text = "no answer in time; repeat the request with the same id";
        self.give_up(id, |request| leave || request.due <= now, text, outputs);
        if leave {
            self.end(id, draining(), EndedBy::Gateway, outputs);
        } else if announce {
            self.announce(id, outputs);
        }
    }

    /// Takes nothing new; lets requests in flight be answered, then closes every session.
    pub(super) fn drain(&mut self, outputs: &mut Vec<Output>) {
        if mem::replace(&mut self.draining, true) {
            return;
        }
        let leave_by = self.now.after(self.rules.drain_ticks);
        let ids: Vec<_> = self.sessions.keys().copied().collect();
        for id in ids {
            match self.playing(id) {
                Some(playing) if !playing.in_flight.is_empty() => {
                    playing.leave_by = Some(leave_by);
                    self.arm(id);
                }
                Some(_) | None => self.end(id, draining(), EndedBy::Gateway, outputs),
            }
        }
    }

    /// Ends a session of a draining node that has nothing in flight any more.
    pub(super) fn leave_if_done(&mut self, id: SessionId, outputs: &mut Vec<Output>) {
        let Some(playing) = self.playing(id) else { return };
        if playing.leave_by.is_some() && playing.in_flight.is_empty() {
            self.end(id, draining(), EndedBy::Gateway, outputs);
        }
    }
}

pub(super) fn draining() -> Refusal {
    Refusal::new(RefusalCode::Draining, "this gateway is being shut down; connect again")
}
