//! The simulated store: the real rules over rows in memory, with the ways in which a server
//! fails: late, away, cut off, killed before the last writes were durable.
//!
//! Requests of a handle are carried out and answered in order. An answer is given when what was
//! asked is durable; a request whose answer does not come fails, and may or may not have been
//! carried out: at once, or long after its asker has given up.

use std::collections::{BTreeMap, VecDeque};

use shared::ids::{Address, Epoch, Key, Version};
use shared::limits::{MAIL_BYTES_MAX, OUTBOX_ENTRIES_MAX};
use shared::msg::mail::Mail;
use shared::store::memory::MemoryStore;
use shared::store::rules::{Head, OutboxEntry, Rows};
use shared::store::{Commit, CommitVerdict, OpId, StoreFailure, StoreReply, StoreRequest};
use shared::wire;

use super::board::Board;
use super::checks::Broken;

/// What is stored, and what of it would survive.
#[derive(Debug, Default)]
pub(super) struct SimStore {
    rows: MemoryStore,
    /// As of the last sync.
    durable: MemoryStore,
    /// What was carried out since.
    log: Vec<Logged>,
    /// Answers that wait for the next sync.
    waiting: Vec<Answer>,
    /// Everybody's leases.
    pub(super) board: Board,
    /// Counts its lives, so that what was under way in an earlier one is recognised.
    pub(super) life: u64,
    /// Nobody reaches it until then.
    pub(super) away_until_us: u64,
    /// Everything takes longer until then.
    pub(super) slow_until_us: u64,
    owners: BTreeMap<Key, (Epoch, Address)>,
    versions: BTreeMap<Key, Version>,
    results: BTreeMap<(Key, Key), u64>,
}

#[derive(Debug)]
struct Logged {
    by: Address,
    request: StoreRequest,
    torn: bool,
}

/// An answer on its way to a handle.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whose request it was.
    pub(super) by: Address,
    /// Which one.
    pub(super) op: OpId,
    /// The answer.
    pub(super) reply: StoreReply,
}

impl SimStore {
    /// Whether somebody reaches it.
    pub(super) const fn is_there(&self, now_us: u64) -> bool {
        now_us >= self.away_until_us
    }

    /// Carries a request out; the answer waits for [`SimStore::sync`]. With `torn`, a relay step
    /// ends between delivery and removal and is not answered properly.
    ///
    /// # Errors
    /// What the store itself was told that must not be.
    pub(super) fn take(
        &mut self,
        by: Address,
        op: OpId,
        request: StoreRequest,
        torn: bool,
    ) -> Result<&StoreReply, Broken> {
        let mut reply = carry_out(&mut self.rows, &request, torn);
        self.watch(by, &request, &reply)?;
        if torn && matches!(request, StoreRequest::Relay { .. }) {
            reply = failed("the connection broke");
        }
        if changes(&request) {
            self.log.push(Logged { by, request, torn });
        }
        self.waiting.push(Answer { by, op, reply });
        Ok(self.waiting.last().map_or(&StoreReply::Released, |answer| &answer.reply))
    }

    /// Carries out what its asker has given up long ago.
    ///
    /// # Errors
    /// As [`SimStore::take`].
    pub(super) fn take_late(&mut self, by: Address, request: StoreRequest) -> Result<(), Broken> {
        let reply = carry_out(&mut self.rows, &request, false);
        self.watch(by, &request, &reply)?;
        if changes(&request) {
            self.log.push(Logged { by, request, torn: false });
        }
        Ok(())
    }

    /// Makes everything durable and gives the answers that waited for it.
    pub(super) fn sync(&mut self) -> Vec<Answer> {
        for Logged { request, torn, .. } in self.log.drain(..) {
            carry_out(&mut self.durable, &request, torn);
        }
        std::mem::take(&mut self.waiting)
    }

    /// The process is killed: of what was not durable, `kept` requests are there all the same.
    /// Those whose answers waited get none.
    pub(super) fn crash(&mut self, kept: usize) -> Vec<Answer> {
        let log = std::mem::take(&mut self.log);
        let mut survived = Vec::new();
        for (index, Logged { by, request, torn }) in log.into_iter().enumerate() {
            if index < kept {
                let reply = carry_out(&mut self.durable, &request, torn);
                survived.push((by, request, reply));
            }
        }
        self.rows = self.durable.clone();
        self.life += 1;
        self.forget_what_was_lost();
        std::mem::take(&mut self.waiting)
    }

    /// How many requests are not durable.
    pub(super) fn at_risk(&self) -> usize {
        self.log.len()
    }

    /// What is stored.
    pub(super) const fn rows(&mut self) -> &mut MemoryStore {
        &mut self.rows
    }

    /// Watches with its own book that nobody commits who does not own.
    fn watch(
        &mut self,
        by: Address,
        request: &StoreRequest,
        reply: &StoreReply,
    ) -> Result<(), Broken> {
        match (request, reply) {
            (StoreRequest::Claim { key, .. }, StoreReply::Claimed(record)) => {
                let before = self.owners.insert(*key, (record.epoch, by));
                if let Some((epoch, owner)) = before.filter(|(epoch, _)| *epoch >= record.epoch) {
                    let what = format!(
                        "{by} claimed {key} in epoch {}, after {owner} in epoch {}",
                        record.epoch.0, epoch.0
                    );
                    return Err(Broken::new("epochs grow", what));
                }
                self.versions.insert(*key, record.version);
            }
            (StoreRequest::Commit(commits), StoreReply::Committed(verdicts)) => {
                for (commit, verdict) in commits.iter().zip(verdicts) {
                    if *verdict == CommitVerdict::Done {
                        self.watch_commit(by, commit)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn watch_commit(&mut self, by: Address, commit: &Commit) -> Result<(), Broken> {
        let key = commit.key;
        let owner = self.owners.get(&key).copied();
        if owner != Some((commit.epoch, by)) {
            let what = format!("{by} committed {key} in epoch {}, owner {owner:?}", commit.epoch.0);
            return Err(Broken::new("one owner", what));
        }
        let version = self.versions.entry(key).or_default();
        if *version != commit.version {
            let what = format!("{key} has version {}, commit {}", version.0, commit.version.0);
            return Err(Broken::new("versions follow each other", what));
        }
        *version = Version(version.0 + 1);
        let Key::Battle(_) = key else { return Ok(()) };
        for post in &commit.posts {
            let mail = wire::decode(&post.mail, MAIL_BYTES_MAX);
            if let Ok(Mail::BattleResult { .. }) = mail {
                let times = self.results.entry((key, post.target)).or_default();
                *times += 1;
                if *times > 1 {
                    let what = format!("{key} gave {} its result twice", post.target);
                    return Err(Broken::new("a battle ends once", what));
                }
            }
        }
        Ok(())
    }

    /// After a crash the own books begin with what is stored.
    fn forget_what_was_lost(&mut self) {
        let rows = &self.rows;
        let head = |key: &Key| rows.head(*key).unwrap_or_default();
        for (key, owned) in &mut self.owners {
            let Head { epoch, owner, .. } = head(key);
            *owned = (epoch, owner.unwrap_or(owned.1));
        }
        for (key, version) in &mut self.versions {
            *version = head(key).version;
        }
        self.results.clear();
    }
}

/// A handle: what one role has asked and not heard of yet, in order.
#[derive(Debug, Default)]
pub(super) struct Handle {
    asked: VecDeque<(OpId, Option<StoreReply>)>,
    /// When the last request arrives at the store.
    pub(super) arrives_us: u64,
    /// When the last answer arrives here.
    pub(super) answered_us: u64,
}

impl Handle {
    /// Notes a request.
    pub(super) fn ask(&mut self, op: OpId) {
        self.asked.push_back((op, None));
    }

    /// How many requests wait.
    pub(super) fn waiting(&self) -> usize {
        self.asked.len()
    }

    /// Takes an answer, unless the request was given up.
    pub(super) fn answer(&mut self, op: OpId, reply: StoreReply) {
        let open = self.asked.iter_mut().find(|(asked, _)| *asked == op);
        if let Some((_, answer @ None)) = open {
            *answer = Some(reply);
        }
    }

    /// The oldest request's answer, if it is there.
    pub(super) fn next(&mut self) -> Option<(OpId, StoreReply)> {
        self.asked.front()?.1.as_ref()?;
        self.asked.pop_front().and_then(|(op, reply)| Some((op, reply?)))
    }
}

/// What a request gets that was not answered.
pub(super) fn failed(why: &str) -> StoreReply {
    StoreReply::Failed(StoreFailure::Backend(String::from(why)))
}

const fn changes(request: &StoreRequest) -> bool {
    match request {
        StoreRequest::Claim { .. }
        | StoreRequest::Commit(_)
        | StoreRequest::Release { .. }
        | StoreRequest::Relay { .. } => true,
        StoreRequest::ReadOwner { .. }
        | StoreRequest::PeekMail { .. }
        | StoreRequest::PendingOutboxes { .. }
        | StoreRequest::ListGuilds { .. } => false,
    }
}

fn carry_out(rows: &mut MemoryStore, request: &StoreRequest, torn: bool) -> StoreReply {
    let StoreRequest::Relay { source } = request else { return rows.apply(request) };
    if !torn {
        return rows.apply(request);
    }
    let limit = usize::try_from(OUTBOX_ENTRIES_MAX).unwrap_or(usize::MAX);
    let before = rows.outbox(*source, limit).unwrap_or_default();
    let reply = rows.apply(request);
    put_back(rows, *source, &before);
    reply
}

/// Undoes the removal of a relay step, and only that.
fn put_back(rows: &mut MemoryStore, source: Key, before: &[OutboxEntry]) {
    let mut head = rows.head(source).unwrap_or_default();
    head.outbox_entries = u64::try_from(before.len()).unwrap_or(0);
    let put = before.iter().try_for_each(|entry| rows.put_outbox(source, entry));
    put.and_then(|()| rows.set_head(source, &head)).expect("rows in memory can be written");
}
