//! What leaves a battle in every tick: one encoding for each visibility class and baseline, in
//! one frame for each gateway.
//!
//! A client that has acknowledged one of the last [`BASELINES_MAX`] snapshots gets the difference
//! to it in a datagram. Any other gets a keyframe on its stream, and nothing else until it has
//! acknowledged one. What is too long for a datagram goes by stream as well. On its stream a client
//! gets at most a snapshot in [`STREAM_TICKS_MIN`] ticks, and fewer while it acknowledges none.

mod progress;
mod ring;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use shared::ids::{BattleId, NodeId, SessionId, SessionRef};
use shared::limits::DATAGRAM_BYTES_MAX;
use shared::msg::battle_gateway::{BattleOutput, Encoded};
use shared::msg::client::DATAGRAM_SNAPSHOT;
use shared::msg::snapshot::{BASELINES_MAX, SPECTATOR, Snapshot, encode};
use shared::rng;

use self::progress::Progress;
pub use self::progress::{NeverSent, SPECTATOR_UNANSWERED_MAX, STREAM_TICKS_MAX, STREAM_TICKS_MIN};
use self::ring::Ring;

/// Spectators see a battle so many ticks later, 3 s, so that watching helps no side.
pub const SPECTATOR_DELAY_TICKS: u32 = 60;
/// Snapshots of one frame to a gateway, in bytes. What is beyond goes into another frame.
const FRAME_BYTES_MAX: usize = 128 << 10;
/// Snapshots that are kept for their memory. More are given back.
const SPARE_MAX: usize = 64;

/// The clients of a battle and what they have of it.
#[derive(Debug)]
pub struct Egress {
    battle: BattleId,
    /// Makes the streams of one node differ from those of another that fights the same battle.
    salt: u64,
    clients: BTreeMap<SessionRef, Client>,
    /// Ordered by class.
    rings: Vec<Ring>,
    spare: Vec<Snapshot>,
    wanted: Vec<Wanted>,
    ready: Vec<Ready>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Client {
    class: u16,
    progress: Progress,
}

/// A client and what it is to get in this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    class: u16,
    baseline: Option<u32>,
    session: SessionRef,
}

/// An encoding for some sessions of a gateway.
#[derive(Debug)]
struct Ready {
    gateway: NodeId,
    encoded: Encoded,
}

impl Egress {
    /// A battle without clients on the node that `salt` stands for.
    #[must_use]
    pub const fn new(battle: BattleId, salt: u64) -> Self {
        Self {
            battle,
            salt,
            clients: BTreeMap::new(),
            rings: Vec::new(),
            spare: Vec::new(),
            wanted: Vec::new(),
            ready: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// A client sees the battle from now on as `class`. One that was here begins anew.
    pub fn add(&mut self, session: SessionRef, class: u16) {
        self.remove(session);
        self.clients.insert(session, Client { class, progress: Progress::default() });
        if let Err(at) = self.place(class) {
            let delay = if class == SPECTATOR { SPECTATOR_DELAY_TICKS } else { 0 };
            let stream = rng::mix(self.salt, &[self.battle.0, class.into()]);
            let stream = u16::try_from(stream & 0xFFFF).unwrap_or(0);
            self.rings.insert(at, Ring::new(class, stream, delay));
        }
    }

    /// A client sees nothing any more.
    pub fn remove(&mut self, session: SessionRef) {
        let Some(gone) = self.clients.remove(&session) else { return };
        if !self.clients.values().any(|client| client.class == gone.class)
            && let Ok(at) = self.place(gone.class)
        {
            let ring = self.rings.remove(at);
            self.spare.extend(ring.into_snapshots());
            self.spare.truncate(SPARE_MAX);
        }
    }

    /// The sessions that see the battle.
    pub fn sessions(&self) -> impl Iterator<Item = SessionRef> {
        self.clients.keys().copied()
    }

    /// The spectators among them.
    pub fn spectators(&self) -> impl Iterator<Item = SessionRef> {
        let spectators = self.clients.iter().filter(|(_, client)| client.class == SPECTATOR);
        spectators.map(|(session, _)| *session)
    }

    /// Whether a session watches without taking part.
    #[must_use]
    pub fn is_spectator(&self, session: SessionRef) -> bool {
        self.clients.get(&session).is_some_and(|client| client.class == SPECTATOR)
    }

    /// A client says which snapshot is the newest that it has; zero asks for a keyframe.
    ///
    /// # Errors
    /// [`NeverSent`]: it cannot have that one.
    pub fn acknowledge(&mut self, session: SessionRef, seen_tick: u32) -> Result<(), NeverSent> {
        let client = self.clients.get_mut(&session).ok_or(NeverSent)?;
        client.progress.acknowledge(seen_tick)?;
        if let Ok(at) = self.rings.binary_search_by_key(&client.class, Ring::class)
            && let Some(ring) = self.rings.get_mut(at)
        {
            ring.acknowledged = client.progress.acknowledged();
        }
        Ok(())
    }

    /// Looks at the battle: `view` fills in what a class sees after the tick that was simulated. It
    /// is given the class's baseline too, by which one client of it is told the difference; that is
    /// what matters where every client has a class of its own and cannot be told everything.
    pub fn look(&mut self, mut view: impl FnMut(u16, Option<&Snapshot>, &mut Snapshot)) {
        for ring in &mut self.rings {
            let mut snapshot = self.spare.pop().unwrap_or_default();
            snapshot.clear();
            view(ring.class(), ring.next_baseline(), &mut snapshot);
            ring.push(snapshot);
        }
    }

    /// Puts out what the clients are to get of the tick that was looked at last.
    pub fn tell(&mut self, outputs: &mut Vec<(NodeId, BattleOutput)>) {
        self.drop_silent();
        self.choose();
        self.encode();
        self.send(outputs);
        for ring in &mut self.rings {
            ring.forget(&mut self.spare);
        }
        self.spare.truncate(SPARE_MAX);
    }

    /// Forgets spectators who do not answer: their client may be gone without a word.
    fn drop_silent(&mut self) {
        let is_silent = |client: &Client| client.class == SPECTATOR && client.progress.is_silent();
        let silent = self.clients.iter().filter(|(_, client)| is_silent(client));
        for session in silent.map(|(session, _)| *session).collect::<Vec<_>>() {
            self.remove(session);
        }
    }

    /// What each client needs, those with the same need together.
    fn choose(&mut self) {
        self.wanted.clear();
        let mut wanted = std::mem::take(&mut self.wanted);
        for (session, Client { class, progress }) in &self.clients {
            let Ok(at) = self.place(*class) else { continue };
            let Some(ring) = self.rings.get_mut(at) else { continue };
            let Some(now) = ring.shown().map(|shown| shown.tick) else { continue };
            ring.keep_from(progress.oldest_useful().unwrap_or(now));
            let baseline = progress.acknowledged().filter(|tick| ring.baseline(*tick).is_some());
            if baseline.is_some() || progress.may_stream(now) {
                wanted.push(Wanted { class: *class, baseline, session: *session });
            }
        }
        wanted.sort_unstable();
        self.wanted = wanted;
    }

    /// Encodes once for all that need the same.
    fn encode(&mut self) {
        let Self { wanted, rings, clients, ready, bytes, .. } = self;
        let same =
            |one: &Wanted, next: &Wanted| (one.class, one.baseline) == (next.class, next.baseline);
        for group in wanted.chunk_by(same) {
            let Some(Wanted { class, baseline, .. }) = group.first() else { continue };
            let Ok(at) = rings.binary_search_by_key(class, Ring::class) else { continue };
            let Some(ring) = rings.get_mut(at) else { continue };
            ring.is_told = true;
            let Some(shown) = ring.shown() else { continue };
            let base = baseline.and_then(|tick| ring.baseline(tick));
            bytes.clear();
            bytes.push(DATAGRAM_SNAPSHOT);
            encode(ring.stream(), shown, base, bytes);
            let by_stream = base.is_none() || bytes.len() > DATAGRAM_BYTES_MAX;
            for of_gateway in
                group.chunk_by(|one, next| one.session.gateway == next.session.gateway)
            {
                let Some(gateway) = of_gateway.first().map(|one| one.session.gateway) else {
                    continue;
                };
                let sends = |wanted: &Wanted| {
                    let client = clients.get_mut(&wanted.session)?;
                    let sends = client.progress.send(shown.tick, by_stream);
                    sends.then_some(wanted.session.session)
                };
                let sessions: Vec<SessionId> = of_gateway.iter().filter_map(sends).collect();
                if !sessions.is_empty() {
                    let bytes = bytes.get(usize::from(by_stream)..).unwrap_or(&[]).to_vec();
                    ready.push(Ready { gateway, encoded: Encoded { by_stream, sessions, bytes } });
                }
            }
        }
    }

    /// One frame for each gateway, and more where one would be too long.
    fn send(&mut self, outputs: &mut Vec<(NodeId, BattleOutput)>) {
        self.ready.sort_by_key(|ready| ready.gateway);
        let battle = self.battle;
        let (mut room, mut before) = (0, None);
        for Ready { gateway, encoded } in self.ready.drain(..) {
            let len = encoded.bytes.len();
            if before == Some(gateway)
                && len <= room
                && let Some((_, BattleOutput::Snapshots { encoded: last, .. })) = outputs.last_mut()
            {
                room -= len;
                last.push(encoded);
                continue;
            }
            (room, before) = (FRAME_BYTES_MAX.saturating_sub(len), Some(gateway));
            let encoded = vec![encoded];
            outputs.push((gateway, BattleOutput::Snapshots { battle, encoded }));
        }
    }

    fn place(&self, class: u16) -> Result<usize, usize> {
        self.rings.binary_search_by_key(&class, Ring::class)
    }
}

const _: () = assert!(BASELINES_MAX <= 32, "progress keeps a bit for each");
