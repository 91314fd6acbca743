//! Moves mail from outboxes to mailboxes, which may be at different servers: read the outbox,
//! deliver at the targets, then remove what arrived. Every step may be repeated, or run twice
//! at once: the target's mark absorbs what it has seen.

use std::collections::{BTreeMap, VecDeque};

use redis::Value;

use super::{Worker, backend, damaged, failed, waves};
use crate::ids::{Address, Key};
use crate::limits::{MAILBOX_ENTRIES_MAX, OUTBOX_ENTRIES_MAX, RELAY_ENTRIES_MAX};
use crate::store::redis::call::{Call, Life, Script};
use crate::store::redis::layout::{self, Outgoing};
use crate::store::redis::router::CallError;
use crate::store::redis::values::{array, bytes, fields, number, text};
use crate::store::{Relayed, StoreReply, StoreRequest};

/// Rounds of deliveries in one step: a further one is needed only when mailboxes are full. What
/// is left then waits for the next step.
const ROUNDS_MAX: usize = 8;

/// One relay step under way.
struct Step {
    source: Key,
    /// Entries that were not looked at yet, oldest first.
    waiting: VecDeque<Outgoing>,
    /// Positions that arrived.
    done: Vec<String>,
    targets: BTreeMap<Key, Target>,
    left: u64,
    /// The life of the server that the outbox was read from.
    life: Option<Life>,
    failure: Option<StoreReply>,
}

#[derive(Default)]
struct Target {
    owner: Option<Address>,
    moved: bool,
    full: bool,
}

/// Entries of one step for one target.
struct Delivery {
    step: usize,
    target: Key,
    entries: Vec<Outgoing>,
}

impl Worker {
    pub(super) fn relays(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        let sources = requests.iter().filter_map(|request| match request {
            StoreRequest::Relay { source } => Some(*source),
            StoreRequest::ReadOwner { .. }
            | StoreRequest::Claim { .. }
            | StoreRequest::Commit(_)
            | StoreRequest::Release { .. }
            | StoreRequest::PeekMail { .. }
            | StoreRequest::PendingOutboxes { .. }
            | StoreRequest::ListGuilds { .. } => None,
        });
        let mut steps: Vec<_> = sources.map(Step::new).collect();
        self.read(&mut steps);
        for _ in 0..ROUNDS_MAX {
            let deliveries = choose(&mut steps);
            if deliveries.is_empty() {
                break;
            }
            self.deliver(&mut steps, deliveries);
        }
        self.remove(&mut steps);
        steps.into_iter().map(Step::reply).collect()
    }

    fn read(&mut self, steps: &mut [Step]) {
        let names = &self.router.routes.names;
        let read = |step: &Step| {
            let call = Call::script(Script::Outbox, layout::bucket(step.source));
            let call = call.key(&names.head(step.source)).key(&names.beside(step.source, "out"));
            call.number(OUTBOX_ENTRIES_MAX)
        };
        let calls: Vec<_> = steps.iter().map(read).collect();
        for (step, outcome) in steps.iter_mut().zip(self.router.run(&calls)) {
            match outcome {
                Ok((value, life)) => {
                    step.life = Some(life);
                    if let Err(what) = step.fill(value) {
                        step.failure = Some(damaged(step.source, what));
                    }
                }
                Err(error) => step.failure = Some(failed(step.source, error)),
            }
        }
    }

    fn deliver(&mut self, steps: &mut [Step], deliveries: Vec<Delivery>) {
        let keyed = deliveries.into_iter().map(|delivery| (delivery.target, delivery));
        for wave in waves(keyed) {
            let call = |(_, delivery): &(Key, Delivery)| {
                self.delivery(steps[delivery.step].source, delivery)
            };
            let calls: Vec<_> = wave.iter().map(call).collect();
            for ((_, delivery), outcome) in wave.into_iter().zip(self.router.run(&calls)) {
                steps[delivery.step].delivered(delivery, outcome.map(|(value, _)| value));
            }
        }
    }

    fn delivery(&self, source: Key, delivery: &Delivery) -> Call {
        let (names, target) = (&self.router.routes.names, delivery.target);
        let bucket = layout::bucket(target);
        let mut call = Call::script(Script::Deliver, bucket).key(&names.head(target));
        call = call.key(&names.beside(target, "mail")).key(&names.beside(target, "seen"));
        if matches!(target, Key::Guild(_)) {
            call = call.key(&names.of_bucket(bucket, "guilds"));
        }
        call = call.arg(layout::member(source).as_bytes()).number(MAILBOX_ENTRIES_MAX);
        call = call.arg(layout::member(target).as_bytes());
        for entry in &delivery.entries {
            call = call.arg(entry.life.as_bytes()).arg(entry.number.as_bytes()).arg(&entry.mail);
        }
        call
    }

    fn remove(&mut self, steps: &mut [Step]) {
        let names = &self.router.routes.names;
        let (mut indexes, mut calls) = (Vec::new(), Vec::new());
        for (index, step) in steps.iter().enumerate().filter(|(_, step)| !step.done.is_empty()) {
            let (source, bucket) = (step.source, layout::bucket(step.source));
            let call = Call::script(Script::Remove, bucket).key(&names.head(source));
            let call = call.key(&names.beside(source, "out"));
            let call = call.key(&names.of_bucket(bucket, "pending"));
            let mut call = call.arg(layout::member(source).as_bytes());
            for position in &step.done {
                call = call.arg(position.as_bytes());
            }
            // In another life, other entries may stand at these positions.
            call.only_in = step.life;
            indexes.push(index);
            calls.push(call);
        }
        for (index, outcome) in indexes.into_iter().zip(self.router.run(&calls)) {
            let step = &mut steps[index];
            match outcome.map(|(value, _)| number(value)) {
                Ok(Ok(left)) => step.left = left,
                Ok(Err(what)) => step.fail(backend(&what)),
                Err(error) => {
                    let reply = failed(step.source, error);
                    step.fail(reply);
                }
            }
        }
    }
}

/// The next entries of all steps: in order, as many as a step may still move, and none for a
/// target that is full.
fn choose(steps: &mut [Step]) -> Vec<Delivery> {
    let mut deliveries: Vec<Delivery> = Vec::new();
    for (index, step) in steps.iter_mut().enumerate() {
        let mut room = RELAY_ENTRIES_MAX.saturating_sub(step.done.len());
        let mut chosen: BTreeMap<Key, Vec<Outgoing>> = BTreeMap::new();
        while room > 0 && step.failure.is_none() {
            let Some(entry) = step.waiting.pop_front() else { break };
            if step.targets.get(&entry.target).is_some_and(|target| target.full) {
                continue;
            }
            room -= 1;
            chosen.entry(entry.target).or_default().push(entry);
        }
        let delivery = |(target, entries)| Delivery { step: index, target, entries };
        deliveries.extend(chosen.into_iter().map(delivery));
    }
    deliveries
}

impl Step {
    fn new(source: Key) -> Self {
        let (waiting, done, targets) = (VecDeque::new(), Vec::new(), BTreeMap::new());
        Self { source, waiting, done, targets, left: 0, life: None, failure: None }
    }

    fn fill(&mut self, value: Value) -> Result<(), String> {
        let [left, entries] = fields(value)?;
        self.left = number(left)?;
        for entry in array(entries)? {
            self.waiting.push_back(layout::outgoing_of(self.source, &bytes(entry)?)?);
        }
        Ok(())
    }

    fn fail(&mut self, reply: StoreReply) {
        self.failure.get_or_insert(reply);
    }

    fn delivered(&mut self, delivery: Delivery, outcome: Result<Value, CallError>) {
        let target = delivery.target;
        let read = match outcome {
            Ok(value) => self.arrived(delivery, value),
            Err(error) => return self.fail(failed(target, error)),
        };
        if let Err(what) = read {
            self.fail(damaged(self.source, what));
        }
    }

    fn arrived(&mut self, delivery: Delivery, value: Value) -> Result<(), String> {
        let [owner, done, moved, full, gap] = fields(value)?;
        let done = usize::try_from(number(done)?).map_err(|error| error.to_string())?;
        let positions = delivery.entries.iter().take(done).map(|entry| entry.position.clone());
        self.done.extend(positions);
        let target = self.targets.entry(delivery.target).or_default();
        target.owner = layout::owner_of(&text(owner)?)?;
        target.moved |= number(moved)? > 0;
        target.full |= number(full)? > 0;
        let gap = text(gap)?;
        if gap.is_empty() {
            return Ok(());
        }
        let next = delivery.entries.get(done);
        let next = next.map_or_else(String::new, |it| [&it.life, ":", &it.number].concat());
        let to = delivery.target;
        Err(format!("mail {next} to {to} follows {gap}: the ones between are lost"))
    }

    fn reply(self) -> StoreReply {
        if let Some(failure) = self.failure {
            return failure;
        }
        let told = self.targets.into_iter().filter(|(_, target)| target.moved || target.full);
        let relayed = |(key, target): (Key, Target)| Relayed {
            target: key,
            owner: target.owner,
            full: target.full,
        };
        StoreReply::Relayed { targets: told.map(relayed).collect(), entries_left: self.left }
    }
}
