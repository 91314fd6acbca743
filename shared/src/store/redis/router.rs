//! Brings calls to the servers that own their buckets, and repeats those that a server has
//! certainly not carried out. What may have been carried out is never repeated.

mod answer;
mod flight;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use redis::Value;

use super::call::{Call, Life};
use super::clock::now;
use super::layout::Names;
use super::link::{Link, LinkSettings, Server};
use super::topology::Topology;
use crate::rng;

/// Times a call is tried. The settings' patience is usually over before.
const TRIES_MAX: usize = 40;
/// The first pause before a call is repeated; doubles up to the last.
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_LAST: Duration = Duration::from_millis(100);
/// Pauses before a server is connected to again.
const RECONNECT_FIRST: Duration = Duration::from_millis(20);
const RECONNECT_LAST: Duration = Duration::from_secs(2);

/// Between two times that the cluster is asked who owns what.
const REFRESH_PAUSE: Duration = Duration::from_millis(50);

/// What is the same for all that talk to one store.
#[derive(Clone)]
pub(crate) struct Routes {
    pub(crate) names: Names,
    pub(super) link: LinkSettings,
    pub(super) seeds: Vec<Server>,
    pub(super) is_cluster: bool,
    pub(super) wait_replicas: u32,
    /// How long a call that was not carried out is repeated.
    pub(super) patience: Duration,
    /// The store's id; nothing while it is being opened.
    pub(super) store: Option<Arc<str>>,
    pub(crate) halt: Arc<Halt>,
}

impl Routes {
    /// The same with other timeouts and without replicas, for what need not be durable.
    pub(crate) fn hasty(&self, timeout: Duration) -> Self {
        let mut routes = self.clone();
        routes.link.response_timeout = timeout;
        routes.link.connect_timeout = timeout;
        routes.patience = Duration::ZERO;
        routes.wait_replicas = 0;
        routes
    }

    /// The store's id, empty while it is being opened.
    pub(super) fn store_id(&self) -> &str {
        self.store.as_deref().unwrap_or_default()
    }
}

/// Set once, when the store turns out to be another one than it was.
#[derive(Debug, Default)]
pub(crate) struct Halt(OnceLock<String>);

impl Halt {
    /// Nothing is answered any more, because of `what`.
    pub(super) fn set(&self, what: &str) {
        let first = self.0.set(String::from(what)).is_ok();
        if first {
            tracing::error!(what, "store is halted");
        }
    }

    /// Why, if it is halted.
    pub(crate) fn why(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// It failed, or it is not known whether it was carried out.
    Failed(String),
    /// What is stored does not fit.
    Damaged(String),
}

/// What became of a call: the answer and the life of the server that gave it.
pub(crate) type Outcome = Result<(Value, Life), CallError>;

/// A call that is still to be carried out.
#[derive(Clone, Debug)]
struct Due {
    call: usize,
    /// Only this server will do, for this once.
    ask: Option<Server>,
    /// Why it was not carried out so far.
    why: String,
    /// Whether to pause before the next try.
    wait: bool,
}

/// Access to all servers of a store, for one thread. Each has its own connections, because a
/// wait for replicas concerns all that was written on a connection, and blocks it.
pub(crate) struct Router {
    pub(crate) routes: Routes,
    topology: Topology,
    peers: Vec<Peer>,
    /// Closed or filled when pauses should end.
    stop: Receiver<()>,
    outdated: bool,
    refreshed: Option<Instant>,
}

#[derive(Default)]
struct Peer {
    link: Option<Link>,
    trouble: Option<Trouble>,
}

struct Trouble {
    since: Instant,
    next_try: Instant,
    tries: u32,
    why: String,
}

impl Router {
    /// A router that has no connections yet.
    pub(crate) fn new(routes: Routes, stop: Receiver<()>) -> Self {
        let topology = match routes.seeds.first() {
            Some(server) if !routes.is_cluster => Topology::one(server.clone(), &routes.names),
            Some(_) | None => Topology::unknown(&routes.names),
        };
        let outdated = routes.is_cluster;
        Self { routes, topology, peers: Vec::new(), stop, outdated, refreshed: None }
    }

    /// Carries the calls out and answers each, in the order of the calls. Calls of different
    /// keys are carried out in any order.
    pub(crate) fn run(&mut self, calls: &[Call]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = calls.iter().map(|_| None).collect();
        let due = |call| Due { call, ask: None, why: String::new(), wait: false };
        let mut due: Vec<_> = (0..calls.len()).map(due).collect();
        if self.routes.halt.why().is_some() {
            due.clear();
        }
        let begun = now();
        let mut pause = PAUSE_FIRST;
        for _ in 0..TRIES_MAX {
            if self.outdated && self.refreshed.is_none_or(|at| now() >= at + REFRESH_PAUSE) {
                self.refresh();
            }
            due = self.pass(calls, due, &mut outcomes);
            let patient = now().saturating_duration_since(begun) < self.routes.patience;
            if due.is_empty() || (!patient && due.iter().any(|it| it.wait)) {
                break;
            }
            metrics::counter!("store_redis_repeated_total").increment(due.len() as u64);
            if due.iter().any(|it| it.wait) {
                self.pause(pause);
                pause = PAUSE_LAST.min(pause * 2);
            }
        }
        for it in due {
            outcomes[it.call] = Some(Err(CallError::Failed(it.why)));
        }
        let unanswered = || Err(CallError::Failed(String::from("it was not carried out")));
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unanswered));
        match self.routes.halt.why() {
            Some(why) => outcomes.map(|_| Err(CallError::Failed(String::from(why)))).collect(),
            None => outcomes.collect(),
        }
    }

    /// Carries one call out.
    pub(crate) fn one(&mut self, call: Call) -> Outcome {
        let unanswered = || Err(CallError::Failed(String::from("it was not carried out")));
        self.run(&[call]).pop().unwrap_or_else(unanswered)
    }

    /// Something from each server that owns a bucket.
    pub(super) fn on_each<T>(
        &mut self,
        mut f: impl FnMut(&Server, &mut Link) -> Result<T, String>,
    ) -> Vec<(Server, Result<T, String>)> {
        if self.outdated {
            self.refresh();
        }
        let owners = self.topology.owners();
        let ask = |index: usize| {
            let server = self.topology.server(index).clone();
            let answer = self.connect(index).and_then(|link| f(&server, link));
            if answer.is_err() {
                self.peers[index].link = None;
            }
            (server, answer)
        };
        owners.into_iter().map(ask).collect()
    }

    /// Why the servers cannot be used, if so. In a cluster, all buckets have to be served.
    pub(super) fn check(&mut self) -> Result<(), (Server, String)> {
        if self.routes.is_cluster {
            self.refresh();
            if !self.topology.is_complete() {
                let seed = self.routes.seeds[0].clone();
                let whys = self.peers.iter().filter_map(|peer| peer.trouble.as_ref());
                let why = whys.map(|trouble| trouble.why.clone()).next();
                let why = why.unwrap_or_else(|| String::from("not all slots are served"));
                return Err((seed, why));
            }
        }
        let is_cluster = self.routes.is_cluster;
        let mode = if is_cluster { "cluster" } else { "standalone" };
        let found = self.on_each(|_, link| Ok(link.mode.clone()));
        for (server, found) in found {
            match found {
                Ok(found) if found == mode => {}
                Ok(found) => {
                    return Err((server, format!("it runs as {found}, not as {mode}")));
                }
                Err(why) => return Err((server, why)),
            }
        }
        Ok(())
    }

    /// Asks the cluster anew who owns what. If nobody answers, the old answer stands.
    fn refresh(&mut self) {
        self.outdated = false;
        self.refreshed = Some(now());
        if !self.routes.is_cluster {
            return;
        }
        for seed in self.routes.seeds.clone() {
            self.topology.index_of(seed);
        }
        // Those that are connected are asked first, because they answer at once.
        let mut order: Vec<_> = (0..self.topology.servers()).collect();
        order.sort_by_key(|index| !self.is_connected(*index));
        for index in order {
            if self.connect(index).is_err() {
                continue;
            }
            let server = self.topology.server(index).clone();
            let Some(link) = self.peers[index].link.as_mut() else { continue };
            match link.ask(&[b"CLUSTER", b"SLOTS"]) {
                Ok(answer) => match self.topology.learn(answer, &server) {
                    Ok(()) => return,
                    Err(why) => tracing::warn!(%server, why, "cannot read the slots"),
                },
                Err(why) => self.lose(index, &why),
            }
        }
        self.outdated = true;
    }

    fn is_connected(&self, index: usize) -> bool {
        self.peers.get(index).is_some_and(|peer| peer.link.is_some())
    }

    /// A connection to a server: the one that is there, or a new one if it is time to try.
    fn connect(&mut self, index: usize) -> Result<&mut Link, String> {
        if self.peers.len() <= index {
            self.peers.resize_with(index + 1, Peer::default);
        }
        let server = self.topology.server(index).clone();
        let peer = &mut self.peers[index];
        if peer.link.is_none() {
            if let Some(trouble) = peer.trouble.as_ref().filter(|it| now() < it.next_try) {
                return Err(trouble.why.clone());
            }
            match Link::open(&server, &self.routes.link) {
                Ok(link) => {
                    metrics::counter!("store_redis_connections_total").increment(1);
                    peer.link = Some(link);
                }
                Err(why) => {
                    let why = format!("{server}: {why}");
                    self.lose(index, &why);
                    return Err(why);
                }
            }
        }
        self.link(index)
    }

    /// The connection that is there.
    fn link(&mut self, index: usize) -> Result<&mut Link, String> {
        let link = self.peers.get_mut(index).and_then(|peer| peer.link.as_mut());
        link.ok_or_else(|| String::from("the connection is gone"))
    }

    /// Drops a connection and notes when to try again: later each time, and not all at once.
    fn lose(&mut self, index: usize, why: &str) {
        let peer = &mut self.peers[index];
        peer.link = None;
        let at = now();
        let (since, tries) = match &peer.trouble {
            Some(trouble) => (trouble.since, trouble.tries.saturating_add(1)),
            None => {
                tracing::warn!(server = %self.topology.server(index), why, "redis is in trouble");
                (at, 0)
            }
        };
        let pause = RECONNECT_LAST.min(RECONNECT_FIRST * 2_u32.pow(tries.min(10)));
        let drawn = rng::below(100, u64::from(std::process::id()), &[index as u64, tries.into()]);
        let pause = pause / 2 + pause * u32::try_from(drawn).unwrap_or(0) / 200;
        let why = String::from(why);
        peer.trouble = Some(Trouble { since, next_try: at + pause, tries, why });
        self.outdated = self.routes.is_cluster;
    }

    /// Whether it is worth waiting for a server: not once it has been away for some time.
    fn is_worth_waiting(&self, index: usize) -> bool {
        let trouble = self.peers.get(index).and_then(|peer| peer.trouble.as_ref());
        trouble.is_none_or(|it| now().saturating_duration_since(it.since) < self.routes.patience)
    }

    /// Pauses, but not longer than the thread may go on.
    fn pause(&self, time: Duration) {
        let _stopped = self.stop.recv_timeout(time);
    }
}
