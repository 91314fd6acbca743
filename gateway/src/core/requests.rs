//! Requests go to the node that can answer them, and answers and events come back.

use shared::core::Output;
use shared::ids::{Address, Key, RequestId, SessionId};
use shared::limits::REQUESTS_IN_FLIGHT_MAX;
use shared::msg::Body;
use shared::msg::client::{Event, Reply, Request, ServerFrame};
use shared::msg::gateway_baseapp::ToBaseapp;
use shared::msg::gateway_social::{FromSocial, ToSocial};
use shared::msg::head::{Head, Trace};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::rng;

use super::limits::REQUEST_MS;
use super::session::{InFlight, State};
use super::sessions::{EndedBy, draining};
use super::{Gateway, to_client};

impl Gateway {
    pub(super) fn request(
        &mut self,
        session: SessionId,
        id: RequestId,
        request: Request,
        outputs: &mut Vec<Output>,
    ) {
        let (now, rule) = (self.now, self.rules.requests);
        let Some(held) = self.sessions.get_mut(&session) else {
            self.counters.stale += 1;
            return;
        };
        let playing = match &held.state {
            State::Playing(playing) => playing,
            State::Closing { .. } => return,
            State::Connected { .. } | State::FindingOwner { .. } | State::Opening { .. } => {
                let text = "log in and wait for the welcome before the first request";
                let refusal = Refusal::new(RefusalCode::NotLoggedIn, text);
                self.counters.offences += 1;
                return self.end(session, refusal, EndedBy::Gateway, outputs);
            }
        };
        self.counters.requests += 1;
        if playing.in_flight.iter().any(|request| request.id == id) {
            self.counters.requests_repeated += 1;
            if !held.requests.take(rule, now) {
                self.exceed(session, outputs);
            }
            return;
        }
        let full = playing.in_flight.len() >= REQUESTS_IN_FLIGHT_MAX;
        let leaving = playing.leave_by.is_some();
        if !held.requests.take(rule, now) {
            let refusal =
                Refusal::new(RefusalCode::Busy, "too many requests per second; slow down");
            self.refuse(session, id, refusal, outputs);
            return self.exceed(session, outputs);
        }
        match request {
            Request::Ping => {
                self.counters.replies += 1;
                to_client(session, ServerFrame::Reply { id, result: Ok(Reply::Pong) }, outputs);
            }
            Request::StopWatching => {
                if self.stop_watching(session, outputs) {
                    self.counters.replies += 1;
                    let result = Ok(Reply::Done);
                    to_client(session, ServerFrame::Reply { id, result }, outputs);
                } else {
                    let text = "you watch no battle";
                    let refusal = Refusal::new(RefusalCode::NotFound, text);
                    self.refuse(session, id, refusal, outputs);
                }
            }
            Request::Player(_) | Request::Social(_) if leaving => {
                self.refuse(session, id, draining(), outputs);
            }
            Request::Player(_) | Request::Social(_) if full => {
                let text = format!("{REQUESTS_IN_FLIGHT_MAX} requests are in flight; wait for one");
                self.refuse(session, id, Refusal::new(RefusalCode::Busy, text), outputs);
            }
            Request::Player(_) | Request::Social(_) => self.route(session, id, request, outputs),
        }
    }

    /// Sends an admitted request on.
    fn route(
        &mut self,
        session: SessionId,
        id: RequestId,
        request: Request,
        outputs: &mut Vec<Output>,
    ) {
        let due = self.now.after(self.rules.request_ticks);
        let session_ref = self.session_ref(session);
        let head = self.head();
        let guild = match &request {
            Request::Social(request) => request.reads_guild(),
            Request::Player(_) | Request::Ping | Request::StopWatching => None,
        };
        let guild_home = guild.and_then(|guild| self.nodes.home_of_key(Key::Guild(guild)));
        let Some(playing) = self.playing(session) else { return };
        let player = playing.player;
        let boxed = Box::new(head);
        let (to, body) = match request {
            Request::Ping | Request::StopWatching => return,
            Request::Player(request) => {
                let session = session_ref;
                let ask = ToBaseapp::Request { player, session, id, request, head: boxed };
                (Some(playing.baseapp), Body::ToBaseapp(ask))
            }
            Request::Social(request) => {
                let order = playing.order;
                let session = session_ref;
                let ask = ToSocial::Request { player, session, order, id, request, head: boxed };
                (guild_home.or(playing.social), Body::ToSocial(ask))
            }
        };
        let Some(to) = to else {
            let text = "no node for guilds, teams and queues is there right now; try again";
            let refusal = Refusal::new(RefusalCode::Unavailable, text);
            return self.refuse(session, id, refusal, outputs);
        };
        playing.in_flight.push(InFlight { id, to, due, head });
        head.note(self.me.role, "asked");
        outputs.push(Output::Send { to, body });
        self.arm(session);
    }

    /// What goes with the next request.
    fn head(&mut self) -> Head {
        self.asked += 1;
        let (unique, limits) = (self.me.node.unique(0), &self.rules.limits);
        let is_followed = rng::below(1_000, unique, &[self.asked]) < limits.traces_permille.into();
        Head {
            sent_ms: self.rules.rate.ms_at(self.now),
            budget_ms: u32::try_from(REQUEST_MS).unwrap_or(u32::MAX),
            trace: is_followed.then(|| Trace::new(unique, self.asked)),
        }
    }

    fn refuse(
        &mut self,
        session: SessionId,
        id: RequestId,
        refusal: Refusal,
        outputs: &mut Vec<Output>,
    ) {
        self.counters.refused(refusal.code);
        to_client(session, ServerFrame::Reply { id, result: Err(refusal) }, outputs);
    }

    /// Hands an answer on, if the session still waits for it from there.
    pub(super) fn reply(
        &mut self,
        from: Address,
        session: SessionId,
        id: RequestId,
        result: Result<Reply, Refusal>,
        outputs: &mut Vec<Output>,
    ) {
        let Some(request) = self.settle(session, id, from) else {
            self.counters.stale += 1;
            return;
        };
        request.head.note(self.me.role, if result.is_ok() { "answered" } else { "refused" });
        self.counters.replies += 1;
        to_client(session, ServerFrame::Reply { id, result }, outputs);
        self.leave_if_done(session, outputs);
    }

    /// Takes a request of a session to `to` out of flight, if it is there.
    fn settle(&mut self, session: SessionId, id: RequestId, to: Address) -> Option<InFlight> {
        let playing = self.playing(session)?;
        let place = playing.in_flight.iter().position(|held| held.id == id && held.to == to)?;
        Some(playing.in_flight.remove(place))
    }

    /// Refuses a request that certainly did not reach the node it was sent to.
    pub(super) fn not_delivered(
        &mut self,
        to: Address,
        session: SessionId,
        id: RequestId,
        outputs: &mut Vec<Output>,
    ) {
        if self.settle(session, id, to).is_some() {
            let text = "the node that answers this cannot take it right now; try again";
            let refusal = Refusal::new(RefusalCode::Unavailable, text);
            self.refuse(session, id, refusal, outputs);
            self.leave_if_done(session, outputs);
        } else {
            self.counters.stale += 1;
        }
    }

    /// Refuses requests in flight of which nobody knows whether they were carried out.
    pub(super) fn give_up(
        &mut self,
        session: SessionId,
        which: impl Fn(&InFlight) -> bool,
        text: &str,
        outputs: &mut Vec<Output>,
    ) {
        let Some(playing) = self.playing(session) else { return };
        let (lost, kept) = playing.in_flight.drain(..).partition(|request| which(request));
        playing.in_flight = kept;
        let lost: Vec<InFlight> = lost;
        for request in &lost {
            let refusal = Refusal::new(RefusalCode::OutcomeUnknown, text);
            request.head.note(self.me.role, "given up");
            self.refuse(session, request.id, refusal, outputs);
        }
        if !lost.is_empty() {
            self.leave_if_done(session, outputs);
        }
    }

    pub(super) fn take_social(
        &mut self,
        from: Address,
        message: FromSocial,
        outputs: &mut Vec<Output>,
    ) {
        match message {
            FromSocial::Reply { session, id, result } => {
                self.reply(from, session, id, result, outputs);
            }
            FromSocial::Event { session, event } => self.event(session, event, outputs),
        }
    }

    /// Tells a logged-in client what happened.
    pub(super) fn event(&mut self, session: SessionId, event: Event, outputs: &mut Vec<Output>) {
        if self.playing(session).is_some() {
            self.counters.events += 1;
            to_client(session, ServerFrame::Event(event), outputs);
        } else {
            self.counters.stale += 1;
        }
    }
}
