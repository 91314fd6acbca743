//! One try: calls go out to all servers at once, in pieces of bounded size, and come back.

use std::collections::{BTreeMap, VecDeque};

use redis::Value;

use super::answer::{Again, Verdict, described, judge};
use super::{CallError, Due, Outcome, Router};
use crate::store::redis::call::{Call, Life, command};
use crate::store::redis::link::{Link, Server};
use crate::store::redis::values::number;

/// Calls that go out to a server before the answers are read.
const CALLS_MAX: usize = 1_024;
/// Bytes that go out to a server before the answers are read; one call may exceed it alone.
const BYTES_MAX: usize = 4 << 20;

const EMPTIED: &str = "the store was emptied or exchanged: this node must not go on, or players \
                       would find nothing; restore the data, or use another prefix to begin anew";

/// What went out to one server and is not answered yet.
struct Flight {
    peer: usize,
    life: Life,
    calls: Vec<Due>,
    /// Whether it is asked for the store's id at the end, and then for replicas.
    marked: bool,
    waits: bool,
}

impl Router {
    /// Tries all that is due once. Returns what has to be tried again.
    pub(super) fn pass(
        &mut self,
        calls: &[Call],
        due: Vec<Due>,
        outcomes: &mut [Option<Outcome>],
    ) -> Vec<Due> {
        let mut again = Vec::new();
        let mut queues: BTreeMap<usize, VecDeque<Due>> = BTreeMap::new();
        for mut it in due {
            let peer = match it.ask.clone() {
                Some(server) => self.topology.index_of(server),
                None => self.topology.owner(calls[it.call].bucket()),
            };
            match peer {
                Some(peer) => queues.entry(peer).or_default().push_back(it),
                None => {
                    it.why = String::from("no server of the cluster is known to own this slot");
                    (it.wait, self.outdated) = (true, true);
                    again.push(it);
                }
            }
        }
        while queues.values().any(|queue| !queue.is_empty()) {
            let mut flights = Vec::new();
            for (peer, queue) in &mut queues {
                flights.extend(self.take_off(*peer, queue, calls, outcomes, &mut again));
            }
            for flight in flights {
                self.land(flight, calls, outcomes, &mut again);
            }
        }
        again
    }

    /// Sends as much of a queue as fits into one flight.
    fn take_off(
        &mut self,
        peer: usize,
        queue: &mut VecDeque<Due>,
        calls: &[Call],
        outcomes: &mut [Option<Outcome>],
        again: &mut Vec<Due>,
    ) -> Option<Flight> {
        if queue.is_empty() {
            return None;
        }
        if let Err(why) = self.connect(peer) {
            let wait = self.is_worth_waiting(peer);
            // A replica may have taken its place.
            self.outdated |= self.routes.is_cluster;
            for mut it in queue.drain(..) {
                if wait {
                    (it.why, it.wait, it.ask) = (why.clone(), true, None);
                    again.push(it);
                } else {
                    outcomes[it.call] = Some(Err(CallError::Failed(why.clone())));
                }
            }
            return None;
        }
        let (mut bytes, mut taken) = (Vec::new(), Vec::new());
        let life = self.link(peer).map_or(Life(0), |link| link.life());
        while let Some(it) = queue.pop_front() {
            let call = &calls[it.call];
            if call.only_in.is_some_and(|only| only != life) {
                let what = "its server was restarted or replaced since the key was claimed";
                outcomes[it.call] = Some(Err(CallError::Failed(String::from(what))));
                continue;
            }
            let size = bytes.len() + call.size();
            if !taken.is_empty() && (taken.len() >= CALLS_MAX || size > BYTES_MAX) {
                queue.push_front(it);
                break;
            }
            if it.ask.is_some() {
                bytes.extend(command(&[b"ASKING"]));
            }
            if let Ok(link) = self.link(peer) {
                link.pack(call, &mut bytes);
            }
            taken.push(it);
        }
        let last = taken.last()?;
        // A bucket that is on its way elsewhere may have left its mark behind or sent it ahead.
        let marked = last.ask.is_none() && self.routes.store.is_some();
        let bucket = calls[last.call].bucket();
        let waits = self.routes.wait_replicas > 0 && taken.iter().any(|it| calls[it.call].writes());
        if marked {
            let mark = Call::mark(&self.routes.names, bucket);
            mark.pack(&[], life, &mut bytes);
        }
        if waits {
            let replicas = self.routes.wait_replicas.to_string();
            let time = (self.routes.link.response_timeout / 2).as_millis().max(1).to_string();
            bytes.extend(command(&[b"WAIT", replicas.as_bytes(), time.as_bytes()]));
        }
        let flight = Flight { peer, life, calls: taken, marked, waits };
        let sent = self.link(peer).and_then(|link| link.send(&bytes));
        match sent {
            Ok(()) => Some(flight),
            Err(why) => {
                self.crash(flight.calls, peer, &why, outcomes);
                None
            }
        }
    }

    /// Reads all answers of a flight. Nothing of it counts unless all came, the store is still
    /// ours, and enough replicas have it.
    fn land(
        &mut self,
        flight: Flight,
        calls: &[Call],
        outcomes: &mut [Option<Outcome>],
        again: &mut Vec<Due>,
    ) {
        let Flight { peer, life, calls: due, marked, waits } = flight;
        let server = self.topology.server(peer).clone();
        let mut verdicts = Vec::with_capacity(due.len());
        let receive = |router: &mut Self| router.link(peer)?.receive();
        let mut read = || -> Result<(Option<Value>, Option<Value>), String> {
            for it in &due {
                if it.ask.is_some() {
                    receive(self)?;
                }
                verdicts.push(judge(receive(self)?, &server));
            }
            let mark = if marked { Some(receive(self)?) } else { None };
            Ok((mark, if waits { Some(receive(self)?) } else { None }))
        };
        let (mark, replicas) = match read() {
            Ok(read) => read,
            Err(why) => return self.crash(due, peer, &format!("{server}: {why}"), outcomes),
        };
        self.check_mark(mark);
        let unsafe_writes = replicas.and_then(|value| self.too_few(value));
        let (mut quiet, mut loaded) = (true, false);
        for (it, verdict) in due.into_iter().zip(verdicts) {
            let Due { call, .. } = it;
            match verdict {
                Verdict::Done(_) if unsafe_writes.is_some() && calls[call].writes() => {
                    let why = unsafe_writes.clone().unwrap_or_default();
                    outcomes[call] = Some(Err(CallError::Failed(format!("{server}: {why}"))));
                }
                Verdict::Done(value) => outcomes[call] = Some(Ok((value, life))),
                Verdict::Failed(error) => outcomes[call] = Some(Err(named(error, &server))),
                Verdict::Emptied => {
                    self.routes.halt.set(EMPTIED);
                    outcomes[call] = Some(Err(CallError::Failed(String::from(EMPTIED))));
                }
                Verdict::Again(how) => {
                    quiet &= !matches!(how, Again::Wait | Again::Elsewhere);
                    if !loaded {
                        self.note(peer, &how, calls[call].bucket());
                    }
                    loaded |= how == Again::LoadScripts;
                    again.push(later(call, how, &server));
                }
            }
        }
        if quiet && self.peers[peer].link.is_some() {
            self.peers[peer].trouble = None;
        }
    }

    /// What a refusal says about the servers.
    fn note(&mut self, peer: usize, how: &Again, bucket: u16) {
        match how {
            Again::LoadScripts => {
                let loaded = self.link(peer).and_then(Link::load_scripts);
                if let Err(why) = loaded {
                    self.lose(peer, &why);
                }
            }
            Again::Moved(target) => {
                self.topology.moved(bucket, target.clone());
                self.outdated = true;
            }
            Again::Elsewhere if self.is_connected(peer) => {
                self.lose(peer, "it does not serve its slots");
            }
            Again::Ask(_) | Again::Wait | Again::Elsewhere => {}
        }
    }

    /// A connection failed after calls were sent: what became of them is unknown.
    fn crash(&mut self, due: Vec<Due>, peer: usize, why: &str, outcomes: &mut [Option<Outcome>]) {
        for it in due {
            let what = format!("whether it was carried out is unknown: {why}");
            outcomes[it.call] = Some(Err(CallError::Failed(what)));
        }
        self.lose(peer, why);
    }

    /// Halts if the store is not the one that was opened. An error says nothing about it.
    fn check_mark(&self, mark: Option<Value>) {
        match mark {
            None | Some(Value::ServerError(_)) => {}
            Some(Value::BulkString(found)) if found == self.routes.store_id().as_bytes() => {}
            Some(_) => self.routes.halt.set(EMPTIED),
        }
    }

    /// What is wrong if fewer replicas than wanted have what was written.
    fn too_few(&self, answer: Value) -> Option<String> {
        let wanted = self.routes.wait_replicas;
        if let Value::ServerError(error) = answer {
            return Some(described(&error));
        }
        match number(answer) {
            Ok(count) if count >= u64::from(wanted) => None,
            Ok(count) => {
                Some(format!("it is written, but only {count} of {wanted} replicas have it"))
            }
            Err(what) => Some(what),
        }
    }
}

fn later(call: usize, how: Again, server: &Server) -> Due {
    let due = |ask, why: &str, wait| Due { call, ask, why: format!("{server}: {why}"), wait };
    match how {
        Again::LoadScripts => due(None, "it forgets its scripts", false),
        Again::Moved(_) => due(None, "its slot is moved again and again", false),
        Again::Ask(target) => due(Some(target), "its slot is being moved", false),
        Again::Wait => due(None, "it is busy, loading its data or moving the slot", true),
        Again::Elsewhere => due(None, "it does not serve the slot", true),
    }
}

fn named(error: CallError, server: &Server) -> CallError {
    match error {
        CallError::Failed(why) => CallError::Failed(format!("{server}: {why}")),
        CallError::Damaged(what) => CallError::Damaged(what),
    }
}
