//! What all bots of a run count together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use shared::ids::BattleId;

use crate::bot::Note;

use super::report::{LoadReport, ReplyTimes};
use super::threshold::float;

/// Longest time that is told apart from longer ones, in microseconds: an hour.
const REPLY_US_MAX: u64 = 3_600_000_000;
/// Different causes that are counted; further ones are counted as `other`.
const CAUSES_MAX: usize = 256;

/// Counters of a run. Bots add, the run reads.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) logins: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) disconnects: AtomicU64,
    gifts_sent: AtomicU64,
    gifts_claimed: AtomicU64,
    errors: AtomicU64,
    reply_us: Mutex<Histogram<u64>>,
    /// The same by kind of request, with fewer digits.
    kinds_us: Mutex<BTreeMap<&'static str, Histogram<u64>>>,
    battles: Mutex<BTreeSet<BattleId>>,
    causes: Mutex<BTreeMap<String, u64>>,
    refusals: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            logins: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            disconnects: AtomicU64::new(0),
            gifts_sent: AtomicU64::new(0),
            gifts_claimed: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            reply_us: Mutex::new(histogram(3)),
            kinds_us: Mutex::default(),
            battles: Mutex::default(),
            causes: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    /// Counts what a mind noted. `now_us` is on the clock of its `due_ms`.
    pub(crate) fn note(&self, now_us: u64, note: Note) {
        match note {
            Note::Answered { kind, due_ms } => {
                let took_us = now_us.saturating_sub(due_ms.saturating_mul(1000)).max(1);
                held(&self.reply_us).saturating_record(took_us);
                let mut kinds = held(&self.kinds_us);
                kinds.entry(kind).or_insert_with(|| histogram(2)).saturating_record(took_us);
            }
            Note::GiftSent => add(&self.gifts_sent),
            Note::GiftClaimed => add(&self.gifts_claimed),
            Note::BattleEnded(battle) => {
                held(&self.battles).insert(battle);
            }
            Note::Refused { kind, code } => {
                count(&self.refusals, format!("{kind}: {code:?}"));
            }
            Note::Fault(fault) => {
                tracing::debug!(%fault, "a bot met a fault");
                self.error(fault.cause());
            }
        }
    }

    /// Counts an error.
    pub(crate) fn error(&self, cause: String) {
        add(&self.errors);
        count(&self.causes, cause);
    }

    /// The numbers after `seconds` of the run.
    pub(crate) fn report(&self, players: u32, seconds: f64) -> LoadReport {
        let per_s = |count: f64| if seconds > 0.0 { round(count / seconds) } else { 0.0 };
        let clients = f64::from(players.max(1));
        let kinds = held(&self.kinds_us);
        let kinds = kinds.iter().map(|(kind, us)| (*kind, times(us), us.len())).collect();
        let reply_us = held(&self.reply_us);
        LoadReport {
            players,
            logins: self.logins.load(Relaxed),
            requests: reply_us.len(),
            reply_ms: times(&reply_us),
            snapshots_per_s: per_s(float(self.snapshots.load(Relaxed))),
            bytes_per_client_s: per_s(float(self.bytes.load(Relaxed)) / clients),
            battles_finished: u64::try_from(held(&self.battles).len()).unwrap_or(u64::MAX),
            gifts_sent: self.gifts_sent.load(Relaxed),
            gifts_claimed: self.gifts_claimed.load(Relaxed),
            errors: self.errors.load(Relaxed),
            thresholds_failed: Vec::new(),
            causes: held(&self.causes).clone(),
            refusals: held(&self.refusals).clone(),
            disconnects: self.disconnects.load(Relaxed),
            kinds,
        }
    }
}

fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, REPLY_US_MAX, digits)
        .expect("the bounds are constants that the histogram allows")
}

fn times(us: &Histogram<u64>) -> ReplyTimes {
    if us.is_empty() {
        return ReplyTimes::default();
    }
    let at = |share| round(float(us.value_at_quantile(share)) / 1000.0);
    ReplyTimes { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: round(float(us.max()) / 1000.0) }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

fn count(counts: &Mutex<BTreeMap<String, u64>>, cause: String) {
    let mut counts = held(counts);
    let known = counts.contains_key(&cause) || counts.len() < CAUSES_MAX;
    let cause = if known { cause } else { String::from("other") };
    *counts.entry(cause).or_default() += 1;
}

/// Nothing that is done under these locks can leave a count half made.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Three digits after the point are all that was measured.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::Fault;

    #[test]
    fn replies_count_from_the_moment_they_were_due() {
        let tally = Tally::new();
        tally.note(1_005_000, Note::Answered { kind: "ping", due_ms: 1_000 });
        tally.note(4_000_000, Note::Answered { kind: "ping", due_ms: 1_000 });
        let report = tally.report(1, 1.0);
        assert_eq!(report.requests, 2);
        assert!((report.reply_ms.p50 - 5.0).abs() < 0.1, "{report:?}");
        assert!((report.reply_ms.max - 3000.0).abs() < 3.0, "{report:?}");
        let kinds: Vec<_> = report.kinds.iter().map(|(kind, _, count)| (*kind, *count)).collect();
        assert_eq!(kinds, [("ping", 2)]);
    }

    #[test]
    fn a_battle_that_many_saw_end_counts_once() {
        let tally = Tally::new();
        for battle in [1, 2, 1, 1] {
            tally.note(0, Note::BattleEnded(BattleId(battle)));
        }
        assert_eq!(tally.report(4, 1.0).battles_finished, 2);
    }

    #[test]
    fn faults_are_errors_by_cause_and_expected_refusals_are_not() {
        let tally = Tally::new();
        tally.note(0, Note::Fault(Fault::WrongReply { kind: "ping" }));
        let code = shared::msg::refusal::RefusalCode::NameTaken;
        tally.note(0, Note::Refused { kind: "found_guild", code });
        let report = tally.report(1, 1.0);
        assert_eq!(report.errors, 1);
        assert_eq!(report.causes.get("ping: wrong reply"), Some(&1));
        assert_eq!(report.refusals.get("found_guild: NameTaken"), Some(&1));
    }

    #[test]
    fn an_empty_run_has_an_empty_report() {
        assert_eq!(Tally::new().report(3, 0.0), LoadReport { players: 3, ..LoadReport::default() });
    }
}
