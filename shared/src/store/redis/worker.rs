//! What a request becomes: calls to servers, and from their answers the reply.

mod lists;
mod relays;

use std::collections::BTreeMap;

use redis::Value;

use super::call::{Call, Life, Script};
use super::layout;
use super::router::{CallError, Outcome, Router};
use super::values::{array, bytes, fields, number, text};
use crate::ids::{Epoch, Key, Version};
use crate::limits::{
    COMMIT_BATCH_KEYS_MAX, MAIL_BYTES_MAX, MAIL_PEEK_MAX, OUTBOX_ENTRIES_MAX, PART_BYTES_MAX,
};
use crate::store::{
    Commit, CommitVerdict, Ownership, Parts, Record, StoreFailure, StoreReply, StoreRequest,
};

/// Keys whose life at their claim is remembered by one handle. A claim beyond it fails: a core
/// holds far fewer.
const CLAIMS_MAX: usize = 1 << 20;
/// Positions above it are the same to a script, which counts in doubles.
const POSITION_MAX: u64 = 1 << 53;

/// Carries requests out for one handle.
pub(super) struct Worker {
    router: Router,
    /// In which life of its server each key was claimed. A server that came back after a crash
    /// may have lost the claim, and the next one may get the same epoch; so what is committed
    /// under a claim goes only to the very life that it was made in.
    claims: BTreeMap<Key, Life>,
}

/// One call of a request: which of the requests, which of its calls.
struct Step {
    request: usize,
    at: usize,
    call: Call,
}

/// Requests that can be carried out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each concerns the keys that it names.
    Keyed,
    /// Also their targets, which are not known before.
    Relay,
    /// All keys.
    List,
}

/// The kind of a request.
pub(super) fn kind(request: &StoreRequest) -> Kind {
    match request {
        StoreRequest::ReadOwner { .. }
        | StoreRequest::Claim { .. }
        | StoreRequest::Commit(_)
        | StoreRequest::Release { .. }
        | StoreRequest::PeekMail { .. } => Kind::Keyed,
        StoreRequest::Relay { .. } => Kind::Relay,
        StoreRequest::PendingOutboxes { .. } | StoreRequest::ListGuilds { .. } => Kind::List,
    }
}

impl Worker {
    pub(super) fn new(router: Router) -> Self {
        Self { router, claims: BTreeMap::new() }
    }

    /// Carries out requests of one kind; of a list, one at a time.
    pub(super) fn carry_out(&mut self, kind: Kind, requests: &[StoreRequest]) -> Vec<StoreReply> {
        match kind {
            Kind::Keyed => self.keyed(requests),
            Kind::Relay => self.relays(requests),
            Kind::List => requests.iter().map(|request| self.list(request)).collect(),
        }
    }

    fn keyed(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        let mut steps = Vec::new();
        let mut outcomes: Vec<BTreeMap<usize, Outcome>> = Vec::with_capacity(requests.len());
        for (request, plan) in requests.iter().map(|request| self.plan(request)).enumerate() {
            let calls = plan.into_iter().enumerate();
            steps.extend(calls.map(|(at, (key, call))| (key, Step { request, at, call })));
            outcomes.push(BTreeMap::new());
        }
        for wave in waves(steps.into_iter()) {
            let mut calls = Vec::with_capacity(wave.len());
            let mut origins = Vec::with_capacity(wave.len());
            for (key, Step { request, at, mut call }) in wave {
                if matches!(requests[request], StoreRequest::Commit(_)) {
                    call.only_in = self.claims.get(&key).copied();
                }
                calls.push(call);
                origins.push((key, request, at));
            }
            for ((key, request, at), outcome) in origins.into_iter().zip(self.router.run(&calls)) {
                if let (StoreRequest::Claim { .. }, Ok((_, life))) = (&requests[request], &outcome)
                {
                    self.claims.insert(key, *life);
                }
                outcomes[request].insert(at, outcome);
            }
        }
        let answered = requests.iter().zip(outcomes);
        answered.map(|(request, outcomes)| self.reply(request, outcomes)).collect()
    }

    fn plan(&self, request: &StoreRequest) -> Vec<(Key, Call)> {
        let names = &self.router.routes.names;
        let script = |script, key| Call::script(script, layout::bucket(key)).key(&names.head(key));
        match request {
            StoreRequest::ReadOwner { key } => {
                let call = Call::reading("HMGET", layout::bucket(*key));
                let call = call.arg(names.head(*key).as_bytes()).arg(b"o").arg(b"e");
                vec![(*key, call)]
            }
            StoreRequest::Claim { key, by, seen } => {
                let bucket = layout::bucket(*key);
                let mut call = script(Script::Claim, *key).key(&names.of_bucket(bucket, "mark"));
                if matches!(key, Key::Guild(_)) {
                    call = call.key(&names.of_bucket(bucket, "guilds"));
                }
                let call = call.arg(self.router.routes.store_id().as_bytes());
                let call = call.arg(layout::owner_text(*by).as_bytes()).number(seen.0);
                vec![(*key, call.arg(layout::member(*key).as_bytes()))]
            }
            StoreRequest::Commit(commits) => {
                let within = commits.iter().take(COMMIT_BATCH_KEYS_MAX);
                within.map(|commit| (commit.key, self.commit(commit))).collect()
            }
            StoreRequest::Release { key, epoch } => {
                vec![(*key, script(Script::Release, *key).number(epoch.0))]
            }
            StoreRequest::PeekMail { key, after } => {
                let call = script(Script::Peek, *key).key(&names.beside(*key, "mail"));
                let call = call.number((*after).min(POSITION_MAX)).number(MAIL_PEEK_MAX as u64);
                vec![(*key, call)]
            }
            StoreRequest::Relay { .. }
            | StoreRequest::PendingOutboxes { .. }
            | StoreRequest::ListGuilds { .. } => Vec::new(),
        }
    }

    fn commit(&self, commit: &Commit) -> Call {
        let (names, key) = (&self.router.routes.names, commit.key);
        let bucket = layout::bucket(key);
        // What cannot be written is not sent; the script still says who is fenced.
        let fits = commit.parts.iter().all(|(_, bytes)| bytes.len() <= PART_BYTES_MAX)
            && commit.posts.iter().all(|post| post.mail.len() <= MAIL_BYTES_MAX)
            && commit.posts.len() as u64 <= OUTBOX_ENTRIES_MAX;
        let parts: BTreeMap<_, _> = commit.parts.iter().map(|(id, bytes)| (*id, bytes)).collect();
        let mut call = Call::script(Script::Commit, bucket).key(&names.head(key));
        let is_plain = !fits || (commit.posts.is_empty() && commit.mail_taken.is_none());
        if !is_plain {
            for beside in ["mail", "out", "sent"] {
                call = call.key(&names.beside(key, beside));
            }
            call = call.key(&names.of_bucket(bucket, "pending"));
            call = call.key(&names.of_bucket(bucket, "mark"));
        }
        let next = commit.version.0.saturating_add(1);
        call = call.number(commit.epoch.0).number(commit.version.0).number(next);
        if !fits {
            return call.arg(b"L");
        }
        call = call.arg(b"").number(parts.len() as u64);
        for (part, bytes) in parts {
            let value = layout::sealed_part(key, part, bytes);
            call = call.arg(layout::part_field(part).as_bytes()).arg(&value);
        }
        if is_plain {
            return call;
        }
        let taken = commit
            .mail_taken
            .map_or_else(String::new, |position| position.min(POSITION_MAX).to_string());
        call = call.number(OUTBOX_ENTRIES_MAX).arg(layout::member(key).as_bytes());
        call = call.arg(taken.as_bytes());
        for post in &commit.posts {
            let mail = layout::sealed_mail(key, post.target, &post.mail);
            call = call.arg(layout::member(post.target).as_bytes()).arg(&mail);
        }
        call.with_life()
    }

    /// The reply to a request whose calls have these outcomes, in their order.
    fn reply(&mut self, request: &StoreRequest, outcomes: BTreeMap<usize, Outcome>) -> StoreReply {
        let mut outcomes = outcomes.into_values();
        if let StoreRequest::Commit(commits) = request {
            return committed(commits, outcomes);
        }
        let (key, outcome) = match (request, outcomes.next()) {
            (
                StoreRequest::ReadOwner { key }
                | StoreRequest::Claim { key, .. }
                | StoreRequest::Release { key, .. }
                | StoreRequest::PeekMail { key, .. },
                Some(outcome),
            ) => (*key, outcome),
            _ => return backend("the request was not carried out"),
        };
        if matches!(request, StoreRequest::Release { .. }) {
            self.claims.remove(&key);
        }
        let value = match outcome {
            Ok((value, _)) => value,
            Err(error) => return failed(key, error),
        };
        let read = match request {
            StoreRequest::ReadOwner { .. } => owner(value).map(StoreReply::Owner),
            StoreRequest::Claim { .. } => self.claimed(key, value),
            StoreRequest::Release { .. } => Ok(StoreReply::Released),
            StoreRequest::Commit(_)
            | StoreRequest::PeekMail { .. }
            | StoreRequest::Relay { .. }
            | StoreRequest::PendingOutboxes { .. }
            | StoreRequest::ListGuilds { .. } => mail(key, value),
        };
        read.unwrap_or_else(|what| damaged(key, what))
    }

    fn claimed(&mut self, key: Key, value: Value) -> Result<StoreReply, String> {
        let mut values = array(value)?.into_iter();
        let mut next = || values.next().unwrap_or(Value::Nil);
        if text(next())? == "taken" {
            self.claims.remove(&key);
            let epoch = Epoch(number(next())?);
            let owner = layout::owner_of(&text(next())?)?;
            return Ok(StoreReply::Taken(Ownership { owner, epoch }));
        }
        if self.claims.len() > CLAIMS_MAX {
            self.claims.remove(&key);
            return Ok(backend("this handle owns too many keys"));
        }
        let (counters, parts) = head_of(key, next())?;
        let counter = |name: &str| counters.get(name).copied().unwrap_or_default();
        Ok(StoreReply::Claimed(Record {
            epoch: Epoch(counter("e").saturating_add(1)),
            version: Version(counter("v")),
            parts,
            outbox_entries: counter("on"),
            mailbox_entries: counter("mn"),
        }))
    }
}

/// Puts steps into waves: each wave has at most one step of a key, and the steps of a key are in
/// their order in successive waves. So a step that has to be repeated is never overtaken.
fn waves<T>(steps: impl Iterator<Item = (Key, T)>) -> Vec<Vec<(Key, T)>> {
    let mut count: BTreeMap<Key, usize> = BTreeMap::new();
    let mut waves: Vec<Vec<(Key, T)>> = Vec::new();
    for (key, step) in steps {
        let wave = count.entry(key).or_default();
        if waves.len() <= *wave {
            waves.push(Vec::new());
        }
        waves[*wave].push((key, step));
        *wave += 1;
    }
    waves
}

pub(super) fn owner(value: Value) -> Result<Ownership, String> {
    let [owner, epoch] = fields(value)?;
    Ok(Ownership { owner: layout::owner_of(&text(owner)?)?, epoch: Epoch(number(epoch)?) })
}

pub(super) fn mail(key: Key, value: Value) -> Result<StoreReply, String> {
    let [first, entries] = fields(value)?;
    let first = number(first)?;
    let entries = array(entries)?;
    let end = first.checked_add(entries.len() as u64);
    let end = end.ok_or_else(|| format!("there is no mail after position {first}"))?;
    let entries = (first..end).zip(entries);
    let entries = entries.map(|(position, entry)| layout::mail_of(key, position, &bytes(entry)?));
    Ok(StoreReply::Mail(entries.collect::<Result<_, _>>()?))
}

/// The counters and the parts of a head, as a list of fields and values.
pub(super) fn head_of(key: Key, value: Value) -> Result<(BTreeMap<String, u64>, Parts), String> {
    let mut values = array(value)?.into_iter();
    let (mut counters, mut parts) = (BTreeMap::new(), Parts::new());
    while let (Some(field), Some(value)) = (values.next(), values.next()) {
        let field = bytes(field)?;
        if let Some(part) = layout::part_of(&field) {
            parts.push((part, layout::open_part(key, part, &bytes(value)?)?));
        } else if field != b"o" {
            counters.insert(String::from_utf8_lossy(&field).into_owned(), number(value)?);
        }
    }
    parts.sort_unstable_by_key(|(part, _)| *part);
    Ok((counters, parts))
}

fn committed(commits: &[Commit], outcomes: impl Iterator<Item = Outcome>) -> StoreReply {
    let mut verdicts = Vec::with_capacity(commits.len());
    for (commit, outcome) in commits.iter().zip(outcomes) {
        let verdict = match outcome {
            Ok((value, _)) => text(value),
            Err(error) => return failed(commit.key, error),
        };
        verdicts.push(match verdict.as_deref() {
            Ok("D") => CommitVerdict::Done,
            Ok("F") => CommitVerdict::Fenced,
            Ok("L") => CommitVerdict::TooLarge,
            Ok(other) => return backend(&format!("a commit is answered by {other:?}")),
            Err(what) => return backend(what),
        });
    }
    // What is beyond the limit of a batch was not sent.
    verdicts.resize(commits.len(), CommitVerdict::TooLarge);
    StoreReply::Committed(verdicts)
}

fn failed(key: Key, error: CallError) -> StoreReply {
    match error {
        CallError::Failed(what) => StoreReply::Failed(StoreFailure::Backend(what)),
        CallError::Damaged(what) => damaged(key, what),
    }
}

fn damaged(key: Key, what: String) -> StoreReply {
    tracing::error!(%key, what, "stored value is damaged");
    StoreReply::Failed(StoreFailure::Damaged { key, what })
}

fn backend(what: &str) -> StoreReply {
    StoreReply::Failed(StoreFailure::Backend(String::from(what)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlayerId;

    #[test]
    fn steps_of_one_key_are_in_successive_waves() {
        let keys = [1, 2, 1, 3, 1, 2].map(|id| Key::Player(PlayerId(id)));
        let waves = waves(keys.into_iter().zip(0..));
        let steps: Vec<Vec<i32>> =
            waves.iter().map(|wave| wave.iter().map(|(_, step)| *step).collect()).collect();
        assert_eq!(steps, [vec![0, 1, 3], vec![2, 5], vec![4]]);
    }

    #[test]
    fn a_position_beyond_all_positions_is_damage() {
        let answer = |first: u64| {
            let first = Value::BulkString(first.to_string().into_bytes());
            Value::Array(vec![first, Value::Array(vec![Value::Nil])])
        };
        let key = Key::Player(PlayerId(1));
        assert!(mail(key, answer(u64::MAX)).is_err());
        assert!(mail(key, answer(1)).is_err(), "it is no mail either");
    }
}
