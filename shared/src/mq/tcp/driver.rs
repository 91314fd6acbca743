//! The work on a node's links: dials, accepts, reads, writes what senders leave to it, and keeps
//! the time. All peers are served in turns, by one thread at a time; `helm` says which.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::desk::Desk;
use super::greeting::{Failure, Greeting, Host, Step};
use super::handshake::{Agreed, Identity, LinkRefusal, NONCE_BYTES};
use super::line::{Cut, Line, Rest};
use super::peers::News;
use super::redial::Redial;
use crate::ids::NodeId;

pub(super) const WAKER: Token = Token(0);
pub(super) const LISTENER: Token = Token(1);

/// Events taken from the operating system at once.
const EVENTS_MAX: usize = 256;
/// Accepted connections whose other side has not proved itself. A further one ends the oldest.
const STRANGERS_MAX: usize = 64;
/// How long accepting pauses when the operating system has no more handles.
const ACCEPT_PAUSE_NS: u64 = 100_000_000;
/// How long a node that ends waits for its peers to acknowledge what is under way.
const FAREWELL_NS: u64 = 500_000_000;
const FIRST_TOKEN: usize = 2;

/// All that is needed for it.
pub(super) struct Driver {
    pub(super) poll: Poll,
    listener: TcpListener,
    lines: BTreeMap<NodeId, Line>,
    greetings: BTreeMap<usize, Greeting>,
    sessions: BTreeMap<usize, NodeId>,
    busy: BTreeSet<NodeId>,
    stalled: BTreeSet<NodeId>,
    next_token: usize,
    accept_at_ns: Option<u64>,
    wake_at_ns: u64,
    leave_at_ns: Option<u64>,
    now_ns: u64,
    events: Events,
    desk: Desk,
}

impl Driver {
    pub(super) fn new(poll: Poll, listener: TcpListener, desk: Desk) -> Self {
        Self {
            poll,
            listener,
            lines: BTreeMap::new(),
            greetings: BTreeMap::new(),
            sessions: BTreeMap::new(),
            busy: BTreeSet::new(),
            stalled: BTreeSet::new(),
            next_token: FIRST_TOKEN,
            accept_at_ns: Some(0),
            wake_at_ns: 0,
            leave_at_ns: None,
            now_ns: 0,
            events: Events::with_capacity(EVENTS_MAX),
            desk,
        }
    }

    /// Waits for something to happen, at most until `until_ns`, or not at all if there is something
    /// to do.
    ///
    /// # Errors
    /// The operating system's; the links cannot be served any more.
    pub(super) fn wait(&mut self, until_ns: u64) -> io::Result<()> {
        self.now_ns = self.desk.peers.clock().now_ns();
        let idle_ns = until_ns.min(self.due_ns()).saturating_sub(self.now_ns);
        self.poll.poll(&mut self.events, Some(Duration::from_nanos(idle_ns)))
    }

    /// Does what is to be done after [`Driver::wait`].
    pub(super) fn serve_all(&mut self) {
        self.now_ns = self.desk.peers.clock().now_ns();
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        events.iter().for_each(|event| self.take_event(event));
        self.events = events;
        self.take_orders();
        self.serve_busy();
        if self.wake_at_ns <= self.now_ns {
            self.look_at_clock();
        }
    }

    /// When there is something to do that no socket tells; zero if there is already.
    pub(super) fn due_ns(&self) -> u64 {
        if self.busy.is_empty() { self.wake_at_ns } else { 0 }
    }

    /// The node ends, and its peers have acknowledged everything or have had the time to.
    pub(super) fn has_left(&mut self) -> bool {
        if !self.desk.peers.is_stopping() {
            return false;
        }
        let leave_at_ns = *self.leave_at_ns.get_or_insert(self.now_ns + FAREWELL_NS);
        self.wake_at_ns = self.wake_at_ns.min(leave_at_ns);
        self.now_ns >= leave_at_ns || self.is_acknowledged()
    }

    fn take_event(&mut self, event: &Event) {
        let token = event.token();
        if token == LISTENER {
            self.accept();
        } else if self.greetings.contains_key(&token.0) {
            self.greet(token.0);
        } else if let Some(peer) = self.sessions.get(&token.0)
            && let Some(session) = self.lines.get_mut(peer).and_then(|line| line.session.as_mut())
        {
            session.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            session.flush |= event.is_writable();
            self.busy.insert(*peer);
        }
    }

    fn take_orders(&mut self) {
        let orders = self.desk.peers.take_orders();
        for peer in orders.flush {
            if let Some(session) = self.lines.get_mut(&peer).and_then(|line| line.session.as_mut())
            {
                session.flush = true;
                self.busy.insert(peer);
            }
        }
        for (peer, news) in orders.news {
            match news {
                News::At(address) => self.learn(peer, address),
                News::Gone => self.bury(peer),
            }
        }
    }

    fn learn(&mut self, peer: NodeId, address: SocketAddr) {
        let now_ns = self.now_ns;
        let Some(line) = self.line(peer) else { return };
        if line.address.replace(address) != Some(address) {
            line.redial.hurry(now_ns);
            self.wake_at_ns = now_ns;
        }
    }

    /// The line to a peer that may have a link.
    fn line(&mut self, peer: NodeId) -> Option<&mut Line> {
        if !self.lines.contains_key(&peer) {
            let link = self.desk.peers.meet(peer)?;
            // The lower id dials; the other one only if that does not come about.
            let dials_first = self.desk.identity.me < peer;
            let courtesy = if dials_first { 0 } else { 2 * self.desk.terms.heartbeat_ns };
            self.lines.insert(peer, Line::new(link, Redial::new(self.now_ns, courtesy)));
        }
        self.lines.get_mut(&peer)
    }

    /// The peer is dead: senders get back what it has not acknowledged, roles get what came.
    fn bury(&mut self, peer: NodeId) {
        self.desk.peers.bury(peer, &self.desk.local);
        let Some(line) = self.lines.get_mut(&peer) else { return };
        line.address = None;
        self.disconnect(peer);
        self.busy.insert(peer);
    }

    fn serve_busy(&mut self) {
        if !self.desk.peers.is_stalled() {
            self.busy.append(&mut self.stalled);
        }
        for peer in std::mem::take(&mut self.busy) {
            self.serve(peer);
        }
    }

    fn serve(&mut self, peer: NodeId) {
        let Self { lines, desk, now_ns, .. } = self;
        let Some(line) = lines.get_mut(&peer) else { return };
        let post = desk.post(*now_ns);
        let rest = match line.serve(&post) {
            Ok(rest) => rest,
            Err(cut) => return self.cut(peer, &cut),
        };
        self.wake_at_ns = self.wake_at_ns.min(line.due_ns(&post));
        match rest {
            Rest::More => drop(self.busy.insert(peer)),
            Rest::Stalled => drop(self.stalled.insert(peer)),
            Rest::Nothing if desk.peers.find(peer).is_none() && line.is_delivered() => {
                drop(lines.remove(&peer));
            }
            Rest::Nothing => {}
        }
    }

    fn cut(&mut self, peer: NodeId, cut: &Cut) {
        tracing::info!(%peer, %cut, "link cut");
        metrics::counter!("cohort_mq_links_cut_total").increment(1);
        self.disconnect(peer);
    }

    fn disconnect(&mut self, peer: NodeId) {
        let Some(line) = self.lines.get_mut(&peer) else { return };
        if let Some(token) = line.session.as_ref().map(|session| session.token) {
            self.sessions.remove(&token);
        }
        if let Some(token) = line.dialling.take() {
            self.greetings.remove(&token);
        }
        if let Some(brought_something) = line.disconnect() {
            line.redial.failed(self.now_ns, brought_something, &mut self.desk.jitter);
        }
        self.wake_at_ns = self.now_ns;
        self.busy.insert(peer);
    }

    /// Does what is due by the clock, and looks when that will be the next time.
    fn look_at_clock(&mut self) {
        if self.accept_at_ns.is_some_and(|at_ns| at_ns <= self.now_ns) {
            self.accept();
        }
        let late = |greeting: &Greeting| greeting.deadline_ns <= self.now_ns;
        let late = self.greetings.iter().filter(|(_, greeting)| late(greeting));
        for token in late.map(|(token, _)| *token).collect::<Vec<_>>() {
            self.fail(token, &Failure::Io(io::ErrorKind::TimedOut.into()));
        }
        let peers: Vec<_> = self.lines.keys().copied().collect();
        for peer in peers {
            self.look_at_line(peer);
        }
        let post = self.desk.post(self.now_ns);
        let greetings = self.greetings.values().map(|greeting| greeting.deadline_ns);
        let lines = self.lines.values().map(|line| line.due_ns(&post));
        let next = greetings.chain(lines).chain(self.accept_at_ns).min();
        self.wake_at_ns = next.unwrap_or(u64::MAX).min(self.now_ns + self.desk.terms.heartbeat_ns);
    }

    fn look_at_line(&mut self, peer: NodeId) {
        let Self { lines, desk, now_ns, .. } = self;
        let Some(line) = lines.get_mut(&peer) else { return };
        let post = desk.post(*now_ns);
        if line.due_ns(&post) > *now_ns {
            return;
        }
        if let Some(address) = line.address.filter(|_| line.session.is_none()) {
            return self.dial(peer, address);
        }
        match line.check(&post) {
            Ok(()) => drop(self.busy.insert(peer)),
            Err(cut) => self.cut(peer, &cut),
        }
    }

    fn dial(&mut self, peer: NodeId, address: SocketAddr) {
        let token = self.take_token();
        let dialled = TcpStream::connect(address).and_then(|stream| self.watch(stream, token));
        let Some(line) = self.lines.get_mut(&peer) else { return };
        match dialled {
            Ok(stream) => {
                line.dialling = Some(token);
                let deadline_ns = self.now_ns + self.desk.terms.handshake_ns;
                self.greetings.insert(token, Greeting::dialled(stream, peer, deadline_ns));
            }
            Err(error) => {
                tracing::debug!(%peer, %address, %error, "a peer cannot be dialled");
                line.redial.failed(self.now_ns, false, &mut self.desk.jitter);
            }
        }
    }

    fn accept(&mut self) {
        self.accept_at_ns = None;
        loop {
            match self.listener.accept() {
                Ok((stream, from)) => self.welcome(stream, from),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "no link can be accepted for a moment");
                    self.accept_at_ns = Some(self.now_ns + ACCEPT_PAUSE_NS);
                    self.wake_at_ns = self.wake_at_ns.min(self.now_ns + ACCEPT_PAUSE_NS);
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, stream: TcpStream, from: SocketAddr) {
        let strangers = |(_, greeting): &(&usize, &Greeting)| greeting.dialled.is_none();
        let count = self.greetings.iter().filter(strangers).count();
        let oldest = self.greetings.iter().find(strangers).map(|(token, _)| *token);
        if let Some(oldest) = oldest.filter(|_| count >= STRANGERS_MAX) {
            self.fail(oldest, &Failure::Io(io::ErrorKind::QuotaExceeded.into()));
        }
        let token = self.take_token();
        let watched = stream.set_nodelay(true).and_then(|()| self.watch(stream, token));
        match watched {
            Ok(stream) => {
                let deadline_ns = self.now_ns + self.desk.terms.handshake_ns;
                self.wake_at_ns = self.wake_at_ns.min(deadline_ns);
                self.greetings.insert(token, Greeting::accepted(stream, deadline_ns));
                self.greet(token);
            }
            Err(error) => tracing::debug!(%from, %error, "a connection was gone at once"),
        }
    }

    fn watch(&self, mut stream: TcpStream, token: usize) -> io::Result<TcpStream> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(token), interest)?;
        Ok(stream)
    }

    fn take_token(&mut self) -> usize {
        self.next_token += 1;
        self.next_token
    }

    fn greet(&mut self, token: usize) {
        let Some(mut greeting) = self.greetings.remove(&token) else { return };
        match greeting.step(self) {
            Step::Waits => drop(self.greetings.insert(token, greeting)),
            Step::Agreed(peer, agreed) => self.connect(peer, token, greeting.stream, agreed),
            Step::Failed(failure) => self.give_up(greeting, &failure),
        }
    }

    fn fail(&mut self, token: usize, failure: &Failure) {
        if let Some(greeting) = self.greetings.remove(&token) {
            self.give_up(greeting, failure);
        }
    }

    fn give_up(&mut self, greeting: Greeting, failure: &Failure) {
        metrics::counter!("cohort_mq_handshakes_failed_total").increment(1);
        tracing::debug!(dialled = ?greeting.dialled, %failure, "a handshake has failed");
        let Some(peer) = greeting.dialled else { return };
        let Self { lines, desk, now_ns, .. } = self;
        let Some(line) = lines.get_mut(&peer) else { return };
        line.dialling = None;
        line.redial.failed(*now_ns, false, &mut desk.jitter);
        self.wake_at_ns = *now_ns;
        let &Failure::Refused(refusal) = failure else { return };
        if line.link.set_refusal(refusal) && refusal != LinkRefusal::Crossing {
            tracing::warn!(%peer, %refusal, "no link");
        }
        if matches!(refusal, LinkRefusal::Incarnation | LinkRefusal::Place) {
            self.bury(peer);
        }
    }

    fn connect(&mut self, peer: NodeId, token: usize, stream: TcpStream, agreed: Agreed) {
        let now_ns = self.now_ns;
        let stream = Arc::new(stream);
        let Some(line) = self.line(peer) else { return };
        if !line.link.connect(Arc::clone(&stream), agreed.seed_out, agreed.peer_received) {
            return self.lost_place(peer);
        }
        line.connect(token, stream, agreed.seed_in, now_ns);
        self.sessions.insert(token, peer);
        self.busy.insert(peer);
        tracing::info!(%peer, "linked");
        // Of one node only the newest incarnation lives.
        let older: Vec<_> = self.lines.keys().copied().filter(|o| is_older(*o, peer)).collect();
        older.into_iter().for_each(|older| self.bury(older));
    }

    fn lost_place(&mut self, peer: NodeId) {
        tracing::error!(%peer, "the place in the sequence of frames is lost, the link ends");
        self.bury(peer);
    }

    fn is_acknowledged(&self) -> bool {
        let waits = |line: &Line| line.session.is_some() && line.link.out().frames() > 0;
        !self.lines.values().any(waits)
    }
}

impl Host for Driver {
    fn identity(&self) -> &Identity {
        &self.desk.identity
    }

    fn nonce(&self) -> io::Result<[u8; NONCE_BYTES]> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        Ok(nonce)
    }

    fn received(&self, peer: NodeId) -> u64 {
        self.lines.get(&peer).map_or(0, Line::received)
    }

    fn admit(&mut self, peer: NodeId, peer_received: u64) -> Result<u64, LinkRefusal> {
        let dials_first = self.desk.identity.me < peer;
        if self.lines.keys().any(|known| is_older(peer, *known)) {
            return Err(LinkRefusal::Gone);
        }
        // A dead peer has a line as long as something of it waits for room.
        let is_known = self.desk.peers.meet(peer).is_some();
        let line = self.line(peer).filter(|_| is_known).ok_or(LinkRefusal::Gone)?;
        if line.dialling.is_some() && dials_first {
            return Err(LinkRefusal::Crossing);
        }
        if line.link.out().place_after(peer_received).is_none() {
            self.lost_place(peer);
            return Err(LinkRefusal::Place);
        }
        if line.session.is_some() {
            self.cut(peer, &Cut::Replaced);
        }
        self.disconnect(peer);
        Ok(self.received(peer))
    }
}

const fn is_older(one: NodeId, other: NodeId) -> bool {
    one.node == other.node && one.incarnation < other.incarnation
}
