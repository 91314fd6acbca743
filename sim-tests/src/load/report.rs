//! What a load run found, for programs and for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::threshold::Threshold;

/// Kinds of requests that the breakdown shows, the slowest ones.
const SLOWEST_SHOWN: usize = 5;

/// The numbers of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Bots of the run.
    pub players: u32,
    /// Logins that succeeded, those after a lost connection included.
    pub logins: u64,
    /// Requests that got their final answer.
    pub requests: u64,
    /// Time from the moment a request was to be sent to its final answer.
    pub reply_ms: ReplyTimes,
    /// Snapshots that all bots together got, per second of the run.
    pub snapshots_per_s: f64,
    /// Bytes on the wire in both directions, per bot and second.
    pub bytes_per_client_s: f64,
    /// Battles that were seen to end, each counted once.
    pub battles_finished: u64,
    /// Gifts that were taken out of a bag and are on their way.
    pub gifts_sent: u64,
    /// Gifts that were claimed out of a letter.
    pub gifts_claimed: u64,
    /// Everything that must not happen; [`LoadReport::causes`] breaks it down.
    pub errors: u64,
    /// Thresholds that were not met, as they were written.
    pub thresholds_failed: Vec<String>,
    /// How often each error happened.
    #[serde(skip)]
    pub causes: BTreeMap<String, u64>,
    /// How often requests were refused in ways that belong to the game or passed.
    #[serde(skip)]
    pub refusals: BTreeMap<String, u64>,
    /// Connections that were lost; errors only if the run does not tolerate them.
    #[serde(skip)]
    pub disconnects: u64,
    /// Times and number of answers by kind of request.
    #[serde(skip)]
    pub kinds: Vec<(&'static str, ReplyTimes, u64)>,
}

/// Milliseconds by share of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyTimes {
    /// Half of all were answered in this time.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// Ninety-nine of a hundred.
    pub p99: f64,
    /// All.
    pub max: f64,
}

impl LoadReport {
    /// Enters which thresholds are not met. Returns whether all are.
    pub fn judge(&mut self, thresholds: &[Threshold]) -> bool {
        let failed = thresholds.iter().filter(|threshold| !threshold.holds(self));
        self.thresholds_failed = failed.map(ToString::to_string).collect();
        self.thresholds_failed.is_empty()
    }

    /// The report as a short table with a verdict in its last line.
    #[must_use]
    pub fn table(&self, thresholds: &[Threshold]) -> String {
        let times = &self.reply_ms;
        let rows = [
            ("players", self.players.to_string()),
            ("logins", self.logins.to_string()),
            ("requests", self.requests.to_string()),
            ("reply p50", format!("{:.1} ms", times.p50)),
            ("reply p90", format!("{:.1} ms", times.p90)),
            ("reply p99", format!("{:.1} ms", times.p99)),
            ("reply max", format!("{:.1} ms", times.max)),
            ("snapshots", format!("{:.0} /s", self.snapshots_per_s)),
            ("traffic per client", format!("{:.0} B/s", self.bytes_per_client_s)),
            ("battles finished", self.battles_finished.to_string()),
            ("gifts sent", self.gifts_sent.to_string()),
            ("gifts claimed", self.gifts_claimed.to_string()),
            ("errors", self.errors.to_string()),
        ];
        let mut table = String::new();
        let width = rows.iter().map(|(_, value)| value.len()).max().unwrap_or(0);
        for (name, value) in rows {
            // Writing into a string cannot fail.
            let _ = writeln!(table, "  {name:<20}{value:>width$}");
        }
        table.push_str(&self.verdict(thresholds));
        table
    }

    /// What went wrong and how often, worst first, and which requests took longest.
    #[must_use]
    pub fn breakdown(&self) -> String {
        let mut text = String::new();
        for (title, counts) in [("errors", &self.causes), ("refusals", &self.refusals)] {
            let mut counts: Vec<_> = counts.iter().collect();
            counts.sort_by_key(|(cause, count)| (std::cmp::Reverse(**count), (*cause).clone()));
            for (cause, count) in counts {
                let _ = writeln!(text, "{title}: {count:>8}  {cause}");
            }
        }
        if self.disconnects > 0 {
            let _ = writeln!(text, "lost connections: {}", self.disconnects);
        }
        let mut kinds = self.kinds.clone();
        kinds.sort_by(|(_, one, _), (_, other, _)| other.p99.total_cmp(&one.p99));
        for (kind, times, count) in kinds.iter().take(SLOWEST_SHOWN) {
            let (p50, p99) = (times.p50, times.p99);
            let _ =
                writeln!(text, "slowest: {kind} p50 {p50:.1} ms, p99 {p99:.1} ms, {count} times");
        }
        text
    }

    fn verdict(&self, thresholds: &[Threshold]) -> String {
        let failed: Vec<_> = thresholds
            .iter()
            .filter(|threshold| !threshold.holds(self))
            .map(|threshold| format!("{threshold} (was {})", threshold.measured(self)))
            .collect();
        if !failed.is_empty() {
            return format!("verdict: FAILED {}\n", failed.join(", "));
        }
        match thresholds.len() {
            0 => format!("verdict: {} errors, no thresholds given\n", self.errors),
            1 => String::from("verdict: passed, the threshold is met\n"),
            met => format!("verdict: passed, all {met} thresholds are met\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> LoadReport {
        LoadReport {
            players: 20,
            logins: 21,
            requests: 12_345,
            reply_ms: ReplyTimes { p50: 5.25, p90: 9.0, p99: 31.0, max: 80.5 },
            snapshots_per_s: 199.6,
            bytes_per_client_s: 5_000.4,
            battles_finished: 2,
            gifts_sent: 7,
            gifts_claimed: 6,
            errors: 1,
            thresholds_failed: Vec::new(),
            causes: BTreeMap::from([(String::from("disconnect"), 1)]),
            refusals: BTreeMap::from([
                (String::from("queue: InQueue"), 3),
                (String::from("found_guild: NameTaken"), 9),
            ]),
            disconnects: 1,
            kinds: vec![
                ("ping", ReplyTimes { p50: 1.0, p99: 2.0, ..ReplyTimes::default() }, 9),
                ("queue", ReplyTimes { p50: 3.0, p99: 4.25, ..ReplyTimes::default() }, 8),
            ],
        }
    }

    fn thresholds(texts: &[&str]) -> Vec<Threshold> {
        texts.iter().map(|text| text.parse().expect("a condition")).collect()
    }

    #[test]
    fn programs_get_exactly_the_promised_keys() {
        let json = serde_json::to_value(report()).expect("a report is plain data");
        let keys: Vec<_> = json.as_object().expect("an object").keys().cloned().collect();
        let mut expected = [
            "players",
            "logins",
            "requests",
            "reply_ms",
            "snapshots_per_s",
            "bytes_per_client_s",
            "battles_finished",
            "gifts_sent",
            "gifts_claimed",
            "errors",
            "thresholds_failed",
        ];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        let times = json["reply_ms"].as_object().expect("an object").keys();
        assert_eq!(times.collect::<Vec<_>>(), ["max", "p50", "p90", "p99"]);
    }

    #[test]
    fn people_get_an_aligned_table_with_a_verdict_at_its_end() {
        let table = report().table(&thresholds(&["reply_p99<60ms", "errors==0"]));
        let lines: Vec<_> = table.lines().collect();
        let (verdict, rows) = lines.split_last().expect("the table has lines");
        assert_eq!(*verdict, "verdict: FAILED errors==0 (was 1)");
        assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()), "{table}");
        assert!(rows.iter().any(|row| row.starts_with("  reply p99") && row.ends_with("31.0 ms")));
        let passed = report().table(&thresholds(&["reply_p99<60ms"]));
        assert!(passed.ends_with("verdict: passed, the threshold is met\n"));
    }

    #[test]
    fn failed_thresholds_are_entered_as_they_were_written() {
        let mut report = report();
        assert!(!report.judge(&thresholds(&["errors==0", "logins>=1", "reply_max < 80ms"])));
        assert_eq!(report.thresholds_failed, ["errors==0", "reply_max < 80ms"]);
        assert!(report.judge(&thresholds(&["logins>=1"])));
        assert!(report.thresholds_failed.is_empty());
    }

    #[test]
    fn the_breakdown_begins_with_what_happened_most() {
        let expected = "errors:        1  disconnect\nrefusals:        9  \
                        found_guild: NameTaken\nrefusals:        3  queue: InQueue\n\
                        lost connections: 1\n\
                        slowest: queue p50 3.0 ms, p99 4.2 ms, 8 times\n\
                        slowest: ping p50 1.0 ms, p99 2.0 ms, 9 times\n";
        assert_eq!(report().breakdown(), expected);
    }
}
