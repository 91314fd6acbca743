//! One bot's task: carries out what its mind wants, and tells it what came.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use client::{
    Client, CloseReason, ConnectError, ConnectTo, Credentials, Events, Received, RequestError,
    SendError,
};
use shared::ids::RequestId;
use shared::msg::client::{ClientDatagram, Reply, Request};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::rng;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::bot::{Action, Brain, Fault, Note, is_passing, secret};

use super::Run;
use super::ledger::LedgerLine;

/// Time after the end of a run in which an outstanding answer is waited for.
const LAST_ANSWER: Duration = Duration::from_secs(3);
/// Pause after the first failed login; it doubles up to [`BACK_OFF_MS_MAX`].
const BACK_OFF_MS: u64 = 100;
/// Longest pause between two logins, without the jitter.
const BACK_OFF_MS_MAX: u64 = 3_200;
/// Time between two looks at how many bytes went over the wire.
const COUNT_BYTES: Duration = Duration::from_secs(1);
/// After this long without a byte, while an answer is awaited, the server is sent a ping.
const SUSPECT: Duration = Duration::from_secs(2);
/// A server that confirms nothing for this long, the ping neither, is dead: the bot connects again
/// instead of waiting for QUIC to give up.
const DEAD: Duration = Duration::from_secs(5);
/// Time a login may take before the bot tries the next server; the servers' own limit.
const LOGIN: Duration = Duration::from_secs(10);

type Asked = Pin<Box<dyn Future<Output = (RequestId, Result<Reply, RequestError>)> + Send>>;

/// One bot.
#[derive(Debug)]
pub(super) struct Player {
    run: Arc<Run>,
    index: u32,
    brain: Brain,
}

/// One connection of a bot.
struct Session {
    client: Client,
    asked: Option<Asked>,
    probe: Option<Asked>,
    wake: Instant,
    sent: u64,
    received: u64,
    count_at: Instant,
    /// When something was last received, or nothing was awaited.
    alive_at: Instant,
}

/// Why a session is over.
enum Over {
    Stopped,
    Closed(CloseReason),
    Dead,
}

impl Player {
    pub(super) fn new(run: Arc<Run>, index: u32) -> Self {
        let brain = Brain::new(run.seed, index, run.plan.clone());
        Self { run, index, brain }
    }

    /// Plays until `ended` says true. Returns what was acknowledged.
    pub(super) async fn play(mut self, mut ended: watch::Receiver<bool>) -> LedgerLine {
        let run = Arc::clone(&self.run);
        let share = f64::from(self.index) / f64::from(run.plan.players.max(1));
        let mut next = run.clock.at_ms(0) + run.ramp.mul_f64(share);
        let (mut attempt, mut failures, mut logins) = (0, 0, 0u32);
        loop {
            let stopped = tokio::select! {
                biased;
                _ = ended.wait_for(|ended| *ended) => true,
                () = sleep_until(next) => false,
            };
            if stopped {
                break;
            }
            let logged_in = tokio::select! {
                biased;
                _ = ended.wait_for(|ended| *ended) => break,
                logged_in = self.log_in(attempt) => logged_in,
            };
            attempt += 1;
            match logged_in {
                Ok((client, events)) => {
                    (failures, logins) = (0, logins + 1);
                    if self.session(client, events, &mut ended).await {
                        break;
                    }
                }
                Err(error) => {
                    self.login_failed(&error);
                    failures += 1;
                }
            }
            next = Instant::now() + self.pause(attempt, failures);
        }
        if attempt > 0 && logins == 0 {
            run.tally.error(String::from("login: never succeeded"));
        }
        let in_doubt = self.brain.in_doubt().cloned();
        LedgerLine { seed: run.seed, index: self.index, book: self.brain.book().clone(), in_doubt }
    }

    async fn log_in(&self, attempt: u32) -> Result<(Client, Events), ConnectError> {
        let to = ConnectTo {
            server: self.run.server(self.index, attempt),
            server_name: self.run.server_name.clone(),
            login: Credentials {
                account: self.run.account(self.index),
                secret: secret(self.run.seed, self.index),
            },
            // Ids of requests come from the mind; this one is not used.
            nonce: Some(0),
        };
        let connected = timeout(LOGIN, self.run.socket(self.index).connect(to)).await;
        connected.unwrap_or(Err(ConnectError::Timeout))
    }

    /// Plays over one connection. Returns whether the run is over.
    async fn session(
        &mut self,
        client: Client,
        mut events: Events,
        ended: &mut watch::Receiver<bool>,
    ) -> bool {
        let run = Arc::clone(&self.run);
        run.tally.logins.fetch_add(1, Relaxed);
        let now = Instant::now();
        let mut session = Session::new(client, now);
        let mut out = Vec::new();
        let welcome = session.client.welcome().clone();
        self.brain.on_welcome(run.clock.ms(), &welcome, &mut out);
        let over = loop {
            self.act(&mut session, &mut out);
            if session.look(&run) {
                break Over::Dead;
            }
            tokio::select! {
                // An answer before events that came after it: the mind's book depends on it.
                biased;
                _ = ended.wait_for(|ended| *ended) => break Over::Stopped,
                (id, result) = answer(&mut session.asked), if session.asked.is_some() => {
                    session.asked = None;
                    self.answered(id, result, &mut out);
                }
                _ = answer(&mut session.probe), if session.probe.is_some() => {
                    session.probe = None;
                }
                received = events.next() => {
                    if let Some(reason) = self.received(received, &mut out) {
                        break Over::Closed(reason);
                    }
                }
                () = sleep_until(session.wake) => {
                    self.brain.on_timer(run.clock.ms(), &mut out);
                }
            }
        };
        let stopped = match over {
            Over::Stopped => {
                self.wind_down(&mut session, &mut events).await;
                true
            }
            Over::Closed(reason) => {
                self.lost(match reason {
                    CloseReason::Goodbye(refusal) => format!("goodbye {:?}", refusal.code),
                    CloseReason::ByServer { .. }
                    | CloseReason::ByUs
                    | CloseReason::Lost(_)
                    | CloseReason::EventsOverflowed
                    | CloseReason::Malformed => reason.to_string(),
                });
                false
            }
            Over::Dead => {
                self.lost(format!("nothing came for {} s", DEAD.as_secs()));
                false
            }
        };
        self.brain.on_disconnect();
        session.count_bytes(&run);
        session.client.close();
        stopped
    }

    /// Waits a little for the last answer, so that little is left in doubt.
    async fn wind_down(&mut self, session: &mut Session, events: &mut Events) {
        self.brain.wind_down();
        let end = Instant::now() + LAST_ANSWER;
        let mut out = Vec::new();
        while self.brain.in_doubt().is_some() {
            tokio::select! {
                biased;
                (id, result) = answer(&mut session.asked), if session.asked.is_some() => {
                    session.asked = None;
                    self.answered(id, result, &mut out);
                }
                received = events.next() => {
                    if self.received(received, &mut out).is_some() {
                        break;
                    }
                }
                () = sleep_until(session.wake) => {
                    self.brain.on_timer(self.run.clock.ms(), &mut out);
                }
                () = sleep_until(end) => break,
            }
            self.act(session, &mut out);
        }
        // What has come already was acknowledged too.
        while let Some(received) = events.try_next() {
            if self.received(received, &mut out).is_some() {
                break;
            }
        }
        self.act(session, &mut out);
    }

    fn answered(
        &mut self,
        id: RequestId,
        result: Result<Reply, RequestError>,
        out: &mut Vec<Action>,
    ) {
        let result = match result {
            Ok(reply) => Ok(reply),
            Err(RequestError::Refused(refusal)) => Err(refusal),
            Err(RequestError::Timeout) => {
                Err(Refusal::new(RefusalCode::OutcomeUnknown, "no reply in time"))
            }
            // The end of the connection is told by its events.
            Err(RequestError::Disconnected(_)) => return,
            Err(error @ (RequestError::InFlight | RequestError::TooLong)) => {
                self.run.tally.error(format!("request: {error}"));
                return;
            }
        };
        self.brain.on_reply(self.run.clock.ms(), id, result, out);
    }

    /// Tells the mind what came. Returns why the connection ended, if it did.
    fn received(&mut self, received: Received, out: &mut Vec<Action>) -> Option<CloseReason> {
        let now_ms = self.run.clock.ms();
        match received {
            Received::Event(event) => self.brain.on_event(now_ms, event, out),
            Received::Snapshot(snapshot) => {
                self.run.tally.snapshots.fetch_add(1, Relaxed);
                self.brain.on_snapshot(now_ms, &snapshot, out);
            }
            Received::Closed(reason) => return Some(reason),
        }
        None
    }

    fn act(&self, session: &mut Session, out: &mut Vec<Action>) {
        for action in out.drain(..) {
            match action {
                Action::Request { id, request } => session.ask(id, request),
                Action::Commands(ClientDatagram { battle, commands, .. }) => {
                    match session.client.send_commands(battle, &commands) {
                        // The end of the connection is told by its events.
                        Ok(()) | Err(SendError::Disconnected) => {}
                        Err(SendError::TooLong) => {
                            self.run.tally.error(String::from("commands: too long"));
                        }
                    }
                }
                Action::Wait { ms } => {
                    session.wake = Instant::now() + Duration::from_millis(ms);
                }
                Action::Note(note) => self.note(note),
            }
        }
    }

    fn note(&self, note: Note) {
        let lost_battle = matches!(&note, Note::Fault(Fault::Silent { .. }));
        if !(lost_battle && self.run.tolerate_disconnects) {
            self.run.tally.note(self.run.clock.us(), note);
        }
    }

    fn lost(&self, cause: String) {
        self.run.tally.disconnects.fetch_add(1, Relaxed);
        if !self.run.tolerate_disconnects {
            self.run.tally.error(format!("disconnect: {cause}"));
        }
    }

    fn login_failed(&self, error: &ConnectError) {
        let passes = matches!(error, ConnectError::Refused(refusal) if is_passing(refusal.code));
        match error {
            ConnectError::Refused(refusal) if passes => {
                let note = Note::Refused { kind: "login", code: refusal.code };
                self.run.tally.note(0, note);
            }
            ConnectError::Refused(refusal) => {
                self.run.tally.error(format!("login: {:?}", refusal.code));
            }
            ConnectError::Handshake(_)
            | ConnectError::Closed(_)
            | ConnectError::Timeout
            | ConnectError::NoCertificate
            | ConnectError::Trust(_)
            | ConnectError::Socket(_)
            | ConnectError::Start(_) => {
                if !self.run.tolerate_disconnects {
                    self.run.tally.error(format!("login: {error}"));
                }
            }
        }
    }

    /// The pause before the next login. Bots that were thrown out together come back apart.
    fn pause(&self, attempt: u32, failures: u32) -> Duration {
        let doubled = BACK_OFF_MS.saturating_mul(1 << failures.min(10)).min(BACK_OFF_MS_MAX);
        let words = [u64::from(self.index), u64::from(attempt), 0xBAC0];
        Duration::from_millis(doubled + rng::below(doubled, self.run.seed, &words))
    }
}

impl Session {
    fn new(client: Client, now: Instant) -> Self {
        Self {
            client,
            asked: None,
            probe: None,
            wake: now,
            sent: 0,
            received: 0,
            count_at: now,
            alive_at: now,
        }
    }

    /// Sends a request; an older one of the same mind has been given up.
    fn ask(&mut self, id: RequestId, request: Request) {
        // The old one first: two with the same id cannot be in flight.
        self.asked = None;
        self.asked = Some(self.asking(id, request));
    }

    fn asking(&self, id: RequestId, request: Request) -> Asked {
        let client = self.client.clone();
        Box::pin(async move { (id, client.request_with_id(id, request).await) })
    }

    /// Looks at the wire now and then. Returns whether the server is dead.
    fn look(&mut self, run: &Run) -> bool {
        let now = Instant::now();
        if now >= self.count_at {
            self.count_at = now + COUNT_BYTES;
            let heard = self.count_bytes(run);
            if heard || self.asked.is_none() {
                self.alive_at = now;
            }
        }
        let silent = now.duration_since(self.alive_at);
        if silent > SUSPECT && self.probe.is_none() {
            self.probe = Some(self.asking(self.client.next_request_id(), Request::Ping));
        }
        silent > DEAD
    }

    /// Counts what went over the wire. Returns whether something came.
    fn count_bytes(&mut self, run: &Run) -> bool {
        let (sent, received) = (self.client.bytes_sent(), self.client.bytes_received());
        let heard = received > self.received;
        let new = sent.saturating_sub(self.sent) + received.saturating_sub(self.received);
        run.tally.bytes.fetch_add(new, Relaxed);
        (self.sent, self.received) = (sent, received);
        heard
    }
}

async fn answer(asked: &mut Option<Asked>) -> (RequestId, Result<Reply, RequestError>) {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}
