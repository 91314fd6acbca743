//! A peer as the thread of the links has it: the connection that is read from, the frames that
//! wait for room at their role, and when something is due.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::TcpStream;
use thiserror::Error;

use super::chunk::{BadChunk, FrameBytes, Frames, Head};
use super::link::{Flushed, Link};
use super::peers::Peers;
use super::receiving::{Got, Receiving};
use super::redial::Redial;
use crate::ids::{Address, Role};
use crate::limits::MQ_FRAME_BYTES_MAX;
use crate::mq::MqEvent;
use crate::mq::local::{Arrived, Delivery, LocalMq};
use crate::msg::Body;
use crate::wire;

/// Bytes read from one peer before another one's turn.
const TURN_BYTES_MAX: usize = 1 << 20;
/// Chunks written to one peer before another one's turn.
const TURN_CHUNKS_MAX: usize = 16;
/// How long a peer may wait to hear what has been delivered.
const WORD_NS: u64 = 20_000_000;

/// Why a connection ended.
#[derive(Debug, Error)]
pub(super) enum Cut {
    #[error("the peer has closed it")]
    Closed,
    #[error("nothing was heard for two heartbeats")]
    Silent,
    #[error("a newer connection has replaced it")]
    Replaced,
    #[error("bytes that are no chunk: {0}")]
    Bad(#[from] BadChunk),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a turn leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing until something happens.
    Nothing,
    /// Something at once.
    More,
    /// Something when a role has room.
    Stalled,
}

/// A peer.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) link: Arc<Link>,
    pub(super) address: Option<SocketAddr>,
    pub(super) redial: Redial,
    /// The connection on which a handshake is under way that we began.
    pub(super) dialling: Option<usize>,
    pub(super) session: Option<Session>,
    arrivals: Arrivals,
}

/// What has come from a peer.
#[derive(Debug, Default)]
struct Arrivals {
    /// The number of the last frame.
    received: u64,
    /// The number of the last frame of the last chunk that roles have got all of.
    delivered: u64,
    /// What they have not got, in the order of [`Role::ALL`].
    waiting: [Arrived; Role::ALL.len()],
    is_waiting: bool,
}

/// The reading half of a connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: usize,
    stream: Arc<TcpStream>,
    receiving: Receiving,
    pub(super) readable: bool,
    pub(super) flush: bool,
    stalled: bool,
    /// Something is to be written even if nothing waits.
    beats: bool,
    /// When to look again whether that is due.
    beat_at_ns: u64,
    heard_ns: u64,
    untold_bytes: usize,
    tell_at_ns: Option<u64>,
    /// Frames came, so that the next attempt need not wait long.
    brought_something: bool,
}

/// What a line needs of its node.
pub(super) struct Post<'a> {
    pub(super) peers: &'a Peers,
    pub(super) local: &'a LocalMq,
    pub(super) now_ns: u64,
    pub(super) heartbeat_ns: u64,
    /// From so many bytes on, a peer is told at once what has been delivered.
    pub(super) untold_bytes_max: usize,
}

impl Line {
    pub(super) fn new(link: Arc<Link>, redial: Redial) -> Self {
        let arrivals = Arrivals::default();
        Self { link, address: None, redial, dialling: None, session: None, arrivals }
    }

    /// The number of the last frame that came.
    pub(super) const fn received(&self) -> u64 {
        self.arrivals.received
    }

    /// Begins to read from a new connection.
    pub(super) fn connect(&mut self, token: usize, stream: Arc<TcpStream>, seed: u64, now: u64) {
        self.dialling = None;
        self.session = Some(Session {
            token,
            stream,
            receiving: Receiving::new(seed),
            readable: true,
            flush: true,
            stalled: false,
            beats: false,
            beat_at_ns: now,
            heard_ns: now,
            untold_bytes: 0,
            tell_at_ns: Some(now),
            brought_something: false,
        });
    }

    /// Ends the connection. What was read in part is dropped; it comes again on the next one.
    pub(super) fn disconnect(&mut self) -> Option<bool> {
        self.link.disconnect();
        let session = self.session.take()?;
        // Senders may hold the stream for a moment.
        let _already_closed = session.stream.shutdown(std::net::Shutdown::Both);
        Some(session.brought_something)
    }

    /// Nothing is left that roles of this node have not got.
    pub(super) fn is_delivered(&self) -> bool {
        !self.arrivals.is_waiting
    }

    /// Delivers, reads and writes for one turn.
    pub(super) fn serve(&mut self, post: &Post<'_>) -> Result<Rest, Cut> {
        let read = self.read(post)?;
        let Some(session) = &mut self.session else { return Ok(read) };
        if session.stalled {
            // It could not be heard.
            session.heard_ns = post.now_ns;
        }
        session.stalled = read == Rest::Stalled;
        let word_is_due = self.link.owes_word()
            && (session.untold_bytes >= post.untold_bytes_max
                || session.tell_at_ns.is_some_and(|at_ns| at_ns <= post.now_ns));
        let tell = word_is_due || std::mem::take(&mut session.beats);
        if session.flush || tell {
            let flushed = self.link.flush(post.now_ns, TURN_CHUNKS_MAX, tell)?;
            session.flush = flushed == Flushed::More;
        }
        if self.link.owes_word() {
            let at_ns = session.tell_at_ns.filter(|at_ns| *at_ns > post.now_ns);
            session.tell_at_ns = Some(at_ns.unwrap_or(post.now_ns + WORD_NS));
        } else {
            (session.tell_at_ns, session.untold_bytes) = (None, 0);
        }
        let more = read == Rest::Nothing && session.flush;
        Ok(if more { Rest::More } else { read })
    }

    /// Cuts off a peer that is silent, and has the next turn say that we are alive if it is time
    /// for that. To be called when [`Line::due_ns`] says so.
    pub(super) fn check(&mut self, post: &Post<'_>) -> Result<(), Cut> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if !session.stalled && session.heard_ns + 2 * post.heartbeat_ns <= post.now_ns {
            return Err(Cut::Silent);
        }
        if session.beat_at_ns <= post.now_ns {
            let due_ns = self.link.written_ns() + post.heartbeat_ns;
            session.beats = due_ns <= post.now_ns;
            let next_ns = post.now_ns + post.heartbeat_ns;
            session.beat_at_ns = if session.beats { next_ns } else { due_ns };
        }
        Ok(())
    }

    /// When something is due by the clock.
    pub(super) fn due_ns(&self, post: &Post<'_>) -> u64 {
        let Some(session) = &self.session else {
            let dials = self.address.is_some() && self.dialling.is_none();
            return if dials { self.redial.at_ns() } else { u64::MAX };
        };
        let silent = if session.stalled { post.now_ns } else { session.heard_ns };
        let tell = session.tell_at_ns.unwrap_or(u64::MAX);
        (silent + 2 * post.heartbeat_ns).min(session.beat_at_ns).min(tell)
    }

    fn read(&mut self, post: &Post<'_>) -> Result<Rest, Cut> {
        let mut bytes = 0;
        loop {
            if !self.arrivals.deliver(&self.link, post) {
                return Ok(Rest::Stalled);
            }
            let Some(session) = &mut self.session else { return Ok(Rest::Nothing) };
            if let Some((head, body)) = session.receiving.chunk()? {
                self.link.acknowledge(head.delivered)?;
                session.untold_bytes += body.len();
                session.brought_something |= head.frames > 0;
                self.arrivals.take(&self.link, post, head, body)?;
                continue;
            }
            if !session.readable {
                return Ok(Rest::Nothing);
            }
            if bytes >= TURN_BYTES_MAX {
                return Ok(Rest::More);
            }
            match session.receiving.read(&mut &*session.stream)? {
                Got::Bytes { count, drained } => {
                    session.readable = !drained;
                    session.heard_ns = post.now_ns;
                    bytes += count;
                }
                Got::Nothing => session.readable = false,
                Got::End => return Err(Cut::Closed),
            }
        }
    }
}

impl Arrivals {
    /// Takes a chunk: all of it or nothing.
    fn take(
        &mut self,
        link: &Link,
        post: &Post<'_>,
        head: Head,
        body: &[u8],
    ) -> Result<(), BadChunk> {
        if head.frames == 0 {
            return Ok(());
        }
        let expected = self.received + 1;
        if head.first != expected {
            return Err(BadChunk::Gap { expected, got: head.first });
        }
        let mut count = 0;
        for frame in Frames::of(body) {
            frame?;
            count += 1;
        }
        if count != head.frames {
            return Err(BadChunk::Frames);
        }
        for frame in Frames::of(body).flatten() {
            if let Some((role, event)) = open(link, post, frame) {
                let waiting = &mut self.waiting[place(role)];
                waiting.events.push_back(event);
                waiting.bytes += frame.body.len();
            }
        }
        self.received += u64::from(head.frames);
        self.is_waiting = true;
        Ok(())
    }

    /// Hands what waits to the roles. False if one has no room.
    fn deliver(&mut self, link: &Link, post: &Post<'_>) -> bool {
        if !self.is_waiting {
            return true;
        }
        let mut is_full = false;
        for role in Role::ALL {
            is_full |= !deliver_to(role, &mut self.waiting[place(role)], link, post);
        }
        self.is_waiting = is_full;
        if !is_full {
            self.delivered = self.received;
        }
        link.set_delivered(self.delivered);
        !is_full
    }
}

/// Where a role is in [`Role::ALL`].
fn place(role: Role) -> usize {
    Role::ALL.iter().position(|known| *known == role).unwrap_or(0)
}

/// Hands what waits for `role` to it. False if it has no room.
fn deliver_to(role: Role, waiting: &mut Arrived, link: &Link, post: &Post<'_>) -> bool {
    if waiting.events.is_empty() {
        return true;
    }
    let address = post.peers.mine(role);
    let delivery = match post.local.deliver(address, waiting) {
        Delivery::Full => {
            // Whoever polls from now on wakes us; what was polled before is room now.
            post.peers.stall();
            post.local.deliver(address, waiting)
        }
        other @ (Delivery::Taken | Delivery::Nobody) => other,
    };
    if delivery == Delivery::Nobody {
        waiting.bytes = 0;
        for event in waiting.events.drain(..) {
            let MqEvent::Frame { from, body } = event else { continue };
            let body = wire::encode(&body);
            let frame = FrameBytes { from: from.role, to: role, returned: false, body: &body };
            send_back(link, post, frame);
        }
    }
    delivery != Delivery::Full
}

/// What a frame says, and to whom. One that this build cannot read goes back to its sender.
fn open(link: &Link, post: &Post<'_>, frame: FrameBytes<'_>) -> Option<(Role, MqEvent)> {
    let peer = link.peer();
    let body: Body = match wire::decode(frame.body, MQ_FRAME_BYTES_MAX) {
        Ok(body) => body,
        Err(error) => {
            tracing::warn!(%peer, %error, "a frame cannot be read");
            metrics::counter!("cohort_mq_frames_unreadable_total").increment(1);
            if !frame.returned {
                send_back(link, post, frame);
            }
            return None;
        }
    };
    Some(if frame.returned {
        let to = Address { node: peer, role: frame.to };
        (frame.from, MqEvent::Unsent { to, body })
    } else {
        let from = Address { node: peer, role: frame.from };
        (frame.to, MqEvent::Frame { from, body })
    })
}

fn send_back(link: &Link, post: &Post<'_>, frame: FrameBytes<'_>) {
    if !post.peers.send_bytes_back(link, (frame.from, frame.to), frame.body) {
        tracing::warn!(peer = %link.peer(), "a frame is lost, too many go back at once");
        metrics::counter!("cohort_mq_frames_lost_total").increment(1);
    }
}
